"""Bookings that the read tables do not show yet, from the ledger itself: while no worker runs, or is behind, a booking that was
just made can be cancelled and read.

The entries after the projection's position are searched for the booking's id, MAX_ENTRIES at most, in the order of an index.
Usually there are a few.
"""

from typing import NamedTuple
from uuid import UUID

from ledger.concurrency import ConcurrencyLimiter, Portions
from ledger.entries import (
    BookingCancelled,
    EventCancelled,
    EventDetailsChanged,
    EventScheduled,
    RecordedEntry,
    SeatsBooked,
    TicketUsed,
)
from ledger.errors import PositionBeyondHead, StaleRead
from ledger.mapper import decode
from ledger.ticket_codes import TicketCodes
from ledger.views import BookedBy, BookingView, apply_changes, booking_view, ticket_views
from query_api import queries
from query_api.database import Database
from query_api.queries import BookingRow
from query_api.responses import mapping

#: Entries that one search reads: some 15 MB, in 20 ms.
MAX_ENTRIES = 50_000
#: Searches that one process makes at a time, that wait for it, and the longest wait in seconds.
SEARCHES = (4, 100, 1.0)


class ShownBooking(NamedTuple):
    """A booking as of a ledger position. `organizer_id`: of its event."""

    position: int
    view: BookingView
    organizer_id: UUID


class _Search(NamedTuple):
    """`entries`: those about the booking, in order. `is_complete`: whether no entry was left out. `changed_events`: the events that
    were cancelled or got other details, which changes what their bookings show."""

    head: int
    entries: list[RecordedEntry]
    is_complete: bool
    changed_events: set[UUID]


class RecentBookings:
    def __init__(self, database: Database, codes: TicketCodes, portions: Portions) -> None:
        self._database, self._codes, self._portions = database, codes, portions
        self._searches = ConcurrencyLimiter("searches for bookings", *SEARCHES)

    async def booked_by(self, booking_id: UUID, after: int) -> BookedBy | None:
        """Of a booking that was made after that position; None: there is none. Raises StaleRead where that can't be told, Busy."""
        search = await self._search(booking_id, after)
        for recorded in search.entries:
            if isinstance(recorded.entry, SeatsBooked):
                return BookedBy(recorded.stream, recorded.entry.customer_id)
        if not search.is_complete:
            raise StaleRead
        return None

    async def get(self, booking_id: UUID, row: BookingRow | None, after: int, at_least: int | None) -> ShownBooking | None:
        """The booking as of the ledger's head; None: there is none. `row`: as the read tables show it at position `after`, if they
        do. Raises PositionBeyondHead; StaleRead where the ledger alone can't tell; Busy."""
        search = await self._search(booking_id, after)
        if (at_least or 0) > search.head:
            raise PositionBeyondHead(search.head)
        made_now = row is None and any(isinstance(recorded.entry, SeatsBooked) for recorded in search.entries)
        if not search.is_complete and not made_now:  # what is left out is older than what made the booking
            raise StaleRead
        if row is None and not made_now:
            return None
        if row is None:
            shown = await self._make(search)
        else:
            (view,) = await self._portions.run(mapping.views_of([row], self._codes, mapping.booking_view))
            apply_changes(view, search.entries, row.refunded, row.currency)
            shown = ShownBooking(search.head, view, row.organizer_id)
        if shown.view.event_id in search.changed_events:
            raise StaleRead
        return shown

    async def _make(self, search: _Search) -> ShownBooking:
        """The booking that these entries made and changed."""
        booked = search.entries[0]
        assert isinstance(booked.entry, SeatsBooked)
        versions = {1, booked.entry.details_version}
        rows = await self._database.fetch_rows(queries.stored_entries(booked.stream, versions))
        stored = {row.version: decode(row.topic, row.state) for row in rows}
        scheduled, described = stored[1], stored[booked.entry.details_version]
        assert isinstance(scheduled, EventScheduled)
        assert isinstance(described, EventScheduled | EventDetailsChanged)
        tickets = await self._portions.run(ticket_views(booked, self._codes))
        view = booking_view(search.entries, described.details.name, scheduled.currency, self._codes, tickets)
        return ShownBooking(search.head, view, scheduled.organizer_id)

    async def _search(self, booking_id: UUID, after: int) -> _Search:
        async with self._searches.slot():
            (end,) = await self._database.fetch_rows(queries.last_key(queries.EntrySearch()))
            first = max(after, end.head - MAX_ENTRIES)
            rows = await self._database.fetch_rows(queries.entries_about(booking_id, first, end.head)) if first < end.head else []
        entries, changed_events = [], set()
        for row in rows:
            entry = decode(row.topic, row.state)
            if isinstance(entry, SeatsBooked | BookingCancelled | TicketUsed) and entry.booking_id == booking_id:
                entries.append(RecordedEntry(row.event_id, row.version, entry, row.position))
            elif isinstance(entry, EventCancelled | EventDetailsChanged):
                changed_events.add(row.event_id)
        return _Search(end.head, entries, first == after, changed_events)
