"""Specification 3: its script with fifteen concurrent requests for ten tickets; at most two tickets per user; its examples."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.running_system import Person, Stack, tickets
from tests.specifications.client import Client

SCRIPT = Path(__file__).parent / "fifteen_at_once.sh"
PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@pytest.fixture
def api(stack: Stack) -> Client:
    return Client(stack, "ticketing-platform")


def new(api: Client, total_tickets: int = 10) -> Any:
    return api.ok("POST", "/events", {"name": "Test Event", "total_tickets": total_tickets})


def curl(*arguments: str) -> Any:
    """The format that the specification prints."""
    done = subprocess.run(["curl", "-s", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_event_has_no_date_and_is_an_open_date_under_api(api: Client, stack: Stack) -> None:
    event = new(api)
    stack.settle()
    (shown,) = [item for item in every_event(stack) if item["id"] == event["id"]]
    assert (shown["starts_at"], shown["past_at"]) == (None, None)


def every_event(stack: Stack) -> Iterator[Any]:
    cursor = ""
    while cursor is not None:
        page = stack.http.get(f"/api/events?limit=200{cursor and '&cursor=' + cursor}").json()
        yield from page["items"]
        cursor = page["next_cursor"]


def test_fifteen_parallel_requests_for_ten_tickets(api: Client) -> None:
    done = subprocess.run([str(SCRIPT), api.url], capture_output=True, text=True, check=True, timeout=60)
    event_id, *answers = done.stdout.splitlines()
    said = [json.loads(answer) for answer in answers]
    assert len(said) == 15
    booked = [item for item in said if item.get("status") == "active"]
    assert len(booked) == 10
    assert len({booking["user_id"] for booking in booked}) == 10
    assert [item for item in said if item not in booked] == [{"detail": "The event is sold out."}] * 5
    assert api.ok("GET", f"/events/{event_id}")["available_tickets"] == 0


def test_curl_examples_work(api: Client) -> None:
    as_json = ("-H", "Content-Type: application/json")
    event = curl("-X", "POST", f"{api.url}/events", *as_json, "-d", '{"name": "Concert 2024", "total_tickets": 100}')
    UUID(event["id"])
    assert PLAIN_TIME.fullmatch(event["created_at"])
    assert {name: event[name] for name in event if name not in ("id", "created_at")} == {
        "name": "Concert 2024", "total_tickets": 100, "available_tickets": 100,
    }  # fmt: skip

    body = '{"user_id": "user123", "ticket_count": 1}'
    booking = curl("-X", "POST", f"{api.url}/events/{event['id']}/bookings", *as_json, "-d", body)
    UUID(booking["id"])
    assert list(booking) == ["id", "event_id", "user_id", "ticket_count", "status", "created_at", "updated_at"]
    assert [booking[name] for name in ("event_id", "user_id", "ticket_count", "status")] == [event["id"], "user123", 1, "active"]
    assert PLAIN_TIME.fullmatch(booking["created_at"])
    assert booking["updated_at"] == booking["created_at"]
    assert curl(f"{api.url}/events/{event['id']}") == {**event, "available_tickets": 99}
    assert curl(f"{api.url}/bookings/{booking['id']}") == booking

    cancelled = curl("-X", "DELETE", f"{api.url}/bookings/{booking['id']}")
    assert cancelled == {**booking, "status": "cancelled", "updated_at": cancelled["updated_at"]}
    assert cancelled["updated_at"] >= booking["updated_at"]
    assert curl(f"{api.url}/bookings/{booking['id']}") == cancelled
    assert curl(f"{api.url}/events/{event['id']}") == event


def test_user_has_at_most_two_tickets_over_all_bookings(api: Client) -> None:
    path = f"/events/{new(api)['id']}/bookings"
    first = api.ok("POST", path, {"user_id": "u", "ticket_count": 1})
    api.ok("POST", path, {"user_id": "u", "ticket_count": 1})
    assert "may hold 2" in api.refused(400, "POST", path, {"user_id": "u", "ticket_count": 1})["detail"]
    assert api.ok("POST", path, {"user_id": "v", "ticket_count": 2})["ticket_count"] == 2
    assert api.do("POST", path, {"user_id": "w", "ticket_count": 3}).status_code == 400
    api.ok("DELETE", f"/bookings/{first['id']}")
    assert api.ok("POST", path, {"user_id": "u", "ticket_count": 1})["status"] == "active"
    other = new(api)
    assert api.ok("POST", f"/events/{other['id']}/bookings", {"user_id": "u", "ticket_count": 2})["ticket_count"] == 2


def test_two_concurrent_bookings_sell_the_last_ticket_once(api: Client) -> None:
    event = new(api, 1)
    said = api.refused(400, "POST", f"/events/{event['id']}/bookings", {"user_id": "u", "ticket_count": 2})
    assert said == {"detail": "Only 1 is available."}
    assert api.ok("GET", f"/events/{event['id']}")["available_tickets"] == 1


def test_second_cancellation_is_refused(api: Client) -> None:
    event = new(api)
    booking = api.ok("POST", f"/events/{event['id']}/bookings", {"user_id": "u", "ticket_count": 2})
    api.ok("DELETE", f"/bookings/{booking['id']}")
    assert api.refused(400, "DELETE", f"/bookings/{booking['id']}") == {"detail": "The booking is already cancelled."}
    assert api.ok("GET", f"/events/{event['id']}")["available_tickets"] == 10


def test_creation_is_201_and_health_is_ok(api: Client) -> None:
    created = api.do("POST", "/events", {"name": "E", "total_tickets": 1})
    booked = api.do("POST", f"/events/{created.json()['id']}/bookings", {"user_id": "u", "ticket_count": 1})
    assert (created.status_code, booked.status_code) == (201, 201)
    assert api.ok("GET", "/health") == {"status": "healthy"}


@pytest.mark.parametrize(
    "body",
    [{}, [], {"name": "E"}, {"total_tickets": 5}, {"name": "", "total_tickets": 5}, {"name": "E", "total_tickets": 0},
     {"name": "E", "total_tickets": -5}, {"name": "E", "total_tickets": "5"}, {"name": "E", "total_tickets": 10**12}],
)  # fmt: skip
def test_malformed_events_are_refused(api: Client, body: Any) -> None:
    assert api.refused(422, "POST", "/events", body)["detail"]


@pytest.mark.parametrize(
    "body",
    [{}, [], {"user_id": "u"}, {"ticket_count": 1}, {"user_id": "", "ticket_count": 1}, {"user_id": "u", "ticket_count": 0},
     {"user_id": "u", "ticket_count": -1}, {"user_id": "u", "ticket_count": 1.5}, {"user_id": 7, "ticket_count": 1},
     {"user_id": "u", "ticket_count": 10**20}],
)  # fmt: skip
def test_malformed_bookings_are_refused(api: Client, body: Any) -> None:
    assert api.refused(422, "POST", f"/events/{new(api)['id']}/bookings", body)["detail"]


def test_unknown_ids_are_404(api: Client) -> None:
    for method, path in (
        ("GET", "/events/{}"),
        ("POST", "/events/{}/bookings"),
        ("GET", "/bookings/{}"),
        ("DELETE", "/bookings/{}"),
    ):
        body = {"user_id": "u", "ticket_count": 1} if method == "POST" else None
        assert "There is no" in api.refused(404, method, path.format(uuid4()), body)["detail"]
        assert api.do(method, path.format("17"), body).status_code == 422


def test_other_apis_resources_are_not_visible(api: Client, stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer)
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets())
    assert api.do("GET", f"/events/{event['id']}").status_code == 404
    assert api.do("POST", f"/events/{event['id']}/bookings", {"user_id": "u", "ticket_count": 1}).status_code == 404
    assert api.do("GET", f"/bookings/{booking['id']}").status_code == 404
    assert api.do("DELETE", f"/bookings/{booking['id']}").status_code == 404
