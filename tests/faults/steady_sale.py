"""Tickets are on sale at a steady rate, while a test does something to the system. Every outcome is known in the end: a request
without a clear response is sent again with its key."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from ledger.settings import Settings
from tests.running_system import LATER, PASSWORD, Person, tickets

#: More requests than the 60 bookings a second that are wanted: some are refused.
BOOKINGS_PER_SECOND, READS_PER_SECOND = 80, 20
BUYERS, READERS, CUSTOMERS = 24, 4, 8
CANCELLED_SHARE = 0.1
#: Of what is bought: seats that are held first. Of these holds: those that are given back, and those that are forgotten.
HELD_SHARE, RELEASED_SHARE, FORGOTTEN_SHARE = 0.4, 0.1, 0.1
#: Of the orders where seats are held: those with a promo code, which is good for some tickets of each event.
CODE_SHARE, CODE, CODE_TICKETS = 0.2, "STEADY", 15
#: The last event sells out, and sells again what is cancelled.
CAPACITIES = (100_000, 100_000, 100_000, 100_000, 100_000, 300)
TIMEOUT_SECONDS, PAUSE_SECONDS, PATIENCE_SECONDS = 10.0, 0.2, 120.0


@dataclass(frozen=True)
class Booking:
    """`at`: when it was acknowledged, by the monotonic clock. `tries`: more than one, if it was not clear at first, of all of its
    requests together."""

    at: float
    id: str
    event_id: str
    codes: tuple[str, ...]
    tries: int


@dataclass
class SteadySale:
    """`tries` counts responses by what they say, reads apart. `slowest`: the longest that a response took, of `/health` apart: that
    one needs no server but its own. `no_retry_after`: how many 503 did not say when to try again. `held`: the acknowledged holds,
    of which `released` were given back; those in `lost_holds` were not there any more."""

    url: str
    bookings_per_second: float
    events: dict[str, int] = field(default_factory=dict)
    customers: list[Person] = field(default_factory=list)
    booked: list[Booking] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    lost_holds: set[str] = field(default_factory=set)
    held_share: float = HELD_SHARE
    sold_out: int = 0
    spent: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("command", "read", "health"), 0.0))
    no_retry_after: int = 0
    given_up: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def longest_pause(self, begin: float, end: float) -> float:
        """The longest time without an acknowledged booking."""
        moments = [begin, *sorted(booking.at for booking in list(self.booked) if begin < booking.at < end), end]
        return max(after - before for before, after in pairwise(moments))

    def first_after(self, moment: float) -> float | None:
        """How long after that moment the first booking was acknowledged."""
        return min((booking.at - moment for booking in list(self.booked) if booking.at > moment), default=None)

    def wait_for(self, bookings: int, seconds: float = 60) -> None:
        """Until there are so many new bookings of each event that does not sell out."""
        begin, deadline = len(self.booked), time.monotonic() + seconds
        open_events = [event_id for event_id, capacity in self.events.items() if capacity > min(CAPACITIES)]
        while time.monotonic() < deadline:
            new = Counter(booking.event_id for booking in self.booked[begin:])
            if all(new[event_id] >= bookings for event_id in open_events):
                return
            time.sleep(0.02)
        raise AssertionError(f"not all events sell: {self.tries}")

    def figures(self) -> str:
        retried = sum(booking.tries > 1 for booking in self.booked)
        return (
            f"{len(self.booked)} bookings acknowledged ({retried} after a retry), {len(self.cancelled)} cancelled,"
            f" {len(self.held)} held first ({len(self.released)} given back), {self.sold_out} refused as sold out,"
            f" {self.spent} since the code was used up;"
            f" responses {dict(self.tries)}; reads {dict(self.reads)}"
        )

    # --- threads

    def buy(self, number: int) -> None:
        dice = random.Random(number)
        customer = self.customers[number % CUSTOMERS]
        for _ in self._paced(number, BUYERS, self.bookings_per_second):
            event_id, quantity = dice.choice(list(self.events)), dice.randint(1, 2)
            what = "holds" if dice.random() < self.held_share else "bookings"
            code = {"code": CODE} if self.held_share and dice.random() < CODE_SHARE else {}
            response, tries = self._ask(customer, "POST", f"/api/events/{event_id}/{what}", {**tickets(quantity), **code})
            if response is None:
                continue
            if response.status_code == 409:
                self.sold_out += response.json()["type"].endswith("/sold-out")
                self.spent += response.json()["type"].endswith("/code-spent")
                continue
            assert response.status_code == 201, response.text
            if what == "holds":
                response, more_tries = self._end_hold(customer, dice, response.json()["id"])
                tries += more_tries
            if response is None:
                continue
            body = response.json()
            codes = tuple(ticket["code"] for ticket in body["tickets"])
            self.booked.append(Booking(time.monotonic(), body["id"], event_id, codes, tries))
            if dice.random() < CANCELLED_SHARE:
                response, _ = self._ask(customer, "DELETE", f"/api/bookings/{body['id']}")
                if response is not None and response.status_code == 200:
                    self.cancelled.add(body["id"])

    def _end_hold(self, customer: Person, dice: random.Random, hold_id: str) -> tuple[httpx.Response | None, int]:
        """The acknowledged booking, if it is confirmed; and the number of tries."""
        self.held.add(hold_id)
        path, fate = f"/api/holds/{hold_id}", dice.random()
        if fate < FORGOTTEN_SHARE:
            return None, 0
        if fate < FORGOTTEN_SHARE + RELEASED_SHARE:
            response, tries = self._ask(customer, "DELETE", path)
            ends = self.released
        else:
            response, tries = self._ask(customer, "POST", f"{path}/confirm")
            ends = set()
        if response is None:
            return None, tries
        if response.status_code == 404:  # the ledger went back
            self.lost_holds.add(hold_id)
            return None, tries
        assert response.is_success, response.text
        ends.add(hold_id)
        return (response, tries) if response.status_code == 201 else (None, tries)

    def read(self, number: int) -> None:
        dice = random.Random(-number)
        with httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS) as http:
            for _ in self._paced(number, READERS, READS_PER_SECOND):
                path = dice.choice(["/health", "/api/events", *(f"/api/events/{event_id}" for event_id in self.events)])
                began = time.monotonic()
                try:
                    self.reads[str(http.get(path).status_code)] += 1
                except httpx.TransportError as error:
                    self.reads[type(error).__name__] += 1
                self._note_time("health" if path == "/health" else "read", began)

    def _note_time(self, kind: str, began: float) -> None:
        self.slowest[kind] = max(self.slowest[kind], time.monotonic() - began)

    def _paced(self, number: int, clients: int, per_second: float) -> Iterator[None]:
        due = time.monotonic() + number / per_second
        while not self.stopping.wait(max(due - time.monotonic(), 0)):
            due = max(due + clients / per_second, time.monotonic())
            yield

    def _ask(self, person: Person, method: str, path: str, body: Any = None) -> tuple[httpx.Response | None, int]:
        """The clear response and the number of tries; None if there was none for PATIENCE_SECONDS."""
        key, deadline, tries = uuid4().hex, time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < deadline:
            tries += 1
            began = time.monotonic()
            try:
                response = person.do(method, path, body, key=key)
            except httpx.TransportError as error:
                self.tries[type(error).__name__] += 1
            else:
                self._note_time("command", began)
                self.no_retry_after += response.status_code == 503 and "retry-after" not in response.headers
                kind = response.json().get("type", "").rpartition("/")[2]
                self.tries[f"{response.status_code} {kind}".strip()] += 1
                if response.status_code < 500:
                    return response, tries
            time.sleep(PAUSE_SECONDS)
        self.given_up.append(f"{method} {path}")
        return None, tries


@contextmanager
def steady_sale(
    settings: Settings, url: str, bookings_per_second: float = BOOKINGS_PER_SECOND, held_share: float = HELD_SHARE
) -> Iterator[SteadySale]:
    """At its end all outcomes are known, and nobody asks any more."""
    limits = httpx.Limits(max_connections=BUYERS)
    with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, limits=limits) as http:

        def person(role: str) -> Person:
            """By the API, and the role by a statement that every release's schema allows."""
            credentials = {"email": f"{uuid4().hex[:12]}@example.test", "password": PASSWORD}
            made = Person(http).ok("POST", "/api/signup", {"name": role, **credentials})
            with psycopg.connect(settings.database_url, autocommit=True) as connection:
                connection.execute("UPDATE accounts SET role = %s WHERE id = %s", (role, made["id"]))
            return Person(http, made["id"], Person(http).ok("POST", "/api/login", credentials)["access_token"])

        sale, organizer = SteadySale(url, bookings_per_second, held_share=held_share), person("organizer")
        for capacity in CAPACITIES:
            general = {"name": "General", "price": "50.00", "capacity": capacity}
            body: dict[str, Any] = {"name": "Concert", "starts_at": LATER, "categories": [general]}
            if held_share:
                general["capacity"] = 2 * capacity
                pool = {"name": "Hall", "capacity": capacity, "categories": ["General"]}
                body |= {"hold_minutes": 1, "pools": [pool]}
            event = organizer.ok("POST", "/api/events", body)
            if held_share:
                codes = {"effect": "percent", "value": "10", "max_tickets": CODE_TICKETS, "code": CODE}
                organizer.ok("POST", f"/api/events/{event['id']}/codes", codes)
            sale.events[event["id"]] = capacity
        organizer.see("/api/events?limit=1")  # else a reader may be there before the events are
        sale.customers = [person("customer") for _ in range(CUSTOMERS)]
        with ThreadPoolExecutor(BUYERS + READERS) as threads:
            running = [threads.submit(sale.buy, number) for number in range(BUYERS)]
            running += [threads.submit(sale.read, number) for number in range(READERS)]
            try:
                yield sale
            finally:
                sale.stopping.set()
            for client in running:
                client.result(2 * PATIENCE_SECONDS)
        assert not sale.given_up, f"no clear response for {PATIENCE_SECONDS} s: {sale.given_up}"
