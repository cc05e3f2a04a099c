"""Holds that the read tables do not show yet, or not as they are now (`recent_entries.py`)."""

from typing import NamedTuple
from uuid import UUID

from ledger.entries import SeatsHeld
from ledger.errors import PositionBeyondHead, StaleRead
from ledger.hold_views import HoldView, apply_to_hold, hold_view
from query_api.queries import HoldRow
from query_api.recent_entries import RecentEntries
from query_api.responses import mapping


class ShownHold(NamedTuple):
    """A hold as of a ledger position. `organizer_id`: of its event."""

    position: int
    view: HoldView
    organizer_id: UUID


class RecentHolds:
    def __init__(self, entries: RecentEntries) -> None:
        self._entries = entries

    async def get(self, hold_id: UUID, row: HoldRow | None, after: int, at_least: int | None) -> ShownHold | None:
        """As `RecentBookings.get`."""
        found = await self._entries.about(hold_id, after)
        if (at_least or 0) > found.head:
            raise PositionBeyondHead(found.head)
        first = found.entries[0] if found.entries else None
        if row is None and first is not None and isinstance(first.entry, SeatsHeld):
            scheduled, name = await self._entries.described(first, first.entry.details_version)
            shown = ShownHold(found.head, hold_view(found.entries, name, scheduled.currency), scheduled.organizer_id)
        elif not found.is_complete:
            raise StaleRead
        elif row is None:
            return None
        else:
            shown = ShownHold(found.head, mapping.hold_view(row), row.organizer_id)
            apply_to_hold(shown.view, found.entries)
        if shown.view.event_id in found.ended_events and shown.view.status == "open":
            shown.view.status = "lapsed"
        return shown
