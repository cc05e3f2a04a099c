"""The statistics as of any position. A process of its own computes them (`as_of.py`); they are cached, since they never change."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from cachetools import LRUCache

from ledger.concurrency import ConcurrencyLimiter, SingleFlight
from ledger.errors import Busy, StaleRead
from ledger.settings import Settings
from query_api.responses.views import EventStatsChangeView

#: The bound of the cache.
KEPT_BYTES = 16 * 1024 * 1024
#: Positions computed concurrently, and those that wait for it.
MAX_PROCESSES, MAX_WAITING = 1, 7
#: How long a request waits, and how long a process may take.
WAIT_SECONDS, PROCESS_SECONDS = 10.0, 120.0

log = logging.getLogger(__name__)


class EventTotals(msgspec.Struct):
    """The part of an event's statistics that is compared."""

    event_id: UUID
    number: int
    name: str
    currency: str
    taken: int
    bookings: int
    cancellations: int
    gross: Decimal
    refunded: Decimal
    net: Decimal


class EncodedStatistics(msgspec.Struct):
    """The output of `as_of.py`: the summary and each event, newest first, still as JSON."""

    position: int
    summary: msgspec.Raw
    events: list[msgspec.Raw]


_decode = msgspec.json.Decoder(EncodedStatistics).decode
_decode_event = msgspec.json.Decoder(EventTotals).decode
_AMOUNTS = ("taken", "bookings", "cancellations", "gross", "refunded", "net")


class PastStatistics:
    def __init__(self, settings: Settings) -> None:
        self._environment = {**os.environ, **settings.to_env()}
        self._kept: LRUCache[int, EncodedStatistics] = LRUCache(KEPT_BYTES, getsizeof=_size_of)
        self._flights = SingleFlight[int, EncodedStatistics]()
        waiting_seconds = MAX_WAITING * PROCESS_SECONDS
        self._processes = ConcurrencyLimiter("past statistics", MAX_PROCESSES, MAX_WAITING, waiting_seconds)

    async def at(self, position: int) -> EncodedStatistics:
        """Raises Busy where too many positions are requested; StaleRead where it takes longer than a request may: then it continues
        in the background, for a retry."""
        if (kept := self._kept.get(position)) is not None:
            return kept
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._flights.do(position, lambda: self._compute(position))
        except TimeoutError:
            raise StaleRead from None

    def reset(self) -> None:
        """The ledger went back: a position may be that of another entry now."""
        self._kept = LRUCache(KEPT_BYTES, getsizeof=_size_of)

    async def close(self) -> None:
        await self._flights.stop()

    async def _compute(self, position: int) -> EncodedStatistics:
        kept = self._kept
        async with self._processes.slot():
            statistics = await self._run_process(position)
        with suppress(ValueError):  # it is larger than the cache
            kept[position] = statistics
        return statistics

    async def _run_process(self, position: int) -> EncodedStatistics:
        command = (sys.executable, "-m", "query_api.time_travel.as_of", str(position))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=self._environment)
        try:
            async with asyncio.timeout(PROCESS_SECONDS):
                output, errors = await process.communicate()
        except TimeoutError:
            raise Busy("The statistics of that position could not be computed in time. Try again.") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            log.error("The statistics as of position %s failed: %s", position, errors.decode(errors="replace")[-500:])
            raise Busy("The statistics of that position can't be computed at the moment. Try again.")
        return await asyncio.to_thread(_decode, output)


def _size_of(statistics: EncodedStatistics) -> int:
    return 200 + len(statistics.summary) + sum(100 + len(event) for event in statistics.events)


def events_page(events: list[msgspec.Raw], before: int | None, limit: int) -> tuple[list[msgspec.Raw], int | None]:
    """Events with a number below `before`, newest first, and the number to continue from, if there are more."""
    numbered = ((_decode_event(event).number, event) for event in events)
    shown = []
    for number, event in numbered:
        if before is None or number < before:
            shown.append((number, event))
        if len(shown) > limit:
            return [event for _, event in shown[:limit]], shown[limit - 1][0]
    return [event for _, event in shown], None


def compare(before: EncodedStatistics, after: EncodedStatistics) -> list[EventStatsChangeView]:
    """The events that changed between the two positions, newest first."""
    earlier = {event.event_id: event for event in map(_decode_event, before.events)}
    compared = (_change(earlier.get(event.event_id), event) for event in map(_decode_event, after.events))
    return [change for change in compared if change is not None]


def _change(before: EventTotals | None, after: EventTotals) -> EventStatsChangeView | None:
    changed: dict[str, Any] = {name: getattr(after, name) - (getattr(before, name) if before else 0) for name in _AMOUNTS}
    if before is not None and not any(changed.values()):
        return None
    money = {name: str(changed[name]) for name in ("gross", "refunded", "net")}
    return EventStatsChangeView(
        event_id=after.event_id, number=after.number, name=after.name, currency=after.currency, is_new=before is None,
        **(changed | money),
    )  # fmt: skip
