"""Specification 5: sign-up and log-in, one reservation per user and event, and no seat sold twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.running_system import JSON, PASSWORD, Person, Stack, free_port, wait_until_ready
from tests.soak import END_SECONDS
from tests.specifications.client import NOT_NUMBERS, UNKNOWN_NUMBERS, Client
from tests.specifications.reserving import EVENT, TABLES, Table, User, sign_up


@pytest.fixture(params=TABLES, ids=[table.name for table in TABLES])
def table(request: pytest.FixtureRequest) -> Table:
    table: Table = request.param
    return table


@pytest.fixture
def olga(stack: Stack) -> User:
    return sign_up(stack)


@pytest.fixture
def rene(stack: Stack) -> User:
    return sign_up(stack)


@pytest.fixture
def anyone(stack: Stack) -> Client:
    return Client(stack, "event-reservations")


# --- people


def test_sign_up_and_log_in_work(anyone: Client, table: Table) -> None:
    name = f"nina {time.monotonic_ns()}"
    body = {"username": name, "email": "nina@example.test", "password": "pw"}
    made = anyone.do("POST", table.signup, body)
    assert made.status_code == 201
    assert made.json() == {"id": made.json()["id"], "username": name, "email": "nina@example.test"}
    assert anyone.refused(400, "POST", table.signup, body).keys() == {"username"}
    for log_in in (body, {"username": name, "password": "pw"}):
        answer = anyone.ok("POST", table.login, log_in)
        assert answer.keys() == {"token"}
        assert anyone.with_headers(Authorization=f"Token {answer['token']}").ok("GET", table.reservations) == []
    for wrong in ({"username": name, "password": "PW"}, {"username": "nobody", "password": "pw"}):
        assert anyone.refused(400, "POST", table.login, wrong).keys() == {"non_field_errors"}


def test_email_is_optional_and_forms_are_accepted(anyone: Client, stack: Stack, table: Table) -> None:
    name = f"otto & söhne {time.monotonic_ns()}"
    made = anyone.ok("POST", table.signup, {"username": name, "password": "pw"})
    assert (made["username"], made["email"]) == (name, "")
    by_form = stack.http.post(f"{anyone.url}{table.login}", data={"username": name, "password": "pw"})
    assert by_form.status_code == 200
    assert anyone.with_headers(Authorization=f"Token {by_form.json()['token']}").ok("GET", table.reservations) == []
    assert stack.http.post(f"{anyone.url}{table.signup}", data={"username": f"{name}!", "password": "pw"}).status_code == 201


@pytest.mark.parametrize(
    "form", [b"", b"username=x", b"username=x&password=\xff", b"&".join(b"a%d=1" % n for n in range(30)), b"%zz"]
)
def test_malformed_form_is_refused(anyone: Client, stack: Stack, form: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert stack.http.post(f"{anyone.url}/api/login/", content=form, headers=headers).status_code == 400


def test_single_event_needs_a_token_only_in_the_first_table(olga: User, anyone: Client) -> None:
    event = olga.client.ok("POST", "/api/events/", EVENT)
    assert anyone.do("GET", f"/api/events/{event['id']}/").status_code == 401
    assert olga.client.ok("GET", f"/api/events/{event['id']}/") == anyone.ok("GET", f"/api/event/events/{event['id']}/") == event
    assert [item for item in anyone.ok("GET", "/api/events/") if item["id"] == event["id"]] == [event]


def test_show_time_defaults_to_the_start(olga: User, table: Table) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    assert event["show_time"] == event["start_time"]
    later = "2031-05-01T19:30:00Z"
    path = table.event(event["id"])
    assert olga.client.ok("PATCH", path, {"show_time": later})["show_time"] == later
    assert olga.client.ok("PATCH", path, {"title": "x"})["show_time"] == later
    assert olga.client.ok("GET", path)["show_time"] == later
    assert olga.client.ok("PUT", path, EVENT)["show_time"] == event["start_time"]
    assert olga.client.ok("POST", table.events, {**EVENT, "show_time": later})["show_time"] == later


def test_log_in_by_email_works(anyone: Client) -> None:
    email = f"e{time.monotonic_ns()}@example.test"
    anyone.ok("POST", "/api/signup/", {"username": email[:-13], "email": email, "password": "pw"})
    assert anyone.ok("POST", "/api/login/", {"email": email, "password": "pw"})["token"]


def test_malformed_tokens_are_401(anyone: Client, olga: User, table: Table) -> None:
    for value in ("Token", "Token nothing", f"Bearer {olga.token}", olga.token, ""):
        response = anyone.with_headers(Authorization=value).do("GET", table.reservations)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Token")
        assert response.json().keys() == {"detail"}


def test_tokens_of_one_api_are_invalid_in_the_other(stack: Stack, olga: User, anyone: Client, alice: Person) -> None:
    assert stack.http.get("/api/me", headers={"Authorization": f"Bearer {olga.token}"}).status_code == 401
    assert stack.http.post("/api/login", json={"email": olga.email, "password": PASSWORD}).status_code == 401
    ours = anyone.with_headers(Authorization=f"Token {alice.token}")
    assert ours.do("GET", "/api/reservations/").status_code == 401


def test_failed_log_ins_are_limited(stack: Stack, olga: User) -> None:
    port = free_port()
    process = stack.start("app", PORT=str(port), LOGIN_ATTEMPTS_PER_MINUTE="2")
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        url = f"http://127.0.0.1:{port}/compat/event-reservations/api/login/"
        names = (
            {"email": olga.email},
            {"username": olga.username},
            {"email": olga.email},
        )  # the attempts of one user count together
        answers = [httpx.post(url, json={**name, "password": "wrong"}) for name in names]
    finally:
        process.terminate()
        process.wait(END_SECONDS)
    assert [answer.status_code for answer in answers] == [400, 400, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json().keys() == {"detail"}


# --- events


def test_event_has_the_specified_fields(olga: User, anyone: Client, table: Table) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    assert isinstance(event["id"], int)
    assert {name: event[name] for name in event if name != "id"} == {
        **EVENT, "show_time": EVENT["start_time"], "seats_remaining": 3, "organizer": olga.id, "organizer_id": olga.id,
    }  # fmt: skip
    assert olga.client.ok("GET", table.event(event["id"])) == event
    assert event in anyone.ok("GET", "/api/events/")


def test_put_needs_all_fields_and_patch_does_not(olga: User, table: Table) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    path = table.event(event["id"])
    assert olga.client.ok("PATCH", path, {"title": "Renamed", "capacity": 5}) == {
        **event, "title": "Renamed", "capacity": 5, "seats_remaining": 5,
    }  # fmt: skip
    assert olga.client.ok("PUT", path, EVENT) == event
    assert olga.client.refused(400, "PUT", path, {"title": "Alone"}).keys() == {"start_time", "end_time", "capacity"}


def test_deleting_an_event_cancels_its_reservations(olga: User, rene: User, anyone: Client, table: Table) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    reservation = rene.client.ok("POST", table.reservations, {"event": event["id"]})
    path = table.event(event["id"])
    response = olga.client.do("DELETE", path)
    assert (response.status_code, response.content) == (204, b"")
    for method, body in (("GET", None), ("PUT", EVENT), ("PATCH", {}), ("DELETE", None)):
        assert olga.client.do(method, path, body).status_code == 404
    assert olga.client.do("GET", table.reservations_of(event["id"])).status_code == 404
    assert event["id"] not in [item["id"] for item in anyone.ok("GET", "/api/events/")]
    assert rene.client.ok("GET", table.reservations) == []
    for method in ("GET", "DELETE"):
        assert rene.client.do(method, f"/api/reservation/reservations/{reservation['id']}/").status_code == 404
    assert rene.client.do("POST", table.reservations, {"event": event["id"]}).status_code == 400


def test_capacity_below_reserved_seats_is_refused(olga: User, rene: User) -> None:
    event = olga.client.ok("POST", "/api/events/", EVENT)
    for user in (olga, rene):
        user.client.ok("POST", "/api/reservations/", {"event": event["id"]})
    said = olga.client.refused(400, "PATCH", f"/api/events/{event['id']}/", {"capacity": 1})
    assert said == {"capacity": ["2 seats are already taken."]}


# --- reservations


def test_reservation_takes_a_seat_and_cancelling_returns_it(olga: User, rene: User, anyone: Client, table: Table) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    made = rene.client.do("POST", table.reservations, {"event": event["id"]})
    assert made.status_code == 201
    reservation = made.json()
    assert reservation.keys() == {"id", "user", "event", "user_id", "event_id", "created_at"}
    assert (reservation["user"], reservation["event"]) == (rene.id, event["id"])
    assert olga.client.ok("GET", table.event(event["id"]))["seats_remaining"] == 2
    assert rene.client.ok("GET", table.reservations) == [reservation]
    assert rene.client.ok("GET", table.reservation(reservation["id"])) == reservation
    assert olga.client.ok("GET", table.reservations_of(event["id"])) == [reservation]
    cancelled = rene.client.do("DELETE", table.reservation(reservation["id"]))
    assert (cancelled.status_code, cancelled.content) == (204, b"")
    assert rene.client.do("DELETE", table.reservation(reservation["id"])).status_code == 404
    assert rene.client.do("GET", table.reservation(reservation["id"])).status_code == 404
    assert olga.client.ok("GET", table.event(event["id"]))["seats_remaining"] == 3
    assert olga.client.ok("GET", table.reservations_of(event["id"])) == []


def test_user_has_one_reservation_per_event_until_cancelled(olga: User, rene: User, table: Table) -> None:
    event, other = (olga.client.ok("POST", table.events, EVENT) for _ in range(2))
    first = rene.client.ok("POST", table.reservations, {"event": event["id"]})
    said = rene.client.refused(400, "POST", table.reservations, {"event": event["id"]})
    assert said == {"event": ["You have reserved this event already."]}
    assert rene.client.ok("POST", table.reservations, {"event": other["id"]})["event"] == other["id"]
    assert olga.client.ok("POST", table.reservations, {"event": event["id"]})["user"] == olga.id  # an organizer may attend
    rene.client.ok("DELETE", table.reservation(first["id"]))
    assert rene.client.ok("POST", table.reservations, {"event": event["id"]})["id"] != first["id"]


def test_concurrent_reservations_of_a_user_make_one(olga: User, rene: User, anyone: Client) -> None:
    event = olga.client.ok("POST", "/api/events/", EVENT)
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(rene.client.do, "POST", "/api/reservations/", {"event": event["id"]}) for _ in range(10)]
    assert sorted(future.result().status_code for future in asked) == [201] + [400] * 9
    assert anyone.ok("GET", f"/api/event/events/{event['id']}/")["seats_remaining"] == 2


def test_concurrent_reservations_sell_no_seat_twice(stack: Stack, olga: User, anyone: Client) -> None:
    event = olga.client.ok("POST", "/api/events/", EVENT)
    people = [sign_up(stack) for _ in range(9)]
    with ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(user.client.do, "POST", "/api/reservations/", {"event": event["id"]}) for user in people]
    answers = [future.result() for future in asked]
    assert sorted(response.status_code for response in answers) == [201] * 3 + [400] * 6
    assert all(response.json() == {"event": ["No seats are left."]} for response in answers if response.status_code == 400)
    assert anyone.ok("GET", f"/api/event/events/{event['id']}/")["seats_remaining"] == 0


def test_past_event_can_not_be_reserved(olga: User, rene: User, anyone: Client) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1.5)
    event = olga.client.ok("POST", "/api/events/", {**EVENT, "start_time": soon.isoformat()})
    early = olga.client.ok("POST", "/api/reservations/", {"event": event["id"]})
    time.sleep(max(0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    assert rene.client.refused(400, "POST", "/api/reservations/", {"event": event["id"]}) == {
        "event": ["The event has started, and its sales have ended."]
    }
    assert anyone.ok("GET", f"/api/event/events/{event['id']}/")["seats_remaining"] == 2
    for status in (204, 404):
        assert olga.client.do("DELETE", f"/api/reservations/{early['id']}/").status_code == status
    assert anyone.ok("GET", f"/api/event/events/{event['id']}/")["seats_remaining"] == 3


# --- bad input: always 400 with the field, or 404


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"title": ""}, {"title"}), ({"title": 7, "capacity": 0}, {"title", "capacity"}), ({"capacity": -1}, {"capacity"}),
        ({"capacity": "3"}, {"capacity"}), ({"capacity": 10**20}, {"capacity"}), ({"start_time": "soon"}, {"start_time"}),
        ({"start_time": "2001-01-01T00:00:00Z"}, {"start_time"}), ({"end_time": "2031-05-01T00:00:00Z"}, {"end_time"}),
        ({"description": "\x00"}, {"description"}), ({"title": "\ud800"}, {"title"}),
    ],
)  # fmt: skip
def test_malformed_events_are_refused(olga: User, table: Table, wrong: JSON, fields: set[str]) -> None:
    said = olga.client.refused(400, "POST", table.events, {**EVENT, **wrong})
    assert said.keys() == fields
    assert all(isinstance(messages, list) and messages for messages in said.values())


@pytest.mark.parametrize("field", EVENT)
def test_null_is_not_an_omitted_field(olga: User, table: Table, field: str) -> None:
    event = olga.client.ok("POST", table.events, EVENT)
    path = table.event(event["id"])
    for method, body in (("PATCH", {field: None}), ("PUT", {**EVENT, field: None})):
        assert olga.client.refused(400, method, path, body).keys() == {field}
    assert olga.client.ok("GET", path) == event


@pytest.mark.parametrize("field", ["username", "email"])
def test_null_is_no_login_name(anyone: Client, table: Table, field: str) -> None:
    assert anyone.refused(400, "POST", table.login, {field: None, "password": "pw"}).keys() == {field}


def test_messages_use_the_specifications_field_names(olga: User) -> None:
    said = olga.client.refused(400, "POST", "/api/events/", {**EVENT, "end_time": EVENT["start_time"]})
    assert said == {"end_time": ["must be after start_time."]}


@pytest.mark.parametrize("body", [[], None, "text", 5])
def test_body_that_is_not_a_json_object_is_refused(olga: User, table: Table, body: Any) -> None:
    assert olga.client.refused(400, "POST", table.events, body).keys() == {"detail"}
    assert olga.client.refused(400, "POST", table.reservations, body).keys() == {"detail"}


@pytest.mark.parametrize("event", [None, "x", 1.5, 0, -1, 10**9, 10**40, [], {}])
def test_reserving_an_unknown_event_is_refused(rene: User, event: Any) -> None:
    assert rene.client.refused(400, "POST", "/api/reservations/", {"event": event}).keys() == {"event"}


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [({"username": ""}, {"username"}), ({"email": "nobody"}, {"email"}), ({"password": ""}, {"password"}),
     ({"username": 5, "email": None}, {"username", "email"})],
)  # fmt: skip
def test_malformed_users_are_refused(anyone: Client, table: Table, wrong: JSON, fields: set[str]) -> None:
    body = {"username": "u", "email": "u@example.test", "password": "pw", **wrong}
    assert anyone.refused(400, "POST", table.signup, body).keys() == fields


@pytest.mark.parametrize("number", [*UNKNOWN_NUMBERS, *NOT_NUMBERS])
def test_unknown_ids_are_404(olga: User, table: Table, number: str) -> None:
    assert olga.client.refused(404, "GET", table.event(number)).keys() == {"detail"}
    for method, path, body in (
        ("PUT", table.event(number), EVENT), ("PATCH", table.event(number), {}), ("DELETE", table.event(number), None),
        ("GET", table.reservations_of(number), None), ("GET", table.reservation(number), None),
        ("DELETE", table.reservation(number), None),
    ):  # fmt: skip
        assert olga.client.do(method, path, body).status_code == 404


def test_other_apis_resources_are_not_visible(olga: User, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    assert olga.client.do("GET", f"/api/events/{event['number']}/").status_code == 404
    assert olga.client.do("POST", "/api/reservations/", {"event": event["number"]}).status_code == 400
