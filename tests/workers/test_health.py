"""`python -m workers check` tells whether the projections move."""

import os
from uuid import UUID

import psycopg
import pytest

from ledger.settings import Settings
from projections.registry import PROJECTORS
from tests.forked_processes import run
from tests.workers.deployment import Grow, process, wait_until
from workers import health
from workers.health import find_trouble
from workers.worker import Worker

ONE = UUID(int=0x1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.5)


def test_projections_at_the_head_are_well(settings: Settings, worker: Worker, grow: Grow) -> None:
    assert find_trouble(settings, list(PROJECTORS)) is None  # an empty ledger
    grow(ONE, 20)
    for projector in PROJECTORS.values():
        worker.project(projector)
    assert find_trouble(settings, list(PROJECTORS)) is None


@pytest.mark.usefixtures("quick")
def test_projections_that_stay_behind_are_named(settings: Settings, worker: Worker, grow: Grow) -> None:
    grow(ONE, 20)
    worker.project(PROJECTORS["revenue"])
    trouble = find_trouble(settings, ["revenue", "bookings", "catalogue"])
    assert trouble is not None
    assert f"while the ledger is at {worker.ledger.head()}: bookings at 0, catalogue at 0." in trouble
    assert find_trouble(settings, ["revenue"]) is None


@pytest.mark.usefixtures("quick")
def test_projection_that_an_entry_stops_is_not_the_workers_fault(settings: Settings, database_url: str, grow: Grow) -> None:
    grow(ONE, 20)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE projections SET failed_position = 1, error = 'unreadable' WHERE name = 'revenue'")
    assert find_trouble(settings, ["revenue"]) is None


def test_check_waits_for_a_projection_that_moves_and_its_status_tells(settings: Settings, worker: Worker, grow: Grow) -> None:
    environment = {**os.environ, **settings.to_env()}
    grow(ONE, 20)
    done = run(("workers", "check", "--only", "bookings"), environment)
    assert (done.returncode, "these projections have not moved" in done.stderr) == (1, True)
    with process(settings, "worker"):
        wait_until(lambda: worker.ledger.head() > 0, "entries")
        assert run(("workers", "check"), environment).returncode == 0
    unavailable = run(("workers", "check"), {**environment, "DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert (unavailable.returncode, "The database is unavailable" in unavailable.stderr) == (1, True)
