"""`/ready` says whether the process can sell now: not on a standby, a read-only server or a full disk, nor while commits hang."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from devstack.server_files import temporary_directory
from ledger.recorder import ORDERING_LOCK
from tests.faults.clusters import Primary, primary, small_disk
from tests.forked_processes import ForkedProcess
from tests.running_system import system_settings, wait_until_ready
from tests.soak import END_SECONDS, within
from tests.tools import needs_root

SECONDS = within(3.0)
RECOVERY_SECONDS = within(10.0)


class Probe:
    """An API process, asked whether it is ready."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def reason(self) -> str:
        """Why it is not ready; empty: it is. It is answered in time, and not from the memory of an earlier answer."""
        time.sleep(1.0)
        began = time.monotonic()
        response = self._http.get("/ready")
        assert time.monotonic() - began <= SECONDS
        if response.is_success:
            return ""
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        return str(response.json()["detail"])

    def recovers(self) -> bool:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self.reason():
            if time.monotonic() > deadline:
                return False
        return True


@contextmanager
def process_on(url: str, redis_url: str, data_dir: Path) -> Iterator[Probe]:
    settings = system_settings(url, redis_url, data_dir)
    process, api = ForkedProcess(("app",), {**os.environ, **settings.to_env()}), f"http://127.0.0.1:{settings.port}"
    try:
        wait_until_ready(api, process, path="/health")
        with httpx.Client(base_url=api, timeout=30) as http:
            yield Probe(http)
    finally:
        process.terminate()
        process.wait(END_SECONDS)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with temporary_directory("seatledger-test-") as directory:
        yield directory


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[Primary]:
    with primary(directory / "primary") as server:
        yield server


@pytest.fixture(scope="module")
def probe(server: Primary, system_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    with process_on(server.url, system_redis_url, tmp_path_factory.mktemp("api")) as probe:
        assert probe.reason() == ""
        yield probe


def test_lost_synchronous_standby(server: Primary, probe: Probe) -> None:
    server.set("synchronous_standby_names", "gone")
    try:
        reasons = [probe.reason() for _ in range(4)]
        assert all("commit" in reason for reason in reasons), reasons
        # A closed connection whose session drops its temporary table waits, too, but is not active.
        waiting = server.sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND state = 'active'")
        assert len(waiting) == 1, "the checks do not pile up"
    finally:
        server.set("synchronous_standby_names", "")
    assert probe.recovers()


def test_appends_that_hang(server: Primary, probe: Probe) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (ORDERING_LOCK,))
        assert probe.reason() == "Appends wait for one that is not committed."
    assert probe.recovers()


def test_read_only_server(server: Primary, probe: Probe) -> None:
    server.set("default_transaction_read_only", "on")
    try:
        assert probe.reason() == "The database is read-only."
    finally:
        with psycopg.connect(server.url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")
    assert probe.recovers()


def test_standby(server: Primary, directory: Path, redis_url: str, tmp_path: Path) -> None:
    with server.standby(directory / "standby") as standby, process_on(standby.url, redis_url, tmp_path) as probe:
        assert probe.reason() == "The database is a standby."
        standby.sql("SELECT pg_promote()")
        assert probe.recovers()


@needs_root("it mounts a disk, which takes root")
def test_full_disk(directory: Path, redis_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(directory / "disk", 300))
        server = stack.enter_context(primary(disk / "own"))
        probe = stack.enter_context(process_on(server.url, redis_url, tmp_path))
        assert probe.reason() == ""
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)) == 4096:
                pass
        assert probe.reason() == "The disk of the database is full."
        filler.unlink()
        assert probe.recovers()
