"""A batch of commands decided together, and what comes of each: the part of the appender that needs no database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from commands.appender.event_cache import EventCache
from ledger.commands import CancelBooking, CheckIn, Command
from ledger.decide import decide
from ledger.entries import Recorded, SeatsBooked
from ledger.errors import SeatledgerError
from ledger.event import Event, evolve
from ledger.views import EventView, event_view

log = logging.getLogger(__name__)


class Accepted(msgspec.Struct):
    """A command was carried out just now: its entries, in their places once they stand in the ledger, and what its answer names.

    `story`: versions of the entries about the booking, where the command is about one. `view`: the Event, where it is not."""

    recorded: list[Recorded]
    event_name: str
    currency: str
    story: tuple[int, ...]
    view: EventView | None


class Replayed(msgspec.Struct, frozen=True):
    """The command was carried out before: `version` is that of its last entry.

    `story`: versions of the entries about its booking up to then, where it is about one; `details_version`: of the entry that said
    what the Event was called then."""

    stream: UUID
    version: int
    story: tuple[int, ...] = ()
    details_version: int = 1


Outcome = Accepted | Replayed
Gone = Callable[[], Awaitable[bool]]


class Waiting:
    """A command, and who waits for its outcome. No command: somebody only wants the Event loaded.

    `absent`: its stream was looked for and has no entries. `sent`: its entries may have reached the
    ledger: they were sent, and no answer said that they were not taken."""

    __slots__ = ("absent", "command", "deadline", "future", "gone", "sent", "since", "stream")

    def __init__(self, stream: UUID, command: Command | None, gone: Gone | None, timeout_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.stream, self.command, self.gone = stream, command, gone
        self.future: asyncio.Future[Any] = loop.create_future()
        self.since = loop.time()
        self.deadline = self.since + timeout_seconds
        self.absent = self.sent = False

    def answer(self, outcome: Any) -> None:
        """Gives an outcome or raises an exception to whoever waits, if anybody still does."""
        if not self.future.done():
            if isinstance(outcome, BaseException):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)


class Run:
    """One batch, decided but not yet true: `trials` are the Events as they would be."""

    def __init__(self) -> None:
        self.trials: dict[UUID, Event] = {}
        self.recorded: list[Recorded] = []
        self.accepted: list[tuple[Waiting, Accepted]] = []
        self.replayed: list[tuple[Waiting, Replayed]] = []
        #: With the version that the Event had: a refusal is true of that one.
        self.refused: list[tuple[Waiting, SeatledgerError, int]] = []

    def keep(self, cache: EventCache, positions: Sequence[int]) -> None:
        """The entries stand in the ledger at these positions: the trials are so, and those who wait may know."""
        place = iter(positions)
        for waiting, accepted in self.accepted:
            accepted.recorded = [Recorded(one.stream, one.version, one.entry, next(place)) for one in accepted.recorded]
            if accepted.recorded[0].version == 1:
                self.trials[waiting.stream].number = accepted.recorded[0].position
            if accepted.view is not None:
                accepted.view.number = self.trials[waiting.stream].number
            waiting.answer(accepted)
        for trial in self.trials.values():
            cache.put(trial.merge())
        for waiting, replayed in self.replayed:
            waiting.answer(replayed)


def decide_batch(batch: Sequence[Waiting], cache: EventCache, now: datetime) -> Run:
    """Decides each command in turn, on what those before it made. A command that trips over a mistake of ours fails alone."""
    run = Run()
    for waiting in batch:
        command, stream = waiting.command, waiting.stream
        if command is None or waiting.future.done():
            continue
        event = run.trials.get(stream) or cache.get(stream)
        version = event.version_of(command.id) if event is not None else None
        if version is not None:
            assert event is not None
            run.replayed.append((waiting, _replayed(command, event, version)))
            continue
        try:
            entries = decide(event, command, now)
        except SeatledgerError as refusal:
            run.refused.append((waiting, refusal, event.version if event is not None else 0))
            continue
        except Exception as mistake:
            log.exception("A command could not be decided")
            waiting.answer(mistake)
            continue
        trial = event.trial() if event is not None and stream not in run.trials else event
        recorded: list[Recorded] = []
        try:
            for entry in entries:
                recorded.append(Recorded(stream, trial.version + 1 if trial is not None else 1, entry))
                trial = evolve(trial, recorded[-1])
            assert trial is not None, "a command makes at least one entry"
        except Exception as mistake:  # the trial may be half changed: begin again without this command
            log.exception("A command made entries that its event can't take")
            waiting.answer(mistake)
            return decide_batch(batch, cache, now)
        run.trials[stream] = trial
        run.recorded += recorded
        run.accepted.append((waiting, _accepted(command, trial, recorded)))
    return run


def _replayed(command: Command, event: Event, version: int) -> Replayed:
    story: tuple[int, ...] = ()
    if isinstance(command, CancelBooking | CheckIn) and command.booking_id.bytes in event.bookings:
        story = tuple(one for one in event.versions_about(command.booking_id) if one <= version)
    details_version = max(one for one in event.details_set if one <= version)
    return Replayed(event.id, version, story, details_version)


def _accepted(command: Command, event: Event, recorded: list[Recorded]) -> Accepted:
    story: tuple[int, ...] = ()
    view = None
    if isinstance(command, CancelBooking | CheckIn):
        story = event.versions_about(command.booking_id)
    elif type(recorded[0].entry) is not SeatsBooked:
        view = event_view(event)
    return Accepted(recorded, event.details.name, event.currency, story, view)
