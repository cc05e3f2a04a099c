"""The event read cache returns what the database showed at the position that the response names, whatever changes."""

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
from tests.query_api.world import ADMIN, ALICE, BOB, NOW, Api, CountingCursor, World, reading
from tests.soak import rounds
from tests.waiting import until


@pytest.fixture
async def with_redis(settings: Settings) -> AsyncIterator[Api]:
    async with reading(settings) as api:
        yield api


@pytest.fixture
async def without_redis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """An API process without messages that polls seldom, so that its cache is old where that is allowed."""
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 30.0)
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        yield api


def shown(view: dict[str, Any]) -> tuple[Any, ...]:
    categories = [
        (category["name"], category["price"], category["capacity"], category["taken"], category["available"])
        for category in view["categories"]
    ]
    return view["id"], view["name"], view["status"], view["available"], view["capacity"], view["details_version"], categories


async def body_and_position(api: Api, path: str) -> tuple[Any, str]:
    response = await api.get(path)
    assert response.status_code == 200, response.text
    body = response.json()
    return ([shown(item) for item in body["items"]] if "items" in body else shown(body)), response.headers["ledger-position"]


def change_at_random(world: World, dice: random.Random, events: list[UUID]) -> None:
    """Books, cancels, edits or schedules at random. After a refusal another event is scheduled, up to 12."""
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
    confirmed = [UUID(bytes=key) for key in [*event.bookings][:3]]
    cancelled = [CancelBooking(id=uuid4(), actor=ADMIN, event_id=event_id, booking_id=booking_id) for booking_id in confirmed]
    try:
        world.do(dice.choice([*bookings, *cancelled, *changes[: 2 + (dice.random() < 0.2)]]))
    except SeatledgerError:
        if len(events) < 12:
            events.append(world.schedule(f"Late {len(events)}", starts_at=NOW + timedelta(days=30, hours=len(events))))


@pytest.mark.parametrize("seed", range(rounds(4, 20)))
async def test_cached_responses_are_what_the_database_showed_at_their_position(world: World, without_redis: Api, seed: int) -> None:
    dice, events = random.Random(seed), [world.schedule(f"Event {n}") for n in range(4)]
    world.project()
    cache = without_redis.side.event_read_cache
    expected: dict[tuple[str, str], Any] = {}
    paths = ["/api/events", "/api/events?status=all&limit=3", *(f"/api/events/{event_id}" for event_id in events)]
    from_memory = compared = 0
    for _ in range(rounds(25, 60)):
        for path in paths:  # the present state of the database
            cache.cached.clear()
            body, position = await body_and_position(without_redis, path)
            expected[path, position] = body
        if dice.random() < 0.5:
            await cache.poll()
        for path in paths:
            await body_and_position(without_redis, path)
        before = CountingCursor.count_of_events
        for path in paths:
            body, position = await body_and_position(without_redis, path)
            compared += (path, position) in expected
            assert expected.get((path, position), body) == body
        from_memory += before == CountingCursor.count_of_events
        for _ in range(dice.randrange(4)):
            change_at_random(world, dice, events)
        world.project(*dice.choice((("catalogue", "availability"), ("catalogue",), ("availability",), ())))
    assert from_memory > 10
    assert compared > 100


async def test_booking_updates_a_cached_event_without_reading_it_again(world: World, with_redis: Api, settings: Settings) -> None:
    event_id = world.schedule()
    world.project()
    path = f"/api/events/{event_id}"
    for _ in range(3):
        await with_redis.get(path)
        await asyncio.sleep(2 * event_read_cache.PAUSE_SECONDS)
    before = CountingCursor.count_of_events
    world.book(event_id, General=3)
    world.project()
    with Redis.from_url(settings.redis_url) as redis:
        for name in ("catalogue", "availability"):
            redis.publish(positions_channel(settings.redis_url), f"{name} {world.position}")

    async def is_received() -> bool:
        return (await with_redis.get(path)).headers["ledger-position"] == str(world.position)

    await until(is_received)
    assert (await with_redis.get(path)).json()["available"] == 107
    assert CountingCursor.count_of_events == before


async def test_cache_without_messages_is_no_older_than_a_poll(world: World, settings: Settings) -> None:
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


async def test_concurrent_requests_need_one_statement(world: World, without_redis: Api) -> None:
    event_id = world.schedule()
    world.project()
    before = CountingCursor.count_of_events
    responses = await asyncio.gather(*(without_redis.get(f"/api/events/{event_id}") for _ in range(50)))
    assert {response.status_code for response in responses} == {200}
    assert CountingCursor.count_of_events <= before + 2


async def test_cancelled_request_does_not_cancel_the_others(world: World, without_redis: Api) -> None:
    event_id = world.schedule()
    world.project()
    asked = [asyncio.create_task(without_redis.side.event_read_cache.get_event(event_id, None)) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    responses = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(responses[0], asyncio.CancelledError)
    assert all(isinstance(response, CachedResponse) for response in responses[1:])


async def test_cached_page_of_upcoming_events_ends_when_its_first_begins(world: World, without_redis: Api) -> None:
    soon = world.schedule("Soon", starts_at=NOW + timedelta(days=1))
    world.schedule("Later", starts_at=NOW + timedelta(days=2))
    world.project()
    cache, search = without_redis.side.event_read_cache, EventSearch(status="active", upcoming=True)
    for now, count in ((NOW, 2), (NOW, 2), (NOW + timedelta(days=1), 1), (NOW + timedelta(days=2), 0)):
        response = await cache.get_page(search, now, None)
        assert response.made.body.count(b'"details_version"') == count
        assert (str(soon).encode() in response.made.body) == (count == 2)
        await until(lambda: cache.cached.position is not None)


async def test_cache_is_bounded_and_reads_evicted_events_again(
    world: World, without_redis: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_events, "KEPT_BYTES", 6_000)
    cache = event_read_cache.EventReadCache(without_redis.side.fetch)
    await cache.start()
    events = [world.schedule(f"no {n}") for n in range(20)]
    world.project()
    for _ in range(3):
        for event_id in events:
            response = await cache.get_event(event_id, None)
            assert response is not None
            assert str(event_id).encode() in response.made.body
        assert cache.cached.events.currsize <= 6_000
    await cache.close()


async def test_cache_does_not_poll_without_requests(world: World, without_redis: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_read_cache, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 0.05)
    event_id = world.schedule()
    world.project()
    await without_redis.get(f"/api/events/{event_id}")
    await until(lambda: without_redis.side.event_read_cache.cached.position is not None)
    await until(lambda: without_redis.side.event_read_cache.cached.position is None)
    before = CountingCursor.count
    await asyncio.sleep(0.3)
    assert CountingCursor.count == before
    assert (await without_redis.get(f"/api/events/{event_id}")).status_code == 200


async def test_cache_recovers_after_lost_connections(world: World, without_redis: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_read_cache, "POLL_SECONDS", 0.05)
    event_id = world.schedule()
    world.project()
    cache = without_redis.side.event_read_cache
    await without_redis.get(f"/api/events/{event_id}")
    await until(lambda: cache.cached.position is not None)
    await without_redis.get(f"/api/events/{event_id}")
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    cache.wake()
    world.book(event_id, BOB)
    world.project()
    cache.wake()
    await until(lambda: cache.cached.position == world.position)
    assert (await without_redis.get(f"/api/events/{event_id}")).json()["available"] == 109
