"""Wake-ups and the tick: a task's queue holds one wake-up, or a few where several senders look at once, and an unavailable Redis
neither blocks nor ends anything."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from ledger.settings import Settings
from projections import wake_ups
from projections.registry import PROJECTORS
from projections.wake_ups import TASKS, WakeUps, WakeUpSender
from tests.running_system import free_port
from tests.workers.deployment import process, wait_until, waiting
from workers.tick import Tick


@contextmanager
def started_sender(settings: Settings, redis_url: str) -> Iterator[WakeUpSender]:
    started = WakeUpSender(replace(settings, redis_url=redis_url))
    started.start()
    yield started
    started.close()


@contextmanager
def silent_redis() -> Iterator[str]:
    """A server that accepts connections and never responds."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def record_rounds(
    sender: WakeUpSender, monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None] = lambda number: None
) -> list[float]:
    """Records when each round is sent. `before` is called with its number, and may raise."""
    rounds: list[float] = []
    send = sender._wake_ups.send

    def record(names: list[str]) -> None:
        rounds.append(time.monotonic())
        before(len(rounds))
        send(names)

    monkeypatch.setattr(sender._wake_ups, "send", record)
    return rounds


def test_queue_holds_one_wake_up_for_any_number_of_sends(settings: Settings, redis_url: str) -> None:
    with closing(WakeUps(settings)) as first, closing(WakeUps(settings)) as other:
        for _ in range(10):
            first.send(PROJECTORS)
            other.send(["revenue"])
    assert {name: waiting(redis_url, name) for name in TASKS} == {name: int(name in PROJECTORS) for name in TASKS}


def test_many_appends_cause_few_rounds_and_the_last_is_sent(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started_sender(settings, redis_url) as started:
        rounds = record_rounds(started, monkeypatch)
        began = time.monotonic()
        for _ in range(300):
            started.wake()
            time.sleep(0.001)
        last = time.monotonic()
        wait_until(lambda: rounds[-1] > last - 0.001, "a round after the last append")
        assert len(rounds) <= 2 + (rounds[-1] - began) / wake_ups.ROUND_SECONDS[0]
        assert waiting(redis_url, "catalogue") == 1


def test_close_sends_the_last_round_and_ends_the_thread(settings: Settings, redis_url: str) -> None:
    with started_sender(settings, redis_url) as started:
        started.wake()
    assert not started._thread.is_alive()
    assert waiting(redis_url, "revenue") == 1


@pytest.mark.parametrize("how", ["unavailable", "silent"])
def test_unavailable_or_silent_redis_does_not_block_the_caller(
    settings: Settings, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with silent_redis() as silent:
        url = silent if how == "silent" else f"redis://127.0.0.1:{free_port()}/0"
        started = WakeUpSender(replace(settings, redis_url=url))
        started.start()
        began = time.monotonic()
        started.wake()
        assert time.monotonic() - began < 1  # the time-out for a silent Redis is 2 s
        wait_until(lambda: "Wake-ups can't be sent" in caplog.text, "a warning")
        assert started._thread.is_alive()
        started.wake()
        began = time.monotonic()
        started.close()
        assert time.monotonic() - began < 4


def test_unexpected_error_is_logged_and_sending_continues(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_once(number: int) -> None:
        if number == 1:
            raise RuntimeError("what is this?")

    monkeypatch.setattr(wake_ups, "PAUSE_SECONDS", 0.01)
    with started_sender(settings, redis_url) as started:
        record_rounds(started, monkeypatch, fail_once)
        started.wake()
        wait_until(lambda: "what is this?" in caplog.text, "a line in the log")
        assert waiting(redis_url, "catalogue") == 0
        started.wake()
        wait_until(lambda: waiting(redis_url, "catalogue") == 1, "a wake-up after the error")


def test_tick_does_not_fill_queues_while_no_worker_runs(settings: Settings, redis_url: str) -> None:
    with process(settings, "tick"):
        wait_until(lambda: all(waiting(redis_url, name) for name in PROJECTORS), "a wake-up for each projector")
        time.sleep(2.5)
        assert {waiting(redis_url, name) for name in PROJECTORS} == {1}


@pytest.mark.parametrize("error", [RuntimeError("what is this?"), OSError("no route")])
def test_tick_that_cant_be_sent_is_logged_and_the_next_is_sent(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(names: list[str]) -> None:
        raise error

    with monkeypatch.context() as patch, closing(Tick(settings)) as tick:
        patch.setattr(tick._wake_ups, "send", fail)
        for _ in range(3):
            tick.send_due()
    assert [str(error) in record.message for record in caplog.records] == [True]
    assert logging.ERROR >= caplog.records[-1].levelno >= logging.WARNING
    for _ in range(3):
        tick.send_due()
    assert waiting(redis_url, "revenue") == 1
