"""The gateway: commands of workers, decided on Events that stay in memory, and appended under the same checks as those of the
appender.

    read what the Event has missed ─▶ decide ─▶ append, built on the Event's end
                 ▲                                        │ version conflict: another process was first
                 └───── once more, under the ordering lock: this try can't be lost

An Event evolves by what is read, its own entries included, so that nothing is copied for a try.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from commands.appender.event_cache import EventCache
from ledger.commands import MAX_NEEDED_ENTRIES, Command, HoldCommand
from ledger.decide import decide
from ledger.entries import EMPTY_STREAM, Entry, RecordedEntry
from ledger.event import Event
from ledger.evolve import evolve
from ledger.hold_errors import EntryNeeded
from ledger.store import Ledger

#: Of the Events in memory, at the most (the one in use always stays).
CACHE_BYTES = 128 * 1024 * 1024


class Gateway:
    """For one thread."""

    def __init__(self, ledger: Ledger, cache_bytes: int = CACHE_BYTES) -> None:
        """`ledger`: which nobody else uses, because its connection may hold the ordering lock."""
        self._ledger, self._events = ledger, EventCache(cache_bytes)

    def close(self) -> None:
        self._ledger.close()

    def execute(self, command: Command, now: datetime) -> Sequence[RecordedEntry]:
        """Decides a command on the current Event and appends its entries, which are returned without positions; none if it was
        executed before.

        Raises the SeatledgerError of the rule that it breaks; EventSealed; UnknownTopic; LedgerUnavailable, after which the outcome
        is unknown."""
        try:
            return self._try(command, now)
        except IntegrityError:
            with self._ledger.ordering_lock():
                return self._try(command, now)

    def _try(self, command: Command, now: datetime) -> Sequence[RecordedEntry]:
        event = self._current(command.event_id)
        if event is not None and event.version_of(command.id) is not None:
            return ()
        end = event.end if event is not None else EMPTY_STREAM
        entries = self._decide(event, command, now)
        made = [RecordedEntry(command.event_id, version, entry) for version, entry in enumerate(entries, end.version + 1)]
        self._ledger.append(made, end)
        return made

    def _decide(self, event: Event | None, command: Command, now: datetime) -> list[Entry]:
        """With the entries that a command about a hold that has ended needs."""
        for _ in range(MAX_NEEDED_ENTRIES):
            try:
                return decide(event, command, now)
            except EntryNeeded as needed:
                assert isinstance(command, HoldCommand)
                command = command.with_entry(next(self._ledger.stream(command.event_id, after=needed.version - 1)).entry)
        return decide(event, command, now)

    def _current(self, stream: UUID) -> Event | None:
        """The Event after its newest entry. While it evolves it is not in the cache: an error may leave it half changed."""
        event = self._events.drop(stream)
        if event is not None:
            event = self._caught_up(event)
        event = event or self._ledger.current_event(stream)
        if event is not None:
            self._events.put(event.merge())
            self._events.trim(spare=(stream,))
        return event

    def _caught_up(self, event: Event) -> Event | None:
        """None: the ledger went back, and does not have the entry any more that the Event is as of."""
        missed = self._ledger.stream(event.id, after=event.version - 1)
        last = next(missed, None)
        if last is None or last.end != event.end:
            return None
        for recorded in missed:
            evolve(event, recorded)
        return event
