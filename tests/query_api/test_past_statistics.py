"""The process that computes past statistics: one for all moments, which nobody waits for too long, and whose end harms nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil
import pytest
import pytest_asyncio

from ledger.errors import Busy, StillComputing
from ledger.settings import Settings
from query_api.time_travel import past_statistics, statistics_process
from query_api.time_travel.past_statistics import PastStatistics
from tests.query_api.world import AUDITOR, Api, World
from tests.waiting import until


@pytest_asyncio.fixture
async def statistics(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PastStatistics]:
    monkeypatch.setattr(past_statistics, "WAIT_SECONDS", 60)
    statistics = PastStatistics(settings)
    yield statistics
    await statistics.close()
    assert statistics._process.pid is None


def history(world: World, bookings: int = 5) -> range:
    """The positions of some entries."""
    event_id, first = world.schedule(), world.position
    for _ in range(bookings):
        world.book(event_id)
    return range(first, world.position + 1)


async def test_one_process_computes_all_moments(world: World, statistics: PastStatistics) -> None:
    positions, pids, seconds = history(world), set(), []
    for position in positions:
        began = time.perf_counter()
        assert (await statistics.at(position)).position == position
        seconds.append(time.perf_counter() - began)
        pids.add(statistics._process.pid)
    assert len(pids) == 1
    print(f"past statistics: first moment {seconds[0]:.2f} s, each of {len(seconds) - 1} more at most {max(seconds[1:]):.2f} s")


async def test_same_moment_is_computed_once(world: World, statistics: PastStatistics) -> None:
    position = history(world)[-1]
    several = await asyncio.gather(*(statistics.at(position) for _ in range(20)))
    assert all(one is several[0] for one in several)
    assert await statistics.at(position) is several[0]


async def test_killed_process_is_begun_again(world: World, statistics: PastStatistics) -> None:
    first, second, third, *_ = history(world)
    await statistics.at(first)
    pid = statistics._process.pid
    assert pid is not None
    psutil.Process(pid).kill()
    await until(lambda: statistics._process.pid is None)
    await statistics.at(second)
    assert statistics._process.pid not in (pid, None)
    asking = asyncio.create_task(statistics.at(third))
    await asyncio.sleep(0)
    psutil.Process(statistics._process.pid).kill()
    with suppress(Busy):  # it was computing just then
        await asking
    assert (await statistics.at(third)).position == third


async def test_failure_is_answered_and_the_process_goes_on(
    world: World, statistics: PastStatistics, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = history(world)
    await statistics.at(first)
    pid = statistics._process.pid
    world.sql("ALTER TABLE ledger_entries RENAME TO hidden")
    try:
        with pytest.raises(Busy, match="can't be computed at the moment"):
            await statistics.at(second)
    finally:
        world.sql("ALTER TABLE hidden RENAME TO ledger_entries")
    assert f"The statistics as of position {second} can't be computed" in capfd.readouterr().err
    assert (await statistics.at(second)).position == second
    assert statistics._process.pid == pid


async def test_idle_process_ends(world: World, statistics: PastStatistics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_process, "IDLE_SECONDS", 0.1)
    first, second, *_ = history(world)
    await statistics.at(first)
    await until(lambda: statistics._process.pid is None)
    assert (await statistics.at(second)).position == second


async def test_nobody_waits_longer_than_a_request_may(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_statistics, "WAIT_SECONDS", 0.01)
    position = history(world)[0]
    response = await api.get("/api/audit/stats", AUDITOR, at=position)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/still-computing")
    assert response.json()["detail"] == f"The statistics as of position {position} are still being computed. Try again."
    assert response.headers["retry-after"] == "2"
    deadline = time.monotonic() + 30
    while (response := await api.get("/api/audit/stats", AUDITOR, at=position)).status_code == 503:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert response.headers["ledger-position"] == str(position)


async def test_close_ends_the_process_in_the_middle(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_statistics, "WAIT_SECONDS", 0.01)
    statistics, (position, *_) = PastStatistics(settings), history(world)
    with pytest.raises(StillComputing):
        await statistics.at(position)
    await statistics.close()
    assert statistics._process.pid is None
