"""Paying online with the provider of the demo, on a running Seatledger: API, workers, webhooks over HTTP."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from ledger.store import sqlalchemy_url
from providers.interface import NewPayment
from providers.registry import demo_provider
from tests.abuse.refusals import refused
from tests.running_system import JSON, ONLINE, Person, Stack, tickets
from tests.workers.deployment import wait_until


class Shop:
    def __init__(self, stack: Stack, engine: Engine) -> None:
        self.stack, self.organizer, self.alice = stack, stack.person("organizer"), stack.person()
        self.event: JSON = stack.event(self.organizer, payment=ONLINE)
        self.provider = demo_provider(stack.settings, engine)
        self.path = f"/api/events/{self.event['id']}"

    def hold(self, person: Person, quantity: int = 2) -> JSON:
        held: JSON = person.ok("POST", f"{self.path}/holds", tickets(quantity))
        return held

    def start(self, person: Person, held: JSON, **more: object) -> JSON:
        started: JSON = person.ok("POST", f"/api/holds/{held['id']}/payments", {"method": "demo", **more})
        return started

    def choose(self, started: JSON, outcome: str) -> JSON:
        done: JSON = self.stack.nobody().ok("POST", f"/api/demo-provider/payments/{started['id']}", {"outcome": outcome})
        return done

    def tell(self, payment_id: str) -> httpx.Response:
        """The webhook of a payment."""
        headers, body = self.provider.webhook(self.provider.find(UUID(payment_id)))
        return self.stack.http.post("/api/payment-providers/demo/webhook", content=body, headers=headers)

    def booking(self, person: Person, held: JSON) -> JSON:
        booking: JSON = person.see(f"/api/bookings/{held['id']}")
        return booking

    def balances(self) -> dict[str, Decimal]:
        items = self.organizer.see(f"/api/stats/postings?event_id={self.event['id']}")["items"]
        assert sum(Decimal(item["amount"]) for item in items) == 0
        found = defaultdict[str, Decimal](Decimal)
        for item in items:
            found[item["account"]] += Decimal(item["amount"])
        return {account: amount for account, amount in found.items() if amount}


@pytest.fixture
def shop(demo_stack: Stack) -> Iterator[Shop]:
    engine = create_engine(sqlalchemy_url(demo_stack.settings.database_url))
    yield Shop(demo_stack, engine)
    engine.dispose()


def test_a_paid_event_from_hold_to_refund(shop: Shop) -> None:
    alice = shop.alice
    order = alice.do("POST", f"{shop.path}/bookings", tickets(2))
    refused(order, 409, slug="payment-required")
    assert (order.json()["due_amount"], order.json()["methods"]) == ("100.00", ["demo"])
    held = shop.hold(alice)
    refused(alice.do("POST", f"/api/holds/{held['id']}/confirm"), 409, slug="payment-required")
    wrong = alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "demo", "expected_total": "99.00"})
    refused(wrong, 409, slug="price-changed")
    first = alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "demo", "expected_total": "100.00"})
    assert int(first.headers["ledger-position"]) > int(order.headers.get("ledger-position", 0))
    started = first.json()
    assert shop.start(alice, held) == started, "asked for again, it is the same"
    assert (started["amount"], started["redirect_url"]) == ("100.00", f"/pay/demo/{started['id']}")
    shown = alice.see(f"/api/holds/{held['id']}")
    assert (shown["status"], shown["payment"]["id"]) == ("open", started["id"])
    assert alice.ok("POST", f"/api/holds/{held['id']}/extend")["payment"] == shown["payment"]
    assert shop.choose(started, "decline")["state"] == "declined"
    assert shop.choose(started, "pay-twice-told")["state"] == "paid"
    for _ in range(3):
        assert shop.tell(started["id"]).status_code == 204, "told again, it is the same"
    booking = shop.booking(alice, held)
    assert (booking["status"], booking["payment_status"], booking["paid_amount"]) == ("confirmed", "paid", "100.00")
    admitted = {"code": booking["tickets"][0]["code"]}
    assert shop.organizer.ok("POST", f"{shop.path}/check-ins", admitted)["status"] == "used"
    assert shop.balances() == {"cash": 100, "deferred-revenue": -100}

    alice.ok("POST", f"/api/bookings/{held['id']}/cancel", {"tickets": [booking["tickets"][1]["id"]]})
    cash = shop.organizer.do("POST", f"/api/bookings/{held['id']}/refunds", {"kind": "cash", "amount": "50.00"})
    refused(cash, 409, slug="refund-exceeds")  # the provider pays it
    wait_until(lambda: shop.booking(alice, held)["payment_status"] == "part-refunded", "the refund")
    goodwill = {"kind": "original", "amount": "10.00", "goodwill": True}
    assert shop.organizer.ok("POST", f"/api/bookings/{held['id']}/refunds", goodwill)["refund_due_amount"] == "10.00"
    wait_until(lambda: shop.booking(alice, held)["refunded_amount"] == "60.00", "the refund")
    kinds = [item["kind"] for item in alice.see(f"/api/bookings/{held['id']}/payments")["items"]]
    assert kinds == ["started", "received", "owed", "paid-back", "owed", "paid-back"]
    wait_until(lambda: shop.balances() == {"cash": 40, "deferred-revenue": -40}, "the refund")


def test_a_guest_pays_and_money_without_seats_goes_back(shop: Shop) -> None:
    guest = shop.stack.nobody()
    held = shop.hold(guest)
    guest.token = held["token"]
    missing = guest.do("POST", f"/api/holds/{held['id']}/payments", {"method": "demo"})
    refused(missing, 422, slug="malformed")
    started = shop.start(guest, held, contact={"name": "Gina", "email": "gina@example.test"})
    assert shop.start(guest, held) == started, "who pays was said"
    shop.choose(started, "pay")
    managed = guest.ok("GET", "/api/manage")
    assert (managed["booking"]["id"], managed["booking"]["payment_status"], managed["name"]) == (held["id"], "paid", "Gina")

    late = shop.hold(shop.alice)
    started = shop.start(shop.alice, late)
    shop.alice.ok("DELETE", f"/api/holds/{late['id']}")
    shop.choose(started, "pay")
    assert shop.alice.do("GET", f"/api/bookings/{late['id']}").status_code == 404
    listed = f"/api/payments?event_id={shop.event['id']}"
    wait_until(lambda: shop.organizer.see(listed)["items"][0]["state"] == "refunded", "the refund")
    unbooked = shop.organizer.see(listed)["items"][0]
    assert (unbooked["booking_number"], unbooked["customer_name"], unbooked["refunded_amount"]) == (None, "A customer", "100.00")

    stuck = shop.hold(shop.alice)
    started = shop.start(shop.alice, stuck)
    shop.alice.ok("DELETE", f"/api/holds/{stuck['id']}")
    shop.choose(started, "pay-without-refunds")
    wait_until(lambda: shop.organizer.see(f"{listed}&state=refund-failed")["items"] != [], "the refund")
    (failed,) = shop.organizer.see(f"{listed}&state=refund-failed")["items"]
    assert (failed["failure"], failed["refund_due_amount"]) == ("refunds-refused", "100.00")
    assert shop.balances() == {"cash": 200, "deferred-revenue": -100, "refunds-payable": -100}
    settled = f"{shop.path}/payments/{failed['id']}/refunds"
    shop.organizer.ok("POST", settled, {"kind": "bank", "amount": "100.00", "reference": "by transfer"})
    assert shop.balances() == {"cash": 100, "deferred-revenue": -100}
    booked = shop.organizer.do("POST", f"{shop.path}/payments/{held['id']}/refunds", {"kind": "bank", "amount": "1.00"})
    refused(booked, 404, slug="payment-not-found")


def test_a_provider_that_does_not_answer_loses_nothing(shop: Shop) -> None:
    held = shop.hold(shop.alice)
    with psycopg.connect(shop.stack.settings.database_url) as connection:
        connection.execute("LOCK TABLE demo_payments IN ACCESS EXCLUSIVE MODE")
        away = shop.alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "demo"})
    refused(away, 503, slug="provider-unavailable")
    assert away.headers["retry-after"] == "1"
    assert shop.alice.see(f"/api/holds/{held['id']}")["payment"] is not None
    started = shop.start(shop.alice, held)
    shop.choose(started, "pay")
    assert shop.booking(shop.alice, held)["payment_status"] == "paid"


def test_who_pays_for_a_guest_s_hold_keeps_it(shop: Shop) -> None:
    """Nobody takes it over by the token that it had before, in this process or in another."""
    held, bob = shop.hold(shop.stack.nobody()), shop.stack.person()
    hold, token = f"/api/holds/{held['id']}", {"token": held["token"]}
    with shop.stack.another_api(DEMO="1") as url, httpx.Client(base_url=url, timeout=30) as client:
        there = Person(client, shop.alice.id, shop.alice.token)
        started = there.ok("POST", f"{hold}/payments", {"method": "demo", **token})
        first = bob.do("POST", f"{hold}/payments", {"method": "demo", **token})
        assert first.status_code in (410, 503), "this process made the hold, and learns now whose it is"
        assert there.see(hold)["customer_id"] == shop.alice.id
        for path, body in (("payments", {"method": "demo", **token}), ("confirm", token)):
            for caller in (bob, Person(client, bob.id, bob.token)):
                refused(caller.do("POST", f"{hold}/{path}", body), 410, slug="link-superseded")
        bearer = Person(shop.stack.http, token=held["token"])
        refused(bearer.do("DELETE", hold), 410, slug="link-superseded")
        shop.choose(started, "pay")
    assert shop.booking(shop.alice, held)["payment_status"] == "paid"
    assert bob.do("GET", f"/api/bookings/{held['id']}").status_code == 404


def test_nobody_is_erased_while_they_pay(shop: Shop) -> None:
    held = shop.hold(shop.alice)
    shop.start(shop.alice, held)
    refused(shop.alice.do("DELETE", "/api/me"), 409, slug="erasure-refused")
    shop.alice.ok("DELETE", f"/api/holds/{held['id']}")
    shop.alice.ok("DELETE", "/api/me")


def test_money_that_nobody_can_place_is_kept_for_somebody(shop: Shop) -> None:
    """For a hold whose payment nobody started here; told twice, it is one."""
    held, id_ = shop.hold(shop.alice), uuid4()
    payment = NewPayment(id_, UUID(shop.event["id"]), UUID(held["id"]), 10_000, "EUR", "Concert", datetime.now(UTC))
    shop.provider.start(payment)
    started = UUID(shop.start(shop.alice, held)["id"])
    headers, body = shop.provider.webhook(shop.provider.find(started)._replace(amount=10_000, currency="JPY"))
    foreign = shop.stack.http.post("/api/payment-providers/demo/webhook", content=body, headers=headers)
    assert [answer.status_code for answer in (shop.tell(str(id_)), shop.tell(str(id_)), foreign)] == [204] * 3
    listed = shop.stack.admin.ok("GET", "/api/payments/unplaced")["items"]
    assert {(item["payment_id"], item["amount"], item["currency"]) for item in listed} == {
        (str(id_), "100.00", "EUR"), (str(started), "10000", "JPY"),
    }  # fmt: skip
    assert {item["reason"] for item in listed} == {
        "There is no payment with this id, or it is not yours.", "currency is not that of the event."
    }  # fmt: skip
    assert shop.organizer.see(f"/api/payments?event_id={shop.event['id']}")["items"] == []


def test_what_is_not_the_provider_s_or_nobody_s(shop: Shop) -> None:
    anybody = shop.stack.http
    refused(anybody.post("/api/payment-providers/stripe/webhook", content=b"{}"), 404, slug="provider-unknown")
    refused(anybody.post("/api/payment-providers/demo/webhook", content=b"{}"), 400, slug="webhook-refused")
    held = shop.hold(shop.alice)
    on_site = shop.alice.do("POST", f"/api/holds/{held['id']}/payments", {"method": "box_office"})
    refused(on_site, 422, slug="malformed")
    elsewhere = shop.stack.event(shop.organizer)
    other = shop.alice.ok("POST", f"/api/events/{elsewhere['id']}/holds", tickets(1))
    off = shop.alice.do("POST", f"/api/holds/{other['id']}/payments", {"method": "demo"})
    refused(off, 409, slug="payment-method-off")
    nobodys = shop.stack.nobody().do("GET", f"/api/demo-provider/payments/{held['id']}")
    refused(nobodys, 404, slug="payment-not-found")
