"""The appender: group commit under optimistic concurrency.

While one append is in flight, commands collect; then they are decided in arrival order against the Events in memory, and all
their entries, over all streams, go in as one transaction. The primary key (stream, version) is the only arbiter between
processes. In short:

    take what waits ─▶ decide on trials ─▶ append ─▶ keep the trials, answer
                            ▲                │ somebody else wrote first
                            └── read what was missed, under the ordering lock: the second try can't lose

A refusal appends nothing, so nothing proves that the state it saw was current: before refusals are answered, one SELECT of
their streams' versions does. A command that was carried out before is answered from what it made then (`Replayed`).
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import psycopg

from commands.appender.batch import Gone, Outcome, Run, Waiting, decide_batch
from commands.appender.event_cache import EventCache
from commands.appender.event_loader import Loads
from ledger.commands import Command
from ledger.entries import Recorded
from ledger.errors import Busy, OutcomeUnknown
from ledger.event import Event, evolve
from ledger.recorder import MISSED_LIMIT, Conflict, DataRefused, LedgerConnection, LockTimeout, TooNew
from ledger.settings import Settings
from ledger.streams import Streams

log = logging.getLogger(__name__)

#: How often deadlines are looked at, and how long after its deadline an append in flight has its connection cut.
WATCH_SECONDS = 0.05
#: A command that has waited this long is asked whether its client is still there before it is decided.
ASK_AFTER_SECONDS = 0.1
RECONNECT_SECONDS = 0.2
#: Where another process wrote to our Events, so many batches take the ordering lock before they are decided.
STAY_LOCKED = 8


class Appender:
    """One a process, in its event loop. `submit` is its door; `start` and `close` frame its life."""

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
        """`appended` is told the newest position after each append; it must neither block nor raise."""
        self._connect, self._clock, self._appended = connect, clock, appended
        self._queue_limit, self._batch_limit, self._timeout = queue_limit, batch_limit, timeout_seconds
        self.cache = EventCache(cache_bytes)
        self.held = 0
        self.appends = 0
        self.entries = 0
        self._queue: deque[Waiting] = deque()
        self._parked: dict[UUID, list[Waiting]] = {}
        self._in_flight: list[Waiting] = []
        self._wake = asyncio.Event()
        self._loads = Loads(streams, self._loaded, self._not_loaded)
        self._connection: LedgerConnection | None = None
        self._contended = 0  # so many batches take the lock first, unless one of them finds something missed again
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- the door

    async def start(self) -> None:
        self._spawn(self._supervise(self._work))
        self._spawn(self._supervise(self._watch))

    async def close(self, patience_seconds: float = 3.0) -> None:
        """Refuses new commands, lets those that wait finish for a while, then stops."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while self.held:  # noqa: ASYNC110 - a flag for this alone would be set for every command
                    await asyncio.sleep(0.01)
        if self._connection is not None:
            self._connection.cut()  # to cancel a psycopg call takes seconds where the server is silent
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._loads.close()
        _give_up(chain(self._in_flight, self._queue, *self._parked.values()))
        if self._connection is not None:
            await self._connection.close()

    async def submit(self, command: Command, gone: Gone | None = None) -> Outcome:
        """Carries a command out, once. Raises the SeatledgerError of the rule that it breaks; `Busy` where nothing happened;
        `OutcomeUnknown` where that can't be told. `gone` asks whether the client has left: then nothing is done for it."""
        outcome: Outcome = await self._hold(command.event_id, command, gone)
        return outcome

    async def event(self, event_id: UUID) -> Event | None:
        """The Event as this process last saw it: for what never changes (its organizer, its currency). None: there is none."""
        event = self.cache.get(event_id)
        if event is None:
            event = await self._hold(event_id, None, None)
        return event

    async def _hold(self, stream: UUID, command: Command | None, gone: Gone | None) -> Any:
        if self.held >= self._queue_limit or self._closing:
            raise Busy
        waiting = Waiting(stream, command, gone, self._timeout)
        self._queue.append(waiting)
        self._wake.set()
        self.held += 1
        try:
            return await waiting.future
        finally:
            self.held -= 1

    # --- supervision

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _supervise(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except asyncio.CancelledError:
                if self._closing:
                    raise
                log.exception("Something cancelled the appender, which goes on")
            except Exception:
                log.exception("The appender stumbled and goes on")
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self) -> None:
        """Withdraws what has waited too long; cuts a connection that lets an append hang."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = asyncio.get_running_loop().time()
            _give_up(waiting for waiting in self._queue if waiting.deadline < now)
            while self._queue and self._queue[0].future.done():
                self._queue.popleft()
            for parked in self._parked.values():
                _give_up(waiting for waiting in parked if waiting.deadline < now)
                parked[:] = [waiting for waiting in parked if not waiting.future.done()]
            late = [waiting for waiting in self._in_flight if waiting.deadline < now]
            if late:
                _give_up(late)
                if self._connection is not None and all(waiting.future.done() for waiting in self._in_flight):
                    self._connection.cut()

    # --- the work

    async def _work(self) -> None:
        self._wake.set()  # after a stumble there may be work left, and nobody new to say so
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                self._in_flight = batch = self._take()
                self._trim(batch)
                try:
                    if batch:
                        await self._carry_out(batch)
                except Exception:
                    _give_up(batch)
                    for waiting in batch:
                        self.cache.drop(waiting.stream)  # it may be half changed
                    raise
                self._in_flight = []
                self._trim(self._queue)

    def _trim(self, about_to_use: Iterable[Waiting]) -> None:
        if self.cache.overfull:
            self.cache.trim(spare={waiting.stream for waiting in about_to_use})

    def _take(self) -> list[Waiting]:
        """The next batch. Commands for an Event that is not in memory step aside until it is loaded."""
        batch: list[Waiting] = []
        while self._queue and len(batch) < self._batch_limit:
            waiting = self._queue.popleft()
            if waiting.future.done():
                continue
            if waiting.stream in self._parked or (self.cache.get(waiting.stream) is None and not waiting.absent):
                self._park(waiting)
            elif waiting.command is None:
                waiting.answer(self.cache.get(waiting.stream))
            else:
                batch.append(waiting)
        return batch

    async def _carry_out(self, batch: list[Waiting], *, alone: bool = False) -> None:
        await self._let_go(batch)
        left: list[Waiting] = batch
        locked = self._contended > 0
        while left := self._park_those_far_behind(left):
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                left = await (self._try_locked(left, alone) if locked else self._try(left))
            except Conflict:
                self._contended = STAY_LOCKED
                await self._catch_up({waiting.stream for waiting in left})
            except TooNew as too_new:  # during an upgrade: other processes sell this Event, and this one sells the others
                log.warning("%s", too_new)
                _give_up(waiting for waiting in left if waiting.stream == too_new.stream)
            except DataRefused as refused:
                if len(left) == 1:
                    left[0].answer(refused)
                else:
                    for waiting in left:  # one by one, so that one can't fail the rest
                        await self._carry_out([waiting], alone=True)
                    left = []
            except LockTimeout:
                log.warning("The database kept an append waiting")
            except (psycopg.Error, OSError) as error:
                log.warning("The appender lost its connection: %s", error)
                await self._disconnect()
            locked = True

    async def _try(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """The optimistic way: one round trip. Returns those whose refusal was decided on a stale state."""
        assert self._connection is not None
        run = decide_batch(batch, self.cache, self._clock())
        self._keep(run, await self._append(run, self._connection.append))
        decided_on = {waiting.stream: version for waiting, _, version in run.refused if waiting.stream not in run.trials}
        versions = await self._connection.versions(list(decided_on)) if decided_on else {}
        stale = {stream for stream, version in decided_on.items() if versions.get(stream, 0) != version}
        for waiting, refusal, _ in run.refused:
            if waiting.stream not in stale:
                waiting.answer(refusal)
        await self._catch_up(stale)
        return [waiting for waiting, _, _ in run.refused if waiting.stream in stale]

    async def _try_locked(self, batch: list[Waiting], alone: bool) -> list[Waiting]:
        """The way that can't lose: nobody appends between our look and our append."""
        connection = self._connection
        assert connection is not None
        known = {waiting.stream: self._version(waiting.stream) for waiting in batch}
        async with connection.locked(known) as missed:
            self._contended = STAY_LOCKED if missed else max(0, self._contended - 1)
            self._learn(missed)
            if not alone:
                self._join(batch, known)
            run = decide_batch(self._park_those_far_behind(batch), self.cache, self._clock())
            positions = await self._append(run, connection.append_and_commit)
        self._keep(run, positions)
        for waiting, refusal, _ in run.refused:
            waiting.answer(refusal)
        return []

    def _join(self, batch: list[Waiting], streams: Collection[UUID]) -> None:
        """Whoever came for the same Events while the lock was awaited need not wait for it again."""
        long_ago = asyncio.get_running_loop().time() - ASK_AFTER_SECONDS
        others: list[Waiting] = []
        came = len(batch)
        while self._queue and len(batch) < self._batch_limit and self._queue[0].since > long_ago:
            waiting = self._queue.popleft()
            (batch if waiting.stream in streams and waiting.command is not None else others).append(waiting)
        self._queue.extendleft(reversed(others))
        self._in_flight += batch[came:]

    async def _append(self, run: Run, append: Callable[[Sequence[Recorded]], Awaitable[list[int]]]) -> list[int]:
        if not run.recorded:
            return []
        new = [waiting for waiting, _ in run.accepted if not waiting.sent]
        for waiting in new:
            waiting.sent = True
        try:
            return await append(run.recorded)
        except (Conflict, DataRefused, LockTimeout):  # nothing was appended, for certain
            for waiting in new:
                waiting.sent = False
            raise

    def _keep(self, run: Run, positions: list[int]) -> None:
        run.keep(self.cache, positions)
        if positions:
            self.appends += 1
            self.entries += len(positions)
            self._appended(positions[-1])

    # --- what other processes wrote

    def _version(self, stream: UUID) -> int:
        event = self.cache.get(stream)
        return event.version if event is not None else 0

    def _learn(self, missed: Sequence[Recorded]) -> None:
        for recorded in missed:
            if recorded.stream in self._parked:  # being loaded: that brings it
                continue
            if recorded.version == self._version(recorded.stream) + 1:  # a load that ended meanwhile may have brought it already
                self.cache.put(evolve(self.cache.get(recorded.stream), recorded))
        for stream, count in Counter(recorded.stream for recorded in missed).items():
            if count >= MISSED_LIMIT and stream not in self._parked:  # there may be more than one look fetches
                self._begin_load(stream, since=self.cache.drop(stream))

    async def _catch_up(self, streams: Iterable[UUID]) -> None:
        """Read what was missed before the lock is taken, so that little is left to read under it."""
        known = {stream: self._version(stream) for stream in streams}
        if known and self._connection is not None:
            with suppress(LockTimeout, TooNew, psycopg.Error, OSError):  # what it is comes out under the lock
                self._learn(await self._connection.missed(known))

    def _park_those_far_behind(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Those of the batch that still wait here: for an Event that is being loaded they wait elsewhere."""
        waiting_here = [waiting for waiting in batch if not waiting.future.done()]
        for waiting in waiting_here:
            if waiting.stream in self._parked and waiting not in self._parked[waiting.stream]:
                self._park(waiting)
        return [waiting for waiting in waiting_here if waiting.stream not in self._parked]

    def _park(self, waiting: Waiting) -> None:
        if waiting.stream not in self._parked:
            self._begin_load(waiting.stream, since=None)
        self._parked[waiting.stream].append(waiting)

    def _begin_load(self, stream: UUID, since: Event | None) -> None:
        self._parked[stream] = []
        self._loads.begin(stream, since)

    def _loaded(self, stream: UUID, event: Event | None) -> None:
        if event is not None and event.version > self._version(stream):  # a batch that was under way may know more by now
            self.cache.put(event)
        for waiting in reversed(self._parked.pop(stream)):
            waiting.absent = event is None
            self._queue.appendleft(waiting)
        self._wake.set()

    def _not_loaded(self, stream: UUID) -> None:
        _give_up(self._parked.pop(stream))

    # --- odds and ends

    async def _let_go(self, batch: list[Waiting]) -> None:
        """Withdraw the commands whose clients have gone, of those that have waited long enough to make that likely."""
        long_ago = asyncio.get_running_loop().time() - ASK_AFTER_SECONDS
        asked = [(waiting, waiting.gone) for waiting in batch if waiting.gone is not None and waiting.since < long_ago]
        if not asked:
            return
        # In tasks of their own: what a framework's question cancels is not the appender.
        answers = await asyncio.gather(*(asyncio.ensure_future(gone()) for _, gone in asked), return_exceptions=True)
        for (waiting, _), gone in zip(asked, answers, strict=True):
            if gone is True:
                waiting.answer(Busy("The client has gone; nothing happened."))
            elif isinstance(gone, BaseException):
                log.error("Whether a client has gone could not be told", exc_info=gone)
                waiting.answer(gone if isinstance(gone, Exception) else Busy())

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.cut()
            with suppress(Exception):
                await connection.close()
        await asyncio.sleep(RECONNECT_SECONDS)


def _give_up(waiting: Iterable[Waiting]) -> None:
    """What was sent may stand; what was not does not."""
    for one in waiting:
        one.answer(OutcomeUnknown() if one.sent else Busy())
