"""PostgreSQL is killed and started again, its connections are cut, it is frozen, all under load: every request is answered in time,
and everything goes on by itself (R9)."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import migrations
from devstack.server_files import temporary_directory
from tests.faults.clusters import Server
from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.steady_sale import steady_sale
from tests.running_system import Stack, system_settings
from tests.soak import rounds, within

ROUNDS = rounds(1, 20)
ANSWER_SECONDS, SELLING_SECONDS = within(3.0), within(5.0)
FROZEN_SECONDS = 4.0
_CUT = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""


@pytest.fixture
def server() -> Iterator[Server]:
    with temporary_directory("seatledger-test-") as directory:
        server = Server(directory / "pg")
        server.start()
        migrations.upgrade(server.url)
        yield server
        server.stop()


@pytest.fixture
def stack(server: Server, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(replace(system_settings(server.url, redis_url, tmp_path), verify_hours=0, allow_unsafe_database=False))
    yield stack
    stack.stop()


def test_database_fails_under_load_and_comes_back(server: Server, stack: Stack) -> None:
    def restart() -> None:
        server.kill()
        server.start()

    def freeze() -> None:
        server.signal(signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        server.signal(signal.SIGCONT)

    faults: dict[str, Callable[[], object]] = {"restarted": restart, "cut": lambda: server.sql(_CUT), "frozen": freeze}
    seconds = dict.fromkeys(faults, 0.0)
    with steady_sale(stack.settings, stack.url) as sale:
        for _ in range(ROUNDS):
            for name, fault in faults.items():
                sale.wait_for(2)
                fault()
                began = time.monotonic()
                sale.wait_for(1)
                seconds[name] = max(seconds[name], time.monotonic() - began)
    wait_until_projected(stack.settings)
    found = check_ledger(stack.settings, sale)
    print(f"\nR9: {ROUNDS} times each: all events sell again after {seconds} s; slowest {sale.slowest}; {sale.figures()}")
    assert (found.lost, found.lost_cancellations) == (set(), set())
    check_rows(stack.settings)
    status, output = operator(stack.settings, "verify")
    assert (status, "Proven" in output) == (0, True), output
    assert sale.tries["503 busy"] + sale.tries["503 outcome-unknown"], "no request noticed: then this test shows nothing"
    assert sale.no_retry_after == 0
    assert max(sale.slowest.values()) <= ANSWER_SECONDS + sale.slowest["health"]
    assert max(seconds.values()) <= SELLING_SECONDS
