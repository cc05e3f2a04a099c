"""No worker runs: what was just booked can be read and cancelled, from the ledger itself."""

import signal
from collections.abc import Iterator

import pytest

from tests.running_system import Person, Stack, tickets


@pytest.fixture
def no_worker(stack: Stack) -> Iterator[None]:
    _, *others = stack.processes
    for process in others:
        process.send_signal(signal.SIGSTOP)
    yield
    for process in others:
        process.send_signal(signal.SIGCONT)


def test_booking_is_read_and_cancelled(stack: Stack, organizer: Person, no_worker: None) -> None:
    customer, stranger = stack.person(), stack.person()
    event = stack.event(organizer, capacity=10)
    booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(3))
    path = f"/api/bookings/{booking['id']}"
    assert customer.see(path) == booking
    assert stranger.do("GET", path).status_code == 404
    shown = customer.do("GET", f"/api/events/{event['id']}", Ledger_Position=customer.last)
    assert shown.json()["available"] == event["available"] - 3
    assert int(shown.headers["Ledger-Position"]) >= booking["number"]
    customer.ok("POST", f"{path}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    assert [ticket["status"] for ticket in customer.see(path)["tickets"]] == ["cancelled", "active", "active"]
    cancelled = customer.ok("DELETE", path)
    assert cancelled["status"] == "cancelled"
    assert customer.see(path) == cancelled
    mine = customer.do("GET", "/api/bookings", Ledger_Position=customer.last)
    assert (mine.status_code, mine.json()["type"]) == (503, "/problems/stale-read"), "a list is not shown without the newest"


def test_read_tables_agree_once_the_worker_is_back(stack: Stack, organizer: Person) -> None:
    stack.settle()
    customer = stack.person()
    event = stack.event(organizer)
    booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    assert [item["id"] for item in customer.see("/api/bookings")["items"]] == [booking["id"]]
