"""Specification 2: roles, bookings with tickets and codes, statuses, statistics, and its sample data."""

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running_system import JSON, LATER, Person, Stack, free_port, system_settings, wait_until_ready
from tests.specifications.client import UNKNOWN_NUMBERS, Client

EVENT: JSON = {"title": "Show", "description": "d", "venue": "Hall", "date_time": LATER, "capacity": 10, "price": 19.99}


class Api:
    """Clients of an admin, a customer, and without a user. `by`: the user who sends a request."""

    def __init__(self, stack: Stack) -> None:
        self.anyone = Client(stack, "event-ticketing")
        users = self.anyone.ok("GET", "/api/users")
        self.admin_id = next(user["id"] for user in users if user["role"] == "admin")
        self.admin = self.by(self.admin_id)

    def by(self, user_id: Any) -> Client:
        return self.anyone.with_headers(X_User_Id=str(user_id))

    def user(self, name: str = "Carl") -> int:
        made: int = self.anyone.ok("POST", "/api/users", {"name": name, "phone": "+1 555", "role": "customer"})["id"]
        return made

    def event(self, **more: Any) -> Any:
        return self.admin.ok("POST", "/api/events", {**EVENT, **more})

    def book(self, event: JSON, user_id: int, quantity: int = 1) -> Any:
        return self.anyone.ok("POST", "/api/bookings", {"user_id": user_id, "event_id": event["id"], "quantity": quantity})


@pytest.fixture
def api(stack: Stack) -> Api:
    return Api(stack)


def test_text_that_hides_something_is_accepted_without_it(api: Api) -> None:
    made = api.event(description="a\u202eb\u200b\nc", venue="H\u2066all\u200e")
    assert (made["description"], made["venue"]) == ("ab\nc", "Hall\u200e")


# --- sample data


def test_sample_data_exist_from_the_start(api: Api) -> None:
    users = api.anyone.ok("GET", "/api/users")[:3]
    assert Counter(user["role"] for user in users) == {"admin": 1, "customer": 2}
    assert all(user.keys() == {"id", "name", "phone", "role"} for user in users)
    events = api.anyone.ok("GET", "/api/events")[:5]
    assert len({event["capacity"] for event in events}) == len({event["date_time"] for event in events}) == 5
    bookings = [api.anyone.ok("GET", f"/api/bookings/user/{user['id']}") for user in users if user["role"] == "customer"]
    assert sum(map(len, bookings)) >= 6
    assert all(bookings)


def test_two_processes_load_sample_data_once_in_any_currency(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = dataclasses.replace(system_settings(database_url, redis_url, tmp_path), currency="JPY")
    stack, port = Stack(settings), free_port()
    try:
        stack.processes.append(stack.start("app", PORT=str(port)))
        wait_until_ready(f"http://127.0.0.1:{port}", *stack.processes)
        urls = [f"{url}/compat/event-ticketing/api/events" for url in (stack.url, f"http://127.0.0.1:{port}")]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda url: httpx.get(url, timeout=30), urls * 4))
        assert {answer.status_code for answer in answers} == {200}
        api = Api(stack)
        events = api.anyone.ok("GET", "/api/events")
        assert len(events) == 5
        assert len(api.anyone.ok("GET", "/api/users")) == 3
        assert sum(len(api.admin.ok("GET", f"/api/bookings/event/{event['id']}")) for event in events) == 6
    finally:
        stack.stop()


# --- roles


@pytest.mark.parametrize("role", ["nobody", "customer", "unknown", "not a number", "admin"])
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/events", EVENT, 201),
        ("PUT", "/api/events/{event}", {"venue": "Elsewhere"}, 200),
        ("GET", "/api/bookings/event/{event}", None, 200),
        ("GET", "/api/stats/events", None, 200),
    ],
)
def test_admin_operations_need_an_admin(api: Api, role: str, method: str, path: str, body: JSON | None, status: int) -> None:
    ids = {"customer": api.user(), "unknown": 10**18, "not a number": "me", "admin": api.admin_id}
    client = api.by(ids[role]) if role in ids else api.anyone
    path = path.format(event=api.event()["id"])
    assert client.do(method, path, body).status_code == (status if role == "admin" else 403)


def test_permission_is_checked_before_validation(api: Api) -> None:
    assert "admin" in api.anyone.refused(403, "POST", "/api/events", {})["detail"]


@pytest.mark.parametrize("role", ["nobody", "customer", "admin"])
def test_public_operations_need_no_user(api: Api, role: str) -> None:
    user, event = api.user(), api.event()
    client = {"nobody": api.anyone, "customer": api.by(user), "admin": api.admin}[role]
    assert client.do("GET", "/api/events").status_code == 200
    assert client.do("GET", f"/api/events/{event['id']}").status_code == 200
    assert client.do("GET", "/api/users").status_code == 200
    assert client.do("POST", "/api/users", {"name": "N", "phone": "+1 555 0100"}).status_code == 201
    booked = client.do("POST", "/api/bookings", {"user_id": user, "event_id": event["id"], "quantity": 1})
    assert booked.status_code == 201
    assert client.do("GET", f"/api/bookings/user/{user}").status_code == 200
    assert client.do("PUT", f"/api/bookings/{booked.json()['id']}", {"status": "cancelled"}).status_code == 200


# --- events


def test_event_has_the_specified_fields(api: Api) -> None:
    event = api.event()
    assert isinstance(event["id"], int)
    assert event["created_at"].endswith("Z")
    assert {name: event[name] for name in event if name not in ("id", "created_at")} == {
        **EVENT, "available_tickets": 10, "status": "active",
    }  # fmt: skip
    assert api.anyone.ok("GET", f"/api/events/{event['id']}") == event


def test_search_matches_title_venue_and_dates(api: Api) -> None:
    early = api.event(title="Xylophone early", date_time="2032-01-01T10:00:00Z")
    late = api.event(venue="Xylophone hall", date_time="2032-03-01T10:00:00Z")

    def ids_found(**query: str) -> list[int]:
        return [event["id"] for event in api.anyone.ok("GET", "/api/events", **query)]

    assert ids_found(search="xylophone") == [early["id"], late["id"]]
    assert ids_found(search="xylophone", date_from="2032-02-01") == [late["id"]]
    assert ids_found(search="xylophone", date_to="2032-02-01T00:00:00Z") == [early["id"]]
    assert ids_found(search="xylophone", date_to="2032-03-01") == [early["id"], late["id"]]
    assert ids_found(search="xylophone", date_to="2032-02-29") == [early["id"]]
    assert ids_found(search="xylophone%") == []
    assert api.anyone.do("GET", "/api/events", date_from="soon").status_code == 422


def test_update_changes_the_given_fields(api: Api) -> None:
    event = api.event()
    path = f"/api/events/{event['id']}"
    changed = api.admin.ok("PUT", path, {"title": "New", "capacity": 12, "price": 25})
    assert changed == {**event, "title": "New", "capacity": 12, "available_tickets": 12, "price": 25}
    assert api.admin.ok("PUT", path, changed) == changed
    booking = api.book(event, api.user(), 3)
    assert booking["total_amount"] == 75
    assert api.admin.refused(400, "PUT", path, {"capacity": 2})["detail"]
    assert api.admin.refused(400, "PUT", path, {"date_time": "2001-01-01T00:00:00Z"}) == {
        "detail": "date_time: must be in the future."
    }
    assert api.anyone.ok("GET", path) == {**changed, "available_tickets": 9}


def test_update_keeps_a_category_added_under_api(api: Api, stack: Stack) -> None:
    event = api.event(title="With a box")
    api.anyone.ok("GET", f"/api/events/{event['id']}")  # waits until all queries show it
    (ours,) = stack.admin.ok("GET", "/api/events?q=with a box")["items"]
    box = {"name": "Box", "price": "99.00", "capacity": 4}
    changes = {"categories": [{"id": ours["categories"][0]["id"]}, box]}
    stack.admin.ok("PATCH", f"/api/events/{ours['id']}", changes, If_Match=f'"{ours["details_version"]}"')
    api.admin.ok("PUT", f"/api/events/{event['id']}", {"price": 25, "title": "With a box still"})
    api.anyone.ok("GET", f"/api/events/{event['id']}")
    (ours,) = stack.admin.ok("GET", "/api/events?q=with a box")["items"]
    assert [(category["name"], category["price"]) for category in ours["categories"]] == [("Seat", "25.00"), ("Box", "99.00")]


def test_event_status_changes_are_final(api: Api) -> None:
    user, cancelled, completed = api.user(), api.event(), api.event()
    booking = api.book(cancelled, user, 2)
    for event, status in ((cancelled, "cancelled"), (completed, "completed")):
        path = f"/api/events/{event['id']}"
        answer = api.admin.ok("PUT", path, {"title": "Last words", "status": status})
        assert (answer["title"], answer["status"]) == ("Last words", status)
        assert api.anyone.ok("GET", path) == answer
        assert api.admin.ok("PUT", path, {"status": status})["status"] == status
        assert api.admin.do("PUT", path, {"status": "active"}).status_code == 400
        assert api.admin.do("PUT", path, {"title": "More"}).status_code == 400
        body = {"user_id": user, "event_id": event["id"], "quantity": 1}
        assert status in api.anyone.refused(400, "POST", "/api/bookings", body)["detail"]
    active = {event["id"] for event in api.anyone.ok("GET", "/api/events")}
    assert not active & {cancelled["id"], completed["id"]}
    (seen,) = api.anyone.ok("GET", f"/api/bookings/user/{user}")
    assert (seen["id"], seen["status"], {ticket["status"] for ticket in seen["tickets"]}) == (
        booking["id"],
        "cancelled",
        {"cancelled"},
    )


def test_statistics_cover_all_events(api: Api) -> None:
    event, user = api.event(price=10), api.user()
    api.book(event, user, 2)
    cancelled = api.book(event, user, 3)
    api.anyone.ok("PUT", f"/api/bookings/{cancelled['id']}", {"status": "cancelled"})
    other = api.event()
    api.admin.ok("PUT", f"/api/events/{other['id']}", {"status": "cancelled"})
    statistics = {event_["id"]: event_ for event_ in api.admin.ok("GET", "/api/stats/events")}
    assert [statistics[event["id"]][name] for name in ("total_bookings", "revenue", "tickets_sold")] == [1, 20, 2]
    assert statistics[other["id"]]["status"] == "cancelled"


# --- bookings


def test_booking_has_tickets_with_unique_codes(api: Api) -> None:
    event, user = api.event(), api.user()
    booking = api.book(event, user, 3)
    assert booking.keys() == {"id", "user_id", "event_id", "quantity", "total_amount", "booking_date", "status", "tickets"}
    assert [booking[name] for name in ("user_id", "event_id", "quantity", "total_amount", "status")] == [
        user, event["id"], 3, 59.97, "confirmed",
    ]  # fmt: skip
    tickets = booking["tickets"] + api.book(event, user)["tickets"]
    assert len({ticket["ticket_code"] for ticket in tickets}) == len({ticket["id"] for ticket in tickets}) == 4
    assert all(len(ticket["ticket_code"].replace("-", "")) > 25 for ticket in tickets)
    assert {ticket["status"] for ticket in tickets} == {"active"}
    assert {ticket["booking_id"] for ticket in booking["tickets"]} == {booking["id"]}
    assert api.anyone.ok("GET", f"/api/bookings/user/{user}")[0] == booking
    assert api.admin.ok("GET", f"/api/bookings/event/{event['id']}")[0] == booking


def test_cancelling_cancels_tickets_and_is_final(api: Api) -> None:
    event, user = api.event(capacity=2), api.user()
    booking = api.book(event, user, 2)
    path = f"/api/bookings/{booking['id']}"
    assert api.anyone.ok("PUT", path, {"status": "confirmed"}) == booking
    cancelled = api.anyone.ok("PUT", path, {"status": "cancelled"})
    assert (cancelled["status"], {ticket["status"] for ticket in cancelled["tickets"]}) == ("cancelled", {"cancelled"})
    assert api.anyone.do("PUT", path, {"status": "cancelled"}).status_code == 400
    assert api.anyone.do("PUT", path, {"status": "confirmed"}).status_code == 400
    assert api.anyone.do("PUT", path, {"status": "lost"}).status_code == 422
    assert api.book(event, user, 2)["status"] == "confirmed"


def test_booking_more_than_available_is_refused(api: Api) -> None:
    event, user = api.event(capacity=2), api.user()
    body = {"user_id": user, "event_id": event["id"], "quantity": 3}
    assert api.anyone.refused(400, "POST", "/api/bookings", body) == {"detail": "Only 2 are available."}
    api.book(event, user, 2)
    assert api.anyone.refused(400, "POST", "/api/bookings", {**body, "quantity": 1}) == {"detail": "The event is sold out."}


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": 0}, {"quantity": -1}, {"quantity": "2"}, {"quantity": 1.5}, {"quantity": 10**30}, {"user_id": None},
     {"event_id": "x"}, {"user_id": -1}],
)  # fmt: skip
def test_malformed_bookings_are_refused(api: Api, wrong: JSON) -> None:
    body = {"user_id": api.user(), "event_id": api.event()["id"], "quantity": 1, **wrong}
    assert api.anyone.refused(422, "POST", "/api/bookings", body)["detail"]


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"title": None}, {"date_time": "soon"}, {"capacity": 0}, {"capacity": -3}, {"capacity": "many"},
     {"price": -1}, {"price": "free"}, {"price": 10**20}, {"description": "a\0b"}, {"status": "cancelled"}],
)  # fmt: skip
def test_malformed_events_are_refused(api: Api, wrong: JSON) -> None:
    assert api.admin.refused(422, "POST", "/api/events", {**EVENT, **wrong})["detail"]


@pytest.mark.parametrize("field", [*EVENT, "status"])
def test_null_is_not_an_omitted_field(api: Api, field: str) -> None:
    event = api.event()
    path = f"/api/events/{event['id']}"
    (said,) = api.admin.refused(422, "PUT", path, {"title": "New", field: None})["detail"]
    assert said["loc"] == ["body", field]
    assert api.anyone.ok("GET", path) == event


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "N"},
        {"name": "", "phone": "1234"},
        {"name": "N", "phone": "1234", "role": "king"},
        *(
            {"name": "N", "phone": phone}
            for phone in ("abc", "12", "+", "1" * 16, "12-34-", "12 34 ext 5", "+1--- 555", 1234, None)
        ),
    ],
)
def test_malformed_users_are_refused(api: Api, body: JSON) -> None:
    assert api.anyone.refused(422, "POST", "/api/users", body)["detail"]


@pytest.mark.parametrize("phone", ["+1 555 0100", "(030) 123456", "+49 (0)30/12 34-56", "112.4", "123456789012345"])
def test_common_phone_number_formats_are_accepted(api: Api, phone: str) -> None:
    assert api.anyone.ok("POST", "/api/users", {"name": "N", "phone": phone})["phone"] == phone


def test_past_date_is_refused(api: Api) -> None:
    assert api.admin.do("POST", "/api/events", {**EVENT, "date_time": "2001-01-01T00:00:00Z"}).status_code == 400


@pytest.mark.parametrize("number", UNKNOWN_NUMBERS)
def test_unknown_ids_are_404(api: Api, number: str) -> None:
    for method, path, body in (
        ("GET", "/api/events/{}", None), ("PUT", "/api/events/{}", {}), ("GET", "/api/bookings/user/{}", None),
        ("GET", "/api/bookings/event/{}", None), ("PUT", "/api/bookings/{}", {"status": "cancelled"}),
        ("PUT", "/api/bookings/{}", {"status": "confirmed"}),
    ):  # fmt: skip
        assert api.admin.refused(404, method, path.format(number), body)["detail"]


def test_bookings_of_unknown_users_and_events_are_404(api: Api) -> None:
    user, event = api.user(), api.event()["id"]
    for wrong in ({"user_id": 10**9}, {"event_id": 10**9}):
        body = {"user_id": user, "event_id": event, "quantity": 1, **wrong}
        assert api.anyone.do("POST", "/api/bookings", body).status_code == 404


def test_other_apis_users_and_events_are_not_visible(api: Api, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    assert api.anyone.do("GET", f"/api/events/{event['number']}").status_code == 404
    names = {user["name"] for user in api.anyone.ok("GET", "/api/users")}
    assert "" not in names  # the default organizer is not a user
    assert "Root" not in names
