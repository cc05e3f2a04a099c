"""Two appenders on one hot Event, without HTTP: no seat is sold twice, none is refused while free, and neither starves (R15)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger.connection import Appended, Ends, LedgerConnection
from ledger.entries import RecordedEntry
from ledger.errors import Busy, SoldOut
from tests.commands import selling as t
from tests.ledger import storage

SEATS, CLIENTS = 1_200, 16


async def buy_until_sold_out(appender: Appender, event_id: UUID, waits: list[float]) -> None:
    """Books until the Event is sold out; appends the seconds of each booking to `waits`."""
    while True:
        began = monotonic()
        try:
            await appender.submit(t.book(event_id))
        except SoldOut:
            return
        waits.append(monotonic() - began)


async def test_two_saturated_processes_both_make_progress(database_url: str) -> None:
    async with t.an_appender(database_url) as first, t.an_appender(database_url) as second:
        event_id, began = await t.scheduled(first, capacity=SEATS), monotonic()
        here: list[float] = []
        there: list[float] = []
        clients = [(first, here)] * CLIENTS + [(second, there)] * CLIENTS
        await asyncio.gather(*(buy_until_sold_out(appender, event_id, waits) for appender, waits in clients))
        rate = SEATS / (monotonic() - began)
        appends = first.appends + second.appends
    print(
        f"R15: {len(here)} and {len(there)} of {SEATS} seats in {appends} appends, {rate:.0f} a second; "
        f"the longest waits {max(here) * 1000:.0f} and {max(there) * 1000:.0f} ms"
    )
    assert len(here) + len(there) == len(await t.bookings_of(database_url, event_id)) == SEATS
    assert min(len(here), len(there)) > SEATS / 10
    assert max(*here, *there) < 2


async def test_client_beside_a_saturated_process_is_served(database_url: str) -> None:
    async with t.an_appender(database_url) as busy, t.an_appender(database_url) as quiet:
        event_id = await t.scheduled(busy, capacity=SEATS)
        there: list[float] = []
        waits: list[float] = []
        await asyncio.gather(
            *(buy_until_sold_out(busy, event_id, there) for _ in range(CLIENTS)), buy_until_sold_out(quiet, event_id, waits)
        )
    print(f"R15: beside {len(there)} bookings one client made {len(waits)}; its longest wait was {max(waits) * 1000:.0f} ms")
    assert len(there) + len(waits) == SEATS
    assert len(waits) > 5
    assert max(waits) < 2


class Unlucky(LedgerConnection):
    """A competing process always appends first, unless the lock excludes it."""

    rival: Appender
    event_id: UUID
    tries = 0

    async def append(self, batch: Sequence[RecordedEntry], built_on: Ends) -> list[Appended]:
        Unlucky.tries += 1
        await Unlucky.rival.submit(t.book(Unlucky.event_id))
        return await super().append(batch, built_on)

    @asynccontextmanager
    async def locked(self, known: Ends) -> AsyncIterator[list[RecordedEntry]]:
        await Unlucky.rival.submit(t.book(Unlucky.event_id))
        async with super().locked(known) as missed:
            yield missed

    async def append_and_commit(self, batch: Sequence[RecordedEntry], built_on: Ends) -> list[Appended]:
        Unlucky.tries += 1
        return await super().append_and_commit(batch, built_on)


async def test_second_attempt_under_the_lock_succeeds(database_url: str) -> None:
    async with t.an_appender(database_url) as rival:
        Unlucky.rival, Unlucky.event_id = rival, await t.scheduled(rival, capacity=1_000)
        async with t.an_appender(database_url, partial(Unlucky.connect, database_url, storage.MACS)) as appender:
            for _ in range(20):
                before = Unlucky.tries
                await appender.submit(t.book(Unlucky.event_id))
                assert Unlucky.tries - before <= 2
    booked = len(await t.bookings_of(database_url, Unlucky.event_id))
    print(f"R15: {Unlucky.tries} tries for 20 bookings beside {booked - 20} of somebody who is always faster")
    assert booked > 25


async def test_a_batch_under_the_lock_takes_two_round_trips(database_url: str, tmp_path: Path) -> None:
    """BEGIN, lock and read; append and COMMIT: counted in libpq's trace of the protocol."""
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        trips = []
        for _ in range(2):  # the first batch prepares the statements
            appender._contention.record_conflict()
            assert appender._connection is not None
            talk = appender._connection._connection.pgconn
            with (tmp_path / "trace").open("w+") as trace:
                talk.trace(trace.fileno())
                await appender.submit(t.book(event_id))
                talk.untrace()
                trace.seek(0)
                trips.append(trace.read().count("ReadyForQuery"))
    assert trips == [2, 2]


async def test_lock_timeout_reports_that_nothing_was_executed(database_url: str) -> None:
    async with t.an_appender(database_url, timeout_seconds=0.4) as appender:
        event_id = await t.scheduled(appender)
        appender._contention.record_conflict()
        async with t.blocked_appends(database_url):
            with pytest.raises(Busy):
                await appender.submit(t.book(event_id))
        last = t.book(event_id)
        assert isinstance((await t.insist(appender, last))[0], AcceptedCommand)
    assert await t.bookings_of(database_url, event_id) == [last.id]


async def test_lock_timeout_appends_nothing(database_url: str) -> None:
    """PostgreSQL's lock timeout does not break the connection: it stays in use, and the outcome is never unknown."""
    async with t.an_appender(database_url, timeout_seconds=10) as appender:
        event_id = await t.scheduled(appender)
        connection = appender._connection
        appender._contention.record_conflict()
        assert connection is not None
        await connection._connection.execute("SET statement_timeout = 100")
        command = t.book(event_id)
        async with t.blocked_appends(database_url):
            [sent] = t.send(appender, command)
            await t.wait_for_blocked_appends(database_url)
            await asyncio.sleep(0.3)
        assert isinstance(await sent, AcceptedCommand)
        assert appender._connection is connection
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_free_seat_is_never_refused(database_url: str) -> None:
    """One process sells out, the other cancels a seat: the first one sells it again at once, every time."""
    async with t.an_appender(database_url) as seller, t.an_appender(database_url) as returns:
        event_id = await t.scheduled(seller, capacity=3)
        bookings = [t.book(event_id) for _ in range(3)]
        await t.outcomes(seller, bookings)
        for _ in range(50):
            await returns.submit(t.cancel(event_id, bookings.pop(0).id))
            bookings.append(t.book(event_id))
            await seller.submit(bookings[-1])
    assert len(await t.bookings_of(database_url, event_id)) == 53
