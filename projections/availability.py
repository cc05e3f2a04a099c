"""The `availability` projection: seats left of each category and pool, and the holds.

The end of an Event ends its holds, but changes no row of them: queries derive that from its `is_open`."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import CheckConstraint, Computed, Connection, ForeignKey, Index, Integer, and_, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import RecordedEntry
from projections.tables import (
    CategoryNumber,
    Id,
    MinorUnits,
    Model,
    PoolNumber,
    Position,
    String,
    Timestamp,
    insert,
    is_any_of,
    table_of,
    update,
    upsert,
)


class AvailabilityEvent(Model):
    """An event with seats. `position`: of the last entry that changed them; a live stream resumes from it. `is_open`: it is neither
    cancelled nor completed; if not, no hold of it is open."""

    __tablename__ = "availability_events"
    __table_args__ = (Index(None, "position"),)

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    position: Mapped[Position]
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))


class AvailabilityCategory(Model):
    __tablename__ = "availability_categories"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_not_negative"),
        CheckConstraint("held >= 0", name="held_not_negative"),
        CheckConstraint("available >= 0", name="never_oversold"),
    )

    event_id: Mapped[Id] = mapped_column(ForeignKey("availability_events.event_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    capacity: Mapped[int]
    taken: Mapped[int]
    held: Mapped[int] = mapped_column(server_default=text("0"))
    available: Mapped[int] = mapped_column(Integer, Computed("capacity - taken - held", persisted=True))
    pool: Mapped[PoolNumber | None]


class AvailabilityPool(Model):
    """A capacity that categories share. `available`: of its own capacity, whatever its categories have left."""

    __tablename__ = "availability_pools"
    __table_args__ = (CheckConstraint("available >= 0", name="never_oversold"),)

    event_id: Mapped[Id] = mapped_column(ForeignKey("availability_events.event_id", ondelete="CASCADE"), primary_key=True)
    pool: Mapped[PoolNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    capacity: Mapped[int]
    taken: Mapped[int]
    held: Mapped[int]
    available: Mapped[int] = mapped_column(Integer, Computed("capacity - taken - held", persisted=True))


class Hold(Model):
    """A hold. `version`: of its entry in the stream of the event. `status`: its outcome, once it has one; a hold that has lapsed
    can still be confirmed. `ended_at`: when it got that. The last three are of the payment that was started last, if any."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'confirmed', 'released', 'lapsed')", name="status"),
        CheckConstraint("(status = 'open') = (ended_at IS NULL)", name="ended_when"),
        CheckConstraint("num_nulls(payment_id, payment_method, payable_until) IN (0, 3)", name="payment_is_whole"),
        Index("ix_holds_open", "expires_at", postgresql_where=text("status = 'open'")),
        Index(None, "event_id", "version"),
    )

    hold_id: Mapped[Id] = mapped_column(primary_key=True)
    event_id: Mapped[Id] = mapped_column(ForeignKey("availability_events.event_id", ondelete="CASCADE"))
    version: Mapped[Position]
    customer_id: Mapped[Id | None]
    held_at: Mapped[Timestamp]
    expires_at: Mapped[Timestamp]
    extensions: Mapped[int]
    status: Mapped[String]
    ended_at: Mapped[Timestamp | None]
    payment_id: Mapped[Id | None]
    payment_method: Mapped[String | None]
    payable_until: Mapped[Timestamp | None]


class HoldLine(Model):
    """A number of held seats of one category; the price of each is in minor units. `amount`: what they will cost together, where
    there is a discount."""

    __tablename__ = "hold_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    hold_id: Mapped[Id] = mapped_column(ForeignKey("holds.hold_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    quantity: Mapped[int]
    unit_price: Mapped[MinorUnits]
    amount: Mapped[MinorUnits | None]


class _CategoryRow:
    __slots__ = ("capacity", "held", "name", "pool", "taken")

    def __init__(self, name: str, capacity: int, taken: int = 0, held: int = 0, pool: int | None = None) -> None:
        self.name, self.capacity, self.taken, self.held, self.pool = name, capacity, taken, held, pool


class _PoolRow(NamedTuple):
    name: str
    capacity: int


#: The columns of a hold that change.
_CHANGING = (
    "customer_id", "expires_at", "extensions", "status", "ended_at", "payment_id", "payment_method", "payable_until",
)  # fmt: skip


class _HoldRow:
    """The columns that change, and the number of seats by category number."""

    __slots__ = (*_CHANGING, "seats")

    def __init__(self, seats: dict[int, int], customer_id: UUID | None, expires_at: datetime) -> None:
        self.seats, self.customer_id, self.expires_at = seats, customer_id, expires_at
        self.extensions, self.status = 0, "open"
        self.ended_at: datetime | None = None
        self.payment_id: UUID | None = None
        self.payment_method: str | None = None
        self.payable_until: datetime | None = None


class _Event:
    """The rows of one event: its categories by number, the pools that have some, and those holds that the batch is about.
    `has_new_pools`: the rows of all others are outdated."""

    __slots__ = ("categories", "has_new_pools", "holds", "is_open", "pools")

    def __init__(self) -> None:
        self.categories: dict[int, _CategoryRow] = {}
        self.pools: dict[int, _PoolRow] = {}
        self.holds: dict[UUID, _HoldRow] = {}
        self.is_open, self.has_new_pools = True, False

    def end_hold(self, hold_id: UUID, status: str, entry: e.Entry) -> None:
        hold = self.holds[hold_id]
        if hold.status == "open":
            for category, quantity in hold.seats.items():
                self.categories[category].held -= quantity
        hold.status, hold.ended_at = status, entry.at


def _schedule(event: _Event, entry: e.EventScheduled) -> None:
    event.categories.update({category.number: _CategoryRow(category.name, category.capacity) for category in entry.categories})


def _hold(event: _Event, entry: e.SeatsHeld) -> None:
    for line in entry.lines:
        event.categories[line.category].held += line.quantity
    seats = {line.category: line.quantity for line in entry.lines}
    event.holds[entry.command] = _HoldRow(seats, entry.customer_id, entry.expires_at)


def _extend(event: _Event, entry: e.HoldExtended) -> None:
    hold = event.holds[entry.hold_id]
    hold.expires_at, hold.extensions = entry.expires_at, hold.extensions + 1


def _start_payment(event: _Event, entry: e.PaymentStarted) -> None:
    hold = event.holds[entry.hold_id]
    hold.customer_id, hold.expires_at = entry.customer_id, entry.expires_at
    hold.payment_id, hold.payment_method, hold.payable_until = entry.command, entry.method, entry.payable_until


def _release(event: _Event, entry: e.HoldReleased) -> None:
    event.end_hold(entry.hold_id, "released", entry)


def _lapse(event: _Event, entry: e.HoldsLapsed) -> None:
    for hold_id in entry.hold_ids:
        event.end_hold(hold_id, "lapsed", entry)


def _book(event: _Event, entry: e.SeatsBooked) -> None:
    if entry.hold_id is not None:
        event.end_hold(entry.hold_id, "confirmed", entry)
    for line in entry.lines:
        event.categories[line.category].taken += line.quantity


def _cancel_booking(event: _Event, entry: e.BookingCancelled) -> None:
    for line in entry.lines:
        event.categories[line.category].taken -= line.quantity


def _cancel_event(event: _Event, entry: e.EventCancelled) -> None:
    event.is_open = False
    for category in event.categories.values():
        category.taken = category.held = 0


def _complete_event(event: _Event, entry: e.EventCompleted) -> None:
    event.is_open = False
    for category in event.categories.values():
        category.held = 0


def _add_category(event: _Event, entry: e.CategoryAdded) -> None:
    event.categories[entry.category.number] = _CategoryRow(entry.category.name, entry.category.capacity)


def _rename_category(event: _Event, entry: e.CategoryRenamed) -> None:
    event.categories[entry.category].name = entry.name


def _change_capacity(event: _Event, entry: e.CapacityChanged) -> None:
    event.categories[entry.category].capacity = entry.capacity


def _remove_category(event: _Event, entry: e.CategoryRemoved) -> None:
    del event.categories[entry.category]


def _set_pools(event: _Event, entry: e.PoolsSet) -> None:
    event.pools, event.has_new_pools = {pool.number: _PoolRow(pool.name, pool.capacity) for pool in entry.pools}, True
    pool_of = {category: pool.number for pool in entry.pools for category in pool.categories}
    for number, category in event.categories.items():
        category.pool = pool_of.get(number)


_HANDLERS: dict[type[e.Entry], Callable[[_Event, Any], None]] = {
    e.EventScheduled: _schedule,
    e.SeatsHeld: _hold,
    e.HoldExtended: _extend,
    e.PaymentStarted: _start_payment,
    e.HoldReleased: _release,
    e.HoldsLapsed: _lapse,
    e.SeatsBooked: _book,
    e.BookingCancelled: _cancel_booking,
    e.EventCancelled: _cancel_event,
    e.EventCompleted: _complete_event,
    e.CategoryAdded: _add_category,
    e.CategoryRenamed: _rename_category,
    e.CapacityChanged: _change_capacity,
    e.CategoryRemoved: _remove_category,
    e.PoolsSet: _set_pools,
}


class AvailabilityProjector:
    name = "availability"
    version = 5
    is_by_event = True
    tables = (AvailabilityEvent, AvailabilityCategory, AvailabilityPool, Hold, HoldLine)
    handles: frozenset[type[e.Entry]] = frozenset(_HANDLERS)

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        events = _read(connection, batch)
        before = {(event_id, number) for event_id, event in events.items() for number in event.categories}
        changed: dict[UUID, int] = {}
        for recorded in batch:
            if handler := _HANDLERS.get(type(recorded.entry)):
                handler(events.setdefault(recorded.stream, _Event()), recorded.entry)
                changed[recorded.stream] = recorded.position
        upsert(
            connection,
            AvailabilityEvent,
            [{"event_id": id_, "position": position, "is_open": events[id_].is_open} for id_, position in changed.items()],
        )
        rows = [
            {
                "event_id": id_, "category": number, "name": category.name, "capacity": category.capacity,
                "taken": category.taken, "held": category.held, "pool": category.pool,
            }
            for id_ in changed
            for number, category in events[id_].categories.items()
        ]  # fmt: skip
        upsert(connection, AvailabilityCategory, rows)
        for event_id, number in before:
            if number not in events[event_id].categories:
                key = (AvailabilityCategory.event_id == event_id, AvailabilityCategory.category == number)
                connection.execute(delete(AvailabilityCategory).where(*key))
        _write_pools(connection, {id_: events[id_] for id_ in changed})
        _write_holds(connection, batch, {id_: hold for event in events.values() for id_, hold in event.holds.items()})


def _write_pools(connection: Connection, events: dict[UUID, _Event]) -> None:
    if reset := [id_ for id_, event in events.items() if event.has_new_pools]:
        connection.execute(delete(AvailabilityPool).where(is_any_of(AvailabilityPool.event_id, "event_ids")), {"event_ids": reset})
    upsert(connection, AvailabilityPool, [row for event_id, event in events.items() for row in _pool_rows(event_id, event)])


def _pool_rows(event_id: UUID, event: _Event) -> Iterator[dict[str, Any]]:
    for number, pool in event.pools.items():
        shared = [category for category in event.categories.values() if category.pool == number]
        yield {
            "event_id": event_id, "pool": number, "name": pool.name, "capacity": pool.capacity,
            "taken": sum(category.taken for category in shared), "held": sum(category.held for category in shared),
        }  # fmt: skip


def _write_holds(connection: Connection, batch: Sequence[RecordedEntry], holds: dict[UUID, _HoldRow]) -> None:
    """Writes the new holds and those that changed."""
    new = {recorded.entry.command: recorded for recorded in batch if isinstance(recorded.entry, e.SeatsHeld)}
    insert(connection, Hold, [_new_row(recorded, recorded.entry, holds[id_]) for id_, recorded in new.items()])
    insert(connection, HoldLine, [row for recorded in new.values() for row in _line_rows(recorded.entry)])
    update(
        connection,
        Hold,
        ", ".join(f"{name} = changed.{name}" for name in _CHANGING),
        "holds.hold_id = changed.hold_id",
        [{"hold_id": id_, **_changing_columns(hold)} for id_, hold in holds.items() if id_ not in new],
    )


def _new_row(recorded: RecordedEntry, entry: e.Entry, hold: _HoldRow) -> dict[str, Any]:
    assert isinstance(entry, e.SeatsHeld)
    return {
        "hold_id": entry.command,
        "event_id": recorded.stream,
        "version": recorded.version,
        "held_at": entry.at,
        **_changing_columns(hold),
    }


def _line_rows(entry: e.Entry) -> Iterator[dict[str, Any]]:
    assert isinstance(entry, e.SeatsHeld)
    for line, amount in zip(entry.lines, entry.line_amounts, strict=True):
        discounted = amount if entry.amounts else None
        yield {"hold_id": entry.command, **msgspec.structs.asdict(line), "amount": discounted}


def _changing_columns(hold: _HoldRow) -> dict[str, Any]:
    return {name: getattr(hold, name) for name in _CHANGING}


_a, _p = table_of(AvailabilityCategory).c, table_of(AvailabilityPool).c
_h, _l = table_of(Hold).c, table_of(HoldLine).c
_CATEGORIES = (
    select(
        _a.event_id, _a.category, _a.name, _a.capacity, _a.taken, _a.held, _a.pool, table_of(AvailabilityEvent).c.is_open,
        _p.name.label("pool_name"), _p.capacity.label("pool_capacity"),
    )
    .join(AvailabilityEvent, table_of(AvailabilityEvent).c.event_id == _a.event_id)
    .outerjoin(AvailabilityPool, and_(_p.event_id == _a.event_id, _p.pool == _a.pool))
    .where(is_any_of(AvailabilityCategory.event_id, "event_ids"))
    .order_by(_a.event_id, _a.category)
)  # fmt: skip
_HOLDS = (
    select(_h.hold_id, _h.event_id, *(_h[name] for name in _CHANGING), _l.category, _l.quantity)
    .join(HoldLine, _l.hold_id == _h.hold_id)
    .where(is_any_of(Hold.hold_id, "hold_ids"))
)


def _read(connection: Connection, batch: Sequence[RecordedEntry]) -> dict[UUID, _Event]:
    events: dict[UUID, _Event] = {}
    for row in connection.execute(_CATEGORIES, {"event_ids": list({recorded.stream for recorded in batch})}):
        event = events.setdefault(row.event_id, _Event())
        event.is_open = row.is_open
        event.categories[row.category] = _CategoryRow(row.name, row.capacity, row.taken, row.held, row.pool)
        if row.pool is not None:
            event.pools[row.pool] = _PoolRow(row.pool_name, row.pool_capacity)
    hold_ids = [id_ for recorded in batch for id_ in _holds_of(recorded.entry)]
    for held in connection.execute(_HOLDS, {"hold_ids": hold_ids}) if hold_ids else ():
        holds = events[held.event_id].holds
        hold = holds.setdefault(held.hold_id, _HoldRow({}, held.customer_id, held.expires_at))
        for name in _CHANGING:
            setattr(hold, name, getattr(held, name))
        hold.seats[held.category] = held.quantity
    return events


def _holds_of(entry: e.Entry) -> tuple[UUID, ...]:
    """The holds that an entry changes."""
    match entry:
        case e.HoldsLapsed(hold_ids=hold_ids):
            return hold_ids
        case e.HoldExtended(hold_id=hold_id) | e.PaymentStarted(hold_id=hold_id) | e.HoldReleased(hold_id=hold_id):
            return (hold_id,)
        case e.SeatsBooked(hold_id=hold_id) if hold_id is not None:
            return (hold_id,)
    return ()
