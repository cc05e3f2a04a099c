"""Reading events. No log-in is needed."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypeAliasType

from accounts.access import Anyone
from ledger.errors import EventNotFound
from ledger.views import EventView
from query_api import queries
from query_api.parameters import Cursor, From, Limit, Search, To, event_cursor
from query_api.read_side import Reader
from query_api.responses.http import PUBLIC_JSON
from query_api.responses.representation import respond
from query_api.responses.views import EventPage

router = APIRouter(prefix="/api", tags=["events"])

EventFilter = TypeAliasType("EventFilter", Literal["active", "cancelled", "completed", "all"])
Status = Annotated[
    EventFilter | None,
    Query(description="With a status, past events are included. Without: active and upcoming events."),
]


@router.get("/events", operation_id="get_events", response_model=EventPage, responses=PUBLIC_JSON)
async def get_events(  # noqa: PLR0913 - a parameter each
    request: Request, principal: Anyone, reader: Reader, q: Search = "", from_: From = None, to: To = None, status: Status = None,
    organizer_id: UUID | None = None, limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """Events by start, those with an open date last. `q` is searched in name and venue. `from` and `to`, both inclusive, limit the
    start."""
    search = queries.EventSearch(
        q=q, from_=from_, to=to, status=None if status == "all" else status or "active", upcoming=status is None,
        organizer_id=organizer_id, after=event_cursor(cursor), limit=limit,
    )  # fmt: skip
    reader.side.event_read_cache.remember(request.scope["query_string"], search)
    page = await reader.side.event_read_cache.get_page(search, reader.side.clock(), reader.at_least)
    return respond(page.made, page.position, request)


@router.get("/events/{event_id}", operation_id="get_event", response_model=EventView, responses=PUBLIC_JSON)
async def get_event(event_id: UUID, request: Request, principal: Anyone, reader: Reader) -> Response:
    """An event with its categories and seats left. The `ETag` is for `If-None-Match`, and for `If-Match`, which compares only the
    version of the details, not the seats."""
    event = await reader.side.event(event_id, reader.at_least)
    if event is None:
        raise EventNotFound
    return respond(event.made, event.position, request)
