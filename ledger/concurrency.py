"""Work on the event loop: background tasks that are not lost, supervision, single flight, and limits on concurrency."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, NoReturn, TypeVar

from ledger.deadline import background_context, shared_context
from ledger.errors import Busy

#: How long a cancellation may take before it is sent again.
CANCEL_AGAIN_SECONDS = 0.2

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class BackgroundTasks:
    """Tasks of one owner, without the deadline of the request that starts them. The event loop itself holds only weak references
    to its tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, T], name: str | None = None) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name, context=background_context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which runs to its end even if the caller is cancelled. Raises what `work` raises."""
        task = self.spawn(work)
        task.add_done_callback(_retrieve)
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Cancels all tasks until they have ended: redis-py loses a cancellation that comes while it connects."""
        running = set(self._tasks)
        while running:
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)


async def supervise(
    work: Callable[[], Awaitable[None]],
    *,
    log: logging.Logger,
    failure: str,
    pause_seconds: float,
    is_stopping: Callable[[], bool] = lambda: True,
) -> NoReturn:
    """Awaits `work` again and again. After an error, which is logged as `failure` and its cause, it pauses and continues.

    A cancellation ends it, unless `is_stopping` is False: then it is logged, and the work continues at once."""
    while True:
        try:
            await work()
        except asyncio.CancelledError:
            if is_stopping():
                raise
            log.exception("%s: it was cancelled", failure)
            continue
        except Busy as error:
            log.warning("%s: %s", failure, error.__cause__ or error)
        except Exception:
            log.exception(failure)
        else:
            continue
        await asyncio.sleep(pause_seconds)


class SingleFlight(Generic[K, T]):
    """Concurrent calls with the same key share one execution, which the cancellation of one caller does not cancel."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: K) -> bool:
        return key in self._flights

    async def do(self, key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of `work`, or of the execution with the same key that is running. Raises what that raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(work(), context=shared_context())
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    async def stop(self) -> None:
        """Cancels the running executions."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _land(self, key: K, flight: asyncio.Task[T]) -> None:
        del self._flights[key]
        _retrieve(flight)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Marks its exception as seen: every caller may have been cancelled, and asyncio would log it as never retrieved."""
    if not future.cancelled():
        future.exception()


class Portions:
    """Long computations on the event loop, in portions: at most one portion of all of them in an iteration of the loop, so that
    other requests wait for one portion at a time, however many computations there are."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, steps: Generator[None, None, T]) -> T:
        """What `steps` returns. It yields between portions; the first one needs no turn."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            async with self._turn:
                await asyncio.sleep(0)


def at_once(steps: Generator[None, None, T]) -> T:
    """As `Portions.run`, for callers without an event loop."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class ConcurrencyLimiter:
    """At most `limit` holders at a time; at most `queue_limit` more wait, each at most `wait_seconds` (None: without a bound)."""

    def __init__(self, what: str, limit: int, queue_limit: int, wait_seconds: float | None) -> None:
        """`what`: names the work in the refusal, in the plural."""
        self._refusal = f"Too many {what} at once. Try again."
        self._slots = asyncio.Semaphore(limit)
        self._waiting, self._queue_limit, self._wait_seconds = 0, queue_limit, wait_seconds

    def check_room(self) -> None:
        """Raises Busy where the wait queue is full."""
        if self._waiting >= self._queue_limit and self._slots.locked():
            raise Busy(self._refusal)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Raises Busy where the wait queue is full or the wait takes too long."""
        self.check_room()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise Busy(self._refusal) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


class FairLimiter:
    """At most `limit` holders at a time; at most `queue_limit` more wait, and take turns by client. Where the queue is full, the
    newest of the client with most gives way to one with fewer: a client alone may have all places, and keeps nobody out."""

    def __init__(self, what: str, limit: int, queue_limit: int) -> None:
        """`what`: names the work in the refusal, in the plural."""
        self._refusal = f"Too many {what} at once. Try again."
        self._free, self._queue_limit = limit, queue_limit
        #: By client, the one whose turn is next first; none is empty.
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    def check_room(self, client: str) -> None:
        """Raises Busy where there is no place for this client."""
        if not self._free and self._is_full() and self._crowd(client) is None:
            raise Busy(self._refusal)

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[None]:
        """Raises Busy where there is no place for this client, or its place is taken by another."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(client)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, client: str) -> None:
        if self._is_full():
            crowd = self._crowd(client)
            if crowd is None:
                raise Busy(self._refusal)
            newest = crowd.pop()
            if not newest.done():
                newest.set_exception(Busy(self._refusal))
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._remove(client, turn)
            elif turn.exception() is None:  # it came at the same moment
                self._release()
            raise

    def _is_full(self) -> bool:
        return sum(map(len, self._queues.values())) >= self._queue_limit

    def _crowd(self, client: str) -> deque[asyncio.Future[None]] | None:
        """The queue of the client with most, if that is more than this one would have."""
        crowd = max(self._queues.values(), key=len, default=deque[asyncio.Future[None]]())
        return crowd if len(crowd) > len(self._queues.get(client, ())) + 1 else None

    def _remove(self, client: str, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(client, deque())
        with suppress(ValueError):  # it gave way at the same moment
            queue.remove(turn)
        if not queue:
            self._queues.pop(client, None)

    def _release(self) -> None:
        while self._queues:
            client = next(iter(self._queues))
            queue = self._queues.pop(client)
            turn = queue.popleft()
            if queue:
                self._queues[client] = queue  # behind all others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
