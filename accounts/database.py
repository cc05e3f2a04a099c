"""One way to the database for accounts: a transaction that ends in time, whatever the server does."""

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
async def transaction(pool: Pool, *, seconds: float = 2.0, reads: bool = False) -> AsyncIterator[Cursor]:
    """A cursor in a transaction of its own, committed at the end.

    Raises Busy when the database fails before the commit, OutcomeUnknown when it fails in the commit of what does more than
    read: after `seconds` at most, waiting for a connection included (`ledger.pool.connection`)."""
    committing = False
    try:
        async with connection(pool, seconds) as taken, taken.transaction(), taken.cursor(row_factory=tuple_row) as cursor:
            yield cursor
            committing = not reads
    except Busy as busy:
        if committing:
            raise OutcomeUnknown from busy
        raise
