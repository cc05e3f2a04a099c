"""API, worker, tick, PostgreSQL and Redis are killed at random while seats are held, confirmed, given back and forgotten: each hold
has one outcome at most, no seat is sold or held twice, and everything is proven (R20)."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.settings import Settings
from tests.faults.killable import Killable, everything_killable, victims
from tests.faults.ledger_check import check_ledger, check_rows, operator, wait_until_projected
from tests.faults.steady_sale import steady_sale
from tests.soak import SOAK
from tests.workers.deployment import wait_until


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[Killable]:
    with everything_killable(tmp_path) as killable:
        yield killable


def test_holds_survive_whatever_is_killed(killable: Killable) -> None:
    dice, settings = random.Random(18), killable.settings
    killed = victims(dice)
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
