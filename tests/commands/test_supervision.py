"""Supervision: after failures of the database, callers or our code the appender fails the affected requests and continues."""

import asyncio
import random
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from commands.appender import appender as appender_module
from commands.appender import event_memory
from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, decide_batch
from ledger import entries as e
from ledger.errors import Busy, SoldOut
from ledger.event import Event
from ledger.evolve import evolve
from tests.commands import selling as t
from tests.ledger import storage


async def test_queued_requests_go_on_after_an_internal_error(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No new request comes, so it has to notice the queued ones itself."""
    async with t.an_appender(database_url, batch_limit=1) as appender:
        event_id = await t.scheduled(appender)
        first, *rest = [t.book(event_id) for _ in range(4)]

        def trip(batch: Any, *others: Any) -> Any:
            if batch[0].command.id == first.id:
                raise ZeroDivisionError
            return decide_batch(batch, *others)

        monkeypatch.setattr(appender_module, "decide_batch", trip)
        outcomes = await asyncio.wait_for(t.outcomes(appender, [first, *rest]), timeout=2)
        assert [type(outcome) for outcome in outcomes] == [Busy, AcceptedCommand, AcceptedCommand, AcceptedCommand]


async def test_an_event_that_was_half_changed_is_loaded_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tripped: list[e.RecordedEntry] = []

    def trip_once(event: Event | None, recorded: e.RecordedEntry) -> Event:
        if not tripped:
            assert event is not None
            tripped.append(recorded)
            event.version = recorded.version
            raise ZeroDivisionError
        return evolve(event, recorded)

    async with t.an_appender(database_url) as appender, t.an_appender(database_url) as other:
        event_id = await t.scheduled(appender, capacity=2)
        await other.submit(t.book(event_id))
        monkeypatch.setattr(event_memory, "evolve", trip_once)
        command = t.book(event_id)
        await t.insist(appender, command)
        assert tripped
        with pytest.raises(SoldOut):
            await appender.submit(t.book(event_id))
    assert len(await t.bookings_of(database_url, event_id)) == 2


async def test_many_cancelled_callers_do_not_affect_others(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender, capacity=1_000)
    dice = random.Random(5)
    commands = [t.book(event_id) for _ in range(300)]
    sent = []
    for command in commands:
        sent += t.send(appender, command)
        if dice.random() < 0.2:
            await asyncio.sleep(0)
        if dice.random() < 0.3:
            dice.choice(sent).cancel()
    outcomes = await t.answers(sent)
    stand = set(await t.bookings_of(database_url, event_id))
    assert {type(outcome) for outcome in outcomes} == {AcceptedCommand, asyncio.CancelledError}
    assert {
        command.id for command, outcome in zip(commands, outcomes, strict=True) if isinstance(outcome, AcceptedCommand)
    } <= stand
    assert appender.pending == 0
    assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)


async def test_repeatedly_cut_connections_neither_lose_nor_double_bookings(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender, capacity=100_000)

    async def cut() -> None:
        cuts = 0
        while cuts < 6:
            cuts += await t.cut_connections(database_url)
            await t.cut_connections(database_url, "seatledger-api")
            await asyncio.sleep(0.02)

    async def client() -> list[UUID]:
        booked = []
        while not cutting.done():
            booked.append(uuid4())
            await t.insist(appender, t.book(event_id, id_=booked[-1]))
        return booked

    cutting = asyncio.create_task(cut())
    booked = [booking for bookings in await asyncio.gather(*(client() for _ in range(8))) for booking in bookings]
    await cutting
    assert sorted(await t.bookings_of(database_url, event_id)) == sorted(booked)


async def test_a_failed_load_is_repeated_by_the_next_command(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    async with t.an_appender(database_url) as other:
        assert await t.cut_connections(database_url, "seatledger-api") >= 2
        outcome, _ = await t.insist(other, t.book(event_id))
        assert isinstance(outcome, AcceptedCommand)


async def test_an_entry_of_a_later_release_stops_its_own_event_only(database_url: str) -> None:
    """During an upgrade an old process reads new entries: it goes on selling other Events, and raises Busy for this one."""
    async with t.an_appender(database_url) as appender:
        known, other = await t.scheduled(appender), await t.scheduled(appender)
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as newer:
            mac = storage.MACS.compute(known, 2, "seats-swapped/1", b"{}")
            values = "ARRAY[%s], ARRAY[2::bigint], ARRAY['seats-swapped/1'], ARRAY['{}'::bytea], ARRAY[%b::bytea]"
            await newer.execute(f"SELECT ledger_append({values})", (known, mac))
        answers = await asyncio.gather(
            *(appender.submit(t.book(event_id)) for event_id in (known, other, known)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Busy, AcceptedCommand, Busy]
