"""The event read cache: responses about events from memory. While tickets are on sale, one page is requested over and over, and its
seats change a few times a second.

A poll asks the database by one statement which events changed since the last poll. It follows each message of a worker that a
projection moved, and comes after POLL_SECONDS without one, since messages get lost. `CachedEvents` holds what was read.

                a request                   the first position is read
    IDLE ───────────────────────▶ STARTING ────────────────────────────▶ POLLING ──┐ poll: apply the changes
   (nothing is kept or polled;        │                                     │   ◀──┘
    requests read for themselves)     │ error: after a pause, and           │ error, or no request for IDLE_SECONDS
        ▲                             ▼ with the next request, or reset     ▼
        └───────────────────────────────────────────────────────────────────┘ everything kept is dropped

A reset puts an empty `CachedEvents` in the place of the old one, in which a request that is under way stores what it reads: nobody
looks there any more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import LRUCache

from ledger.concurrency import BackgroundTasks, SingleFlight, supervise
from query_api import queries
from query_api.caching.cached_events import KEPT_PAGES, CachedEvents, CachedResponse, ChangedEvents, page_of
from query_api.database import Query, QueryResult
from query_api.parameters import cursor_of, split_page

#: The longest time between two polls, and the shortest.
POLL_SECONDS = 0.25
PAUSE_SECONDS = 0.02
#: The pause after an error.
RETRY_SECONDS = 0.25
#: The time without a request after which polling ends.
IDLE_SECONDS = 60.0
#: Changes read by one statement.
PAGE = 500
#: Bytes of a query string that is remembered.
MAX_QUERY_STRING = 300

log = logging.getLogger(__name__)
Fetch = Callable[[Query[Any], int | None], Awaitable[QueryResult[Any]]]


class EventReadCache:
    """Returns events and pages of events from memory, or reads them by `fetch` (`ReadSide.fetch`). The database need not be
    available yet."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self.cached = CachedEvents()
        self._flights = SingleFlight[Any, CachedResponse | None]()
        self._searches = LRUCache[bytes, queries.EventSearch](KEPT_PAGES)
        self._requested, self._woken = asyncio.Event(), asyncio.Event()
        self._requested_at = 0.0
        #: Requests that were answered from memory, and others.
        self.hits = self.misses = 0
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        failure = "the event read cache can't be kept up to date"
        self._tasks.spawn(supervise(self._run, log=log, failure=failure, pause_seconds=RETRY_SECONDS), name="event read cache")

    async def close(self) -> None:
        await self._flights.stop()
        await self._tasks.stop()

    def wake(self) -> None:
        """Polls soon: there may be changes."""
        self._woken.set()

    def reset(self) -> None:
        """The tables were replaced, or the ledger went back: what was read before does not count."""
        self.cached = CachedEvents()
        self.wake()

    # --- requests

    async def get_event(self, event_id: UUID, at_least: int | None) -> CachedResponse | None:
        """The event as of position `at_least` or later; None where there is no such event. Raises what `fetch` raises."""
        response = self.event_in_memory(event_id, at_least)
        if response is None:
            self.misses += 1
            response = await self._flights.do((event_id, at_least), lambda: self._read_event(event_id, at_least))
        return response

    async def get_page(self, search: queries.EventSearch, now: datetime, at_least: int | None) -> CachedResponse:
        """A page of events as of position `at_least` or later. Raises what `fetch` raises."""
        response = self.page_in_memory(search, now, at_least)
        if response is None:
            self.misses += 1
            response = await self._flights.do((search, at_least), lambda: self._read_page(search, now, at_least))
        assert response is not None, "a page may be empty, but there is one"
        return response

    def event_in_memory(self, event_id: UUID, at_least: int | None = None) -> CachedResponse | None:
        """As `get_event`; None where it would need a query."""
        response = self.cached.event(event_id) if self._has_reached(at_least) else None
        self.hits += response is not None
        return response

    def page_in_memory(self, search: queries.EventSearch, now: datetime, at_least: int | None = None) -> CachedResponse | None:
        """As `get_page`; None where it would need a query."""
        response = self.cached.page(search, now) if self._has_reached(at_least) else None
        self.hits += response is not None
        return response

    def remember(self, query_string: bytes, search: queries.EventSearch) -> None:
        """Keeps what a query string means, so that it need not be parsed again."""
        if len(query_string) <= MAX_QUERY_STRING:
            self._searches[query_string] = search

    def remembered(self, query_string: bytes) -> queries.EventSearch | None:
        return self._searches.get(query_string)

    def _has_reached(self, at_least: int | None) -> bool:
        self._requested_at = asyncio.get_running_loop().time()
        self._requested.set()
        return self.cached.position is not None and self.cached.position >= (at_least or 0)

    async def _read_event(self, event_id: UUID, at_least: int | None) -> CachedResponse | None:
        cached = self.cached
        position, rows = await self._fetch(queries.event_by_id(event_id), at_least)
        if not rows:
            return None
        return cached.store_event(position, rows[0]).response()

    async def _read_page(self, search: queries.EventSearch, now: datetime, at_least: int | None) -> CachedResponse:
        cached = self.cached
        position, rows = await self._fetch(queries.event_page(search, now), at_least)
        shown, more = split_page(rows, search.limit)
        events = [cached.store_event(position, row) for row in shown]
        next_cursor = cursor_of((events[-1].view.starts_at, events[-1].view.id)) if more else None
        cached.store_page(search, position, events, next_cursor)
        return CachedResponse(position, page_of([event.made for event in events], next_cursor))

    # --- polling

    async def _run(self) -> None:
        """From the first request until none comes any more, a reset, or an error."""
        await self._requested.wait()
        self._requested.clear()  # the next request sets it: while the database is unavailable, nothing is tried without one
        if self._is_idle():
            return
        cached = self.cached
        try:
            cached.start((await self._fetch(queries.projections_position(queries.EVENTS), None)).position)
            while not self._is_idle() and self.cached is cached:
                self._woken.clear()
                await self.poll()
                await asyncio.sleep(PAUSE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._woken.wait()
        finally:
            cached.stop()

    def _is_idle(self) -> bool:
        return asyncio.get_running_loop().time() - self._requested_at >= IDLE_SECONDS

    async def poll(self) -> None:
        """Reads all changes since the last poll, then applies them."""
        cached, changes = self.cached, ChangedEvents()
        after = cached.position or 0
        while True:
            position, rows = await self._fetch(queries.changed_events(after=after, limit=PAGE), None)
            for row in rows:
                changes.add(row)
            if len(rows) < PAGE:
                break
            after = rows[-1].changed_at - 1  # an entry may have caused two rows, both with its position
        cached.apply(changes, position)
