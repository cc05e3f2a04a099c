"""The appender: group commit under optimistic concurrency.

While one append is in flight, requests queue; then they are decided on the cached Events, in the queue's order, which is fair
between accounts, and all their entries, over all streams, are appended in one transaction. It is refused unless each stream ends
with the entry that was decided on. Every append takes the ordering lock, in the database, so that commit order is position order:

    next batch ─▶ decide on trial Events ─▶ append ─▶ keep the trials, resolve the requests
                            ▲                  │ version conflict: another process was first
                            └── take the ordering lock first and read the missed entries: this try can't be lost

A refusal appends nothing, so no conflict can show that it was decided on an outdated Event. Before refusals are returned, one
SELECT compares the ends of their streams. It is not needed for a batch that was decided under the lock, nor for a stream to
which the same batch has appended. A command that was accepted before is a `RepeatedCommand`.

The ledger may go back under a running process (`ledger/anchor.py`). An append is refused unless each stream ends with the very
entry that the batch was decided on; a read of missed entries checks that the known one is still there; a new connection is asked
for the anchor before it is used. Where an entry is missing, all Events are dropped and loaded again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from uuid import UUID

import psycopg

from commands.appender.batch import DecidedBatch, Outcome, decide_batch
from commands.appender.contention import Contention
from commands.appender.event_cache import EventCache
from commands.appender.event_memory import EventMemory
from commands.appender.pending import DisconnectCheck, PendingRequest, PendingRequests, give_up, withdraw_disconnected
from commands.appender.timings import AppenderTimings
from ledger.anchor import LedgerWentBack
from ledger.commands import Command
from ledger.concurrency import BackgroundTasks, supervise
from ledger.connection import (
    Appended,
    DatabaseRefused,
    DataRefused,
    Ends,
    LedgerConnection,
    LockTimeout,
    StreamUnreadable,
    VersionConflict,
)
from ledger.entries import EMPTY_STREAM, RecordedEntry
from ledger.event import Event
from ledger.settings import Settings
from ledger.streams import Streams

log = logging.getLogger(__name__)

#: Interval between checks of the deadlines; an append in flight has its connection cut at most this long after its deadline.
DEADLINE_CHECK_SECONDS = 0.05
RECONNECT_SECONDS = 0.2


class Appender:
    """Decides and appends the commands of one process, on its event loop."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[LedgerConnection]],
        streams: Streams,
        clock: Callable[[], datetime],
        appended: Callable[[int], None] = lambda position: None,
        queue_limit: int = Settings.command_queue_limit,
        batch_limit: int = Settings.command_batch_limit,
        timeout_seconds: float = Settings.command_timeout_seconds,
        cache_bytes: int = Settings.event_cache_bytes,
    ) -> None:
        """`appended` is called with the newest position after each append; it must neither block nor raise."""
        self._connect, self._clock, self._appended, self._batch_limit = connect, clock, appended, batch_limit
        self.anchor = streams.anchor
        self.cache = EventCache(cache_bytes)
        self._streams = streams
        self.appends = 0
        self.entries = 0
        self.queue_limit = queue_limit
        self.timings = AppenderTimings()
        self._requests = PendingRequests(queue_limit, timeout_seconds)
        self._memory = EventMemory(self.cache, streams, self._requests)
        self.anchor.on_loss(self._memory.forget)
        self._contention = Contention()
        self._connection: LedgerConnection | None = None
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        for work in (self._append_batches, self._enforce_deadlines):
            self._tasks.spawn(
                supervise(
                    work,
                    log=log,
                    failure="The appender failed and is restarted",
                    pause_seconds=RECONNECT_SECONDS,
                    is_stopping=lambda: self._requests.closed,
                )
            )

    async def close(self, patience_seconds: float = 3.0) -> None:
        """Refuses new commands, waits `patience_seconds` for the pending ones, then gives them up."""
        self._requests.closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while len(self._requests):  # noqa: ASYNC110 - an event for this alone would be set for every command
                    await asyncio.sleep(0.01)
        if self._connection is not None:
            self._connection.cut()  # to cancel a psycopg call takes seconds if the server is silent
        await self._tasks.stop()
        await self._memory.close()
        self._requests.give_up_all()
        if self._connection is not None:
            await self._connection.close()

    @property
    def forged_entries_read(self) -> int:
        """How often an entry was read that Seatledger did not write."""
        return self._streams.forged_entries_read

    @property
    def pending(self) -> int:
        """Requests whose callers wait."""
        return len(self._requests)

    async def submit(self, command: Command, is_disconnected: DisconnectCheck | None = None) -> Outcome:
        """Executes a command, once. Raises the SeatledgerError of the rule that it breaks; Busy if nothing happened; OutcomeUnknown
        if that can't be told. `is_disconnected` is called before a command that has waited is decided: nothing is done for a
        disconnected client."""
        outcome: Outcome = await self._requests.outcome(command.event_id, command, is_disconnected)
        return outcome

    async def last_seen_event(self, event_id: UUID) -> Event | None:
        """The Event as this process last saw it; another process may have appended since. Its organizer and currency never change,
        and its bookings only grow. None: it does not exist."""
        event = self.cache.get(event_id)
        if event is None:
            event = await self._requests.outcome(event_id, None)
        return event

    # --- supervised background tasks

    async def _enforce_deadlines(self) -> None:
        """Gives up expired requests; cuts the connection under an append that hangs."""
        await asyncio.sleep(DEADLINE_CHECK_SECONDS)
        if self._requests.give_up_expired(asyncio.get_running_loop().time()) and self._connection is not None:
            self._connection.cut()

    async def _append_batches(self) -> None:
        self._requests.queue_changed.set()  # after a failure requests may be left in the queue, and no new one may come
        while True:
            await self._requests.queue_changed.wait()
            self._requests.queue_changed.clear()
            while self._requests.has_queued:
                self._requests.in_flight = batch = self._next_batch()
                self._trim_cache(batch)
                try:
                    if batch:
                        await self._execute(batch)
                except Exception:
                    give_up(batch)
                    for request in batch:
                        self.cache.drop(request.stream)  # its Event may be half changed
                    raise
                self._requests.in_flight = []
                self._trim_cache(self._requests.queued)

    def _trim_cache(self, about_to_use: Iterable[PendingRequest]) -> None:
        if self.cache.overfull:
            self.cache.trim(spare={request.stream for request in about_to_use})

    def _next_batch(self) -> list[PendingRequest]:
        """Queued commands that can be decided. Requests for an Event that is not in memory wait for its load instead."""
        batch: list[PendingRequest] = []
        while len(batch) < self._batch_limit and (request := self._requests.next_queued()) is not None:
            if not self._memory.can_decide(request):
                self._memory.await_load(request)
            elif request.command is None:
                request.resolve(self.cache.get(request.stream))
            else:
                batch.append(request)
        return batch

    # --- one batch

    async def _execute(self, batch: list[PendingRequest], *, alone: bool = False) -> None:
        """Tries the batch until all its requests are resolved or wait for a load. `alone`: no other command may join it."""
        timings, left = self.timings, batch
        timing = timings.begin(batch)
        await withdraw_disconnected(batch)
        lock_first = self._contention.lock_first
        while left := self._memory.decidable(left):
            losses = self.anchor.losses
            timing.tries += 1
            try:
                if self._connection is None:
                    with timings.timed("connect"):
                        self._connection = await self._connect_and_check()
                left = await (self._append_locked(left, alone) if lock_first else self._append_optimistically(left))
            except VersionConflict:
                self._contention.record_conflict()
                timings.failures["conflict"] += 1
                await self._read_missed({request.stream for request in left})
            except LedgerWentBack as error:
                timings.failures["went back"] += 1
                self.anchor.lose(error, losses)
                self._memory.reload(left)
            except StreamUnreadable as unreadable:  # this process goes on with the other Events
                log.warning("%s", unreadable)
                self._refuse(left, unreadable)
            except DataRefused as refused:
                await self._execute_one_by_one(left, refused)
                left = []
            except LockTimeout:
                timings.failures["lock time-out"] += 1
                log.warning("An append has waited too long for the ordering lock or the database")
            except DatabaseRefused as refused:  # another server may be the one to write to by now
                timings.failures["refused"] += 1
                log.warning("The database refuses to append: %s", refused)
                await self._disconnect()
            except (psycopg.Error, OSError) as error:
                timings.failures["connection lost"] += 1
                log.warning("The appender has lost its connection: %s", error)
                await self._disconnect()
            lock_first = True
        timings.end(timing)

    def _refuse(self, batch: Sequence[PendingRequest], unreadable: StreamUnreadable) -> None:
        """Refuses the requests for this Event, those of the batch and all later ones, which will find that it can't be loaded."""
        self.cache.drop(unreadable.stream)
        for request in batch:
            if request.stream == unreadable.stream:
                request.give_up(unreadable.refusal)

    async def _execute_one_by_one(self, batch: Sequence[PendingRequest], refused: DataRefused) -> None:
        """The database can't store one of these commands: each is tried in a transaction of its own, so that it does not fail the
        others."""
        if len(batch) == 1:
            batch[0].resolve(refused)
            return
        for request in batch:
            await self._execute([request], alone=True)

    async def _append_optimistically(self, batch: Sequence[PendingRequest]) -> list[PendingRequest]:
        """Decides and appends in one round trip. Returns the requests whose refusal was decided on an outdated Event."""
        assert self._connection is not None
        decided = self._decide(batch)
        appended = await self._append(decided, self._connection.append)
        await self._make_repeated_durable(decided, appended)
        self._keep(decided, appended)
        self._requests.put_back(decided.left)
        decided_on = {request.stream: end for request, _, end in decided.refused if request.stream not in decided.trials}
        ends = await self._connection.ends(list(decided_on)) if decided_on else {}
        outdated = {stream for stream, end in decided_on.items() if ends.get(stream, EMPTY_STREAM) != end}
        for request, refusal, _ in decided.refused:
            if request.stream not in outdated:
                request.resolve(refusal)
        await self._read_missed(outdated)
        return [request for request, _, _ in decided.refused if request.stream in outdated]

    async def _append_locked(self, batch: list[PendingRequest], alone: bool) -> list[PendingRequest]:
        """Reads, decides and appends under the ordering lock: no other process appends in between. Returns the whole batch if the
        Events were dropped while it waited for the lock, else nothing to try again."""
        connection, losses = self._connection, self.anchor.losses
        assert connection is not None
        known = {request.stream: self._memory.end(request.stream) for request in batch}
        async with AsyncExitStack() as transaction:
            with self.timings.timed("lock"):
                missed = await transaction.enter_async_context(connection.locked(known))
            if losses != self.anchor.losses:
                return batch
            self._contention.record_lock(missed=bool(missed))
            if missed:
                self.anchor.move(*max((recorded.position, recorded.mac) for recorded in missed))
            self._memory.apply(missed)
            if not alone:  # commands that were queued while the batch waited for the lock need not wait for it again
                self.timings.join(self._requests.join_batch(batch, known, self._batch_limit))
            decided = self._decide(self._memory.decidable(batch))
            appended = await self._append(decided, connection.append_and_commit)
        await self._make_repeated_durable(decided, appended)
        self._keep(decided, appended)
        self._requests.put_back(decided.left)
        for request, refusal, _ in decided.refused:
            request.resolve(refusal)
        return []

    def _decide(self, batch: Sequence[PendingRequest]) -> DecidedBatch:
        with self.timings.timed("decide"):
            return decide_batch(batch, self.cache, self._clock())

    async def _append(
        self, decided: DecidedBatch, append: Callable[[Sequence[RecordedEntry], Ends], Awaitable[list[Appended]]]
    ) -> list[Appended]:
        """Appends the batch's entries. Marks its requests as `sent` before, and takes that back if nothing was appended for
        certain."""
        if not decided.recorded:
            return []
        new = [request for request, _ in decided.accepted if not request.sent]
        for request in new:
            request.sent = True
        try:
            with self.timings.timed("append"):
                return await append(decided.recorded, decided.built_on)
        except (VersionConflict, DataRefused, DatabaseRefused, LockTimeout):
            for request in new:
                request.sent = False
            raise

    async def _make_repeated_durable(self, decided: DecidedBatch, appended: list[Appended]) -> None:
        """A command that is repeated is acknowledged now, perhaps for the first time: its entries must not be on this server alone.
        An append of the same batch, which was committed after them, proves that."""
        if decided.repeated and not appended:
            assert self._connection is not None
            await self._connection.confirm()

    def _keep(self, decided: DecidedBatch, appended: list[Appended]) -> None:
        decided.keep(self.cache, appended)
        if appended:
            self.appends += 1
            self.entries += len(appended)
            self.anchor.move(*appended[-1])
            self._appended(appended[-1].position)

    async def _read_missed(self, streams: Iterable[UUID]) -> None:
        """Reads the missed entries before the lock is taken, so that few are left to read under it."""
        known = {stream: self._memory.end(stream) for stream in streams}
        if known and self._connection is not None:
            # The same error comes again under the lock.
            with suppress(LedgerWentBack, LockTimeout, DatabaseRefused, StreamUnreadable, psycopg.Error, OSError):
                self._memory.apply(await self._connection.missed(known))

    async def _connect_and_check(self) -> LedgerConnection:
        """A new connection: to a server that may have been restored or promoted meanwhile. Raises LedgerWentBack."""
        connection = await self._connect()
        try:
            await connection.check(self.anchor)
        except BaseException:
            connection.cut()
            await connection.close()
            raise
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.cut()
            with suppress(Exception):
                await connection.close()
        await asyncio.sleep(RECONNECT_SECONDS)
