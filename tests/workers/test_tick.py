"""Any number of ticks send as many wake-ups as one, and replace each other. They need neither a database nor a right clock."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from ledger.settings import Settings
from projections.wake_ups import TASKS
from tests import tools
from tests.forked_processes import ForkedProcess
from tests.workers.deployment import ROOT, process, wait_until
from workers.tick import TICK_SECONDS, Tick


class Taken:
    """Takes the wake-ups of one task, as workers would, and notes when."""

    def __init__(self, redis_url: str, name: str) -> None:
        self._url, self._name, self._stop = redis_url, name, threading.Event()
        self.times: list[float] = []

    @contextmanager
    def running(self) -> Iterator["Taken"]:
        thread = threading.Thread(target=self._take)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _take(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            while not self._stop.is_set():
                if client.brpop([self._name], timeout=0.2):
                    self.times.append(time.monotonic())

    def count(self, seconds: float) -> int:
        """How many come in this time."""
        before = len(self.times)
        time.sleep(seconds)
        return len(self.times) - before


def test_three_ticks_send_as_many_wake_ups_as_one_and_replace_each_other(settings: Settings) -> None:
    with ExitStack() as stack:
        ticks = [stack.enter_context(process(settings, "tick")) for _ in range(3)]
        taken = stack.enter_context(Taken(settings.redis_url, "revenue").running())
        wait_until(lambda: len(taken.times) >= 3, "a tick")
        assert 2 <= taken.count(5 * TICK_SECONDS) <= 7
        for running in ticks[:2]:
            running.send_signal(signal.SIGSTOP)  # silent, not even dead
        try:
            before = len(taken.times)
            wait_until(lambda: len(taken.times) >= before + 3, "a tick of the third")
            assert taken.times[-1] - taken.times[before - 1] < 10 * TICK_SECONDS
        finally:
            for running in ticks[:2]:
                running.send_signal(signal.SIGCONT)


def test_ticks_at_the_same_moment_agree_after_one_round(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = Tick(settings), Tick(settings)
    with redis.Redis.from_url(settings.redis_url) as client:

        def sent(*ticks: Tick) -> int:
            """How many of them send."""
            for tick in ticks:
                tick._due_at = dict.fromkeys(TASKS, 0.0)
                tick.send_due()
            count = client.llen("revenue")
            client.delete("revenue")
            return int(count)

        for tick in (first, other):
            monkeypatch.setattr(tick._redis, "get", lambda _: None)  # each reads before the other counts
        sent(first, other)
        monkeypatch.undo()
        assert [sent(first) + sent(other) for _ in range(4)] == [1, 1, 1, 1]


def test_tick_needs_no_database(settings: Settings) -> None:
    with process(replace(settings, database_url=""), "tick"), Taken(settings.redis_url, "revenue").running() as taken:
        wait_until(lambda: len(taken.times) >= 3, "a tick")


@pytest.mark.parametrize("hours", [-1, 1])
def test_tick_goes_on_when_the_clock_is_set(settings: Settings, tmp_path: Path, hours: int) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    tools.find("faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    faked = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    environment = {**os.environ, **settings.to_env(), **faked, "DONT_FAKE_MONOTONIC": "1"}
    command = [sys.executable, "-m", "workers", "tick"]
    with Taken(settings.redis_url, "revenue").running() as taken:
        tick = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            wait_until(lambda: len(taken.times) >= 2, "a tick")
            clock.write_text(f"{hours:+d}h")
            assert 2 <= taken.count(4 * TICK_SECONDS) <= 6
        finally:
            tick.terminate()
            tick.wait(30)


def test_tick_ends_when_it_is_asked_to(settings: Settings) -> None:
    tick = ForkedProcess(("workers", "tick"), {**os.environ, **settings.to_env()})
    time.sleep(2)
    tick.terminate()
    assert tick.wait(30) == 0
