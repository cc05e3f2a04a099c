"""The API process's connections for reading and for accounts; the appender has one of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from ledger.settings import Settings

Pool = AsyncConnectionPool[AsyncConnection[Any]]

#: A connection that was used this recently is not asked whether it still lives: that would double the cost of a small query.
TRUST_SECONDS = 1.0


@asynccontextmanager
async def open_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Autocommit connections, checked before use. Opens even while the database is away: who asks meanwhile gets PoolTimeout."""
    given = conninfo_to_dict(settings.database_url).get("options") or ""
    used: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()

    async def check(connection: AsyncConnection[Any]) -> None:
        if monotonic() - used.get(connection, 0.0) > TRUST_SECONDS:
            await AsyncConnectionPool.check_connection(connection)

    async def reset(connection: AsyncConnection[Any]) -> None:
        used[connection] = monotonic()

    pool = Pool(
        settings.database_url,
        kwargs={
            "autocommit": True,
            "connect_timeout": 2,
            "application_name": "seatledger-api",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "options": f"-c statement_timeout={int(settings.query_timeout_seconds * 1000)} {given}",
        },
        min_size=2,
        max_size=settings.database_pool_size,
        check=check,
        reset=reset,
        open=False,
        timeout=settings.freshness_timeout_seconds,
        max_waiting=settings.command_queue_limit,
        reconnect_timeout=5,
    )
    async with pool:
        yield pool
