"""The fast path for bookings (`app/fast_path/booking_route.py`) and the documented route give the same responses."""

from typing import Any

import httpx
import pytest

from tests.running_system import Person, Stack, tickets

JSON_TYPE = {"Content-Type": "application/json"}
GOOD = b'{"tickets": [{"category": "General", "quantity": 1}]}'


@pytest.fixture
def both_ways(stack: Stack, organizer: Person) -> list[str]:
    """The canonical path of an event's bookings, and one with an upper-case id, which the fast path does not recognise."""
    id_ = stack.event(organizer, capacity=50)["id"]
    return [f"/api/events/{id_}/bookings", f"/api/events/{id_.upper()}/bookings"]


def comparable(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    varying = {"date", "content-length", "location", "ledger-position", "x-request-id"}
    body = response.json()
    assert response.headers["x-request-id"] == body.get("request_id", response.headers["x-request-id"])
    for name in ("id", "number", "booked_at", "updated_at", "tickets", "request_id"):
        body.pop(name, None)
    return response.status_code, {name: value for name, value in response.headers.items() if name not in varying}, body


CASES: dict[str, tuple[str | None, bytes, dict[str, str]]] = {
    "a booking": ("alice", GOOD, JSON_TYPE),
    "at the box office": ("organizer", GOOD, JSON_TYPE),
    "by an admin": ("admin", GOOD, JSON_TYPE),
    "nobody": (None, GOOD, JSON_TYPE),
    "an auditor": ("auditor", GOOD, JSON_TYPE),
    "a bad token": ("bad", GOOD, JSON_TYPE),
    "no body": ("alice", b"", JSON_TYPE),
    "no JSON": ("alice", b"{", JSON_TYPE),
    "unknown field": ("alice", GOOD[:-1] + b', "price": 1}', JSON_TYPE),
    "text": ("alice", GOOD, {"Content-Type": "text/plain"}),
    "a bad key": ("alice", GOOD, {**JSON_TYPE, "Idempotency-Key": "k" * 256}),
    "an empty key": ("alice", GOOD, {**JSON_TYPE, "Idempotency-Key": ""}),
    "too many": ("alice", GOOD.replace(b"1", b"51"), JSON_TYPE),
    "no such category": ("alice", GOOD.replace(b"General", b"Royal"), JSON_TYPE),
    "too large": ("alice", b" " * 70_000 + GOOD, JSON_TYPE),
}


@pytest.mark.parametrize("case", CASES)
def test_fast_path_and_documented_route_respond_identically(
    case: str, both_ways: list[str], stack: Stack, organizer: Person, alice: Person
) -> None:
    user, body, headers = CASES[case]
    tokens = {"alice": alice.token, "organizer": organizer.token, "admin": stack.admin.token, "bad": "x" * 43}
    if user == "auditor":
        tokens["auditor"] = stack.person("auditor").token
    if user is not None:
        headers = {**headers, "Authorization": f"Bearer {tokens[user]}"}
    fast, documented = (comparable(stack.http.post(path, content=body, headers=headers)) for path in both_ways)
    assert fast == documented


def test_other_methods_are_handled_by_the_framework(both_ways: list[str], organizer: Person) -> None:
    assert organizer.do("PUT", both_ways[0], tickets()).status_code == 405
    assert organizer.insist("GET", both_ways[0], Ledger_Position=organizer.last).status_code == 200
