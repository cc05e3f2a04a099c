"""A batch of commands decided together, and what comes of each: the part of the appender that needs no database."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from commands.appender.event_cache import EventCache
from commands.appender.pending import PendingRequest
from commands.result import booking_versions
from ledger.commands import Command
from ledger.decide import decide
from ledger.entries import RecordedEntry
from ledger.errors import SeatledgerError
from ledger.event import Event, evolve
from ledger.views import EventView, event_view

log = logging.getLogger(__name__)


class AcceptedCommand(msgspec.Struct):
    """A command was accepted at this try. `recorded`: its entries, with their positions once they are in the ledger.

    `booking_versions`: of the entries about its booking (`result.booking_versions`). `event`: the Event after the command, for a
    command about the Event itself; a view, since later commands of the batch change the Event."""

    recorded: list[RecordedEntry]
    event_name: str
    currency: str
    booking_versions: tuple[int, ...]
    event: EventView | None


class RepeatedCommand(msgspec.Struct, frozen=True):
    """The command was accepted at an earlier try; `version` is that of its last entry.

    `booking_versions`: as in `AcceptedCommand`; `details_version`: of the entry that set the Event's name of that time."""

    stream: UUID
    version: int
    booking_versions: tuple[int, ...] = ()
    details_version: int = 1


Outcome = AcceptedCommand | RepeatedCommand


class DecidedBatch:
    """One batch, decided but not yet true: `trials` are the Events as they would be."""

    def __init__(self) -> None:
        self.trials: dict[UUID, Event] = {}
        self.recorded: list[RecordedEntry] = []
        self.accepted: list[tuple[PendingRequest, AcceptedCommand]] = []
        self.replayed: list[tuple[PendingRequest, RepeatedCommand]] = []
        #: With the version that the Event had: a refusal is true of that one.
        self.refused: list[tuple[PendingRequest, SeatledgerError, int]] = []

    def keep(self, cache: EventCache, positions: Sequence[int]) -> None:
        """The entries stand in the ledger at these positions: the trials are so, and those who wait may know."""
        place = iter(positions)
        for request, accepted in self.accepted:
            accepted.recorded = [RecordedEntry(one.stream, one.version, one.entry, next(place)) for one in accepted.recorded]
            if accepted.recorded[0].version == 1:
                self.trials[request.stream].number = accepted.recorded[0].position
            if accepted.event is not None:
                accepted.event.number = self.trials[request.stream].number
            request.resolve(accepted)
        for trial in self.trials.values():
            cache.put(trial.merge())
        for request, replayed in self.replayed:
            request.resolve(replayed)


def decide_batch(batch: Sequence[PendingRequest], cache: EventCache, now: datetime) -> DecidedBatch:
    """Decides each command in turn, on what those before it made. A command that trips over a mistake of ours fails alone."""
    run = DecidedBatch()
    for request in batch:
        command, stream = request.command, request.stream
        if command is None or request.future.done():
            continue
        event = run.trials.get(stream) or cache.get(stream)
        version = event.version_of(command.id) if event is not None else None
        if version is not None:
            assert event is not None
            run.replayed.append((request, _repeated(command, event, version)))
            continue
        try:
            entries = decide(event, command, now)
        except SeatledgerError as refusal:
            run.refused.append((request, refusal, event.version if event is not None else 0))
            continue
        except Exception as mistake:
            log.exception("A command could not be decided")
            request.resolve(mistake)
            continue
        trial = event.trial() if event is not None and stream not in run.trials else event
        recorded: list[RecordedEntry] = []
        try:
            for entry in entries:
                recorded.append(RecordedEntry(stream, trial.version + 1 if trial is not None else 1, entry))
                trial = evolve(trial, recorded[-1])
            assert trial is not None, "a command makes at least one entry"
        except Exception as mistake:  # the trial may be half changed: begin again without this command
            log.exception("A command made entries that its event can't take")
            request.resolve(mistake)
            return decide_batch(batch, cache, now)
        run.trials[stream] = trial
        run.recorded += recorded
        run.accepted.append((request, _accepted(command, trial, recorded)))
    return run


def _repeated(command: Command, event: Event, version: int) -> RepeatedCommand:
    details_version = max(about for about in event.details_set if about <= version)
    return RepeatedCommand(event.id, version, booking_versions(command, event, version), details_version)


def _accepted(command: Command, event: Event, recorded: list[RecordedEntry]) -> AcceptedCommand:
    versions = booking_versions(command, event, event.version)
    return AcceptedCommand(recorded, event.details.name, event.currency, versions, None if versions else event_view(event))
