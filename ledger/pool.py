"""The API process's connections for reading and for accounts; the appender has one of its own."""

import select
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from ledger.settings import Settings

Pool = AsyncConnectionPool[AsyncConnection[Any]]


def make_pool(settings: Settings) -> Pool:
    """Closed as yet: `async with` it. Opens even while the database is away; who asks meanwhile gets PoolTimeout.

    Autocommit, times in UTC, statements bounded by `query_timeout_seconds`; broken connections are found when taken."""
    given: dict[str, Any] = dict(conninfo_to_dict(settings.database_url))
    timeout_ms = round(settings.query_timeout_seconds * 1000)
    options = f"-c statement_timeout={timeout_ms} -c timezone=UTC {given.pop('options', None) or ''}"
    keepalive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
    return Pool(
        kwargs={
            **given,
            **keepalive,
            "autocommit": True,
            "connect_timeout": 2,
            "application_name": "seatledger-api",
            "options": options,
        },
        min_size=min(2, settings.database_pool_size),
        max_size=settings.database_pool_size,
        check=_check,
        open=False,
        timeout=settings.freshness_timeout_seconds,
        max_waiting=settings.command_queue_limit,
        reconnect_timeout=5,
    )


async def _check(connection: AsyncConnection[Any]) -> None:
    """An idle connection has nothing to say: one that does was closed by the server, most likely. Costs no round trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)
