"""The connection pools of the API process: one for reading and accounts, one for loading Events. The appender has a connection of
its own.

Connections are used through `connection` only, which raises an error in time, whatever the database or the network does.
"""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from ledger.concurrency import BackgroundTasks
from ledger.deadline import remaining_seconds
from ledger.errors import Busy
from ledger.postgres_connections import SEARCH_PATH, options_of
from ledger.request_trace import add_phase
from ledger.settings import Settings

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]

#: A server that has not replied for this time is considered silent, and so are the pool's other connections.
SILENCE_SECONDS = 1.0
#: For statements of the pool itself: checking a connection, rolling back an open transaction.
CHECK_SECONDS = 0.5

_DONE = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)
_background = BackgroundTasks()
_renewed: WeakKeyDictionary[Pool, float] = WeakKeyDictionary()


def make_pool(settings: Settings, *, size: int | None = None, url: str = "") -> Pool:
    """A pool, which `async with` opens: even while the database is unavailable; then acquiring a connection raises PoolTimeout.
    `size`: the maximum of connections, by default `database_pool_size`. `url`: by default `database_url`.

    Connections have autocommit, times in UTC, statements bounded by `query_timeout_seconds`, and query plans for an SSD
    (random_page_cost), unlike a server's default. Broken connections are found when acquired, silent ones when used
    (`connection`)."""
    size = size or settings.database_pool_size
    parameters: dict[str, Any] = dict(conninfo_to_dict(url or settings.database_url))
    timeout_ms = round(settings.query_timeout_seconds * 1000)
    bounds = options_of(statement_timeout=timeout_ms, timezone="UTC", random_page_cost="1.1", **SEARCH_PATH)
    options = f"{bounds} {parameters.pop('options', None) or ''}"
    # Keepalives find a lost peer while nothing is sent; tcp_user_timeout (ms) bounds data that was sent and is not acknowledged.
    keepalive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
    return Pool(
        kwargs={
            **parameters,
            **keepalive,
            "autocommit": True,
            "connect_timeout": 2,
            "application_name": "seatledger-api",
            "options": options,
        },
        min_size=min(2, size),
        max_size=size,
        check=_check,
        open=False,
        timeout=settings.freshness_timeout_seconds,
        max_waiting=settings.command_queue_limit,
        reconnect_timeout=5,
    )


@asynccontextmanager
async def connection(pool: Pool, seconds: float, *, in_steps: bool = False) -> AsyncIterator[Connection]:
    """A connection of the pool, for `seconds` at most, including the wait for it, and no longer than the request's deadline: then
    its socket is shut down, since a cancelled psycopg call would still wait some 10 s for a frozen server. `in_steps`: `seconds`
    bound the wait alone, and the caller bounds each of its steps with `time_limit`.

    Raises Busy if no connection is free in time, and for an OperationalError or InterfaceError in the block."""
    loop = asyncio.get_running_loop()
    seconds = remaining_seconds(seconds)
    deadline = loop.time() + seconds
    began = perf_counter()
    try:
        acquired = await _acquire(pool, seconds)
    finally:
        acquired_at = perf_counter()
        add_phase("pool", acquired_at - began)
    try:
        limit: AbstractContextManager[None] = nullcontext() if in_steps else time_limit(pool, acquired, deadline - loop.time())
        with limit:
            yield acquired
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Busy from error
    finally:
        add_phase("database", perf_counter() - acquired_at)
        if acquired.info.transaction_status in _DONE:
            await pool.putconn(acquired)  # does not communicate with the server
        else:
            _background.spawn(_roll_back(pool, acquired))


@contextmanager
def time_limit(pool: Pool, acquired: Connection, seconds: float) -> Iterator[None]:
    """Shuts the socket down if the block takes longer: a call that waits for the server then raises OperationalError."""
    loop = asyncio.get_running_loop()
    started = loop.time()

    def too_late() -> None:
        silent = seconds >= SILENCE_SECONDS and acquired.info.transaction_status == TransactionStatus.ACTIVE
        _shut_down(acquired)
        # The idle connections were most likely lost, too, which shows only when they are used: all are replaced, so that the next
        # caller does not get one. Once for all callers that time out meanwhile: their connections are older than the new ones.
        if silent and _renewed.get(pool, 0.0) < started:
            _renewed[pool] = loop.time()
            _background.spawn(pool.drain())

    timer = loop.call_later(seconds, too_late)
    try:
        yield
    finally:
        timer.cancel()


async def _acquire(pool: Pool, seconds: float) -> Connection:
    """Acquires a connection in a task of its own: the pool does not bound its check of a connection, which must not be cancelled,
    and a cancellation in the pool's queue may get lost."""
    acquiring = asyncio.create_task(pool.getconn(timeout=seconds))
    try:
        await asyncio.wait({acquiring}, timeout=seconds)
    except BaseException:
        acquiring.add_done_callback(lambda _: _return_unused(pool, acquiring))
        raise
    if not acquiring.done():
        acquiring.add_done_callback(lambda _: _return_unused(pool, acquiring))
        raise Busy
    try:
        return acquiring.result()
    except psycopg.OperationalError as error:
        raise Busy from error


def _return_unused(pool: Pool, acquiring: asyncio.Task[Connection]) -> None:
    """Returns a connection that its caller has not waited for; else the pool would have one less."""
    if not acquiring.cancelled() and acquiring.exception() is None:
        _background.spawn(pool.putconn(acquiring.result()))


async def _roll_back(pool: Pool, acquired: Connection) -> None:
    """Lets the pool roll an open transaction back: in the background, and with an end even if the server is frozen."""
    with time_limit(pool, acquired, CHECK_SECONDS):
        await pool.putconn(acquired)


def _shut_down(acquired: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(acquired.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


async def _check(idle: Connection) -> None:
    """Checks a connection before it is acquired, without a round trip: an idle one from which data can be read was most likely
    closed by the server."""
    poll = select.poll()
    poll.register(idle.fileno(), select.POLLIN)
    if poll.poll(0):
        timer = asyncio.get_running_loop().call_later(CHECK_SECONDS, _shut_down, idle)
        try:
            await AsyncConnectionPool.check_connection(idle)
        finally:
            timer.cancel()
