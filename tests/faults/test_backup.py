"""A backup is made while tickets are sold, and restored elsewhere (R22): it is proven, and sells on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ledger.settings import Settings
from tests.conftest import PostgresServer
from tests.faults.sale import Sale
from tests.running_system import ROOT, Stack, system_settings


@pytest.fixture
def new_database(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty one."""
    name = f"elsewhere_{uuid4().hex[:8]}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


def _operate(settings: Settings, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "projections", *map(str, arguments)]
    environment = {**os.environ, **settings.to_env()}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def _positions(url: str) -> int:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT max(notification_id) FROM ledger_entries").fetchall()
    return int(rows[0][0])


def test_backup_while_selling_is_proven_elsewhere(
    own_stack: Stack, new_database: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, directory = own_stack.settings, tmp_path / "backup"
    sale = Sale(own_stack, own_stack.person("organizer"))
    sale.wait_for(20)
    before = {booking["id"] for booking in sale.booked}
    done = _operate(settings, "backup", directory)
    assert done.returncode == 0, done.stderr
    during = len(sale.booked) - len(before)
    sale.wait_for(1)
    sale.end()
    assert during > 0, "it was sold meanwhile"
    assert (directory / "keys" / "tickets.1").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    again = _operate(settings, "backup", directory)
    assert (again.returncode, again.stderr) == (1, f"{directory} exists already: name a new directory.\n")

    # Its worker verifies nothing by itself: one verification runs at a time.
    elsewhere = replace(system_settings(new_database, redis_url, tmp_path / "elsewhere"), verify_hours=0)
    restored = _operate(elsewhere, "restore", directory)
    assert restored.returncode == 0, restored.stderr
    assert "/2+" in restored.stdout, "a new origin"
    assert before <= sale.booked_in(new_database)
    twice = _operate(elsewhere, "restore", directory)
    assert (twice.returncode, twice.stderr.endswith("or move them away.\n")) == (1, True)
    lost = _positions(settings.database_url) - _positions(new_database)

    own_stack.stop()  # both have the same Redis
    stack = Stack(elsewhere, admin="another@example.test")
    try:
        stack.settle()
        proven = _operate(elsewhere, "verify")
        assert proven.returncode == 0, proven.stderr
        assert proven.stdout.startswith("Proven: "), proven.stdout
        other = Sale(stack, stack.person("organizer"))
        other.wait_for(2)
        other.end()
        stack.settle()
        proven = _operate(elsewhere, "verify")
        assert proven.returncode == 0, proven.stderr
    finally:
        stack.stop()
    with capsys.disabled():
        print(f"\nR22: {during} bookings while it was backed up; {lost} entries later than the backup; proven, and sold on")


def test_incomplete_backup_is_refused(new_database: str, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    settings = Settings(database_url=new_database, data_dir=tmp_path / "data")
    done = _operate(settings, "restore", tmp_path / "backup")
    assert (done.returncode, done.stderr) == (
        1, f"{tmp_path / 'backup'} holds no complete backup: backup.json is missing or not readable.\n",
    )  # fmt: skip


def test_restore_into_a_database_in_use_is_refused(own_stack: Stack, tmp_path: Path) -> None:
    done = _operate(own_stack.settings, "backup", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    settings = Settings(database_url=own_stack.settings.database_url, data_dir=tmp_path / "data")
    done = _operate(settings, "restore", tmp_path / "backup")
    assert (done.returncode, done.stderr) == (1, "The database is not empty: make a new one with createdb.\n")
    assert not settings.keys.exists()
