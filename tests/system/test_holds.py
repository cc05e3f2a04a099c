"""Holding seats and confirming them, on a running Seatledger: by accounts, at the box office, by guests."""

import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.abuse.refusals import refused
from tests.guests import MAIL, Guest, booking, proof_for
from tests.running_system import JSON, Person, Stack, tickets


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = stack.event(organizer, hold_minutes=20)
    return made


@pytest.fixture(scope="module")
def other_url(stack: Stack) -> Iterator[str]:
    """Another API process, which takes orders for mail."""
    with stack.another_api(**MAIL, GUEST_MAILS_PER_HOUR="5") as url:
        yield url


def holds_of(event: JSON) -> str:
    return f"/api/events/{event['id']}/holds"


def seats(person: Person, event: JSON) -> tuple[int, int, int]:
    general = person.see(f"/api/events/{event['id']}")["categories"][0]
    return general["taken"], general["held"], general["available"]


def test_a_hold_is_seen_extended_and_confirmed(event: JSON, alice: Person) -> None:
    held = alice.ok("POST", holds_of(event), {**tickets(2), "expected_total": "100.00"})
    path = f"/api/holds/{held['id']}"
    assert held["lines"] == [{"category": "General", "quantity": 2, "unit_price": "50.00", "amount": "100.00"}]
    assert (held["status"], held["total_amount"], held["currency"]) == ("open", "100.00", "EUR")
    assert minutes(held) == 20
    assert seats(alice, event) == (0, 2, 8)
    assert alice.see(path) == {name: value for name, value in held.items() if name != "token"}
    extended = alice.ok("POST", f"{path}/extend")
    assert held["expires_at"] < extended["expires_at"] == alice.see(path)["expires_at"]
    confirmed = alice.do("POST", f"{path}/confirm", {"expected_total": "100.0"}, key="confirm")
    booked = confirmed.json()
    assert (confirmed.status_code, confirmed.headers["location"]) == (201, f"/api/bookings/{held['id']}")
    assert (booked["id"], booked["total_amount"], len(booked["tickets"])) == (held["id"], "100.00", 2)
    assert alice.do("POST", f"{path}/confirm", {"expected_total": "100"}, key="confirm").json() == booked, "a retry"
    assert seats(alice, event) == (2, 0, 8)
    assert alice.see(path)["status"] == "confirmed"
    assert alice.see(f"/api/bookings/{held['id']}") == booked
    assert refused(alice.do("POST", f"{path}/confirm"), 409, slug="hold-closed")["outcome"] == "confirmed"


def minutes(held: JSON) -> float:
    return (datetime.fromisoformat(held["expires_at"]) - datetime.fromisoformat(held["held_at"])) / timedelta(minutes=1)


def test_a_released_hold_gives_its_seats_back(event: JSON, alice: Person, bob: Person) -> None:
    held = alice.ok("POST", holds_of(event), tickets(10), key="all")
    problem = refused(bob.do("POST", f"/api/events/{event['id']}/bookings", tickets()), 409, slug="sold-out")
    assert (problem["available"], problem["held"]) == (0, 10)
    assert alice.ok("DELETE", f"/api/holds/{held['id']}")["status"] == "released"
    assert alice.ok("POST", holds_of(event), tickets(10), key="all") == held, "a retry tells what was"
    bob.ok("POST", f"/api/events/{event['id']}/bookings", tickets(10))
    refused(alice.do("POST", f"/api/holds/{held['id']}/extend"), 409, slug="hold-closed")


def test_the_price_that_was_held_is_the_price(stack: Stack, event: JSON, organizer: Person, alice: Person) -> None:
    held = alice.ok("POST", holds_of(event), tickets())
    general, vip = event["categories"]
    dearer = [{"id": general["id"], "price": "60.00"}, {"id": vip["id"]}]
    organizer.ok("PATCH", f"/api/events/{event['id']}", {"categories": dearer}, If_Match=f'"{event["details_version"]}"')
    wrong = refused(alice.do("POST", f"/api/holds/{held['id']}/confirm", {"expected_total": "60"}), 409, slug="price-changed")
    assert wrong["total_amount"] == "50.00"
    assert alice.ok("POST", f"/api/holds/{held['id']}/confirm")["total_amount"] == "50.00"
    refused(alice.do("POST", holds_of(event), {**tickets(), "expected_total": "50.00"}), 409, slug="price-changed")


def test_the_box_office_holds_for_a_customer_and_confirms_anybodys(
    stack: Stack, event: JSON, organizer: Person, alice: Person
) -> None:
    customer = {"name": "Wanda", "email": f"{uuid4().hex}@example.test"}
    held = organizer.ok("POST", holds_of(event), {**tickets(), "customer": customer})
    refused(alice.do("GET", f"/api/holds/{held['id']}"), 404, slug="hold-not-found")
    refused(alice.do("POST", f"/api/holds/{held['id']}/confirm"), 404, slug="hold-not-found")
    assert organizer.ok("POST", f"/api/holds/{held['id']}/confirm")["customer_id"] == held["customer_id"]
    own = alice.ok("POST", holds_of(event), tickets())
    assert organizer.ok("GET", f"/api/holds/{own['id']}")["customer_id"] == alice.id
    assert organizer.ok("POST", f"/api/holds/{own['id']}/confirm")["customer_id"] == alice.id
    stranger = stack.person("organizer")
    refused(stranger.do("GET", f"/api/holds/{own['id']}"), 404)


def test_a_hold_is_used_in_another_process_before_any_worker_has_seen_it(
    stack: Stack, event: JSON, alice: Person, other_url: str
) -> None:
    worker = stack.processes[1]
    with httpx.Client(base_url=other_url, timeout=30) as http:
        there = Person(http, alice.id, alice.token)
        worker.send_signal(signal.SIGSTOP)
        try:
            held, dropped = (alice.ok("POST", holds_of(event), tickets()) for _ in range(2))
            path = f"/api/holds/{held['id']}"
            assert there.ok("GET", path, Ledger_Position=alice.last)["status"] == "open"
            assert there.ok("GET", path)["expires_at"] == held["expires_at"]
            assert there.ok("DELETE", f"/api/holds/{dropped['id']}")["status"] == "released"
            assert there.ok("POST", f"{path}/confirm")["id"] == held["id"]
            assert alice.ok("GET", path)["status"] == "confirmed"
            assert alice.ok("GET", f"/api/holds/{dropped['id']}")["status"] == "released"
        finally:
            worker.send_signal(signal.SIGCONT)


def test_holds_of_an_event_that_is_cancelled_have_ended(event: JSON, organizer: Person, alice: Person) -> None:
    held = alice.ok("POST", holds_of(event), tickets())
    organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    assert organizer.see(f"/api/holds/{held['id']}")["status"] == "lapsed"
    refused(alice.do("POST", f"/api/holds/{held['id']}/confirm"), 409, slug="event-not-bookable")


def test_open_holds_are_limited_by_account_and_by_address(stack: Stack, organizer: Person, alice: Person, bob: Person) -> None:
    event = stack.event(organizer)
    with stack.another_api(HOLDS_PER_ACCOUNT="2", HOLDS_PER_ADDRESS="3") as url, httpx.Client(base_url=url, timeout=30) as http:
        first, second = Person(http, alice.id, alice.token), Person(http, bob.id, bob.token)
        held = [first.ok("POST", holds_of(event), tickets()) for _ in range(2)]
        refused(first.do("POST", holds_of(event), tickets(20)), 429, slug="too-many-holds")
        second.ok("POST", holds_of(event), tickets())
        refused(second.do("POST", holds_of(event), tickets()), 429, slug="too-many-holds")
        alice.ok("DELETE", f"/api/holds/{held[0]['id']}")  # by another process
        alice.see(f"/api/events/{event['id']}")
        refused(first.do("POST", holds_of(event), tickets(20)), 409, slug="sold-out")
        first.ok("POST", holds_of(event), tickets())
        first.ok("POST", f"/api/holds/{held[1]['id']}/confirm")
        first.ok("POST", holds_of(event), tickets())


def test_holds_of_an_account_count_by_their_seats(stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer, capacity=2_000)
    with stack.another_api(HOLDS_PER_ACCOUNT="3") as url, httpx.Client(base_url=url, timeout=30) as http:
        customer = Person(http, alice.id, alice.token)
        refused(customer.do("POST", holds_of(event), tickets(61)), 429, slug="too-many-holds")
        held = customer.ok("POST", holds_of(event), tickets(41))
        refused(customer.do("POST", holds_of(event), tickets(1)), 429, slug="too-many-holds")
        customer.ok("DELETE", f"/api/holds/{held['id']}")
        for _ in range(3):
            customer.ok("POST", holds_of(event), tickets(20))


def test_a_guest_holds_confirms_and_manages_by_one_token(stack: Stack, event: JSON, organizer: Person, other_url: str) -> None:
    email = f"{uuid4().hex}@example.test"
    with Guest().at(other_url) as http:
        answer = http.post(holds_of(event), json=booking(email, 2), headers={"Idempotency-Key": "one"})
        assert answer.status_code == 201, answer.text
        held = answer.json()
        assert http.post(holds_of(event), json=booking(email, 2), headers={"Idempotency-Key": "one"}).json() == held
        path, bearer = f"/api/holds/{held['id']}", {"Authorization": f"Bearer {held['token']}"}
        refused(http.get(path), 401)
        assert http.get(path, headers=bearer).json()["status"] == "open"
        refused(http.get("/api/manage", headers=bearer), 410, slug="link-superseded")  # there is no booking yet
        assert http.post(f"{path}/extend", headers=bearer).status_code == 200
        refused(http.get(path, headers={"Authorization": f"Bearer {held['token'][:-2]}AA"}), 401)
        another = http.post(holds_of(event), json=booking(email)).json()
        refused(http.get(path, headers={"Authorization": f"Bearer {another['token']}"}), 404, slug="hold-not-found")
        assert (
            http.delete(f"/api/holds/{another['id']}", headers={"Authorization": f"Bearer {another['token']}"}).status_code == 200
        )
        booked = http.post(f"{path}/confirm", headers=bearer, json={"expected_total": "100.00"})
        assert booked.status_code == 201, booked.text
        assert booked.json()["manage_url"].endswith(f"/manage#{held['token']}")
        position = booked.headers["ledger-position"]
        managed = http.get("/api/manage", headers={**bearer, "Ledger-Position": position}).json()
        assert (managed["booking"]["id"], managed["email"]) == (held["id"], email)
    listed = organizer.ok("GET", f"/api/events/{event['id']}/bookings", Ledger_Position=position)["items"]
    assert [one["customer"]["email"] for one in listed] == [email]


def test_the_box_office_needs_the_token_of_a_hold_without_a_name(event: JSON, organizer: Person) -> None:
    with Guest().at(str(organizer.http.base_url)) as http:
        guest = Unnamed(http, event)
        wrong = refused(organizer.do("POST", f"{guest.path}/confirm"), 422)
        assert wrong["errors"] == [{"path": "token", "message": "is missing"}]
        assert organizer.ok("DELETE", guest.path)["status"] == "released"


def test_the_key_of_a_token_is_the_same_for_each_spelling_of_the_path(event: JSON, organizer: Person) -> None:
    with Guest().at(str(organizer.http.base_url)) as http:
        guest = Unnamed(http, event)
        paths = [f"/api/holds/{id_}/extend" for id_ in (guest.held["id"], guest.held["id"].upper())]
        extended = [http.post(path, headers={**guest.bearer, "Idempotency-Key": "one"}).json() for path in paths]
        assert extended[0] == extended[1]


def test_a_completed_event_ends_its_holds_before_any_worker_has_seen_it(
    stack: Stack, event: JSON, organizer: Person, alice: Person
) -> None:
    held = alice.ok("POST", holds_of(event), tickets())
    alice.see(f"/api/holds/{held['id']}")
    stack.processes[1].send_signal(signal.SIGSTOP)
    try:
        organizer.ok("POST", f"/api/events/{event['id']}/complete")
        assert organizer.see(f"/api/holds/{held['id']}")["status"] == "lapsed"
    finally:
        stack.processes[1].send_signal(signal.SIGCONT)


def test_each_seat_of_a_guest_counts_for_the_address(stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, capacity=100)
    with stack.another_api(HOLDS_PER_ADDRESS="20") as url, Guest().at(url) as http:
        refused(http.post(holds_of(event), json=tickets(21)), 429, slug="too-many-holds")
        first = http.post(holds_of(event), json=tickets(15))
        assert first.status_code == 201, first.text
        refused(http.post(holds_of(event), json=tickets(6)), 429, slug="too-many-holds")
        bearer = {"Authorization": f"Bearer {first.json()['token']}"}
        assert http.delete(f"/api/holds/{first.json()['id']}", headers=bearer).status_code == 200
        assert http.post(holds_of(event), json=tickets(20)).status_code == 201


class Unnamed:
    """A guest who holds seats first, and says later who it is."""

    def __init__(self, http: httpx.Client, event: JSON, quantity: int = 1) -> None:
        self.http = http
        answer = http.post(holds_of(event), json=tickets(quantity), headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code == 201, answer.text
        self.held: JSON = answer.json()
        self.path, self.bearer = f"/api/holds/{self.held['id']}", {"Authorization": f"Bearer {self.held['token']}"}

    def confirm(self, body: JSON | None = None, key: str = "") -> httpx.Response:
        keys = {"Idempotency-Key": key} if key else {}
        return self.http.post(f"{self.path}/confirm", headers={**self.bearer, **keys}, json=body or {})


def contact(email: str, **more: str) -> JSON:
    return {"contact": {"name": "A Guest", "email": email}, **more}


def test_a_guest_says_at_the_confirmation_who_it_is(stack: Stack, event: JSON, organizer: Person, other_url: str) -> None:
    wrong, email = f"{uuid4().hex}@example.test", f"{uuid4().hex}@example.test"
    with Guest().at(other_url) as http:
        guest = Unnamed(http, event, 2)
        assert http.get(guest.path, headers=guest.bearer).json()["status"] == "open"
        assert http.post(f"{guest.path}/extend", headers=guest.bearer).status_code == 200
        assert refused(guest.confirm(), 422)["errors"] == [{"path": "contact", "message": "is missing"}]
        refused(guest.confirm(contact("nobody")), 422)
        refused(guest.confirm(contact(wrong, expected_total="1.00")), 409, slug="price-changed")
        assert refused(guest.confirm(), 422)["errors"] == [{"path": "contact", "message": "is missing"}], "a refusal names nobody"
        booked = guest.confirm(contact(email), key="this")
        assert booked.status_code == 201, booked.text
        assert guest.confirm(contact(email), key="this").json() == booked.json(), "a retry"
        refused(guest.confirm(contact(wrong), key="this"), 422, slug="idempotency-key-reused")
        refused(guest.confirm(contact(wrong)), 409, slug="hold-closed")
        position = booked.headers["ledger-position"]
        managed = http.get("/api/manage", headers={**guest.bearer, "Ledger-Position": position}).json()
        assert (managed["name"], managed["email"]) == ("A Guest", email), "the address that was corrected"
        with httpx.Client(base_url=stack.url) as stale:  # a process that does not know the booking yet
            refused(stale.post(f"{guest.path}/confirm", headers=guest.bearer, json=contact(wrong)), 409, slug="hold-closed")
        assert http.get("/api/manage", headers={**guest.bearer, "Ledger-Position": position}).json()["email"] == email
        released = Unnamed(http, event)
        assert http.delete(released.path, headers=released.bearer).json()["status"] == "released"
    listed = organizer.ok("GET", f"/api/events/{event['id']}/bookings", Ledger_Position=position)["items"]
    assert [one["customer"]["email"] for one in listed] == [email]


def test_a_guest_proves_the_address_at_the_confirmation(stack: Stack, organizer: Person, other_url: str) -> None:
    event, email = stack.event(organizer, max_tickets_per_customer=2), f"{uuid4().hex}@example.test"
    with Guest().at(other_url) as http:
        first, second = (Unnamed(http, event, quantity) for quantity in (2, 1))
        refused(http.post(holds_of(event), json=tickets(3)), 409, slug="customer-limit")
        refused(first.confirm(contact(email)), 403, slug="email-unverified")
        refused(first.confirm(), 422)
        proof = proof_for(http, stack.settings, email)
        assert first.confirm(contact(email, proof=proof)).status_code == 201
        limit = refused(second.confirm(contact(email, proof=proof)), 409, slug="customer-limit")
        assert (limit["limit"], limit["held"]) == (2, 2)
    off = stack.event(organizer, guest_checkout="off")
    with Guest().at(other_url) as http:
        refused(http.post(holds_of(off), json=tickets()), 403, slug="guest-checkout-off")


def test_who_logs_in_meanwhile_confirms_with_the_token(event: JSON, organizer: Person, alice: Person, bob: Person) -> None:
    with Guest().at(str(alice.http.base_url)) as http:
        guest, other = (Unnamed(http, event) for _ in range(2))
        path = f"{guest.path}/confirm"
        refused(alice.do("POST", path), 404, slug="hold-not-found")
        refused(alice.do("POST", path, {"token": other.held["token"]}), 404, slug="hold-not-found")
        refused(alice.do("POST", path, {"token": "x" * 50}), 401)
        refused(alice.do("POST", path, contact("a@example.test")), 422)
        booked = alice.ok("POST", path, {"token": guest.held["token"], "expected_total": "50.00"})
        assert booked["customer_id"] == alice.id
        assert alice.see(f"/api/bookings/{booked['id']}")["status"] == "confirmed"
        assert guest.http.get(guest.path, headers=guest.bearer).json()["status"] == "confirmed"
        refused(bob.do("POST", path, {"token": guest.held["token"]}), 404, slug="hold-not-found")


def test_a_guest_proves_the_address_before_the_hold(stack: Stack, organizer: Person, other_url: str) -> None:
    event, email = stack.event(organizer, max_tickets_per_customer=2), f"{uuid4().hex}@example.test"
    with Guest().at(other_url) as http:
        refused(http.post(holds_of(event), json=booking(email)), 403, slug="email-unverified")
        proof = proof_for(http, stack.settings, email)
        held = http.post(holds_of(event), json=booking(email, 2, proof=proof)).json()
        refused(http.post(holds_of(event), json=booking(email, 1, proof=proof)), 409, slug="customer-limit")
        bearer = {"Authorization": f"Bearer {held['token']}"}
        assert http.post(f"/api/holds/{held['id']}/confirm", headers=bearer).status_code == 201
