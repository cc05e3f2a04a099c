"""Events are loaded and removed while other Events go on selling."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger import snapshots
from ledger.errors import Busy, SoldOut
from ledger.event import Event
from ledger.store import Ledger
from ledger.streams import SHORT
from tests.commands import selling as t
from tests.ledger import scenario as s
from tests.ledger import storage

LONG = UUID(int=0x1046)
BOOKINGS = 100_000


async def longest_gap_seconds(appender: Appender, event_id: UUID, until: asyncio.Task[object]) -> float:
    """The longest time between two bookings of a client that books without a pause."""
    loop, gap, before = asyncio.get_running_loop(), 0.0, asyncio.get_running_loop().time()
    while not until.done():
        await appender.submit(t.book(event_id))
        gap, before = max(gap, loop.time() - before), loop.time()
    return gap


@pytest.mark.parametrize("from_snapshot", [False, True])
async def test_loading_a_long_stream_does_not_stop_other_events_from_selling(database_url: str, from_snapshot: bool) -> None:
    t.fill(database_url, LONG, capacity=200_000, bookings=BOOKINGS)
    async with t.an_appender(database_url, timeout_seconds=30) as appender:
        event_id = await t.scheduled(appender, capacity=100_000)
        if from_snapshot:
            await _take_snapshot(database_url, appender)
        [loading] = t.send(appender, t.book(LONG))
        gap = await longest_gap_seconds(appender, event_id, loading)
        outcome = await loading
        sold = len(await t.bookings_of(database_url, event_id))
    print(f"while {BOOKINGS:,} bookings were loaded, {sold} others were sold; the longest gap was {gap * 1000:.0f} ms")
    assert isinstance(outcome, AcceptedCommand)
    assert outcome.recorded[0].version == BOOKINGS + 2
    assert sold > 3
    assert gap < 0.5


async def _take_snapshot(database_url: str, appender: Appender) -> None:
    event = await appender.last_seen_event(LONG)
    assert event is not None
    ledger = Ledger(database_url, storage.MACS)
    ledger.save_snapshot(snapshots.take(event))
    ledger.close()
    appender.cache.drop(LONG)


async def test_loading_starts_from_a_snapshot(appender: Appender, database_url: str) -> None:
    t.fill(database_url, LONG, capacity=60, bookings=50)
    event = await appender.last_seen_event(LONG)
    assert event is not None
    short = snapshots.take(event)
    await appender.submit(t.book(LONG, quantity=10))
    ledger = Ledger(database_url, storage.MACS)
    ledger.save_snapshot(short)
    assert storage.latest_snapshot(ledger, LONG) == msgspec.structs.replace(short, mac=None)
    ledger.close()
    async with t.an_appender(database_url) as other:
        loaded = await other.last_seen_event(LONG)
        assert loaded is not None
        assert s.state(loaded) == s.state(await appender.last_seen_event(LONG) or loaded)
        with pytest.raises(SoldOut):
            await other.submit(t.book(LONG))


@pytest.mark.parametrize("topic", snapshots.TOPICS)
async def test_an_event_has_its_number_with_and_without_snapshots(appender: Appender, database_url: str, topic: str) -> None:
    """Snapshots of the first format do not contain it."""
    t.fill(database_url, LONG, capacity=60, bookings=50)
    event = await appender.last_seen_event(LONG)
    assert event is not None
    assert event.number > 0
    ledger = Ledger(database_url, storage.MACS)
    ledger.save_snapshot(snapshots.take(event, topic))
    again = await asyncio.to_thread(ledger.current_event, LONG)
    ledger.close()
    async with t.an_appender(database_url) as other:
        loaded = await other.last_seen_event(LONG)
    assert loaded is not None
    assert again is not None
    assert s.state(loaded) == s.state(again) == s.state(event)


async def test_memory_is_bounded_and_removed_events_sell_correctly(database_url: str) -> None:
    async with t.an_appender(database_url, cache_bytes=30_000) as appender:
        events = [await t.scheduled(appender, capacity=10) for _ in range(20)]
        for _ in range(6):
            await t.outcomes(appender, [t.book(event_id, quantity=2) for event_id in events])
            assert appender.cache.bytes <= 30_000
            assert 1 <= len(appender.cache) < 10
        assert [len(await t.bookings_of(database_url, event_id)) for event_id in events] == [5] * 20


async def test_the_event_used_last_stays_however_big_it_is(database_url: str) -> None:
    async with t.an_appender(database_url, cache_bytes=1) as appender:
        first, second = await t.scheduled(appender, capacity=500), await t.scheduled(appender, capacity=500)
        await t.outcomes(appender, [t.book(second) for _ in range(100)])
        assert len(appender.cache) == 1
        assert appender.cache.get(second) is not None
        assert isinstance(await appender.submit(t.book(first)), AcceptedCommand)
        kept = appender.cache.get(first)
        assert kept is not None
        assert appender.cache.bytes == kept.weight_bytes()


async def test_concurrent_commands_load_their_event_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    t.fill(database_url, LONG, capacity=5_000, bookings=3_000)
    async with t.an_appender(database_url) as appender:
        loads: list[UUID] = []
        load = appender._memory.loader.streams.load

        async def counted(stream: UUID, **how: Any) -> Event | None:
            loads.append(stream)
            return await load(stream, **how)

        monkeypatch.setattr(appender._memory.loader.streams, "load", counted)
        outcomes = await t.outcomes(appender, [t.book(LONG) for _ in range(100)])
        assert t.count(AcceptedCommand, outcomes) == 100
        assert loads == [LONG]
        assert [outcome.recorded[0].version for outcome in outcomes] == list(range(3_002, 3_102))


async def test_many_events_are_loaded_in_few_statements(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with t.an_appender(database_url) as appender:
        events = [await t.scheduled(appender) for _ in range(200)]
    async with t.an_appender(database_url) as cold:
        statements: list[int] = []
        fetch = cold._memory.loader.streams._fetch

        async def counted(statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
            statements.append(1)
            return await fetch(statement, parameters)

        monkeypatch.setattr(cold._memory.loader.streams, "_fetch", counted)
        outcomes = await t.outcomes(cold, [t.book(event_id) for event_id in events])
    assert t.count(AcceptedCommand, outcomes) == 200
    assert len(statements) == 7


@pytest.mark.parametrize("entries", [SHORT, SHORT + 1])
async def test_long_short_and_empty_streams_are_loaded_together(database_url: str, entries: int) -> None:
    t.fill(database_url, LONG, capacity=5_000, bookings=entries - 1)
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
    async with t.an_appender(database_url) as cold:
        wanted = [LONG, UUID(int=404), event_id]
        events_seen = await asyncio.gather(*(cold.last_seen_event(stream) for stream in wanted))
        assert [event and (event.id, event.version) for event in events_seen] == [(LONG, entries), None, (event_id, 1)]
        short = await cold._memory.loader.streams.load_short(wanted)
        assert (LONG in short) == (entries <= SHORT)


async def test_an_unreadable_stream_fails_alone_among_those_loaded_with_it(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        events = [await t.scheduled(appender) for _ in range(3)]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as newer:
        mac = storage.MACS.compute(events[1], 2, "seats-swapped/1", b"{}")
        insert = "SELECT ledger_append(ARRAY[%s], ARRAY[2::bigint], ARRAY['seats-swapped/1'], ARRAY['{}'::bytea], ARRAY[%b::bytea])"
        await newer.execute(insert, (events[1], mac))
    async with t.an_appender(database_url) as cold:
        outcomes = await t.outcomes(cold, [t.book(event_id) for event_id in events])
    assert [type(outcome) for outcome in outcomes] == [AcceptedCommand, Busy, AcceptedCommand]
