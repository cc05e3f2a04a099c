"""The command service: executes a command by the appender and returns its result, the same at the first try and at each retry."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, Outcome, RepeatedCommand
from commands.appender.pending import DisconnectCheck
from commands.result import CommandResult, History, count_tickets, make_result, stored_history
from ledger.anchor import LedgerWentBack
from ledger.commands import MAX_NEEDED_ENTRIES, Command, HoldCommand
from ledger.concurrency import ConcurrencyLimiter, Portions
from ledger.entries import RecordedEntry, SeatsBooked, TicketUsed
from ledger.errors import Busy, IdempotencyKeyReused, OutcomeUnknown
from ledger.event import Event
from ledger.hold_errors import EntryNeeded
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from ledger.views import TICKETS_AT_ONCE, EventView, event_view, ticket_views

#: Retries of commands about an Event itself that may be under way: one reads its stream at a time, the others wait for it.
MAX_REWINDS = 8
#: The highest number of an event or a booking.
MAX_NUMBER = 2**63 - 1


class CommandService:
    """Executes commands, and reads what its routes need of Events and entries."""

    def __init__(self, appender: Appender, streams: Streams, codes: TicketCodes) -> None:
        self._appender, self._streams, self.codes = appender, streams, codes
        self._portions = Portions()
        self._rewinds = ConcurrencyLimiter("retries", 1, MAX_REWINDS - 1, wait_seconds=None)

    async def execute(self, command: Command, is_disconnected: DisconnectCheck | None = None) -> CommandResult:
        """The result of the command; a retry gets the first result again.

        Raises what `Appender.submit` raises; IdempotencyKeyReused if the command's id was used with another body; OutcomeUnknown
        if the command is in the ledger and its result can't be read at the moment."""
        losses = self._appender.anchor.losses
        try:
            return await self._execute(command, is_disconnected)
        except LedgerWentBack as error:  # memory said that it is a retry; the ledger does not have its first try any more
            self._appender.anchor.lose(error, losses)
        try:
            return await self._execute(command, is_disconnected)
        except LedgerWentBack:
            raise Busy from None

    async def _execute(self, command: Command, is_disconnected: DisconnectCheck | None) -> CommandResult:
        """As `execute`. Raises LedgerWentBack where the first try of a retry is not in the ledger any more."""
        outcome = await self._submit(command, is_disconnected)
        try:
            if isinstance(outcome, AcceptedCommand):
                last, subject = outcome.recorded[-1], await self._subject_of_first_try(outcome)
            else:
                last, subject = await self._subject_of_retry(command, outcome)
        except (Busy, psycopg.Error, PoolTimeout) as error:
            raise OutcomeUnknown from error
        if count_tickets(subject) < TICKETS_AT_ONCE:
            return make_result(last, subject, self.codes)
        assert isinstance(subject, History)
        tickets = await self._portions.run(ticket_views(subject.entries[0], self.codes))
        return make_result(last, subject, self.codes, tickets)

    async def record(self, command: Command) -> None:
        """Executes a command whose result nobody sees. Raises as `Appender.submit`."""
        await self._submit(command, None)

    async def _submit(self, command: Command, is_disconnected: DisconnectCheck | None) -> Outcome:
        """As `Appender.submit`; a command about a hold that has ended is submitted again, with the entries that it needs."""
        for _ in range(MAX_NEEDED_ENTRIES):
            try:
                return await self._appender.submit(command, is_disconnected)
            except EntryNeeded as needed:
                version = needed.version
            assert isinstance(command, HoldCommand)
            found = await self._streams.entries(command.event_id, [version])
            if not found:
                raise LedgerWentBack(f"entry {version} of event {command.event_id}")
            command = command.with_entry(found[0].entry)
        return await self._appender.submit(command, is_disconnected)

    async def last_seen_event(self, event_id: UUID) -> Event | None:
        """The Event as this process last saw it: for what never changes (its organizer, its currency) or only grows (its bookings
        and the commands that `version_of` knows)."""
        return await self._appender.last_seen_event(event_id)

    async def find_booking(self, event_id: UUID, version: int) -> SeatsBooked | None:
        """The entry with this version, if it made a booking."""
        entries = await self._streams.entries(event_id, [version])
        return entries[0].entry if entries and isinstance(entries[0].entry, SeatsBooked) else None

    async def used_at(self, event_id: UUID, booking_id: UUID, ticket: int) -> datetime | None:
        """When the ticket was checked in; None: it was not, or the ledger can't be read at the moment."""
        event = await self.last_seen_event(event_id)
        if event is None or booking_id.bytes not in event.bookings:
            return None
        try:
            about = await self._streams.entries(event_id, event.versions_about(booking_id))
        except (Busy, psycopg.Error, PoolTimeout):
            return None
        uses = (recorded.entry for recorded in about if isinstance(recorded.entry, TicketUsed))
        return next((entry.at for entry in uses if entry.ticket == ticket), None)

    async def entry_by_number(self, number: int) -> RecordedEntry | None:
        """The entry at this position, which is the `number` of the event or booking that it made."""
        return await self._streams.entry_at(number) if 0 < number <= MAX_NUMBER else None

    async def _subject_of_first_try(self, accepted: AcceptedCommand) -> History | EventView:
        if accepted.event is not None:
            return accepted.event
        entries: Sequence[RecordedEntry] = accepted.recorded[-1:]  # before it are holds that have lapsed
        if len(accepted.subject_versions) > 1:  # earlier entries are about the booking, too
            entries = await self._streams.entries(entries[0].stream, accepted.subject_versions)
            if len(entries) < len(accepted.subject_versions):
                raise OutcomeUnknown  # the ledger went back since
        return History(entries, accepted.event_name, accepted.currency)

    async def _subject_of_retry(self, command: Command, repeated: RepeatedCommand) -> tuple[RecordedEntry, History | EventView]:
        """The command's last entry, and what its result is made from. Reads a few entries, however long the stream is; a command
        about the Event itself reads the stream."""
        versions = [1, repeated.details_version, repeated.version, *repeated.subject_versions]
        stored = {recorded.version: recorded for recorded in await self._streams.entries(repeated.stream, versions)}
        last = stored.get(repeated.version)
        if last is None or last.entry.command != command.id:
            raise LedgerWentBack(f"entry {repeated.version} of event {repeated.stream}")
        if last.entry.digest != command.digest():
            raise IdempotencyKeyReused
        if repeated.subject_versions:
            return last, stored_history(stored, repeated.subject_versions, repeated.details_version)
        return last, event_view(await self._rewind(repeated))

    async def _rewind(self, repeated: RepeatedCommand) -> Event:
        """The Event as of the command's last entry. Raises Busy past MAX_REWINDS, LedgerWentBack."""
        async with self._rewinds.slot():
            event = await self._streams.load(repeated.stream, until=repeated.version)
        if event is None or event.version != repeated.version:
            raise LedgerWentBack(f"entry {repeated.version} of event {repeated.stream}")
        return event
