"""Worker, tick and API are killed at random while seats are sold: nothing stays dead, no booking is lost or made twice (R20)."""

import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import psycopg

from devstack.server_files import temporary_directory
from ledger.settings import Settings
from tests.devstack.stack_process import environment_of, wait_until_serving
from tests.faults.ledger_check import check_rows, wait_until_projected
from tests.faults.production import production
from tests.quick_people import quick_people
from tests.running_system import LATER, PASSWORD, Person, system_settings, tickets
from tests.soak import SOAK, rounds
from tests.workers.deployment import wait_until

ROOT = Path(__file__).parent.parent.parent
SECONDS = rounds(6, 600)
#: The pauses between two kills.
PAUSES = (2, 15) if SOAK else (0.5, 2)
BUYERS, CAPACITY = 4, 1_000_000
#: The longest pause before a restart is 30 s (`make run`), and a worker needs some to start.
BACK_SECONDS = 60.0


@dataclass
class Sales:
    """What customers were told: the tickets of each booking that was acknowledged, by its idempotency key."""

    booked: dict[str, list[str]] = field(default_factory=dict)
    retries: int = 0

    def buy_for_ever(self, url: str, customer: Person, path: str, stop: threading.Event) -> None:
        """Repeats a request whose outcome is unknown, with its key, until it is known."""
        with httpx.Client(base_url=url, timeout=10) as http:
            person = Person(http, customer.id, customer.token, customer.email)
            while not stop.is_set():
                key = uuid4().hex
                while (response := _try(person, path, key)) is None:
                    self.retries += 1
                    time.sleep(0.1)
                assert response.status_code == 201, response.text
                self.booked[key] = [ticket["code"] for ticket in response.json()["tickets"]]
                time.sleep(0.02)


def _try(person: Person, path: str, key: str) -> httpx.Response | None:
    """None: the outcome is unknown, or the process is unavailable."""
    try:
        response = person.do("POST", path, tickets(1), key=key)
    except httpx.TransportError:
        return None
    return None if response.status_code >= 500 else response


def sell_while(kill: Callable[[random.Random], str], settings: Settings, url: str) -> str:
    """Sells over `url` for SECONDS, calling `kill` at random, until everything that was sold is projected. Checks it."""
    dice, sales, stop = random.Random(20), Sales(), threading.Event()
    killed: list[str] = []
    with httpx.Client(base_url=url, timeout=10) as http, quick_people(settings) as people:
        admin, customer = (
            people.account(role, role, f"{uuid4().hex[:12]}@example.test", PASSWORD) for role in ("admin", "customer")
        )
        categories = [{"name": "General", "price": "50.00", "capacity": CAPACITY}]
        body = {"name": "Concert", "starts_at": LATER, "categories": categories}
        event = Person(http, str(admin.account.id), admin.token).ok("POST", "/api/events", body)
        buyer, path = Person(http, str(customer.account.id), customer.token), f"/api/events/{event['id']}/bookings"
        threads = [threading.Thread(target=sales.buy_for_ever, args=(url, buyer, path, stop)) for _ in range(BUYERS)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(dice.uniform(*PAUSES))
            killed.append(kill(dice))
        stop.set()
        for thread in threads:
            thread.join(BACK_SECONDS)
            assert not thread.is_alive(), "a sale has no end"
        began = time.monotonic()
        wait_until_projected(settings)
        seconds = time.monotonic() - began
        sold = CAPACITY - _available(settings.database_url)
    assert seconds < BACK_SECONDS
    codes = [code for of_booking in sales.booked.values() for code in of_booking]
    assert len(codes) == len(set(codes)) == sold
    check_rows(settings)
    counts = {name: killed.count(name) for name in sorted(set(killed))}
    return f"killed {counts} in {SECONDS} s: {sold} sold, {sales.retries} retries; projected {seconds:.1f} s later"


def _available(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT sum(available) FROM availability_categories").fetchone()
    assert row is not None
    return int(row[0])


# --- `make run`


@contextmanager
def make_run(directory: Path) -> Iterator[tuple[psutil.Popen, dict[str, str]]]:
    variables = {"VERIFY_HOURS": "0", "COMMANDS_PER_MINUTE": "0"}  # a few customers buy all the time
    environment, log = {**environment_of(directory / "data"), **variables}, directory / "log"
    with log.open("wb") as output:
        process = psutil.Popen([sys.executable, "-m", "devstack"], cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until_serving(process, log)
        yield process, environment
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    found = []
    for process in processes:
        try:
            if process.cmdline()[-1:] == [name]:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def test_make_run_survives_the_ends_of_worker_and_tick() -> None:
    with temporary_directory("seatledger-test-") as directory, make_run(directory) as (process, environment):
        data = directory / "data"
        settings, url = Settings.of_running({"DATA_DIR": str(data)}), f"http://127.0.0.1:{environment['PORT']}"

        def kill(dice: random.Random) -> str:
            name = dice.choice(("worker", "tick"))
            for victim in _named(process.children(recursive=True), name):
                victim.kill()
            return name

        print(f"R20: make run: {sell_while(kill, settings, url)}")
        deadline = time.monotonic() + BACK_SECONDS
        while not all(_named(process.children(recursive=True), name) for name in ("app", "worker", "tick")):
            assert time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.1)


# --- the production shape


def test_production_survives_the_ends_of_api_worker_and_tick(database_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = replace(system_settings(database_url, redis_url, tmp_path / "data"), verify_hours=0)
    with production(settings, tmp_path) as running:

        def kill(dice: random.Random) -> str:
            name = dice.choice(running.names)
            if (process := running.process(name)) is not None:
                process.kill()
            return name

        print(f"R20: the production shape: {sell_while(kill, settings, running.url)}")
        wait_until(running.all_run, "all alive")
