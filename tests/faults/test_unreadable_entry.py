"""One entry in the ledger can't be read: projections set its Event aside, visibly; all others are sold, shown and signed."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from ledger.macs import Macs
from projections.registry import PROJECTORS
from tests.abuse.operations import OPERATIONS, Routes, Target, send
from tests.ledger import storage
from tests.running_system import Person, Stack, tickets
from tests.soak import within

SECONDS = within(5.0)
#: What a busy machine says of operations that succeed in the end.
ASK_AGAIN = {(503, f"/problems/{problem}") for problem in ("busy", "stale-read", "still-computing")}
#: What needs the whole state of the Event.
NEED_THE_EVENT = {
    "book_tickets", "cancel_booking", "cancel_event", "cancel_tickets", "check_in_ticket", "complete_event", "get_event_as_of",
    "get_messages", "get_receipt", "give_refund", "give_unbooked_refund", "hold_tickets", "extend_hold", "confirm_hold",
}  # fmt: skip
BY_EVENT = {name for name, projector in PROJECTORS.items() if projector.is_by_event}


def make_unreadable(stack: Stack, event_id: str) -> int:
    """Appends an entry that can't be decoded to the Event's stream, with its MAC. Returns its position."""
    with psycopg.connect(stack.settings.database_url) as connection:
        sql = "SELECT max(originator_version) FROM ledger_entries WHERE originator_id = %s"
        ((version,),) = connection.execute(sql, (event_id,)).fetchall()
        macs = Macs.open(stack.settings.keys)
        return storage.store(connection, UUID(event_id), version + 1, "seats-booked/1", b'{"at": "tomorr', macs)


def projections(stack: Stack) -> dict[str, Any]:
    return {item["name"]: item for item in stack.admin.ok("GET", "/api/projections")["items"]}


def wait_for_signed(stack: Stack, position: int) -> None:
    deadline = time.monotonic() + SECONDS
    while stack.admin.ok("GET", "/api/audit/checkpoint")["ledger_position"] < position:
        assert time.monotonic() < deadline, "no checkpoint covers the new entries"
        time.sleep(0.1)


@pytest.fixture
def two_events(own_stack: Stack) -> tuple[Stack, Target, Target, Person]:
    organizer, customer = own_stack.person("organizer"), own_stack.person()
    broken, other = (Target.make(own_stack, organizer, customer) for _ in range(2))
    own_stack.settle()
    return own_stack, broken, other, customer


def test_others_go_on(two_events: tuple[Stack, Target, Target, Person]) -> None:
    stack, broken, other, customer = two_events
    at = make_unreadable(stack, broken.event["id"])
    booking = customer.ok("POST", f"/api/events/{other.event['id']}/bookings", tickets(1))
    assert booking["id"] in [item["id"] for item in customer.see("/api/bookings")["items"]]
    stack.settle()
    found = projections(stack)
    assert {name for name, item in found.items() if item["set_aside"]} == BY_EVENT
    assert {item["state"] for item in found.values()} == {"running"}
    for name in BY_EVENT:
        (set_aside,) = found[name]["set_aside"]
        assert (set_aside["event_id"], set_aside["position"]) == (broken.event["id"], at)
        assert set_aside["error"].startswith("UnreadableEntry: ")
    wait_for_signed(stack, booking["number"])


def test_no_operation_fails_unexpectedly(two_events: tuple[Stack, Target, Target, Person]) -> None:
    stack, broken, other, customer = two_events
    routes = Routes(stack.http.get("/openapi.json").json())
    make_unreadable(stack, broken.event["id"])
    customer.ok("POST", f"/api/events/{other.event['id']}/bookings", tickets(1))
    stack.settle()
    answers: dict[str, tuple[int, str]] = {}
    with stack.another_api() as url:  # a process that has no Event in memory
        for name in sorted(OPERATIONS):
            request, deadline = routes.request(name, broken), time.monotonic() + within(10)
            while name not in answers or (answers[name] in ASK_AGAIN and time.monotonic() < deadline):
                with (
                    httpx.Client(base_url=url, timeout=30) as http,
                    send(Person(http, token=stack.admin.token), request) as response,
                ):
                    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
                    answers[name] = (response.status_code, response.json()["type"] if is_problem else "")
    unreadable = {name for name, answer in answers.items() if answer == (503, "/problems/event-unreadable")}
    assert unreadable == NEED_THE_EVENT
    assert not {name: answer for name, answer in answers.items() if answer[0] >= 500 and name not in NEED_THE_EVENT}


def test_process_that_has_the_event_in_memory_fails_only_for_it(two_events: tuple[Stack, Target, Target, Person]) -> None:
    stack, broken, other, customer = two_events
    make_unreadable(stack, broken.event["id"])
    with ThreadPoolExecutor(8) as pool:
        paths = [f"/api/events/{target.event['id']}/bookings" for target in (broken, other)] * 4
        answers = list(pool.map(lambda path: customer.do("POST", path, tickets(1)), paths))
    found = {(path == paths[0], answer.status_code) for path, answer in zip(paths, answers, strict=True)}
    assert found == {(True, 503), (False, 201)}
    assert {answer.json()["type"] for answer in answers if answer.status_code == 503} == {"/problems/event-unreadable"}
