"""One look for all who listen: what changed in `availability` is read once a process and handed to every open stream.

A listener holds the newest state of each event that it has not sent yet, so it is bounded by the number of events and a slow
reader skips what is out of date. Nothing is lost between its first look and the news: it is told the news from before that look.
"""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

import msgspec
from sse_starlette.event import ServerSentEvent

from ledger.errors import Busy
from query_api import queries
from query_api.background import stop
from query_api.database import Database
from query_api.responses import mapping

#: Where no message comes, the database is looked at so often; never sooner than the pause, nor than so many listeners take.
POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.02
SECONDS_PER_LISTENER = 0.000_25
READY_SECONDS = 3.0
PAGE = 500
#: Events that a listener to all of them may be behind; past it the stream ends, and the browser goes on from its last id.
MAX_PENDING = 10_000

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class SeatUpdate(NamedTuple):
    """Seats left of an event at a position: the bytes that go over the wire, made once for all."""

    position: int
    event_id: UUID
    message: bytes


class Subscriber:
    """`event_ids` None: all events."""

    def __init__(self, event_ids: frozenset[UUID] | None) -> None:
        self.event_ids = event_ids
        self._pending: dict[UUID, SeatUpdate] = {}
        self._woken = asyncio.Event()
        self.ended = False

    def push(self, state: SeatUpdate) -> None:
        self._pending[state.event_id] = state
        if len(self._pending) > MAX_PENDING:
            self.end()
        self._woken.set()

    async def take(self) -> list[SeatUpdate]:
        """What is new, in the order of positions, once there is something; nothing at the end."""
        await self._woken.wait()
        self._woken.clear()
        if self.ended:
            return []
        pending, self._pending = self._pending, {}
        return sorted(pending.values())

    def end(self) -> None:
        self.ended = True
        self._pending.clear()
        self._woken.set()

    #: What sse-starlette calls when the server stops.
    set = end


class LiveFeed:
    def __init__(self, database: Database, limit: int) -> None:
        """`limit`: how many may listen at once."""
        self._database, self._limit = database, limit
        self._listeners: set[Subscriber] = set()
        self._by_event: dict[UUID, set[Subscriber]] = {}
        self._of_all: set[Subscriber] = set()
        self._seen: int | None = None
        self._ready, self._woken, self._wanted = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow_for_ever(), name="live feed")

    async def close(self) -> None:
        """Ends every stream."""
        for listener in self._listeners:
            listener.end()
        if self._task is not None:
            await stop(self._task)

    def wake(self) -> None:
        """There may be news."""
        self._woken.set()

    @property
    def count(self) -> int:
        return len(self._listeners)

    def listen(self, event_ids: frozenset[UUID] | None) -> Subscriber:
        """From now on the listener is told what changes. Raises Busy at the limit. Give it back to `leave`."""
        if len(self._listeners) >= self._limit:
            raise Busy("Too many live streams are open. Try again.")
        listener = Subscriber(event_ids)
        self._listeners.add(listener)
        if event_ids is None:
            self._of_all.add(listener)
        for event_id in event_ids or ():
            self._by_event.setdefault(event_id, set()).add(listener)
        self._wanted.set()
        return listener

    def leave(self, listener: Subscriber) -> None:
        self._listeners.discard(listener)
        self._of_all.discard(listener)
        for event_id in listener.event_ids or ():
            others = self._by_event.get(event_id, set())
            others.discard(listener)
            if not others:
                self._by_event.pop(event_id, None)

    async def ready(self) -> None:
        """What is looked up after this is not older than where the news begin. Raises Busy where the database is away."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise Busy from None

    async def changes(self, event_ids: frozenset[UUID] | None, after: int | None) -> tuple[int, list[SeatUpdate]]:
        """Where the projection stands, and up to PAGE states of what changed after that position (None: of all that there is)."""
        ids = None if event_ids is None else list(event_ids)
        answer = await self._database.fetch(queries.availability_changes(event_ids=ids, after=after, limit=PAGE))
        return answer.position, [_state(mapping.availability(row)) for row in answer.rows]

    async def _follow_for_ever(self) -> None:
        """Supervised: whatever goes wrong is logged, and it goes on from where it was."""
        while True:
            await self._wanted.wait()
            try:
                await self._follow()
            except Busy as error:
                log.warning("the live feed can't read: %s", error.__cause__ or error)
                await asyncio.sleep(POLL_SECONDS / 4)
            except Exception:
                log.exception("the live feed can't read")
                await asyncio.sleep(POLL_SECONDS / 4)

    async def _follow(self) -> None:
        """As long as somebody listens."""
        while self._listeners:
            if self._seen is None:
                self._seen, _ = await self.changes(frozenset(), None)
            self._ready.set()
            self._woken.clear()
            await self._tell_news()
            await asyncio.sleep(max(PAUSE_SECONDS, SECONDS_PER_LISTENER * len(self._listeners)))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
        self._wanted.clear()
        self._ready.clear()
        self._seen = None

    async def _tell_news(self) -> None:
        full = True
        while full:
            assert self._seen is not None
            position, states = await self.changes(None, self._seen)
            for state in states:
                for listener in (*self._by_event.get(state.event_id, ()), *self._of_all):
                    listener.push(state)
            full = len(states) == PAGE
            self._seen = states[-1].position if full else max(position, self._seen)


def _state(availability: mapping.AvailabilityMessage) -> SeatUpdate:
    message = ServerSentEvent(_encode(availability).decode(), event="availability", id=str(availability.position), sep="\n")
    return SeatUpdate(availability.position, availability.event_id, message.encode())
