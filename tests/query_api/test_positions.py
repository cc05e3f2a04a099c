"""Read your writes."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio
import redis.asyncio

from ledger.channels import positions_channel
from ledger.errors import Busy, StaleRead
from ledger.settings import Settings
from query_api.live import positions as positions_module
from query_api.live.positions import PositionTracker
from query_api.queries.position_queries import ProjectionPositionRow
from tests.query_api.world import ADMIN, ALICE, Api, CountingCursor, World, reading, until


@pytest_asyncio.fixture
async def deaf_api(settings: Settings) -> AsyncIterator[Api]:
    """Its Redis is down."""
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        yield api


def at_least(position: int) -> dict[str, str]:
    return {"Ledger-Position": str(position)}


async def publish(settings: Settings, name: str, position: object) -> None:
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await until(lambda: client.publish(positions_channel(settings.redis_url), f"{name} {position}"))


async def test_what_is_there_is_answered_at_once(world: World, api: Api) -> None:
    event_id = world.schedule()
    world.project()
    for _ in range(2):
        answer = await api.get(f"/api/events/{event_id}", headers=at_least(world.position))
        assert answer.status_code == 200
    before = CountingCursor.count_of_events
    await api.get(f"/api/events/{event_id}", headers=at_least(world.position))
    await api.get(f"/api/events/{event_id}")
    assert CountingCursor.count_of_events <= before + 2


@pytest.mark.parametrize("heard", [True, False])
async def test_a_query_waits_until_all_that_it_reads_is_there(world: World, settings: Settings, heard: bool) -> None:
    redis_url = settings.redis_url if heard else "redis://127.0.0.1:1/0"
    async with reading(replace(settings, redis_url=redis_url)) as api:
        event_id = world.schedule()
        waiting = asyncio.create_task(api.get(f"/api/events/{event_id}", headers=at_least(world.position)))
        await asyncio.sleep(0.15)
        world.project("catalogue")
        await asyncio.sleep(0.15)
        assert not waiting.done()
        world.project("availability")
        answer = await asyncio.wait_for(waiting, 1)
        assert answer.status_code == 200
        assert answer.headers["ledger-position"] == str(world.position)


async def test_a_message_wakes_it(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(positions_module, "POLL_SECONDS", 60)
    async with reading(settings) as api:
        event_id = world.schedule()
        world.project("availability")
        waiting = asyncio.create_task(api.get(f"/api/events/{event_id}", headers=at_least(world.position)))
        await asyncio.sleep(0.1)
        world.project("catalogue")
        assert not waiting.done()
        await publish(settings, "catalogue", world.position)
        await publish(settings, "availability", world.position)
        assert (await asyncio.wait_for(waiting, 1)).status_code == 200


async def test_too_late_is_503(world: World, settings: Settings) -> None:
    async with reading(replace(settings, freshness_timeout_seconds=0.3)) as api:
        event_id = world.schedule()
        began = time.monotonic()
        late = await api.get(f"/api/events/{event_id}", headers=at_least(world.position))
        assert 0.3 <= time.monotonic() - began < 3
        assert (late.status_code, late.json()["type"], late.headers["retry-after"]) == (503, "/problems/stale-read", "1")


async def test_beyond_the_head_is_422(world: World, api: Api) -> None:
    world.schedule()
    beyond = await api.get("/api/bookings", ALICE, headers=at_least(world.position + 1))
    assert (beyond.status_code, beyond.json()["head"]) == (422, world.position)
    assert (await api.get("/api/events", headers=at_least(2**63 - 1))).json()["type"] == "/problems/position-beyond-head"


@pytest.mark.parametrize("position", ["-1", "x", "", "9" * 400, str(2**63), "1.5"])
async def test_what_is_no_position_is_422(api: Api, position: str) -> None:
    answer = await api.get("/api/events", headers={"Ledger-Position": position})
    assert answer.json()["type"] == "/problems/malformed"


async def test_a_message_that_is_not_true_is_found_out(world: World, api: Api, settings: Settings) -> None:
    event_id = world.schedule()
    for junk in ("99999999999999999999999 x", "catalogue -5", "nobody 5", "catalogue 9x", ""):
        name, _, position = junk.partition(" ")
        await publish(settings, name, position)
    for name in ("catalogue", "availability"):
        await publish(settings, name, 2**62)
    await until(lambda: api.side.positions.known("availability"))
    waiting = asyncio.create_task(api.get(f"/api/events/{event_id}", headers=at_least(world.position)))
    await asyncio.sleep(0.2)
    world.project()
    answer = await waiting
    assert (answer.status_code, answer.headers["ledger-position"]) == (200, str(world.position))


async def test_without_redis_everything_works(world: World, deaf_api: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    waiting = asyncio.create_task(deaf_api.side.event_of_booking(booking_id))
    await asyncio.sleep(0.05)
    world.project()
    assert await waiting == event_id
    answer = await deaf_api.get(f"/api/bookings/{booking_id}", ALICE, headers=at_least(world.position))
    assert answer.status_code == 200


async def test_a_csv_waits_too(world: World, api: Api) -> None:
    world.book(world.schedule())
    waiting = asyncio.create_task(api.get("/api/stats/events", ADMIN, at_least(world.position) | {"Accept": "text/csv"}))
    await asyncio.sleep(0.1)
    world.project()
    assert "Concert" in (await waiting).text


async def test_what_is_unknown_is_said_so_only_when_all_is_seen(world: World, settings: Settings) -> None:
    async with reading(replace(settings, freshness_timeout_seconds=0.2)) as api:
        world.book(world.schedule())
        with pytest.raises(StaleRead):
            await api.side.event_of_booking(uuid4())
        with pytest.raises(StaleRead):
            await api.side.deletion_obstacle(ALICE.id)


async def test_those_who_wait_are_bounded_and_never_left(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0

    async def read() -> Iterable[ProjectionPositionRow]:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise ValueError("the first read fails")
        return [ProjectionPositionRow(9, "bookings"), ProjectionPositionRow(50, "")]

    monkeypatch.setattr(positions_module, "MAX_WAITERS", 3)
    positions = PositionTracker(read, "")
    await positions.start()
    soon = asyncio.get_running_loop().time() + 0.5
    waiting = [asyncio.create_task(positions.wait_for(("bookings",), position, soon)) for position in (9, 10, 11)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await positions.wait_for(("bookings",), 12, soon)
    await asyncio.wait_for(waiting[0], 0.4)
    with pytest.raises(StaleRead):
        await waiting[1]
    later = asyncio.create_task(positions.wait_for(("bookings",), 20, soon + 60))
    await asyncio.sleep(0.05)
    await positions.close()
    with pytest.raises(Busy):
        await later
    assert reads < 12
    with pytest.raises(StaleRead):
        await waiting[2]
