"""The ledger itself, in order. Entries never change and none appears before another, so pages need no common transaction. Each
statement reads one window of keys, whether its entries match or not, so that none takes long.

The key of an entry is its version where the search names an event, else its position."""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from query_api.database import Query, Row
from query_api.queries.compose import flags_of, select_list

#: Keys that one statement covers: some 50 ms, where it has to decode each entry.
WINDOW = 10_000

_CONDITIONS = {
    "event_id": "originator_id = %(event_id)s::uuid",
    "actor_id": "entry.actor = %(actor_id)s::uuid",
    "entry_type": "starts_with(topic, %(entry_type)s::text || '/')",
    "from_": "entry.at >= %(from_)s::timestamptz",
    "to": "entry.at < %(to)s::timestamptz",
    "after": "notification_id > %(after)s::bigint",
}
_AS_JSON = """json_build_object(
    'position', notification_id, 'event_id', originator_id, 'version', originator_version, 'type', split_part(topic, '/', 1),
    'topic', topic, 'at', entry.body -> 'at', 'actor_id', entry.actor, 'request_id', entry.command, 'body', entry.body)::text"""


class EntryRow(Row, frozen=True):
    """An entry with its key. `line`: the entry as JSON text, an EntryView."""

    key: int
    line: str


class BookingEntryRow(Row, frozen=True):
    """A stored entry: `state` are its raw bytes."""

    event_id: UUID
    version: int
    position: int
    topic: str
    state: bytes


class EndRow(Row, frozen=True):
    """The end of a search. `head`: the ledger's. `last`: the last key; None where the event has no stream."""

    head: int
    last: int | None


class PositionRow(Row, frozen=True):
    """One position; None where there is no such entry."""

    position: int | None


class TilePositionsRow(Row, frozen=True):
    """The first and last position of a tile; None where there is no such tile. `tree_position`: that of the audit projection."""

    first: int | None
    last: int | None
    tree_position: int


class EntrySearch(NamedTuple):
    """A filter of None does not restrict. `entry_type`: a topic without its version, the API's `type`. `after`: a position."""

    event_id: UUID | None = None
    actor_id: UUID | None = None
    entry_type: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    after: int | None = None


def entries(search: EntrySearch, after_key: int, last: int, limit: int) -> Query[EntryRow]:
    """Matching entries with keys past `after_key` and up to `last`."""
    filters: dict[str, Any] = search._asdict()
    return Query(_entries(flags_of(**filters)), {**filters, "after_key": after_key, "last": last, "limit": limit}, (), EntryRow)


@cache
def _entries(flags: frozenset[str]) -> str:
    key = "originator_version" if "event_id" in flags else "notification_id"
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in sorted(flags))
    return f"""SELECT {select_list(EntryRow, key, _AS_JSON)} FROM ledger_entries, ledger_read(state) AS entry
        WHERE {key} > %(after_key)s::bigint AND {key} <= %(last)s::bigint{conditions} ORDER BY {key} LIMIT %(limit)s"""


def entries_about(id_: UUID, after: int, last: int) -> Query[BookingEntryRow]:
    """The entries past `after` and up to `last` that name a booking or hold, and those that change what all bookings of an event
    show. Reads each entry between them."""
    parameters = {"id": str(id_), "after": after, "last": last}
    return Query(_ENTRIES_ABOUT, parameters, (), BookingEntryRow, replan=True)


_ENTRIES_ABOUT = f"""
    SELECT {select_list(BookingEntryRow, "originator_id", "originator_version", "notification_id", "topic", "state")}
    FROM ledger_entries WHERE notification_id > %(after)s AND notification_id <= %(last)s
    AND (position(convert_to(%(id)s, 'UTF8') IN state) > 0
         OR split_part(topic, '/', 1) IN ('event-cancelled', 'event-completed', 'event-details-changed'))
    ORDER BY notification_id"""


def last_key(search: EntrySearch) -> Query[EndRow]:
    """Where a search ends: one row."""
    head = "coalesce((SELECT max(notification_id) FROM ledger_entries), 0)"
    of_stream = "(SELECT max(originator_version) FROM ledger_entries WHERE originator_id = %(event_id)s::uuid)"
    columns = select_list(EndRow, head, of_stream if search.event_id else head)
    return Query(f"SELECT {columns}", {"event_id": search.event_id}, (), EndRow)


def first_entry() -> Query[PositionRow]:
    """The position of the first entry: one row."""
    return Query(f"SELECT {select_list(PositionRow, 'min(notification_id)')} FROM ledger_entries", {}, (), PositionRow)


def newest_entry(position: int) -> Query[PositionRow]:
    """The position of the last entry at or before that one: one row."""
    sql = f"SELECT {select_list(PositionRow, 'max(notification_id)')} FROM ledger_entries WHERE notification_id <= %(position)s"
    return Query(sql, {"position": position}, (), PositionRow)


def first_later_tile(moment: datetime) -> Query[TilePositionsRow]:
    """The first tile of the tree with an entry later than that moment: one row."""
    return Query(_FIRST_LATER_TILE, {"moment": moment}, (), TilePositionsRow)


_FIRST_LATER_TILE = f"""
    SELECT {select_list(TilePositionsRow, "tile.first_position", "tile.last_position", "audit.position")}
    FROM projections AS audit LEFT JOIN (
        SELECT first_position,
               ('x' || encode(substring(positions FROM octet_length(positions) - 7), 'hex'))::bit(64)::bigint AS last_position
        FROM audit_leaves WHERE latest > %(moment)s::timestamptz ORDER BY latest, tile LIMIT 1) AS tile ON true
    WHERE audit.name = 'audit'"""


def first_later(moment: datetime, after: int, last: int) -> Query[PositionRow]:
    """The first position past `after` and up to `last` whose entry is later than that moment: one row."""
    sql = f"""SELECT {select_list(PositionRow, "min(notification_id)")} FROM ledger_entries, ledger_read(state) AS entry
        WHERE notification_id > %(after)s AND notification_id <= %(last)s AND entry.at > %(moment)s::timestamptz"""
    return Query(sql, {"moment": moment, "after": after, "last": last}, (), PositionRow)
