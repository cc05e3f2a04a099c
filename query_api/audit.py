"""What auditors read: the ledger itself, and how things stood at any time."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from accounts.access import Auditor
from ledger.entries import TOPICS
from ledger.views import EventView, event_view
from query_api import queries
from query_api.answers import JSON, JSON_OR_NDJSON, PrefersNdjson, answer, answer_of
from query_api.parameters import MAX_POSITION, Cursor, From, Limit, Moment, To, cursor_of, number_cursor
from query_api.read_side import Reads
from query_api.views import EntryPage

router = APIRouter(prefix="/api/audit", tags=["audit"])

#: Every kind of entry that there is: its topic, without the topic's version.
EntryType = StrEnum("EntryType", {kind.replace("-", "_").upper(): kind for kind in (topic.partition("/")[0] for topic in TOPICS)})  # type: ignore[misc]
At = Annotated[int | Moment | None, Query(description="A ledger position, or a time (RFC 3339, without an offset UTC); none: now")]
After = Annotated[int | None, Query(ge=0, le=MAX_POSITION, description="Of what is past this ledger position alone")]


async def _searched(
    after: After = None, event_id: UUID | None = None, actor_id: UUID | None = None, type: EntryType | None = None,  # noqa: A002
    from_: From = None, to: To = None,
) -> queries.EntrySearch:  # fmt: skip
    return queries.EntrySearch(event_id, actor_id, type and type.value, from_, to, after)


Searched = Annotated[queries.EntrySearch, Depends(_searched)]


@router.get("/entries", operation_id="get_entries", response_model=EntryPage, responses=JSON_OR_NDJSON)
async def get_entries(
    who: Auditor, reads: Reads, search: Searched, as_ndjson: PrefersNdjson, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The ledger, oldest first. As NDJSON: all of it to the end, a line an entry, whatever `limit`."""
    first = number_cursor(cursor) or (0 if search.event_id else search.after or 0)
    history = reads.side.history
    if as_ndjson:
        return await history.stream(search, first, reads.at_least)
    found = await history.page(search, first, limit, reads.at_least)
    next_cursor = "null" if found.next_place is None else f'"{cursor_of(found.next_place)}"'
    body = f'{{"items":[{",".join(found.lines)}],"next_cursor":{next_cursor}}}'
    return answer_of(body.encode(), found.head)


@router.get("/events/{event_id}", operation_id="get_event_as_of", response_model=EventView, responses=JSON)
async def get_event_as_of(event_id: UUID, who: Auditor, reads: Reads, at: At = None) -> Response:
    """The event as it stood then, as `GET /api/events/{event_id}` would have shown it. `Ledger-Position` is the place in the ledger
    that the time stands for: after the longest run of entries, from the first, that are not later."""
    position = await reads.side.moments.position_of(at, reads.at_least)
    return answer(event_view(await reads.side.moments.event(event_id, position)), position)
