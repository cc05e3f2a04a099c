"""For all five APIs: many concurrent reads succeed, and the response of an edit shows its effect."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from query_api.database import EXPORT_PAGE
from tests.running_system import LATER, Stack, system_settings
from tests.soak import END_SECONDS
from tests.specifications.client import Client
from tests.specifications.reserving import EVENT, sign_up


@pytest.mark.parametrize("path", ["/events/{id}", "/events/"])
def test_forty_concurrent_reads_succeed(stack: Stack, path: str) -> None:
    api = Client(stack, "event-booking")
    event = api.ok("POST", "/events/", {"name": "Read", "total_seats": 1, "date": LATER})
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: api.do("GET", path.format(**event)).status_code, range(40)))
    assert answers == [200] * 40


def test_long_list_is_complete(stack: Stack) -> None:
    many = EXPORT_PAGE + 5
    anyone = Client(stack, "event-ticketing")
    user = anyone.ok("POST", "/api/users", {"name": "Many", "phone": "1234", "role": "admin"})["id"]
    admin = anyone.with_headers(X_User_Id=str(user))
    body = {"title": "Many", "date_time": LATER, "capacity": many, "price": 0}
    event = admin.ok("POST", "/api/events", body)["id"]
    booking = {"user_id": user, "event_id": event, "quantity": 1}
    with ThreadPoolExecutor(16) as pool:
        made = sorted(pool.map(lambda _: anyone.ok("POST", "/api/bookings", booking)["id"], range(many)))
    assert [item["id"] for item in admin.ok("GET", f"/api/bookings/event/{event}")] == made
    assert [item["id"] for item in anyone.ok("GET", f"/api/bookings/user/{user}")] == made


def _stop_projecting(stack: Stack) -> None:
    for process in stack.processes[1:]:
        process.terminate()
        process.wait(END_SECONDS)


def test_edit_response_shows_its_effect(database_url: str, redis_url: str, tmp_path: Path) -> None:
    stack = Stack(system_settings(database_url, redis_url, tmp_path))
    try:
        olga, rene = sign_up(stack), sign_up(stack)
        path = f"/api/events/{olga.client.ok('POST', '/api/events/', EVENT)['id']}/"
        shown = olga.client.ok("GET", path)
        _stop_projecting(stack)
        assert olga.client.ok("PATCH", path, {"title": "Done", "capacity": 5}) == {
            **shown, "title": "Done", "capacity": 5, "seats_remaining": 5,
        }  # fmt: skip
        head = _head(database_url)
        assert olga.client.refused(503, "PATCH", path, {"title": "Not done"}).keys() == {"detail"}
        assert _head(database_url) == head
        reserved = rene.client.ok("POST", "/api/reservations/", {"event": shown["id"]})
        assert rene.client.do("DELETE", f"/api/reservations/{reserved['id']}/").status_code == 204
    finally:
        stack.stop()


def _head(database_url: str) -> object:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT max(notification_id) FROM ledger_entries").fetchone()
