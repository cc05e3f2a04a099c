"""The desk: hands a command to the appender and makes its answer, the same from the first try as from any later one."""

import asyncio
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from commands.appender.appender import Appender
from commands.appender.batch import Accepted, Gone, Replayed
from ledger import entries as e
from ledger.commands import Command
from ledger.errors import Busy, IdempotencyKeyReused, OutcomeUnknown
from ledger.event import Event
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, EventView, booked, booking_story, event_view

Answer = tuple[EventView | BookingView, int]


#: Replays of commands about an Event itself, which read its stream, that may wait for their turn: one at a time is read.
REWINDS_WAITING = 8
#: Of an event or a booking.
MAX_NUMBER = 2**63 - 1


class Desk:
    def __init__(self, appender: Appender, streams: Streams, codes: TicketCodes) -> None:
        self._appender, self._streams, self.codes = appender, streams, codes
        self._rewinding = asyncio.Lock()
        self._rewinds = 0

    async def carry_out(self, command: Command, gone: Gone | None = None) -> Answer:
        """What the command made, as its view, and the ledger position of its last entry.

        A command that was carried out before gives its first answer again. Raises what `Appender.submit` raises,
        IdempotencyKeyReused where the command's id was used with another body, and OutcomeUnknown where it is carried out and
        its answer can't be read at the moment."""
        outcome = await self._appender.submit(command, gone)
        try:
            if isinstance(outcome, Replayed):
                return await self._again(command, outcome)
            return await self._view(outcome), outcome.recorded[-1].position
        except (Busy, psycopg.Error, PoolTimeout) as error:
            raise OutcomeUnknown from error

    async def event(self, event_id: UUID) -> Event | None:
        """The Event, for what never changes about it (its organizer, its currency)."""
        return await self._appender.event(event_id)

    async def booking_at(self, event_id: UUID, version: int) -> UUID | None:
        """The booking that the entry of this version made, or None: it made none."""
        found = await self._streams.entries(event_id, [version])
        return found[0].entry.command if found and isinstance(found[0].entry, e.SeatsBooked) else None

    async def used_at(self, event_id: UUID, booking_id: UUID, ticket: int) -> datetime | None:
        """When the ticket was used to get in, or None: it was not, or nobody can tell at the moment."""
        event = await self.event(event_id)
        if event is None or booking_id.bytes not in event.bookings:
            return None
        try:
            about = await self._streams.entries(event_id, event.versions_about(booking_id))
        except (Busy, psycopg.Error, PoolTimeout):
            return None
        uses = (one.entry for one in about if isinstance(one.entry, e.TicketUsed))
        return next((entry.at for entry in uses if entry.ticket == ticket), None)

    async def made_by(self, number: int) -> e.Recorded | None:
        """The entry that made the event or the booking of this `number`: the number is its position."""
        return await self._streams.at(number) if 0 < number <= MAX_NUMBER else None

    async def _view(self, accepted: Accepted) -> EventView | BookingView:
        if accepted.view is not None:
            return accepted.view
        recorded = accepted.recorded[0]
        if isinstance(recorded.entry, e.SeatsBooked):
            return booked(recorded, accepted.event_name, accepted.currency, self.codes)
        return await self._story(recorded.stream, accepted.story, accepted.event_name, accepted.currency)

    async def _story(self, stream: UUID, versions: tuple[int, ...], event_name: str, currency: str) -> BookingView:
        return booking_story(await self._streams.entries(stream, versions), event_name, currency, self.codes)

    async def _again(self, command: Command, replayed: Replayed) -> Answer:
        # What it was called then, and its currency, beside the booking's own entries: a few, however long the stream is.
        versions = [1, replayed.details_version, replayed.version, *replayed.story]
        found = {one.version: one for one in await self._streams.entries(replayed.stream, versions)}
        recorded, scheduled, described = found[replayed.version], found[1].entry, found[replayed.details_version].entry
        if recorded.entry.digest != command.digest():
            raise IdempotencyKeyReused
        assert isinstance(scheduled, e.EventScheduled)
        assert isinstance(described, e.EventScheduled | e.EventDetailsChanged)
        if isinstance(recorded.entry, e.SeatsBooked):
            return booked(recorded, described.details.name, scheduled.currency, self.codes), recorded.position
        if replayed.story:
            story = [found[version] for version in replayed.story]
            return booking_story(story, described.details.name, scheduled.currency, self.codes), recorded.position
        return event_view(await self._rewind(replayed)), recorded.position

    async def _rewind(self, replayed: Replayed) -> Event:
        """The Event as it was then: its stream is read, so one at a time."""
        if self._rewinds >= REWINDS_WAITING:
            raise Busy
        self._rewinds += 1
        try:
            async with self._rewinding:
                event = await self._streams.load(replayed.stream, until=replayed.version)
        finally:
            self._rewinds -= 1
        assert event is not None
        return event
