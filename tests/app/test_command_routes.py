"""The fast path for bookings and holds (`app/fast_path/command_routes.py`) and the documented routes give the same responses."""

from typing import Any

import httpx
import pytest

from tests.running_system import Person, Stack, tickets

JSON_TYPE = {"Content-Type": "application/json"}
GOOD = b'{"tickets": [{"category": "General", "quantity": 1}]}'


def ways(path: str, id_: str) -> list[str]:
    """The canonical path, and one with an upper-case id, which the fast path does not recognise."""
    return [path.format(id_), path.format(id_.upper())]


@pytest.fixture
def event_id(stack: Stack, organizer: Person) -> str:
    return str(stack.event(organizer, capacity=50)["id"])


def comparable(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    varying = {"date", "content-length", "location", "ledger-position", "x-request-id"}
    body = response.json()
    assert response.headers["x-request-id"] == body.get("request_id", response.headers["x-request-id"])
    if response.is_success:
        assert response.headers["location"].endswith(f"/{body['id']}")
    if body.pop("token", None):  # of a guest, who is another one each time
        del body["customer_id"]
    for name in (
        "id",
        "number",
        "booked_at",
        "updated_at",
        "tickets",
        "request_id",
        "held_at",
        "expires_at",
        "token",
        "manage_url",
    ):
        body.pop(name, None)
    return response.status_code, {name: value for name, value in response.headers.items() if name not in varying}, body


ORDERS: dict[str, tuple[str | None, bytes, dict[str, str]]] = {
    "an order": ("alice", GOOD, JSON_TYPE),
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
CONFIRMATIONS: dict[str, tuple[str | None, bytes, dict[str, str]]] = {
    "a confirmation": ("alice", b'{"expected_total": "50"}', JSON_TYPE),
    "without a body": ("alice", b"", {}),
    "at the box office": ("organizer", b"", {}),
    "by an admin": ("admin", b"", {}),
    "nobody": (None, b"", {}),
    "an auditor": ("auditor", b"", {}),
    "a bad token": ("bad", b"", {}),
    "a guest's token of something else": ("long", b"", {}),
    "a stranger": ("stranger", b"", {}),
    "another price": ("alice", b'{"expected_total": "49"}', JSON_TYPE),
    "no price": ("alice", b'{"expected_total": "fifty"}', JSON_TYPE),
    "unknown field": ("alice", b'{"total": "50"}', JSON_TYPE),
    "text": ("alice", b"{}", {"Content-Type": "text/plain"}),
    "a bad key": ("alice", b"", {"Idempotency-Key": "k" * 256}),
    "too large": ("alice", b" " * 70_000, JSON_TYPE),
}


def authorized(user: str | None, headers: dict[str, str], stack: Stack, **people: Person) -> dict[str, str]:
    if user is None:
        return headers
    tokens = {"admin": stack.admin.token, "bad": "x" * 43, "long": "A" * 50}
    token = tokens.get(user) or (people[user] if user in people else stack.person(user)).token
    return {**headers, "Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("what", ["bookings", "holds"])
@pytest.mark.parametrize("case", ORDERS)
def test_orders_get_the_same_response_both_ways(
    case: str, what: str, event_id: str, stack: Stack, organizer: Person, alice: Person
) -> None:
    user, body, headers = ORDERS[case]
    headers = authorized(user, headers, stack, alice=alice, organizer=organizer)
    paths = ways(f"/api/events/{{}}/{what}", event_id)
    fast, documented = (comparable(stack.http.post(path, content=body, headers=headers)) for path in paths)
    assert fast == documented


@pytest.mark.parametrize("case", CONFIRMATIONS)
def test_confirmations_get_the_same_response_both_ways(
    case: str, event_id: str, stack: Stack, organizer: Person, alice: Person, bob: Person
) -> None:
    user, body, headers = CONFIRMATIONS[case]
    headers = authorized(user, headers, stack, alice=alice, organizer=organizer, stranger=bob)
    held = [alice.ok("POST", f"/api/events/{event_id}/holds", tickets())["id"] for _ in range(2)]
    paths = [ways("/api/holds/{}/confirm", id_)[number] for number, id_ in enumerate(held)]
    fast, documented = (comparable(stack.http.post(path, content=body, headers=headers)) for path in paths)
    assert fast == documented
    again = [comparable(stack.http.post(path, content=body, headers=headers)) for path in paths]
    assert again[0] == again[1]


@pytest.mark.parametrize("cookie", ["seatledger_session=", "xx_seatledger_session_yy=1", "__Host-seatledger_session=old", "a=b"])
def test_a_cookie_that_is_no_session_keeps_no_guest_from_booking(cookie: str, event_id: str, stack: Stack) -> None:
    body = {**tickets(), "contact": {"name": "A guest", "email": "guest@example.test"}}
    assert stack.http.post(f"/api/events/{event_id}/bookings", json=body, headers={"Cookie": cookie}).status_code == 201


def test_other_methods_are_handled_by_the_framework(event_id: str, organizer: Person) -> None:
    path = f"/api/events/{event_id}/bookings"
    assert organizer.do("PUT", path, tickets()).status_code == 405
    assert organizer.insist("GET", path, Ledger_Position=organizer.last).status_code == 200
