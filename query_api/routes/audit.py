"""For auditors: the ledger itself, and time travel."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from accounts.access import Auditor
from ledger.entries import TOPICS
from ledger.errors import Malformed
from ledger.field_types import UtcTime
from ledger.views import EventView, event_view
from query_api import queries
from query_api.parameters import MAX_POSITION, Cursor, From, Limit, To, cursor_of, number_cursor
from query_api.read_side import Reader
from query_api.responses.audit_views import EntryPage
from query_api.responses.http import JSON, JSON_OR_NDJSON, PrefersNdjson, encoded_response, json_response
from query_api.responses.statistics_views import EventStatsPage, StatsDifference, SummaryView
from query_api.time_travel.past_statistics import compare, events_page

router = APIRouter(prefix="/api/audit", tags=["audit"])

#: All types of entries: their topics, without the topics' versions.
_ENTRY_TYPES = dict.fromkeys(topic.partition("/")[0] for topic in TOPICS)
EntryType = StrEnum("EntryType", {name.replace("-", "_").upper(): name for name in _ENTRY_TYPES})  # type: ignore[misc]  # its members are read from the topics
Type = Annotated[EntryType | None, Query(alias="type")]
_PositionOrTime = Annotated[int, Field(ge=0, le=MAX_POSITION)] | UtcTime | None
At = Annotated[_PositionOrTime, Query(description="A ledger position, or a time (RFC 3339; UTC without an offset); none: now")]
Since = Annotated[_PositionOrTime, Query(description="The earlier ledger position or time; none: the first entry")]
After = Annotated[int | None, Query(ge=0, le=MAX_POSITION, description="Only entries past this ledger position")]


async def _read_search(
    after: After = None, event_id: UUID | None = None, actor_id: UUID | None = None, type_: Type = None,
    from_: From = None, to: To = None,
) -> queries.EntrySearch:  # fmt: skip
    return queries.EntrySearch(event_id, actor_id, type_ and type_.value, from_, to, after)


Search = Annotated[queries.EntrySearch, Depends(_read_search)]


@router.get("/entries", operation_id="get_entries", response_model=EntryPage, responses=JSON_OR_NDJSON)
async def get_entries(
    principal: Auditor, reader: Reader, search: Search, as_ndjson: PrefersNdjson, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The entries of the ledger, oldest first. As NDJSON: all entries to the end, one a line; `limit` does not apply."""
    after_key = number_cursor(cursor) or (0 if search.event_id else search.after or 0)
    if as_ndjson:
        return await reader.side.entry_reader.stream(search, after_key, reader.at_least)
    page = await reader.side.entry_reader.page(search, after_key, limit, reader.at_least)
    next_cursor = "null" if page.next_key is None else f'"{cursor_of(page.next_key)}"'
    body = f'{{"items":[{",".join(page.lines)}],"next_cursor":{next_cursor}}}'
    return encoded_response(body.encode(), page.head)


@router.get("/events/{event_id}", operation_id="get_event_as_of", response_model=EventView, responses=JSON)
async def get_event_as_of(event_id: UUID, principal: Auditor, reader: Reader, at: At = None) -> Response:
    """The event as of a ledger position or time, as `GET /api/events/{event_id}` showed it then. `Ledger-Position` is the position
    that a time stands for: that of the last entry before the first one that is later."""
    position = await reader.side.as_of.position_of(at, reader.at_least)
    return json_response(event_view(await reader.side.as_of.event_as_of(event_id, position)), position)


@router.get("/stats", operation_id="get_stats_as_of", response_model=SummaryView, responses=JSON)
async def get_stats_as_of(principal: Auditor, reader: Reader, at: At = None) -> Response:
    """The summary of all events as of a ledger position or time, as `GET /api/stats/summary` showed it to admins then."""
    position = await reader.side.as_of.position_of(at, reader.at_least)
    statistics = await reader.side.past_statistics.at(position)
    return encoded_response(bytes(statistics.summary), position)


@router.get("/stats/events", operation_id="get_events_stats_as_of", response_model=EventStatsPage, responses=JSON)
async def get_events_stats_as_of(
    principal: Auditor, reader: Reader, at: At = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Statistics by event as of a ledger position or time, newest first, as `GET /api/stats/events` showed them then."""
    position = await reader.side.as_of.position_of(at, reader.at_least)
    statistics = await reader.side.past_statistics.at(position)
    items, more = events_page(statistics.events, number_cursor(cursor), limit)
    next_cursor = None if more is None else cursor_of(more)
    return json_response({"items": items, "next_cursor": next_cursor, "ledger_position": position}, position)


@router.get("/stats/difference", operation_id="get_stats_difference", response_model=StatsDifference, responses=JSON)
async def get_stats_difference(
    principal: Auditor, reader: Reader, since: Since = None, at: At = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The change of the statistics between two moments, in total and by event."""
    as_of = reader.side.as_of
    second = await as_of.position_of(at, reader.at_least)
    first = await as_of.first_position() if since is None else await as_of.position_of(since)
    if first > second:
        raise Malformed("`since` is later than `at`.", errors=[{"path": "since", "message": "later than at"}])
    before, after = [await reader.side.past_statistics.at(position) for position in (first, second)]
    start, changed = number_cursor(cursor) or 0, compare(before, after)
    items = changed[start : start + limit]
    next_cursor = cursor_of(start + limit) if len(changed) > start + limit else None
    return json_response({"before": before.summary, "after": after.summary, "items": items, "next_cursor": next_cursor}, second)
