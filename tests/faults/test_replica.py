"""Queries on a standby: as fresh as the request asks, and by the primary where the standby lags, falls silent or was lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devstack.server_files import temporary_directory
from query_api.replica import MAX_LAG_SECONDS
from tests.faults.clusters import Primary, primary
from tests.faults.slow_line import SlowLine
from tests.running_system import Person, Stack, system_settings, tickets
from tests.soak import within

SECONDS = within(3.0)
START_SECONDS = within(10.0)


class Shown(NamedTuple):
    """How many bookings a customer sees, and as of which position."""

    bookings: int
    position: int


class Replicated:
    """A running system whose queries go to a standby, over a line that can fall silent."""

    def __init__(self, stack: Stack, standby: Primary, line: SlowLine, stop_standby: Callable[[], None]) -> None:
        self.stack, self.standby, self.line, self.stop_standby = stack, standby, line, stop_standby
        self.organizer, self.customer = stack.person("organizer"), stack.person()

    @contextmanager
    def replay_paused(self) -> Iterator[None]:
        self.standby.sql("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.standby.sql("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
        try:
            yield
        finally:
            self.standby.sql("SELECT pg_wal_replay_resume()")

    def book(self) -> None:
        event = self.stack.event(self.organizer)
        self.customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))

    def shown(self, position: str | None = None) -> Shown:
        headers: dict[str, Any] = {} if position is None else {"Ledger_Position": position}
        person = Person(self.customer.http, token=self.customer.token)
        began = time.monotonic()
        response = person.do("GET", "/api/bookings?limit=100", **headers)
        assert time.monotonic() - began < SECONDS
        assert response.is_success, response.text
        return Shown(len(response.json()["items"]), int(response.headers["Ledger-Position"]))

    def wait_until_standby_is_used(self) -> None:
        """Until a query without a position shows what the standby has."""

        def shows_the_past() -> bool:
            with self.replay_paused():
                before = self.shown(self.customer.last)
                self.book()
                self.shown(self.customer.last)
                return self.shown().bookings == before.bookings

        wait_until(shows_the_past, START_SECONDS)
        wait_until(lambda: self.shown() >= self.shown(self.customer.last), START_SECONDS)


def wait_until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def system(redis_url: str, tmp_path: Path) -> Iterator[Replicated]:
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        server = stack.enter_context(primary(directory / "primary"))
        standbys = stack.enter_context(ExitStack())
        standby = standbys.enter_context(server.standby(directory / "standby"))
        line = stack.enter_context(SlowLine(standby.url).running())
        running = Stack(replace(system_settings(server.url, redis_url, tmp_path), database_read_url=line.url))
        stack.callback(running.stop)
        yield Replicated(running, standby, line, standbys.close)


def test_standby_answers_as_fresh_as_was_asked(system: Replicated) -> None:
    system.wait_until_standby_is_used()
    before = system.shown()
    with system.replay_paused():
        system.book()
        booked_at = int(system.customer.last)
        later = system.shown(system.customer.last)
        assert later.bookings == before.bookings + 1
        assert later.position >= booked_at
        assert system.shown() == before, "a query without a position goes to the standby"
        wait_until(lambda: system.shown().bookings == later.bookings, 2 * MAX_LAG_SECONDS)
    wait_until(lambda: system.shown().position >= later.position)


def test_complete_lists_come_from_the_standby(system: Replicated) -> None:
    system.wait_until_standby_is_used()

    def lines(**headers: Any) -> int:
        response = system.stack.admin.do("GET", "/api/stats/events", Accept="text/csv", **headers)
        assert response.is_success
        return len(response.text.splitlines())

    head = str(system.stack.admin.ok("GET", "/api/projections")["ledger_position"])
    wait_until(lambda: lines() == lines(Ledger_Position=head))  # what was done before is on the standby, too
    before = lines()
    with system.replay_paused():
        system.book()
        assert lines(Ledger_Position=system.customer.last) == before + 1
        assert lines() == before


def test_nobody_waits_for_a_standby_that_is_silent_or_gone(system: Replicated) -> None:
    system.wait_until_standby_is_used()
    with system.line.silent():
        for _ in range(3):
            system.book()
            assert system.shown(system.customer.last).position >= int(system.customer.last)
            assert system.shown().position >= int(system.customer.last)
    system.wait_until_standby_is_used()
    system.stop_standby()
    for _ in range(3):
        system.book()
        assert system.shown(system.customer.last).position >= int(system.customer.last)
        assert system.shown().position >= int(system.customer.last)
