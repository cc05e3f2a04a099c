"""The desk: hands a command to the appender and makes its answer, the same from the first try as from any later one."""

from uuid import UUID

from commands.appender import Appender
from commands.batch import Accepted, Gone, Replayed
from commands.streams import Streams
from ledger import entries as e
from ledger import messages as m
from ledger.errors import IdempotencyKeyReused
from ledger.event import Event
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, EventView, booked, booking_story, event_view

Answer = tuple[EventView | BookingView, int]


class Desk:
    def __init__(self, appender: Appender, streams: Streams, codes: TicketCodes) -> None:
        self._appender, self._streams, self.codes = appender, streams, codes

    async def carry_out(self, command: m.Command, gone: Gone | None = None) -> Answer:
        """What the command made, as its view, and the ledger position of its last entry.

        A command that was carried out before gives its first answer again. Raises what `Appender.submit` raises, and
        IdempotencyKeyReused where the command's id was used with another body."""
        outcome = await self._appender.submit(command, gone)
        if isinstance(outcome, Replayed):
            return await self._again(command, outcome)
        return await self._view(outcome), outcome.recorded[-1].position

    async def event(self, event_id: UUID) -> Event | None:
        """The Event, for what never changes about it (its organizer, its currency)."""
        return await self._appender.event(event_id)

    async def booking_at(self, event_id: UUID, version: int) -> UUID | None:
        """The booking that the entry of this version made, or None: it made none."""
        found = await self._streams.entries(event_id, [version])
        return found[0].entry.command if found and isinstance(found[0].entry, e.SeatsBooked) else None

    async def _view(self, accepted: Accepted) -> EventView | BookingView:
        if accepted.view is not None:
            return accepted.view
        recorded = accepted.recorded[0]
        if isinstance(recorded.entry, e.SeatsBooked):
            return booked(recorded, accepted.event_name, accepted.currency, self.codes)
        return await self._story(recorded.stream, accepted.story, accepted.event_name, accepted.currency)

    async def _story(self, stream: UUID, versions: tuple[int, ...], event_name: str, currency: str) -> BookingView:
        return booking_story(await self._streams.entries(stream, versions), event_name, currency, self.codes)

    async def _again(self, command: m.Command, replayed: Replayed) -> Answer:
        (recorded,) = await self._streams.entries(replayed.stream, [replayed.version])
        entry = recorded.entry
        if entry.digest != command.digest():
            raise IdempotencyKeyReused
        if isinstance(entry, e.SeatsBooked):
            # What it was called then, and its currency: two entries, however long the stream is.
            about = {one.version: one.entry for one in await self._streams.entries(recorded.stream, [1, entry.details_version])}
            scheduled, described = about[1], about[entry.details_version]
            assert isinstance(scheduled, e.EventScheduled)
            assert isinstance(described, e.EventScheduled | e.EventDetailsChanged)
            return booked(recorded, described.details.name, scheduled.currency, self.codes), recorded.position
        event = await self._streams.load(recorded.stream, until=recorded.version)
        assert event is not None
        if isinstance(entry, e.BookingCancelled | e.TicketUsed):
            story = event.versions_about(entry.booking_id)
            return await self._story(recorded.stream, story, event.details.name, event.currency), recorded.position
        return event_view(event), recorded.position
