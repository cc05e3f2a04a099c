"""The watch of an API process: once a second it looks whether the ledger went back (`ledger/anchor.py`), whether a rebuild has
replaced read tables, and what time it is in the database.

The appender notices the first by itself, but only when it appends. A standby, which may lag, proves nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from ledger.anchor import Anchor, LedgerWentBack
from ledger.concurrency import BackgroundTasks, supervise
from ledger.database_clock import DatabaseClock
from ledger.pool import Pool, connection

LOOK_SECONDS = 1.0
#: For one statement, including the wait for its connection.
STATEMENT_SECONDS = 2.0

_LOOK = """
    SELECT pg_is_in_recovery() OR EXISTS (SELECT FROM ledger_entries WHERE notification_id = %b AND mac IS NOT DISTINCT FROM %b),
           (SELECT sum(rebuilds)::bigint FROM projections), newest.notification_id, newest.mac,
           clock_timestamp()
    FROM (VALUES (1)) AS always LEFT JOIN LATERAL (
        SELECT notification_id, mac FROM ledger_entries ORDER BY notification_id DESC LIMIT 1) AS newest ON true"""

log = logging.getLogger(__name__)


class LedgerWatch:
    """Moves the anchor to the newest entry; where the ledger went back, `Anchor.lose` drops what is in memory. `on_rebuild` is
    called after the tables of a projection were replaced. Corrects the clock."""

    def __init__(
        self, pool: Pool, anchor: Anchor, clock: DatabaseClock, on_rebuild: Callable[[], None], others: Sequence[Pool] = ()
    ) -> None:
        """Where the ledger went back, the connections of `pool` and `others` are replaced: they may be to a server that is not the
        primary any more."""
        self._pool, self._anchor, self._clock, self._on_rebuild = pool, anchor, clock, on_rebuild
        self._rebuilds: int | None = None
        self._tasks = BackgroundTasks()
        for each in (pool, *others):
            anchor.on_loss(partial(self._replace_connections, each))

    def start(self) -> None:
        failure = "whether the ledger went back can't be looked up"
        self._tasks.spawn(supervise(self._look_and_wait, log=log, failure=failure, pause_seconds=LOOK_SECONDS), name="ledger watch")

    async def close(self) -> None:
        await self._tasks.stop()

    def _replace_connections(self, pool: Pool) -> None:
        self._tasks.spawn(pool.drain())

    async def _look_and_wait(self) -> None:
        await self.look()
        await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        position, mac, losses = self._anchor.position, self._anchor.mac, self._anchor.losses
        async with connection(self._pool, STATEMENT_SECONDS) as acquired:
            asked_at = self._clock.steady()
            cursor = await acquired.execute(_LOOK, (position, mac), prepare=True, binary=True)
            [(is_held, rebuilds, newest_position, newest_mac, time_there)] = await cursor.fetchall()
        self._clock.learn(time_there, asked_at, self._clock.steady())
        if position and not is_held:
            self._anchor.lose(LedgerWentBack(f"the entry at position {position}"), losses)
        if newest_position is not None:
            self._anchor.move(newest_position, newest_mac)
        if self._rebuilds not in (None, rebuilds):
            self._on_rebuild()
        self._rebuilds = rebuilds
