"""Events in memory, as everybody reads them: on-sale minutes are one page over and over, and its seats change a few times a
second.

What is kept is exact as of one position, `seen`. A look asks the database which events changed since, in one statement, whenever
workers tell that they moved, and a slow look besides, since messages get lost. What a look finds is put in place at once, and
`seen` moves. An event that was read at a later position than `seen` is answered, and kept, but not believed before a look has
caught up with it: an answer from here never mixes what was with what is. While nobody reads, nothing is followed and nothing kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from cachetools import LRUCache

from ledger.errors import Busy
from ledger.views import EventView
from query_api import queries
from query_api.background import stop
from query_api.database import Query, QueryResult, Row
from query_api.parameters import cursor_of, page
from query_api.responses import mapping

#: Without a message the database is looked at so often; never sooner than the pause. After so long without a reader: no more.
POLL_SECONDS = 0.25
PAUSE_SECONDS = 0.02
IDLE_SECONDS = 60.0
#: Changes read by one statement.
PAGE = 500
KEPT_BYTES = 32 * 1024 * 1024
KEPT_LISTS = 300

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
Ask = Callable[[Query, int | None], Awaitable[QueryResult]]


class CachedResponse(NamedTuple):
    """An answer as it goes over the wire, and the position that it shows."""

    position: int
    body: bytes
    etag: str = ""


class CachedEvent:
    """An event as it was read at `position`, and kept up to date since."""

    __slots__ = ("body", "etag", "position", "view")

    def __init__(self, position: int, view: EventView) -> None:
        self.position, self.view, self.body, self.etag = position, view, _encode(view), f'"{view.details_version}"'

    def weight_bytes(self) -> int:
        return 2 * len(self.body) + 500

    def set_seats(self, rows: list[mapping.Seats]) -> bool:
        """Whether these are the categories that it has: else its details have changed as well."""
        view = self.view
        if len(rows) != len(view.categories):
            return False
        for category, (name, capacity, taken, available) in zip(view.categories, rows, strict=True):
            if category.name != name:
                return False
            category.capacity, category.taken, category.available = capacity, taken, available
        view.capacity = sum(category.capacity for category in view.categories)
        view.available = sum(category.available for category in view.categories)
        self.body = _encode(view)
        return True


class CachedPage(NamedTuple):
    """Which events, in which order, were on a page when it was read. One of upcoming events is good `until` the first is past."""

    position: int
    event_ids: list[UUID]
    next_cursor: str | None
    until: datetime | None


class EventReadCache:
    """`ask` puts a query to the database, which need not be there yet: see `ReadSide.fetch`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._seen: int | None = None
        self._events: LRUCache[UUID, CachedEvent] = LRUCache(KEPT_BYTES, getsizeof=CachedEvent.weight_bytes)
        self._lists: LRUCache[queries.EventSearch, CachedPage] = LRUCache(KEPT_LISTS)
        self._flights: dict[Any, asyncio.Task[CachedResponse | None]] = {}
        self._wanted, self._woken = asyncio.Event(), asyncio.Event()
        self._used_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._follow_for_ever(), name="event read cache")

    async def close(self) -> None:
        await stop(*self._flights.values(), *([self._task] if self._task else []))

    def wake(self) -> None:
        """There may be news."""
        self._woken.set()

    # --- what is asked

    async def event(self, event_id: UUID, at_least: int | None) -> CachedResponse | None:
        """None: there is no such event. Raises what `ask` raises."""
        kept = self._believed(event_id) if self._is_at(at_least) else None
        if kept is not None:
            assert self._seen is not None
            return CachedResponse(self._seen, kept.body, kept.etag)
        return await self._once((event_id, at_least), lambda: self._read_event(event_id, at_least))

    async def events(self, search: queries.EventSearch, now: datetime, at_least: int | None) -> CachedResponse:
        """A page of events. Raises what `ask` raises."""
        shown = self._listed(search, now) if self._is_at(at_least) else None
        if shown is None:
            shown = await self._once((search, at_least), lambda: self._read_events(search, now, at_least))
        assert shown is not None, "a list may be empty but is one"
        return shown

    def _is_at(self, at_least: int | None) -> bool:
        self._used_at = asyncio.get_running_loop().time()
        self._wanted.set()
        return self._seen is not None and self._seen >= (at_least or 0)

    def _believed(self, event_id: UUID) -> CachedEvent | None:
        kept = self._events.get(event_id)
        return kept if kept is not None and self._seen is not None and kept.position <= self._seen else None

    def _listed(self, search: queries.EventSearch, now: datetime) -> CachedResponse | None:
        found = self._lists.get(search)
        if found is None or self._seen is None or found.position > self._seen or (found.until is not None and found.until <= now):
            return None
        kept = [self._believed(event_id) for event_id in found.event_ids]
        bodies = [one.body for one in kept if one is not None]
        return _page(self._seen, bodies, found.next_cursor) if len(bodies) == len(kept) else None

    # --- what is read

    async def _once(self, key: Any, read: Callable[[], Awaitable[CachedResponse | None]]) -> CachedResponse | None:
        """However many want the same at the same time, it is read once; who leaves does not take it from the others."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(read())
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: Any, flight: "asyncio.Future[CachedResponse | None]") -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # retrieved: who waited may have gone

    async def _read_event(self, event_id: UUID, at_least: int | None) -> CachedResponse | None:
        position, rows = await self._ask(queries.event_by_id(event_id), at_least)
        if not rows:
            return None
        kept = self._keep(position, rows[0])
        return CachedResponse(position, kept.body, kept.etag)

    async def _read_events(self, search: queries.EventSearch, now: datetime, at_least: int | None) -> CachedResponse:
        position, rows = await self._ask(queries.event_page(search, now), at_least)
        found, more = page(rows, search.limit)
        kept = [self._keep(position, row) for row in found]
        next_cursor = cursor_of((kept[-1].view.starts_at, kept[-1].view.id)) if more else None
        if self._is_news(position):
            until = min(filter(None, (one.view.past_at for one in kept)), default=None) if search.upcoming else None
            self._lists[search] = CachedPage(position, [one.view.id for one in kept], next_cursor, until)
        return _page(position, [one.body for one in kept], next_cursor)

    def _keep(self, position: int, row: Row) -> CachedEvent:
        kept = CachedEvent(position, mapping.event_view(row))
        if self._is_news(position) and kept.weight_bytes() < KEPT_BYTES:
            self._events[kept.view.id] = kept
        return kept

    def _is_news(self, position: int) -> bool:
        """What was read before the last look may have changed before it, and no look to come would tell."""
        return self._seen is not None and position >= self._seen

    # --- what changes

    async def _follow_for_ever(self) -> None:
        """Supervised: whatever goes wrong is logged, what was kept is forgotten, and it begins again."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()  # whoever reads sets it again: while the database is away and nobody does, nothing is tried
            if self._is_idle():
                continue
            try:
                await self._follow()
            except Busy as error:
                log.warning("events in memory can't be kept up to date: %s", error.__cause__ or error)
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                log.exception("events in memory can't be kept up to date")
                await asyncio.sleep(POLL_SECONDS)
            finally:
                self._seen = None
                self._events.clear()
                self._lists.clear()

    async def _follow(self) -> None:
        """As long as somebody reads."""
        self._seen = (await self._ask(queries.projections_position(queries.EVENTS), None)).position
        while not self._is_idle():
            self._woken.clear()
            await self._look(self._seen)
            await asyncio.sleep(PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    def _is_idle(self) -> bool:
        return asyncio.get_running_loop().time() - self._used_at >= IDLE_SECONDS

    async def _look(self, after: int) -> None:
        """All that changed is put in place in one go, when all of it is known."""
        seats: dict[UUID, str] = {}
        described: set[UUID] = set()
        while True:
            position, rows = await self._ask(queries.event_changes(after=after, limit=PAGE), None)
            for event_id, _, categories in rows:
                if categories is None:
                    described.add(event_id)
                else:
                    seats[event_id] = categories
            if len(rows) < PAGE:
                break
            after = rows[-1][1] - 1  # one entry may have changed two things: both at one position
        for event_id, categories in seats.items():
            kept = self._events.get(event_id)
            if kept is not None and not kept.set_seats(mapping.seats(categories)):
                described.add(event_id)
        for event_id in described:
            self._events.pop(event_id, None)
        if described:
            self._lists.clear()
        if self._seen is not None and position < self._seen:  # a projection was set back
            self._events.clear()
            self._lists.clear()
        self._seen = position


def _page(position: int, items: list[bytes], next_cursor: str | None) -> CachedResponse:
    return CachedResponse(position, b'{"items":[' + b",".join(items) + b'],"next_cursor":' + _encode(next_cursor) + b"}")
