"""Redis is restarted under load, or unavailable for long, or silent: no projection waits for it (R8, R19)."""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from uuid import UUID

from ledger.settings import Settings
from projections.wake_ups import MAINTENANCE, WakeUps, WakeUpSender
from tests.faults.silent_proxy import silent_proxy
from tests.running_system import free_port
from tests.soak import rounds, within
from tests.workers.deployment import Grow, process, redis_on, wait_until, waiting
from tests.workers.load import Lag, load

RESTARTS, LONGEST_UNAVAILABLE_SECONDS = rounds(3, 20), rounds(2, 8)
UNAVAILABLE_SECONDS = rounds(5, 70)
MOST_SECONDS = within(5.0)


@contextmanager
def sales(settings: Settings, grow: Grow) -> Iterator[Lag]:
    """Entries arrive, each with a wake-up as from an API process, while a worker and a tick run."""
    sender = WakeUpSender(settings)
    sender.start()

    def append_and_wake(stream: UUID, count: int) -> None:
        grow(stream, count)
        sender.wake()

    lag = Lag(settings.database_url)
    try:
        with process(settings, "worker") as worker, process(settings, "tick"), lag.watched(), load(append_and_wake):
            wait_until(lambda: lag.reached > 0, "a worker at work")
            lag.forget()
            yield lag
            assert worker.poll() is None, "the worker ended by itself"
    finally:
        sender.close()


def seconds_until_consumed(wake_ups: WakeUps, redis_url: str) -> float:
    """How long it takes until a wake-up that is sent now has been taken."""
    began = time.monotonic()
    wait_until(lambda: _sent(wake_ups), "a wake-up is sent")
    wait_until(lambda: waiting(redis_url, MAINTENANCE) == 0, "a wake-up is taken")
    return time.monotonic() - began


def _sent(wake_ups: WakeUps) -> bool:
    with suppress(Exception):
        wake_ups.send([MAINTENANCE])
        return True
    return False


def test_worker_consumes_again_after_each_restart_of_redis(settings: Settings, grow: Grow) -> None:
    dice, port = random.Random(19), free_port()
    settings = replace(settings, redis_url=f"redis://127.0.0.1:{port}/0", verify_hours=0)
    consumed, lags = list[float](), list[float]()
    running = redis_on(port)
    running.__enter__()
    with sales(settings, grow) as lag:
        for _ in range(RESTARTS):
            time.sleep(dice.uniform(0, 1))
            running.__exit__(None, None, None)
            time.sleep(dice.uniform(0, LONGEST_UNAVAILABLE_SECONDS))
            running = redis_on(port)
            running.__enter__()
            with closing(WakeUps(settings)) as wake_ups:
                consumed.append(seconds_until_consumed(wake_ups, settings.redis_url))
            lags.append(lag.longest)
            lag.forget()
    running.__exit__(None, None, None)
    print(f"R19: {RESTARTS} restarts of Redis: consuming again within {max(consumed):.1f} s, lag at most {max(lags):.1f} s")
    assert max(consumed) < MOST_SECONDS, consumed
    assert max(lags) < MOST_SECONDS, lags


def test_projections_do_not_wait_for_a_redis_that_is_silent_or_was_never_there(settings: Settings, grow: Grow) -> None:
    settings, port, lags = replace(settings, verify_hours=0), free_port(), dict[str, float]()
    with redis_on(port) as target, silent_proxy(target) as (proxy, url), sales(replace(settings, redis_url=url), grow) as lag:
        proxy.silence(new_ones=True)
        time.sleep(UNAVAILABLE_SECONDS)
        lags["silent"] = lag.longest
    with sales(replace(settings, redis_url=f"redis://127.0.0.1:{port}/0"), grow) as lag:
        time.sleep(UNAVAILABLE_SECONDS)
        lags["absent"] = lag.longest
    print(f"R8: Redis unavailable for {UNAVAILABLE_SECONDS} s: lag at most {lags}")
    assert max(lags.values()) < MOST_SECONDS
