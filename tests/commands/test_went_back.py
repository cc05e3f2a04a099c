"""The ledger goes back under a running appender, as when a backup is restored, or when a standby that lagged is promoted: nothing
is built on entries that the database does not have any more."""

import asyncio
import logging
from uuid import UUID

import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger.anchor import LedgerWentBack
from ledger.errors import SoldOut
from ledger.macs import MacCheck
from ledger.pool import make_pool
from ledger.settings import Settings
from ledger.streams import Streams
from tests.commands import selling as t
from tests.conftest import PostgresServer
from tests.ledger import storage


async def _sell(appender: Appender, event_id: UUID, bookings: int) -> list[UUID]:
    commands = [t.book(event_id) for _ in range(bookings)]
    for command in commands:
        outcome, _ = await t.insist(appender, command)
        assert isinstance(outcome, AcceptedCommand)
    return [command.id for command in commands]


async def test_no_gap_after_a_restore(
    appender: Appender, database_url: str, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    event_id = await t.scheduled(appender, capacity=100)
    kept = await _sell(appender, event_id, 3)
    backup = postgres_server.back_up(database_url)
    await _sell(appender, event_id, 4)
    with caplog.at_level(logging.CRITICAL):
        postgres_server.restore(database_url, backup)
        new = await _sell(appender, event_id, 2)
    assert await t.bookings_of(database_url, event_id) == [*kept, *new]
    assert [record.levelname for record in caplog.records].count("CRITICAL") == 1


async def test_same_versions_of_another_history(database_url: str, postgres_server: PostgresServer) -> None:
    """Back to 3 bookings, then another process sells as many as were lost: the versions are the same, the entries are not."""
    async with t.an_appender(database_url) as appender, t.an_appender(database_url) as other:
        event_id = await t.scheduled(appender, capacity=100)
        kept = await _sell(appender, event_id, 3)
        backup = postgres_server.back_up(database_url)
        await _sell(appender, event_id, 4)
        postgres_server.restore(database_url, backup)
        meanwhile = await _sell(other, event_id, 4)
        new = await _sell(appender, event_id, 1)
        assert await t.bookings_of(database_url, event_id) == [*kept, *meanwhile, *new]


async def test_refusal_of_a_lost_history(database_url: str, postgres_server: PostgresServer) -> None:
    """Sold out in the lost history; in the one that stands another process has appended as many entries, and seats are left."""
    async with t.an_appender(database_url) as appender, t.an_appender(database_url) as other:
        event_id = await t.scheduled(appender, capacity=10)
        backup = postgres_server.back_up(database_url)
        await t.insist(appender, t.book(event_id, quantity=10))
        with pytest.raises(SoldOut):
            await appender.submit(t.book(event_id))
        postgres_server.restore(database_url, backup)
        await t.insist(other, t.book(event_id, quantity=4))
        outcome, _ = await t.insist(appender, t.book(event_id, quantity=6))
        assert isinstance(outcome, AcceptedCommand)
        assert len(await t.bookings_of(database_url, event_id)) == 2


async def test_retry_of_a_lost_booking_books_again(database_url: str, postgres_server: PostgresServer) -> None:
    async with t.a_command_service(database_url) as service:
        event_id = await t.scheduled(service._appender, capacity=10)
        backup = postgres_server.back_up(database_url)
        lost, others = t.book(event_id), [t.book(event_id) for _ in range(3)]
        await t.execute(service, lost)
        postgres_server.restore(database_url, backup)
        results = await asyncio.gather(*(t.execute(service, command) for command in (*others, lost)))
        assert {result.view.id for result in results} == {command.id for command in (*others, lost)}
        assert set(await t.bookings_of(database_url, event_id)) == {command.id for command in (*others, lost)}


async def test_retry_meets_another_entry(database_url: str, postgres_server: PostgresServer) -> None:
    """In the place of the lost booking stands somebody else's: the retry is neither that one's, nor a reused key."""
    async with t.a_command_service(database_url) as service, t.an_appender(database_url) as other:
        event_id = await t.scheduled(service._appender, capacity=10)
        backup = postgres_server.back_up(database_url)
        lost = t.book(event_id)
        await t.execute(service, lost)
        postgres_server.restore(database_url, backup)
        [somebodys] = await _sell(other, event_id, 1)
        assert (await t.execute(service, lost)).view.id == lost.id
        assert await t.bookings_of(database_url, event_id) == [somebodys, lost.id]


async def test_retry_schedules_a_lost_event_again(database_url: str, postgres_server: PostgresServer) -> None:
    async with t.a_command_service(database_url) as service:
        backup = postgres_server.back_up(database_url)
        command = t.schedule()
        await t.execute(service, command)
        postgres_server.restore(database_url, backup)
        assert (await t.execute(service, command)).view.id == command.event_id
        booking = t.book(command.event_id)
        await t.execute(service, booking)
        assert await t.bookings_of(database_url, command.event_id) == [booking.id]


async def test_events_dropped_while_a_batch_waits_for_the_lock(database_url: str) -> None:
    """By the watch, say: the batch is not decided without its Event, which would look like an event that does not exist."""
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender, capacity=10)
        appender._contention.record_conflict()
        async with t.blocked_appends(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.wait_for_blocked_appends(database_url)
            appender.anchor.lose(LedgerWentBack("an entry"), appender.anchor.losses)
        [outcome] = await t.answers(sent)
        assert isinstance(outcome, AcceptedCommand)


async def test_entries_of_another_process_are_an_anchor_too(database_url: str, postgres_server: PostgresServer) -> None:
    """This process has read what the other one appended; it notices although what it appended itself is still there."""
    async with t.an_appender(database_url) as appender, t.an_appender(database_url) as other:
        event_id, another = await t.scheduled(appender, capacity=10), await t.scheduled(appender, capacity=10)
        lost: list[int] = []
        appender.anchor.on_loss(lambda: lost.append(1))
        backup = postgres_server.back_up(database_url)
        await t.insist(other, t.book(event_id, quantity=10))
        with pytest.raises(SoldOut):
            await t.insist(appender, t.book(event_id))
        postgres_server.restore(database_url, backup)
        await t.insist(appender, t.book(another))
        assert lost == [1]


async def test_load_goes_on_with_the_same_history(appender: Appender, database_url: str, postgres_server: PostgresServer) -> None:
    """A long stream is read in pages; the ledger goes back between two of them."""
    event_id = await t.scheduled(appender, capacity=100)
    async with make_pool(Settings(database_url=database_url)) as pool:
        streams = Streams(pool, MacCheck(storage.MACS))
        backup = postgres_server.back_up(database_url)
        await _sell(appender, event_id, 3)
        read_before = await streams.load(event_id)
        postgres_server.restore(database_url, backup)
        async with t.an_appender(database_url) as other:
            await _sell(other, event_id, 5)
        with pytest.raises(LedgerWentBack):
            await streams.load(event_id, since=read_before)
        read_after = await streams.load(event_id)
        assert read_after is not None
        assert read_after.version == 6
