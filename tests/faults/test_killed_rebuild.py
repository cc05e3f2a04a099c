"""A rebuild of all projections during bookings and queries is killed again and again and continued, and then run once more (R6). No
query fails or is wrong, and the rebuilt tables are compared row by row.

SOAK=1 uses 1,000,000 entries instead of 20,000, and kills ten times instead of four."""

import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from benchmarks import history
from ledger.macs import Macs
from ledger.store import Ledger
from projections.registry import PROJECTORS
from tests import forked_processes
from tests.forked_processes import ForkedProcess
from tests.running_system import Person, Stack, system_settings, tickets
from tests.soak import END_SECONDS, SOAK, rounds

ENTRIES, EVENTS = (1_000_000, 1_000) if SOAK else (20_000, 20)
KILLS, BUYERS, PRICE = rounds(4, 10), 3, 50
CATCH_UP_SECONDS = 180 if SOAK else 60
#: Longer than a small rebuild takes at most: it is then begun anew.
LONGEST_SECONDS = 12.0 if SOAK else 2.5


class Buyer:
    """Books seats of its own event one after the other, and checks all queries that must show each booking."""

    def __init__(self, stack: Stack, sold: list[str], each: int) -> None:
        self.person, self.organizer, self._nobody = stack.person(), stack.person("organizer"), stack.nobody()
        self.event = stack.event(self.organizer, 100_000)["id"]
        self._sold, self._each = sold, each
        self.booked, self.reads, self.wrong = 0, 0, list[str]()

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            booking = self.person.ok("POST", f"/api/events/{self.event}/bookings", tickets())
            self.booked += 1
            self.organizer.last = self._nobody.last = self.person.last
            event = self._read(self._nobody, f"/api/events/{self.event}")
            self._expect("seats left", event["categories"][0]["available"], 100_000 - self.booked)
            newest = self._read(self.person, "/api/bookings?limit=1")["items"]
            self._expect("newest booking", [booking_["id"] for booking_ in newest], [booking["id"]])
            summary = self._read(self.organizer, "/api/stats/summary")
            gross = [revenue["gross"] for revenue in summary["revenue"]]
            self._expect("statistics", (summary["bookings"], gross), (self.booked, [f"{self.booked * PRICE}.00"]))
            old = self._read(self._nobody, f"/api/events/{self._sold[self.booked % len(self._sold)]}")
            self._expect("an old event", old["categories"][1]["taken"], self._each)

    def _read(self, person: Person, path: str) -> Any:
        self.reads += 1
        return person.see(path)

    def _expect(self, what: str, shown: object, expected: object) -> None:
        if shown != expected:
            self.wrong.append(f"{what}: {shown}, not {expected}")


@pytest.fixture
def long_stack(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[tuple[Stack, list[str], int]]:
    """A stack with a history; yields it with its events' ids and the number of bookings of each."""
    stack = Stack(replace(system_settings(database_url, redis_url, tmp_path), verify_hours=0))
    try:
        each, macs = ENTRIES // EVENTS - 1, Macs.open(stack.settings.keys)
        with closing(Ledger(database_url, macs)) as ledger, psycopg.connect(database_url) as connection:
            customers = [stack.person() for _ in range(3)]
            sold = history.schedule(ledger, UUID(stack.person("organizer").id), [f"Event {place}" for place in range(EVENTS)])
            history.sell(
                connection,
                macs,
                [history.Sales(event_id, 2, each) for event_id in sold],
                [UUID(customer.id) for customer in customers],
            )
        yield stack, [str(event_id) for event_id in sold], each
    finally:
        stack.stop()


def _environment(stack: Stack) -> dict[str, str]:
    return {**os.environ, **stack.settings.to_env()}


def _projected(stack: Stack) -> None:
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while any(projection["lag_entries"] for projection in stack.admin.ok("GET", "/api/projections")["items"]):
        assert time.monotonic() < deadline, "the worker has not caught up"
        time.sleep(0.2)


def _rebuilt(stack: Stack) -> float:
    """Runs a rebuild; returns its seconds."""
    began = time.monotonic()
    done = forked_processes.run(("projections", "rebuild", "all"), _environment(stack), timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("were equal") == len(PROJECTORS), done.stdout
    return time.monotonic() - began


def _killed(stack: Stack, dice: random.Random) -> int:
    """Kills rebuilds; returns how many were killed before their end. At least one had started to project."""
    killed = at_work = 0
    while killed < KILLS or not at_work:
        with tempfile.TemporaryDirectory() as output:
            process = ForkedProcess(("projections", "rebuild", "all"), _environment(stack), Path(output))
            time.sleep(dice.uniform(0.1, LONGEST_SECONDS))
            killed += process.poll() is None
            process.kill()
            process.wait(END_SECONDS)
        with psycopg.connect(stack.settings.database_url) as connection:
            at_work += connection.execute("SELECT FROM pg_namespace WHERE nspname LIKE 'rebuild%'").rowcount > 0
    return killed


def _verify(stack: Stack) -> str:
    done = forked_processes.run(("projections", "verify"), _environment(stack), timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(1_200 if SOAK else 300)
def test_rebuild_survives_kills_during_bookings_and_queries(long_stack: tuple[Stack, list[str], int]) -> None:
    stack, sold, each = long_stack
    buyers, stop, dice = [Buyer(stack, sold, each) for _ in range(BUYERS)], threading.Event(), random.Random(6)
    _projected(stack)
    with ThreadPoolExecutor(BUYERS) as threads:
        working = [threads.submit(buyer.work, stop) for buyer in buyers]
        try:
            killed, rest, whole = _killed(stack, dice), _rebuilt(stack), _rebuilt(stack)
        finally:
            stop.set()
        for future in working:
            future.result()  # raises the error of a failed query
    _projected(stack)
    proven = _verify(stack)
    booked, reads = sum(buyer.booked for buyer in buyers), sum(buyer.reads for buyer in buyers)
    wrong = [violation for buyer in buyers for violation in buyer.wrong]
    print(f"R6: rebuilt, killed {killed} times, continued in {rest:.1f} s; then anew: {ENTRIES:,} entries in {whole:.1f} s.")
    print(f"Meanwhile {booked} seats booked and {reads} reads: none failed, {len(wrong)} wrong. {proven}")
    assert not wrong
    assert reads > 100
