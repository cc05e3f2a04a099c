"""The deadline of a request: its waits share one time limit."""

import asyncio

import pytest

from ledger.concurrency import BackgroundTasks, SingleFlight
from ledger.deadline import RequestDeadline, remaining_seconds


async def remaining() -> float:
    return remaining_seconds(10)


async def test_waits_of_a_request_share_its_time() -> None:
    assert remaining_seconds(10) == 10
    with RequestDeadline(0.2):
        await asyncio.sleep(0.3)  # the request arrives slowly
        assert remaining_seconds(10) == pytest.approx(0.2)
        assert remaining_seconds(0.1) == 0.1
        await asyncio.sleep(0.25)
        assert remaining_seconds(10) == 0
    assert remaining_seconds(10) == 10


async def test_response_that_has_begun_has_no_deadline() -> None:
    with RequestDeadline(0.2) as deadline:
        deadline.lift()
        assert remaining_seconds(10) == 10


async def test_background_task_has_no_deadline() -> None:
    with RequestDeadline(0.2):
        assert await BackgroundTasks().spawn(remaining()) == 10


async def test_shared_execution_has_the_time_of_a_whole_request() -> None:
    with RequestDeadline(0.2):
        remaining_seconds(10)
        await asyncio.sleep(0.15)
        assert await SingleFlight[str, float]().do("key", remaining) == pytest.approx(0.2)
