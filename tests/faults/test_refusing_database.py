"""PostgreSQL refuses to write, and says so: every operation is answered in time. What would write is `busy`, since nothing
happened; what only reads succeeds."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from app.readiness import CACHE_SECONDS
from devstack.server_files import temporary_directory
from tests.abuse.operations import (
    ATTENDEE_MAIL,
    MAILBOX,
    MANAGE_BY_MAIL,
    NEED_MAIL,
    OF_PROVIDERS,
    OPERATIONS,
    RESENDING,
    Routes,
    Target,
    send,
)
from tests.faults.clusters import Primary, primary, small_disk
from tests.running_system import LATER, Person, Stack, system_settings, tickets
from tests.soak import within
from tests.tools import needs_root
from tests.workers.deployment import wait_until

Answer = tuple[int, str]
SECONDS = within(3.0)
#: What needs no database: how long it took is what the machine adds.
UNTOUCHED = ("get_health", "get_about")
#: Each is computed in temporary tables, by a process of its own, which may take longer.
PAST_STATISTICS = {"get_stats_as_of", "get_events_stats_as_of", "get_stats_difference"}
BUSY, STILL_COMPUTING = (503, "/problems/busy"), (503, "/problems/still-computing")
STALE = (503, "/problems/stale-read")
#: What stores something. Who logs out of an unknown session has nothing to store.
#: They read a webhook that does not exist.
ABOUT_NOTHING = ("get_webhook", "get_webhook_deliveries", "get_webhook_delivery")
WRITES = {
    "sign_up", "log_in", "log_out", "update_me", "erase_me", "create_user", "update_user", "erase_user",
    "reauthenticate", "end_session", "end_other_sessions", "begin_second_factor", "confirm_second_factor", "remove_second_factor",
    "create_event", "update_event",
    "cancel_event", "complete_event", "check_in_ticket", "book_tickets", "cancel_booking", "cancel_tickets",
    "make_codes", "withdraw_codes", "hold_tickets", "extend_hold", "confirm_hold", "release_hold",
    "create_webhook", "update_webhook", "delete_webhook", "rotate_webhook_secret", "test_webhook", "replay_webhook",
    "claim_bookings", "cancel_managed_tickets", "take_payment", "give_refund",
}  # fmt: skip


@contextmanager
def read_only(server: Primary) -> Iterator[None]:
    server.set("default_transaction_read_only", "on")
    try:
        yield
    finally:
        with psycopg.connect(server.url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)) == 4096:
            pass
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def directory() -> Iterator[Path]:
    with temporary_directory("seatledger-test-") as directory:
        yield directory


class Shop:
    """A running system on a server of its own, with an event that has a booking."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._routes = Routes(stack.http.get("/openapi.json").json())
        self._organizer = stack.person("organizer")
        self._target = Target.make(stack, self._organizer, stack.person(), stack.person().id)
        # Sold, and covered by a signed checkpoint, while the database still writes.
        wait_until(lambda: self._ask("get_managed_receipt")[0] == (200, ""), "the booking has a receipt")
        stack.settle()

    def ask_all(self) -> dict[str, Answer]:
        time.sleep(CACHE_SECONDS)  # until the process no longer knows whether it was ready
        unasked = (*MAILBOX, *NEED_MAIL, *ATTENDEE_MAIL, *MANAGE_BY_MAIL, *RESENDING, *ABOUT_NOTHING, *OF_PROVIDERS)
        asked = [name for name in OPERATIONS if name not in unasked]
        with ThreadPoolExecutor(len(asked)) as pool:  # at once: commands are tried until their deadline
            timed = dict(zip(asked, pool.map(self._ask, asked), strict=True))
        machine_seconds = max(timed[name][1] for name in UNTOUCHED)
        late = {name: seconds for name, (_, seconds) in timed.items() if seconds > SECONDS + machine_seconds}
        assert late.keys() <= PAST_STATISTICS, late
        return {name: answer for name, (answer, _) in timed.items()}

    def _ask(self, name: str) -> tuple[Answer, float]:
        person, began = Person(self._stack.http, token=self._stack.admin.token), time.monotonic()
        with send(person, self._routes.request(name, self._target)) as response:
            seconds = time.monotonic() - began
            is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
            return (response.status_code, response.json()["type"] if is_problem else ""), seconds

    def sells_again(self) -> bool:
        deadline = time.monotonic() + 2 * SECONDS
        body = {"name": "After", "starts_at": LATER, "categories": [{"name": "General", "price": "1.00", "capacity": 3}]}
        while time.monotonic() < deadline:
            made = self._organizer.do("POST", "/api/events", body)
            if made.is_success:
                return self._organizer.do("POST", f"/api/events/{made.json()['id']}/bookings", tickets(1)).is_success
            time.sleep(0.05)
        return False


@contextmanager
def shop_on(server: Primary, redis_url: str, data_dir: Path) -> Iterator[Shop]:
    stack = Stack(system_settings(server.url, redis_url, data_dir))
    try:
        yield Shop(stack)
    finally:
        stack.stop()


def test_read_only_server(directory: Path, redis_url: str, tmp_path: Path) -> None:
    with primary(directory / "own") as server, shop_on(server, redis_url, tmp_path) as shop:
        with read_only(server):
            answers = shop.ask_all()
        refused = WRITES | {"get_ready"} | PAST_STATISTICS
        assert {name: answer for name, answer in answers.items() if name in refused and answer != BUSY} == {}
        assert {name: answer for name, answer in answers.items() if name not in refused and answer != (200, "")} == {}
        assert shop.sells_again()


@needs_root("it mounts a disk, which takes root")
def test_full_disk(directory: Path, redis_url: str, tmp_path: Path) -> None:
    """What finds room in a page that exists succeeds."""
    with small_disk(directory / "disk", 300) as disk, primary(disk / "own") as server, shop_on(server, redis_url, tmp_path) as shop:
        with full(disk):
            answers = shop.ask_all()
        assert answers["get_ready"] == BUSY
        failed = {name: answer for name, answer in answers.items() if answer[0] >= 500}
        assert {name: answer for name, answer in failed.items() if answer not in (BUSY, STILL_COMPUTING, STALE)} == {}
        assert {name for name, answer in failed.items() if answer == STALE} <= {"erase_me", "erase_user"}, "projections are behind"
        assert {name for name, answer in failed.items() if answer == STILL_COMPUTING} <= PAST_STATISTICS
        assert shop.sells_again()
