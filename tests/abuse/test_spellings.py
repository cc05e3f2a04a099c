"""The same request in another spelling: one command, one amount, one time."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.running_system import Person, Stack, tickets


def spellings(id_: str) -> list[str]:
    return [id_, id_.upper(), UUID(id_).hex, f"%7B{id_}%7D", f"urn:uuid:{id_}", f"%{ord(id_[0]):02x}{id_[1:]}"]


def test_key_is_one_command_in_each_spelling_of_the_path(stack: Stack, organizer: Person, alice: Person) -> None:
    event, key = stack.event(organizer), str(uuid4())
    answers = [alice.do("POST", f"/api/events/{id_}/bookings", tickets(1), key=key) for id_ in spellings(event["id"])]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    booking, again = answers[0].json()["id"], str(uuid4())
    cancels = [alice.do("DELETE", f"/api/bookings/{id_}", key=again) for id_ in spellings(booking)]
    assert {cancel.status_code for cancel in cancels} == {200}
    assert alice.see(f"/api/events/{event['id']}")["available"] == 15


PRICES = [
    "1e-400",
    "1E-9",
    "-1e-400",
    "NaN",
    "Infinity",
    "-Infinity",
    '"1e2"',
    '"\uff11\uff12"',
    '"1_000"',
    '"+1"',
    '" 1"',
    "true",
    "[1]",
    "1e400",
]


@pytest.mark.parametrize("price", PRICES)
def test_exotic_amount_is_refused(stack: Stack, organizer: Person, price: str) -> None:
    body = '{"name": "N", "starts_at": "2031-05-01T19:00:00Z", "categories": [{"name": "A", "price": %s, "capacity": 3}]}'
    assert _post(stack, organizer, "/api/events", body % price).status_code == 422


@pytest.mark.parametrize(
    ("price", "stored"), [("1E+2", "100.00"), ("12.5", "12.50"), ('"0.10"', "0.10"), ("0", "0.00"), ("0.0", "0.00")]
)
def test_amount_is_taken_as_it_is_written(stack: Stack, organizer: Person, price: str, stored: str) -> None:
    body = '{"name": "N", "starts_at": "2031-05-01T19:00:00Z", "categories": [{"name": "A", "price": %s, "capacity": 3}]}'
    answer = _post(stack, organizer, "/api/events", body % price)
    assert answer.status_code == 201, answer.text
    assert answer.json()["categories"][0]["price"] == stored


def test_time_without_an_offset_is_in_the_time_zone_of_the_event(stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, timezone="Europe/Berlin", starts_at="2031-07-01T19:00:00")
    assert event["starts_at"] == "2031-07-01T17:00:00Z"
    path = f"/api/events/{event['id']}"
    for change, starts_at in (
        ({"starts_at": "2031-10-26T02:30:00"}, "2031-10-26T00:30:00Z"),  # shown twice: the first
        ({"starts_at": "2031-07-01T19:00:00", "timezone": "America/New_York"}, "2031-07-01T23:00:00Z"),
        ({"starts_at": "2031-07-01T19:00:00+05:00"}, "2031-07-01T14:00:00Z"),
    ):
        etag = organizer.insist("GET", path, Ledger_Position=organizer.last).headers["ETag"]
        assert organizer.ok("PATCH", path, change, If_Match=etag)["starts_at"] == starts_at
    etag = organizer.insist("GET", path, Ledger_Position=organizer.last).headers["ETag"]
    refused = organizer.do("PATCH", path, {"starts_at": "2031-03-30T02:30:00", "timezone": "Europe/Berlin"}, If_Match=etag)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"path": "starts_at", "message": "does not exist in Europe/Berlin, where the clocks go forward then"}
    ]
    assert stack.event(organizer, starts_at="2031-07-01T19:00:00")["starts_at"] == "2031-07-01T19:00:00Z"


def test_nothing_is_booked_at_another_price_than_expected(stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer)
    path, key = f"/api/events/{event['id']}", str(uuid4())
    first = alice.ok("POST", f"{path}/bookings", {**tickets(2), "expected_total": "100"}, key=key)
    etag = organizer.insist("GET", path, Ledger_Position=organizer.last).headers["ETag"]
    general, vip = event["categories"]
    organizer.ok("PATCH", path, {"categories": [{"id": general["id"], "price": "99.90"}, {"id": vip["id"]}]}, If_Match=etag)
    for spelling in (path, path.upper().replace("/API/EVENTS", "/api/events")):  # the fast path, and the framework
        refused = alice.do("POST", f"{spelling}/bookings", {**tickets(2), "expected_total": "100.00"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/price-changed")
        assert refused.json()["total_amount"] == "199.80"
        again = alice.ok("POST", f"{spelling}/bookings", {**tickets(2), "expected_total": "100.00"}, key=key)
        assert again["id"] == first["id"], "a retry is answered as before"
        other = alice.do("POST", f"{spelling}/bookings", {**tickets(2), "expected_total": "199.80"}, key=key)
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
        for wrong in ("1e2", "NaN", "-1", "\uff11\uff10\uff10", "100\n", "1_0", 100, ""):
            assert alice.do("POST", f"{spelling}/bookings", {**tickets(2), "expected_total": wrong}).status_code == 422, wrong
    alice.ok("POST", f"{path}/bookings", {**tickets(2), "expected_total": "199.80"})
    assert alice.see(path)["available"] == 11


def _post(stack: Stack, person: Person, path: str, body: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
    return stack.http.post(path, content=body.encode(), headers=headers)
