"""The read side as the routes and the composition root use it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, Request

from ledger.concurrency import ConcurrencyLimiter, Portions
from ledger.deadline import remaining_seconds
from ledger.entries import SeatsBooked, SeatsHeld
from ledger.errors import Busy, StaleRead
from ledger.event import Event
from ledger.macs import MacCheck, Macs
from ledger.settings import Settings
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from ledger.views import BookedBy, LatestBooking, event_view
from projections.proof.log_keys import LogKeys
from projections.registry import PROJECTORS
from query_api import queries
from query_api.authorship import AuthorshipCheck
from query_api.booking_history import BookingHistory
from query_api.caching.cached_events import CachedEvent, CachedResponse
from query_api.caching.event_read_cache import EventReadCache
from query_api.database import Database, Pool, Query, QueryResult, ReadTransaction, Row
from query_api.live.feed import LiveFeed
from query_api.live.positions import PositionTracker
from query_api.parameters import AtLeast
from query_api.queries.booking_queries import BookedByRow
from query_api.queries.position_queries import ProjectionPositionRow
from query_api.recent_bookings import RecentBookings, ShownBooking
from query_api.recent_entries import RecentEntries
from query_api.recent_holds import RecentHolds, ShownHold
from query_api.replica import Replica
from query_api.responses import mapping
from query_api.responses.csv_export import Cell, CsvExports, Pages
from query_api.time_travel.as_of_resolver import AsOfResolver
from query_api.time_travel.entry_reader import EntryReader
from query_api.time_travel.past_statistics import PastStatistics

#: The time between two polls for a checkpoint, and the number of requests that may poll.
POLL_SECONDS, MAX_POLLING = 0.1, 200

#: How long a query for one booking waits for its position before it reads the ledger itself: the projection is usually some
#: milliseconds behind.
LAG_SECONDS = 0.3

#: Complete lists, and receipts (the longest has 1,003 entries), that one process makes concurrently; the length of the wait queue,
#: and the longest wait in seconds.
LISTS, RECEIPTS = (8, 200, 2.0), (4, 100, 2.0)

R = TypeVar("R", bound=Row)


class ReadSide:
    """The services of the read side, in `app.state.read_side`. `start` it after the pool was opened, `close` it before the pool is
    closed."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        codes: TicketCodes,
        log_keys: LogKeys,
        macs: Macs,
        last_seen_event: Callable[[UUID], Awaitable[Event | None]],
        replica: Replica | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`pool`: of autocommit connections, as `ledger.pool.make_pool` makes them; others may use it too. `last_seen_event`: the
        Event as the write side of this process has it in memory, where an entry may be missing; None: there is no such event.
        `clock`: the time by which the rules go."""
        self.codes, self.log_keys, self.sends_mail = codes, log_keys, settings.has_mail
        self.database = Database(pool, settings.request_seconds)
        self.feed = LiveFeed(self.database, settings.live_streams_limit, settings.streams_per_address)
        self.portions = Portions()
        self.exports, self.receipts = CsvExports(), ConcurrencyLimiter("receipts", *RECEIPTS)
        self.authorship = AuthorshipCheck(settings.keys, log_keys, macs)
        self.past_statistics = PastStatistics(settings)
        self.entry_reader = EntryReader(self.database)
        streams = Streams(pool, MacCheck(macs))
        self.as_of = AsOfResolver(self.database, streams)
        self.booking_history = BookingHistory(streams, self.as_of, last_seen_event)
        self.event_read_cache = EventReadCache(self.fetch)
        self.recent_entries = RecentEntries(self.database)
        self.recent_bookings = RecentBookings(self.recent_entries, codes, self.portions)
        self.recent_holds = RecentHolds(self.recent_entries)
        self.clock = clock
        self.positions = PositionTracker(self._read_positions, settings.redis_url, self._wake)
        self._polling = ConcurrencyLimiter("polling requests", MAX_POLLING, 0, 0)
        self._lists = ConcurrencyLimiter("long lists", *LISTS)
        self._last_seen_event, self._replica = last_seen_event, replica
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

    @property
    def uses_standby(self) -> bool | None:
        """Whether queries may be answered by a standby; None: there is no DATABASE_READ_URL."""
        return None if self._replica is None else self._replica.is_usable

    def reset(self) -> None:
        """The read tables were replaced, or the ledger went back: drops everything that was read before."""
        self.positions.forget(PROJECTORS)
        self.event_read_cache.reset()
        self.feed.reset()
        self.past_statistics.reset()

    async def fetch(self, query: Query[R], at_least: int | None = None) -> QueryResult[R]:
        """The result of an anchored query as of position `at_least` or later; without it, as of whatever position the read tables
        of the primary have.

        Raises PositionBeyondHead; StaleRead where the projections do not reach it in time; Busy."""
        if at_least is None:
            return await (self.database.fetch_shared(query) if query.shared else self.database.fetch(query))
        deadline = self._deadline()
        while True:
            await self.positions.wait_for(query.projections, at_least, deadline)
            result = await self.database.fetch(query)
            if result.position >= at_least:
                return result
            self.positions.forget(query.projections)

    async def fetch_anywhere(self, query: Query[R], at_least: int | None) -> QueryResult[R]:
        """As `fetch`, from a standby if there is one that can tell."""
        if self._replica is not None:
            if at_least is not None:
                await self.positions.wait_for(query.projections, at_least, self._deadline())
            if (result := await self._replica.fetch(query, at_least)) is not None:
                return result
        return await self.fetch(query, at_least)

    @asynccontextmanager
    async def read_transaction(self, projections: tuple[str, ...], at_least: int | None) -> AsyncIterator[ReadTransaction]:
        """For a response that needs several statements: all see these projections as of one moment, at position `at_least` or
        later. Raises as `fetch`."""
        await self.wait_for_position(projections, at_least)
        async with AsyncExitStack() as stack:
            transaction: ReadTransaction | None = None
            if self._replica is not None:
                with suppress(Busy):
                    transaction = await stack.enter_async_context(self._replica.read_transaction(projections, at_least))
            if transaction is None:
                transaction = await stack.enter_async_context(self.database.read_transaction(projections))
            yield transaction

    async def fetch_until(self, query: Query[R], is_enough: Callable[[QueryResult[R]], bool]) -> QueryResult[R]:
        """Polls until the result is enough: for changes that no message announces and no position tells. Raises StaleRead where it
        takes too long."""
        result = await self.database.fetch(query)
        if is_enough(result):
            return result
        deadline = self._deadline()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._polling.slot())
            except Busy:
                raise StaleRead from None
            while asyncio.get_running_loop().time() + POLL_SECONDS < deadline:
                await asyncio.sleep(POLL_SECONDS)
                result = await self.database.fetch(query)
                if is_enough(result):
                    return result
        raise StaleRead

    async def wait_for_position(self, projections: tuple[str, ...], at_least: int | None) -> None:
        """For a response that needs several statements: waits as `fetch` does."""
        if at_least is not None:
            await self.fetch(queries.projections_position(projections), at_least)

    async def head(self) -> int:
        """The position of the newest entry. A read at this position includes every earlier write of any process."""
        return next(row.position for row in await self._read_positions() if not row.name)

    async def fetch_latest_rows(self, query: Query[R]) -> list[R]:
        """The rows, which must be few, of a query that is not anchored, including every earlier write of any process. Raises
        StaleRead, Busy."""
        await self.wait_for_position(query.projections, await self.head())
        return await self.database.fetch_rows(query)

    async def stream_latest_rows(self, query: Query[R]) -> AsyncGenerator[list[R]]:
        """As `fetch_latest_rows` for any number of rows, page by page, all as of one moment. Raises StaleRead; Busy where too many
        long lists are being made."""
        async with self._lists.slot():
            await self.wait_for_position(query.projections, await self.head())
            async with (
                self.database.read_transaction(query.projections) as transaction,
                aclosing(transaction.pages(query)) as pages,
            ):
                async for page in pages:  # closed before its connection is released, also where the caller stops early
                    yield page

    async def booked_by(self, booking_id: UUID) -> BookedBy | None:
        """The event and the customer of a booking. None is certain: the ledger was searched, too. Raises StaleRead where it can't
        tell; Busy."""
        return await self._ordered_by(booking_id, queries.booked_by(booking_id), SeatsBooked)

    async def held_by(self, hold_id: UUID) -> BookedBy | None:
        """As `booked_by`, of a hold."""
        return await self._ordered_by(hold_id, queries.held_by(hold_id), SeatsHeld)

    async def _ordered_by(self, id_: UUID, query: Query[BookedByRow], made_by: type[SeatsBooked | SeatsHeld]) -> BookedBy | None:
        result = await self.fetch(query)
        if not result.rows:
            try:
                return await self.recent_entries.made_for(id_, result.position, made_by)
            except StaleRead:  # the projection is far behind
                result = await self.fetch(query, await self.head())
        return BookedBy(result.rows[0].event_id, result.rows[0].customer_id) if result.rows else None

    async def hold_ends(self, hold_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
        """When those of these holds end that the read tables know; None: one has ended. Raises Busy."""
        rows = await self.database.fetch_rows(queries.hold_ends(hold_ids))
        return {row.hold_id: row.expires_at if row.is_open else None for row in rows}

    async def event_of_booking(self, booking_id: UUID) -> UUID | None:
        """As `booked_by`, the event alone."""
        found = await self.booked_by(booking_id)
        return None if found is None else found.event_id

    async def latest_booking(self, booking_id: UUID) -> LatestBooking | None:
        """A booking as of the newest entry; None: there is none. Raises StaleRead where that can't be told; Busy."""
        shown = await self.booking(booking_id, await self.head())
        if shown is None:
            return None
        view = shown.view
        return LatestBooking(view.event_id, shown.organizer_id, view.customer_id, view.status == "cancelled")

    async def event(self, event_id: UUID, at_least: int | None) -> CachedResponse | None:
        """An event as of position `at_least` or later; None: there is none. As the write side has it, where the projections do not
        reach the position in time. Raises PositionBeyondHead, StaleRead, Busy."""
        try:
            return await self.event_read_cache.get_event(event_id, at_least)
        except StaleRead:
            event = await self._last_seen_event(event_id)
            if event is None:
                return None
            version, view = event.version, event_view(event)
            following = await self.database.fetch_rows(queries.stored_entries(event_id, [version + 1]))
            if at_least is None or (following and following[0].position <= at_least):
                raise
            return CachedEvent(at_least, view).response()

    async def booking(self, booking_id: UUID, at_least: int | None) -> ShownBooking | None:
        """A booking as of position `at_least` or later; None: there is none. From the ledger itself, where the projection does not
        show it. Raises PositionBeyondHead, StaleRead, Busy."""
        result = await self._fetch_soon(queries.booking_by_id(booking_id), at_least)
        row = result.rows[0] if result.rows else None
        if row is not None and result.position >= (at_least or 0):
            (view,) = await self.portions.run(mapping.views_of([row], self.codes, mapping.booking_view))
            return ShownBooking(result.position, view, row.organizer_id)
        return await self.recent_bookings.get(booking_id, row, result.position, at_least)

    async def hold(self, hold_id: UUID, at_least: int | None) -> ShownHold | None:
        """As `booking`, a hold. One whose time is over is shown as `lapsed`, whether or not an entry says so already."""
        result = await self._fetch_soon(queries.hold_by_id(hold_id), at_least)
        row = result.rows[0] if result.rows else None
        if row is not None and result.position >= (at_least or 0):
            shown: ShownHold | None = ShownHold(result.position, mapping.hold_view(row), row.organizer_id)
        else:
            shown = await self.recent_holds.get(hold_id, row, result.position, at_least)
        if shown is not None and shown.view.status == "open" and shown.view.expires_at <= self.clock():
            shown.view.status = "lapsed"
        return shown

    async def _fetch_soon(self, query: Query[R], at_least: int | None) -> QueryResult[R]:
        """The result as of whatever position the read tables have, after a short wait for this one."""
        if at_least is not None:
            with suppress(StaleRead, Busy):  # where the database is unavailable, the query tells
                await self.positions.wait_for(query.projections, at_least, asyncio.get_running_loop().time() + LAG_SECONDS)
        return await self.fetch(query)

    async def erasure_obstacle(self, account_id: UUID) -> str | None:
        """Why an account can't be erased, as a sentence; None: it can. Raises StaleRead where that is not known."""
        result = await self.fetch(queries.erasure_obstacle(account_id, self.clock()), await self.head())
        (row,) = result.rows
        if row.pays:
            return "A payment of the account is under way: wait until it is booked, or cancel the order."
        if row.books and row.organizes:
            return "The account has upcoming bookings and active events: cancel or complete them first."
        if row.books:
            return "The account has upcoming bookings: cancel them first."
        return "The account has active events: cancel or complete them first." if row.organizes else None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + remaining_seconds(self._timeout_seconds)

    async def _read_positions(self) -> list[ProjectionPositionRow]:
        return await self.database.fetch_rows(queries.positions())

    def _wake(self, projection: str) -> None:
        if projection in queries.AVAILABILITY:
            self.feed.wake()
        if projection in queries.EVENTS:
            self.event_read_cache.wake()


class RequestReader(NamedTuple):
    """The read side for one request, with the position that it asks for."""

    side: ReadSide
    at_least: int | None

    async def fetch(self, query: Query[R]) -> QueryResult[R]:
        return await self.side.fetch_anywhere(query, self.at_least)

    async def export(self, query: Query[R], cells: Callable[[R], Sequence[Cell]]) -> Pages:
        """All rows of a query that is not anchored, as of one position."""
        async with self.side.read_transaction(query.projections, self.at_least) as transaction:
            position, _ = await transaction.fetch(queries.projections_position(query.projections))
            yield position, ()
            async for rows in transaction.pages(query):
                yield position, [cells(row) for row in rows]


async def _reader(request: Request, at_least: AtLeast = None) -> RequestReader:
    return RequestReader(request.app.state.read_side, at_least)


Reader = Annotated[RequestReader, Depends(_reader)]
