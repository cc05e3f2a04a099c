"""The `availability` projection: seats left of each category."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Connection, ForeignKey, Index, Integer, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import RecordedEntry
from projections.tables import CategoryNumber, Id, Model, Position, String, is_any_of, table_of, upsert


class AvailabilityEvent(Model):
    """An event with seats. `position`: of the last entry that changed them; a live stream resumes from it."""

    __tablename__ = "availability_events"
    __table_args__ = (Index(None, "position"),)

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    position: Mapped[Position]


class AvailabilityCategory(Model):
    __tablename__ = "availability_categories"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken_not_negative"),
        CheckConstraint("available >= 0", name="never_oversold"),
    )

    event_id: Mapped[Id] = mapped_column(ForeignKey("availability_events.event_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    capacity: Mapped[int]
    taken: Mapped[int]
    available: Mapped[int] = mapped_column(Integer, Computed("capacity - taken", persisted=True))


class _CategoryRow:
    __slots__ = ("capacity", "name", "taken")

    def __init__(self, name: str, capacity: int, taken: int = 0) -> None:
        self.name, self.capacity, self.taken = name, capacity, taken


#: The rows of one event, by category number.
_Categories = dict[int, _CategoryRow]


def _schedule(categories: _Categories, entry: e.EventScheduled) -> None:
    categories.update({category.number: _CategoryRow(category.name, category.capacity) for category in entry.categories})


def _book(categories: _Categories, entry: e.SeatsBooked) -> None:
    for line in entry.lines:
        categories[line.category].taken += line.quantity


def _cancel_booking(categories: _Categories, entry: e.BookingCancelled) -> None:
    for line in entry.lines:
        categories[line.category].taken -= line.quantity


def _cancel_event(categories: _Categories, entry: e.EventCancelled) -> None:
    for category in categories.values():
        category.taken = 0


def _add_category(categories: _Categories, entry: e.CategoryAdded) -> None:
    categories[entry.category.number] = _CategoryRow(entry.category.name, entry.category.capacity)


def _rename_category(categories: _Categories, entry: e.CategoryRenamed) -> None:
    categories[entry.category].name = entry.name


def _change_capacity(categories: _Categories, entry: e.CapacityChanged) -> None:
    categories[entry.category].capacity = entry.capacity


def _remove_category(categories: _Categories, entry: e.CategoryRemoved) -> None:
    del categories[entry.category]


_HANDLERS: dict[type[e.Entry], Callable[[_Categories, Any], None]] = {
    e.EventScheduled: _schedule,
    e.SeatsBooked: _book,
    e.BookingCancelled: _cancel_booking,
    e.EventCancelled: _cancel_event,
    e.CategoryAdded: _add_category,
    e.CategoryRenamed: _rename_category,
    e.CapacityChanged: _change_capacity,
    e.CategoryRemoved: _remove_category,
}


class AvailabilityProjector:
    name = "availability"
    version = 1
    is_by_event = True
    tables = (AvailabilityEvent, AvailabilityCategory)
    handles: frozenset[type[e.Entry]] = frozenset(_HANDLERS)

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        events = _read(connection, {recorded.stream for recorded in batch})
        before = {(event_id, number) for event_id, categories in events.items() for number in categories}
        changed: dict[UUID, int] = {}
        for recorded in batch:
            if handler := _HANDLERS.get(type(recorded.entry)):
                handler(events.setdefault(recorded.stream, {}), recorded.entry)
                changed[recorded.stream] = recorded.position
        upsert(connection, AvailabilityEvent, [{"event_id": id_, "position": position} for id_, position in changed.items()])
        rows = [
            {"event_id": id_, "category": number, "name": category.name, "capacity": category.capacity, "taken": category.taken}
            for id_ in changed
            for number, category in events[id_].items()
        ]
        upsert(connection, AvailabilityCategory, rows)
        for event_id, number in before:
            if number not in events[event_id]:
                key = (AvailabilityCategory.event_id == event_id, AvailabilityCategory.category == number)
                connection.execute(delete(AvailabilityCategory).where(*key))


_CATEGORIES = (
    select(*(table_of(AvailabilityCategory).c[name] for name in ("event_id", "category", "name", "capacity", "taken")))
    .where(is_any_of(AvailabilityCategory.event_id, "event_ids"))
    .order_by(AvailabilityCategory.event_id, AvailabilityCategory.category)
)


def _read(connection: Connection, event_ids: set[UUID]) -> dict[UUID, _Categories]:
    events: dict[UUID, _Categories] = {}
    for row in connection.execute(_CATEGORIES, {"event_ids": list(event_ids)}):
        events.setdefault(row.event_id, {})[row.category] = _CategoryRow(row.name, row.capacity, row.taken)
    return events
