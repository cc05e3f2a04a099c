"""The event store is the `eventsourcing` library: which of its functions shipped code calls, and what users can attach to it."""

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import PostgresServer
from tests.running_system import ROOT, Stack, system_settings, tickets

#: Counts calls of the library's recorder, in whichever process imports it: a line a call.
COUNTING = """
import os
from eventsourcing.postgres import PostgresApplicationRecorder
from ledger.recorder import LedgerRecorder

def count(kind, name):
    method = getattr(kind, name)
    def counting(*args, **more):
        with open(os.environ["COUNTED"], "a") as file:
            file.write(name + "\\n")
        return method(*args, **more)
    setattr(kind, name, counting)

count(PostgresApplicationRecorder, "insert_events")
# They read the MACs, too, and are called by the library's event store and notification log alone.
count(LedgerRecorder, "select_events")
count(LedgerRecorder, "select_notifications")
"""


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sitecustomize.py").write_text(COUNTING)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("COUNTED", str(tmp_path / "counted"))
    return tmp_path / "counted"


def run(settings: Any, *module: str) -> None:
    environment = {**os.environ, **settings.to_env()}
    subprocess.run([sys.executable, "-m", *module], env=environment, cwd=ROOT, check=True, capture_output=True)


def test_shipped_code_reads_and_writes_through_the_library(
    counted: Path, database_url: str, empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = system_settings(database_url, redis_url, tmp_path)
    run(settings, "seed")
    demo = Counter(counted.read_text().split())
    assert min(demo["insert_events"], demo["select_events"]) > 300, "a command reads its Event and appends"
    counted.write_text("")
    stack = Stack(settings, is_forked=False)  # the methods are counted by what is imported first
    try:
        organizer, alice = stack.person("organizer"), stack.person()
        event = stack.event(organizer)
        booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
        alice.ok("DELETE", f"/api/bookings/{booking['id']}")
        assert alice.see(f"/api/events/{event['id']}")["available"] == 15
        run(settings, "projections", "rebuild", "all")
    finally:
        stack.stop()
    assert Counter(counted.read_text().split())["select_notifications"] > 5, "workers and rebuilds, a run a call"
    run(settings, "projections", "export", str(tmp_path / "ledger.ndjson"))
    counted.write_text("")
    other = system_settings(empty_database_url, redis_url, tmp_path)
    run(other, "migrations", "upgrade")
    run(other, "projections", "import", str(tmp_path / "ledger.ndjson"))
    assert Counter(counted.read_text().split())["insert_events"] >= 1
    with psycopg.connect(empty_database_url) as connection, psycopg.connect(database_url) as before:
        query = "SELECT * FROM ledger_entries ORDER BY notification_id"
        assert connection.execute(query).fetchall() == before.execute(query).fetchall()


@contextmanager
def following(directory: Path, database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "docs.examples.own_projection"], env=environment, cwd=directory)
    try:
        yield process
    finally:
        process.terminate()  # not SIGINT, which background processes of a shell ignore
        process.wait(10)


def sold(directory: Path, event_id: str) -> int:
    with sqlite3.connect(directory / "tickets.sqlite") as connection:
        try:
            rows = connection.execute("SELECT sold FROM tickets WHERE event_id = ?", (event_id,)).fetchall()
        except sqlite3.OperationalError:
            rows = []
    return int(rows[0][0]) if rows else 0


def wait_for_sold(directory: Path, event_id: str, count: int) -> None:
    deadline = time.monotonic() + 20
    while sold(directory, event_id) != count:
        assert time.monotonic() < deadline, f"{sold(directory, event_id)} instead of {count}"
        time.sleep(0.05)


def test_documented_projection_counts_each_entry_once(stack: Stack, tmp_path: Path) -> None:
    organizer, alice = stack.person("organizer"), stack.person()
    event = stack.event(organizer)
    path, url = f"/api/events/{event['id']}/bookings", stack.settings.database_url
    with following(tmp_path, url) as process:
        alice.ok("POST", path, tickets(3))
        wait_for_sold(tmp_path, event["id"], 3)
        booking = alice.ok("POST", path, tickets(2))
        wait_for_sold(tmp_path, event["id"], 5)
        process.kill()
        process.wait(10)
    alice.ok("POST", path, tickets(1))
    with following(tmp_path, url):
        alice.ok("DELETE", f"/api/bookings/{booking['id']}")
        wait_for_sold(tmp_path, event["id"], 4)


def test_own_projection_survives_an_unavailable_database(postgres_server: PostgresServer, stack: Stack, tmp_path: Path) -> None:
    organizer, alice = stack.person("organizer"), stack.person()
    event = stack.event(organizer)
    path, url = f"/api/events/{event['id']}/bookings", stack.settings.database_url
    with following(tmp_path, url):
        alice.ok("POST", path, tickets(1))
        wait_for_sold(tmp_path, event["id"], 1)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'seatledger-store' AND datname = current_database()"
            )
        alice.ok("POST", path, tickets(2))
        wait_for_sold(tmp_path, event["id"], 3)
