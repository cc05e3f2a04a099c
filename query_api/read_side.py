"""The read side as the routes and the composition root see it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Request

from ledger.concurrency import ConcurrencyLimiter
from ledger.errors import StaleRead
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from projections.proof.log_keys import LogKeys
from query_api import queries
from query_api.authorship import Authorship
from query_api.caching.event_read_cache import EventReadCache
from query_api.database import Database, Pool, Query, QueryResult, Row
from query_api.live.feed import LiveFeed
from query_api.live.positions import Positions
from query_api.parameters import AtLeast
from query_api.responses.csv_export import CsvExports
from query_api.time_travel.as_of_resolver import AsOfResolver
from query_api.time_travel.entry_reader import EntryReader
from query_api.time_travel.past_statistics import PastStatistics

#: How often one looks again for a checkpoint that is due, and how many may at once.
POLL_SECONDS, MAX_POLLING = 0.1, 200

#: Complete lists, and receipts (the longest has 1,003 entries), that one process makes at once; how many more may wait for their
#: turn, and for how many seconds.
LISTS, RECEIPTS = (8, 200, 10.0), (4, 100, 10.0)


class ReadSide:
    """For `app.state.read_side`. `start` it after the pool was opened, `close` it before the pool is."""

    def __init__(self, settings: Settings, pool: Pool, codes: TicketCodes, log_keys: LogKeys, macs: Macs) -> None:
        """`pool`: of autocommit connections, as `ledger.pool.make_pool` makes them; others may use it too."""
        self.codes, self.log_keys = codes, log_keys
        self._looking = 0
        self.database = Database(pool, settings.query_timeout_seconds)
        self.feed = LiveFeed(self.database, settings.live_streams_limit)
        self.exports, self.receipts = CsvExports(), ConcurrencyLimiter("receipts", *RECEIPTS)
        self.authorship = Authorship(settings.keys, log_keys, macs)
        self.past_statistics = PastStatistics(settings)
        self.entry_reader = EntryReader(self.database)
        self.as_of = AsOfResolver(self.database, Streams(pool))
        self.event_read_cache = EventReadCache(self.fetch)
        self.positions = Positions(self._look, settings.redis_url, self._moved)
        self._lists = ConcurrencyLimiter("long lists", *LISTS)
        self._timeout_seconds = settings.freshness_timeout_seconds

    async def start(self) -> None:
        await self.positions.start()
        await self.feed.start()
        await self.event_read_cache.start()

    async def close(self) -> None:
        """Ends every open stream and every wait."""
        await self.past_statistics.close()
        await self.event_read_cache.close()
        await self.feed.close()
        await self.positions.close()

    async def fetch(self, query: Query, at_least: int | None = None) -> QueryResult:
        """An answer that shows at least that position, of whatever the query reads; without one, what there is at once.

        Raises PositionBeyondHead, StaleRead where it does not get there in time, Busy."""
        if at_least is None:
            return await (self.database.fetch_shared(query) if query.shared else self.database.fetch(query))
        deadline = self._deadline()
        while True:
            await self.positions.reach(query.reads, at_least, deadline)
            answer = await self.database.fetch(query)
            if answer.position >= at_least:
                return answer
            self.positions.forget(query.reads)

    async def fetch_until(self, query: Query, is_enough: Callable[[QueryResult], bool]) -> QueryResult:
        """An answer that is enough: for what nobody tells of, and no position says. Raises StaleRead where it takes too long."""
        answer = await self.database.fetch(query)
        if is_enough(answer):
            return answer
        deadline = self._deadline()
        if self._looking >= MAX_POLLING:
            raise StaleRead
        self._looking += 1
        try:
            while asyncio.get_running_loop().time() + POLL_SECONDS < deadline:
                await asyncio.sleep(POLL_SECONDS)
                answer = await self.database.fetch(query)
                if is_enough(answer):
                    return answer
        finally:
            self._looking -= 1
        raise StaleRead

    async def wait_for_position(self, reads: tuple[str, ...], at_least: int | None) -> None:
        """For an answer of several statements: waits as `ask` does."""
        if at_least is not None:
            await self.fetch(queries.projections_position(reads), at_least)

    async def head(self) -> int:
        """The position of the newest entry. A read that names it sees every earlier write of anybody."""
        return next(int(position) for position, name in await self._look() if not name)

    async def fetch_latest_rows(self, query: Query) -> list[Row]:
        """The few rows of a query without a position, as of a moment that every earlier write of anybody is before.

        Raises StaleRead, Busy."""
        await self.wait_for_position(query.reads, await self.head())
        return await self.database.fetch_rows(query)

    async def stream_latest_rows(self, query: Query) -> AsyncGenerator[list[Row]]:
        """All rows of such a query, however many, a page at a time, as of one such moment.

        Raises StaleRead, and Busy where too many others make long lists for too long."""
        async with self._lists.slot():
            await self.wait_for_position(query.reads, await self.head())
            async with self.database.read_transaction(query.reads) as transaction, aclosing(transaction.pages(query)) as pages:
                async for page in pages:  # closed before the connection goes back, whoever stops reading
                    yield page

    async def event_of_booking(self, booking_id: UUID) -> UUID | None:
        """The event of a booking. None only once the projection has seen all that there is; raises StaleRead where it does not."""
        query = queries.event_of_booking(booking_id)
        answer = await self.fetch(query)
        if not answer.rows:
            answer = await self.fetch(query, await self.head())
        return answer.rows[0][0] if answer.rows else None

    async def deletion_obstacle(self, account_id: UUID) -> str | None:
        """What stands in the way of erasing a person, as a sentence. Raises StaleRead where that is not known."""
        answer = await self.fetch(queries.obligations(account_id, datetime.now(UTC)), await self.head())
        ((books, organizes),) = answer.rows
        if books and organizes:
            return "There are upcoming bookings and active events of theirs: cancel or complete them first."
        if books:
            return "There are upcoming bookings of theirs: cancel them first."
        return "There are active events of theirs: cancel or complete them first." if organizes else None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._timeout_seconds

    async def _look(self) -> list[tuple[int, str]]:
        return [(position, name) for position, name in await self.database.fetch_rows(queries.positions())]

    def _moved(self, name: str) -> None:
        if name in queries.AVAILABILITY:
            self.feed.wake()
        if name in queries.EVENTS:
            self.event_read_cache.wake()


class Reader(NamedTuple):
    """The read side for one request, which may ask for a position."""

    side: ReadSide
    at_least: int | None

    async def fetch(self, query: Query) -> QueryResult:
        return await self.side.fetch(query, self.at_least)


async def _reader(request: Request, at_least: AtLeast = None) -> Reader:
    return Reader(request.app.state.read_side, at_least)


Reads = Annotated[Reader, Depends(_reader)]
