"""Queries on standbys (DATABASE_READ_URL), so that readers do not compete with sales.

A standby lags, may be unavailable, and after a failover may still have entries that were lost. So it is looked at once a second:
it is used while its newest entry is one that the primary has too, and it has had what the primary had MAX_LAG_SECONDS ago. A query
for a position is executed on it only if it has reached that position; otherwise the primary is asked at once (docs/decisions/0049).
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from ledger.concurrency import BackgroundTasks, supervise
from ledger.errors import Busy
from ledger.pool import Pool, connection
from query_api import queries
from query_api.database import Database, Query, QueryResult, ReadTransaction, Row

LOOK_SECONDS = 1.0
#: A standby that is further behind is not used, not even for queries without a position.
MAX_LAG_SECONDS = 10.0
#: For a query on a standby: a request still has time to ask the primary.
STATEMENT_SECONDS = 1.0

NO_REPLY = "it does not reply in time"

_NEWEST = "SELECT notification_id, mac FROM ledger_entries ORDER BY notification_id DESC LIMIT 1"
_HELD = """
    SELECT EXISTS (SELECT FROM ledger_entries WHERE notification_id = %b AND mac IS NOT DISTINCT FROM %b),
           (SELECT coalesce(max(notification_id), 0) FROM ledger_entries)"""

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Row)


class _Look(NamedTuple):
    """The head of the primary's ledger, and when it was seen, by the event loop's clock."""

    seconds: float
    head: int


class Lag:
    """How long ago the primary had what a standby has now."""

    def __init__(self) -> None:
        self._not_reached = deque[_Look](maxlen=60)
        self._reached_at = float("-inf")

    def record(self, now: float, *, primary: int, standby: int) -> None:
        """The heads of both; the standby's was read first."""
        self._not_reached.append(_Look(now, primary))
        while self._not_reached and self._not_reached[0].head <= standby:
            self._reached_at = self._not_reached.popleft().seconds

    def seconds(self, now: float) -> float:
        return now - self._reached_at


class Replica:
    """The standbys. `start` it after the pools were opened, and `close` it before they are closed."""

    def __init__(self, pool: Pool, primary: Pool) -> None:
        """`pool`: of connections to standbys. `primary`: one that queries do not occupy."""
        self.database = Database(pool, STATEMENT_SECONDS)
        self._pool, self._primary = pool, primary
        self._lag, self._is_usable = Lag(), False
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        work = supervise(
            self._look_and_wait, log=log, failure="the standby for queries can't be looked at", pause_seconds=LOOK_SECONDS
        )
        self._tasks.spawn(work, name="replica")

    async def close(self) -> None:
        await self._tasks.stop()

    @property
    def is_usable(self) -> bool:
        return self._is_usable

    async def fetch(self, query: Query[R], at_least: int | None) -> QueryResult[R] | None:
        """The result of an anchored query as of position `at_least` or later. None: ask the primary."""
        if not self._is_usable:
            return None
        try:
            if at_least is None:
                return await (self.database.fetch_shared(query) if query.shared else self.database.fetch(query))
            if await self._position_of(query.projections) < at_least:
                return None
            result = await self.database.fetch(query)
            return result if result.position >= at_least else None  # the second connection may be to another standby
        except Busy as error:
            self._give_up(error.__cause__ or NO_REPLY)
            return None

    @asynccontextmanager
    async def read_transaction(self, projections: tuple[str, ...], at_least: int | None) -> AsyncIterator[ReadTransaction | None]:
        """As `Database.read_transaction`, as of position `at_least` or later. None: ask the primary. Raises Busy."""
        if not self._is_usable:
            yield None
            return
        async with self.database.read_transaction(projections) as transaction:
            position, _ = await transaction.fetch(queries.projections_position(projections))
            yield transaction if position >= (at_least or 0) else None

    async def _position_of(self, projections: tuple[str, ...]) -> int:
        return (await self.database.fetch(queries.projections_position(projections))).position

    async def _look_and_wait(self) -> None:
        try:
            await self.look()
        except BaseException as error:
            self._give_up(error.__cause__ or NO_REPLY)
            raise
        await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Whether the standby may be used. Raises Busy."""
        async with connection(self._pool, STATEMENT_SECONDS) as standby:
            cursor = await standby.execute(_NEWEST, prepare=True, binary=True)
            position, mac = await cursor.fetchone() or (0, None)
        async with connection(self._primary, STATEMENT_SECONDS) as primary:
            cursor = await primary.execute(_HELD, (position, mac), prepare=True, binary=True)
            [(is_held, head)] = await cursor.fetchall()
        now = asyncio.get_running_loop().time()
        self._lag.record(now, primary=head, standby=position)
        if position and not is_held:
            self._give_up("it has an entry that the primary has lost")
        elif self._lag.seconds(now) > MAX_LAG_SECONDS:
            self._give_up(f"it is {head - position} positions behind, for more than {MAX_LAG_SECONDS:.0f} s")
        elif not self._is_usable:
            self._is_usable = True
            log.info("Queries go to the standby of DATABASE_READ_URL")

    def _give_up(self, reason: object) -> None:
        """Until the next look."""
        if self._is_usable:
            log.warning("The standby of DATABASE_READ_URL is not used: %s", reason)
        self._is_usable = False
