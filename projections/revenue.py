"""The `revenue` projection: gross and refunded amounts by event, category and hour, in minor units of the event's currency."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.details import Pool
from ledger.entries import RecordedEntry
from projections.tables import CategoryNumber, Id, MinorUnits, Model, Position, String, Timestamp, add, is_any_of, upsert


class RevenueEvent(Model):
    """An event with its bookings. `cancellations`: the number of those that were cancelled as a whole. `pools`: a JSON array of its
    pools, as their entry has them; None without any. `beyond_pools`: the seats of its categories that can't be sold for them.
    The last four are about bookings that are paid through Seatledger: what was received and paid back, and what is still due, and
    owed back."""

    __tablename__ = "revenue_events"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'cancelled', 'completed')", name="status"),
        CheckConstraint("cancellations BETWEEN 0 AND bookings", name="cancellations_within_bookings"),
        Index(None, "organizer_id", "number"),
    )

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[Position] = mapped_column(unique=True)
    name: Mapped[String]
    starts_at: Mapped[Timestamp | None]
    currency: Mapped[String]
    organizer_id: Mapped[Id]
    status: Mapped[String]
    bookings: Mapped[int]
    cancellations: Mapped[int]
    pools: Mapped[String | None]
    beyond_pools: Mapped[int] = mapped_column(server_default=text("0"))
    received: Mapped[MinorUnits] = mapped_column(server_default=text("0"))
    paid_back: Mapped[MinorUnits] = mapped_column(server_default=text("0"))
    due: Mapped[MinorUnits] = mapped_column(server_default=text("0"))
    refund_due: Mapped[MinorUnits] = mapped_column(server_default=text("0"))


class RevenueCategory(Model):
    __tablename__ = "revenue_categories"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="taken_within_capacity"),
        CheckConstraint("refunded BETWEEN 0 AND gross", name="refunded_within_gross"),
    )

    event_id: Mapped[Id] = mapped_column(ForeignKey("revenue_events.event_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    capacity: Mapped[int]
    taken: Mapped[int]
    gross: Mapped[MinorUnits]
    refunded: Mapped[MinorUnits]


class RevenueHour(Model):
    """The sales of one event in one UTC hour. A refund counts in the hour in which it was made."""

    __tablename__ = "revenue_hours"
    __table_args__ = (
        CheckConstraint("gross >= 0 AND refunded >= 0 AND bookings >= 0 AND cancellations >= 0", name="not_negative"),
        CheckConstraint("tickets >= 0 AND tickets_cancelled >= 0", name="tickets_not_negative"),
        Index(None, "hour"),
    )

    event_id: Mapped[Id] = mapped_column(ForeignKey("revenue_events.event_id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[Timestamp] = mapped_column(primary_key=True)
    bookings: Mapped[int]
    cancellations: Mapped[int]
    tickets: Mapped[int]
    tickets_cancelled: Mapped[int]
    gross: Mapped[MinorUnits]
    refunded: Mapped[MinorUnits]


class _Category(msgspec.Struct):
    name: str
    capacity: int
    taken: int = 0
    gross: int = 0
    refunded: int = 0


class _Event(msgspec.Struct):
    """An event's row, its categories' rows, and the amounts to add to its hours' rows."""

    row: dict[str, Any]
    categories: dict[int, _Category]
    hours: dict[datetime, dict[str, int]]
    removed: set[int]

    def add_to_hour(self, at: datetime, **amounts: int) -> None:
        start = at.replace(minute=0, second=0, microsecond=0)
        hour = self.hours.get(start)
        if hour is None:
            hour = self.hours[start] = dict.fromkeys(_HOUR_COLUMNS, 0)
        for name, amount in amounts.items():
            hour[name] += amount


_decode_pools = msgspec.json.Decoder(list[Pool]).decode
_HOUR_COLUMNS = ("bookings", "cancellations", "tickets", "tickets_cancelled", "gross", "refunded")


_EVENTS = select(RevenueEvent.__table__).where(is_any_of(RevenueEvent.event_id, "event_ids"))
_CATEGORIES = (
    select(RevenueCategory.__table__)
    .where(is_any_of(RevenueCategory.event_id, "event_ids"))
    .order_by(RevenueCategory.event_id, RevenueCategory.category)
)


def _read(connection: Connection, event_ids: set[UUID]) -> dict[UUID, _Event]:
    parameters = {"event_ids": list(event_ids)}
    events = {row["event_id"]: _Event(dict(row), {}, {}, set()) for row in connection.execute(_EVENTS, parameters).mappings()}
    for event_id, category, *values in connection.execute(_CATEGORIES, parameters):
        events[event_id].categories[category] = _Category(*values)
    return events


def _new_event(recorded: RecordedEntry, entry: e.EventScheduled) -> _Event:
    row = {
        "event_id": recorded.stream,
        "number": recorded.position,
        "name": entry.details.name,
        "starts_at": entry.details.starts_at,
        "currency": entry.currency,
        "organizer_id": entry.organizer_id,
        "status": "active",
        "bookings": 0,
        "cancellations": 0,
        "pools": None,
        "beyond_pools": 0,
        **dict.fromkeys(("received", "paid_back", "due", "refund_due"), 0),
    }
    return _Event(row, {c.number: _Category(c.name, c.capacity) for c in entry.categories}, {}, set())


def _book(event: _Event, entry: e.SeatsBooked) -> None:
    event.row["bookings"] += 1
    quantity = gross = 0
    for line, amount in zip(entry.lines, entry.line_amounts, strict=True):
        category = event.categories[line.category]
        category.taken += line.quantity
        category.gross += amount
        quantity += line.quantity
        gross += amount
    event.row["due"] += gross * entry.is_payable
    event.add_to_hour(entry.at, bookings=1, tickets=quantity, gross=gross)


def _cancel_booking(event: _Event, entry: e.BookingCancelled) -> None:
    event.row["cancellations"] += entry.whole
    for line in entry.lines:
        event.categories[line.category].taken -= line.quantity
        event.categories[line.category].refunded += line.refund
    event.row["due"] -= entry.less_to_pay or 0
    refunded = sum(line.refund for line in entry.lines)
    event.add_to_hour(entry.at, cancellations=int(entry.whole), tickets_cancelled=len(entry.tickets), refunded=refunded)


def _receive(event: _Event, entry: e.PaymentReceived) -> None:
    event.row["received"] += entry.amount
    event.row["due"] -= entry.amount


def _owe(event: _Event, entry: e.RefundOwed) -> None:
    """What was paid for cancelled tickets, which are not to be paid any more; or goodwill, which lowers the price as well."""
    event.row["refund_due"] += entry.amount
    event.row["due"] += 0 if entry.reason == "goodwill" else entry.amount


def _pay_back(event: _Event, entry: e.RefundPaid) -> None:
    event.row["paid_back"] += entry.amount
    event.row["refund_due"] -= entry.amount


def _cancel_event(event: _Event, entry: e.EventCancelled) -> None:
    refunded = sum(category.gross - category.refunded for category in event.categories.values())
    tickets = sum(category.taken for category in event.categories.values())
    cancelled = event.row["bookings"] - event.row["cancellations"]
    event.add_to_hour(entry.at, cancellations=cancelled, tickets_cancelled=tickets, refunded=refunded)
    owed = event.row["received"] - event.row["paid_back"]
    event.row |= {"status": "cancelled", "cancellations": event.row["bookings"], "due": 0, "refund_due": owed}
    for category in event.categories.values():
        category.refunded, category.taken = category.gross, 0


def _complete_event(event: _Event, entry: e.EventCompleted) -> None:
    event.row["status"] = "completed"


def _change_details(event: _Event, entry: e.EventDetailsChanged) -> None:
    event.row |= {"name": entry.details.name, "starts_at": entry.details.starts_at}


def _add_category(event: _Event, entry: e.CategoryAdded) -> None:
    event.categories[entry.category.number] = _Category(entry.category.name, entry.category.capacity)


def _rename_category(event: _Event, entry: e.CategoryRenamed) -> None:
    event.categories[entry.category].name = entry.name


def _change_capacity(event: _Event, entry: e.CapacityChanged) -> None:
    event.categories[entry.category].capacity = entry.capacity
    _count_beyond_pools(event)


def _remove_category(event: _Event, entry: e.CategoryRemoved) -> None:
    del event.categories[entry.category]
    event.removed.add(entry.category)
    _count_beyond_pools(event)


def _set_pools(event: _Event, entry: e.PoolsSet) -> None:
    event.row["pools"] = msgspec.json.encode(entry.pools).decode() if entry.pools else None
    _count_beyond_pools(event)


def _count_beyond_pools(event: _Event) -> None:
    event.row["beyond_pools"] = 0
    for pool in _decode_pools(event.row["pools"] or "[]"):
        members = [event.categories[number].capacity for number in pool.categories if number in event.categories]
        event.row["beyond_pools"] += max(sum(members) - pool.capacity, 0)


_HANDLERS: dict[type[e.Entry], Callable[[_Event, Any], None]] = {
    e.SeatsBooked: _book,
    e.BookingCancelled: _cancel_booking,
    e.PaymentReceived: _receive,
    e.RefundOwed: _owe,
    e.RefundPaid: _pay_back,
    e.EventCancelled: _cancel_event,
    e.EventCompleted: _complete_event,
    e.EventDetailsChanged: _change_details,
    e.CategoryAdded: _add_category,
    e.CategoryRenamed: _rename_category,
    e.CapacityChanged: _change_capacity,
    e.CategoryRemoved: _remove_category,
    e.PoolsSet: _set_pools,
}


class RevenueProjector:
    name = "revenue"
    version = 3
    is_by_event = True
    tables = (RevenueEvent, RevenueCategory, RevenueHour)
    handles: frozenset[type[e.Entry]] = frozenset((e.EventScheduled, *_HANDLERS))

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        events = _read(connection, {recorded.stream for recorded in batch})
        for recorded in batch:
            if isinstance(recorded.entry, e.EventScheduled):
                events[recorded.stream] = _new_event(recorded, recorded.entry)
            elif handler := _HANDLERS.get(type(recorded.entry)):
                handler(events[recorded.stream], recorded.entry)
        _write(connection, events)


def _write(connection: Connection, events: dict[UUID, _Event]) -> None:
    upsert(connection, RevenueEvent, [event.row for event in events.values()])
    upsert(
        connection,
        RevenueCategory,
        [
            {"event_id": id_, "category": number, **msgspec.structs.asdict(category)}
            for id_, event in events.items()
            for number, category in event.categories.items()
        ],
    )
    hours = [{"event_id": id_, "hour": hour, **amounts} for id_, event in events.items() for hour, amounts in event.hours.items()]
    add(connection, RevenueHour, hours)
    for event_id, event in events.items():
        for category in event.removed:
            key = (RevenueCategory.event_id == event_id, RevenueCategory.category == category)
            connection.execute(delete(RevenueCategory).where(*key))
