"""Group commit: queued commands are appended together, decided in their order, and each has its own outcome."""

import asyncio
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
import pytest

from commands.appender import batch
from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from commands.appender.contention import STAY_LOCKED
from ledger import connection
from ledger import entries as e
from ledger.commands import Command
from ledger.connection import DataRefused
from ledger.decide import decide
from ledger.errors import EventNotFound, Malformed, SoldOut
from ledger.mapper import encode
from ledger.store import Ledger
from tests.commands import selling as t


async def test_an_accepted_command_returns_its_entries_with_positions(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id, quantity=2)
    outcome = await appender.submit(command)
    assert isinstance(outcome, AcceptedCommand)
    stored = (await t.stream_of(database_url, event_id))[1:]
    assert [msgspec.structs.replace(recorded, mac=None) for recorded in outcome.recorded] == stored
    assert (outcome.event_name, outcome.currency, outcome.event) == ("Concert", "EUR", None)


async def test_a_new_event_is_numbered_by_its_position(appender: Appender, database_url: str) -> None:
    outcome = await appender.submit(t.schedule())
    assert isinstance(outcome, AcceptedCommand)
    assert outcome.event is not None
    [recorded] = await t.stream_of(database_url, outcome.event.id)
    assert outcome.event.number == recorded.position > 0


async def test_commands_that_come_together_go_in_together(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender, capacity=1_000)
    before = appender.appends
    outcomes = await t.outcomes(appender, [t.book(event_id) for _ in range(300)])
    assert t.count(AcceptedCommand, outcomes) == 300
    assert appender.appends - before <= 5
    assert len(await t.bookings_of(database_url, event_id)) == 300


@pytest.mark.parametrize("lock_first", [False, True])
async def test_deciding_is_bounded_and_what_is_left_comes_next(
    appender: Appender, database_url: str, monkeypatch: pytest.MonkeyPatch, lock_first: bool
) -> None:
    """As if each command took as long as a whole batch may."""
    event_id = await t.scheduled(appender, capacity=15)
    before = appender.appends
    monkeypatch.setattr(batch, "DECIDE_SECONDS", -1.0)
    if lock_first:
        appender._contention.record_conflict()
    outcomes = await t.outcomes(appender, [t.book(event_id) for _ in range(20)])
    assert (t.count(AcceptedCommand, outcomes), t.count(SoldOut, outcomes)) == (15, 5)
    assert appender.appends - before == 15
    assert len(await t.bookings_of(database_url, event_id)) == 15


async def test_commands_collect_while_an_append_is_in_flight(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender, capacity=1_000)
    before = appender.appends
    async with t.blocked_appends(database_url):
        first = t.send(appender, t.book(event_id))
        await t.wait_for_blocked_appends(database_url)
        rest = t.send(appender, *(t.book(event_id) for _ in range(50)))
    assert t.count(AcceptedCommand, await t.answers(first + rest)) == 51
    assert appender.appends - before == 2


async def test_who_comes_while_the_lock_is_awaited_goes_in_with_those_who_wait_for_it(
    appender: Appender, database_url: str
) -> None:
    """As when another process sells the same Event. Commands for another Event, whose stream was not read under the lock, stay
    queued."""
    event_id, other = await t.scheduled(appender, capacity=1_000), await t.scheduled(appender)
    before = appender.appends
    appender._contention.record_conflict()
    async with t.blocked_appends(database_url):
        sent = t.send(appender, t.book(event_id))
        await t.wait_for_blocked_appends(database_url)
        sent += t.send(appender, t.book(other), *(t.book(event_id) for _ in range(50)))
        await asyncio.sleep(0)
    assert t.count(AcceptedCommand, await t.answers(sent)) == 52
    assert appender.appends - before == 2
    assert len(await t.bookings_of(database_url, event_id)) == 51
    assert [outcome.recorded[0].position for outcome in await t.answers(sent)][1] > (await t.stream_of(database_url, event_id))[
        -1
    ].position


async def test_a_joined_batch_is_bounded_too(database_url: str) -> None:
    async with t.an_appender(database_url, batch_limit=20) as appender:
        event_id = await t.scheduled(appender, capacity=1_000)
        before = appender.appends
        appender._contention.record_conflict()
        async with t.blocked_appends(database_url):
            sent = t.send(appender, t.book(event_id))
            await t.wait_for_blocked_appends(database_url)
            sent += t.send(appender, *(t.book(event_id) for _ in range(50)))
            await asyncio.sleep(0)
        assert t.count(AcceptedCommand, await t.answers(sent)) == 51
        assert appender.appends - before == 3


async def test_a_batch_is_bounded(database_url: str) -> None:
    async with t.an_appender(database_url, batch_limit=50) as appender:
        event_id = await t.scheduled(appender, capacity=1_000)
        await t.outcomes(appender, [t.book(event_id) for _ in range(300)])
        assert 1 + 6 <= appender.appends <= 1 + 8


async def test_one_append_holds_the_entries_of_many_events(appender: Appender, database_url: str) -> None:
    events = [await t.scheduled(appender) for _ in range(5)]
    before = appender.appends
    assert t.count(AcceptedCommand, await t.outcomes(appender, [t.book(event_id) for event_id in events * 3])) == 15
    assert appender.appends - before <= 2
    assert [len(await t.bookings_of(database_url, event_id)) for event_id in events] == [3] * 5


async def test_commands_are_decided_in_order_of_arrival(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender, capacity=10)
    commands = [t.book(event_id) for _ in range(15)]
    outcomes = await t.outcomes(appender, commands)
    assert [type(outcome) for outcome in outcomes] == [AcceptedCommand] * 10 + [SoldOut] * 5
    assert await t.bookings_of(database_url, event_id) == [command.id for command in commands[:10]]


async def test_the_newest_position_is_reported_after_each_append(database_url: str) -> None:
    heard: list[int] = []
    async with t.an_appender(database_url, appended=heard.append) as appender:
        event_id = await t.scheduled(appender)
        outcomes = await t.outcomes(appender, [t.book(event_id) for _ in range(3)])
    assert heard == sorted(heard)
    assert heard[-1] == outcomes[-1].recorded[-1].position == (await t.stream_of(database_url, event_id))[-1].position


async def test_an_unknown_event_is_not_found(appender: Appender) -> None:
    unknown = UUID(int=404)
    with pytest.raises(EventNotFound):
        await appender.submit(t.book(unknown))
    assert await appender.last_seen_event(unknown) is None


async def test_an_event_that_another_process_has_scheduled_is_found(appender: Appender, database_url: str) -> None:
    command = t.schedule()
    with pytest.raises(EventNotFound):
        await appender.submit(t.book(command.event_id))
    async with t.an_appender(database_url) as other:
        await other.submit(command)
    assert isinstance(await appender.submit(t.book(command.event_id)), AcceptedCommand)


async def test_a_command_whose_decision_fails_fails_alone(appender: Appender, monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = await t.scheduled(appender)
    commands = [t.book(event_id) for _ in range(5)]

    def trip(event: Any, command: Command, now: Any) -> list[e.Entry]:
        if command.id == commands[2].id:
            raise ZeroDivisionError
        return decide(event, command, now)

    monkeypatch.setattr(batch, "decide", trip)
    outcomes = await t.outcomes(appender, commands)
    assert [type(outcome) for outcome in outcomes] == [
        AcceptedCommand,
        AcceptedCommand,
        ZeroDivisionError,
        AcceptedCommand,
        AcceptedCommand,
    ]


async def test_a_command_whose_entries_can_t_be_applied_fails_alone(
    appender: Appender, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = await t.scheduled(appender)
    commands = [t.book(event_id) for _ in range(5)]

    def many(event: Any, command: Command, now: Any) -> list[e.Entry]:
        made = decide(event, command, now)
        too_many = [msgspec.structs.replace(made[0], lines=(e.Line(1, "General", 11, 1),))]
        return made + too_many if command.id == commands[3].id else made

    monkeypatch.setattr(batch, "decide", many)
    outcomes = await t.outcomes(appender, commands)
    assert [type(outcome) for outcome in outcomes] == [
        AcceptedCommand,
        AcceptedCommand,
        AcceptedCommand,
        AssertionError,
        AcceptedCommand,
    ]
    assert await t.bookings_of(database_url, event_id) == [command.id for place, command in enumerate(commands) if place != 3]


def refused_by_a_constraint(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE ledger_entries ADD CHECK (topic <> 'event-cancelled/1')")


def refused_by_the_driver(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[Any, str]", e._NEWEST), e.EventCancelled, "event\x00cancelled/1")


def refused_by_the_encoder(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(entry: e.Entry) -> bytes:
        if isinstance(entry, e.EventCancelled):
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        return encode(entry)

    monkeypatch.setattr(connection, "encode", strict)


@pytest.mark.parametrize("locked", [0, STAY_LOCKED])
@pytest.mark.parametrize("refuse", [refused_by_a_constraint, refused_by_the_driver, refused_by_the_encoder])
async def test_data_that_is_refused_fails_alone(
    appender: Appender, database_url: str, monkeypatch: pytest.MonkeyPatch, refuse: Any, locked: int
) -> None:
    events = [await t.scheduled(appender) for _ in range(3)]
    connection = appender._connection
    appender._contention.locked_batches = locked
    refuse(database_url, monkeypatch)
    commands = [t.book(events[0]), t.book(events[1]), t.cancel_event(events[1]), t.book(events[1]), t.book(events[2])]
    outcomes = await t.outcomes(appender, commands)
    assert [type(outcome) for outcome in outcomes] == [
        AcceptedCommand,
        AcceptedCommand,
        DataRefused,
        AcceptedCommand,
        AcceptedCommand,
    ]
    assert [len(await t.bookings_of(database_url, event_id)) for event_id in events] == [1, 2, 1]
    assert appender._connection is connection, "what is refused for certain costs no connection"


async def test_refusals_and_retries_beside_refused_data_get_their_own_outcomes(
    appender: Appender, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    event_id, other = await t.scheduled(appender, capacity=1), await t.scheduled(appender)
    booking = t.book(event_id)
    await appender.submit(booking)
    refused_by_the_driver(database_url, monkeypatch)
    outcomes = await t.outcomes(appender, [booking, t.cancel_event(other), t.book(event_id), t.book(other, quantity=0)])
    assert [type(outcome) for outcome in outcomes] == [batch.RepeatedCommand, DataRefused, SoldOut, Malformed]


async def test_a_cancelled_event_of_100_000_bookings_is_one_entry(appender: Appender, database_url: str) -> None:
    event_id = UUID(int=0xB16)
    t.fill(database_url, event_id, capacity=200_000, bookings=100_000)
    await t.insist(appender, t.book(event_id))
    outcome = await appender.submit(t.cancel_event(event_id))
    assert isinstance(outcome, AcceptedCommand)
    assert [type(recorded.entry) for recorded in outcome.recorded] == [e.EventCancelled]
    assert outcome.event is not None
    assert outcome.event.available == 200_000
    ledger = Ledger(database_url)
    assert len(list(ledger.stream(event_id, after=100_002))) == 1
    ledger.close()
