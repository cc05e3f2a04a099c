"""Specification 1: an event with five seats, a sixth booking, and a seat that becomes available again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.running_system import JSON, LATER, Person, Stack, tickets
from tests.specifications.client import NOT_NUMBERS, UNKNOWN_NUMBERS, Client


@pytest.fixture
def api(stack: Stack) -> Client:
    return Client(stack, "event-booking")


def new(api: Client, total_seats: int = 5, **more: Any) -> Any:
    body = {"name": "Event A", "description": "Five seats", "total_seats": total_seats, "date": LATER, **more}
    return api.ok("POST", "/events/", body)


def test_event_has_the_fields_of_the_specification(api: Client) -> None:
    event = new(api)
    assert isinstance(event["id"], int)
    assert {name: value for name, value in event.items() if name != "id"} == {
        "name": "Event A", "description": "Five seats", "total_seats": 5, "available_seats": 5, "date": LATER,
    }  # fmt: skip
    assert api.ok("GET", f"/events/{event['id']}") == event
    assert event in api.ok("GET", "/events/")
    assert new(api, description=None)["description"] is None


def test_sixth_booking_of_five_seats_needs_a_cancellation(api: Client) -> None:
    event = new(api)
    path = f"/events/{event['id']}"
    bookings = [api.ok("POST", f"{path}/book", {"user_name": f"Person {number}"}) for number in range(1, 6)]
    assert api.ok("GET", path)["available_seats"] == 0
    assert api.refused(400, "POST", f"{path}/book", {"user_name": "Person 6"}) == {"detail": "The event is sold out."}

    assert api.ok("DELETE", f"/bookings/{bookings[2]['id']}") == bookings[2]
    assert api.ok("GET", path)["available_seats"] == 1
    assert api.ok("POST", f"{path}/book", {"user_name": "Person 6"})["user_name"] == "Person 6"
    assert api.do("POST", f"{path}/book", {"user_name": "Person 7"}).status_code == 400
    assert api.ok("GET", path)["available_seats"] == 0


def test_booking_has_the_fields_of_the_specification(api: Client) -> None:
    event = new(api)
    before = datetime.now(UTC)
    booking = api.ok("POST", f"/events/{event['id']}/book", {"user_name": "Ann"})
    assert booking.keys() == {"id", "event_id", "user_name", "booking_date"}
    assert isinstance(booking["id"], int)
    assert (booking["event_id"], booking["user_name"]) == (event["id"], "Ann")
    assert before <= datetime.fromisoformat(booking["booking_date"]) <= datetime.now(UTC)


def test_status_codes_are_those_of_the_specification(api: Client) -> None:
    body = {"name": "E", "total_seats": 1, "date": LATER}
    created = api.do("POST", "/events/", body)
    assert created.status_code == 201
    booked = api.do("POST", f"/events/{created.json()['id']}/book", {"user_name": "Ann"})
    assert booked.status_code == 201
    path = f"/bookings/{booked.json()['id']}"
    assert [api.do("DELETE", path).status_code for _ in range(2)] == [200, 404]


def test_guest_may_book_again(api: Client) -> None:
    path = f"/events/{new(api)['id']}"
    first, second = (api.ok("POST", f"{path}/book", {"user_name": "Ann"}) for _ in range(2))
    assert first["id"] != second["id"]
    assert api.ok("GET", path)["available_seats"] == 3


def test_concurrent_bookings_sell_the_last_seats_once(api: Client) -> None:
    path = f"/events/{new(api)['id']}"
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: api.do("POST", f"{path}/book", {"user_name": f"P{n}"}).status_code, range(12)))
    assert sorted(answers) == [201] * 5 + [400] * 7
    assert api.ok("GET", path)["available_seats"] == 0


def test_past_date_does_not_end_sales(api: Client) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    event = new(api, date=soon.isoformat())
    booking = api.ok("POST", f"/events/{event['id']}/book", {"user_name": "Ann"})
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    assert api.ok("GET", f"/events/{event['id']}")["available_seats"] == 4
    assert event["id"] in [item["id"] for item in api.ok("GET", "/events/")]
    assert api.do("POST", f"/events/{event['id']}/book", {"user_name": "Bob"}).status_code == 201
    assert api.do("DELETE", f"/bookings/{booking['id']}").status_code == 200


def _bodies() -> Iterator[JSON]:
    good: JSON = {"name": "E", "total_seats": 1, "date": LATER}
    for name, wrong in {
        "name": ("", None, 7, "a\0b", "x" * 201),
        "total_seats": (0, -1, "five", 1.5, True, None, 10**9, 10**30),
        "date": ("tomorrow", None, 17, "2031-13-01T00:00:00Z", "0000-01-01", "9999-12-31T23:59:59Z"),
    }.items():
        yield {key: value for key, value in good.items() if key != name}
        yield from ({**good, name: value} for value in wrong)


@pytest.mark.parametrize("body", [*_bodies(), [], None, "text"])
def test_malformed_events_are_refused(api: Client, body: Any) -> None:
    assert api.refused(422, "POST", "/events/", body)["detail"]


def test_past_dates_are_accepted(api: Client) -> None:
    event = api.ok("POST", "/events/", {"name": "E", "total_seats": 1, "date": "2025-06-15T18:00:00"})
    assert event["date"] == "2025-06-15T18:00:00Z"
    booking = api.ok("POST", f"/events/{event['id']}/book", {"user_name": "Ann"})
    assert api.refused(400, "POST", f"/events/{event['id']}/book", {"user_name": "Bob"})
    assert api.do("DELETE", f"/bookings/{booking['id']}").status_code == 200
    assert api.do("POST", f"/events/{event['id']}/book", {"user_name": "Bob"}).status_code == 201


@pytest.mark.parametrize("body", [{}, {"user_name": ""}, {"user_name": 7}, {"user_name": "a\ud800"}, []])
def test_malformed_bookings_are_refused(api: Client, body: Any) -> None:
    assert api.do("POST", f"/events/{new(api)['id']}/book", body).status_code == 422


@pytest.mark.parametrize("number", UNKNOWN_NUMBERS)
def test_unknown_ids_are_404(api: Client, number: str) -> None:
    assert api.refused(404, "GET", f"/events/{number}")["detail"] == "There is no event with this id."
    assert api.do("POST", f"/events/{number}/book", {"user_name": "Ann"}).status_code == 404
    assert api.do("DELETE", f"/bookings/{number}").status_code == 404


@pytest.mark.parametrize("number", NOT_NUMBERS)
def test_malformed_ids_are_refused(api: Client, number: str) -> None:
    assert api.do("GET", f"/events/{number}").status_code == 422
    assert api.do("DELETE", f"/bookings/{number}").status_code == 422


def test_unknown_fields_are_ignored_and_times_without_offset_are_utc(api: Client) -> None:
    event = new(api, available_seats=99, colour="red", date="2031-05-01T19:00:00")
    assert (event["available_seats"], event["date"]) == (5, LATER)


def test_paths_with_another_trailing_slash_are_404(api: Client) -> None:
    assert api.do("GET", "/events").status_code == 404
    assert api.do("GET", f"/events/{new(api)['id']}/").status_code == 404


def test_other_apis_resources_are_not_visible(api: Client, stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer)
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets())
    assert api.do("GET", f"/events/{event['number']}").status_code == 404
    assert api.do("POST", f"/events/{event['number']}/book", {"user_name": "Ann"}).status_code == 404
    assert api.do("DELETE", f"/bookings/{booking['number']}").status_code == 404
    assert api.do("DELETE", f"/bookings/{event['number']}").status_code == 404
    assert event["number"] not in [item["id"] for item in api.ok("GET", "/events/")]


def test_booking_made_through_another_api_is_not_visible(api: Client, stack: Stack, alice: Person) -> None:
    event = new(api, name="Sold by both")
    assert api.ok("GET", f"/events/{event['id']}") == event  # waits until all queries show it
    (ours,) = stack.admin.ok("GET", "/api/events?q=sold by both")["items"]
    booking = alice.ok("POST", f"/api/events/{ours['id']}/bookings", tickets(1, "Seat"))
    assert api.do("DELETE", f"/bookings/{booking['number']}").status_code == 404
    assert api.ok("GET", f"/events/{event['id']}")["available_seats"] == 4
