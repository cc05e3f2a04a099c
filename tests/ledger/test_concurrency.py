"""Background tasks, supervision, single flight, limits on concurrency."""

import asyncio
import logging
from contextlib import suppress

import pytest

from ledger.concurrency import BackgroundTasks, ConcurrencyLimiter, FairLimiter, SingleFlight, supervise
from ledger.errors import Busy

log = logging.getLogger(__name__)


async def test_stopping_cancels_a_task_that_swallows_the_first_cancellation() -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    tasks = BackgroundTasks()
    task = tasks.spawn(stubborn())
    await asyncio.sleep(0)
    await tasks.stop()
    assert task.cancelled()
    assert len(tasks) == 0


async def test_a_failure_is_logged_and_the_work_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Exception | None] = [Busy(), RuntimeError("a mistake"), None]
    done = asyncio.Event()

    async def work() -> None:
        if not calls:
            done.set()
            await asyncio.sleep(60)
        if error := calls.pop(0):
            raise error

    tasks = BackgroundTasks()
    tasks.spawn(supervise(work, log=log, failure="the work failed", pause_seconds=0))
    await asyncio.wait_for(done.wait(), 5)
    await tasks.stop()
    assert [(record.levelname, record.message.partition(":")[0]) for record in caplog.records] == [
        ("WARNING", "the work failed"),
        ("ERROR", "the work failed"),
    ]


async def test_supervised_work_survives_a_cancellation_until_it_is_stopping(caplog: pytest.LogCaptureFixture) -> None:
    calls, stopping = 0, False

    async def work() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(60)

    tasks = BackgroundTasks()
    supervised = supervise(work, log=log, failure="the work failed", pause_seconds=0, is_stopping=lambda: stopping)
    task = tasks.spawn(supervised)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert (calls, [record.message for record in caplog.records]) == (2, ["the work failed: it was cancelled"])
    stopping = True
    await tasks.stop()
    assert task.cancelled()


async def test_finished_work_survives_the_cancellation_of_its_caller() -> None:
    release, tasks, finished = asyncio.Event(), BackgroundTasks(), []

    async def work() -> int:
        await release.wait()
        finished.append(1)
        raise RuntimeError("nobody retrieves it")

    caller = asyncio.create_task(tasks.finish(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with suppress(asyncio.CancelledError):
        await caller
    assert (len(tasks), finished) == (1, [])
    release.set()
    with pytest.raises(RuntimeError):
        await tasks.finish(work())
    assert (len(tasks), finished) == (0, [1, 1])


async def test_concurrent_calls_of_a_key_share_one_execution() -> None:
    flights, executions, release = SingleFlight[str, int](), [], asyncio.Event()

    async def work() -> int:
        executions.append(1)
        await release.wait()
        return 7

    callers = [asyncio.create_task(flights.do("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()  # the others still get the result
    release.set()
    assert await asyncio.gather(*callers[1:]) == [7, 7]
    assert (len(executions), len(flights)) == (1, 0)
    assert await flights.do("key", work) == 7
    assert len(executions) == 2


async def test_all_callers_get_the_error() -> None:
    async def fail() -> int:
        raise Busy

    flights = SingleFlight[str, int]()
    errors = await asyncio.gather(flights.do("key", fail), flights.do("key", fail), return_exceptions=True)
    assert [type(error) for error in errors] == [Busy, Busy]


async def test_stopping_cancels_what_is_under_way() -> None:
    async def wait() -> int:
        await asyncio.sleep(60)
        return 0

    flights = SingleFlight[str, int]()
    caller = asyncio.create_task(flights.do("key", wait))
    await asyncio.sleep(0)
    await flights.stop()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_the_limiter_bounds_holders_queue_and_wait() -> None:
    limiter = ConcurrencyLimiter("exports", 1, 1, 0.05)
    async with limiter.slot():
        queued = asyncio.create_task(limiter.slot().__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="Too many exports at once"):
            await limiter.slot().__aenter__()  # the queue is full
        with pytest.raises(Busy):
            await queued  # it waited too long
    async with limiter.slot():
        pass


async def test_a_limiter_without_a_queue_refuses_at_once() -> None:
    limiter = ConcurrencyLimiter("exports", 1, 0, 1.0)
    async with limiter.slot():
        with pytest.raises(Busy):
            await limiter.slot().__aenter__()
    async with limiter.slot():
        pass


class Holders:
    """Tasks that hold a slot of a FairLimiter until `end`, in the order in which they got it."""

    def __init__(self, limit: int, queue_limit: int) -> None:
        self.limiter, self.got = FairLimiter("log-ins", limit, queue_limit), list[str]()
        self.end = asyncio.Semaphore(0)

    async def begin(self, *clients: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._hold(client)) for client in clients]
        await asyncio.sleep(0)
        return tasks

    async def _hold(self, client: str) -> None:
        async with self.limiter.slot(client):
            self.got.append(client)
            await self.end.acquire()

    async def end_all(self, *tasks: asyncio.Task[None]) -> list[BaseException | None]:
        for _ in tasks:
            self.end.release()
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_fair_limiter_takes_turns_by_client() -> None:
    holders = Holders(1, 10)
    tasks = await holders.begin("a", "a", "a", "a", "b", "b", "c")
    assert await holders.end_all(*tasks) == [None] * 7
    assert "".join(holders.got) == "aabcaba"


async def test_a_full_queue_makes_room_for_a_client_with_fewer() -> None:
    holders = Holders(1, 4)
    tasks = await holders.begin("a", "a", "a", "a", "a", "a")
    with pytest.raises(Busy, match="Too many log-ins at once"):
        await tasks[5]
    with pytest.raises(Busy):
        holders.limiter.check_room("a")
    holders.limiter.check_room("b")
    tasks += await holders.begin("b", "b", "b")
    with pytest.raises(Busy):
        holders.limiter.check_room("b")
    ended = await holders.end_all(*tasks)
    assert [isinstance(each, Busy) for each in ended] == [False, False, False, True, True, True, False, False, True]
    assert "".join(holders.got) == "aabab"


async def test_the_fair_limiter_forgets_who_is_cancelled() -> None:
    holders = Holders(1, 4)
    holding, with_turn, waiting, last = await holders.begin("a", "b", "b", "c")
    waiting.cancel()
    await asyncio.sleep(0)
    holding.cancel()
    await asyncio.sleep(0)
    with_turn.cancel()
    await holders.end_all(last)
    assert holders.got == ["a", "c"]
    await holders.end_all(*await holders.begin("d"))
    assert holders.got == ["a", "c", "d"]
