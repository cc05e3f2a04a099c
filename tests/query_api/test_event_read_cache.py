"""Events in memory show what the database shows, at the position that they name, whatever changes meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis

from ledger.channels import positions_channel
from ledger.commands import BookSeats, CancelBooking, CancelEvent, CategoryChange, ChangeEvent, Command, WantedSeats
from ledger.errors import SeatledgerError
from ledger.event import category_id
from ledger.settings import Settings
from query_api.caching import cached_events, event_read_cache
from query_api.caching.cached_events import CachedResponse
from query_api.queries import EventSearch
from tests.query_api.world import ADMIN, ALICE, BOB, NOW, Api, CountingCursor, World, reading, until
from tests.soak import rounds


@pytest.fixture
async def heard(settings: Settings) -> AsyncIterator[Api]:
    async with reading(settings) as api:
        yield api


@pytest.fixture
async def unheard(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A process that no message reaches, and that looks by itself seldom: so its memory is old when it may be."""
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 30.0)
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        yield api


def shown(view: dict[str, Any]) -> tuple[Any, ...]:
    categories = [(one["name"], one["price"], one["capacity"], one["taken"], one["available"]) for one in view["categories"]]
    return view["id"], view["name"], view["status"], view["available"], view["capacity"], view["details_version"], categories


async def both(api: Api, path: str) -> tuple[Any, str]:
    answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return ([shown(one) for one in body["items"]] if "items" in body else shown(body)), answer.headers["ledger-position"]


def change_at_random(world: World, dice: random.Random, events: list[UUID]) -> None:
    """Books, cancels, edits, schedules: what breaks a rule is not done."""
    event_id = dice.choice(events)
    event = world.events[event_id]
    prices = [CategoryChange(category_id(event_id, number), None, dice.randrange(9_000), None) for number in event.categories]
    changes: list[Command] = [
        ChangeEvent(
            id=uuid4(), actor=ADMIN, event_id=event_id, changes={"name": f"Night {dice.random()}"},
            expected_details_version=event.details_version,
        ),
        ChangeEvent(
            id=uuid4(), actor=ADMIN, event_id=event_id, categories=(*prices, CategoryChange(None, f"Row {dice.random()}", 10, 5)),
            expected_details_version=event.details_version,
        ),
        CancelEvent(id=uuid4(), actor=ADMIN, event_id=event_id),
    ]  # fmt: skip
    bookings = [BookSeats(id=uuid4(), actor=ALICE, event_id=event_id, tickets=(WantedSeats("General", 2),)) for _ in range(12)]
    assert isinstance(event.bookings, dict)
    stand = [UUID(bytes=one) for one in [*event.bookings][:3]]
    cancelled = [CancelBooking(id=uuid4(), actor=ADMIN, event_id=event_id, booking_id=one) for one in stand]
    try:
        world.do(dice.choice([*bookings, *cancelled, *changes[: 2 + (dice.random() < 0.2)]]))
    except SeatledgerError:
        if len(events) < 12:
            events.append(world.schedule(f"Late {len(events)}", starts_at=NOW + timedelta(days=30, hours=len(events))))


@pytest.mark.parametrize("seed", range(rounds(4, 20)))
async def test_what_is_in_memory_is_what_the_database_showed_at_that_position(world: World, unheard: Api, seed: int) -> None:
    dice, events = random.Random(seed), [world.schedule(f"Event {n}") for n in range(4)]
    world.project()
    kept = unheard.side.event_read_cache
    truth: dict[tuple[str, str], Any] = {}
    paths = ["/api/events", "/api/events?status=all&limit=3", *(f"/api/events/{one}" for one in events)]
    from_memory = compared = 0
    for _ in range(rounds(25, 60)):
        for path in paths:  # what the database itself says now
            kept.cached.clear()
            body, position = await both(unheard, path)
            truth[path, position] = body
        if dice.random() < 0.5:
            await kept.poll()
        for path in paths:
            await both(unheard, path)
        before = CountingCursor.count_of_events
        for path in paths:
            body, position = await both(unheard, path)
            compared += (path, position) in truth
            assert truth.get((path, position), body) == body
        from_memory += before == CountingCursor.count_of_events
        for _ in range(dice.randrange(4)):
            change_at_random(world, dice, events)
        world.project(*dice.choice((("catalogue", "availability"), ("catalogue",), ("availability",), ())))
    assert from_memory > 10
    assert compared > 100


async def test_a_booking_shows_without_another_look_at_its_event(world: World, heard: Api, settings: Settings) -> None:
    event_id = world.schedule()
    world.project()
    path = f"/api/events/{event_id}"
    for _ in range(3):
        await heard.get(path)
        await asyncio.sleep(2 * event_read_cache.PAUSE_SECONDS)
    before = CountingCursor.count_of_events
    world.book(event_id, General=3)
    world.project()
    with Redis.from_url(settings.redis_url) as redis:
        for name in ("catalogue", "availability"):
            redis.publish(positions_channel(settings.redis_url), f"{name} {world.position}")

    async def is_heard() -> bool:
        return (await heard.get(path)).headers["ledger-position"] == str(world.position)

    await until(is_heard)
    assert (await heard.get(path)).json()["available"] == 107
    assert CountingCursor.count_of_events == before


async def test_without_messages_it_is_no_older_than_a_slow_look(world: World, settings: Settings) -> None:
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        event_id = world.schedule()
        world.project()
        await api.get(f"/api/events/{event_id}")
        await asyncio.sleep(2 * event_read_cache.PAUSE_SECONDS)
        world.book(event_id, General=3)
        world.project()
        began = asyncio.get_running_loop().time()

        async def is_seen() -> bool:
            return bool((await api.get(f"/api/events/{event_id}")).json()["available"] == 107)

        await until(is_seen)
        assert asyncio.get_running_loop().time() - began < 10 * event_read_cache.POLL_SECONDS


async def test_many_who_ask_at_once_are_answered_by_one_statement(world: World, unheard: Api) -> None:
    event_id = world.schedule()
    world.project()
    before = CountingCursor.count_of_events
    answers = await asyncio.gather(*(unheard.get(f"/api/events/{event_id}") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert CountingCursor.count_of_events <= before + 2


async def test_one_who_leaves_does_not_take_the_answer_from_the_others(world: World, unheard: Api) -> None:
    event_id = world.schedule()
    world.project()
    asked = [asyncio.create_task(unheard.side.event_read_cache.get_event(event_id, None)) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(one, CachedResponse) for one in found[1:])


async def test_a_list_of_upcoming_events_ends_when_its_first_begins(world: World, unheard: Api) -> None:
    soon = world.schedule("Soon", starts_at=NOW + timedelta(days=1))
    world.schedule("Later", starts_at=NOW + timedelta(days=2))
    world.project()
    kept, search = unheard.side.event_read_cache, EventSearch(status="active", upcoming=True)
    for now, count in ((NOW, 2), (NOW, 2), (NOW + timedelta(days=1), 1), (NOW + timedelta(days=2), 0)):
        found = await kept.get_page(search, now, None)
        assert found.body.count(b'"details_version"') == count
        assert (str(soon).encode() in found.body) == (count == 2)
        await until(lambda: kept.cached.position is not None)


async def test_memory_is_bounded_and_what_was_forgotten_is_read_again(
    world: World, unheard: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_events, "KEPT_BYTES", 6_000)
    kept = event_read_cache.EventReadCache(unheard.side.fetch)
    await kept.start()
    events = [world.schedule(f"no {n}") for n in range(20)]
    world.project()
    for _ in range(3):
        for event_id in events:
            found = await kept.get_event(event_id, None)
            assert found is not None
            assert str(event_id).encode() in found.body
        assert kept.cached.events.currsize <= 6_000
    await kept.close()


async def test_nothing_is_followed_while_nobody_reads(world: World, unheard: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_read_cache, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 0.05)
    event_id = world.schedule()
    world.project()
    await unheard.get(f"/api/events/{event_id}")
    await until(lambda: unheard.side.event_read_cache.cached.position is not None)
    await until(lambda: unheard.side.event_read_cache.cached.position is None)
    before = CountingCursor.count
    await asyncio.sleep(0.3)
    assert CountingCursor.count == before
    assert (await unheard.get(f"/api/events/{event_id}")).status_code == 200


async def test_it_goes_on_after_its_connections_were_lost(world: World, unheard: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 0.05)
    event_id = world.schedule()
    world.project()
    kept = unheard.side.event_read_cache
    await unheard.get(f"/api/events/{event_id}")
    await until(lambda: kept.cached.position is not None)
    await unheard.get(f"/api/events/{event_id}")
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    kept.wake()
    world.book(event_id, BOB)
    world.project()
    kept.wake()
    await until(lambda: kept.cached.position == world.position)
    assert (await unheard.get(f"/api/events/{event_id}")).json()["available"] == 109
