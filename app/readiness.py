"""Whether this process can sell now, which only a write can tell: reads succeed on a standby, on a full disk, and while commits
wait for a synchronous standby that was lost.

The write goes the way of an append (its lock, a commit that waits for the disk and for synchronous standbys), but into no table of
ours. It is made at most once in CACHE_SECONDS, however many ask, and at most one is under way. If its commit hangs, its lock keeps
the next ones from piling up behind it.
"""

import asyncio
import logging

import psycopg

import migrations
from app.draining import Draining
from ledger.concurrency import SingleFlight
from ledger.durability import UNSAFE_SETTINGS, describe
from ledger.errors import Busy
from ledger.pool import Connection, Pool, connection
from ledger.recorder import ORDERING_LOCK

#: How long a result counts.
CACHE_SECONDS = 1.0
#: How long a check may take.
CHECK_SECONDS = 2.0

_STATE = f"""
    SELECT version_num, pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', {UNSAFE_SETTINGS}
    FROM alembic_version"""
#: One round trip. The row in the table, which is empty at the beginning of each transaction, takes a new page of the disk; because
#: of the message the commit is written to the log.
_WRITE = f"""
    BEGIN;
    SET LOCAL lock_timeout = '1s';
    SET LOCAL client_min_messages = warning;
    CREATE TEMPORARY TABLE IF NOT EXISTS seatledger_ready (page integer) ON COMMIT DELETE ROWS;
    INSERT INTO seatledger_ready VALUES (1);
    SELECT pg_advisory_xact_lock({ORDERING_LOCK});
    SELECT pg_logical_emit_message(true, 'seatledger-ready', '');
    COMMIT"""

log = logging.getLogger(__name__)


class Readiness:
    def __init__(self, pool: Pool, draining: Draining, *, must_be_durable: bool = False) -> None:
        """`must_be_durable`: the process refuses to sell on a server that may lose what it has acknowledged."""
        self._pool, self._draining, self._must_be_durable = pool, draining, must_be_durable
        self._schema_revision = migrations.head()
        self._flights = SingleFlight[None, str]()
        self._reason, self._checked_at = "", float("-inf")

    @property
    def is_draining(self) -> bool:
        return self._draining.has_begun

    async def check(self) -> None:
        """Raises Busy, with the reason, where the process can't execute commands."""
        if self._draining.has_begun:
            raise Busy("This process is being stopped.")
        if asyncio.get_running_loop().time() - self._checked_at >= CACHE_SECONDS:
            await self._flights.do(None, self._check)
        if self._reason:
            raise Busy(self._reason)

    async def _check(self) -> str:
        reason = await self._find_obstacle()
        if reason != self._reason:
            log.warning("This process is not ready: %s", reason) if reason else log.warning("This process is ready again.")
        self._reason, self._checked_at = reason, asyncio.get_running_loop().time()
        return reason

    async def _find_obstacle(self) -> str:
        """Why it can't sell, as a sentence; empty: it can."""
        reason = "The database is unavailable."
        try:
            async with connection(self._pool, CHECK_SECONDS) as acquired:
                if reason := await self._find_state(acquired):
                    return reason
                reason = "The database does not commit: a synchronous standby may be missing."
                await acquired.execute(_WRITE)
        except psycopg.errors.UndefinedTable:
            return "The database is not migrated: run `make migrate`."
        except (psycopg.Error, Busy) as error:
            match error.__cause__ or error:
                case psycopg.errors.DiskFull():
                    return "The disk of the database is full."
                case psycopg.errors.LockNotAvailable():
                    return "Appends wait for one that is not committed."
            return reason or "The database is unavailable."
        return ""

    async def _find_state(self, acquired: Connection) -> str:
        row = await (await acquired.execute(_STATE)).fetchone()
        if row is None or row[0] < self._schema_revision:  # a later release's is compatible with this one (migrations/__init__.py)
            return "The database is not migrated: run `make migrate`."
        _, is_standby, is_read_only, unsafe_settings = row
        if is_standby:
            return "The database is a standby."
        if unsafe_settings and self._must_be_durable:
            return f"{describe(unsafe_settings)}."
        return "The database is read-only." if is_read_only else ""
