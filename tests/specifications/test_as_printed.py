"""Each specification served at the root of a port, as by `make specification`. The tests send each request of its text as printed,
except for host and port, ids (from earlier responses), and text 4's date, which has passed, so that its own rule refuses it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ledger.settings import COMPAT_APIS
from tests.running_system import ROOT, Stack, free_port, wait_until_ready
from tests.soak import END_SECONDS
from tests.specifications.test_event_management import CONCERT

JSON_TYPE = {"Content-Type": "application/json"}


@contextmanager
def serving(stack: Stack, *command: str, **environment: str) -> Iterator[str]:
    """Starts the server; yields its URL when it responds."""
    port = str(free_port())
    process = stack.start(*(word.replace("{port}", port) for word in command), PORT=port, **environment)
    url = f"http://localhost:{port}"
    try:
        wait_until_ready(url, process, path="/openapi.json")
        yield url
    finally:
        process.terminate()
        process.wait(END_SECONDS)


@pytest.fixture(scope="module")
def urls(stack: Stack) -> Iterator[dict[str, str]]:
    with (
        serving(stack, "app", SPECIFICATION="event-booking") as first,
        serving(stack, "app", SPECIFICATION="event-ticketing") as second,
        serving(stack, "app", SPECIFICATION="ticketing-platform") as third,
        serving(stack, "app", SPECIFICATION="event-management") as fourth,
        serving(stack, "app", SPECIFICATION="event-reservations") as fifth,
    ):
        yield dict(zip(COMPAT_APIS, (first, second, third, fourth, fifth), strict=True))


def ask(url: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, f"{url}{path}", json=body, headers=sent)


def ok(url: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = ask(url, method, path, body, **headers)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def test_text_1(urls: dict[str, str]) -> None:
    url = urls["event-booking"]
    body = {"name": "Event A", "description": "d", "total_seats": 5, "date": "2025-06-15T18:00:00"}
    event = ask(url, "POST", "/events/", body)
    assert event.status_code == 201
    event_id = event.json()["id"]
    assert event_id in [event["id"] for event in ok(url, "GET", "/events/")]
    bookings = [ok(url, "POST", f"/events/{event_id}/book", {"user_name": f"P{n}"}) for n in range(5)]
    assert ask(url, "POST", f"/events/{event_id}/book", {"user_name": "the 6th"}).status_code == 400
    ok(url, "DELETE", f"/bookings/{bookings[0]['id']}")
    assert ok(url, "GET", f"/events/{event_id}")["available_seats"] == 1
    assert ask(url, "GET", "/events/999999999").status_code == 404
    document = ok(url, "GET", "/openapi.json")
    assert document["servers"] == [{"url": "/"}]
    assert ask(url, "GET", "/docs").status_code == 200


def test_text_2(urls: dict[str, str]) -> None:
    url = urls["event-ticketing"]
    users = ok(url, "GET", "/api/users")
    admin, customer = (next(user["id"] for user in users if user["role"] == role) for role in ("admin", "customer"))
    assert len(users) >= 3
    assert len(ok(url, "GET", "/api/events")) >= 5
    assert ok(url, "GET", f"/api/bookings/user/{customer}")
    body = {
        "title": "T", "description": "d", "venue": "v", "date_time": "2031-01-01T20:00:00", "capacity": 9, "price": 12.5,
    }  # fmt: skip
    assert ask(url, "POST", "/api/events", body).status_code == 403
    event = ok(url, "POST", "/api/events", body, X_User_Id=str(admin))
    assert ok(url, "GET", f"/api/events/{event['id']}") == event
    assert ok(url, "PUT", f"/api/events/{event['id']}", {"title": "U"}, X_User_Id=str(admin))["title"] == "U"
    booking = ok(url, "POST", "/api/bookings", {"user_id": customer, "event_id": event["id"], "quantity": 2})
    assert booking["total_amount"] == 25
    assert booking in ok(url, "GET", f"/api/bookings/user/{customer}")
    assert [item["id"] for item in ok(url, "GET", f"/api/bookings/event/{event['id']}", X_User_Id=str(admin))] == [booking["id"]]
    assert ok(url, "PUT", f"/api/bookings/{booking['id']}", {"status": "cancelled"})["status"] == "cancelled"
    assert ask(url, "POST", "/api/users", {"name": "N", "phone": "+1 555 0100"}).status_code == 201


#: As text 3 prints them; the ids are shell variables.
TEXT_3 = """
curl -X POST "http://localhost:8000/events" \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Concert 2024", "total_tickets": 100}'
---
curl -X POST "http://localhost:8000/events/$EVENT/bookings" \\
  -H "Content-Type: application/json" \\
  -d '{"user_id": "user123", "ticket_count": 1}'
---
curl -X DELETE "http://localhost:8000/bookings/$BOOKING"
---
curl "http://localhost:8000/events/$EVENT"
---
curl "http://localhost:8000/bookings/$BOOKING"
---
curl "http://localhost:8000/health"
"""


def test_text_3(urls: dict[str, str]) -> None:
    url = urls["ticketing-platform"]
    ids: dict[str, str] = {}

    def sent(number: int) -> Any:
        command = TEXT_3.split("---")[number].replace("http://localhost:8000", url)
        done = subprocess.run(["bash", "-c", command], env={**os.environ, **ids}, capture_output=True, check=True)
        return json.loads(done.stdout)

    ids["EVENT"] = (event := sent(0))["id"]
    assert list(event) == ["id", "name", "total_tickets", "available_tickets", "created_at"]
    ids["BOOKING"] = (booking := sent(1))["id"]
    assert (booking["user_id"], booking["ticket_count"], booking["status"]) == ("user123", 1, "active")
    assert (sent(2)["status"], sent(3)["available_tickets"], sent(4)["status"]) == ("cancelled", 100, "cancelled")
    assert sent(5) == {"status": "healthy"}
    assert [ask(url, "GET", page).status_code for page in ("/docs", "/redoc")] == [200, 200]


def test_text_4(urls: dict[str, str]) -> None:
    url = urls["event-management"]
    printed = {**CONCERT, "date": "2025-06-15T18:00:00Z"}
    assert ask(url, "POST", "/events", printed).status_code == 400, "its own rule: a date in the past is refused"
    event = ask(url, "POST", "/events", {**printed, "date": "2035-06-15T18:00:00Z"})
    assert event.status_code == 201
    assert event.json().items() >= {**printed, "date": "2035-06-15T18:00:00Z"}.items()
    path = f"/events/{event.json()['id']}/book"
    assert ask(url, "POST", path, {"ticket_category": "General", "quantity": 2}).status_code == 201
    assert ask(url, "POST", path, {"ticket_category": "General", "quantity": 99}).status_code == 400
    assert event.json()["id"] in [item["id"] for item in ok(url, "GET", "/events")]


def test_text_5(urls: dict[str, str]) -> None:
    url = urls["event-reservations"]
    for signup, login, events, one_is_public, seen, reservations in (
        ("/api/signup/", "/api/login/", "/api/events/", False, "reservations", "/api/reservations/"),
        (
            "/api/authentication/signup/", "/api/authentication/login/", "/api/event/events/", True, "total-reservations",
            "/api/reservation/reservations/",
        ),
    ):  # fmt: skip
        name = uuid4().hex[:12]
        assert ask(url, "POST", signup, {"username": name, "email": f"{name}@x.test", "password": "secret pw"}).status_code == 201
        token = f"Token {ok(url, 'POST', login, {'username': name, 'password': 'secret pw'})['token']}"
        body = {
            "title": "T", "description": "d", "start_time": "2031-01-01T20:00:00", "end_time": "2031-01-01T22:00:00", "capacity": 2,
        }  # fmt: skip
        event = ok(url, "POST", events, body, Authorization=token)
        path = f"{events}{event['id']}/"
        assert ask(url, "GET", path).status_code == (200 if one_is_public else 401)
        assert ok(url, "GET", path, Authorization=token) == event
        assert event in ok(url, "GET", "/api/events/")
        assert ok(url, "PATCH", path, {"title": "U"}, Authorization=token)["title"] == "U"
        assert ok(url, "PUT", path, body, Authorization=token)["title"] == "T"
        reservation = ok(url, "POST", reservations, {"event": event["id"]}, Authorization=token)
        assert ok(url, "GET", reservations, Authorization=token) == [reservation]
        assert ok(url, "GET", f"{path}{seen}/", Authorization=token) == [reservation]
        assert ok(url, "GET", f"{reservations}{reservation['id']}/", Authorization=token) == reservation
        assert ask(url, "DELETE", f"{reservations}{reservation['id']}/", Authorization=token).status_code == 204
        assert ask(url, "DELETE", path, Authorization=token).status_code == 204
    assert ask(url, "GET", "/docs/swagger/").status_code == 200


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_standalone_specification_serves_no_other_routes(urls: dict[str, str], api: str) -> None:
    url = urls[api]
    assert ask(url, "GET", "/").headers["location"] == "/docs"
    paths = set(ok(url, "GET", "/openapi.json")["paths"])
    for other in ("/api/me", "/api/about", "/compat/event-booking/events/", "/api/audit/checkpoint"):
        assert other not in paths
        assert ask(url, "GET", other).status_code == 404
    too_long = httpx.post(f"{url}{min(paths)}", content=b" " * 70_000, headers=JSON_TYPE)
    assert too_long.status_code in (405, 413)
    assert "problem" not in too_long.headers["content-type"]


#: Of each contract: what a client that OpenAPI Generator makes of its own document does first.
SAMPLES = {
    "event-booking": """
from event_sdk.api.events_api import EventsApi
from event_sdk import ApiClient

client = ApiClient()
events_api = EventsApi(client)

# Retrieve all events
events = events_api.get_events()

print(events)
""",
    "event-ticketing": """
from event_sdk import ApiClient, EventsApi
print(EventsApi(ApiClient()).list_events(search="Rock"))
""",
    "ticketing-platform": """
from event_sdk import ApiClient, BookingsApi, EventsApi, NewBooking, NewEvent
event = EventsApi(ApiClient()).initialize_event(NewEvent(name="Concert 2024", total_tickets=100))
print(BookingsApi(ApiClient()).book_tickets(event.id, NewBooking(user_id="user123", ticket_count=1)))
""",
    "event-management": """
from event_sdk import ApiClient, BookingsApi, EventsApi, NewBooking, NewEvent, NewTicketCategory
general = NewTicketCategory(name="General", price=50, seats_limit=100, seats_sold=0)
event = EventsApi(ApiClient()).create_event(
    NewEvent(name="Music Concert", venue="Stadium A", date="2035-06-15T18:00:00Z", ticket_categories=[general])
)
print(BookingsApi(ApiClient()).book_tickets(event.id, NewBooking(ticket_category="General", quantity=2)))
""",
    "event-reservations": """
from uuid import uuid4
from event_sdk import ApiClient, AuthenticationApi, LogIn, SignUp
people, name = AuthenticationApi(ApiClient()), uuid4().hex
people.sign_up(SignUp(username=name, password="secret pw"))
print(people.log_in(LogIn(username=name, password="secret pw")))
""",
}


@pytest.mark.parametrize("api", COMPAT_APIS)
def test_generated_client_of_each_document_runs_its_sample(urls: dict[str, str], api: str, tmp_path: Path) -> None:
    generator = Path(sys.executable).with_name("openapi-generator-cli")
    options = "apiDocs=false,apiTests=false,modelDocs=false,modelTests=false"
    command = ["generate", "-i", f"{urls[api]}/openapi.json", "-g", "python", "-o", str(tmp_path), "--global-property", options]
    made = subprocess.run([generator, *command, "--package-name", "event_sdk"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    done = subprocess.run([sys.executable, "-c", SAMPLES[api]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"id=|token=", done.stdout), done.stdout


def test_uvicorn_serves_app_main_app(stack: Stack) -> None:
    with serving(stack, "uvicorn", "app.main:app", "--port", "{port}") as url:
        assert ask(url, "GET", "/ready").json() == {"status": "ready"}
        assert "<!doctype html>" in ask(url, "GET", "/").text.lower()
        assert ask(url, "GET", "/api/events").status_code == 200
    with serving(stack, "uvicorn", "app.main:app", "--port", "{port}", SPECIFICATION="ticketing-platform") as url:
        assert ask(url, "POST", "/events", {"name": "Concert 2024", "total_tickets": 100}).status_code == 201


@pytest.mark.parametrize(
    ("command", "variables", "sentence"),
    [
        (["app"], {"SPECIFICATION": "event-bookings"}, "SPECIFICATION is 'event-bookings', which is none of event-booking, "),
        (["app"], {}, "The API needs DATABASE_URL and REDIS_URL, or a running `make run`, whose servers are then used."),
        (["uvicorn", "app.main:app"], {}, "The API needs DATABASE_URL and REDIS_URL, or a running `make run`"),
    ],
)
def test_invalid_specification_setting_is_reported_in_a_sentence(
    command: list[str], variables: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "PORT": str(free_port()), **variables}
    done = subprocess.run([sys.executable, "-m", *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
