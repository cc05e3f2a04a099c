"""Read your own writes: waiting for a ledger position."""

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
from tests.query_api.world import ADMIN, ALICE, Api, CountingCursor, World, reading
from tests.waiting import until


@pytest_asyncio.fixture
async def api_without_redis(settings: Settings) -> AsyncIterator[Api]:
    """An API process whose Redis is unavailable."""
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        yield api


def at_least(position: int) -> dict[str, str]:
    return {"Ledger-Position": str(position)}


async def publish(settings: Settings, name: str, position: object) -> None:
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await until(lambda: client.publish(positions_channel(settings.redis_url), f"{name} {position}"))


async def test_reached_position_is_shown_immediately(world: World, api: Api) -> None:
    event_id = world.schedule()
    world.project()
    for _ in range(2):
        response = await api.get(f"/api/events/{event_id}", headers=at_least(world.position))
        assert response.status_code == 200
    before = CountingCursor.count_of_events
    await api.get(f"/api/events/{event_id}", headers=at_least(world.position))
    await api.get(f"/api/events/{event_id}")
    assert CountingCursor.count_of_events <= before + 2


@pytest.mark.parametrize("with_redis", [True, False])
async def test_query_waits_for_all_projections_that_it_reads(world: World, settings: Settings, with_redis: bool) -> None:
    redis_url = settings.redis_url if with_redis else "redis://127.0.0.1:1/0"
    async with reading(replace(settings, redis_url=redis_url)) as api:
        event_id = world.schedule()
        waiting = asyncio.create_task(api.get(f"/api/events/{event_id}", headers=at_least(world.position)))
        await asyncio.sleep(0.15)
        world.project("catalogue")
        await asyncio.sleep(0.15)
        assert not waiting.done()
        world.project("availability")
        response = await asyncio.wait_for(waiting, 1)
        assert response.status_code == 200
        assert response.headers["ledger-position"] == str(world.position)


async def test_message_wakes_a_waiting_query(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_position_that_is_not_reached_in_time_is_503(world: World, settings: Settings) -> None:
    async with reading(replace(settings, freshness_timeout_seconds=0.3)) as api:
        world.schedule()
        began = time.monotonic()
        late = await api.get("/api/events", headers=at_least(world.position))
        assert 0.3 <= time.monotonic() - began < 3
        assert (late.status_code, late.json()["type"], late.headers["retry-after"]) == (503, "/problems/stale-read", "1")


async def test_position_beyond_the_head_is_422(world: World, api: Api) -> None:
    world.schedule()
    beyond = await api.get("/api/bookings", ALICE, headers=at_least(world.position + 1))
    assert (beyond.status_code, beyond.json()["head"]) == (422, world.position)
    assert (await api.get("/api/events", headers=at_least(2**63 - 1))).json()["type"] == "/problems/position-beyond-head"


@pytest.mark.parametrize("position", ["-1", "x", "", "9" * 400, str(2**63), "1.5"])
async def test_invalid_position_is_422(api: Api, position: str) -> None:
    response = await api.get("/api/events", headers={"Ledger-Position": position})
    assert response.json()["type"] == "/problems/malformed"


async def test_wrong_message_does_not_change_a_response(world: World, api: Api, settings: Settings) -> None:
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
    response = await waiting
    assert (response.status_code, response.headers["ledger-position"]) == (200, str(world.position))


async def test_queries_work_without_redis(world: World, api_without_redis: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    waiting = asyncio.create_task(api_without_redis.side.event_of_booking(booking_id))
    await asyncio.sleep(0.05)
    world.project()
    assert await waiting == event_id
    response = await api_without_redis.get(f"/api/bookings/{booking_id}", ALICE, headers=at_least(world.position))
    assert response.status_code == 200


async def test_csv_waits_for_its_position(world: World, api: Api) -> None:
    world.book(world.schedule())
    waiting = asyncio.create_task(api.get("/api/stats/events", ADMIN, at_least(world.position) | {"Accept": "text/csv"}))
    await asyncio.sleep(0.1)
    world.project()
    assert "Concert" in (await waiting).text


async def test_unknown_booking_is_certain_only_at_the_head(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(replace(settings, freshness_timeout_seconds=0.2)) as api:
        world.book(world.schedule())
        assert await api.side.event_of_booking(uuid4()) is None
        monkeypatch.setattr("query_api.recent_entries.MAX_ENTRIES", 1)
        with pytest.raises(StaleRead):
            await api.side.event_of_booking(uuid4())
        with pytest.raises(StaleRead):
            await api.side.erasure_obstacle(ALICE.id)


async def test_number_of_waiters_is_bounded_and_all_are_settled(monkeypatch: pytest.MonkeyPatch) -> None:
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
