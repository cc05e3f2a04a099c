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
from ledger.client_address import client_of
from query_api.live.feed import ALL_EVENTS, PAGE, LiveFeed, SeatUpdate, Subscriber
from query_api.parameters import MAX_POSITION
from query_api.read_side import ReadSide

PING_SECONDS = 15
#: A client that takes nothing for this long is disconnected.
SEND_SECONDS = 20.0
#: When the server stops, streams have this long to end by themselves.
GRACE_SECONDS = 2.0
MAX_EVENT_IDS = 50

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/api", tags=["live"])

EventIds = Annotated[list[UUID], Query(alias="event_id", max_length=MAX_EVENT_IDS, description="None: all events")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="Sent by browsers when they reconnect")]


@router.get(
    "/live", operation_id="get_live", response_class=EventSourceResponse,
    responses={200: {"description": "`event: availability`", "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def get_live(request: Request, principal: Anyone, event_id: EventIds = [], last_event_id: LastEventId = None) -> Response:  # noqa: B006 - FastAPI copies it
    """Seats left, as they change: `data: {event_id, available, categories: [{name, available, held}], pools, position}`, `pools` as
    `categories`; `id` is the position.

    `event: reset` means that the server's ledger went back, or its tables were rebuilt: what was read before does not count.

    The stream begins with what changed since `Last-Event-ID`. Without a valid one it begins with the state of the requested events;
    without `event_id` too, only with an id."""
    side: ReadSide = request.app.state.read_side
    subscriber = side.feed.subscribe(frozenset(event_id) or None, client_of(request.scope))
    try:
        await side.feed.ready()
        position, missed = await _read_missed(side.feed, subscriber, _parse_position(last_event_id))
    except BaseException:
        side.feed.unsubscribe(subscriber)
        raise
    return _Stream(side.feed, subscriber, position, missed)


def _parse_position(last_event_id: str | None) -> int | None:
    text = last_event_id or ""
    is_position = text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_POSITION
    return int(text) if is_position else None


async def _read_missed(feed: LiveFeed, subscriber: Subscriber, after: int | None) -> tuple[int, list[SeatUpdate]]:
    """The projection's position, and the first page of updates that the subscriber has missed."""
    if after is not None:
        position, updates = await feed.changes(subscriber.event_ids, after)
        if after <= position:
            return position, updates
    if subscriber.event_ids is None:  # a new subscriber to all events has missed nothing
        return await feed.position(), []
    return await feed.changes(subscriber.event_ids, None)


async def _messages(feed: LiveFeed, subscriber: Subscriber, position: int, updates: list[SeatUpdate]) -> AsyncIterator[bytes]:
    """Missed updates, page by page, then new ones. Ids increase, and a client that has received an id has all changes up to it."""
    if not updates:  # an id from which the browser can resume
        yield ServerSentEvent(id=str(position), sep="\n").encode()
    while updates:
        for update in updates:
            yield update.message
        if len(updates) < PAGE:
            break
        position, updates = await feed.changes(subscriber.event_ids, updates[-1].position)
    while updates := await subscriber.take():
        for update in updates:
            if update.event_id == ALL_EVENTS:  # a reset: positions begin again
                position = 0
            if update.position > position or update.event_id == ALL_EVENTS:
                yield update.message


class _Stream(EventSourceResponse):
    def __init__(self, feed: LiveFeed, subscriber: Subscriber, position: int, missed: list[SeatUpdate]) -> None:
        self._feed, self._subscriber = feed, subscriber
        super().__init__(
            _messages(feed, subscriber, position, missed),
            ping=PING_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(comment="ping", sep="\n"),
            sep="\n",
            send_timeout=SEND_SECONDS,
            shutdown_event=cast(anyio.Event, subscriber),  # only its `set` is called, which ends the subscriber and so the stream
            shutdown_grace_period=GRACE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("a live stream was closed: its client took nothing for %s s", SEND_SECONDS)
        finally:
            self._feed.unsubscribe(self._subscriber)
