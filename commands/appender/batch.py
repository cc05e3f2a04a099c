"""Deciding a batch of commands, and the outcome of each: the part of the appender that needs no database."""

import logging
from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from uuid import UUID

import msgspec

from commands.appender.event_cache import EventCache
from commands.appender.pending import PendingRequest
from commands.result import subject_versions
from ledger.commands import Command
from ledger.connection import Appended
from ledger.decide import decide
from ledger.entries import EMPTY_STREAM, RecordedEntry, StreamEnd
from ledger.errors import SeatledgerError
from ledger.event import Event
from ledger.evolve import evolve
from ledger.views import EventView, event_view

log = logging.getLogger(__name__)


class AcceptedCommand(msgspec.Struct):
    """A command was accepted at this try. `recorded`: its entries, with their positions once they are in the ledger.

    `subject_versions`: of the entries about its booking or hold (`result.subject_versions`). `event`: the Event after the command,
    for a command about the Event itself; a view, since later commands of the batch change the Event."""

    recorded: list[RecordedEntry]
    event_name: str
    currency: str
    subject_versions: tuple[int, ...]
    event: EventView | None


class RepeatedCommand(msgspec.Struct, frozen=True):
    """The command was accepted at an earlier try; `version` is that of its last entry.

    `subject_versions`: as in `AcceptedCommand`; `details_version`: of the entry that set the Event's name of that time."""

    stream: UUID
    version: int
    subject_versions: tuple[int, ...] = ()
    details_version: int = 1


Outcome = AcceptedCommand | RepeatedCommand


#: The event loop is not kept longer from other requests, and the ordering lock from other processes, than this and one command.
DECIDE_SECONDS = 0.02


class DecidedBatch:
    """A batch that is decided, but not appended yet. `trials`: the Events as they will be once it is; `built_on`: the ends of
    their streams before. `left`: what was not decided, since the others took too long."""

    def __init__(self) -> None:
        self.left: list[PendingRequest] = []
        self.trials: dict[UUID, Event] = {}
        self.built_on: dict[UUID, StreamEnd] = {}
        self.recorded: list[RecordedEntry] = []
        self.accepted: list[tuple[PendingRequest, AcceptedCommand]] = []
        self.repeated: list[tuple[PendingRequest, RepeatedCommand]] = []
        #: With the end of the stream for which the refusal is true.
        self.refused: list[tuple[PendingRequest, SeatledgerError, StreamEnd]] = []

    def keep(self, cache: EventCache, appended: Sequence[Appended]) -> None:
        """The entries were appended: applies the trials to the cache and resolves the requests."""
        remaining = iter(appended)
        for request, accepted in self.accepted:
            accepted.recorded = [
                RecordedEntry(made.stream, made.version, made.entry, *next(remaining)) for made in accepted.recorded
            ]
            self.trials[request.stream].mac = accepted.recorded[-1].mac
            if accepted.recorded[0].version == 1:
                self.trials[request.stream].number = accepted.recorded[0].position
            if accepted.event is not None:
                accepted.event.number = self.trials[request.stream].number
            request.resolve(accepted)
        for trial in self.trials.values():
            cache.put(trial.merge())
        for request, repeated in self.repeated:
            request.resolve(repeated)


def decide_batch(batch: Sequence[PendingRequest], cache: EventCache, now: datetime) -> DecidedBatch:
    """Decides each command in turn, on the Event that the commands before it made, for DECIDE_SECONDS. An internal error fails its
    own command alone."""
    decided, until = DecidedBatch(), perf_counter() + DECIDE_SECONDS
    for number, request in enumerate(batch):
        if number and perf_counter() > until:
            decided.left = list(batch[number:])
            break
        command, stream = request.command, request.stream
        if command is None or request.future.done():
            continue
        event = decided.trials.get(stream) or cache.get(stream)
        version = event.version_of(command.id) if event is not None else None
        if version is not None:
            assert event is not None
            request.sent = True  # at an earlier try: it is in the ledger, or was
            decided.repeated.append((request, _repeated(command, event, version)))
            continue
        try:
            entries = decide(event, command, now)
        except SeatledgerError as refusal:
            decided.refused.append((request, refusal, event.end if event is not None else EMPTY_STREAM))
            continue
        except Exception as error:
            log.exception("Deciding a command failed")
            request.resolve(error)
            continue
        is_first = event is not None and stream not in decided.trials
        trial = event.trial() if event is not None and is_first else event
        recorded: list[RecordedEntry] = []
        try:
            for entry in entries:
                recorded.append(RecordedEntry(stream, trial.version + 1 if trial is not None else 1, entry))
                trial = evolve(trial, recorded[-1])
            assert trial is not None, "a command makes at least one entry"
        except Exception as error:  # the trial may be half changed: start again without this command
            log.exception("Applying the entries of a command failed")
            request.resolve(error)
            return decide_batch(batch, cache, now)
        if event is not None and is_first:
            decided.built_on[stream] = event.end
        decided.trials[stream] = trial
        decided.recorded += recorded
        decided.accepted.append((request, _accepted(command, trial, recorded)))
    return decided


def _repeated(command: Command, event: Event, version: int) -> RepeatedCommand:
    details_version = max(about for about in event.details_set if about <= version)
    return RepeatedCommand(event.id, version, subject_versions(command, event, version), details_version)


def _accepted(command: Command, event: Event, recorded: list[RecordedEntry]) -> AcceptedCommand:
    versions = subject_versions(command, event, event.version)
    return AcceptedCommand(recorded, event.details.name, event.currency, versions, None if versions else event_view(event))
