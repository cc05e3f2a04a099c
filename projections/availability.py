"""`availability`: seats left, by category."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Connection, ForeignKey, Index, Integer, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import Recorded
from projections.tables import CategoryNumber, Id, Model, Position, String, is_any_of, table_of, upsert


class AvailabilityEvent(Model):
    """`position`: of the entry that changed its seats last. The live stream goes on from there."""

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


_Events = dict[UUID, dict[int, _CategoryRow]]


class AvailabilityProjector:
    name = "availability"
    version = 1
    tables = (AvailabilityEvent, AvailabilityCategory)

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        events = _read(connection, {recorded.stream for recorded in run})
        before = {(event_id, category) for event_id, seats in events.items() for category in seats}
        changed: dict[UUID, int] = {}
        for recorded in run:
            if _apply(events.setdefault(recorded.stream, {}), recorded.entry):
                changed[recorded.stream] = recorded.position
        upsert(connection, AvailabilityEvent, [{"event_id": id_, "position": position} for id_, position in changed.items()])
        rows = [
            {"event_id": id_, "category": category, "name": seats.name, "capacity": seats.capacity, "taken": seats.taken}
            for id_ in changed
            for category, seats in events[id_].items()
        ]
        upsert(connection, AvailabilityCategory, rows)
        for event_id, category in before:
            if category not in events[event_id]:
                one = (AvailabilityCategory.event_id == event_id, AvailabilityCategory.category == category)
                connection.execute(delete(AvailabilityCategory).where(*one))


_CATEGORIES = (
    select(*(table_of(AvailabilityCategory).c[name] for name in ("event_id", "category", "name", "capacity", "taken")))
    .where(is_any_of(AvailabilityCategory.event_id, "event_ids"))
    .order_by(AvailabilityCategory.event_id, AvailabilityCategory.category)
)


def _read(connection: Connection, event_ids: set[UUID]) -> _Events:
    events: _Events = {}
    for event_id, category, name, capacity, taken in connection.execute(_CATEGORIES, {"event_ids": list(event_ids)}):
        events.setdefault(event_id, {})[category] = _CategoryRow(name, capacity, taken)
    return events


def _apply(seats: dict[int, _CategoryRow], entry: e.Entry) -> bool:  # noqa: C901 - one flat table of what each entry does
    """Whether the entry changed what people see here."""
    match entry:
        case e.SeatsBooked():
            for booked in entry.lines:
                seats[booked.category].taken += booked.quantity
        case e.BookingCancelled():
            for cancelled in entry.lines:
                seats[cancelled.category].taken -= cancelled.quantity
        case e.EventScheduled():
            seats.update({category.number: _CategoryRow(category.name, category.capacity) for category in entry.categories})
        case e.EventCancelled():
            for one in seats.values():
                one.taken = 0
        case e.CategoryAdded():
            seats[entry.category.number] = _CategoryRow(entry.category.name, entry.category.capacity)
        case e.CategoryRenamed():
            seats[entry.category].name = entry.name
        case e.CapacityChanged():
            seats[entry.category].capacity = entry.capacity
        case e.CategoryRemoved():
            del seats[entry.category]
        case _:
            return False
    return True
