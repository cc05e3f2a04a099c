"""The `codes` projection: batches of promo codes, how often they were used, and what was sold with them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, CheckConstraint, Connection, SmallInteger, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.code_batches import covers
from ledger.entries import RecordedEntry
from projections.tables import CategoryNumber, Id, MinorUnits, Model, String, Timestamp, is_any_of, table_of, upsert


class CodeBatchSales(Model):
    """A batch of promo codes (ledger/code_batches.py). `held`, `booked`, `cancelled`: tickets that were ordered with its codes, of
    the categories that these are for; those that are cancelled are booked, too. Amounts are those of the booked ones: `gross`, what
    they cost; `discount`, what was taken off; `refunded`."""

    __tablename__ = "code_batches"
    __table_args__ = (
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("cancelled BETWEEN 0 AND booked", name="cancelled_within_booked"),
        CheckConstraint("refunded BETWEEN 0 AND gross", name="refunded_within_gross"),
        CheckConstraint("booked - cancelled + held <= count::BIGINT * max_tickets", name="never_overused"),
    )

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    batch: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    effect: Mapped[String]
    value: Mapped[MinorUnits]
    count: Mapped[int]
    max_tickets: Mapped[int]
    categories: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    valid_from: Mapped[Timestamp | None]
    valid_until: Mapped[Timestamp | None]
    prefix: Mapped[String]
    word: Mapped[String]
    made_at: Mapped[Timestamp]
    withdrawn_at: Mapped[Timestamp | None]
    held: Mapped[int]
    booked: Mapped[int]
    cancelled: Mapped[int]
    discount: Mapped[MinorUnits]
    gross: Mapped[MinorUnits]
    refunded: Mapped[MinorUnits]


class CodeHold(Model):
    """An open hold with a promo code, and how many of its seats the code is for."""

    __tablename__ = "code_holds"

    hold_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[Id] = mapped_column(index=True)
    batch: Mapped[CategoryNumber]
    tickets: Mapped[int]


class _Batch(msgspec.Struct):
    """The row of a batch."""

    effect: str
    value: int
    count: int
    max_tickets: int
    categories: list[int]
    valid_from: datetime | None
    valid_until: datetime | None
    prefix: str
    word: str
    made_at: datetime
    withdrawn_at: datetime | None = None
    held: int = 0
    booked: int = 0
    cancelled: int = 0
    discount: int = 0
    gross: int = 0
    refunded: int = 0

    def covers(self, category: int) -> bool:
        return covers(self.categories, category)

    def tickets(self, lines: Sequence[e.Line] | Sequence[e.CancelledLine]) -> int:
        return sum(line.quantity for line in lines if self.covers(line.category))


class _Rows:
    """The rows that a batch of entries is about. `changed`: keys of batches. `ended`: ids of holds whose rows are deleted;
    `emptied`: ids of events of which all are."""

    def __init__(self, batches: dict[tuple[UUID, int], _Batch], holds: dict[UUID, tuple[UUID, int, int]]) -> None:
        self.batches, self.holds = batches, holds
        self.changed, self.ended, self.emptied = set[tuple[UUID, int]](), set[UUID](), set[UUID]()

    def change(self, event_id: UUID, batch: int) -> _Batch:
        self.changed.add((event_id, batch))
        return self.batches[event_id, batch]

    def end_hold(self, hold_id: UUID) -> None:
        held = self.holds.pop(hold_id, None)
        if held is not None:  # it has a code
            event_id, batch, tickets = held
            self.change(event_id, batch).held -= tickets
            self.ended.add(hold_id)

    def end_holds(self, event_id: UUID) -> None:
        """All of the event."""
        for hold_id in [id_ for id_, (held_at, _, _) in self.holds.items() if held_at == event_id]:
            self.end_hold(hold_id)
        for of_event, number in self.batches:
            if of_event == event_id:
                self.change(event_id, number).held = 0
        self.emptied.add(event_id)


def _make(rows: _Rows, event_id: UUID, entry: e.CodesMade) -> None:
    made = entry.batch
    rows.changed.add((event_id, made.number))
    rows.batches[event_id, made.number] = _Batch(
        made.effect, made.value, made.count, made.max_tickets, list(made.categories), made.valid_from, made.valid_until,
        made.prefix, made.word, entry.at,
    )  # fmt: skip


def _withdraw(rows: _Rows, event_id: UUID, entry: e.CodesWithdrawn) -> None:
    rows.change(event_id, entry.batch).withdrawn_at = entry.at


def _hold(rows: _Rows, event_id: UUID, entry: e.SeatsHeld) -> None:
    if entry.code is not None:
        batch = rows.change(event_id, entry.code.batch)
        tickets = batch.tickets(entry.lines)
        batch.held += tickets
        rows.holds[entry.command] = event_id, entry.code.batch, tickets


def _release(rows: _Rows, event_id: UUID, entry: e.HoldReleased) -> None:
    rows.end_hold(entry.hold_id)


def _lapse(rows: _Rows, event_id: UUID, entry: e.HoldsLapsed) -> None:
    for hold_id in entry.hold_ids:
        rows.end_hold(hold_id)


def _book(rows: _Rows, event_id: UUID, entry: e.SeatsBooked) -> None:
    if entry.code is None:
        return
    if entry.hold_id is not None:
        rows.end_hold(entry.hold_id)
    batch = rows.change(event_id, entry.code.batch)
    batch.booked += batch.tickets(entry.lines)
    for line, amount in zip(entry.lines, entry.line_amounts, strict=True):
        if batch.covers(line.category):
            batch.gross += amount
            batch.discount += line.quantity * line.unit_price - amount


def _cancel_booking(rows: _Rows, event_id: UUID, entry: e.BookingCancelled) -> None:
    if entry.code is not None:
        batch = rows.change(event_id, entry.code.batch)
        batch.cancelled += batch.tickets(entry.lines)
        batch.refunded += sum(line.refund for line in entry.lines if batch.covers(line.category))


def _complete_event(rows: _Rows, event_id: UUID, entry: e.EventCompleted) -> None:
    rows.end_holds(event_id)


def _cancel_event(rows: _Rows, event_id: UUID, entry: e.EventCancelled) -> None:
    rows.end_holds(event_id)
    for (of_event, _), batch in rows.batches.items():
        if of_event == event_id:
            batch.cancelled, batch.refunded = batch.booked, batch.gross


_HANDLERS: dict[type[e.Entry], Callable[[_Rows, UUID, Any], None]] = {
    e.CodesMade: _make,
    e.CodesWithdrawn: _withdraw,
    e.SeatsHeld: _hold,
    e.HoldReleased: _release,
    e.HoldsLapsed: _lapse,
    e.SeatsBooked: _book,
    e.BookingCancelled: _cancel_booking,
    e.EventCancelled: _cancel_event,
    e.EventCompleted: _complete_event,
}


class CodesProjector:
    name = "codes"
    version = 1
    is_by_event = True
    tables = (CodeBatchSales, CodeHold)
    handles: frozenset[type[e.Entry]] = frozenset(_HANDLERS)

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """Most entries are about no code: where all are, nothing is read."""
        about = [recorded for recorded in batch if _may_be_about_codes(recorded.entry)]
        if not about:
            return
        rows = _read(connection, about)
        before = set(rows.holds)
        for recorded in about:
            _HANDLERS[type(recorded.entry)](rows, recorded.stream, recorded.entry)
        batches = ((event_id, number, rows.batches[event_id, number]) for event_id, number in sorted(rows.changed))
        changed = [{"event_id": id_, "batch": number, **msgspec.structs.asdict(batch)} for id_, number, batch in batches]
        upsert(connection, CodeBatchSales, changed)
        for column, ids in ((CodeHold.hold_id, rows.ended & before), (CodeHold.event_id, rows.emptied)):
            if ids:
                connection.execute(delete(CodeHold).where(is_any_of(column, "ids")), {"ids": list(ids)})
        held = [
            {"hold_id": id_, "event_id": event_id, "batch": number, "tickets": tickets}
            for id_, (event_id, number, tickets) in rows.holds.items()
            if id_ not in before
        ]
        upsert(connection, CodeHold, held)


def _may_be_about_codes(entry: e.Entry) -> bool:
    match entry:
        case e.SeatsHeld() | e.SeatsBooked() | e.BookingCancelled():
            return entry.code is not None
    return type(entry) in _HANDLERS


_b, _h = table_of(CodeBatchSales).c, table_of(CodeHold).c
_BATCHES = select(*_b).where(is_any_of(CodeBatchSales.event_id, "event_ids")).order_by(_b.event_id, _b.batch)
_HOLDS = select(_h.hold_id, _h.event_id, _h.batch, _h.tickets).where(is_any_of(CodeHold.hold_id, "hold_ids"))


def _read(connection: Connection, about: Sequence[RecordedEntry]) -> _Rows:
    """The batches of the entries' events, and those holds that the entries end."""
    event_ids = {recorded.stream for recorded in about}
    found = connection.execute(_BATCHES, {"event_ids": list(event_ids)})
    batches = {(event_id, number): _Batch(*values) for event_id, number, *values in found}
    hold_ids = [id_ for recorded in about for id_ in _ended_by(recorded.entry)]
    held = connection.execute(_HOLDS, {"hold_ids": hold_ids}) if batches and hold_ids else ()
    return _Rows(batches, {hold_id: (event_id, batch, tickets) for hold_id, event_id, batch, tickets in held})


def _ended_by(entry: e.Entry) -> tuple[UUID, ...]:
    """The holds that an entry ends by name."""
    match entry:
        case e.HoldsLapsed(hold_ids=hold_ids):
            return hold_ids
        case e.HoldReleased(hold_id=hold_id):
            return (hold_id,)
        case e.SeatsBooked(hold_id=hold_id) if hold_id is not None:
            return (hold_id,)
    return ()
