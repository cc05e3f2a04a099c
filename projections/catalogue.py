"""The `catalogue` projection: events as they are listed and searched."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ARRAY, CheckConstraint, Computed, Connection, ForeignKey, Index, Text, delete, select, text, tuple_
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.code_access import LiveCodes
from ledger.details import Category, Details
from ledger.entries import RecordedEntry
from projections.tables import CategoryNumber, Id, MinorUnits, Model, Position, String, Timestamp, update, upsert

#: SQL: the sort key of lists, by start; events with an open date come last.
LISTED = "coalesce(starts_at, 'infinity'::timestamp with time zone)"
#: SQL: whether the sales of an event continue after its start.
LASTING = "past_at IS DISTINCT FROM starts_at"


class CatalogueEvent(Model):
    """An event. `search` is the text that the `q` parameter searches: name and venue, separated by a line break, which no client
    can send, so that no match spans both. `position`: of the last entry that changed the event. `past_at`: see
    `Details.past_at`. `codes`: a JSON array of the `LiveCodes` of the event; None without any."""

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
    guest_checkout: Mapped[String] = mapped_column(server_default=text("'off'"))
    hold_minutes: Mapped[int] = mapped_column(server_default=text("15"))
    codes: Mapped[String | None]
    payment_methods: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))


class CatalogueCategory(Model):
    __tablename__ = "catalogue_categories"
    __table_args__ = (CheckConstraint("price >= 0", name="price_not_negative"),)

    event_id: Mapped[Id] = mapped_column(ForeignKey("catalogue_events.event_id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    name: Mapped[String]
    price: Mapped[MinorUnits]


_Values = dict[str, Any]
_decode_codes = msgspec.json.Decoder(list[LiveCodes]).decode


def _change_details(connection: Connection, recorded: RecordedEntry, entry: e.EventDetailsChanged) -> _Values:
    return _details(entry.details)


def _cancel(connection: Connection, recorded: RecordedEntry, entry: e.EventCancelled) -> _Values:
    return {"status": "cancelled"}


def _complete(connection: Connection, recorded: RecordedEntry, entry: e.EventCompleted) -> _Values:
    return {"status": "completed"}


def _add_category(connection: Connection, recorded: RecordedEntry, entry: e.CategoryAdded) -> _Values:
    upsert(connection, CatalogueCategory, [_category(recorded, entry.category)])
    return {}


def _rename_category(connection: Connection, recorded: RecordedEntry, entry: e.CategoryRenamed) -> _Values:
    _set(connection, CatalogueCategory, {"event_id": recorded.stream, "category": entry.category}, {"name": entry.name})
    return {}


def _change_price(connection: Connection, recorded: RecordedEntry, entry: e.PriceChanged) -> _Values:
    _set(connection, CatalogueCategory, {"event_id": recorded.stream, "category": entry.category}, {"price": entry.price})
    return {}


def _change_capacity(connection: Connection, recorded: RecordedEntry, entry: e.CapacityChanged) -> _Values:
    """The capacity itself is a column of `availability_categories`; only the event's version changes here."""
    return {}


def _set_pools(connection: Connection, recorded: RecordedEntry, entry: e.PoolsSet) -> _Values:
    """The pools are rows of `availability_pools`; likewise."""
    return {}


def _remove_category(connection: Connection, recorded: RecordedEntry, entry: e.CategoryRemoved) -> _Values:
    key = tuple_(CatalogueCategory.event_id, CatalogueCategory.category)
    connection.execute(delete(CatalogueCategory).where(key == (recorded.stream, entry.category)))
    return {}


def _make_codes(live: list[LiveCodes], entry: e.CodesMade) -> list[LiveCodes]:
    return [*live, LiveCodes.of(entry.batch)]


def _withdraw_codes(live: list[LiveCodes], entry: e.CodesWithdrawn) -> list[LiveCodes]:
    return [codes for codes in live if codes.number != entry.batch]


#: Codes are not edited with the event, whose ETag stays. By entry class, the function that returns which live codes are left.
_CODES: dict[type[e.Entry], Callable[[list[LiveCodes], Any], list[LiveCodes]]] = {
    e.CodesMade: _make_codes,
    e.CodesWithdrawn: _withdraw_codes,
}
#: By entry class, the function that writes what the entry changes and returns the new values of the event's own row. Each of these
#: entries also sets the event's `details_version`, which is its ETag: an entry class belongs here only if an edit that was made
#: without knowledge of it has to be refused.
_CHANGES: dict[type[e.Entry], Callable[[Connection, RecordedEntry, Any], _Values]] = {
    e.EventDetailsChanged: _change_details,
    e.EventCancelled: _cancel,
    e.EventCompleted: _complete,
    e.CategoryAdded: _add_category,
    e.CategoryRenamed: _rename_category,
    e.PriceChanged: _change_price,
    e.CapacityChanged: _change_capacity,
    e.CategoryRemoved: _remove_category,
    e.PoolsSet: _set_pools,
}


class CatalogueProjector:
    name = "catalogue"
    version = 7
    is_by_event = True
    tables = (CatalogueEvent, CatalogueCategory)
    handles: frozenset[type[e.Entry]] = frozenset((e.EventScheduled, *_CHANGES, *_CODES))

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """Entries that change an event are few, so each is written by statements of its own; those of sales are skipped."""
        for recorded in batch:
            entry = recorded.entry
            if isinstance(entry, e.EventScheduled):
                _schedule(connection, recorded, entry)
            elif change := _CHANGES.get(type(entry)):
                values = change(connection, recorded, entry)
                version = {"details_version": recorded.version, "position": recorded.position}
                _set(connection, CatalogueEvent, {"event_id": recorded.stream}, version | values)
            elif of_codes := _CODES.get(type(entry)):
                row = {"codes": _codes_after(connection, recorded, of_codes), "position": recorded.position}
                _set(connection, CatalogueEvent, {"event_id": recorded.stream}, row)


def _codes_after(
    connection: Connection, recorded: RecordedEntry, change: Callable[[list[LiveCodes], Any], list[LiveCodes]]
) -> str | None:
    """The column `codes` after the entry."""
    before = connection.scalar(select(CatalogueEvent.codes).where(CatalogueEvent.event_id == recorded.stream))
    live = change(_decode_codes(before or "[]"), recorded.entry)
    return msgspec.json.encode(live).decode() if live else None


def _schedule(connection: Connection, recorded: RecordedEntry, entry: e.EventScheduled) -> None:
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


def _details(details: Details) -> dict[str, Any]:
    row = msgspec.structs.asdict(details)
    del row["sells_after_start"]
    return {**row, "past_at": details.past_at}


def _category(recorded: RecordedEntry, category: Category) -> dict[str, Any]:
    return {"event_id": recorded.stream, "category": category.number, "name": category.name, "price": category.price}


def _set(connection: Connection, model: type[Model], key: dict[str, Any], new: dict[str, Any]) -> None:
    assignments = ", ".join(f"{name} = changed.{name}" for name in new)
    match = " AND ".join(f"{model.__tablename__}.{name} = changed.{name}" for name in key)
    update(connection, model, assignments, match, [{**key, **new}])
