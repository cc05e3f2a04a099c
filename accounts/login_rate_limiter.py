"""How often a log-in may fail: per account and per address, counted apart.

An account (a normalized e-mail address, whether or not it exists) has `login_attempts_per_minute`. An IP address has ADDRESS_FACTOR
times as many, since a whole office may share one; an IPv6 address counts as its /64, since one person has all of that. An attempt
counts before the password is checked, so that concurrent attempts can't pass the limit, and is taken back if it succeeds. The
minute begins with the first attempt that counts.

Each process counts for itself and Redis adds up all processes. Without Redis, or with a slow one, the process's own count decides:
no log-in fails because of Redis. Redis sees a keyed hash, never an e-mail or IP address.
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
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from accounts.errors import TooManyAttempts
from ledger.errors import Busy

ADDRESS_FACTOR = 10
WINDOW_SECONDS = 60
REDIS_SECONDS = 0.4
REDIS_CONNECTIONS = 10
#: After a failure Redis is left alone for so long, lest every log-in waits for it.
REDIS_PAUSE_SECONDS = 5.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


class LoginRateLimiter:
    def __init__(self, per_minute: int, redis_url: str, key: bytes) -> None:
        """No `redis_url`: each process for itself. `key` hides the names of what is counted."""
        self._of_account = RateLimitItemPerMinute(per_minute, namespace="log-in-account")
        self._of_address = RateLimitItemPerMinute(per_minute * ADDRESS_FACTOR, namespace="log-in-address")
        self._key = key
        self._memory = MemoryStorage()
        self._connections = _connections(redis_url) if redis_url else None
        self._redis = _storage(self._connections) if self._connections else None
        self._redis_again_at = 0.0

    async def close(self) -> None:
        if self._connections is not None:
            await self._connections.disconnect()

    @asynccontextmanager
    async def attempt(self, email: str, address: str) -> AsyncIterator[None]:
        """Round one try. Raises TooManyAttempts; takes the try back when its body ends well, or is Busy and so did not happen."""
        counted: list[tuple[Storage, str]] = []
        await self._count(self._of_address, _block(address), counted)
        await self._count(self._of_account, email, counted)
        try:
            yield
        except Busy:
            await self._take_back(counted)
            raise
        await self._take_back(counted)

    async def _count(self, limit: RateLimitItem, name: str, counted: list[tuple[Storage, str]]) -> None:
        key = limit.key_for(blake2b(name.encode(), key=self._key, digest_size=16, person=b"attempts").hexdigest())
        for storage in (self._memory, self._redis):
            if storage is None:
                continue
            count = await self._add(storage, key, 1)
            if count is None:
                continue
            if count > limit.amount:
                resets_at = await self._ask(storage, lambda asked: asked.get_expiry(key))
                raise TooManyAttempts(min(max(1, round((resets_at or 0) - time.time())), WINDOW_SECONDS))
            counted.append((storage, key))

    async def _take_back(self, counted: list[tuple[Storage, str]]) -> None:
        for storage, key in counted:
            await self._add(storage, key, -1)

    async def _add(self, storage: Storage, key: str, tries: int) -> int | None:
        return await self._ask(storage, lambda asked: asked.incr(key, WINDOW_SECONDS, amount=tries))

    async def _ask(self, storage: Storage, question: Callable[[Storage], Awaitable[T]]) -> T | None:
        """None: Redis does not answer."""
        if storage is self._memory:
            return await question(storage)
        if time.monotonic() < self._redis_again_at:
            return None
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await question(storage)
        except (RedisError, OSError, TimeoutError) as error:
            self._redis_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
            _log.warning("log-ins are counted without Redis: %s", type(error).__name__)
            return None


def _block(address: str) -> str:
    """What counts as one address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def _connections(redis_url: str) -> BlockingConnectionPool:
    """Short waits and no retries: a hanging Redis costs one log-in REDIS_SECONDS."""
    return BlockingConnectionPool.from_url(
        redis_url,
        max_connections=REDIS_CONNECTIONS,
        timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _storage(connections: BlockingConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": connections}
    return RedisStorage("redis://", implementation="redispy", key_prefix="seatledger", **options)
