"""API, worker, tick, PostgreSQL and Redis are killed at random while seats are held, confirmed, given back and forgotten: each hold
has one outcome at most, no seat is sold or held twice, and everything is proven (R20)."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

import migrations
from devstack.server_files import temporary_directory
from ledger.settings import Settings
from tests.faults.clusters import Server
from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.steady_sale import steady_sale
from tests.running_system import Stack, free_port, system_settings, wait_until_ready
from tests.soak import SOAK, rounds
from tests.workers.deployment import redis_on, wait_until

KILLS = rounds(6, 50)
PARTS = ("app", "worker", "tick")


class Killable:
    """Everything that Seatledger consists of."""

    def __init__(self, directory: Path, data: Path) -> None:
        self._server, self._redis, self._redis_port = Server(directory / "pg"), ExitStack(), free_port()
        self._server.start()
        migrations.upgrade(self._server.url)
        redis_url = self._redis.enter_context(redis_on(self._redis_port))
        settings = system_settings(self._server.url, redis_url, data)
        self.settings = replace(settings, verify_hours=0, allow_unsafe_database=False)
        self.stack = Stack(self.settings)

    def kill(self, name: str) -> None:
        """Kills it, and starts it again."""
        if name == "PostgreSQL":
            self._server.kill()
            self._server.start()
        elif name == "Redis":
            self._redis.close()
            self._redis.enter_context(redis_on(self._redis_port))
        else:
            number = PARTS.index(name)
            self.stack.processes[number].kill()
            self.stack.processes[number].wait(10)
            self.stack.processes[number] = self.stack.start(*((name,) if name == "app" else ("workers", name)))
        if name in ("PostgreSQL", "app"):
            wait_until_ready(self.stack.url, self.stack.processes[0])

    def stop(self) -> None:
        self.stack.stop()
        self._redis.close()
        self._server.stop()


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    with temporary_directory("seatledger-test-") as directory:
        killable = Killable(directory, tmp_path)
        yield killable
        killable.stop()


def test_holds_survive_whatever_is_killed(killable: Killable) -> None:
    dice, settings = random.Random(18), killable.settings
    names = [*PARTS, "PostgreSQL", "Redis"]
    killed = [names[number % len(names)] for number in range(KILLS)]
    dice.shuffle(killed)
    with steady_sale(settings, killable.stack.url, held_share=0.7) as sale:
        for name in killed:
            sale.wait_for(2)
            time.sleep(dice.uniform(0, 0.5))
            killable.kill(name)
        sale.wait_for(1)
    if SOAK:  # the forgotten holds are due a minute after they were made
        wait_until(lambda: _outcomes(settings)["open"] == 0, "no hold is open")
    wait_until_projected(settings)
    found = check_ledger(settings, sale)
    outcomes = _outcomes(settings)
    print(f"\nR20: killed {dict(Counter(killed))}: {len(found.lost)} lost; outcomes of holds {outcomes}; {sale.figures()}")
    assert (found.lost, found.lost_cancellations) == (set(), set())
    assert outcomes["released"] == len(sale.released)
    assert sum(outcomes.values()) == len(sale.held)
    check_rows(settings)
    status, output = operator(settings, "verify")
    assert (status, "Proven" in output) == (0, True), output


def _outcomes(settings: Settings) -> Counter[str]:
    with psycopg.connect(settings.database_url) as connection:
        return Counter(dict(connection.execute("SELECT status, count(*) FROM holds GROUP BY status").fetchall()))
