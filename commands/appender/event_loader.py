"""Streams on their way into memory, beside the appender's work: the other Events go on selling.

What is wanted while others are being loaded comes together, many short streams in one statement: where Events are cold and the
loop is busy, the turns of the loop that a statement takes are what is scarce. Who turns out to be long goes a way of its own."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from ledger.concurrency import BackgroundTasks
from ledger.event import Event
from ledger.streams import Streams

log = logging.getLogger(__name__)

#: Long streams, and statements that bring so many short ones each.
LONG_AT_ONCE, SHORT_AT_ONCE, SHORT_TOGETHER = 4, 2, 32


class EventLoader:
    """Tells `loaded` the Event, None where the stream is empty, or `failed`: one of them, once for each stream."""

    def __init__(self, streams: Streams, loaded: Callable[[UUID, Event | None], None], failed: Callable[[UUID], None]) -> None:
        self.streams = streams
        self._loaded, self._failed = loaded, failed
        self._wanted: list[UUID] = []
        self._long, self._short = asyncio.Semaphore(LONG_AT_ONCE), asyncio.Semaphore(SHORT_AT_ONCE)
        self._tasks = BackgroundTasks()

    def begin(self, stream: UUID, since: Event | None = None) -> None:
        """`since`: go on from this one, changing it."""
        if since is not None:
            self._tasks.spawn(self._load(stream, since))
            return
        self._wanted.append(stream)
        if len(self._wanted) % SHORT_TOGETHER == 1:
            self._tasks.spawn(self._load_wanted())

    async def close(self) -> None:
        await self._tasks.stop()

    async def _load_wanted(self) -> None:
        async with self._short:
            wanted, self._wanted = self._wanted[:SHORT_TOGETHER], self._wanted[SHORT_TOGETHER:]
            try:
                short = await self.streams.load_short(wanted)
            except Exception:
                log.exception("%s events could not be loaded", len(wanted))
                for stream in wanted:
                    self._failed(stream)
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
        except Exception:
            log.exception("An event could not be loaded")
            self._failed(stream)
        else:
            self._loaded(stream, event)
