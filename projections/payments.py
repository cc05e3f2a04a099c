"""The `payments` projection: payments, and each movement of money between customers and organizers.

The cancellation of an Event makes all of its payments owed by one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import RecordedEntry
from projections.tables import Id, MinorUnits, Model, Position, String, Timestamp, insert, update


class Payment(Model):
    """A payment that was received. `position`: of its entry. Amounts are in minor units of `currency`: `owed` is what of it became
    owed to the customer, `paid_back` what of that was paid."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("owed BETWEEN 0 AND amount", name="owed_within_amount"),
        CheckConstraint("paid_back BETWEEN 0 AND owed", name="paid_back_within_owed"),
        Index(None, "booking_id"),
        Index(None, "event_id", "position"),
        Index("ix_payments_refund_due", "event_id", "position", postgresql_where=text("paid_back < owed")),
    )

    payment_id: Mapped[Id] = mapped_column(primary_key=True)
    position: Mapped[Position] = mapped_column(unique=True)
    event_id: Mapped[Id]
    booking_id: Mapped[Id]
    method: Mapped[String]
    amount: Mapped[MinorUnits]
    currency: Mapped[String]
    reference: Mapped[String]
    received_at: Mapped[Timestamp]
    owed: Mapped[MinorUnits]
    paid_back: Mapped[MinorUnits]


class MoneyMovement(Model):
    """One entry about money: `received`, `owed` back or `paid-back`. `amount`: in minor units of the event's currency. `method` and
    `reference` are empty for what is only owed, `reason` for all else. `actor`: who has recorded it."""

    __tablename__ = "money_movements"
    __table_args__ = (
        CheckConstraint("kind IN ('received', 'owed', 'paid-back')", name="kind"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(None, "booking_id", "position"),
    )

    position: Mapped[Position] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[Id]
    booking_id: Mapped[Id]
    payment_id: Mapped[Id]
    kind: Mapped[String]
    amount: Mapped[MinorUnits]
    method: Mapped[String]
    reference: Mapped[String]
    reason: Mapped[String]
    at: Mapped[Timestamp]
    actor: Mapped[Id | None]


class _Batch:
    def __init__(self) -> None:
        self.payments: list[dict[str, Any]] = []
        self.movements: list[dict[str, Any]] = []
        self.changes: dict[UUID, dict[str, Any]] = {}
        self.cancelled: list[UUID] = []

    def add(self, recorded: RecordedEntry) -> None:
        match recorded.entry:
            case e.PaymentReceived() as entry:
                self.payments.append(_payment(recorded, entry))
                self._move(recorded, entry, "received", method=entry.method, reference=entry.reference)
            case e.RefundOwed() as entry:
                self._change(entry.payment_id, owed=entry.amount)
                self._move(recorded, entry, "owed", reason=entry.reason)
            case e.RefundPaid() as entry:
                self._change(entry.payment_id, paid_back=entry.amount)
                self._move(recorded, entry, "paid-back", method=entry.method, reference=entry.reference)
            case e.EventCancelled():
                self.cancelled.append(recorded.stream)

    def _change(self, payment_id: UUID, owed: int = 0, paid_back: int = 0) -> None:
        change = self.changes.setdefault(payment_id, {"payment_id": payment_id, "owed": 0, "paid_back": 0})
        change["owed"] += owed
        change["paid_back"] += paid_back

    def _move(
        self, recorded: RecordedEntry, entry: e.PaymentReceived | e.RefundOwed | e.RefundPaid, kind: str, *,
        method: str = "", reference: str = "", reason: str = "",
    ) -> None:  # fmt: skip
        self.movements.append(
            {
                "position": recorded.position, "event_id": recorded.stream, "booking_id": entry.booking_id,
                "payment_id": entry.payment_id, "kind": kind, "amount": entry.amount, "method": method, "reference": reference,
                "reason": reason, "at": entry.at, "actor": entry.actor,
            }
        )  # fmt: skip

    def write(self, connection: Connection) -> None:
        """New rows first. What becomes owed by the cancellation of an Event comes before what was paid of that."""
        insert(connection, Payment, self.payments)
        insert(connection, MoneyMovement, self.movements)
        if self.cancelled:
            connection.execute(_OWE_ALL, {"event_ids": self.cancelled})
        update(
            connection,
            Payment,
            "owed = least(payments.owed + changed.owed, payments.amount), paid_back = payments.paid_back + changed.paid_back",
            "payments.payment_id = changed.payment_id",
            list(self.changes.values()),
        )


_OWE_ALL = text("UPDATE payments SET owed = amount WHERE event_id = ANY (:event_ids) AND owed < amount")


class PaymentsProjector:
    name = "payments"
    version = 1
    is_by_event = True
    tables = (Payment, MoneyMovement)
    handles: frozenset[type[e.Entry]] = frozenset((e.PaymentReceived, e.RefundOwed, e.RefundPaid, e.EventCancelled))

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        collected = _Batch()
        for recorded in batch:
            if type(recorded.entry) in self.handles:
                collected.add(recorded)
        collected.write(connection)


def _payment(recorded: RecordedEntry, entry: e.PaymentReceived) -> dict[str, Any]:
    return {
        "payment_id": entry.payment_id, "position": recorded.position, "event_id": recorded.stream, "booking_id": entry.booking_id,
        "method": entry.method, "amount": entry.amount, "currency": entry.currency, "reference": entry.reference,
        "received_at": entry.at, "owed": 0, "paid_back": 0,
    }  # fmt: skip
