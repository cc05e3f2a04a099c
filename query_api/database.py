"""The way to the read tables: one statement an answer, over raw psycopg, prepared, with binary results.

Whatever the database does, an answer comes in time: it bounds the statement, the pool bounds who waits for a connection, and
a server that is frozen is hung up on (`ledger.pool`).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from ledger.pool import Connection, Pool, connection, time_limit
from projections.registry import PROJECTORS

__all__ = ["EXPORT_PAGE", "Database", "Pool", "Query", "QueryResult", "ReadTransaction", "Row"]

Row = tuple[Any, ...]

EXPORT_PAGE = 500


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT whose first column is the lowest position of the projections that it `reads`; without rows, the others are null.

    `replan`: what it searches for decides how to search, so that it is planned anew each time. `shared`: it reads much, and those
    who ask it at once, of no position of their own, get one answer."""

    sql: str
    parameters: Mapping[str, Any]
    reads: tuple[str, ...]
    replan: bool = field(default=False)
    shared: bool = field(default=False)


class QueryResult(NamedTuple):
    """The rows, without their first column, as they stood at this ledger position."""

    position: int
    rows: list[Row]


class Database:
    def __init__(self, pool: Pool, query_timeout_seconds: float) -> None:
        self._pool = pool
        self._seconds = query_timeout_seconds + 1  # the server's own time-out comes first, unless it is frozen
        self._asked: dict[object, asyncio.Task[QueryResult]] = {}

    async def fetch(self, query: Query) -> QueryResult:
        """One statement, one snapshot. Raises Busy where the database does not answer in time."""
        return _answer(await self.fetch_rows(query))

    async def fetch_shared(self, query: Query) -> QueryResult:
        """That of a query which is under way, where it is the same: its snapshot may be older than this call. Raises Busy."""
        key = query.sql, *query.parameters.values()
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self.fetch(query))
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)  # who goes away takes it from nobody else

    def _answered(self, key: object, task: asyncio.Task[QueryResult]) -> None:
        del self._asked[key]
        if not task.cancelled():
            task.exception()  # that there was one has been told to those who still wait

    async def fetch_rows(self, query: Query) -> list[Row]:
        async with connection(self._pool, self._seconds, in_steps=True) as taken:
            with time_limit(self._pool, taken, self._seconds):
                return await _rows(taken, query)

    @asynccontextmanager
    async def read_transaction(self, reads: tuple[str, ...]) -> AsyncIterator["ReadTransaction"]:
        """For an answer that is too long for one statement: all that is read of these projections is of one snapshot."""
        async with connection(self._pool, self._seconds, in_steps=True) as taken:
            transaction = ReadTransaction(self._pool, taken, self._seconds)
            with transaction.in_time():
                await taken.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                await taken.execute(_hold(reads))
            try:
                yield transaction
            finally:
                with transaction.in_time(), suppress(psycopg.Error):
                    await taken.execute("ROLLBACK")


class ReadTransaction:
    """A transaction that sees one state of the database, for as long as it takes; each of its steps is bounded."""

    def __init__(self, pool: Pool, taken: Connection, seconds: float) -> None:
        self._pool, self._connection, self._seconds = pool, taken, seconds

    def in_time(self) -> AbstractContextManager[None]:
        return time_limit(self._pool, self._connection, self._seconds)

    async def fetch(self, query: Query) -> QueryResult:
        with self.in_time():
            return _answer(await _rows(self._connection, query))

    async def pages(self, query: Query) -> AsyncGenerator[list[Row]]:
        """All rows, EXPORT_PAGE at a time, however many they are."""
        async with self._connection.cursor("export", binary=True, row_factory=tuple_row) as cursor:
            with self.in_time():
                await cursor.execute(query.sql, query.parameters)
            page: list[Row] = [()]
            while page:
                with self.in_time():
                    page = await cursor.fetchmany(EXPORT_PAGE)
                yield page


@cache
def _hold(reads: tuple[str, ...]) -> str:
    """Before the first statement, which begins the snapshot: no rebuild then swaps tables whose rows the snapshot would not see."""
    tables = (model.__tablename__ for name in reads for model in PROJECTORS[name].tables)
    return f"LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE"


async def _rows(taken: Connection, query: Query) -> list[Row]:
    async with taken.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(query.sql, query.parameters, prepare=not query.replan)
        return await cursor.fetchall()


def _answer(rows: list[Row]) -> QueryResult:
    return QueryResult(rows[0][0], [row[1:] for row in rows if row[1] is not None])
