"""The database's side of a worker's connections falls silent: the worker goes on by itself (R18)."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest

from ledger.settings import Settings
from tests.faults.silent_proxy import silent_proxy
from tests.soak import rounds
from tests.workers.deployment import Grow, process, wait_until
from tests.workers.load import Lag, load

SILENCES = rounds(1, 20)
MOST_SECONDS = 15.0


@pytest.mark.parametrize("new_ones", [False, True])
def test_worker_projects_again_after_its_database_fell_silent(settings: Settings, grow: Grow, new_ones: bool) -> None:
    """`new_ones`: for five seconds, new connections do not work either."""
    seconds = list[float]()
    with ExitStack() as stack:
        proxy, url = stack.enter_context(silent_proxy(settings.database_url))
        lag = stack.enter_context(Lag(settings.database_url).watched())
        stack.enter_context(load(grow))
        settings = replace(settings, database_url=url, verify_hours=0)
        worker = stack.enter_context(process(settings, "worker"))
        stack.enter_context(process(settings, "tick"))

        def is_past(reached: float) -> bool:
            return lag.reached > reached

        wait_until(partial(is_past, 0), "a worker at work")
        for _ in range(SILENCES):
            lag.forget()
            silent = proxy.silence(new_ones=new_ones)
            if new_ones:
                time.sleep(5)
            proxy.restore()
            assert silent >= 2
            began = time.monotonic()
            wait_until(partial(is_past, lag.reached), "projecting again")
            seconds.append(time.monotonic() - began)
        assert worker.poll() is None, "the worker ended by itself"
    print(f"R18: a worker's database silent {SILENCES} times: projecting again within {max(seconds):.1f} s")
    assert max(seconds) < MOST_SECONDS, seconds
