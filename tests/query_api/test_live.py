"""The live stream over a real server: it ends, is cut and reconnects as in a browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
import redis.asyncio
import uvicorn

from ledger.channels import positions_channel
from ledger.details import Pool
from ledger.settings import Settings
from query_api.live import feed
from query_api.routes import live
from tests.query_api.world import Api, World, reading
from tests.soak import rounds
from tests.waiting import until


@dataclass
class Site:
    url: str
    api: Api


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Site]:
    async with reading(settings) as api:
        server = uvicorn.Server(uvicorn.Config(api.app, port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=10))
        task = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Site(f"http://127.0.0.1:{port}", api)
        finally:
            server.should_exit = True
            await api.side.feed.close()
            await task


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with serving(settings) as site:
        yield site


class Stream:
    """Reads as EventSource does: the id and data of each event; `last_id` is the last id received."""

    def __init__(self, response: httpx.Response) -> None:
        self.lines = response.aiter_lines()
        self.last_id: str | None = None

    async def next(self, seconds: float = 10) -> Any:
        async with asyncio.timeout(seconds):
            name, data = "", ""
            async for line in self.lines:
                field, _, value = line.partition(": ")
                if field == "id":
                    self.last_id = value
                elif field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif not line and data:
                    if name == "reset":
                        return "reset"
                    assert name == "availability"
                    body = json.loads(data)
                    assert str(body["position"]) == self.last_id
                    return body
        raise EOFError


@asynccontextmanager
async def listening(site: Site, *event_ids: UUID, last_id: str | None = None) -> AsyncIterator[Stream]:
    params = {"event_id": [str(event_id) for event_id in event_ids]}
    headers = {"Last-Event-ID": last_id} if last_id is not None else {}
    async with (
        httpx.AsyncClient(timeout=None) as client,  # noqa: S113 - next() has its own
        client.stream("GET", f"{site.url}/api/live", params=params, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def project(world: World, settings: Settings) -> None:
    await asyncio.to_thread(world.project, "availability")
    async with redis.asyncio.Redis.from_url(settings.redis_url) as client:
        await client.publish(positions_channel(settings.redis_url), f"availability {world.position}")


async def test_stream_has_the_pools(world: World, site: Site, settings: Settings) -> None:
    event_id = world.schedule(pools=(Pool(1, "Hall", 12, (1, 2)),))
    world.book(event_id, General=3)
    await project(world, settings)
    async with listening(site, event_id) as stream:
        shown = await stream.next()
    assert shown["pools"] == [{"name": "Hall", "available": 9, "held": 0}]
    assert (shown["available"], [category["available"] for category in shown["categories"]]) == (9, [9, 9])


async def test_stream_begins_with_the_present_state_then_sends_changes(world: World, site: Site, settings: Settings) -> None:
    event_id, other_id = world.schedule(), world.schedule()
    world.book(event_id, General=2)
    await project(world, settings)
    async with listening(site, event_id) as stream:
        assert await stream.next() == {
            "event_id": str(event_id),
            "available": 108,
            "categories": [{"name": "General", "available": 98, "held": 0}, {"name": "VIP", "available": 10, "held": 0}],
            "pools": [],
            "position": world.position,
        }
        world.book(other_id)
        world.book(event_id, VIP=1)
        await project(world, settings)
        assert (await stream.next())["available"] == 107
        world.cancel_event(event_id)
        await project(world, settings)
        assert (await stream.next())["available"] == 110
    await until(lambda: not site.api.side.feed.count)


async def test_stream_of_all_events_sends_changes_of_each(world: World, site: Site, settings: Settings) -> None:
    first = world.schedule()
    await project(world, settings)
    async with listening(site) as stream:
        with pytest.raises(TimeoutError):
            await stream.next(0.3)
        assert stream.last_id == str(world.position)
    second = world.schedule()
    world.book(first)
    await project(world, settings)
    async with listening(site, last_id=stream.last_id) as again:
        assert [(await again.next())["event_id"] for _ in range(2)] == [str(second), str(first)]


@pytest.mark.parametrize("last_id", ["999999999", "x", "-1", "9" * 30, ""])
async def test_invalid_last_id_is_ignored(world: World, site: Site, settings: Settings, last_id: str) -> None:
    event_id = world.schedule()
    await project(world, settings)
    async with listening(site, event_id, last_id=last_id) as stream:
        assert (await stream.next())["available"] == 110


async def test_missed_updates_are_sent_page_by_page(
    world: World, site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PAGE", 3)
    monkeypatch.setattr(live, "PAGE", 3)
    made = [str(world.schedule(f"no {number}")) for number in range(9)]
    await project(world, settings)
    async with listening(site, last_id="0") as stream:
        assert [(await stream.next())["event_id"] for _ in made] == made
        world.book(UUID(made[0]))
        world.book(UUID(made[1]))
        await project(world, settings)
        assert [(await stream.next())["event_id"] for _ in range(2)] == made[:2]


async def test_stream_that_is_cut_again_and_again_ends_with_the_right_count(world: World, site: Site, settings: Settings) -> None:
    """Seats are sold while the stream is open; every third time it is cut before anything was read."""
    event_id = world.schedule(categories=[("General", 100, 1000)])
    await project(world, settings)
    left, last_id, cuts = 1000, None, rounds(20, 100)
    for cut in range(cuts):
        async with listening(site, event_id, last_id=last_id) as stream:
            for _ in range(3):
                world.book(event_id, General=1)
                left -= 1
                await project(world, settings)
            while cut % 3 and (await stream.next())["available"] != left:
                pass
            last_id = stream.last_id or last_id
    async with listening(site, event_id) as stream:
        shown = (await stream.next())["available"]
    print(f"S9: a stream cut {cuts} times: {shown} seats shown at last, {left} in the ledger")
    assert shown == left == 1000 - 3 * cuts


async def test_number_of_streams_is_bounded(world: World, settings: Settings) -> None:
    async with serving(replace(settings, live_streams_limit=2)) as site:
        event_id = world.schedule()
        await project(world, settings)
        async with listening(site, event_id) as first, listening(site, event_id) as two:
            await first.next()
            await two.next()
            refused = await site.api.get("/api/live")
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/busy")
        await until(lambda: not site.api.side.feed.count)
        async with listening(site, event_id) as three:
            await three.next()


async def test_invalid_live_requests_are_422(site: Site) -> None:
    assert (await site.api.get("/api/live?event_id=x")).status_code == 422
    assert (await site.api.get("/api/live?" + "&".join(f"event_id={uuid4()}" for _ in range(51)))).status_code == 422
    assert site.api.side.feed.count == 0


async def test_reset_then_lower_positions(world: World, site: Site, settings: Settings) -> None:
    """The ledger went back: the browser is told, and positions that it has seen before come again."""
    event_id = world.schedule()
    world.book(event_id)
    await project(world, settings)
    async with listening(site, event_id) as stream:
        seen = (await stream.next())["position"]
        for position in (seen - 1, seen):
            world.sql(  # in one transaction, as a projector: a poll in between would see a position without its change
                """WITH moved AS (UPDATE projections SET position = %s WHERE name = 'availability')
                UPDATE availability_events SET position = %s""",
                position,
                position,
            )
            if position < seen:
                site.api.side.reset()
                assert (await stream.next(), stream.last_id) == ("reset", str(position))
            else:
                site.api.side.feed.wake()
                assert (await stream.next())["position"] == seen


async def test_changes_are_sent_without_redis(world: World, settings: Settings) -> None:
    async with serving(replace(settings, redis_url="redis://127.0.0.1:1/0")) as site:
        event_id = world.schedule()
        world.project()
        async with listening(site, event_id) as stream:
            await stream.next()
            world.book(event_id)
            world.project("availability")
            assert (await stream.next())["available"] == 109


async def test_slow_client_gets_the_newest_state_or_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = feed.Subscriber(None)
    event_id = uuid4()
    for position in range(1000):
        slow.push(feed.SeatUpdate(position, event_id, b""))
    slow.push(feed.SeatUpdate(1000, uuid4(), b""))
    assert [state.position for state in await slow.take()] == [999, 1000]
    monkeypatch.setattr(feed, "MAX_PENDING", 5)
    for position in range(6):
        slow.push(feed.SeatUpdate(position, uuid4(), b""))
    assert await slow.take() == []


async def test_frozen_client_is_disconnected(world: World, site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads nothing, until the server's buffers are full."""
    monkeypatch.setattr(live, "SEND_SECONDS", 0.3)
    made = [world.schedule(categories=[("x" * 150 + str(number), 100, 10) for number in range(50)]) for _ in range(50)]
    await project(world, settings)
    _reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]), limit=1024)
    writer.write(b"GET /api/live HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\n\r\n")
    monkeypatch.setattr(feed, "PAUSE_SECONDS", 0.0)
    await until(lambda: site.api.side.feed.count)
    async with asyncio.timeout(20):
        position = world.position
        while site.api.side.feed.count:
            for event_id in made:
                position += 1
                for subscriber in site.api.side.feed._subscribers:
                    subscriber.push(feed.SeatUpdate(position, event_id, b"data: " + b"x" * 10_000 + b"\n\n"))
            await asyncio.sleep(0.01)
    writer.close()
    print(f"S8: a frozen reader is cut, at most {live.SEND_SECONDS} s after it took nothing")


async def test_server_stops_with_open_streams(world: World, settings: Settings) -> None:
    async with reading(settings) as api:
        server = uvicorn.Server(uvicorn.Config(api.app, port=0, log_level="warning", lifespan="off"))
        task = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        event_id = world.schedule()
        world.project()
        site = Site(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", api)
        async with listening(site, event_id) as stream:
            await stream.next()
            server.should_exit = True
            with pytest.raises(EOFError):
                await stream.next(4)
        await asyncio.wait_for(task, 4)
