"""The live feed: seats left, pushed to all subscribers. One poll a process reads what changed in `availability`.

A subscriber holds the newest unsent update of each event. So its memory is bounded by the number of events, and a slow client skips
outdated updates. It loses none: updates that come before its own first query are pushed to it, too.

Where the tables were replaced, or the ledger went back, each subscriber gets a `reset`: what it has seen before does not count.
"""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import msgspec
from sse_starlette.event import ServerSentEvent

from ledger.client_limits import OpenLimiter
from ledger.concurrency import BackgroundTasks, supervise
from ledger.deadline import remaining_seconds
from ledger.errors import Busy, TooManyStreams
from query_api import queries
from query_api.database import Database
from query_api.responses import mapping

#: The longest time between two polls, and the shortest, which grows with the number of subscribers, since each costs time.
POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.02
SECONDS_PER_SUBSCRIBER = 0.000_25
#: The pause after an error.
RETRY_SECONDS = 0.25
#: How long a new subscriber waits until polling has begun.
READY_SECONDS = 2.0
#: Changes read by one statement.
PAGE = 500
#: Unsent updates of one subscriber; with more, its stream ends, and the browser reconnects with the last id that it received.
MAX_PENDING = 10_000

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class SeatUpdate(NamedTuple):
    """Seats left of an event as of a position: `message` is the server-sent event, encoded once for all subscribers."""

    position: int
    event_id: UUID
    message: bytes


#: Stands for all events, in a reset.
ALL_EVENTS = UUID(int=0)


class Subscriber:
    """A client of the live feed, with its unsent updates. `event_ids` None: of all events. `client`: whose stream it is."""

    def __init__(self, event_ids: frozenset[UUID] | None, client: str = "") -> None:
        self.event_ids, self.client = event_ids, client
        self._pending: dict[UUID, SeatUpdate] = {}
        self._woken = asyncio.Event()
        self.ended = False

    def push(self, update: SeatUpdate) -> None:
        self._pending[update.event_id] = update
        if len(self._pending) > MAX_PENDING:
            self.end()
        self._woken.set()

    async def take(self) -> list[SeatUpdate]:
        """Waits for updates and returns them in the order of positions; an empty list means that the stream has ended."""
        await self._woken.wait()
        self._woken.clear()
        if self.ended:
            return []
        pending, self._pending = self._pending, {}
        return sorted(pending.values())

    def reset(self, message: bytes) -> None:
        """Instead of all updates that it has not taken."""
        self._pending = {ALL_EVENTS: SeatUpdate(0, ALL_EVENTS, message)}
        self._woken.set()

    def end(self) -> None:
        self.ended = True
        self._pending.clear()
        self._woken.set()

    #: sse-starlette calls this when the server stops.
    set = end


class LiveFeed:
    def __init__(self, database: Database, limit: int, limit_of_client: int) -> None:
        """`limit`: the number of subscribers. `limit_of_client`: of one client; 0: no limit."""
        self._database, self.limit, self._by_client = database, limit, OpenLimiter(limit_of_client)
        self._subscribers: set[Subscriber] = set()
        self._by_event: dict[UUID, set[Subscriber]] = {}
        self._of_all_events: set[Subscriber] = set()
        #: The position up to which all changes were pushed; None while there is no subscriber.
        self._position: int | None = None
        self._is_reset = False
        self._ready, self._woken, self._subscribed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        work = supervise(self._run, log=log, failure="the live feed can't read", pause_seconds=RETRY_SECONDS)
        self._tasks.spawn(work, name="live feed")

    async def close(self) -> None:
        """Ends every stream."""
        for subscriber in self._subscribers:
            subscriber.end()
        await self._tasks.stop()

    def wake(self) -> None:
        """Polls soon: there may be changes."""
        self._woken.set()

    def reset(self) -> None:
        """The tables were replaced, or the ledger went back."""
        self._is_reset = True
        self.wake()

    @property
    def count(self) -> int:
        return len(self._subscribers)

    def subscribe(self, event_ids: frozenset[UUID] | None, client: str) -> Subscriber:
        """A subscriber to which changes are pushed from now on, until `unsubscribe`. Raises TooManyStreams at the limit of this
        client, Busy at the limit of all."""
        if len(self._subscribers) >= self.limit:
            raise Busy("Too many live streams are open. Try again.")
        if not self._by_client.add(client):
            raise TooManyStreams
        subscriber = Subscriber(event_ids, client)
        self._subscribers.add(subscriber)
        if event_ids is None:
            self._of_all_events.add(subscriber)
        for event_id in event_ids or ():
            self._by_event.setdefault(event_id, set()).add(subscriber)
        self._subscribed.set()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        if subscriber not in self._subscribers:
            return
        self._subscribers.remove(subscriber)
        self._by_client.remove(subscriber.client)
        self._of_all_events.discard(subscriber)
        for event_id in subscriber.event_ids or ():
            others = self._by_event.get(event_id, set())
            others.discard(subscriber)
            if not others:
                self._by_event.pop(event_id, None)

    async def ready(self) -> None:
        """Waits until polling has begun, so that a query after this is no older than the first pushed update. Raises Busy where the
        database is unavailable."""
        try:
            async with asyncio.timeout(remaining_seconds(READY_SECONDS)):
                await self._ready.wait()
        except TimeoutError:
            raise Busy from None

    async def position(self) -> int:
        """The projection's position."""
        position, _ = await self._database.fetch(queries.projections_position(queries.AVAILABILITY))
        return position

    async def changes(self, event_ids: frozenset[UUID] | None, after: int | None) -> tuple[int, list[SeatUpdate]]:
        """The projection's position, and up to PAGE updates of events that changed after position `after` (None: of all events)."""
        ids = None if event_ids is None else list(event_ids)
        position, rows = await self._database.fetch(queries.availability_changes(event_ids=ids, after=after, limit=PAGE))
        return position, [_update(mapping.availability_message(row)) for row in rows]

    async def _run(self) -> None:
        """Polls as long as there are subscribers. After an error it continues from the same position."""
        await self._subscribed.wait()
        while self._subscribers:
            if self._position is None or self._is_reset:
                self._position = await self._begin()
            self._ready.set()
            self._woken.clear()
            self._position = await self._push_changes(self._position)
            await asyncio.sleep(max(PAUSE_SECONDS, SECONDS_PER_SUBSCRIBER * len(self._subscribers)))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
        self._subscribed.clear()
        self._ready.clear()
        self._position = None

    async def _begin(self) -> int:
        """The position from which changes are pushed; after a reset, every subscriber is told."""
        is_reset, position = self._is_reset, await self.position()
        if is_reset:
            self._is_reset = False
            message = ServerSentEvent("{}", event="reset", id=str(position), sep="\n").encode()
            for subscriber in self._subscribers:
                subscriber.reset(message)
        return position

    async def _push_changes(self, after: int) -> int:
        """Pushes what changed after that position. Returns the position up to which all is pushed."""
        while True:
            position, updates = await self.changes(None, after)
            for update in updates:
                for subscriber in (*self._by_event.get(update.event_id, ()), *self._of_all_events):
                    subscriber.push(update)
            if len(updates) < PAGE:
                self._is_reset |= position < after  # the projection was put back
                return max(position, after)
            after = self._position = updates[-1].position


def _update(message: mapping.AvailabilityMessage) -> SeatUpdate:
    event = ServerSentEvent(_encode(message).decode(), event="availability", id=str(message.position), sep="\n")
    return SeatUpdate(message.position, message.event_id, event.encode())
