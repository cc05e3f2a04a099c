"""One account that books as much as it can over many connections does not keep others waiting."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.running_system import Person, Stack, tickets
from tests.soak import rounds

CONNECTIONS, MOST = 8, 1_000
#: Of another's median alone, and a floor for machines that are busy with other tests.
TIMES, FLOOR_SECONDS = 5.0, 0.060
BOOKINGS = rounds(60, 600)


def median(stack: Stack, person: Person, event_id: str) -> float:
    """Seconds of a booking of one ticket."""
    taken = []
    with httpx.Client(base_url=stack.url, timeout=30, headers={"Authorization": f"Bearer {person.token}"}) as http:
        for _ in range(BOOKINGS):
            began = time.perf_counter()
            assert http.post(f"/api/events/{event_id}/bookings", json=tickets(1)).status_code == 201
            taken.append(time.perf_counter() - began)
            time.sleep(0.005)
    return statistics.median(taken)


@contextmanager
def greedy(stack: Stack, person: Person, event_id: str) -> Iterator[list[int]]:
    """Books MOST tickets again and again over CONNECTIONS connections; yields the statuses."""
    statuses, stop = list[int](), threading.Event()

    def book() -> None:
        with httpx.Client(base_url=stack.url, timeout=30, headers={"Authorization": f"Bearer {person.token}"}) as http:
            while not stop.is_set():
                statuses.append(http.post(f"/api/events/{event_id}/bookings", json=tickets(MOST)).status_code)

    threads = [threading.Thread(target=book) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_greedy_account_does_not_delay_others(own_stack: Stack) -> None:
    stack, organizer, alice, mallory = own_stack, own_stack.person("organizer"), own_stack.person(), own_stack.person()
    hers, wanted = stack.event(organizer, capacity=100_000), stack.event(organizer, capacity=1_000_000)
    median(stack, alice, hers["id"])  # warms up
    alone = median(stack, alice, hers["id"])
    with greedy(stack, mallory, wanted["id"]) as statuses:
        time.sleep(0.5)
        began, before = time.perf_counter(), len(statuses)
        beside = median(stack, alice, hers["id"])
        rate = (len(statuses) - before) / (time.perf_counter() - began)
    print(f"S20: alone {alone * 1000:.1f} ms, beside {rate:.1f} bookings of {MOST} a second: {beside * 1000:.1f} ms")
    assert set(statuses) == {201}
    assert beside <= max(TIMES * alone, FLOOR_SECONDS)
