"""Tickets are on sale on a running system, while a test does something to it."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from tests.running_system import Person, Stack, tickets

SELLERS = 4
CAPACITY = 100_000


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

    @staticmethod
    def booked_in(database_url: str) -> set[str]:
        """The ids of the bookings in a ledger."""
        query = "SELECT convert_from(state, 'UTF8')::json ->> 'command' FROM ledger_entries WHERE topic = 'seats-booked/1'"
        with psycopg.connect(database_url) as connection:
            return {id_ for (id_,) in connection.execute(query)}
