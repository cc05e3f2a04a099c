"""One way to the database for accounts: a transaction that ends in time, whatever the server does."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from ledger.errors import Busy, OutcomeUnknown

Connection = psycopg.AsyncConnection[Any]
Cursor = psycopg.AsyncCursor[tuple[Any, ...]]
Pool = AsyncConnectionPool[Any]

_returning: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def transaction(pool: Pool, *, seconds: float = 2.0, reads: bool = False) -> AsyncIterator[Cursor]:
    """A cursor in a transaction of its own, committed at the end.

    Raises Busy when the database fails before the commit, OutcomeUnknown when it fails in the commit of what does more than
    read: after `seconds` at most, waiting for a connection included. Then the socket is hung up, since a cancelled psycopg call
    would still wait some 10 s for a server that is frozen."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    connection = await _take(pool, seconds)
    hang_up = loop.call_at(deadline, _hang_up, connection)
    committing = False
    try:
        async with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            yield cursor
            committing = not reads
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise (OutcomeUnknown() if committing else Busy()) from error
    finally:
        hang_up.cancel()
        await pool.putconn(connection)


async def _take(pool: Pool, seconds: float) -> Connection:
    """A connection from the pool. The pool bounds its queue but not its check of a connection, and that must not be cancelled."""
    taking = asyncio.create_task(pool.getconn(timeout=seconds))
    try:
        await asyncio.wait({taking}, timeout=seconds)
    except BaseException:
        taking.add_done_callback(lambda task: _give_back(pool, task))
        raise
    if not taking.done():
        taking.add_done_callback(lambda task: _give_back(pool, task))
        raise Busy
    try:
        connection: Connection = taking.result()
    except psycopg.OperationalError as error:
        raise Busy from error
    return connection


def _give_back(pool: Pool, taking: asyncio.Task[Connection]) -> None:
    """What came too late for its taker goes back, else the pool would shrink by it."""
    if not taking.cancelled() and taking.exception() is None:
        returning = asyncio.create_task(pool.putconn(taking.result()))
        _returning.add(returning)
        returning.add_done_callback(_returning.discard)


def _hang_up(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
