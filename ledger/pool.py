"""The API process's connections for reading and for accounts; the appender has one of its own.

All use of them goes through `connection`: whatever the database or the network does, its taker is told in time.
"""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from ledger.concurrency import BackgroundTasks
from ledger.errors import Busy
from ledger.settings import Settings

Connection = AsyncConnection[Any]
Pool = AsyncConnectionPool[Connection]

#: A server that owes an answer for so long is taken for silent, and the pool's other connections with it.
SILENCE_SECONDS = 1.0
#: For what the pool itself asks of a server: whether it is there, and to roll back what was left open.
CHECK_SECONDS = 0.5

_DONE = (TransactionStatus.IDLE, TransactionStatus.UNKNOWN)
_background = BackgroundTasks()
_renewed: WeakKeyDictionary[Pool, float] = WeakKeyDictionary()


def make_pool(settings: Settings, *, size: int | None = None) -> Pool:
    """Closed as yet: `async with` it. Opens even while the database is away; who asks meanwhile gets PoolTimeout. `size`: how many
    connections at most, by default `database_pool_size`.

    Autocommit, times in UTC, statements bounded by `query_timeout_seconds`, planned for a disk that seeks quickly, which a stock
    server does not expect; broken connections are found when taken, silent ones when used (`connection`)."""
    size = size or settings.database_pool_size
    given: dict[str, Any] = dict(conninfo_to_dict(settings.database_url))
    timeout_ms = round(settings.query_timeout_seconds * 1000)
    options = f"-c statement_timeout={timeout_ms} -c timezone=UTC -c random_page_cost=1.1 {given.pop('options', None) or ''}"
    # Keepalives find a peer that is gone while nothing is sent; what was sent and never acknowledged is tcp_user_timeout's (ms).
    keepalive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
    return Pool(
        kwargs={
            **given,
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
    """A connection of the pool's, for `seconds` at most, waiting for it included: then its socket is hung up, since a cancelled
    psycopg call would still wait some 10 s for a server that is frozen. `in_steps`: `seconds` are for the waiting alone, and the
    taker bounds each of its steps with `time_limit`.

    Raises Busy where no connection comes in time, and for an OperationalError or InterfaceError within."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    taken = await _take(pool, seconds)
    try:
        bound: AbstractContextManager[None] = nullcontext() if in_steps else time_limit(pool, taken, deadline - loop.time())
        with bound:
            yield taken
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Busy from error
    finally:
        if taken.info.transaction_status in _DONE:
            await pool.putconn(taken)  # asks nothing of the server
        else:
            _background.spawn(_roll_back(pool, taken))


@contextmanager
def time_limit(pool: Pool, taken: Connection, seconds: float) -> Iterator[None]:
    """Hangs up where this is not over in time: what waits for the server then gets an OperationalError."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def too_late() -> None:
        silent = seconds >= SILENCE_SECONDS and taken.info.transaction_status == TransactionStatus.ACTIVE
        _hang_up(taken)
        # The idle ones were most likely lost with it, and look well until they are used: new ones for all, so that the next
        # taker need not find out. Once for all takers that are hung up on meanwhile: what they have is older than the new ones.
        if silent and _renewed.get(pool, 0.0) < began:
            _renewed[pool] = loop.time()
            _background.spawn(pool.drain())

    hang_up = loop.call_later(seconds, too_late)
    try:
        yield
    finally:
        hang_up.cancel()


async def _take(pool: Pool, seconds: float) -> Connection:
    """The pool bounds its queue but not its check of a connection, and that must not be cancelled. A task of its own, since in the
    pool's queue a cancellation may get lost, and who was cancelled would go on."""
    taking = asyncio.create_task(pool.getconn(timeout=seconds))
    try:
        await asyncio.wait({taking}, timeout=seconds)
    except BaseException:
        taking.add_done_callback(lambda _: _came_too_late(pool, taking))
        raise
    if not taking.done():
        taking.add_done_callback(lambda _: _came_too_late(pool, taking))
        raise Busy
    try:
        return taking.result()
    except psycopg.OperationalError as error:
        raise Busy from error


def _came_too_late(pool: Pool, taking: asyncio.Task[Connection]) -> None:
    """What its taker did not wait for goes back, else the pool would shrink by it."""
    if not taking.cancelled() and taking.exception() is None:
        _background.spawn(pool.putconn(taking.result()))


async def _roll_back(pool: Pool, taken: Connection) -> None:
    """The pool rolls back what was left open. Nobody waits for that, and it ends even if the server is frozen."""
    with time_limit(pool, taken, CHECK_SECONDS):
        await pool.putconn(taken)


def _hang_up(taken: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(taken.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


async def _check(idle: Connection) -> None:
    """An idle connection has nothing to say: one that does was closed by the server, most likely. Costs no round trip."""
    poll = select.poll()
    poll.register(idle.fileno(), select.POLLIN)
    if poll.poll(0):
        hang_up = asyncio.get_running_loop().call_later(CHECK_SECONDS, _hang_up, idle)
        try:
            await AsyncConnectionPool.check_connection(idle)
        finally:
            hang_up.cancel()
