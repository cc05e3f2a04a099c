"""The statistics as they stood at any position, folded by a process of its own (`as_of.py`) and kept: the past does not change."""

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

from ledger.errors import Busy, StaleRead
from ledger.settings import Settings
from query_api.responses.views import EventChangeView

#: Of what is kept, in bytes; processes at once, and requests that wait for one; how long a request waits, and a process may take.
KEPT_BYTES = 16 * 1024 * 1024
MAX_AT_ONCE, MAX_WAITING = 1, 8
WAIT_SECONDS, PROCESS_SECONDS = 10.0, 120.0


log = logging.getLogger(__name__)


class EventTotals(msgspec.Struct):
    """What of an event's statistics can change, and what names it."""

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
    """As `as_of.py` says it: the summary and each event, newest first, as JSON."""

    position: int
    summary: msgspec.Raw
    events: list[msgspec.Raw]


_standing = msgspec.json.Decoder(EncodedStatistics).decode
_event = msgspec.json.Decoder(EventTotals).decode
_AMOUNTS = ("taken", "bookings", "cancellations", "gross", "refunded", "net")


class PastStatistics:
    def __init__(self, settings: Settings) -> None:
        self._environment = {**os.environ, **settings.to_env()}
        self._kept: LRUCache[int, EncodedStatistics] = LRUCache(KEPT_BYTES, getsizeof=_size_of)
        self._under_way: dict[int, asyncio.Task[EncodedStatistics]] = {}
        self._gate = asyncio.Semaphore(MAX_AT_ONCE)

    async def at(self, position: int) -> EncodedStatistics:
        """Raises Busy where too many look back, StaleRead where it takes longer than a request may: it goes on meanwhile."""
        if (kept := self._kept.get(position)) is not None:
            return kept
        task = self._under_way.get(position)
        if task is None:
            if len(self._under_way) >= MAX_WAITING:
                raise Busy("Too many are looking back at the moment. Try again.")
            task = self._under_way[position] = asyncio.create_task(self._fold(position))
        try:
            return await asyncio.wait_for(asyncio.shield(task), WAIT_SECONDS)
        except TimeoutError:
            raise StaleRead from None

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _fold(self, position: int) -> EncodedStatistics:
        try:
            async with self._gate:
                said = await self._ask(position)
            with suppress(ValueError):  # larger than all that is kept
                self._kept[position] = said
            return said
        finally:
            del self._under_way[position]

    async def _ask(self, position: int) -> EncodedStatistics:
        command = (sys.executable, "-m", "query_api.time_travel.as_of", str(position))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=self._environment)
        try:
            async with asyncio.timeout(PROCESS_SECONDS):
                said, complaint = await process.communicate()
        except TimeoutError:
            raise Busy("That is too long ago to be folded in time. Try again.") from None
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            log.error("Looking back to %s failed: %s", position, complaint.decode(errors="replace")[-500:])
            raise Busy("That could not be folded at the moment. Try again.")
        return await asyncio.to_thread(_standing, said)


def _size_of(standing: EncodedStatistics) -> int:
    return 200 + len(standing.summary) + sum(100 + len(event) for event in standing.events)


def page(events: list[msgspec.Raw], before: int | None, limit: int) -> tuple[list[msgspec.Raw], int | None]:
    """Those with a number below `before`, newest first, and the number to go on from, if there are more."""
    numbered = ((_event(event).number, event) for event in events)
    found = []
    for number, event in numbered:
        if before is None or number < before:
            found.append((number, event))
        if len(found) > limit:
            return [one for _, one in found[:limit]], found[limit - 1][0]
    return [one for _, one in found], None


def changes(before: EncodedStatistics, after: EncodedStatistics) -> list[EventChangeView]:
    """What became of the events between the two, newest first; those to which nothing happened are left out."""
    was = {one.event_id: one for one in map(_event, before.events)}
    found = (_change(was.get(one.event_id), one) for one in map(_event, after.events))
    return [one for one in found if one is not None]


def _change(before: EventTotals | None, after: EventTotals) -> EventChangeView | None:
    changed: dict[str, Any] = {name: getattr(after, name) - (getattr(before, name) if before else 0) for name in _AMOUNTS}
    if before is not None and not any(changed.values()):
        return None
    money = {name: str(changed[name]) for name in ("gross", "refunded", "net")}
    return EventChangeView(
        event_id=after.event_id, number=after.number, name=after.name, currency=after.currency, is_new=before is None,
        **(changed | money),
    )  # fmt: skip
