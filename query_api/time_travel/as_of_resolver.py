"""Resolves a time or position to the newest entry of then, and loads an Event as of a position."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from ledger.anchor import LedgerWentBack
from ledger.concurrency import ConcurrencyLimiter
from ledger.errors import Busy, EventNotFound, Malformed, PositionBeyondHead, StaleRead
from ledger.event import Event
from ledger.streams import Streams
from query_api import queries
from query_api.database import Database
from query_api.time_travel.entry_reader import MAX_WINDOWS

#: Past Events that one process folds concurrently.
MAX_FOLDING = 2


class BeforeFirstEntry(Malformed):
    """There was no entry yet at the requested time or position."""

    def __init__(self) -> None:
        super().__init__("The ledger begins later than that.", errors=[{"path": "at", "message": "too early"}])


class AsOfResolver:
    def __init__(self, database: Database, streams: Streams, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._streams, self._clock = database, streams, clock
        self._folding = ConcurrencyLimiter("past events", MAX_FOLDING, 0, 0)

    async def position_of(self, at: int | datetime | None, at_least: int | None = None) -> int:
        """The position of the newest entry at a position or time; None means now. For a time it is the last entry before the first
        one that is later: the times of entries need not be in order.

        Raises PositionBeyondHead; BeforeFirstEntry; Malformed for a time in the future; StaleRead; Busy."""
        head = await self._streams.head()
        if isinstance(at, int) or at is None:
            if max(at or 0, at_least or 0) > head:
                raise PositionBeyondHead(head)
            return await self._newest(head if at is None else at)
        if at > self._clock():
            raise Malformed("That time is in the future.", errors=[{"path": "at", "message": "in the future"}])
        later = await self._first_later(at, head)
        return await self._newest(head if later is None else later - 1)

    async def first_position(self) -> int:
        """The position of the first entry. Raises BeforeFirstEntry where there is none."""
        (row,) = await self._database.fetch_rows(queries.first_entry())
        if row.position is None:
            raise BeforeFirstEntry
        return row.position

    async def event_as_of(self, event_id: UUID, position: int) -> Event:
        """The Event as of that position. Raises EventNotFound where it did not exist yet; Busy."""
        version = await self._streams.version_at(event_id, position)
        if not version:
            raise EventNotFound
        async with self._folding.slot():
            try:
                event = await self._streams.load(event_id, until=version)
            except LedgerWentBack:
                raise Busy from None
        if event is None:  # the ledger went back since
            raise EventNotFound
        return event

    async def _newest(self, position: int) -> int:
        """The position of the last entry at or before that position."""
        (row,) = await self._database.fetch_rows(queries.newest_entry(position))
        if row.position is None:
            raise BeforeFirstEntry
        return row.position

    async def _first_later(self, moment: datetime, head: int) -> int | None:
        """The position of the first entry that is later than that moment, if any. The tree says in which tile it is."""
        (tile,) = await self._database.fetch_rows(queries.first_later_tile(moment))
        if tile.first is None or tile.last is None:  # search the entries that are not in the tree yet
            first, last = tile.tree_position + 1, head
        else:
            first, last = tile.first, tile.last
        for start in range(first - 1, min(last, first - 1 + MAX_WINDOWS * queries.WINDOW), queries.WINDOW):
            (row,) = await self._database.fetch_rows(queries.first_later(moment, start, min(start + queries.WINDOW, last)))
            if row.position is not None:
                return row.position
        if last - first >= MAX_WINDOWS * queries.WINDOW:
            raise StaleRead
        return None
