"""The rate limit of failed log-ins: per account and per address, counted separately.

An account (a normalized e-mail address, whether or not it exists) has `login_attempts_per_minute`. An IP address has ADDRESS_FACTOR
times as many, since a whole office may share it; an IPv6 address counts as its /64 network, since one person usually has all of
that. An attempt counts before the password is checked, so that concurrent attempts can't exceed the limit; if it succeeds, it is
subtracted. The minute starts with the first counted attempt.

Each process counts its own attempts, and Redis those of all processes. If Redis is unavailable or slow, the count of the process
decides: no log-in fails because of Redis. Redis gets a keyed hash, never an e-mail or IP address.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from accounts.errors import TooManyAttempts
from ledger import redis_clients
from ledger.errors import Busy

ADDRESS_FACTOR = 10
WINDOW_SECONDS = 60
REDIS_SECONDS = 0.4
REDIS_CONNECTIONS = 10
#: After a failure Redis is not used for this time, so that not every log-in waits for it.
REDIS_PAUSE_SECONDS = 5.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


class LoginRateLimiter:
    def __init__(self, per_minute: int, redis_url: str, key: bytes) -> None:
        """Without `redis_url` each process counts alone. `key` is that of the hashes."""
        self._of_account = RateLimitItemPerMinute(per_minute, namespace="log-in-account")
        self._of_address = RateLimitItemPerMinute(per_minute * ADDRESS_FACTOR, namespace="log-in-address")
        self._key = key
        self._memory = MemoryStorage()
        self._connections = _connections(redis_url) if redis_url else None
        self._redis = _storage(self._connections) if self._connections else None
        self._redis_again_at = 0.0

    async def close(self) -> None:
        if self._connections is not None:
            await redis_clients.close_pool(self._connections)

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """Counts one attempt, whose password is checked in the block. Raises TooManyAttempts. The attempt is subtracted if the
        block succeeds, or raises Busy: then no password was checked."""
        counted: list[tuple[Storage, str]] = []
        await self._count(self._of_address, _block(address), counted)
        await self._count(self._of_account, email, counted)
        try:
            yield
        except Busy:
            await self._subtract(counted)
            raise
        await self._subtract(counted)

    async def _count(self, limit: RateLimitItem, name: str, counted: list[tuple[Storage, str]]) -> None:
        key = limit.key_for(blake2b(name.encode(), key=self._key, digest_size=16, person=b"attempts").hexdigest())
        for storage in (self._memory, self._redis):
            if storage is None:
                continue
            count = await self._add(storage, key, 1)
            if count is None:
                continue
            if count > limit.amount:
                resets_at = await self._use(storage, lambda used: used.get_expiry(key))
                raise TooManyAttempts(min(max(1, round((resets_at or 0) - time.time())), WINDOW_SECONDS))
            counted.append((storage, key))

    async def _subtract(self, counted: list[tuple[Storage, str]]) -> None:
        for storage, key in counted:
            await self._add(storage, key, -1)

    async def _add(self, storage: Storage, key: str, tries: int) -> int | None:
        return await self._use(storage, lambda used: used.incr(key, WINDOW_SECONDS, amount=tries))

    async def _use(self, storage: Storage, operation: Callable[[Storage], Awaitable[T]]) -> T | None:
        """The result of an operation of a storage; None: Redis is unavailable."""
        if storage is self._memory:
            return await operation(storage)
        if time.monotonic() < self._redis_again_at:
            return None
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await operation(storage)
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
            _log.warning("Log-ins are counted without Redis: %s", type(error).__name__)
            return None


def _block(address: str) -> str:
    """The network that counts as one address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def _connections(redis_url: str) -> BlockingConnectionPool:
    """Connections with short time-outs and no retries: a silent Redis delays one log-in by REDIS_SECONDS."""
    return redis_clients.async_pool(redis_url, seconds=REDIS_SECONDS, connections=REDIS_CONNECTIONS)


def _storage(connections: BlockingConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": connections}
    return RedisStorage("redis://", implementation="redispy", key_prefix="seatledger", **options)
