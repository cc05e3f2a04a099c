"""Database transactions of accounts, which end in time, whatever the server does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from ledger.errors import Busy, OutcomeUnknown
from ledger.pool import Pool, connection

__all__ = ["Cursor", "Pool", "transaction"]

Cursor = psycopg.AsyncCursor[tuple[Any, ...]]


@asynccontextmanager
async def transaction(pool: Pool, *, seconds: float = 2.0, read_only: bool = False) -> AsyncIterator[Cursor]:
    """A cursor in a transaction of its own, which is committed at the end of the block.

    After at most `seconds`, including the wait for a connection (`ledger.pool.connection`), it raises Busy if the database fails
    before the commit, and OutcomeUnknown if it fails during it, unless the transaction is `read_only`."""
    committing = False
    try:
        async with connection(pool, seconds) as acquired, acquired.transaction(), acquired.cursor(row_factory=tuple_row) as cursor:
            yield cursor
            committing = not read_only
    except Busy as busy:
        if committing:
            raise OutcomeUnknown from busy
        raise
