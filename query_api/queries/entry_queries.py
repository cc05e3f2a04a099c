"""The ledger itself, in order. Entries never change and none appears before another, so its pages need no common snapshot: each
statement looks at one window of places, whatever it finds there, and none takes long."""

from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from query_api.database import Query
from query_api.queries.compose import flags_of

#: Places that one statement looks at: some 50 ms, where it has to read what each entry says.
WINDOW = 10_000

_CONDITIONS = {
    "event_id": "originator_id = %(event_id)s::uuid",
    "actor_id": "said.actor = %(actor_id)s::uuid",
    "kind": "starts_with(topic, %(kind)s::text || '/')",
    "from_": "said.at >= %(from_)s::timestamptz",
    "to": "said.at < %(to)s::timestamptz",
    "after": "notification_id > %(after)s::bigint",
}
_AS_JSON = """json_build_object(
    'position', notification_id, 'event_id', originator_id, 'version', originator_version, 'type', split_part(topic, '/', 1),
    'topic', topic, 'at', said.body -> 'at', 'actor_id', said.actor, 'request_id', said.command, 'body', said.body)::text"""


class EntrySearch(NamedTuple):
    """Which entries; None: whichever. `kind` is a topic without its version, `after` a position."""

    event_id: UUID | None = None
    actor_id: UUID | None = None
    kind: str | None = None
    from_: datetime | None = None
    to: datetime | None = None
    after: int | None = None


def entries(search: EntrySearch, first: int, last: int, limit: int) -> Query:
    """(place, the entry as JSON text) of those past place `first` and up to `last`: places are versions where an event is named,
    else positions."""
    given: dict[str, Any] = search._asdict()
    return Query(_entries(flags_of(**given)), {**given, "first": first, "last": last, "limit": limit}, ())


@cache
def _entries(flags: frozenset[str]) -> str:
    place = "originator_version" if "event_id" in flags else "notification_id"
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in sorted(flags))
    return f"""SELECT {place}, {_AS_JSON} FROM ledger_entries, ledger_read(state) AS said
        WHERE {place} > %(first)s::bigint AND {place} <= %(last)s::bigint{conditions} ORDER BY {place} LIMIT %(limit)s"""


def last_place(search: EntrySearch) -> Query:
    """(the ledger's head, the last place): of the event's stream where one is named (null: it has none), else the head too."""
    head = "coalesce((SELECT max(notification_id) FROM ledger_entries), 0)"
    of_stream = "(SELECT max(originator_version) FROM ledger_entries WHERE originator_id = %(event_id)s::uuid)"
    return Query(f"SELECT {head}, {of_stream if search.event_id else head}", {"event_id": search.event_id}, ())


def first_entry() -> Query:
    """(the position of the first entry): null where there is none."""
    return Query("SELECT min(notification_id) FROM ledger_entries", {}, ())


def newest_entry(position: int) -> Query:
    """(the position of the last entry at or before that one): null where there is none."""
    return Query(
        "SELECT max(notification_id) FROM ledger_entries WHERE notification_id <= %(position)s", {"position": position}, ()
    )


def first_later_tile(moment: datetime) -> Query:
    """(first and last position of the first tile of the tree with an entry later than that; how far the tree has come)."""
    return Query(_FIRST_LATER_TILE, {"moment": moment}, ())


_FIRST_LATER_TILE = """
    SELECT tile.first_position, tile.last_position, audit.position FROM projections AS audit LEFT JOIN (
        SELECT first_position,
               ('x' || encode(substring(positions FROM octet_length(positions) - 7), 'hex'))::bit(64)::bigint AS last_position
        FROM audit_leaves WHERE latest > %(moment)s::timestamptz ORDER BY latest, tile LIMIT 1) AS tile ON true
    WHERE audit.name = 'audit'"""


def first_later(moment: datetime, first: int, last: int) -> Query:
    """(the first position past `first` and up to `last` whose entry is later than that): null where there is none."""
    sql = """SELECT min(notification_id) FROM ledger_entries, ledger_read(state) AS said
        WHERE notification_id > %(first)s AND notification_id <= %(last)s AND said.at > %(moment)s::timestamptz"""
    return Query(sql, {"moment": moment, "first": first, "last": last}, ())
