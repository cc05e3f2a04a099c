"""Wake-ups and the tick: a queue holds one message a task at most, and nobody is held up or hurt where Redis is not well."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from ledger.settings import Settings
from projections import wake_ups
from projections.registry import PROJECTORS
from projections.wake_ups import TASKS, WakeUps, WakeUpSender
from tests.running_system import free_port
from tests.workers.deployment import process, wait_until, waiting
from workers.app import make_app
from workers.scheduler import TickScheduler


@contextmanager
def sender(settings: Settings, redis_url: str) -> Iterator[WakeUpSender]:
    one = WakeUpSender(replace(settings, redis_url=redis_url))
    one.start()
    yield one
    one.close()


@contextmanager
def silent_redis() -> Iterator[str]:
    """Accepts connections and says nothing for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def spied(one: WakeUpSender, monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None] = lambda number: None) -> list[float]:
    """When each round was sent. `before` is told its number, and may raise."""
    rounds: list[float] = []
    send = one._wake_ups.send

    def note(names: list[str]) -> None:
        rounds.append(time.monotonic())
        before(len(rounds))
        send(names)

    monkeypatch.setattr(one._wake_ups, "send", note)
    return rounds


def test_a_queue_holds_one_wake_up_however_often_it_is_sent(settings: Settings, redis_url: str) -> None:
    one, other = (WakeUps(make_app(settings), redis_url) for _ in range(2))
    for _ in range(10):
        one.send(PROJECTORS)
        other.send(["revenue"])
    assert {name: waiting(redis_url, name) for name in TASKS} == {name: int(name in PROJECTORS) for name in TASKS}


def test_many_appends_are_a_few_rounds_and_the_last_append_is_sent(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sender(settings, redis_url) as one:
        rounds = spied(one, monkeypatch)
        began = time.monotonic()
        for _ in range(300):
            one.wake()
            time.sleep(0.001)
        last = time.monotonic()
        wait_until(lambda: rounds[-1] > last - 0.001, "a round after the last append")
        assert len(rounds) <= 2 + (rounds[-1] - began) / wake_ups.ROUND_SECONDS[0]
        assert waiting(redis_url, "catalogue") == 1


def test_closing_sends_what_is_due_and_ends_the_thread(settings: Settings, redis_url: str) -> None:
    with sender(settings, redis_url) as one:
        one.wake()
    assert not one._thread.is_alive()
    assert waiting(redis_url, "revenue") == 1


@pytest.mark.parametrize("how", ["away", "silent"])
def test_nothing_reaches_the_caller_where_redis_is_not_well(settings: Settings, how: str, caplog: pytest.LogCaptureFixture) -> None:
    with silent_redis() as silent:
        url = silent if how == "silent" else f"redis://127.0.0.1:{free_port()}/0"
        one = WakeUpSender(replace(settings, redis_url=url))
        one.start()
        began = time.monotonic()
        one.wake()
        assert time.monotonic() - began < 1  # a silent Redis is given 2 s
        wait_until(lambda: "Wake-ups can't be sent" in caplog.text, "a warning")
        assert one._thread.is_alive()
        one.wake()
        began = time.monotonic()
        one.close()
        assert time.monotonic() - began < 4


def test_an_error_that_nobody_thought_of_is_logged_and_ends_nothing(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def trip(number: int) -> None:
        if number == 1:
            raise RuntimeError("what is this?")

    monkeypatch.setattr(wake_ups, "PAUSE_SECONDS", 0.01)
    with sender(settings, redis_url) as one:
        spied(one, monkeypatch, trip)
        one.wake()
        wait_until(lambda: "what is this?" in caplog.text, "a line in the log")
        assert waiting(redis_url, "catalogue") == 0
        one.wake()
        wait_until(lambda: waiting(redis_url, "catalogue") == 1, "a wake-up after the error")


def test_the_tick_does_not_pile_up_while_no_worker_runs(settings: Settings, redis_url: str) -> None:
    with process(settings, "tick"):
        wait_until(lambda: all(waiting(redis_url, name) for name in PROJECTORS), "a tick for each projector")
        time.sleep(2.5)
        assert {waiting(redis_url, name) for name in PROJECTORS} == {1}


@pytest.mark.parametrize("error", [RuntimeError("what is this?"), OSError("no route")])
def test_a_tick_that_cant_be_sent_is_logged_and_the_next_one_is(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(names: list[str]) -> None:
        raise error

    tick = TickScheduler(make_app(settings), lazy=True)
    tick.setup_schedule()
    (entry,) = (one for one in tick.schedule.values() if one.task == "revenue")
    with monkeypatch.context() as patch:
        patch.setattr(tick._wake_ups, "send", fail)
        tick.apply_entry(entry)
    assert str(error) in caplog.text
    assert logging.ERROR >= caplog.records[-1].levelno >= logging.WARNING
    for _ in range(3):
        tick.apply_entry(entry)
    assert waiting(redis_url, "revenue") == 1
