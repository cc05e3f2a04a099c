"""Clients of Redis, for whoever uses it: all of them find the master by Sentinel, verify TLS, and give up in time.

Whoever connects to a Redis that is unavailable or silent gets redis-py's ConnectionError or TimeoutError within some seconds.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import redis
import redis.asyncio
from kombu.utils.url import as_url
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from ledger.redis_address import RedisAddress, parse_redis_url

#: Keepalives find a lost peer of an idle connection after some 10 s. Not every system has all of these options.
_KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 10_000}.items()
    if hasattr(socket, name)
}
#: The bounds of Celery's connections. The longest that one of its calls waits for a silent Redis is twice the first.
_BROKER_SECONDS = 2.0
#: A connection that waits for messages is given up after this time and a second without a reply.
_BROKER_HEALTH_SECONDS = 3


def client(redis_url: str, *, seconds: float) -> redis.Redis:
    """A client whose every operation takes `seconds` at most, connecting aside, which may take as long again. An operation on a
    connection that Redis has closed is repeated once."""
    address = parse_redis_url(redis_url)
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    options = {**_options(address, seconds), **_tls_flag(address), "retry": retry}
    if address.master_name:
        sentinel_options = _sentinel_options(address, seconds)
        sentinel = _PlainSentinel(list(address.hosts), sentinel_kwargs=sentinel_options, **options)  # type: ignore[no-untyped-call]
        return cast(redis.Redis, sentinel.master_for(address.master_name))  # type: ignore[no-untyped-call]
    ((host, port),) = address.hosts
    return redis.Redis(host=host, port=port, **options)


class _PlainSentinel(Sentinel):
    """redis-py's message shows its objects, and not what went wrong."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            address: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError:
            reasons = "; ".join(dict.fromkeys(map(_trouble_of, self.sentinels)))
            raise MasterNotFoundError(f"No Sentinel names a master {service_name}: {reasons}") from None
        return address


def _trouble_of(sentinel: redis.Redis) -> str:
    try:
        sentinel.ping()
    except redis.RedisError as error:
        return str(error)
    return "none is known to be up"


class _BlockingSentinelPool(AsyncSentinelPool, redis.asyncio.BlockingConnectionPool):
    """Waits for a free connection, as a BlockingConnectionPool, and connects to the master, as a SentinelConnectionPool."""


def async_pool(
    redis_url: str, *, seconds: float, connections: int, connect_seconds: float | None = None
) -> redis.asyncio.BlockingConnectionPool:
    """At most `connections`, which are waited for, and used, `seconds` at most. Nothing is repeated. Close it by `close_pool`."""
    address = parse_redis_url(redis_url)
    options: dict[str, Any] = {
        **_options(address, seconds, connect_seconds),
        "retry": AsyncRetry(NoBackoff(), 0),
        "max_connections": connections,
        "timeout": seconds,
    }
    if address.master_name:
        sentinel_options = {**_sentinel_options(address, seconds), "retry": AsyncRetry(NoBackoff(), 0)}
        sentinel = AsyncSentinel(list(address.hosts), sentinel_kwargs=sentinel_options)  # type: ignore[no-untyped-call]
        options |= _tls_flag(address)
        return _BlockingSentinelPool(address.master_name, sentinel, **options)  # type: ignore[no-untyped-call]
    ((host, port),) = address.hosts
    kind = redis.asyncio.Connection if address.tls is None else redis.asyncio.SSLConnection
    return redis.asyncio.BlockingConnectionPool(host=host, port=port, connection_class=kind, **options)


async def close_pool(pool: redis.asyncio.BlockingConnectionPool) -> None:
    await pool.disconnect()
    if isinstance(pool, _BlockingSentinelPool):
        await pool.sentinel_manager.aclose()


@asynccontextmanager
async def async_client(redis_url: str, *, seconds: float, connect_seconds: float) -> AsyncIterator[redis.asyncio.Redis]:
    """A client with one or two connections, closed at the end."""
    pool = async_pool(redis_url, seconds=seconds, connect_seconds=connect_seconds, connections=2)
    try:
        yield redis.asyncio.Redis(connection_pool=pool)
    finally:
        await close_pool(pool)


def celery_settings(redis_url: str) -> dict[str, Any]:
    """Celery's settings of its broker."""
    address = parse_redis_url(redis_url)
    transport: dict[str, Any] = {
        "socket_timeout": _BROKER_SECONDS,
        "socket_connect_timeout": _BROKER_SECONDS,
        "socket_keepalive": True,
        "socket_keepalive_options": _KEEPALIVE,
        "health_check_interval": _BROKER_HEALTH_SECONDS,
        "retry_on_timeout": True,
        # A wake-up that was taken is forgotten: kombu need not note in Redis which ones are being executed. If it did, a Redis that
        # is restarted in between made it count a message for ever that nobody executes, and the worker took no other.
        "ack_emulation": False,
    }
    if address.master_name:
        transport |= {"master_name": address.master_name, "sentinel_kwargs": _sentinel_options(address, _BROKER_SECONDS)}
    kind = "sentinel" if address.master_name else "redis"
    urls = [as_url(kind, host, port, address.username, address.password, str(address.database)) for host, port in address.hosts]
    return {
        "broker_url": ";".join(urls),
        "broker_transport_options": transport,
        "broker_use_ssl": None if address.tls is None else _tls_options(address),
    }


def _options(address: RedisAddress, seconds: float, connect_seconds: float | None = None) -> dict[str, Any]:
    return {
        "db": address.database,
        "username": address.username,
        "password": address.password,
        **_socket_options(seconds, connect_seconds),
        **_tls_options(address),
    }


def _sentinel_options(address: RedisAddress, seconds: float) -> dict[str, Any]:
    return {
        "username": address.sentinel_username,
        "password": address.sentinel_password,
        "retry": Retry(NoBackoff(), 0),
        **_socket_options(seconds),
        **_tls_options(address),
        **_tls_flag(address),
    }


def _socket_options(seconds: float, connect_seconds: float | None = None) -> dict[str, Any]:
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": connect_seconds or seconds,
        "socket_keepalive": True,
        "socket_keepalive_options": _KEEPALIVE,
    }


def _tls_flag(address: RedisAddress) -> dict[str, Any]:
    return {} if address.tls is None else {"ssl": True}


def _tls_options(address: RedisAddress) -> dict[str, str]:
    """`required` is named, because kombu verifies nothing by default."""
    return {} if address.tls is None else {"ssl_cert_reqs": "required", **address.tls}
