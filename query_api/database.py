"""Reading the read tables: one statement for nearly each response, over raw psycopg, prepared, with binary results.

Every call returns or raises in time: the server bounds each statement, the request's deadline (`ledger.deadline`) all of them with
the waits for a connection, and the connection to a server that does not react is closed (`ledger.pool`).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec
import psycopg
from psycopg.rows import tuple_row

from ledger.concurrency import SingleFlight
from ledger.deadline import remaining_seconds
from ledger.pool import Connection, Pool, connection, time_limit
from projections.registry import PROJECTORS

__all__ = ["EXPORT_PAGE", "Database", "Pool", "Query", "QueryResult", "ReadTransaction", "Row", "result_of", "rows_of"]

#: Rows that an export fetches at a time: of bookings each may have 1,000 tickets.
EXPORT_PAGE = 100

#: A row as psycopg returns it.
Values = tuple[Any, ...]


class Row(msgspec.Struct, frozen=True, gc=False):
    """The base of row types: a row type's field names are the labels of its SELECT's columns, in the same order.

    A Struct is built faster than a NamedTuple, and unlike one can be extended by a query that selects more columns."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """A SELECT with its parameters. `projections`: those whose tables it reads. `row_type` names its columns.

    If the SELECT is anchored (see `queries`), its first column, which is not in the row type, is the lowest position of these
    projections; a result without rows then is one row of nulls behind the position.

    `replan`: the best plan depends on the parameters, so PostgreSQL plans it for each execution. `shared`: it reads many rows, so
    concurrent requests with the same parameters that ask for no position share one execution."""

    sql: str
    parameters: Mapping[str, Any]
    projections: tuple[str, ...]
    row_type: type[R]
    replan: bool = field(default=False)
    shared: bool = field(default=False)


class QueryResult(NamedTuple, Generic[R]):
    """The rows of an anchored query, all as of one ledger position."""

    position: int
    rows: list[R]


def rows_of(query: Query[R], rows: Iterable[Values]) -> list[R]:
    make = cast(Callable[..., R], query.row_type)
    return [make(*row) for row in rows]


def result_of(query: Query[R], rows: list[Values]) -> QueryResult[R]:
    """The result of an anchored query."""
    make = cast(Callable[..., R], query.row_type)
    return QueryResult(rows[0][0], [make(*row[1:]) for row in rows if any(value is not None for value in row[1:])])


class Database:
    def __init__(self, pool: Pool, seconds: float) -> None:
        """`seconds`: how long each call, and each step of a transaction, may take (`Settings.request_seconds`)."""
        self._pool, self._seconds = pool, seconds
        self._shared = SingleFlight[object, QueryResult[Any]]()

    async def fetch(self, query: Query[R]) -> QueryResult[R]:
        """The result of an anchored query, by one statement. Raises Busy where the database does not return it in time."""
        return result_of(query, await self._execute(query))

    async def fetch_shared(self, query: Query[R]) -> QueryResult[R]:
        """As `fetch`, but shares the execution of an equal query that is under way, so that the result may be as of a moment before
        this call."""
        return await self._shared.do((query.sql, *query.parameters.values()), lambda: self.fetch(query))

    async def fetch_rows(self, query: Query[R]) -> list[R]:
        """The rows of a query that is not anchored. Raises Busy."""
        return rows_of(query, await self._execute(query))

    async def _execute(self, query: Query[Any]) -> list[Values]:
        async with connection(self._pool, self._seconds) as acquired:
            return await _execute(acquired, query)

    @asynccontextmanager
    async def read_transaction(self, projections: tuple[str, ...]) -> AsyncIterator["ReadTransaction"]:
        """For a response that needs several statements: all of them see these projections as of one moment. Raises Busy."""
        async with connection(self._pool, self._seconds, in_steps=True) as acquired:
            transaction = ReadTransaction(self._pool, acquired, self._seconds)
            with time_limit(self._pool, acquired, remaining_seconds(self._seconds)):
                await acquired.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                await acquired.execute(_lock_statement(projections))
            try:
                yield transaction
            finally:
                with transaction.time_limit(), suppress(psycopg.Error):
                    await acquired.execute("ROLLBACK")


class ReadTransaction:
    """A transaction that sees the database as of one moment. It may last longer than a request's deadline, since a complete list
    may need it; each of its steps is bounded."""

    def __init__(self, pool: Pool, acquired: Connection, seconds: float) -> None:
        self._pool, self._connection, self._seconds = pool, acquired, seconds

    def time_limit(self) -> AbstractContextManager[None]:
        return time_limit(self._pool, self._connection, self._seconds)

    async def fetch(self, query: Query[R]) -> QueryResult[R]:
        """As `Database.fetch`."""
        with self.time_limit():
            return result_of(query, await _execute(self._connection, query))

    async def pages(self, query: Query[R]) -> AsyncGenerator[list[R]]:
        """All rows of a query that is not anchored, EXPORT_PAGE at a time."""
        async with self._connection.cursor("export", binary=True, row_factory=tuple_row) as cursor:
            with self.time_limit():
                await cursor.execute(query.sql, query.parameters)
            while True:
                with self.time_limit():
                    page = await cursor.fetchmany(EXPORT_PAGE)
                yield rows_of(query, page)
                if not page:
                    return


@cache
def _lock_statement(projections: tuple[str, ...]) -> str:
    """Executed before the statement that begins the transaction's view: afterwards no rebuild can swap in tables whose rows are too
    new for that view."""
    tables = (model.__tablename__ for name in projections for model in PROJECTORS[name].tables)
    return f"LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE"


async def _execute(acquired: Connection, query: Query[Any]) -> list[Values]:
    async with acquired.cursor(binary=True, row_factory=tuple_row) as cursor:
        await cursor.execute(query.sql, query.parameters, prepare=not query.replan)
        return await cursor.fetchall()
