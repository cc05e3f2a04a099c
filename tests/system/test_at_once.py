"""Concurrent requests: no seat is sold twice, no command is executed twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.running_system import Person, Stack, free_port, tickets, wait_until_ready
from tests.soak import END_SECONDS


def at_once(count: int, work: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_sixty_requests_for_the_last_ten_seats_sell_ten(stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, capacity=10)
    buyers = [stack.person() for _ in range(6)]
    answers = at_once(60, lambda number: buyers[number % 6].do("POST", f"/api/events/{event['id']}/bookings", tickets(1)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(409)) == (10, 50)
    sold = {ticket["code"] for answer in answers if answer.status_code == 201 for ticket in answer.json()["tickets"]}
    assert len(sold) == 10
    seen = max(answers, key=lambda answer: int(answer.headers.get("Ledger-Position", 0))).headers["Ledger-Position"]
    assert organizer.ok("GET", f"/api/events/{event['id']}", Ledger_Position=seen)["categories"][0]["available"] == 0


def test_fifty_concurrent_requests_with_one_key_book_once(stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer, capacity=100)
    path = f"/api/events/{event['id']}/bookings"
    answers = at_once(50, lambda _: alice.do("POST", path, tickets(2), key="the one"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1, "the first answer, every time"
    assert len({answer.headers["Ledger-Position"] for answer in answers}) == 1
    assert alice.see(f"/api/events/{event['id']}")["available"] == 103
    other = alice.do("POST", path, tickets(1), key="the one")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_repeated_command_gets_its_first_response(stack: Stack, organizer: Person, alice: Person) -> None:
    body = {"name": "Once", "starts_at": "2031-01-01T00:00:00Z", "categories": [{"name": "A", "price": 1, "capacity": 9}]}
    event = _twice(organizer, "POST", "/api/events", body)
    path = f"/api/events/{event['id']}"
    booking = _twice(alice, "POST", f"{path}/bookings", tickets(3, "A"))
    _twice(organizer, "PATCH", path, {"name": "Twice"}, If_Match='"1"')
    again = alice.ok("POST", f"{path}/bookings", tickets(3, "A"), key=f"POST{path}/bookings")
    assert again["event_name"] == "Once", "as it was called then"
    _twice(alice, "POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    _twice(organizer, "POST", f"{path}/check-ins", {"code": booking["tickets"][1]["code"]})
    organizer.ok("POST", f"{path}/bookings", tickets(1, "A"))
    other = alice.ok("POST", f"{path}/bookings", tickets(1, "A"))
    _twice(alice, "DELETE", f"/api/bookings/{other['id']}", None)
    _twice(organizer, "POST", f"{path}/complete", None)
    cancelled = stack.event(organizer)
    _twice(organizer, "POST", f"/api/events/{cancelled['id']}/cancel", {"reason": "x"})


def _twice(person: Person, method: str, path: str, body: Any, **headers: str) -> Any:
    first, second = (person.do(method, path, body, key=method + path, **headers) for _ in range(2))
    assert first.is_success, first.text
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["Ledger-Position"] == first.headers["Ledger-Position"]
    return first.json()


def test_retry_without_currency_is_identical_under_another_setting(stack: Stack, organizer: Person) -> None:
    body = {"name": "Once", "starts_at": "2031-01-01T00:00:00Z", "categories": [{"name": "A", "price": "12.50", "capacity": 9}]}
    first = organizer.do("POST", "/api/events", body, key="currency")
    assert first.json()["currency"] == "EUR"
    port = free_port()
    process = stack.start("app", PORT=str(port), CURRENCY="JPY")
    try:
        wait_until_ready(url := f"http://127.0.0.1:{port}", process)
        with httpx.Client(base_url=url, timeout=30) as http:
            there = Person(http, organizer.id, organizer.token)
            again = there.do("POST", "/api/events", body, key="currency")
            assert (again.status_code, again.json()) == (201, first.json())
            assert there.do("POST", "/api/events", {**body, "name": "Twice"}, key="currency").status_code == 422
    finally:
        process.terminate()
        process.wait(END_SECONDS)
