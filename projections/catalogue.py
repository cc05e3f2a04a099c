"""`catalogue`: events as they are listed and searched."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import CheckConstraint, Computed, Connection, ForeignKey, Index, delete, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import Recorded
from projections.tables import CategoryNumber, Id, MinorUnits, Model, Position, String, Timestamp, update, upsert

#: The order of lists: by start, and an open date last.
LISTED = "coalesce(starts_at, 'infinity'::timestamp with time zone)"
#: Sales go on after the start.
LASTING = "past_at IS DISTINCT FROM starts_at"


class CatalogueEvent(Model):
    """`search` is what `q` looks into: a line break can't be typed, so no match reaches from the name into the venue.
    `position`: of the entry that changed it last. `past_at`: see `Details.past_at`."""

    __tablename__ = "catalogue_events"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'cancelled', 'completed')", name="status"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        Index("ix_catalogue_events_status_listed", "status", text(LISTED), "event_id"),
        Index("ix_catalogue_events_organizer_listed", "organizer_id", text(LISTED), "event_id"),
        Index("ix_catalogue_events_listed", text(LISTED), "event_id"),
        Index("ix_catalogue_events_lasting", text(LISTED), "event_id", postgresql_where=text(LASTING)),
        Index(None, "position"),
        Index("ix_catalogue_events_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[Position] = mapped_column(unique=True)
    name: Mapped[String]
    description: Mapped[String]
    venue: Mapped[String]
    starts_at: Mapped[Timestamp | None]
    ends_at: Mapped[Timestamp | None]
    timezone: Mapped[String]
    sales_open_at: Mapped[Timestamp | None]
    sales_close_at: Mapped[Timestamp | None]
    max_tickets_per_customer: Mapped[int | None]
    currency: Mapped[String]
    status: Mapped[String]
    organizer_id: Mapped[Id]
    details_version: Mapped[Position]
    created_at: Mapped[Timestamp]
    search: Mapped[String] = mapped_column(Computed("lower(name || E'\\n' || venue)", persisted=True))
    position: Mapped[Position]
    past_at: Mapped[Timestamp | None]
    show_at: Mapped[Timestamp | None]


class CatalogueCategory(Model):
    __tablename__ = "catalogue_categories"
    __table_args__ = (CheckConstraint("price >= 0", name="price_not_negative"),)

    event_id: Mapped[Id] = mapped_column(ForeignKey("catalogue_events.event_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    price: Mapped[MinorUnits]


class CatalogueProjector:
    name = "catalogue"
    version = 2
    tables = (CatalogueEvent, CatalogueCategory)

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        """An event is touched a few times in its life: its entries go one by one, those of a sale pass by."""
        for recorded in run:
            entry = recorded.entry
            if isinstance(entry, e.SeatsBooked | e.BookingCancelled | e.TicketUsed):
                continue
            if isinstance(entry, e.EventScheduled):
                self._schedule(connection, recorded, entry)
            else:
                self._change(connection, recorded, entry)

    def _schedule(self, connection: Connection, recorded: Recorded, entry: e.EventScheduled) -> None:
        row = {
            "event_id": recorded.stream,
            "number": recorded.position,
            **_details(entry.details),
            "currency": entry.currency,
            "status": "active",
            "organizer_id": entry.organizer_id,
            "details_version": 1,
            "created_at": entry.at,
            "position": recorded.position,
        }
        upsert(connection, CatalogueEvent, [row])
        upsert(connection, CatalogueCategory, [_category(recorded, category) for category in entry.categories])

    def _change(self, connection: Connection, recorded: Recorded, entry: e.Entry) -> None:
        new: dict[str, Any] = {"details_version": recorded.version, "position": recorded.position}
        key = {"event_id": recorded.stream}
        match entry:
            case e.EventDetailsChanged():
                new |= _details(entry.details)
            case e.EventCancelled():
                new["status"] = "cancelled"
            case e.EventCompleted():
                new["status"] = "completed"
            case e.CategoryAdded():
                upsert(connection, CatalogueCategory, [_category(recorded, entry.category)])
            case e.CategoryRenamed():
                _set(connection, CatalogueCategory, {**key, "category": entry.category}, {"name": entry.name})
            case e.PriceChanged():
                _set(connection, CatalogueCategory, {**key, "category": entry.category}, {"price": entry.price})
            case e.CategoryRemoved():
                one = tuple_(CatalogueCategory.event_id, CatalogueCategory.category)
                connection.execute(delete(CatalogueCategory).where(one == (recorded.stream, entry.category)))
        _set(connection, CatalogueEvent, key, new)


def _details(details: e.Details) -> dict[str, Any]:
    row = msgspec.structs.asdict(details)
    del row["sells_after_start"]
    return {**row, "past_at": details.past_at}


def _category(recorded: Recorded, category: e.Category) -> dict[str, Any]:
    return {"event_id": recorded.stream, "category": category.number, "name": category.name, "price": category.price}


def _set(connection: Connection, model: type[Model], key: dict[str, Any], new: dict[str, Any]) -> None:
    assignments = ", ".join(f"{name} = given.{name}" for name in new)
    match = " AND ".join(f"{model.__tablename__}.{name} = given.{name}" for name in key)
    update(connection, model, assignments, match, [{**key, **new}])
