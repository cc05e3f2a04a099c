"""The `payments` projection: payments, those that were only started, refunds, and each movement of money between customers and
organizers.

The cancellation of an Event makes all of its payments owed by one statement."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.booking_money import ONLINE_METHODS
from ledger.entries import RecordedEntry
from projections.tables import Id, MinorUnits, Model, Position, String, Timestamp, insert, update


class Payment(Model):
    """A payment that was received. `position`: of its entry. Amounts are in minor units of `currency`: `owed` is what of it became
    owed to the customer, `paid_back` what of that was paid. `booking_id`: its own id, where nothing could be booked.
    `failure`: the provider's word for why it could not pay a refund of it; empty: it could."""

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
    failure: Mapped[String]


class StartedPayment(Model):
    """A payment whose provider was asked for this amount, in minor units of the event's currency."""

    __tablename__ = "started_payments"
    __table_args__ = (Index("ix_started_payments_open", "method", "payable_until", postgresql_where=text("NOT is_received")),)

    payment_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[Id]
    hold_id: Mapped[Id]
    customer_id: Mapped[Id | None]
    method: Mapped[String]
    amount: Mapped[MinorUnits]
    started_at: Mapped[Timestamp]
    payable_until: Mapped[Timestamp]
    is_received: Mapped[bool]


class Refund(Model):
    """A refund that is owed by an entry of its own, and what of it was paid, in minor units. One that is owed because its event was
    cancelled has a row only if it failed, with the amount 0."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("paid BETWEEN 0 AND amount", name="paid_within_amount"),
        Index("ix_refunds_open", "payment_id", postgresql_where=text("paid < amount OR failure <> ''")),
    )

    refund_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[Id]
    payment_id: Mapped[Id]
    amount: Mapped[MinorUnits]
    paid: Mapped[MinorUnits]
    failure: Mapped[String]


class MoneyMovement(Model):
    """One entry about money: a payment that was `started` or `received`, a refund that is `owed`, was `paid-back` or has `failed`.
    `amount`: in minor units of the event's currency. `method` and `reference` are empty for what is only owed, `reason` for all
    that is neither owed nor failed. `actor`: who has recorded it."""

    __tablename__ = "money_movements"
    __table_args__ = (
        CheckConstraint("kind IN ('started', 'received', 'owed', 'paid-back', 'failed')", name="kind"),
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
        self.started: list[dict[str, Any]] = []
        self.payments: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self.movements: list[dict[str, Any]] = []
        self.changes: dict[UUID, dict[str, Any]] = {}
        self.paid: Counter[UUID] = Counter()
        self.failed: list[dict[str, Any]] = []
        self.cancelled: list[UUID] = []

    def add(self, recorded: RecordedEntry) -> None:
        match recorded.entry:
            case e.PaymentStarted() as entry:
                self.started.append(_started(recorded, entry))
                self._move(recorded, entry, "started", entry.hold_id, entry.command, method=entry.method)
            case e.PaymentReceived() as entry:
                self.payments.append(_payment(recorded, entry))
                self._move_of(recorded, entry, "received", method=entry.method, reference=entry.reference)
            case e.RefundOwed() as entry:
                self._change(entry.payment_id, owed=entry.amount)
                self.refunds.append(_refund(recorded, entry.refund_id, entry.payment_id, entry.amount))
                self._move_of(recorded, entry, "owed", reason=entry.reason)
            case e.RefundPaid() as entry:
                self._change(entry.payment_id, paid_back=entry.amount)
                self.paid[entry.refund_id] += entry.amount
                self._move_of(recorded, entry, "paid-back", method=entry.method, reference=entry.reference)
            case e.RefundFailed() as entry:
                self._change(entry.payment_id)["failure"] = entry.reason
                self.failed.append({**_refund(recorded, entry.refund_id, entry.payment_id, 0), "failure": entry.reason})
                self._move_of(recorded, entry, "failed", reason=entry.reason)
            case e.EventCancelled():
                self.cancelled.append(recorded.stream)

    def _change(self, payment_id: UUID, owed: int = 0, paid_back: int = 0) -> dict[str, Any]:
        nothing = {"payment_id": payment_id, "owed": 0, "paid_back": 0, "failure": ""}
        change = self.changes.setdefault(payment_id, nothing)
        change["owed"] += owed
        change["paid_back"] += paid_back
        return change

    def _move_of(self, recorded: RecordedEntry, entry: e.PaymentChange, kind: str, **how: str) -> None:
        self._move(recorded, entry, kind, entry.booking_id, entry.payment_id, **how)

    def _move(
        self, recorded: RecordedEntry, entry: e.PaymentChange | e.PaymentStarted, kind: str, booking_id: UUID, payment_id: UUID, *,
        method: str = "", reference: str = "", reason: str = "",
    ) -> None:  # fmt: skip
        self.movements.append(
            {
                "position": recorded.position, "event_id": recorded.stream, "booking_id": booking_id,
                "payment_id": payment_id, "kind": kind, "amount": entry.amount, "method": method, "reference": reference,
                "reason": reason, "at": entry.at, "actor": entry.actor,
            }
        )  # fmt: skip

    def write(self, connection: Connection) -> None:
        """New rows first. What becomes owed by the cancellation of an Event comes before what was paid of that."""
        insert(connection, StartedPayment, self.started)
        insert(connection, Payment, self.payments)
        insert(connection, Refund, self.refunds)
        insert(connection, MoneyMovement, self.movements)
        received = [{"payment_id": payment["payment_id"]} for payment in self.payments if payment["method"] in ONLINE_METHODS]
        update(connection, StartedPayment, "is_received = true", "started_payments.payment_id = changed.payment_id", received)
        if self.cancelled:
            connection.execute(_OWE_ALL, {"event_ids": self.cancelled})
        update(
            connection,
            Payment,
            "owed = least(payments.owed + changed.owed, payments.amount), paid_back = payments.paid_back + changed.paid_back,"
            " failure = CASE changed.failure WHEN '' THEN payments.failure ELSE changed.failure END",
            "payments.payment_id = changed.payment_id",
            list(self.changes.values()),
        )
        if self.paid:
            connection.execute(_PAY, [{"refund_id": refund_id, "paid": amount} for refund_id, amount in self.paid.items()])
        if self.failed:
            connection.execute(_FAIL, self.failed)


_OWE_ALL = text("UPDATE payments SET owed = amount WHERE event_id = ANY (:event_ids) AND owed < amount")
#: Those that the cancellation of an Event owes have no row.
_PAY = text("UPDATE refunds SET paid = paid + :paid WHERE refund_id = :refund_id")
_FAIL = text("""
    INSERT INTO refunds (refund_id, event_id, payment_id, amount, paid, failure)
    VALUES (:refund_id, :event_id, :payment_id, :amount, :paid, :failure)
    ON CONFLICT (refund_id) DO UPDATE SET failure = excluded.failure""")


class PaymentsProjector:
    name = "payments"
    version = 2
    is_by_event = True
    tables = (Payment, StartedPayment, Refund, MoneyMovement)
    handles: frozenset[type[e.Entry]] = frozenset(
        (e.PaymentStarted, e.PaymentReceived, e.RefundOwed, e.RefundPaid, e.RefundFailed, e.EventCancelled)
    )

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        collected = _Batch()
        for recorded in batch:
            if type(recorded.entry) in self.handles:
                collected.add(recorded)
        collected.write(connection)


def _started(recorded: RecordedEntry, entry: e.PaymentStarted) -> dict[str, Any]:
    return {
        "payment_id": entry.command, "event_id": recorded.stream, "hold_id": entry.hold_id, "customer_id": entry.customer_id,
        "method": entry.method, "amount": entry.amount, "started_at": entry.at, "payable_until": entry.payable_until,
        "is_received": False,
    }  # fmt: skip


def _refund(recorded: RecordedEntry, refund_id: UUID, payment_id: UUID, amount: int) -> dict[str, Any]:
    return {
        "refund_id": refund_id, "event_id": recorded.stream, "payment_id": payment_id, "amount": amount, "paid": 0, "failure": "",
    }  # fmt: skip


def _payment(recorded: RecordedEntry, entry: e.PaymentReceived) -> dict[str, Any]:
    return {
        "payment_id": entry.payment_id, "position": recorded.position, "event_id": recorded.stream, "booking_id": entry.booking_id,
        "method": entry.method, "amount": entry.amount, "currency": entry.currency, "reference": entry.reference,
        "received_at": entry.at, "owed": 0, "paid_back": 0, "failure": "",
    }  # fmt: skip
