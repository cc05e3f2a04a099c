"""Which entries are about a booking, as the ledger's own entries say, each checked against its MAC.

The read tables say so, too, but they belong to the role of the processes: with its rights somebody could hide a cancellation while
a receipt is being signed. So the Event is asked, which the write side has in memory, and the entries that were appended since. What
the read tables say is compared with that.
"""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from ledger.entries import BookingChange, EventCancelled, RecordedEntry, SeatsBooked
from ledger.errors import EntryAltered, EventSealed
from ledger.event import Event
from ledger.streams import Streams
from query_api.time_travel.as_of_resolver import AsOfResolver

log = logging.getLogger(__name__)

#: Entries past the Event in memory that one request reads: some 10 ms. If there are more, the Event is loaded from its snapshot.
MAX_UNSEEN = 1_000


class BookingHistory:
    def __init__(self, streams: Streams, as_of: AsOfResolver, last_seen_event: Callable[[UUID], Awaitable[Event | None]]) -> None:
        """`last_seen_event`: the Event as the write side of this process has it in memory, where newer entries may be missing."""
        self._streams, self._as_of, self._last_seen_event = streams, as_of, last_seen_event

    async def versions(self, event_id: UUID, booking_id: UUID, position: int) -> list[int]:
        """The versions of the entries about a booking, with the cancellation of its event, in order: the first one made it. All up
        to that position of the ledger, and perhaps later ones; empty: there is no such booking. Raises EntryAltered for an entry
        that Seatledger did not write; EventNotFound, Busy."""
        try:
            try:
                event = await self._last_seen_event(event_id)
                versions, known = (_versions_about(event, booking_id), event.version) if event is not None else ([], 0)
                unseen = await self._streams.entries(event_id, range(known + 1, known + 2 + MAX_UNSEEN))
                is_complete = not unseen or (
                    unseen[-1].version == known + len(unseen) and (len(unseen) <= MAX_UNSEEN or unseen[-1].position > position)
                )
            except EventSealed:  # the forged entry may be past that position
                is_complete = False
            if not is_complete:
                return _versions_about(await self._as_of.event_as_of(event_id, position), booking_id)
        except EventSealed as sealed:
            raise EntryAltered(sealed.facts["position"]) from sealed
        return versions + [recorded.version for recorded in unseen if _is_about(recorded, booking_id)]


def _versions_about(event: Event, booking_id: UUID) -> list[int]:
    if booking_id.bytes not in event.bookings:
        return []
    cancelled = [event.details_version] if event.status == "cancelled" else []  # nothing changes details later
    return sorted([*event.versions_about(booking_id), *cancelled])


def _is_about(recorded: RecordedEntry, booking_id: UUID) -> bool:
    entry = recorded.entry
    if isinstance(entry, SeatsBooked | BookingChange):
        return entry.booking_id == booking_id
    return isinstance(entry, EventCancelled)
