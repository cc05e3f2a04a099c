"""Reading events: anyone may."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from typing_extensions import TypeAliasType

from accounts.access import Anyone
from ledger.errors import EventNotFound
from ledger.views import EventView
from query_api import queries
from query_api.answers import JSON, answer
from query_api.parameters import Cursor, From, Limit, Search, To, cursor_of, event_cursor, page
from query_api.read_side import Reads
from query_api.shapes import event_view
from query_api.views import EventPage

router = APIRouter(prefix="/api", tags=["events"])

EventFilter = TypeAliasType("EventFilter", Literal["active", "cancelled", "completed", "all"])
Status = Annotated[
    EventFilter | None,
    Query(description="With it, past events too. Without it: active and upcoming ones."),
]


@router.get("/events", operation_id="get_events", response_model=EventPage, responses=JSON)
async def get_events(  # noqa: PLR0913 - a parameter each
    who: Anyone, reads: Reads, q: Search = "", from_: From = None, to: To = None, status: Status = None,
    organizer_id: UUID | None = None, limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """Soonest first. `q` is looked for in name and venue; `from` and `to`, both inclusive, bound when events start."""
    query = queries.events(
        q=q, upcoming_from=datetime.now(UTC) if status is None else None, from_=from_, to=to,
        status=None if status == "all" else status or "active", organizer_id=organizer_id, after=event_cursor(cursor), limit=limit,
    )  # fmt: skip
    position, rows = await reads.ask(query)
    found, more = page(rows, limit)
    items = [event_view(row) for row in found]
    next_cursor = cursor_of((items[-1].starts_at, items[-1].id)) if more else None
    return answer(EventPage(items=items, next_cursor=next_cursor), position)


@router.get("/events/{event_id}", operation_id="get_event", response_model=EventView, responses=JSON)
async def get_event(event_id: UUID, who: Anyone, reads: Reads) -> Response:
    """The `ETag` is what `If-Match` takes: when the event's own details last changed. A booking does not change it."""
    position, rows = await reads.ask(queries.event(event_id))
    if not rows:
        raise EventNotFound
    view = event_view(rows[0])
    return answer(view, position, {"ETag": f'"{view.details_version}"'})
