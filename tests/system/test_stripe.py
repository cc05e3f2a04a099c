"""Paying by card: the whole of Seatledger beside a stand-in for Stripe, whose webhooks are lost, doubled, reordered and late."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.abuse.refusals import refused
from tests.conftest import PostgresServer
from tests.running_system import JSON, Person, Stack, system_settings, tickets
from tests.stripe_servers import REFUSED, StripeStandIn, stripe_stand_in
from tests.workers.deployment import wait_until

BY_CARD = {"policy": "online", "methods": ["stripe"]}


class Shop:
    def __init__(self, stack: Stack, stand_in: StripeStandIn) -> None:
        self.stack, self.stand_in, self.organizer = stack, stand_in, stack.person("organizer")

    def event(self, **more: Any) -> JSON:
        made: JSON = self.stack.event(self.organizer, payment=BY_CARD, **more)
        return made

    def start(self, person: Person, event: JSON, quantity: int = 2) -> JSON:
        held = person.ok("POST", f"/api/events/{event['id']}/holds", tickets(quantity))
        started: JSON = person.ok("POST", f"/api/holds/{held['id']}/payments", {"method": "stripe"})
        return started

    def pay(self, started: JSON) -> None:
        assert self.stand_in.pay(started["card_form"]["client_secret"])["status"] == "succeeded"

    def buy(self, person: Person, event: JSON, quantity: int = 2) -> JSON:
        started = self.start(person, event, quantity)
        self.pay(started)
        return self.booked(person, started)

    def booked(self, person: Person, started: JSON) -> JSON:
        path = f"/api/bookings/{started['hold_id']}"
        wait_until(lambda: person.do("GET", path).status_code == 200, "the seats are booked")
        booking: JSON = person.ok("GET", path)
        return booking

    def is_refunded(self, person: Person, started: JSON) -> bool:
        booking: JSON = person.see(f"/api/bookings/{started['hold_id']}")
        return bool(booking["payment_status"] == "refunded")

    def refunds(self) -> list[int]:
        return sorted(refund["amount"] for refund in self.stand_in.ask("GET", "/v1/refunds?limit=10000")["data"])


@pytest.fixture
def shop(postgres_server: PostgresServer, template_database: str, redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    name = f"stripe_{uuid4().hex[:8]}"
    settings = system_settings(postgres_server.create(name, template_database), redis_url, tmp_path)
    with stripe_stand_in(f"http://127.0.0.1:{settings.port}/api/payment-providers/stripe/webhook") as stand_in:
        stack = Stack(replace(settings, **stand_in.settings))
        yield Shop(stack, stand_in)
        stack.stop()
    postgres_server.drop(name)


def test_a_card_pays_and_is_paid_back(shop: Shop) -> None:
    alice, event = shop.stack.person(), shop.event()
    started = shop.start(alice, event)
    assert (started["amount"], started["redirect_url"]) == ("100.00", None)
    again = alice.ok("POST", f"/api/holds/{started['hold_id']}/payments", {"method": "stripe"})
    assert again["card_form"] == started["card_form"]
    assert shop.stand_in.pay(started["card_form"]["client_secret"], REFUSED)["error"]["code"] == "card_declined"
    shop.pay(started)
    booking = shop.booked(alice, started)
    assert (booking["payment_status"], booking["paid_amount"]) == ("paid", "100.00")
    alice.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    wait_until(lambda: alice.see(f"/api/bookings/{booking['id']}")["refunded_amount"] == "50.00", "the refund is paid")
    assert shop.refunds() == [5_000]
    movements = alice.see(f"/api/bookings/{booking['id']}/payments")["items"]
    received = next(one for one in movements if one["kind"] == "received")
    assert (received["method"], received["reference"][:3]) == ("stripe", "pi_")


def test_what_stripe_does_not_take_leaves_the_seats_held(shop: Shop) -> None:
    alice, event = shop.stack.person(), shop.event()
    held = alice.ok("POST", f"/api/events/{event['id']}/holds", tickets(1))
    with shop.stand_in.local.refusing("/v1/payment_intents", 400, "invalid_request_error", "amount_too_small"):
        refused(alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "stripe"}), 409, slug="payment-refused")
    assert alice.see(f"/api/holds/{held['id']}")["status"] == "open"
    with shop.stand_in.local.refusing("/v1/payment_intents", 500, "api_error", "x"):
        away = alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "stripe"})
        refused(away, 503, slug="provider-unavailable")
    started = alice.ok("POST", f"/api/holds/{held['id']}/payments", {"method": "stripe"})
    shop.pay(started)
    shop.booked(alice, started)


def test_webhooks_that_are_lost_doubled_reordered_and_late_end_in_one_state(shop: Shop) -> None:
    chance = random.Random(5)
    shop.stand_in.local.deliveries = lambda event: [chance.uniform(0, 4) for _ in range(chance.choice([0, 1, 2, 3]))]
    people, event = [shop.stack.person() for _ in range(6)], shop.event(capacity=100)
    started = [(person, shop.start(person, event)) for person in people for _ in range(2)]
    for number, (person, payment) in enumerate(started):
        if number % 4 == 0:  # the money comes without the seats
            person.ok("DELETE", f"/api/holds/{payment['hold_id']}")
        shop.pay(payment)
    kept = [pair for number, pair in enumerate(started) if number % 4]
    for person, payment in kept:
        assert shop.booked(person, payment)["payment_status"] == "paid"
    wait_until(lambda: shop.refunds() == [10_000] * 3, "the refunds are paid")
    shop.organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    wait_until(lambda: shop.refunds() == [10_000] * 12, "all refunds are paid")
    for person, payment in kept:
        wait_until(partial(shop.is_refunded, person, payment), "the refund is shown")
    with psycopg.connect(shop.stack.settings.database_url) as connection:
        ((wrong,),) = connection.execute("SELECT count(*) FROM payments WHERE amount <> 10000 OR paid_back <> 10000").fetchall()
        ((unplaced,),) = connection.execute("SELECT count(*) FROM unplaced_money").fetchall()
    assert (wrong, unplaced) == (0, 0)
