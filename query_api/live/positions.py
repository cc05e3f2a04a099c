"""Read your own writes: the position of each projection, and waiting until it is high enough.

Workers publish positions on Redis after each commit. Messages get lost, and Redis may be unavailable, so while a request waits the
database is polled, too: every POLL_SECONDS, and immediately for a new waiter. The positions known here only tell when to execute a
query: each result says the position that it was really read at.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from time import perf_counter

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from ledger import redis_clients
from ledger.channels import positions_channel
from ledger.concurrency import BackgroundTasks, supervise
from ledger.errors import Busy, PositionBeyondHead, StaleRead
from ledger.request_trace import add_phase
from projections.registry import PROJECTORS
from query_api.queries.position_queries import ProjectionPositionRow

#: The longest time between two polls while a request waits, and the shortest.
POLL_SECONDS = 0.1
PAUSE_SECONDS = 0.01
#: The pause after an error of the database.
RETRY_SECONDS = 0.1
MAX_WAITERS = 2_000
#: After this time without a message Redis gets a ping; after the same time without a response the connection is closed.
SILENCE_SECONDS = 5.0
#: The shortest and the longest pause before a new connection.
RECONNECT_SECONDS = (0.1, 5.0)

log = logging.getLogger(__name__)

PositionReader = Callable[[], Awaitable[Iterable[ProjectionPositionRow]]]


class _Waiter:
    __slots__ = ("names", "position", "reached")

    def __init__(self, names: tuple[str, ...], position: int) -> None:
        self.names, self.position = names, position
        self.reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class PositionTracker:
    """The projections' positions as far as this process knows them. `on_move` is called with a projection's name after each message
    about it."""

    def __init__(self, read: PositionReader, redis_url: str, on_move: Callable[[str], None] = lambda name: None) -> None:
        self._read, self._redis_url, self._on_move = read, redis_url, on_move
        self._known = dict.fromkeys(PROJECTORS, 0)
        self._waiters: set[_Waiter] = set()
        self._new_waiter = asyncio.Event()
        #: Whether messages are received from Redis.
        self.is_subscribed = False
        #: When the positions were last read from the database, by the event loop's clock.
        self._read_at = 0.0
        self._tasks = BackgroundTasks()

    async def start(self) -> None:
        failure = "the projections' positions can't be read"
        work = supervise(self._poll, log=log, failure=failure, pause_seconds=RETRY_SECONDS)
        self._tasks.spawn(work, name="positions: database")
        if self._redis_url:
            self._tasks.spawn(self._receive_for_ever(), name="positions: Redis")

    async def close(self) -> None:
        """Ends every wait with Busy."""
        await self._tasks.stop()
        for waiter in self._waiters:
            _settle(waiter, Busy())

    @property
    def waiting(self) -> int:
        """Requests that wait for a position."""
        return len(self._waiters)

    def known(self, name: str) -> int:
        return self._known[name]

    def record(self, name: str, position: int) -> None:
        """Takes a higher position. A lower one is normally an old message; `forget` corrects the rest, after a crash or a reset."""
        if position > self._known.get(name, position):
            self._known[name] = position
            for waiter in self._waiters:
                if name in waiter.names and self._has_reached(waiter.names, waiter.position):
                    _settle(waiter)

    def forget(self, names: Iterable[str]) -> None:
        """A result was read at a lower position than a message had said: what is known is reset to 0, and the next poll or message
        sets it again."""
        for name in names:
            self._known[name] = 0

    async def wait_for(self, names: tuple[str, ...], position: int, deadline: float) -> None:
        """Waits until all these projections have reached the position. Raises PositionBeyondHead; Busy at MAX_WAITERS; at the
        deadline StaleRead, or Busy where the database has not said meanwhile where they are."""
        if self._has_reached(names, position):
            return
        if len(self._waiters) >= MAX_WAITERS:
            raise Busy
        waiter, since = _Waiter(names, position), asyncio.get_running_loop().time()
        self._waiters.add(waiter)
        self._new_waiter.set()
        began = perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.reached
        except TimeoutError:
            raise (StaleRead if self._read_at >= since else Busy) from None
        finally:
            self._waiters.discard(waiter)
            add_phase("position", perf_counter() - began)

    def _has_reached(self, names: tuple[str, ...], position: int) -> bool:
        return all(self._known[name] >= position for name in names)

    # --- the database

    async def _poll(self) -> None:
        if not self._waiters:
            await self._new_waiter.wait()
        self._new_waiter.clear()
        waiters = list(self._waiters)
        rows = await self._read()
        self._read_at = asyncio.get_running_loop().time()
        self._settle_waiters(rows, waiters)
        await asyncio.sleep(PAUSE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS - PAUSE_SECONDS):
                await self._new_waiter.wait()

    def _settle_waiters(self, rows: Iterable[ProjectionPositionRow], waiters: list[_Waiter]) -> None:
        """`waiters`: those that waited before the read; a position that a later one names may be beyond the head that was read."""
        for row in rows:
            if row.name:
                self.record(row.name, row.position)
                continue
            for waiter in waiters:
                if waiter.position > row.position:
                    _settle(waiter, PositionBeyondHead(row.position))

    # --- Redis

    async def _receive_for_ever(self) -> None:
        """Supervised, with a pause that grows with each failure in a row."""
        shortest, longest = RECONNECT_SECONDS
        pause = shortest
        while True:
            try:
                async with self._connect() as client, client.pubsub() as subscription:
                    await subscription.subscribe(positions_channel(self._redis_url))
                    self.is_subscribed = True
                    async for name, position in _Messages(subscription):
                        pause = shortest
                        self.record(name, position)
                        self._on_move(name)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("no positions are received from Redis, the database is polled: %s", type(error).__name__)
            except Exception:
                log.exception("no positions are received from Redis, the database is polled")
            self.is_subscribed = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    def _connect(self) -> AbstractAsyncContextManager[Redis]:
        return redis_clients.async_client(self._redis_url, seconds=SILENCE_SECONDS, connect_seconds=2.0)


class _Messages:
    """The positions that a subscription receives. Raises ConnectionError where Redis is silent and does not respond to a ping."""

    def __init__(self, subscription: PubSub) -> None:
        self._subscription = subscription

    def __aiter__(self) -> "_Messages":
        return self

    async def __anext__(self) -> tuple[str, int]:
        is_pinged = False
        while True:
            message = await self._subscription.get_message(timeout=SILENCE_SECONDS)
            if message is None:
                if is_pinged:
                    raise ConnectionError("Redis is silent")
                await self._subscription.ping()
                is_pinged = True
                continue
            is_pinged = False
            if message["type"] == "message" and (received := _decode(message["data"])):
                return received


def _decode(message: bytes) -> tuple[str, int] | None:
    """The projection and its position; None for any other message."""
    name, _, position = message.decode("utf-8", "replace").partition(" ")
    if name in PROJECTORS and position.isascii() and position.isdigit() and len(position) < 20:
        return name, int(position)
    return None


def _settle(waiter: _Waiter, error: Exception | None = None) -> None:
    if waiter.reached.done():
        return
    if error is None:
        waiter.reached.set_result(None)
    else:
        waiter.reached.set_exception(error)
        waiter.reached.exception()  # retrieved: the waiting request may be cancelled
