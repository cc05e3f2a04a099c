"""The entries that the read tables do not show yet, from the ledger itself: while no worker runs, or is behind, what was just made
can be used and read.

The entries after the projection's position are searched for an id, MAX_ENTRIES at most, in the order of an index. Usually there are
a few.
"""

from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger.concurrency import ConcurrencyLimiter
from ledger.entries import RecordedEntry
from ledger.errors import StaleRead
from ledger.mapper import decode
from ledger.views import BookedBy
from query_api import queries
from query_api.database import Database

#: Entries that one search reads: some 15 MB, in 20 ms.
MAX_ENTRIES = 50_000
#: Searches that one process makes at a time, that wait for it, and the longest wait in seconds.
SEARCHES = (4, 100, 1.0)


class Found(NamedTuple):
    """`entries`: those about one booking or hold, in order. `is_complete`: whether no entry was left out. `changed_events`: the
    events that were cancelled or got other details, which changes what their bookings show. `ended_events`: those that were
    cancelled or completed, which ends their holds."""

    head: int
    entries: list[RecordedEntry]
    is_complete: bool
    changed_events: set[UUID]
    ended_events: set[UUID]


class RecentEntries:
    def __init__(self, database: Database) -> None:
        self.database = database
        self._searches = ConcurrencyLimiter("searches for bookings", *SEARCHES)

    async def about(self, id_: UUID, after: int) -> Found:
        """The entries past this position about the booking or hold with this id. Raises Busy."""
        async with self._searches.slot():
            (end,) = await self.database.fetch_rows(queries.last_key(queries.EntrySearch()))
            first = max(after, end.head - MAX_ENTRIES)
            rows = await self.database.fetch_rows(queries.entries_about(id_, first, end.head)) if first < end.head else []
        found, changed_events, ended_events = [], set(), set()
        for row in rows:
            entry = decode(row.topic, row.state)
            if _is_about(entry, id_):
                found.append(RecordedEntry(row.event_id, row.version, entry, row.position))
            if isinstance(entry, e.EventCancelled | e.EventDetailsChanged):
                changed_events.add(row.event_id)
            if isinstance(entry, e.EventCancelled | e.EventCompleted):
                ended_events.add(row.event_id)
        return Found(end.head, found, first == after, changed_events, ended_events)

    async def made_for(self, id_: UUID, after: int, kind: type[e.SeatsBooked | e.SeatsHeld]) -> BookedBy | None:
        """The event and the customer of a booking or hold that was made after that position by an entry of this kind; None: there
        is none. Raises StaleRead where that can't be told, Busy."""
        found = await self.about(id_, after)
        for recorded in found.entries:
            if isinstance(recorded.entry, kind):
                return BookedBy(recorded.stream, recorded.entry.customer_id)
        if not found.is_complete:
            raise StaleRead
        return None

    async def described(self, made: RecordedEntry, details_version: int) -> tuple[e.EventScheduled, str]:
        """The first entry of an event, and the name that it had when this entry was made."""
        rows = await self.database.fetch_rows(queries.stored_entries(made.stream, {1, details_version}))
        stored = {row.version: decode(row.topic, row.state) for row in rows}
        scheduled, described = stored[1], stored[details_version]
        assert isinstance(scheduled, e.EventScheduled)
        assert isinstance(described, e.EventScheduled | e.EventDetailsChanged)
        return scheduled, described.details.name


def _is_about(entry: e.Entry, id_: UUID) -> bool:
    match entry:
        case e.SeatsHeld():
            return entry.command == id_
        case e.HoldExtended() | e.PaymentStarted() | e.HoldReleased():
            return entry.hold_id == id_
        case e.HoldsLapsed():
            return id_ in entry.hold_ids
    return isinstance(entry, e.SeatsBooked | e.BookingChange) and entry.booking_id == id_
