"""Every request is resolved in time, with an outcome that is true of the ledger."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg import sql

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, RepeatedCommand
from ledger.commands import Command
from ledger.connection import LedgerConnection
from ledger.errors import Busy, OutcomeUnknown, RetryableError
from tests.commands import selling as t
from tests.ledger import storage


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Appender]:
    """An appender with a short time-out."""
    async with t.an_appender(database_url, timeout_seconds=0.4) as one:
        yield one


async def test_a_command_whose_caller_was_cancelled_is_not_decided(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    in_flight, given_up, patient = (t.book(event_id) for _ in range(3))
    async with t.blocked_appends(database_url):
        sent = t.send(appender, in_flight)
        await t.wait_for_blocked_appends(database_url)
        sent += t.send(appender, given_up, patient)
        await asyncio.sleep(0)
        sent[1].cancel()
    outcomes = await t.answers(sent)
    assert [type(outcome) for outcome in outcomes] == [AcceptedCommand, asyncio.CancelledError, AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [in_flight.id, patient.id]
    assert appender.pending == 0


async def test_a_caller_that_was_cancelled_in_flight_finds_its_booking_by_a_retry(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id)
    async with t.blocked_appends(database_url):
        [sent] = t.send(appender, command)
        await t.wait_for_blocked_appends(database_url)
        sent.cancel()
    assert await appender.submit(command) == RepeatedCommand(event_id, 2, (2,))
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_a_command_that_expires_in_the_queue_is_busy_and_never_executed(hasty: Appender, database_url: str) -> None:
    event_id = await t.scheduled(hasty)
    in_flight, queued = t.book(event_id), t.book(event_id)
    async with t.blocked_appends(database_url):
        sent = t.send(hasty, in_flight)
        await t.wait_for_blocked_appends(database_url)
        sent += t.send(hasty, queued)
        outcomes = await asyncio.wait_for(t.answers(sent), timeout=2)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Busy]
    _, _ = await t.insist(hasty, in_flight)
    assert await t.bookings_of(database_url, event_id) == [in_flight.id]


async def test_an_append_that_hangs_is_unknown_until_its_retry(hasty: Appender, database_url: str) -> None:
    event_id = await t.scheduled(hasty, capacity=1)
    command = t.book(event_id)
    async with t.blocked_appends(database_url):
        with pytest.raises(OutcomeUnknown):
            await hasty.submit(command)
    outcome, _ = await t.insist(hasty, command)
    assert isinstance(outcome, AcceptedCommand | RepeatedCommand)
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_a_command_of_a_disconnected_client_is_withdrawn(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    first, disconnected, connected = (t.book(event_id) for _ in range(3))

    async def is_disconnected() -> bool:
        return True

    async def is_connected() -> bool:
        return False

    async with t.blocked_appends(database_url):
        sent = t.send(appender, first)
        await t.wait_for_blocked_appends(database_url)
        sent += [
            asyncio.create_task(appender.submit(disconnected, is_disconnected)),
            asyncio.create_task(appender.submit(connected, is_connected)),
        ]
        await asyncio.sleep(0.15)  # only a request that has waited is checked
    assert [type(outcome) for outcome in await t.answers(sent)] == [AcceptedCommand, Busy, AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [first.id, connected.id]


async def test_a_failing_check_for_a_disconnected_client_fails_its_command_alone(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)

    async def trips() -> bool:
        raise RuntimeError("the socket is not there any more")

    async with t.blocked_appends(database_url):
        sent = t.send(appender, t.book(event_id))
        await t.wait_for_blocked_appends(database_url)
        sent += [asyncio.create_task(appender.submit(t.book(event_id), trips)), *t.send(appender, t.book(event_id))]
        await asyncio.sleep(0.15)
    assert [type(outcome) for outcome in await t.answers(sent)] == [AcceptedCommand, RuntimeError, AcceptedCommand]


async def test_a_full_queue_refuses_at_once_and_accepts_again_later(database_url: str) -> None:
    async with t.an_appender(database_url, queue_limit=5) as appender:
        event_id = await t.scheduled(appender)
        async with t.blocked_appends(database_url):
            sent = t.send(appender, *(t.book(event_id) for _ in range(5)))
            await t.wait_for_blocked_appends(database_url)
            with pytest.raises(Busy):
                await asyncio.wait_for(appender.submit(t.book(event_id)), timeout=0.1)
        assert t.count(AcceptedCommand, await t.answers(sent)) == 5
        assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)
        assert len(await t.bookings_of(database_url, event_id)) == 6


async def test_an_append_whose_connection_breaks_is_retried(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id)
    async with t.blocked_appends(database_url):
        sent = t.send(appender, command)
        await t.wait_for_blocked_appends(database_url)
        assert await t.cut_connections(database_url) == 1
    assert [type(outcome) for outcome in await t.answers(sent)] == [AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_outcomes_are_true_while_the_database_is_unavailable(database_url: str) -> None:
    unavailable = False

    async def connect() -> LedgerConnection:
        if unavailable:
            raise psycopg.OperationalError("the database is unavailable")
        return await LedgerConnection.connect(database_url, storage.MACS)

    async with t.an_appender(database_url, connect, timeout_seconds=0.5) as appender:
        event_id = await t.scheduled(appender)
        in_flight, later = t.book(event_id), t.book(event_id)
        async with t.blocked_appends(database_url):
            sent = t.send(appender, in_flight)
            await t.wait_for_blocked_appends(database_url)
            unavailable = True
            await t.cut_connections(database_url)
            sent += t.send(appender, later)
            outcomes = await asyncio.wait_for(t.answers(sent), timeout=3)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Busy]
        unavailable = False
        assert isinstance((await t.insist(appender, in_flight))[0], AcceptedCommand)
        assert await t.bookings_of(database_url, event_id) == [in_flight.id]


async def test_closing_lets_pending_requests_finish(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        async with t.blocked_appends(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.wait_for_blocked_appends(database_url)
            closing = asyncio.create_task(appender.close())
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await appender.submit(t.book(event_id))
        assert [type(outcome) for outcome in await t.answers(sent)] == [AcceptedCommand]
        await closing


async def test_closing_gives_up_requests_that_do_not_finish(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        async with t.blocked_appends(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.wait_for_blocked_appends(database_url)
            sent += t.send(appender, t.book(event_id))
            await asyncio.sleep(0)
            await appender.close(patience_seconds=0.05)
            outcomes = await asyncio.wait_for(t.answers(sent), timeout=1)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Busy]


async def test_read_only_database_is_busy(database_url: str) -> None:
    """As a primary that has become a standby: it states that it appends nothing, so the outcome is known."""
    async with t.an_appender(database_url, timeout_seconds=0.6) as appender:
        event_id = await t.scheduled(appender)
        command = t.book(event_id)
        await _set_read_only(database_url, "on")
        with pytest.raises(RetryableError):
            await appender.submit(t.book(event_id))  # its connection was cut
        with pytest.raises(Busy):
            await _known_outcome(appender, command)
        await _set_read_only(database_url, "off")
        assert isinstance((await t.insist(appender, command))[0], AcceptedCommand)


async def _known_outcome(appender: Appender, command: Command) -> Any:
    """Its deadline may pass just while it is sent once more: then that try is unknown."""
    for _ in range(20):
        with suppress(OutcomeUnknown):
            return await appender.submit(command)
    raise AssertionError("unknown, each time")


async def _set_read_only(database_url: str, value: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(name, sql.SQL(value)))
    await t.cut_connections(database_url)


async def test_full_disk_is_busy(database_url: str) -> None:
    async with t.an_appender(database_url, timeout_seconds=0.6) as appender:
        event_id = await t.scheduled(appender)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            await connection.execute(
                "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE disk_full USING MESSAGE = 'No space left on device'; END $$"
            )
            await connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON ledger_entries EXECUTE FUNCTION no_space()")
            with pytest.raises(Busy):
                await _known_outcome(appender, t.book(event_id))
            await connection.execute("DROP TRIGGER full_disk ON ledger_entries")
        assert isinstance((await t.insist(appender, t.book(event_id)))[0], AcceptedCommand)
