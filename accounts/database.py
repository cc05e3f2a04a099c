"""Database transactions of accounts, over a pool of autocommit connections. They end in time, whatever the server does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from ledger.errors import Busy, OutcomeUnknown
from ledger.pool import Pool, connection

__all__ = ["Cursor", "Pool", "one_statement", "transaction"]

Cursor = psycopg.AsyncCursor[tuple[Any, ...]]


@asynccontextmanager
async def transaction(pool: Pool, *, seconds: float = 2.0) -> AsyncIterator[Cursor]:
    """A cursor in a transaction of its own, which is committed at the end of the block.

    After at most `seconds`, including the wait for a connection (`ledger.pool.connection`), it raises Busy if the database fails
    before the commit, and OutcomeUnknown if it fails during it."""
    committing = False
    try:
        async with connection(pool, seconds) as acquired, acquired.transaction(), acquired.cursor(row_factory=tuple_row) as cursor:
            yield cursor
            committing = True
    except Busy as busy:
        if committing:
            raise OutcomeUnknown from busy
        raise


@asynccontextmanager
async def one_statement(pool: Pool, *, seconds: float = 2.0, changes: bool = False) -> AsyncIterator[Cursor]:
    """A cursor for one statement, which PostgreSQL commits by itself: in one round trip, where `transaction` takes three.

    `changes`: it writes. It raises as `transaction`; a statement that fails for lack of an answer may have been committed."""
    executing = False
    try:
        async with connection(pool, seconds) as acquired, acquired.cursor(row_factory=tuple_row) as cursor:
            executing = True
            yield cursor
    except Busy as busy:
        if executing and changes:
            raise OutcomeUnknown from busy
        raise
