"""A database that may lose what it has acknowledged is refused; a durable one has synchronised each booking before its 201
(R10)."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ledger.settings import Settings
from tests import forked_processes
from tests.faults.clusters import Primary, primary
from tests.forked_processes import ForkedProcess
from tests.running_system import Stack, system_settings, tickets, wait_until_ready
from tests.workers.deployment import wait_until

COMMANDS = {"api": ("app",), "worker": ("workers", "worker")}
BOOKINGS = 20
#: Synchronisations of the write-ahead log, of all processes of the server.
_SYNCS = "SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = 'wal'"
_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'seatledger-a%'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Primary]:
    with primary(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="module")
def careless_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Primary]:
    with primary(tmp_path_factory.mktemp("postgresql"), fsync="off", full_page_writes="off") as server:
        yield server


def settings_of(server: Primary, redis_url: str, directory: Path, **changes: Any) -> Settings:
    settings = system_settings(server.url, redis_url, directory)
    return replace(settings, **{"allow_unsafe_database": False, "log_level": "INFO", **changes})


@pytest.mark.parametrize("command", COMMANDS)
def test_process_does_not_start_where_a_crash_loses_bookings(
    careless_server: Primary, redis_url: str, tmp_path: Path, command: str
) -> None:
    settings = settings_of(careless_server, redis_url, tmp_path)
    done = forked_processes.run(COMMANDS[command], {**os.environ, **settings.to_env()})
    said = (
        "PostgreSQL runs with fsync=off, full_page_writes=off: a crash would lose bookings that were acknowledged. Switch on what"
        " is off; for tests and demos set ALLOW_UNSAFE_DATABASE=1.\n"
    )
    assert (done.returncode, done.stderr) == (1, said)


def test_setting_in_database_url_counts(server: Primary, redis_url: str, tmp_path: Path) -> None:
    url = f"{server.url}&options=-csynchronous_commit%3Doff"
    settings = settings_of(server, redis_url, tmp_path, database_url=url)
    done = forked_processes.run(("app",), {**os.environ, **settings.to_env()})
    assert done.returncode == 1
    assert "PostgreSQL runs with synchronous_commit=off" in done.stderr


def test_setting_permits_it_and_the_log_says_so(careless_server: Primary, redis_url: str, tmp_path: Path) -> None:
    settings = settings_of(careless_server, redis_url, tmp_path, allow_unsafe_database=True)
    process = ForkedProcess(("app",), {**os.environ, **settings.to_env()}, tmp_path)
    try:
        wait_until_ready(f"http://127.0.0.1:{settings.port}", process)
    finally:
        process.terminate()
        process.wait(20)
    said = "fsync=off, full_page_writes=off: a crash would lose bookings, which ALLOW_UNSAFE_DATABASE permits"
    assert said in (tmp_path / "stderr").read_text()


@pytest.fixture
def stack(server: Primary, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(settings_of(server, redis_url, tmp_path), admin=f"{uuid4().hex}@example.test")
    yield stack
    stack.stop()


def test_running_process_refuses_a_server_that_is_not_durable_any_more(server: Primary, stack: Stack) -> None:
    """After a failover, say: the settings of a standby are its own."""
    path = f"/api/events/{stack.event(stack.person('organizer'))['id']}/bookings"
    customer = stack.person()
    assert customer.do("POST", path, tickets()).status_code == 201
    server.sql("ALTER DATABASE seatledger SET synchronous_commit = off", _CUT)
    try:
        wait_until(lambda: stack.http.get("/ready").status_code == 503, "unready")
        assert stack.http.get("/ready").json()["detail"] == "PostgreSQL runs with synchronous_commit=off."
        customer.do("POST", path, tickets())  # its connection may have been cut while it was appended: that is not known
        response = customer.do("POST", path, tickets())
        assert (response.status_code, response.json()["type"]) == (503, "/problems/busy")
    finally:
        server.sql("ALTER DATABASE seatledger RESET synchronous_commit", _CUT)
    wait_until(lambda: customer.do("POST", path, tickets()).status_code == 201, "it sells again")


def test_each_booking_is_synchronised_before_it_is_acknowledged(server: Primary, stack: Stack) -> None:
    path = f"/api/events/{stack.event(stack.person('organizer'), capacity=100)['id']}/bookings"
    customer = stack.person()
    stack.settle()
    for process in stack.processes[1:]:  # the worker's own commits would be counted, too
        process.kill()
    before = syncs(server)
    for _ in range(BOOKINGS):
        customer.ok("POST", path, tickets())
    time.sleep(1.1)  # a session reports its synchronisations with a transaction, a second after the last report at the earliest
    customer.ok("POST", path, tickets())
    wait_until(lambda: syncs(server) - before >= BOOKINGS, "a synchronisation for each booking")
    print(f"R10: {BOOKINGS} bookings, one after the other: {syncs(server) - before} synchronisations")


def syncs(server: Primary) -> int:
    [(count,)] = server.sql(_SYNCS)
    return int(count)
