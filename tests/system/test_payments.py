"""Payments and refunds at the box office, on a running Seatledger."""

import csv
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.abuse.refusals import refused
from tests.running_system import JSON, ON_SITE, Person, Stack, tickets


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = stack.event(organizer, payment=ON_SITE)
    return made


@pytest.fixture
def booking(event: JSON, alice: Person) -> JSON:
    made: JSON = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    return made


def path_of(booking: JSON) -> str:
    return f"/api/bookings/{booking['id']}"


def pay(organizer: Person, booking: JSON, amount: str = "100.00", kind: str = "cash", **more: str) -> JSON:
    made: JSON = organizer.ok("POST", f"{path_of(booking)}/payments", {"kind": kind, "amount": amount, **more})
    return made


def refund(organizer: Person, booking: JSON, amount: str, kind: str = "cash", **more: bool) -> JSON:
    made: JSON = organizer.ok("POST", f"{path_of(booking)}/refunds", {"kind": kind, "amount": amount, **more})
    return made


def money(booking: JSON) -> tuple[str, str, str, str, str]:
    """Its status, what was paid, is due, is owed back and was paid back."""
    amounts = (booking[f"{name}_amount"] for name in ("paid", "due", "refund_due", "refunded"))
    return (booking["payment_status"], *amounts)


def balances(person: Person, event: JSON) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for item in person.see(f"/api/stats/postings?event_id={event['id']}")["items"]:
        name = f"{item['account']} {item['method']}" if item["method"] else item["account"]
        found[name] = Decimal(item["amount"])
    assert sum(found.values()) == 0
    return {name: amount for name, amount in found.items() if amount}


def test_an_event_says_how_it_is_paid(stack: Stack, event: JSON, organizer: Person) -> None:
    assert event["payment"] == ON_SITE
    assert stack.event(organizer)["payment"] == {"policy": "elsewhere", "methods": []}
    changed = organizer.ok(
        "PATCH", f"/api/events/{event['id']}", {"payment": {"policy": "elsewhere"}}, If_Match=f'"{event["details_version"]}"'
    )
    assert changed["payment"]["policy"] == "elsewhere"
    assert organizer.see(f"/api/events/{event['id']}")["payment"] == {"policy": "elsewhere", "methods": []}
    for wrong in ({"policy": "online"}, {"policy": "elsewhere", "methods": ["box_office"]}, {"policy": "barter"}):
        body = {"name": "N", "categories": [{"name": "A", "price": "1", "capacity": 1}], "payment": wrong}
        refused(organizer.do("POST", "/api/events", body), 422, slug="malformed")


def test_a_booking_is_due_until_it_is_paid(event: JSON, booking: JSON, organizer: Person, alice: Person) -> None:
    assert money(booking) == ("due", "0.00", "100.00", "0.00", "0.00")
    assert alice.see(path_of(booking)) == booking
    code = {"code": booking["tickets"][0]["code"]}
    check_in = f"/api/events/{event['id']}/check-ins"
    assert refused(organizer.do("POST", check_in, code), 409, slug="payment-due")["due_amount"] == "100.00"
    first = organizer.do("POST", f"{path_of(booking)}/payments", {"kind": "card", "amount": 100, "reference": "0042"}, key="pay")
    paid = first.json()
    assert (first.status_code, first.headers["location"]) == (201, f"{path_of(booking)}/payments")
    assert money(paid) == ("paid", "100.00", "0.00", "0.00", "0.00")
    again = organizer.do(
        "POST", f"{path_of(booking)}/payments", {"kind": "card", "amount": "100.0", "reference": "0042"}, key="pay"
    )
    assert again.json() == paid, "a retry"
    assert organizer.see(path_of(booking)) == paid
    organizer.ok("POST", check_in, code)
    [movement] = alice.ok("GET", f"{path_of(booking)}/payments", Ledger_Position=organizer.last)["items"]
    shown = {name: movement[name] for name in ("kind", "amount", "method", "reference", "reason")}
    assert shown == {"kind": "received", "amount": "100.00", "method": "card", "reference": "0042", "reason": None}


def test_what_was_paid_for_cancelled_tickets_is_owed_and_paid_back(
    event: JSON, booking: JSON, organizer: Person, alice: Person
) -> None:
    pay(organizer, booking)
    cancelled = alice.ok("POST", f"{path_of(booking)}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    assert money(cancelled) == ("refund-due", "100.00", "0.00", "50.00", "0.00")
    assert alice.see(path_of(booking)) == cancelled
    too_much = organizer.do("POST", f"{path_of(booking)}/refunds", {"kind": "cash", "amount": "100.01"})
    assert refused(too_much, 409, slug="refund-exceeds")["refundable_amount"] == "50.00"
    back = refund(organizer, booking, "50.00")
    assert money(back) == ("part-refunded", "100.00", "0.00", "0.00", "50.00")
    assert money(refund(organizer, booking, "10.00", "bank", goodwill=True)) == ("part-refunded", "100.00", "0.00", "0.00", "60.00")
    assert organizer.see(path_of(booking))["refunded_amount"] == "60.00"
    kinds = [(item["kind"], item["amount"], item["reason"]) for item in organizer.see(f"{path_of(booking)}/payments")["items"]]
    assert kinds == [
        ("received", "100.00", None),
        ("owed", "50.00", "cancelled"),
        ("paid-back", "50.00", None),
        ("owed", "10.00", "goodwill"),
        ("paid-back", "10.00", None),
    ]
    expected = {"cash cash": Decimal(50), "cash bank": Decimal(-10), "deferred-revenue": Decimal(-40)}
    assert balances(organizer, event) == expected


def test_a_booking_that_was_never_paid_is_owed_nothing(booking: JSON, organizer: Person, alice: Person) -> None:
    assert money(alice.ok("DELETE", path_of(booking))) == ("none-due", "0.00", "0.00", "0.00", "0.00")
    refused(organizer.do("POST", f"{path_of(booking)}/payments", {"kind": "cash", "amount": "100.00"}), 409, slug="already-paid")


def test_a_cancelled_event_owes_what_was_paid(event: JSON, booking: JSON, organizer: Person, alice: Person) -> None:
    pay(organizer, booking)
    unpaid = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    organizer.ok("POST", f"/api/events/{event['id']}/cancel", {"reason": "Rain"})
    seen = organizer.see(path_of(booking))
    assert (seen["status"], *money(seen)) == ("cancelled", "refund-due", "100.00", "0.00", "100.00", "0.00")
    assert money(organizer.see(path_of(unpaid))) == ("none-due", "0.00", "0.00", "0.00", "0.00")
    assert balances(organizer, event) == {"cash cash": Decimal(100), "refunds-payable": Decimal(-100)}
    part = refund(organizer, booking, "40.00")
    assert (part["status"], *money(part)) == ("cancelled", "refund-due", "100.00", "0.00", "60.00", "40.00")
    assert {ticket["status"] for ticket in part["tickets"]} == {"cancelled"}
    whole = refund(organizer, booking, "60.00")
    assert money(whole) == ("refunded", "100.00", "0.00", "0.00", "100.00")
    assert organizer.see(path_of(booking)) == whole
    assert balances(organizer, event) == {}


def test_a_completed_event_has_revenue(event: JSON, booking: JSON, organizer: Person) -> None:
    pay(organizer, booking)
    organizer.ok("POST", f"/api/events/{event['id']}/complete")
    assert balances(organizer, event) == {"cash cash": Decimal(100), "revenue": Decimal(-100)}
    refund(organizer, booking, "30.00", goodwill=True)
    assert balances(organizer, event) == {"cash cash": Decimal(70), "revenue": Decimal(-70)}


def test_payments_are_listed_searched_and_exported(event: JSON, booking: JSON, organizer: Person, alice: Person) -> None:
    other = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    pay(organizer, booking)
    pay(organizer, other, "50.00", "card", reference="=1+1")
    alice.ok("DELETE", path_of(other))
    listed = organizer.see(f"/api/payments?event_id={event['id']}")["items"]
    assert [(item["amount"], item["method"], item["state"]) for item in listed] == [
        ("50.00", "card", "refund-due"),
        ("100.00", "cash", "received"),
    ]
    assert listed[0]["booking_number"] == other["number"]
    due = organizer.see(f"/api/payments?event_id={event['id']}&state=refund-due")["items"]
    assert due == listed[:1]
    page = organizer.see(f"/api/payments?event_id={event['id']}&limit=1")
    rest = organizer.see(f"/api/payments?event_id={event['id']}&limit=1&cursor={page['next_cursor']}")
    assert page["items"] + rest["items"] == listed
    text = organizer.do("GET", f"/api/payments?event_id={event['id']}", Accept="text/csv", Ledger_Position=organizer.last).text
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["amount"], row["refund_due_amount"], row["reference"]) for row in rows] == [
        ("50.00", "50.00", "'=1+1"),
        ("100.00", "0.00", ""),
    ]
    postings = organizer.do("GET", f"/api/stats/postings?event_id={event['id']}", Accept="text/csv", Ledger_Position=organizer.last)
    amounts = [Decimal(row["amount"]) for row in csv.DictReader(postings.text.splitlines())]
    assert len(amounts) == 12
    assert sum(amounts) == 0


def test_bookings_are_filtered_by_payment(event: JSON, booking: JSON, organizer: Person, alice: Person, bob: Person) -> None:
    paid = bob.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    owed = bob.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    pay(organizer, paid, "50.00")
    pay(organizer, owed, "50.00")
    organizer.ok("DELETE", path_of(owed))
    for payment, expected in (("due", booking), ("paid", paid), ("refund-due", owed)):
        found = organizer.see(f"/api/events/{event['id']}/bookings?payment={payment}")["items"]
        assert [item["id"] for item in found] == [expected["id"]], payment
    organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    assert organizer.see(f"/api/events/{event['id']}/bookings?payment=due")["items"] == []
    still = organizer.see(f"/api/events/{event['id']}/bookings?payment=refund-due")["items"]
    assert {item["id"] for item in still} == {paid["id"], owed["id"]}


def test_others_see_no_money(stack: Stack, booking: JSON, organizer: Person, alice: Person, bob: Person) -> None:
    pay(organizer, booking)
    refused(bob.do("GET", f"{path_of(booking)}/payments"), 404, slug="booking-not-found")
    other = stack.person("organizer")
    refused(other.do("GET", f"{path_of(booking)}/payments"), 404, slug="booking-not-found")
    refused(other.do("POST", f"{path_of(booking)}/refunds", {"kind": "cash", "amount": "1.00"}), 403, slug="not-your-event")
    refused(alice.do("GET", "/api/payments"), 403, slug="forbidden")
    assert other.see("/api/payments")["items"] == other.see("/api/stats/postings")["items"] == []
    auditor, event = stack.person("auditor"), f"event_id={booking['event_id']}"
    assert auditor.do("GET", f"{path_of(booking)}/payments").is_success
    seen = [person.insist("GET", f"/api/payments?{event}", Ledger_Position=organizer.last) for person in (auditor, organizer)]
    assert [answer.json()["items"][0]["customer_name"] for answer in seen] == [None, "A customer"]
    text = auditor.insist("GET", f"/api/payments?{event}", Accept="text/csv", Ledger_Position=organizer.last).text
    assert "A customer" not in text
    refused(organizer.do("POST", f"/api/bookings/{uuid4()}/payments", {"kind": "cash", "amount": "1"}), 404)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "100.001"}, "amount"),
        ({"amount": "1" * 16}, "amount"),
        ({"kind": "stripe"}, "kind"),
        ({"reference": "a" * 65}, "reference"),
        ({"reference": "4242 4242 4242 4242"}, "reference"),
        ({"reference": "DE89 3704 0044 0532 0130 00"}, "reference"),
        ({"reference": "4242_4242__4242/4242"}, "reference"),
        ({"reference": "\uff14242\uff14242\uff14242"}, "reference"),
        ({"reference": "\u0664242\u0664242\u0664242"}, "reference"),
        ({"reference": "a\u202eb"}, "reference"),
    ],
)
def test_bad_payments_are_refused(wrong: JSON, path: str, booking: JSON, organizer: Person) -> None:
    for route in ("payments", "refunds"):
        problem = refused(organizer.do("POST", f"{path_of(booking)}/{route}", {"kind": "cash", "amount": "100.00", **wrong}), 422)
        assert [error["path"] for error in problem["errors"]] == [path]
