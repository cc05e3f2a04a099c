"""Read your writes: how far each projection has come, and waiting until it is far enough.

Workers tell it on Redis after each commit. Such messages get lost, and Redis may be away for ever, so while somebody waits the
database is looked at as well, every POLL_SECONDS and at once for whoever is new. What is remembered only says when to
ask: each answer brings the position that it was really read at.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ledger.channels import positions_channel
from ledger.errors import Busy, PositionBeyondHead, StaleRead
from projections.registry import PROJECTORS
from query_api.background import stop

#: The database is looked at so often while somebody waits; sooner for new ones, but never within the pause.
POLL_SECONDS = 0.1
PAUSE_SECONDS = 0.01
MAX_WAITING = 2_000
#: Redis silent for so long is asked whether it is there, and for twice as long is given up.
SILENCE_SECONDS = 5.0
RECONNECT_SECONDS = (0.1, 5.0)

log = logging.getLogger(__name__)

#: (position, projection) of each, and (head of the ledger, "").
PositionReader = Callable[[], Awaitable[Iterable[tuple[int, str]]]]


class _Waiter:
    __slots__ = ("names", "position", "there")

    def __init__(self, names: tuple[str, ...], position: int) -> None:
        self.names, self.position = names, position
        self.there: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Positions:
    """What this process knows of the projections' positions. `moved` is told a name whenever there may be news of it."""

    def __init__(self, look: PositionReader, redis_url: str, moved: Callable[[str], None] = lambda name: None) -> None:
        self._look, self._redis_url, self._moved = look, redis_url, moved
        self._known = dict.fromkeys(PROJECTORS, 0)
        self._waiting: set[_Waiter] = set()
        self._new_waiter = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._look_for_ever(), name="positions: database")]
        if self._redis_url:
            self._tasks.append(asyncio.create_task(self._listen_for_ever(), name="positions: Redis"))

    async def close(self) -> None:
        await stop(*self._tasks)
        for waiter in self._waiting:
            _settle(waiter, Busy())

    def known(self, name: str) -> int:
        return self._known[name]

    def note(self, name: str, position: int) -> None:
        """This projection has come so far. It never goes back, so an older message says nothing."""
        if position > self._known.get(name, position):
            self._known[name] = position
            for waiter in self._waiting:
                if name in waiter.names and self._reached(waiter.names, waiter.position):
                    _settle(waiter)

    def forget(self, names: Iterable[str]) -> None:
        """An answer showed less than was told: believe the database alone."""
        for name in names:
            self._known[name] = 0

    async def reach(self, names: tuple[str, ...], position: int, deadline: float) -> None:
        """Waits until all of them are there. Raises PositionBeyondHead, Busy at MAX_WAITING, StaleRead at the deadline."""
        if self._reached(names, position):
            return
        if len(self._waiting) >= MAX_WAITING:
            raise Busy
        waiter = _Waiter(names, position)
        self._waiting.add(waiter)
        self._new_waiter.set()
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.there
        except TimeoutError:
            raise StaleRead from None
        finally:
            self._waiting.discard(waiter)

    def _reached(self, names: tuple[str, ...], position: int) -> bool:
        return all(self._known[name] >= position for name in names)

    # The database

    async def _look_for_ever(self) -> None:
        """Supervised: whatever goes wrong is logged, and the next look comes."""
        while True:
            if not self._waiting:
                await self._new_waiter.wait()
            self._new_waiter.clear()
            looked_for = list(self._waiting)
            try:
                self._tell(await self._look(), looked_for)
            except Busy as error:
                log.warning("the projections' positions can't be read: %s", error.__cause__ or error)
            except Exception:
                log.exception("the projections' positions can't be read")
            await asyncio.sleep(PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS - PAUSE_SECONDS):
                    await self._new_waiter.wait()

    def _tell(self, found: Iterable[tuple[int, str]], looked_for: list[_Waiter]) -> None:
        for position, name in found:
            if name:
                self.note(name, position)
                continue
            for waiter in looked_for:  # and not those who came meanwhile: what they name may be newer than this look
                if waiter.position > position:
                    _settle(waiter, PositionBeyondHead(position))

    # Redis

    async def _listen_for_ever(self) -> None:
        """Supervised, with a growing pause after each failure in a row."""
        shortest, longest = RECONNECT_SECONDS
        pause = shortest
        while True:
            try:
                async with self._connect() as client, client.pubsub() as subscription:
                    await subscription.subscribe(positions_channel(self._redis_url))
                    async for name, position in _Messages(subscription):
                        pause = shortest
                        self.note(name, position)
                        self._moved(name)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("no news of positions from Redis, looking myself: %s", type(error).__name__)
            except Exception:
                log.exception("no news of positions from Redis, looking myself")
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    def _connect(self) -> Redis:
        return Redis.from_url(
            self._redis_url,
            socket_timeout=SILENCE_SECONDS,
            socket_connect_timeout=2,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),
        )


class _Messages:
    """The messages of a subscription. Ends in a ConnectionError where Redis is silent and does not answer a ping."""

    def __init__(self, subscription: PubSub) -> None:
        self._subscription = subscription

    def __aiter__(self) -> "_Messages":
        return self

    async def __anext__(self) -> tuple[str, int]:
        asked = False
        while True:
            message = await self._subscription.get_message(timeout=SILENCE_SECONDS)
            if message is None:
                if asked:
                    raise ConnectionError("Redis is silent")
                await self._subscription.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "message" and (told := _read(message["data"])):
                return told


def _read(message: bytes) -> tuple[str, int] | None:
    """None for what is no message of ours."""
    name, _, position = message.decode("utf-8", "replace").partition(" ")
    if name in PROJECTORS and position.isascii() and position.isdigit() and len(position) < 20:
        return name, int(position)
    return None


def _settle(waiter: _Waiter, error: Exception | None = None) -> None:
    if waiter.there.done():
        return
    if error is None:
        waiter.there.set_result(None)
    else:
        waiter.there.set_exception(error)
        waiter.there.exception()  # retrieved: who waited may have gone
