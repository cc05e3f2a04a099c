"""Any time or position as a place in the ledger, and an Event as it stood there."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from ledger.errors import Busy, EventNotFound, Malformed, PositionBeyondHead, StaleRead
from ledger.event import Event
from ledger.streams import Streams
from query_api import queries
from query_api.database import Database
from query_api.time_travel.entry_reader import MAX_WINDOWS

#: Events folded at once in one process for who looks back.
MAX_FOLDING = 2


class BeforeFirstEntry(Malformed):
    """The ledger was empty then."""

    def __init__(self) -> None:
        super().__init__("Nothing had happened by then: the ledger begins later.", errors=[{"path": "at", "message": "too early"}])


class AsOfResolver:
    def __init__(self, database: Database, streams: Streams, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._streams, self._clock = database, streams, clock
        self._folding = 0

    async def position_of(self, at: int | datetime | None, at_least: int | None = None) -> int:
        """The position of the newest entry of then. A time: after the longest run of entries, from the first, that are not later.
        None: now.

        Raises PositionBeyondHead, BeforeFirstEntry, Malformed for a time to come, StaleRead, Busy."""
        head = await self._streams.head()
        if isinstance(at, int) or at is None:
            if max(at or 0, at_least or 0) > head:
                raise PositionBeyondHead(head)
            return await self._newest(head if at is None else at)
        if at > self._clock():
            raise Malformed("Nobody knows yet: that time is to come.", errors=[{"path": "at", "message": "in the future"}])
        later = await self._first_later(at, head)
        return await self._newest(head if later is None else later - 1)

    async def first(self) -> int:
        """The position of the first entry. Raises BeforeFirstEntry where there is none."""
        ((found,),) = await self._database.fetch_rows(queries.first_entry())
        if found is None:
            raise BeforeFirstEntry
        return int(found)

    async def event_as_of(self, event_id: UUID, position: int) -> Event:
        """As of that position. Raises EventNotFound where it had not begun, Busy."""
        version = await self._streams.version_at(event_id, position)
        if not version:
            raise EventNotFound
        if self._folding >= MAX_FOLDING:
            raise Busy("Too many are looking back at the moment. Try again.")
        self._folding += 1
        try:
            event = await self._streams.load(event_id, until=version)
        finally:
            self._folding -= 1
        assert event is not None, "a stream with a version has entries"
        return event

    async def _newest(self, position: int) -> int:
        """Of the last entry at or before that position."""
        ((found,),) = await self._database.fetch_rows(queries.newest_entry(position))
        if found is None:
            raise BeforeFirstEntry
        return int(found)

    async def _first_later(self, moment: datetime, head: int) -> int | None:
        """The position of the first entry that is later; None where there is none. The tree's tiles say where to look."""
        ((first, last, seen),) = await self._database.fetch_rows(queries.first_later_tile(moment))
        if first is None:  # what the tree does not have yet
            first, last = seen + 1, head
        for place in range(first - 1, min(last, first - 1 + MAX_WINDOWS * queries.WINDOW), queries.WINDOW):
            ((found,),) = await self._database.fetch_rows(queries.first_later(moment, place, min(place + queries.WINDOW, last)))
            if found is not None:
                return int(found)
        if last - first >= MAX_WINDOWS * queries.WINDOW:
            raise StaleRead
        return None
