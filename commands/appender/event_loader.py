"""Loads Events from their streams in the background, while the appender goes on with other Events.

Streams that are requested while others are loaded are read together, many short ones in one statement: when many Events are not in
memory and the event loop is busy, the iterations of the loop that a statement takes are the bottleneck. A stream that turns out to
be long is then loaded alone."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from ledger.concurrency import BackgroundTasks
from ledger.event import Event
from ledger.streams import Streams

log = logging.getLogger(__name__)

#: Concurrent loads of long streams; concurrent statements for short ones, and short streams in each of them.
MAX_LONG_LOADS, MAX_SHORT_LOADS, SHORT_LOAD_SIZE = 4, 2, 32


class EventLoader:
    """Calls `loaded` with the Event (None: the stream is empty), or `failed`: one of them, once for each load."""

    def __init__(
        self, streams: Streams, loaded: Callable[[UUID, Event | None], None], failed: Callable[[UUID, Exception], None]
    ) -> None:
        self.streams = streams
        self._loaded, self._failed = loaded, failed
        self._wanted: list[UUID] = []
        self._long, self._short = asyncio.Semaphore(MAX_LONG_LOADS), asyncio.Semaphore(MAX_SHORT_LOADS)
        self._tasks = BackgroundTasks()

    def begin(self, stream: UUID, since: Event | None = None) -> None:
        """Starts a load. `since`: an older state of the Event, which is changed."""
        if since is not None:
            self._tasks.spawn(self._load(stream, since))
            return
        self._wanted.append(stream)
        if len(self._wanted) % SHORT_LOAD_SIZE == 1:
            self._tasks.spawn(self._load_wanted())

    async def close(self) -> None:
        await self._tasks.stop()

    async def _load_wanted(self) -> None:
        async with self._short:
            wanted, self._wanted = self._wanted[:SHORT_LOAD_SIZE], self._wanted[SHORT_LOAD_SIZE:]
            try:
                short = await self.streams.load_short(wanted)
            except Exception as error:
                log.exception("Loading %s events failed", len(wanted))
                for stream in wanted:
                    self._failed(stream, error)
                return
        for stream in wanted:
            if stream in short:
                self._loaded(stream, short[stream])
            else:
                self._tasks.spawn(self._load(stream, None))

    async def _load(self, stream: UUID, since: Event | None) -> None:
        try:
            async with self._long:
                event = await self.streams.load(stream, since=since)
        except Exception as error:
            log.exception("Event %s can't be loaded", stream)
            self._failed(stream, error)
        else:
            self._loaded(stream, event)
