"""Pending requests: the commands that callers of this process wait for. The states are drawn in `commands/appender/__init__.py`.

The queue is fair between accounts (start-time fair queueing, simplified): a request's turn is that of the last one taken, or of its
account's last one if that is later, plus its weight. So the second request of an account comes after the first ones of others, and
a booking of many tickets after those of few that arrive a little later. Where each batch empties the queue, as nearly always, the
order matters to nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain
from time import perf_counter
from typing import Any
from uuid import UUID

from commands.appender.timings import BatchTiming
from ledger.commands import Command, OrderSeats
from ledger.deadline import remaining_seconds
from ledger.errors import Busy, OutcomeUnknown, SeatledgerError
from ledger.request_trace import current_trace

log = logging.getLogger(__name__)

#: A request that is older than this is checked for a disconnected client before it is decided.
CHECK_AFTER_SECONDS = 0.1

#: This many tickets of a booking weigh as much as a command.
TICKETS_PER_WEIGHT = 20
#: So do this many of its categories.
CATEGORIES_PER_WEIGHT = 5
#: Accounts whose last turn is remembered, while the queue does not become empty.
MAX_ACCOUNTS = 10_000

#: Says whether the client has disconnected.
DisconnectCheck = Callable[[], Awaitable[bool]]


class PendingRequest:
    """A command whose caller waits for its outcome. Without a command: the caller waits for the Event itself.

    `stream_is_empty`: the stream was read and has no entries. `sent`: the entries were sent to the database, and no reply said that
    they were not appended. `batch`: the one that it is or was executed in."""

    __slots__ = (
        "batch", "began_at", "command", "deadline", "future", "is_disconnected", "load_began_at", "load_seconds", "queued_at",
        "sent", "stream", "stream_is_empty", "turn",
    )  # fmt: skip

    def __init__(
        self, stream: UUID, command: Command | None, is_disconnected: DisconnectCheck | None, timeout_seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        self.stream, self.command, self.is_disconnected = stream, command, is_disconnected
        self.future: asyncio.Future[Any] = loop.create_future()
        self.queued_at = loop.time()
        self.began_at = perf_counter()  # the loop's clock has milliseconds
        self.batch: BatchTiming | None = None
        self.load_began_at: float | None = None
        self.load_seconds = 0.0
        self.deadline = self.queued_at + remaining_seconds(timeout_seconds)
        self.stream_is_empty = self.sent = False
        #: Its place in the queue: lower ones come first; then the earlier one.
        self.turn = (0, 0)

    def resolve(self, outcome: Any) -> None:
        """Returns the outcome to the caller, or raises it there if it is an exception. Without effect if it is resolved already, or
        the caller was cancelled."""
        if not self.future.done():
            if isinstance(outcome, BaseException):
                self.future.set_exception(outcome)
            else:
                self.future.set_result(outcome)

    @property
    def weight(self) -> int:
        weight = 1
        if isinstance(self.command, OrderSeats):
            for seats in self.command.tickets:
                weight += seats.quantity // TICKETS_PER_WEIGHT
            weight += len(self.command.tickets) // CATEGORIES_PER_WEIGHT
        return weight

    def phases(self) -> dict[str, float]:
        """What it waited for, in seconds."""
        now = perf_counter()
        load = self.load_seconds + (now - self.load_began_at if self.load_began_at is not None else 0.0)
        taken_at = now if self.batch is None else self.batch.began_at
        # It may have joined its batch later than that began.
        waits = {"queue": max(taken_at - self.began_at - load, 0.0), "load": load}
        return waits if self.batch is None else {**waits, **self.batch.phases()}

    def facts(self) -> dict[str, int]:
        """Of its batch: the number, the commands, the tries."""
        batch = self.batch
        return {} if batch is None else {"batch": batch.number, "commands": batch.commands, "tries": batch.tries}

    def give_up(self, error: SeatledgerError | None = None) -> None:
        """Resolves it with the error (None: Busy); with OutcomeUnknown if its entries may be in the ledger."""
        self.resolve(OutcomeUnknown() if self.sent else error or Busy())


class PendingRequests:
    """All pending requests of one process: queued, awaiting the load of their Event, or in flight.

    `in_flight`: the batch that is being appended. `queue_changed` is set whenever requests are queued."""

    __slots__ = (
        "_arrivals", "_awaiting_load", "_count", "_last_turns", "_limit", "_queue", "_timeout_seconds", "_turn", "closed",
        "in_flight", "queue_changed",
    )  # fmt: skip

    def __init__(self, limit: int, timeout_seconds: float) -> None:
        self._limit, self._timeout_seconds = limit, timeout_seconds
        self._queue: list[tuple[tuple[int, int], PendingRequest]] = []  # a heap
        self._turn = self._arrivals = 0
        self._last_turns: dict[UUID | None, int] = {}
        self._awaiting_load: dict[UUID, list[PendingRequest]] = {}
        self._count = 0
        self.in_flight: list[PendingRequest] = []
        self.queue_changed = asyncio.Event()
        self.closed = False

    def __len__(self) -> int:
        """Callers that wait."""
        return self._count

    async def outcome(self, stream: UUID, command: Command | None, is_disconnected: DisconnectCheck | None = None) -> Any:
        """Queues a request and waits until it is resolved. Raises Busy past the limit, or once `closed`."""
        if self._count >= self._limit or self.closed:
            raise Busy
        request = PendingRequest(stream, command, is_disconnected, self._timeout_seconds)
        if command is not None and (trace := current_trace()) is not None:
            trace.command = request
        self._enqueue(request)
        self.queue_changed.set()
        self._count += 1
        try:
            return await request.future
        finally:
            self._count -= 1

    # --- queued

    @property
    def has_queued(self) -> bool:
        return bool(self._queue)

    @property
    def queued(self) -> Iterator[PendingRequest]:
        """In no order."""
        return (request for _, request in self._queue)

    def _enqueue(self, request: PendingRequest) -> None:
        account = request.command.actor.id if request.command is not None else None
        last_turns = self._last_turns
        turn = last_turns[account] = max(self._turn, last_turns.get(account, 0)) + request.weight
        self._arrivals += 1
        request.turn = (turn, self._arrivals)
        heappush(self._queue, (request.turn, request))
        if len(last_turns) > MAX_ACCOUNTS:
            self._last_turns = {account: last for account, last in last_turns.items() if last > self._turn}

    def _dequeue(self) -> PendingRequest:
        (turn, _), request = heappop(self._queue)
        self._turn = max(self._turn, turn)
        if not self._queue:
            self._turn = 0
            self._last_turns.clear()
        return request

    def next_queued(self) -> PendingRequest | None:
        """Takes from the queue the unresolved request whose turn it is. None: the queue has none."""
        while self._queue:
            request = self._dequeue()
            if not request.future.done():
                return request
        return None

    def put_back(self, requests: Sequence[PendingRequest]) -> None:
        """Requests that were taken and not decided: they keep their turn, and those of other accounts that have come meanwhile do
        not wait for all of them."""
        for request in requests:
            if not request.future.done():
                heappush(self._queue, (request.turn, request))
                self._turn = min(self._turn, request.turn[0] - request.weight)

    def join_batch(self, batch: list[PendingRequest], streams: Collection[UUID], batch_limit: int) -> list[PendingRequest]:
        """Moves queued commands for these streams into the batch in flight, up to `batch_limit`, and returns them; the others keep
        their order. Stops at the first one whose client would have to be checked."""
        oldest = asyncio.get_running_loop().time() - CHECK_AFTER_SECONDS
        others: list[PendingRequest] = []
        before = len(batch)
        while self._queue and len(batch) < batch_limit and self._queue[0][1].queued_at > oldest:
            _, request = heappop(self._queue)
            (batch if request.stream in streams and request.command is not None else others).append(request)
        for request in others:
            heappush(self._queue, (request.turn, request))
        joined = batch[before:]
        self.in_flight += joined
        return joined

    # --- awaiting load

    @property
    def loading(self) -> Collection[UUID]:
        """The streams that are being loaded."""
        return self._awaiting_load.keys()

    def is_loading(self, stream: UUID) -> bool:
        return stream in self._awaiting_load

    def begin_load(self, stream: UUID) -> None:
        self._awaiting_load[stream] = []

    def await_load(self, request: PendingRequest) -> None:
        """The request waits until `end_load` or `fail_load` of its stream."""
        request.load_began_at = perf_counter()
        self._awaiting_load[request.stream].append(request)

    def awaits_load(self, request: PendingRequest) -> bool:
        return request in self._awaiting_load.get(request.stream, ())

    def end_load(self, stream: UUID, *, is_empty: bool) -> None:
        """The requests for this stream go to the front of the queue."""
        now = perf_counter()
        for request in self._awaiting_load.pop(stream):
            if request.load_began_at is not None:
                request.load_seconds += now - request.load_began_at
                request.load_began_at = None
            request.stream_is_empty = is_empty
            request.turn = (self._turn, request.turn[1])
            heappush(self._queue, (request.turn, request))
        self.queue_changed.set()

    def fail_load(self, stream: UUID, error: SeatledgerError | None = None) -> None:
        """Gives up the requests for this stream. None: Busy."""
        for request in self._awaiting_load.pop(stream):
            request.give_up(error)

    # --- giving up

    def give_up_expired(self, now: float) -> bool:
        """Gives up the requests whose deadline has passed. True if that leaves a batch in flight for which nobody waits."""
        give_up(request for request in self.queued if request.deadline < now)
        while self._queue and self._queue[0][1].future.done():
            self._dequeue()
        for awaiting in self._awaiting_load.values():
            give_up(request for request in awaiting if request.deadline < now)
            awaiting[:] = [request for request in awaiting if not request.future.done()]
        late = [request for request in self.in_flight if request.deadline < now]
        give_up(late)
        return bool(late) and all(request.future.done() for request in self.in_flight)

    def give_up_all(self) -> None:
        give_up(chain(self.in_flight, self.queued, *self._awaiting_load.values()))


def give_up(requests: Iterable[PendingRequest]) -> None:
    for request in requests:
        request.give_up()


async def withdraw_disconnected(batch: Sequence[PendingRequest]) -> None:
    """Resolves with Busy the requests whose clients have disconnected. Only those that have waited for CHECK_AFTER_SECONDS are
    checked: it is unlikely for the others."""
    oldest = asyncio.get_running_loop().time() - CHECK_AFTER_SECONDS
    checked = [(request, request.is_disconnected) for request in batch if request.is_disconnected and request.queued_at < oldest]
    if not checked:
        return
    # In tasks of their own: a framework's check that cancels its task must not cancel the appender.
    checks = await asyncio.gather(*(asyncio.ensure_future(check()) for _, check in checked), return_exceptions=True)
    for (request, _), disconnected in zip(checked, checks, strict=True):
        if disconnected is True:
            request.resolve(Busy("The client has disconnected; nothing happened."))
        elif isinstance(disconnected, BaseException):
            log.error("The check for a disconnected client failed", exc_info=disconnected)
            request.resolve(disconnected if isinstance(disconnected, Exception) else Busy())
