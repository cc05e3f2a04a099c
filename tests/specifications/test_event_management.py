"""Specification 4: the concert of its example; refused bookings have distinct messages for past, exceeding and sold out."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.running_system import JSON, Person, Stack
from tests.specifications.client import NOT_NUMBERS, UNKNOWN_NUMBERS, Client

#: As printed, but for the year.
CONCERT: JSON = {
    "name": "Music Concert",
    "venue": "Stadium A",
    "date": "2031-06-15T18:00:00Z",
    "ticket_categories": [
        {"name": "General", "price": 50, "seats_limit": 100, "seats_sold": 0},
        {"name": "VIP", "price": 150, "seats_limit": 50, "seats_sold": 0},
    ],
    "details": "A great music concert.",
}


@pytest.fixture
def api(stack: Stack) -> Client:
    return Client(stack, "event-management")


def new(api: Client, **more: Any) -> Any:
    return api.ok("POST", "/events", {**CONCERT, **more})


def listed(api: Client, event: JSON) -> Any:
    return next((item for item in api.ok("GET", "/events") if item["id"] == event["id"]), None)


def test_example_of_the_specification_works(api: Client) -> None:
    created = api.do("POST", "/events", CONCERT)
    assert created.status_code == 201
    assert '"price":50,' in created.text, "as printed, not 50.0"
    event = created.json()
    assert isinstance(event.pop("id"), int)
    assert event == CONCERT

    event = created.json()
    booked = api.do("POST", f"/events/{event['id']}/book", {"ticket_category": "General", "quantity": 2})
    assert booked.status_code == 201
    booking = booked.json()
    assert {name: booking[name] for name in ("event_id", "ticket_category", "quantity", "total_price")} == {
        "event_id": event["id"], "ticket_category": "General", "quantity": 2, "total_price": 100,
    }  # fmt: skip
    general, vip = listed(api, event)["ticket_categories"]
    assert (general["seats_sold"], vip["seats_sold"]) == (2, 0)


def test_details_are_optional_and_seats_sold_are_counted(api: Client) -> None:
    body = {**CONCERT, "ticket_categories": [{"name": "A", "price": 12.5, "seats_limit": 3, "seats_sold": 2}]}
    del body["details"]
    event = api.ok("POST", "/events", body)
    assert event["details"] is None
    assert event["ticket_categories"] == [{"name": "A", "price": 12.5, "seats_limit": 3, "seats_sold": 2}]
    path = f"/events/{event['id']}/book"
    assert api.refused(400, "POST", path, {"ticket_category": "A", "quantity": 2})["detail"].startswith("2 tickets exceed the 1 ")
    api.ok("POST", path, {"ticket_category": "A", "quantity": 1})
    assert api.refused(400, "POST", path, {"ticket_category": "A", "quantity": 1})["detail"] == "A is sold out."
    assert listed(api, event)["ticket_categories"] == [{"name": "A", "price": 12.5, "seats_limit": 3, "seats_sold": 3}]


def test_seats_sold_may_exceed_the_limit_of_one_booking(api: Client) -> None:
    categories = [
        {"name": "A", "price": 1, "seats_limit": 4_000, "seats_sold": 3_200},
        {"name": "B", "price": 1, "seats_limit": 9},
    ]
    event = new(api, ticket_categories=categories)
    assert [category["seats_sold"] for category in listed(api, event)["ticket_categories"]] == [3_200, 0]


@pytest.mark.parametrize(("sold", "status"), [(3, 201), (4, 400), (-1, 422), ("2", 422), (1.5, 422), (None, 422), (10**9, 422)])
def test_seats_limit_is_never_exceeded(api: Client, sold: Any, status: int) -> None:
    category = {"name": "A", "price": 1, "seats_limit": 3, "seats_sold": sold}
    answer = api.do("POST", "/events", {**CONCERT, "ticket_categories": [category]})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["detail"] == "seats_sold: A has sold 4 seats, more than its limit of 3."


def test_past_exceeding_and_sold_out_have_distinct_messages(api: Client) -> None:
    event = new(api, ticket_categories=[{"name": "General", "price": 50, "seats_limit": 3}])
    path = f"/events/{event['id']}/book"
    api.ok("POST", path, {"ticket_category": "General", "quantity": 2})
    exceeding = api.refused(400, "POST", path, {"ticket_category": "General", "quantity": 2})["detail"]
    assert exceeding == "2 tickets exceed the 1 available seats in General."
    api.ok("POST", path, {"ticket_category": "General", "quantity": 1})
    assert api.refused(400, "POST", path, {"ticket_category": "General", "quantity": 1})["detail"] == "General is sold out."

    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    past = new(api, date=soon.isoformat())
    assert listed(api, past)
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    said = api.refused(400, "POST", f"/events/{past['id']}/book", {"ticket_category": "General", "quantity": 1})
    assert said["detail"] == "This event is in the past: it can't be booked any more."
    assert listed(api, past) is None


def test_other_categories_stay_on_sale(api: Client) -> None:
    event = new(api, ticket_categories=[{"name": "A", "price": 1, "seats_limit": 1}, {"name": "B", "price": 1, "seats_limit": 1}])
    assert [
        api.do("POST", f"/events/{event['id']}/book", {"ticket_category": name, "quantity": 1}).status_code for name in "AAB"
    ] == [201, 400, 201]


def test_seats_sold_are_bounded(api: Client) -> None:
    categories = [{"name": name, "price": 1, "seats_limit": 60_000, "seats_sold": 60_000} for name in "AB"]
    said = api.refused(400, "POST", "/events", {**CONCERT, "ticket_categories": categories})
    assert said == {"detail": "seats_sold: At most 100000 seats can have been sold before."}


def test_disconnect_during_creation_leaves_no_sold_seat_on_sale(api: Client, stack: Stack) -> None:
    name = uuid4().hex
    categories = [{"name": "A", "price": 1, "seats_limit": 50_000, "seats_sold": 50_000}]
    with pytest.raises(httpx.ReadTimeout):
        stack.http.post(f"{api.url}/events", json={**CONCERT, "name": name, "ticket_categories": categories}, timeout=0.02)
    deadline = time.monotonic() + 20
    while (event := next((item for item in api.ok("GET", "/events") if item["name"] == name), None)) is None or (
        event["ticket_categories"][0]["seats_sold"] < 50_000
    ):
        assert time.monotonic() < deadline, event
        time.sleep(0.1)


def test_tickets_of_a_booking_are_bounded(api: Client) -> None:
    event = new(api, ticket_categories=[{"name": "A", "price": 1, "seats_limit": 2_000}])
    path = f"/events/{event['id']}/book"
    said = api.refused(400, "POST", path, {"ticket_category": "A", "quantity": 1_001})
    assert said == {"detail": "One booking holds at most 1000 tickets: split it."}
    assert api.do("POST", path, {"ticket_category": "A", "quantity": 1_000}).status_code == 201


def test_bookings_have_distinct_ids(api: Client) -> None:
    path = f"/events/{new(api)['id']}/book"
    assert len({api.ok("POST", path, {"ticket_category": "VIP", "quantity": 5})["id"] for _ in range(3)}) == 3


def test_past_date_is_refused(api: Client) -> None:
    assert api.refused(400, "POST", "/events", {**CONCERT, "date": "2001-06-15T18:00:00Z"}) == {
        "detail": "date: must be in the future."
    }


def test_unknown_category_is_refused(api: Client) -> None:
    said = api.refused(400, "POST", f"/events/{new(api)['id']}/book", {"ticket_category": "Balcony", "quantity": 1})
    assert said == {"detail": "ticket_category: no such category."}


def test_duplicate_categories_and_too_precise_prices_are_refused(api: Client) -> None:
    same = [{"name": name, "price": 1, "seats_limit": 1} for name in ("A", "a")]
    assert api.do("POST", "/events", {**CONCERT, "ticket_categories": same}).status_code == 400
    exact = [{"name": "A", "price": 1.001, "seats_limit": 1}]
    assert "price" in api.refused(400, "POST", "/events", {**CONCERT, "ticket_categories": exact})["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": 7}, {"venue": None}, {"date": "soon"}, {"date": 5}, {"ticket_categories": []},
        {"ticket_categories": "General"}, {"ticket_categories": [{"name": "A", "price": -1, "seats_limit": 1}]},
        {"ticket_categories": [{"name": "A", "price": "x", "seats_limit": 1}]},
        {"ticket_categories": [{"name": "A", "price": 10**30, "seats_limit": 1}]},
        {"ticket_categories": [{"name": "A", "price": 1, "seats_limit": 0}]},
        {"ticket_categories": [{"name": "A", "price": 1, "seats_limit": 10**9}]},
        {"ticket_categories": [{"name": "A", "price": 1}]},
    ],
)  # fmt: skip
def test_malformed_events_are_refused(api: Client, wrong: JSON) -> None:
    assert api.refused(422, "POST", "/events", {**CONCERT, **wrong})["detail"]


@pytest.mark.parametrize(
    "body",
    [{}, [], {"ticket_category": "General"}, {"quantity": 1}, {"ticket_category": "General", "quantity": 0},
     {"ticket_category": "General", "quantity": -1}, {"ticket_category": "General", "quantity": "2"},
     {"ticket_category": "General", "quantity": 1.5}, {"ticket_category": 7, "quantity": 1},
     {"ticket_category": "General", "quantity": 10**30}],
)  # fmt: skip
def test_malformed_bookings_are_refused(api: Client, body: Any) -> None:
    assert api.refused(422, "POST", f"/events/{new(api)['id']}/book", body)["detail"]


@pytest.mark.parametrize(
    ("number", "status"), [*((number, 404) for number in UNKNOWN_NUMBERS), *((number, 422) for number in NOT_NUMBERS)]
)
def test_unknown_ids_are_404(api: Client, number: str, status: int) -> None:
    assert api.do("POST", f"/events/{number}/book", {"ticket_category": "General", "quantity": 1}).status_code == status


def test_other_apis_resources_are_not_visible(api: Client, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    assert listed(api, {"id": event["number"]}) is None
    body = {"ticket_category": "General", "quantity": 1}
    assert api.do("POST", f"/events/{event['number']}/book", body).status_code == 404
