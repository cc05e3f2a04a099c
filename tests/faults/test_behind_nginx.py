"""Two API processes behind the shipped nginx, one Event, and clients of nginx and of both processes: no seat is sold twice, none is
refused while free, and no client waits too long (R15)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from tests.running_system import Person, Stack, free_port, tickets, wait_until_ready
from tests.shipped_nginx import shipped_nginx
from tests.soak import END_SECONDS

SEATS, BUYERS = 40, 24


@pytest.fixture(scope="module")
def clients(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[httpx.Client]]:
    """Three base URLs: nginx, the first process, the second process."""
    second, front = free_port(), free_port()
    other = stack.start("app", PORT=str(second))
    urls = [f"http://127.0.0.1:{port}" for port in (front, stack.settings.port, second)]
    with ExitStack() as running:
        running.enter_context(shipped_nginx(tmp_path_factory.mktemp("nginx"), front, [stack.settings.port, second]))
        wait_until_ready(urls[2])
        yield [running.enter_context(httpx.Client(base_url=url, timeout=20)) for url in urls]
        other.terminate()
        other.wait(END_SECONDS)


def by(client: httpx.Client, person: Person) -> Person:
    return Person(client, person.id, person.token, person.email)


def test_rush_over_three_addresses_sells_each_seat_once(
    stack: Stack, organizer: Person, alice: Person, clients: list[httpx.Client]
) -> None:
    event = stack.event(organizer, capacity=SEATS)
    path = f"/api/events/{event['id']}/bookings"

    def buy_until_sold_out(number: int) -> tuple[list[str], float]:
        person, longest = by(clients[number % 3], alice), 0.0
        codes: list[str] = []
        while True:
            began = time.monotonic()
            answer = person.do("POST", path, tickets(1), key=f"{number} {len(codes)}")
            longest = max(longest, time.monotonic() - began)
            if answer.status_code != 201:
                assert (answer.status_code, answer.json()["type"]) == (409, "/problems/sold-out"), answer.text
                return codes, longest
            codes.append(answer.json()["tickets"][0]["code"])

    with ThreadPoolExecutor(BUYERS) as pool:
        results = list(pool.map(buy_until_sold_out, range(BUYERS)))
    sold = [code for codes, _ in results for code in codes]
    by_port = [sum(len(codes) for codes, _ in results[client::3]) for client in range(3)]
    print(f"R15: {SEATS} seats through three clients {by_port}; the longest wait {max(wait for _, wait in results) * 1000:.0f} ms")
    assert len(sold) == len(set(sold)) == SEATS
    assert max(wait for _, wait in results) < 2.5


def test_seat_cancelled_at_one_process_is_sold_by_the_other(
    stack: Stack, organizer: Person, alice: Person, clients: list[httpx.Client]
) -> None:
    event = stack.event(organizer, capacity=1)
    path = f"/api/events/{event['id']}/bookings"
    people = [by(client, alice) for client in clients]
    booking = people[0].ok("POST", path, tickets(1))
    for round_ in range(15):
        for person in people:  # each client got a sold-out response
            assert person.do("POST", path, tickets(1)).status_code == 409
        canceller, buyer = people[round_ % 3], people[(round_ + 1) % 3]
        canceller.ok("DELETE", f"/api/bookings/{booking['id']}")
        booking = buyer.ok("POST", path, tickets(1))
    print("R15: 15 of 15 seats given back through one client sold at once through another")
