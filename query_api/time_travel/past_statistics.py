"""The statistics as of any position. A process of its own computes them (`as_of.py`), one position after the other; they are
cached, since they never change."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from cachetools import LRUCache

from ledger.concurrency import ConcurrencyLimiter, SingleFlight
from ledger.errors import Busy, StillComputing
from ledger.settings import Settings
from query_api.responses.statistics_views import EventStatsChangeView
from query_api.time_travel import statistics_process
from query_api.time_travel.statistics_process import StatisticsFailed, StatisticsProcess

#: The bound of the cache.
KEPT_BYTES = 16 * 1024 * 1024
#: Positions that wait for the one that is being computed.
MAX_WAITING = 7
#: How long a request waits.
WAIT_SECONDS = 5.0


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
        self._process = StatisticsProcess(settings)
        self._kept: LRUCache[int, EncodedStatistics] = LRUCache(KEPT_BYTES, getsizeof=_size_of)
        self._flights = SingleFlight[int, EncodedStatistics]()
        waiting_seconds = MAX_WAITING * statistics_process.SECONDS
        self._turns = ConcurrencyLimiter("past statistics", 1, MAX_WAITING, waiting_seconds)

    async def at(self, position: int) -> EncodedStatistics:
        """Raises Busy where too many positions are requested, or it fails; StillComputing where it takes longer than a request may:
        then it continues in the background, for a retry."""
        if (kept := self._kept.get(position)) is not None:
            return kept
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await self._flights.do(position, lambda: self._compute(position))
        except TimeoutError:
            raise StillComputing(position) from None

    def reset(self) -> None:
        """The ledger went back: a position may be that of another entry now."""
        self._kept = LRUCache(KEPT_BYTES, getsizeof=_size_of)

    async def close(self) -> None:
        await self._flights.stop()
        await self._process.stop()

    async def _compute(self, position: int) -> EncodedStatistics:
        kept = self._kept
        async with self._turns.slot():
            try:
                answer = await self._process.ask(position)
            except TimeoutError:
                raise Busy("The statistics of that position could not be computed in time. Try again.") from None
            except StatisticsFailed:
                raise Busy("The statistics of that position can't be computed at the moment. Try again.") from None
        statistics = await asyncio.to_thread(_decode, answer)
        with suppress(ValueError):  # it is larger than the cache
            kept[position] = statistics
        return statistics


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
