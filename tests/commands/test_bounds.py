"""Whoever waits gets an answer in time, and what it says about the ledger is true."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, RepeatedCommand
from ledger.errors import Busy, OutcomeUnknown
from ledger.recorder import LedgerConnection
from tests.commands import selling as t
from tests.ledger import scenario as s


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[Appender]:
    """One that lets nobody wait long."""
    async with t.an_appender(database_url, timeout_seconds=0.4) as one:
        yield one


async def test_a_command_that_its_caller_gave_up_is_never_decided(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    in_flight, given_up, patient = (t.book(event_id) for _ in range(3))
    async with t.appends_held_up(database_url):
        sent = t.send(appender, in_flight)
        await t.somebody_waits(database_url)
        sent += t.send(appender, given_up, patient)
        await asyncio.sleep(0)
        sent[1].cancel()
    found = await t.answers(sent)
    assert [type(one) for one in found] == [AcceptedCommand, asyncio.CancelledError, AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [in_flight.id, patient.id]
    assert appender.pending == 0


async def test_a_caller_that_gives_up_in_flight_finds_what_stands(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id)
    async with t.appends_held_up(database_url):
        [sent] = t.send(appender, command)
        await t.somebody_waits(database_url)
        sent.cancel()
    assert await appender.submit(command) == RepeatedCommand(event_id, 2, (2,))
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_who_waited_in_the_queue_for_too_long_gets_busy_and_nothing_happens_later(hasty: Appender, database_url: str) -> None:
    event_id = await t.scheduled(hasty)
    in_flight, queued = t.book(event_id), t.book(event_id)
    async with t.appends_held_up(database_url):
        sent = t.send(hasty, in_flight)
        await t.somebody_waits(database_url)
        sent += t.send(hasty, queued)
        found = await asyncio.wait_for(t.answers(sent), timeout=2)
    assert [type(one) for one in found] == [OutcomeUnknown, Busy]
    _, _ = await t.insist(hasty, in_flight)
    assert await t.bookings_of(database_url, event_id) == [in_flight.id]


async def test_an_append_that_hangs_is_unknown_and_its_retry_finds_what_stands(hasty: Appender, database_url: str) -> None:
    event_id = await t.scheduled(hasty, capacity=1)
    command = t.book(event_id)
    async with t.appends_held_up(database_url):
        with pytest.raises(OutcomeUnknown):
            await hasty.submit(command)
    outcome, _ = await t.insist(hasty, command)
    assert isinstance(outcome, AcceptedCommand | RepeatedCommand)
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_a_client_that_has_gone_is_withdrawn(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    first, gone, here = (t.book(event_id) for _ in range(3))

    async def has_gone() -> bool:
        return True

    async def is_here() -> bool:
        return False

    async with t.appends_held_up(database_url):
        sent = t.send(appender, first)
        await t.somebody_waits(database_url)
        sent += [asyncio.create_task(appender.submit(gone, has_gone)), asyncio.create_task(appender.submit(here, is_here))]
        await asyncio.sleep(0.15)  # only who has waited is asked
    assert [type(one) for one in await t.answers(sent)] == [AcceptedCommand, Busy, AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [first.id, here.id]


async def test_who_can_t_say_whether_the_client_has_gone_fails_alone(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)

    async def trips() -> bool:
        raise RuntimeError("the socket is not there any more")

    async with t.appends_held_up(database_url):
        sent = t.send(appender, t.book(event_id))
        await t.somebody_waits(database_url)
        sent += [asyncio.create_task(appender.submit(t.book(event_id), trips)), *t.send(appender, t.book(event_id))]
        await asyncio.sleep(0.15)
    assert [type(one) for one in await t.answers(sent)] == [AcceptedCommand, RuntimeError, AcceptedCommand]


async def test_a_full_queue_refuses_at_once_and_is_open_again_later(database_url: str) -> None:
    async with t.an_appender(database_url, queue_limit=5) as appender:
        event_id = await t.scheduled(appender)
        async with t.appends_held_up(database_url):
            sent = t.send(appender, *(t.book(event_id) for _ in range(5)))
            await t.somebody_waits(database_url)
            with pytest.raises(Busy):
                await asyncio.wait_for(appender.submit(t.book(event_id)), timeout=0.1)
        assert t.count(AcceptedCommand, await t.answers(sent)) == 5
        assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)
        assert len(await t.bookings_of(database_url, event_id)) == 6


async def test_a_connection_that_breaks_in_flight_is_tried_again(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id)
    async with t.appends_held_up(database_url):
        sent = t.send(appender, command)
        await t.somebody_waits(database_url)
        assert await t.cut_connections(database_url) == 1
    assert [type(one) for one in await t.answers(sent)] == [AcceptedCommand]
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_while_the_database_is_away_nobody_is_told_a_lie(database_url: str) -> None:
    away = False

    async def connect() -> LedgerConnection:
        if away:
            raise psycopg.OperationalError("the database is away")
        return await LedgerConnection.connect(database_url, s.MACS)

    async with t.an_appender(database_url, connect, timeout_seconds=0.5) as appender:
        event_id = await t.scheduled(appender)
        in_flight, later = t.book(event_id), t.book(event_id)
        async with t.appends_held_up(database_url):
            sent = t.send(appender, in_flight)
            await t.somebody_waits(database_url)
            away = True
            await t.cut_connections(database_url)
            sent += t.send(appender, later)
            found = await asyncio.wait_for(t.answers(sent), timeout=3)
        assert [type(one) for one in found] == [OutcomeUnknown, Busy]
        away = False
        assert isinstance((await t.insist(appender, in_flight))[0], AcceptedCommand)
        assert await t.bookings_of(database_url, event_id) == [in_flight.id]


async def test_closing_lets_those_who_wait_finish(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        async with t.appends_held_up(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.somebody_waits(database_url)
            closing = asyncio.create_task(appender.close())
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await appender.submit(t.book(event_id))
        assert [type(one) for one in await t.answers(sent)] == [AcceptedCommand]
        await closing


async def test_closing_answers_those_whom_it_can_t_let_finish(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        async with t.appends_held_up(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.somebody_waits(database_url)
            sent += t.send(appender, t.book(event_id))
            await asyncio.sleep(0)
            await appender.close(patience_seconds=0.05)
            found = await asyncio.wait_for(t.answers(sent), timeout=1)
        assert [type(one) for one in found] == [OutcomeUnknown, Busy]
