"""A booking is served past the framework (`app/fast_path/booking_route.py`), or by its documented route: both answer the same."""

from typing import Any

import httpx
import pytest

from tests.running_system import Person, Stack, tickets

JSON_TYPE = {"Content-Type": "application/json"}
GOOD = b'{"tickets": [{"category": "General", "quantity": 1}]}'


@pytest.fixture
def both_ways(stack: Stack, organizer: Person) -> list[str]:
    """The addresses of one event's bookings: as everybody writes it, and in capitals, which the hot route does not know."""
    id_ = stack.event(organizer, capacity=50)["id"]
    return [f"/api/events/{id_}/bookings", f"/api/events/{id_.upper()}/bookings"]


def comparable(answer: httpx.Response) -> tuple[int, dict[str, str], Any]:
    moving = {"date", "content-length", "location", "ledger-position"}
    body = answer.json()
    for name in ("id", "number", "booked_at", "updated_at", "tickets"):
        body.pop(name, None)
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in moving}, body


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
    who, body, headers = CASES[case]
    tokens = {"alice": alice.token, "organizer": organizer.token, "admin": stack.admin.token, "bad": "x" * 43}
    if who == "auditor":
        tokens["auditor"] = stack.person("auditor").token
    if who is not None:
        headers = {**headers, "Authorization": f"Bearer {tokens[who]}"}
    hot, long = (comparable(stack.http.post(path, content=body, headers=headers)) for path in both_ways)
    assert hot == long


def test_other_methods_are_handled_by_the_framework(both_ways: list[str], organizer: Person) -> None:
    assert organizer.do("PUT", both_ways[0], tickets()).status_code == 405
    assert organizer.do("GET", both_ways[0], Ledger_Position=organizer.last).status_code == 200
