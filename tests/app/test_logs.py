"""The log of an API process says why a request was slow or failed, under its id, and holds no personal data."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from app import observation
from ledger.recorder import ORDERING_LOCK
from ledger.request_trace import RequestTrace
from tests.forked_processes import ForkedProcess
from tests.running_system import PASSWORD, Person, Stack, free_port, tickets, wait_until_ready
from tests.soak import END_SECONDS

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Api:
    """An API process of its own, whose log can be read."""

    def __init__(self, stack: Stack, directory: Path, **environment: str) -> None:
        settings = replace(stack.settings, port=free_port(), log_level="INFO")
        self.url = f"http://127.0.0.1:{settings.port}"
        self._file = directory / "stderr"
        self.process = ForkedProcess(("app",), {**os.environ, **settings.to_env(), **environment}, directory)
        wait_until_ready(self.url, self.process)
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def as_(self, person: Person) -> Person:
        return Person(self.http, person.id, person.token)

    @property
    def text(self) -> str:
        return self._file.read_text()

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        """The lines that have these fields, among others: each is an object."""
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if fields.items() <= line.items()]

    def line(self, **fields: Any) -> dict[str, Any]:
        [line] = self.lines(**fields)
        return line

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(END_SECONDS)


@contextmanager
def api(stack: Stack, directory: Path, **environment: str) -> Iterator[Api]:
    started = Api(stack, directory, **environment)
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def logged(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """With a JSON line for each request."""
    with api(stack, tmp_path_factory.mktemp("api"), LOG_FORMAT="json", ACCESS_LOG="1") as started:
        yield started


@contextmanager
def appends_held(database_url: str, seconds: float) -> Iterator[None]:
    """Another process holds the ordering lock for some time from now on."""
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
        timer = threading.Timer(seconds, other.rollback)
        timer.start()
        yield
        timer.join()


def test_request_has_a_line_with_its_id_trace_route_and_time(logged: Api, stack: Stack, organizer: Person, alice: Person) -> None:
    event_id = stack.event(organizer)["id"]
    for path, request_id in ((event_id, "booked-fast"), (event_id.upper(), "booked-slowly")):
        headers = {"X_Request_Id": request_id, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        logged.as_(alice).ok("POST", f"/api/events/{path}/bookings", tickets(), **headers)
        line = logged.line(logger="app.requests", request_id=request_id)
        assert line["route"] == "/api/events/{event_id}/bookings"
        assert (line["method"], line["status"], line["process"], line["trace_id"]) == ("POST", 201, "api", TRACE)
        assert line["event_id"].lower() == event_id
        assert {"queue_seconds", "decide_seconds", "append_seconds", "batch", "commands", "tries"} <= set(line)
        assert 0 < line["append_seconds"] < line["seconds"]


def test_query_has_a_line_with_what_it_waited_for(logged: Api, alice: Person) -> None:
    logged.as_(alice).ok("GET", "/api/bookings", X_Request_Id="a-list")
    line = logged.line(logger="app.requests", request_id="a-list")
    assert (line["route"], line["level"]) == ("/api/bookings", "INFO")
    assert 0 < line["database_seconds"] < line["seconds"]
    assert line["pool_seconds"] >= 0


def test_slow_booking_shows_that_its_append_was_slow(logged: Api, stack: Stack, organizer: Person, alice: Person) -> None:
    event_id = stack.event(organizer)["id"]
    logged.as_(alice).ok("POST", f"/api/events/{event_id}/bookings", tickets())
    with appends_held(stack.settings.database_url, 1.3):
        logged.as_(alice).ok("POST", f"/api/events/{event_id}/bookings", tickets(), X_Request_Id="slow")
    line = logged.line(logger="app.requests", request_id="slow")
    assert line["level"] == "WARNING"
    assert line["append_seconds"] > 1 > line["queue_seconds"]


def test_booking_that_waits_in_the_queue_shows_that(
    logged: Api, stack: Stack, organizer: Person, alice: Person, bob: Person
) -> None:
    event_id = stack.event(organizer)["id"]
    logged.as_(alice).ok("POST", f"/api/events/{event_id}/bookings", tickets())
    with appends_held(stack.settings.database_url, 1.5):
        first = threading.Thread(target=logged.as_(alice).do, args=("POST", f"/api/events/{event_id}/bookings", tickets()))
        first.start()
        time.sleep(0.2)
        with httpx.Client(base_url=logged.url, timeout=30) as http:
            Person(http, token=bob.token).ok("POST", f"/api/events/{event_id}/bookings", tickets(), X_Request_Id="queued")
        first.join()
    line = logged.line(logger="app.requests", request_id="queued")
    assert line["queue_seconds"] > 1 > line["append_seconds"]


def test_failed_request_has_a_line_even_if_not_all_have(stack: Stack, organizer: Person, alice: Person, tmp_path: Path) -> None:
    """In text, which is the default; a booking that is given up while its append hangs names that append."""
    event_id = stack.event(organizer)["id"]
    with api(stack, tmp_path) as quiet:
        quiet.as_(alice).ok("POST", f"/api/events/{event_id}/bookings", tickets(), X_Request_Id="well")
        with appends_held(stack.settings.database_url, 4):
            response = quiet.as_(alice).do("POST", f"/api/events/{event_id}/bookings", tickets(), X_Request_Id="ill")
        assert response.status_code == 503
        [line] = [line for line in quiet.text.splitlines() if "app.requests" in line]
    assert line.startswith("WARNING app.requests POST /api/events/{event_id}/bookings 503 ")
    assert line.endswith(" [ill]")
    append = next(float(part.split("=")[1]) for part in line.split() if part.startswith("append_seconds="))
    assert append > 1.5
    assert "problem=" in line


def test_lines_about_failures_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    observer = observation.RequestObserver(access_log=False)
    for second in (1.0, 2.0):
        for _ in range(1_000):
            trace = RequestTrace()
            trace.began_at = second
            observer.end(trace, {"method": "GET"}, 503)
    lines = caplog.records
    assert len(lines) == 2 * observation.MAX_LINES
    assert f"lines_skipped={1_000 - observation.MAX_LINES}" in lines[observation.MAX_LINES].getMessage()


def test_log_has_no_personal_data_in_json(logged: Api, stack: Stack, organizer: Person) -> None:
    """Neither where clients put it by mistake: in paths, parameters, ids of requests."""
    email, code = f"{uuid4().hex}@example.test", uuid4().hex
    event_id = stack.event(organizer)["id"]
    logged.http.post("/api/signup", json={"name": "Wilhelmine", "email": email, "password": PASSWORD})
    answer = logged.http.post("/api/login", json={"email": email, "password": PASSWORD})
    token, cookies = answer.json()["access_token"], dict(answer.cookies)
    assert cookies
    person = Person(logged.http, token=token)
    person.ok("POST", f"/api/events/{event_id}/bookings", tickets(), key=f"key-{code}")
    for path in (f"/api/{email}", f"/api/users?q={email}", f"/api/bookings/{code}", f"/api/events/{email}/bookings", f"/{code}"):
        for method in ("GET", "POST", "DELETE"):
            person.do(method, path, X_Request_Id=email, Cookie=f"seatledger_session={token}", traceparent=email)
    logged.http.get("/api/me", headers={"Authorization": f"Bearer {code}"})
    text = logged.text
    assert text.count("app.requests") > 15
    for secret in (email, email.split("@", maxsplit=1)[0], "Wilhelmine", PASSWORD, token, code, *cookies.values()):
        assert secret not in text
