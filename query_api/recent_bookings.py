"""Bookings that the read tables do not show yet (`recent_entries.py`)."""

from typing import NamedTuple
from uuid import UUID

from ledger.concurrency import Portions
from ledger.entries import BookingChange, RecordedEntry, SeatsBooked
from ledger.errors import PositionBeyondHead, StaleRead
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, apply_changes, booking_view, ticket_views
from query_api.queries import BookingRow
from query_api.recent_entries import Found, RecentEntries
from query_api.responses import mapping


class ShownBooking(NamedTuple):
    """A booking as of a ledger position. `organizer_id`: of its event."""

    position: int
    view: BookingView
    organizer_id: UUID


class RecentBookings:
    def __init__(self, entries: RecentEntries, codes: TicketCodes, portions: Portions) -> None:
        self._entries, self._codes, self._portions = entries, codes, portions

    async def get(self, booking_id: UUID, row: BookingRow | None, after: int, at_least: int | None) -> ShownBooking | None:
        """The booking as of the ledger's head; None: there is none. `row`: as the read tables show it at position `after`, if they
        do. Raises PositionBeyondHead; StaleRead where the ledger alone can't tell; Busy."""
        found = await self._entries.about(booking_id, after)
        if (at_least or 0) > found.head:
            raise PositionBeyondHead(found.head)
        about = [recorded for recorded in found.entries if isinstance(recorded.entry, SeatsBooked | BookingChange)]
        made_now = row is None and any(isinstance(recorded.entry, SeatsBooked) for recorded in about)
        if not found.is_complete and not made_now:  # what is left out is older than what made the booking
            raise StaleRead
        if row is None and not made_now:
            return None
        if row is None:
            shown = await self._make(found, about)
        else:
            (view,) = await self._portions.run(mapping.views_of([row], self._codes, mapping.booking_view))
            apply_changes(view, about, mapping.amounts_of(row))
            shown = ShownBooking(found.head, view, row.organizer_id)
        if shown.view.event_id in found.changed_events:
            raise StaleRead
        return shown

    async def _make(self, found: Found, about: list[RecordedEntry]) -> ShownBooking:
        """The booking that these entries made and changed."""
        booked = about[0]
        assert isinstance(booked.entry, SeatsBooked)
        scheduled, name = await self._entries.described(booked, booked.entry.details_version)
        tickets = await self._portions.run(ticket_views(booked, self._codes))
        view = booking_view(about, name, scheduled.currency, self._codes, tickets)
        return ShownBooking(found.head, view, scheduled.organizer_id)
