"""A backup is restored under the running system (R16): what was booked after it is lost, and nothing else."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.conftest import PostgresServer
from tests.running_system import Person, Stack, system_settings, tickets
from tests.soak import rounds

SELLERS = 4
CAPACITY = 100_000


@pytest.fixture
def own_stack(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    name = f"went_back_{uuid4().hex[:8]}"
    stack = Stack(system_settings(postgres_server.create(name, template_database), redis_url, tmp_path))
    yield stack
    stack.stop()
    postgres_server.drop(name)


class Sale:
    """Clients that book one event each, all the time. An answer that is not clear is retried with the same key."""

    def __init__(self, stack: Stack, organizer: Person) -> None:
        self.stack, self.stopping = stack, threading.Event()
        self.events = [stack.event(organizer, capacity=CAPACITY)["id"] for _ in range(SELLERS)]
        self.customers = [stack.person() for _ in range(SELLERS)]
        self.booked: list[dict[str, Any]] = []
        self.statuses = Counter[int]()
        self._threads = ThreadPoolExecutor(SELLERS)
        self._running = [self._threads.submit(self._sell, *pair) for pair in zip(self.events, self.customers, strict=True)]

    def _sell(self, event_id: str, customer: Person) -> None:
        while not self.stopping.is_set():
            key = uuid4().hex
            while True:
                try:
                    response = customer.do("POST", f"/api/events/{event_id}/bookings", tickets(2), key=key)
                except httpx.TransportError:
                    continue
                self.statuses[response.status_code] += 1
                if response.status_code == 201:
                    self.booked.append(response.json())
                    break
                time.sleep(0.05)

    def wait_for(self, bookings: int) -> None:
        """Until each event has this number of new bookings."""
        begin, deadline = len(self.booked), time.monotonic() + 60
        while time.monotonic() < deadline:
            new = Counter(booking["event_id"] for booking in self.booked[begin:])
            if all(new[event_id] >= bookings for event_id in self.events):
                return
            time.sleep(0.02)
        raise AssertionError(f"nothing is sold any more: {self.statuses}")

    def end(self) -> None:
        self.stopping.set()
        for running in self._running:
            running.result(60)
        self._threads.shutdown()


def _streams(url: str) -> dict[str, list[int]]:
    """The versions of each stream."""
    query = "SELECT originator_id::text, array_agg(originator_version ORDER BY originator_version) FROM ledger_entries GROUP BY 1"
    with psycopg.connect(url) as connection:
        return dict(connection.execute(query).fetchall())


def _booked(url: str) -> set[str]:
    """The ids of the bookings in the ledger."""
    query = "SELECT convert_from(state, 'UTF8')::json ->> 'command' FROM ledger_entries WHERE topic = 'seats-booked/1'"
    with psycopg.connect(url) as connection:
        return {id_ for (id_,) in connection.execute(query)}


def test_backup_is_restored_under_the_running_system(own_stack: Stack, postgres_server: PostgresServer) -> None:
    stack, url = own_stack, own_stack.settings.database_url
    sale, seconds = Sale(stack, stack.person("organizer")), []
    for _ in range(rounds(2, 20)):
        sale.wait_for(3)
        backup = postgres_server.back_up(url)
        sale.wait_for(5)
        postgres_server.restore(url, backup)
        restored = time.monotonic()
        sale.wait_for(1)
        seconds.append(time.monotonic() - restored)
    sale.end()
    streams, stand = _streams(url), _booked(url)
    for event_id, versions in streams.items():
        assert versions == list(range(1, len(versions) + 1)), f"a gap in {event_id}"
    assert set(sale.statuses) <= {201, 503}, sale.statuses
    lost = [booking for booking in sale.booked if booking["id"] not in stand]
    assert lost, "the restore lost nothing: then this test shows nothing"
    codes = Counter(ticket["code"] for booking in sale.booked for ticket in booking["tickets"])
    assert max(codes.values()) == 1, "a ticket code was given out twice"
    _check_read_tables(stack, sale, stand)
    print(
        f"R16: {len(sale.booked)} bookings, {len(lost)} of them lost with the database; {len(streams)} streams without a gap;"
        f" all sold again {max(seconds):.1f} s after a restore at the latest; {dict(sale.statuses)}"
    )


def _check_read_tables(stack: Stack, sale: Sale, stand: set[str]) -> None:
    """What the page shows is what the ledger has."""
    stack.settle()
    for event_id in sale.events:
        booked = sum(2 for booking in sale.booked if booking["event_id"] == event_id and booking["id"] in stand)
        category = stack.admin.ok("GET", f"/api/events/{event_id}")["categories"][0]
        assert category["capacity"] - category["available"] == booked
    projections = stack.admin.ok("GET", "/api/projections")["items"]
    assert {projection["state"] for projection in projections} == {"running"}, projections
