"""The primary is killed under the running production shape, and its standby promoted: a synchronous one has everything (R17); one
that lagged has lost what it did not receive, and nothing else (R16)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg

from tests.faults.ledger_check import Found, check_ledger, check_rows, operator, wait_until_projected
from tests.faults.postgres_pair import PostgresPair, postgres_pair
from tests.faults.production import Production, production
from tests.faults.promotions import Promotions, watch_promotions
from tests.faults.steady_sale import SteadySale, steady_sale
from tests.running_system import Person, system_settings
from tests.soak import rounds
from tests.workers.deployment import wait_until

ROUNDS = rounds(1, 20)
SELLING_SECONDS = 5.0
#: How long the standby receives nothing before the primary is killed.
LAG_SECONDS = 2.0


@contextmanager
def running_on(pair: PostgresPair, redis_url: str, directory: Path) -> Iterator[tuple[Production, Promotions]]:
    """In the block no process may end."""
    settings = replace(system_settings(pair.url, redis_url, directory / "data"), verify_hours=0, allow_unsafe_database=False)
    servers = (pair.primary, pair.standby)
    with production(settings, directory) as running, watch_promotions([server.timeline for server in servers]) as promotions:
        processes = {name: running.process(name) for name in running.names}
        yield running, promotions
        assert processes == {name: running.process(name) for name in running.names}, "something was restarted"


def fail_over_while_selling(pair: PostgresPair, running: Production, *, lag_seconds: float) -> SteadySale:
    """After each failover every event sells again."""
    with steady_sale(running.settings, running.url) as sale:
        for number in range(ROUNDS):
            if number:
                pair.add_standby(synchronous=not lag_seconds)
            sale.wait_for(3)
            if lag_seconds:
                pair.lag()
                time.sleep(lag_seconds)
            pair.fail_over()
            sale.wait_for(3)
    return sale


def check(running: Production, sale: SteadySale, promotions: Promotions, row: str) -> Found:
    wait_until_projected(running.settings)
    found = check_ledger(running.settings, sale)
    check_rows(running.settings)
    seconds = [first for moment in promotions.moments if (first := sale.first_after(moment)) is not None]
    print(
        f"\n{row}: {len(seconds)} promotions: {len(found.lost)} acknowledged bookings lost, 0 doubled;"
        f" the first sale came {max(seconds):.2f} s after a promotion at most; {sale.figures()}"
    )
    assert len(seconds) == ROUNDS
    assert max(seconds) <= SELLING_SECONDS
    return found


def test_synchronous_standby_is_promoted_and_nothing_is_lost(redis_url: str, tmp_path: Path) -> None:
    with postgres_pair(synchronous=True) as pair, running_on(pair, redis_url, tmp_path) as (running, promotions):
        sale = fail_over_while_selling(pair, running, lag_seconds=0)
        found = check(running, sale, promotions, "R17: a synchronous standby")
        assert (found.lost, found.lost_cancellations) == (set(), set())
        status, output = operator(running.settings, "verify")
        assert (status, "Proven" in output) == (0, True), output
        assert running.critical_lines() == {}


def test_standby_that_lagged_is_promoted_and_everything_goes_on(redis_url: str, tmp_path: Path) -> None:
    with postgres_pair(synchronous=False) as pair, running_on(pair, redis_url, tmp_path) as (running, promotions):
        sale = fail_over_while_selling(pair, running, lag_seconds=LAG_SECONDS)
        found = check(running, sale, promotions, "R16: a standby that lagged")
        assert found.lost, "the standby had everything: then this test shows nothing"
        check_lost_bookings(running, sale, found)
        lines = running.critical_lines()
        assert {"api1", "api2"} <= set(lines)
        assert set(lines) - {"api1", "api2"} <= {"worker1", "worker2"}, lines
        assert all(len(said) <= ROUNDS for said in lines.values()), lines
        check_verification(running)


def check_lost_bookings(running: Production, sale: SteadySale, found: Found) -> None:
    """Whoever asks: they do not exist. The others are their customers' as before."""
    for id_, status in (next(iter(found.lost)), 404), (next(iter(found.booked)), 200):
        with httpx.Client(base_url=running.url) as http:
            seen = {Person(http, token=customer.token).do("GET", f"/api/bookings/{id_}").status_code for customer in sale.customers}
        assert min(seen) == status, seen


def check_verification(running: Production) -> None:
    """Entries that were signed are missing, which `verify` says until an operator begins a new origin."""
    status, output = operator(running.settings, "verify")
    assert status == 3, output
    assert "were signed" in output or "what was signed" in output, output
    print(f"R16: verify: {output.strip()}")
    status, output = operator(running.settings, "new-origin")
    assert status == 0, output
    origin = output.split()[4]
    with psycopg.connect(running.settings.database_url, autocommit=True) as connection:
        signing = "SELECT origin, state FROM audit_signing"
        wait_until(lambda: connection.execute(signing).fetchone() == (origin, "signing"), "the log is signed again")
    status, output = operator(running.settings, "verify")
    assert (status, "Proven" in output) == (0, True), output
    print(f"R16: after new-origin: {output.strip()}")
