"""The live stream: seats left, as server-sent events."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated, cast
from uuid import UUID

import anyio
from fastapi import APIRouter, Header, Query, Request, Response
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse, SendTimeoutError
from starlette.types import Receive, Scope, Send

from accounts.access import Anyone
from query_api.live.feed import PAGE, LiveFeed, SeatUpdate, Subscriber
from query_api.parameters import MAX_POSITION
from query_api.read_side import ReadSide

PING_SECONDS = 15
#: A reader that takes nothing for so long is dropped.
SEND_SECONDS = 20.0
#: When the server stops, a stream ends by itself within this.
GRACE_SECONDS = 2.0
MAX_EVENT_IDS = 50

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/api", tags=["live"])

EventIds = Annotated[list[UUID], Query(alias="event_id", max_length=MAX_EVENT_IDS, description="None: all events")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="What browsers send when they come again")]


@router.get(
    "/live", operation_id="get_live", response_class=EventSourceResponse,
    responses={200: {"description": "`event: availability`", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def get_live(request: Request, who: Anyone, event_id: EventIds = [], last_event_id: LastEventId = None) -> Response:  # noqa: B006
    """Seats left, as they change: `data: {event_id, available, categories: [{name, available}], position}`, its `id` the position.

    First comes what changed since `Last-Event-ID`; without one, or with one that never was, the state of the events named."""
    side: ReadSide = request.app.state.read_side
    listener = side.feed.listen(frozenset(event_id) or None)
    try:
        await side.feed.ready()
        position, first = await _first(side.feed, listener, _position(last_event_id))
    except BaseException:
        side.feed.leave(listener)
        raise
    return _Stream(side.feed, listener, position, first)


def _position(last_event_id: str | None) -> int | None:
    text = last_event_id or ""
    is_one = text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_POSITION
    return int(text) if is_one else None


async def _first(feed: LiveFeed, listener: Subscriber, after: int | None) -> tuple[int, list[SeatUpdate]]:
    """Where the projection stands, and the first of what the listener has missed."""
    if after is not None:
        position, states = await feed.changes(listener.event_ids, after)
        if after <= position:
            return position, states
    # A listener to all events who comes for the first time has missed nothing.
    return await feed.changes(listener.event_ids or frozenset(), None)


async def _messages(feed: LiveFeed, listener: Subscriber, position: int, states: list[SeatUpdate]) -> AsyncIterator[bytes]:
    """What was missed, page by page, then the news. Ids rise, and all that changed up to an id has been sent with it."""
    if not states:  # so that the browser knows from where to go on
        yield ServerSentEvent(id=str(position), sep="\n").encode()
    while states:
        for state in states:
            yield state.message
        if len(states) < PAGE:
            break
        position, states = await feed.changes(listener.event_ids, states[-1].position)
    while news := await listener.take():
        for state in news:
            if state.position > position:
                yield state.message


class _Stream(EventSourceResponse):
    def __init__(self, feed: LiveFeed, listener: Subscriber, position: int, first: list[SeatUpdate]) -> None:
        self._feed, self._listener = feed, listener
        super().__init__(
            _messages(feed, listener, position, first),
            ping=PING_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
            sep="\n",
            send_timeout=SEND_SECONDS,
            shutdown_event=cast(anyio.Event, listener),  # it is only ever set, which ends the listener and so the stream
            shutdown_grace_period=GRACE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("a live stream was dropped: its reader took nothing for %s s", SEND_SECONDS)
        finally:
            self._feed.leave(self._listener)
