"""Counts of attempts, for the limits of log-ins and sign-ups: by name, in windows that begin with the first counted attempt.

Each process counts its own attempts in memory, and Redis those of all processes. If Redis is unavailable or slow, the count of the
process decides: nothing fails because of Redis, and there is always a limit. Redis gets keyed hashes, no e-mail and IP addresses.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from cachetools import TLRUCache
from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from accounts.errors import TooManyAttempts
from ledger import redis_clients
from ledger.concurrency import ConcurrencyLimiter
from ledger.outage import OutageLog

REDIS_SECONDS = 0.8
REDIS_CONNECTIONS = 10
#: Attempts past the connections wait for one: that says nothing about Redis.
MAX_WAITING, WAIT_SECONDS = 1_000, 2.0
#: After a failure Redis is not used for this time, so that not every attempt waits for it.
REDIS_PAUSE_SECONDS = 5.0
#: Names that one process counts; past it the one that was counted longest ago is forgotten.
MAX_IN_MEMORY = 100_000

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Limited(NamedTuple):
    """One limit that an attempt counts against, and the name that is counted. A limit of 0 does not apply."""

    limit: RateLimitItem
    name: str


class Counted(NamedTuple):
    """A counted attempt, to be taken back: the keys and windows, by storage."""

    in_memory: Sequence[tuple[str, int]]
    in_redis: Sequence[tuple[str, int]]


class AttemptCounts:
    def __init__(self, redis_url: str, key: bytes) -> None:
        """Without `redis_url` each process counts alone. `key` is that of the hashes."""
        self._key = key
        self._memory = _Memory()
        self._connections = _connections(redis_url) if redis_url else None
        self._redis = _storage(self._connections) if self._connections else None
        self._redis_again_at = 0.0
        self._turns = ConcurrencyLimiter("log-ins", REDIS_CONNECTIONS, MAX_WAITING, WAIT_SECONDS)
        self._outage = OutageLog(_log, "Redis, which counts log-ins and sign-ups of all processes,")

    async def close(self) -> None:
        if self._connections is not None:
            await redis_clients.close_pool(self._connections)

    async def count(self, limits: Iterable[Limited]) -> Counted:
        """Counts one attempt against each limit, in this order: one that is reached keeps the attempt from being counted against
        the next ones. Raises TooManyAttempts; Busy where too many attempts wait."""
        keys = [(limit, limit.key_for(self._hash(name))) for limit, name in limits]
        in_memory: list[tuple[str, int]] = []
        for limit, key in keys:
            count, resets_at = self._memory.add(key, limit.get_expiry(), 1)
            _check(limit, count, resets_at)
            in_memory.append((key, limit.get_expiry()))
        return Counted(in_memory, await self._count_in_redis(keys))

    async def take_back(self, counted: Counted) -> None:
        for key, seconds in counted.in_memory:
            self._memory.add(key, seconds, -1)
        if counted.in_redis and self._is_redis_usable():
            async with self._turns.slot():
                for key, seconds in counted.in_redis:
                    await self._with_redis(partial(RedisStorage.incr, key=key, expiry=seconds, amount=-1))

    async def _count_in_redis(self, keys: Sequence[tuple[RateLimitItem, str]]) -> Sequence[tuple[str, int]]:
        in_redis: list[tuple[str, int]] = []
        if not keys or not self._is_redis_usable():
            return in_redis
        async with self._turns.slot():
            for limit, key in keys:
                count = await self._with_redis(partial(RedisStorage.incr, key=key, expiry=limit.get_expiry()))
                if count is None:
                    break
                if count > limit.amount:
                    resets_at = await self._with_redis(partial(RedisStorage.get_expiry, key=key))
                    _check(limit, count, resets_at or 0.0)
                in_redis.append((key, limit.get_expiry()))
        return in_redis

    async def _with_redis(self, operation: Callable[[RedisStorage], Awaitable[T]]) -> T | None:
        """The result of an operation; None: Redis is unavailable."""
        if self._redis is None or not self._is_redis_usable():
            return None
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                result = await operation(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
            self._outage.failed(f"{type(error).__name__}. Each process counts alone meanwhile.")
            return None
        self._outage.worked()
        return result

    def _is_redis_usable(self) -> bool:
        return self._redis is not None and time.monotonic() >= self._redis_again_at

    def _hash(self, name: str) -> str:
        return blake2b(name.encode(), key=self._key, digest_size=16, person=b"attempts").hexdigest()


class _Memory:
    """Counts of this process, by key: at most MAX_IN_MEMORY."""

    def __init__(self) -> None:
        self._counts: TLRUCache[str, tuple[int, float]] = TLRUCache(
            MAX_IN_MEMORY, ttu=lambda _, count, __: count[1], timer=time.time
        )

    def add(self, key: str, seconds: int, tries: int) -> tuple[int, float]:
        """The count and when its window ends."""
        count, resets_at = self._counts.get(key) or (0, time.time() + seconds)
        count = max(0, count + tries)
        self._counts[key] = count, resets_at
        return count, resets_at


def _end_of_window(key: str, count: tuple[int, float], now: float) -> float:
    return count[1]


def _check(limit: RateLimitItem, count: int, resets_at: float) -> None:
    if count > limit.amount:
        raise TooManyAttempts(min(max(1, round(resets_at - time.time())), limit.get_expiry()))


def _connections(redis_url: str) -> BlockingConnectionPool:
    """Connections with short time-outs and no retries: a silent Redis delays one attempt by REDIS_SECONDS."""
    return redis_clients.async_pool(redis_url, seconds=REDIS_SECONDS, connections=REDIS_CONNECTIONS)


def _storage(connections: BlockingConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": connections}
    return RedisStorage("redis://", implementation="redispy", key_prefix="seatledger", **options)
