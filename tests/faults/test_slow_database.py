"""Each round trip to the database takes 300 ms: people log in and book nevertheless."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.slow_line import SlowLine
from tests.running_system import PASSWORD, Person, Stack, tickets
from tests.soak import rounds

ROUND_TRIP_SECONDS = 0.3
AT_ONCE = 8


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    """An API process that reaches the database over a slow line."""
    with SlowLine(stack.settings.database_url).running() as line:
        line.round_trip_seconds = ROUND_TRIP_SECONDS
        with stack.another_api(DATABASE_URL=line.url) as url:
            yield url


def wait_until(condition: Callable[[], bool]) -> None:
    assert any(condition() for _ in range(10))


def test_people_log_in(stack: Stack, url: str) -> None:
    people = [stack.person() for _ in range(AT_ONCE)]

    def log_in(number: int) -> tuple[int, float]:
        began = time.monotonic()
        body = {"email": people[number % AT_ONCE].email, "password": PASSWORD}
        return httpx.post(f"{url}/api/login", json=body, timeout=30).status_code, time.monotonic() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(log_in, range(AT_ONCE)))  # opens the connections, which takes several round trips
        answers = list(pool.map(log_in, range(rounds(3, 20) * AT_ONCE)))
    print(f"R18: log-ins {Counter(status for status, _ in answers)}, the slowest {max(took for _, took in answers):.2f} s")
    assert {status for status, _ in answers} == {200}


def test_people_book_and_cancel(stack: Stack, url: str, organizer: Person) -> None:
    people = [stack.person() for _ in range(AT_ONCE)]
    events = [stack.event(organizer, capacity=500) for _ in range(2)]

    def book_and_cancel(number: int) -> tuple[list[int], float]:
        with httpx.Client(base_url=url, timeout=30) as http:
            person = Person(http, token=people[number % AT_ONCE].token)
            began = time.monotonic()
            booked = person.do("POST", f"/api/events/{events[number % 2]['id']}/bookings", tickets(1))
            took = time.monotonic() - began
            if booked.status_code != 201:
                return [booked.status_code], took
            return [201, person.do("DELETE", f"/api/bookings/{booked.json()['id']}").status_code], took

    with ThreadPoolExecutor(AT_ONCE) as pool:

        def all_succeed() -> bool:
            return all(statuses == [201, 200] for statuses, _ in pool.map(book_and_cancel, range(AT_ONCE)))

        # Loads the events, opens as many connections as are used below, and prepares their statements: several round trips each.
        wait_until(all_succeed)
        answers = list(pool.map(book_and_cancel, range(rounds(4, 30) * AT_ONCE)))
    statuses = Counter(status for both, _ in answers for status in both)
    print(f"R18: bookings and cancellations {statuses}, the slowest booking {max(took for _, took in answers):.2f} s")
    assert statuses.keys() == {200, 201}
