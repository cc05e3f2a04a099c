"""The way to the read tables: one statement an answer, over raw psycopg, prepared, with binary results.

Whatever the database does, an answer comes in time: it bounds the statement, the pool bounds who waits for a connection, and
a server that is frozen is hung up on (a cancelled psycopg call would still wait some 10 s for it).
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from ledger.errors import Busy

Connection = psycopg.AsyncConnection[Any]
Pool = AsyncConnectionPool[Any]
Row = tuple[Any, ...]

EXPORT_PAGE = 500


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT whose first column is the lowest position of the projections that it `reads`; without rows, the others are null.

    `replan`: what it searches for decides how to search, so that it is planned anew each time."""

    sql: str
    parameters: Mapping[str, Any]
    reads: tuple[str, ...]
    replan: bool = field(default=False)


class Answer(NamedTuple):
    """The rows, without their first column, as they stood at this ledger position."""

    position: int
    rows: list[Row]


class Database:
    def __init__(self, pool: Pool, query_timeout_seconds: float) -> None:
        self._pool = pool
        self._seconds = query_timeout_seconds + 1  # the server's own time-out comes first, unless it is frozen
        self._returning: set[asyncio.Task[None]] = set()

    async def answer(self, query: Query) -> Answer:
        """One statement, one snapshot. Raises Busy where the database does not answer in time."""
        return _answer(await self.rows(query))

    async def rows(self, query: Query) -> list[Row]:
        async with self._connection() as connection:
            return await _rows(connection, query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["Snapshot"]:
        """For an answer that is too long for one statement: all that is read is of one snapshot."""
        async with self._connection(bounded=False) as connection:
            snapshot = Snapshot(connection, self._seconds)
            with snapshot.in_time():
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                yield snapshot
            finally:
                with snapshot.in_time(), suppress(psycopg.Error):
                    await connection.execute("ROLLBACK")

    @asynccontextmanager
    async def _connection(self, *, bounded: bool = True) -> AsyncIterator[Connection]:
        connection = await self._take()
        try:
            with _in_time(connection, self._seconds) if bounded else nullcontext():
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Busy from error
        finally:
            await self._pool.putconn(connection)

    async def _take(self) -> Connection:
        """The pool bounds its queue but not its check of a connection, and that must not be cancelled."""
        taking = asyncio.create_task(self._pool.getconn(timeout=self._seconds))
        try:
            await asyncio.wait({taking}, timeout=self._seconds)
        except BaseException:
            taking.add_done_callback(self._give_back)
            raise
        if not taking.done():
            taking.add_done_callback(self._give_back)
            raise Busy
        try:
            connection: Connection = taking.result()
        except psycopg.OperationalError as error:
            raise Busy from error
        return connection

    def _give_back(self, taking: "asyncio.Task[Connection]") -> None:
        """What came too late for its taker goes back, else the pool would shrink by it."""
        if not taking.cancelled() and taking.exception() is None:
            returning = asyncio.create_task(self._pool.putconn(taking.result()))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)


class Snapshot:
    """A transaction that sees one state of the database, for as long as it takes; each of its steps is bounded."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds

    def in_time(self) -> AbstractContextManager[None]:
        return _in_time(self._connection, self._seconds)

    async def answer(self, query: Query) -> Answer:
        with self.in_time():
            return _answer(await _rows(self._connection, query))

    async def pages(self, query: Query) -> AsyncIterator[list[Row]]:
        """All rows, EXPORT_PAGE at a time, however many they are."""
        async with self._connection.cursor("export", binary=True, row_factory=tuple_row) as cursor:
            with self.in_time():
                await cursor.execute(query.sql, query.parameters)
            page: list[Row] = [()]
            while page:
                with self.in_time():
                    page = await cursor.fetchmany(EXPORT_PAGE)
                yield page


async def _rows(connection: Connection, query: Query) -> list[Row]:
    async with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(query.sql, query.parameters, prepare=not query.replan)
        return await cursor.fetchall()


def _answer(rows: list[Row]) -> Answer:
    return Answer(rows[0][0], [row[1:] for row in rows if row[1] is not None])


@contextmanager
def _in_time(connection: Connection, seconds: float) -> Iterator[None]:
    hang_up = asyncio.get_running_loop().call_later(seconds, _hang_up, connection)
    try:
        yield
    finally:
        hang_up.cancel()


def _hang_up(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
