"""A rolling restart of two API processes behind the shipped nginx: no request fails (R21)."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.forked_processes import AnyProcess
from tests.running_system import Person, Stack, free_port, tickets, wait_until_ready
from tests.shipped_nginx import shipped_nginx
from tests.soak import rounds

BOOKINGS_PER_SECOND, READS_PER_SECOND = 60, 20
BOOKERS, READERS = 12, 4
STOP_SECONDS = 25


class Process:
    """An API process that can be replaced, at the same port."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self.port = stack, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: AnyProcess = self._start()

    def _start(self) -> AnyProcess:
        process = self._stack.start("app", PORT=str(self.port), DRAIN_SECONDS="1")
        wait_until_ready(self.url, process)
        return process

    def restart(self) -> float:
        """How long it took to stop."""
        began = time.monotonic()
        self.stop()
        took = time.monotonic() - began
        self._process = self._start()
        return took

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(STOP_SECONDS)


class Load:
    """Clients that send requests at a steady rate, each over connections that it keeps."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.slowest = 0.0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, clients: int, per_second: float, ask: Callable[[], str]) -> None:
        for number in range(clients):
            first = number / per_second
            thread = threading.Thread(target=self._send, args=(name, first, clients / per_second, ask))
            thread.start()
            self._threads.append(thread)

    def _send(self, name: str, first: float, every: float, ask: Callable[[], str]) -> None:
        due = time.monotonic() + first
        while not self._stopping.wait(max(due - time.monotonic(), 0)):
            due = max(due + every, time.monotonic())
            began = time.monotonic()
            try:
                outcome = ask()
            except httpx.HTTPError as error:
                outcome = repr(error)
            with self._lock:
                self.statuses[f"{name} {outcome}"] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def processes(stack: Stack) -> Iterator[list[Process]]:
    with ExitStack() as running:
        processes = []
        for _ in range(2):
            processes.append(Process(stack))
            running.callback(processes[-1].stop)
        yield processes


def outcome_of(response: httpx.Response) -> str:
    return str(response.status_code) if response.is_success else f"{response.status_code}: {response.text}"


def test_rolling_restart_loses_no_request(
    stack: Stack, organizer: Person, alice: Person, processes: list[Process], tmp_path: Path
) -> None:
    front = free_port()
    events = [stack.event(organizer, capacity=100_000)["id"] for _ in range(6)]
    stack.settle()
    turn = count()
    load = Load()
    with (
        shipped_nginx(tmp_path, front, [process.port for process in processes]),
        httpx.Client(base_url=f"http://127.0.0.1:{front}", timeout=30, limits=httpx.Limits(max_connections=50)) as http,
    ):
        buyer, reader = Person(http, token=alice.token), Person(http)

        def book() -> str:
            return outcome_of(buyer.do("POST", f"/api/events/{events[next(turn) % 6]}/bookings", tickets(1)))

        def read() -> str:
            """Every other time by somebody who has logged in, whom nginx does not answer from its cache."""
            number = next(turn)
            person = buyer if number % 4 < 2 else reader
            return outcome_of(person.do("GET", "/api/events" if number % 2 else f"/api/events/{events[number % 6]}"))

        load.add("booking", BOOKERS, BOOKINGS_PER_SECOND, book)
        load.add("read", READERS, READS_PER_SECOND, read)
        try:
            time.sleep(1)
            stops = [process.restart() for _ in range(rounds(1, 10)) for process in processes]
            time.sleep(1)
        finally:
            load.stop()
    print(f"R21: {load.statuses}, the slowest {load.slowest:.2f} s; a process stopped in {max(stops):.1f} s at most")
    assert set(load.statuses) == {"booking 201", "read 200"}
    assert max(stops) < STOP_SECONDS


def test_process_that_is_told_to_stop_is_unready_first_and_ends_live_streams(stack: Stack, processes: list[Process]) -> None:
    process = processes[0]
    with httpx.Client(base_url=process.url, timeout=30) as http, http.stream("GET", "/api/live") as live:
        lines = live.iter_lines()
        assert next(lines).startswith("id:")
        assert http.get("/ready").status_code == 200
        process._process.terminate()
        time.sleep(0.3)
        response = http.get("/ready")
        assert (response.status_code, response.json()["detail"]) == (503, "This process is being stopped.")
        assert response.headers["connection"] == "close"
        assert httpx.get(f"{process.url}/api/events").status_code == 200, "it serves whoever has not noticed yet"
        assert list(lines) is not None, "the stream ends"
    process._process.wait(STOP_SECONDS)
