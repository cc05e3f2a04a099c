"""Responses with as many tickets as there may be, asked for again and again: each ticket takes a MAC."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.abuse.test_floods import process_of
from tests.running_system import Person, Stack, tickets
from tests.soak import rounds

CONNECTIONS = 16
#: CPU of the process while somebody else's booking waits. Unbounded portions took 0.8 s for a list, 7 s for an export.
WAIT_CPU_SECONDS = 0.4


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[str]:
    with stack.another_api() as url:
        yield url


@contextmanager
def repeating(work: Callable[[], object], times: int) -> Iterator[list[object]]:
    """`work` again and again, by some threads at once; yields what it returned."""
    stop, done = threading.Event(), list[object]()

    def repeat() -> None:
        while not stop.is_set():
            done.append(work())

    with ThreadPoolExecutor(times) as pool:
        for _ in range(times):
            pool.submit(repeat)
        try:
            yield done
        finally:
            stop.set()


@pytest.mark.parametrize(("what", "bookings"), [("list", 2), ("export", 30)])
def test_responses_with_thousands_of_tickets_do_not_keep_others_waiting(what: str, bookings: int, stack: Stack, api: str) -> None:
    organizer, greedy, other = stack.person("organizer"), stack.person(), stack.person()
    event = stack.event(organizer, capacity=100_000)
    path = f"/api/events/{event['id']}/bookings"
    for _ in range(bookings):
        greedy.ok("POST", path, tickets(1_000))
    stack.settle()
    process, taken, cpu = process_of(api), list[float](), list[float]()
    with httpx.Client(base_url=api, timeout=60) as crowd, httpx.Client(base_url=api, timeout=60) as client:
        reader = Person(crowd, token=greedy.token if what == "list" else organizer.token)
        asked = "/api/bookings?limit=200" if what == "list" else path
        accept = "application/json" if what == "list" else "text/csv"
        customer = Person(client, token=other.token)
        customer.ok("POST", path, tickets(1))
        began_with = sum(process.cpu_times()[:2])
        with repeating(lambda: reader.do("GET", asked, Accept=accept).status_code, CONNECTIONS) as statuses:
            until = time.monotonic() + rounds(4, 20)
            while time.monotonic() < until:
                before, began = sum(process.cpu_times()[:2]), time.perf_counter()
                customer.ok("POST", path, tickets(1))
                taken.append(time.perf_counter() - began)
                cpu.append(sum(process.cpu_times()[:2]) - before)
                time.sleep(0.02)
    taken.sort()
    used = sum(process.cpu_times()[:2]) - began_with
    print(
        f"{CONNECTIONS} connections that ask for one {what} of {1_000 * bookings:,} tickets"
        f" ({len(statuses)} responses, {used:.1f} s of CPU):"
        f" others' bookings wait {taken[len(taken) // 2] * 1e3:.0f} ms in the median, {taken[-1] * 1e3:.0f} ms at most,"
        f" {max(cpu):.2f} s of the process's CPU"
    )
    assert 200 in statuses
    assert set(statuses) <= {200, 503}
    assert max(cpu) < WAIT_CPU_SECONDS
