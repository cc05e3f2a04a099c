"""Two API processes serve the five APIs: a process whose memory is older than the other's commands must still respond correctly."""

from collections.abc import Iterator

import httpx
import pytest

from tests.running_system import LATER, Person, Stack, tickets


@pytest.fixture(scope="module")
def other(stack: Stack) -> Iterator[str]:
    with stack.another_api(COMPAT_APIS="all") as url:
        yield url


def test_booking_made_by_another_process_can_be_cancelled(stack: Stack, other: str) -> None:
    here, there = (f"{url}/compat/ticketing-platform" for url in (stack.url, other))
    event = httpx.post(f"{here}/events", json={"name": "Two doors", "total_tickets": 10}).json()
    bookings = f"/events/{event['id']}/bookings"
    first = httpx.post(f"{there}{bookings}", json={"user_id": "a", "ticket_count": 1})  # loads the event into the other process
    second = httpx.post(f"{here}{bookings}", json={"user_id": "b", "ticket_count": 2})
    assert (first.status_code, second.status_code) == (201, 201)
    cancelled = httpx.delete(f"{there}/bookings/{second.json()['id']}", timeout=10)
    assert cancelled.status_code == 200, cancelled.text
    assert httpx.post(f"{here}{bookings}", json={"user_id": "b", "ticket_count": 2}).status_code == 201


def test_edit_keeps_a_category_added_by_another_process(stack: Stack, other: str, alice: Person) -> None:
    api = f"{other}/compat/event-ticketing/api"
    admin = next(user["id"] for user in httpx.get(f"{api}/users").json() if user["role"] == "admin")
    headers = {"X-User-Id": str(admin)}
    body = {"title": "Two doors", "description": "d", "venue": "Hall", "date_time": LATER, "capacity": 10, "price": 19.99}
    event = httpx.post(f"{api}/events", json=body, headers=headers).json()
    httpx.get(f"{api}/events/{event['id']}").raise_for_status()  # waits until all queries show it
    (ours,) = stack.admin.ok("GET", "/api/events?q=two doors&limit=1")["items"]
    changes = {"categories": [{"id": ours["categories"][0]["id"]}, {"name": "Box", "price": "99.00", "capacity": 4}]}
    stack.admin.ok("PATCH", f"/api/events/{ours['id']}", changes, If_Match=f'"{ours["details_version"]}"')
    edited = httpx.put(f"{api}/events/{event['id']}", json={"price": 25}, headers=headers, timeout=10)
    assert edited.status_code == 200, edited.text
    alice.ok("POST", f"/api/events/{ours['id']}/bookings", tickets(1, "Box"))
