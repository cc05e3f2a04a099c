"""Migrations: up and down, concurrently, and with all forms of the URL."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

import migrations
from ledger.store import sqlalchemy_url

ROOT = Path(__file__).parent.parent.parent
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"


def _tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(TABLES)]


def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    tables = _tables(empty_database_url)
    assert "ledger_entries" in tables
    assert migrations.current(empty_database_url) == migrations.head()
    migrations.downgrade(empty_database_url, "base")
    assert migrations.current(empty_database_url) is None
    assert _tables(empty_database_url) == ["alembic_version"]
    migrations.upgrade(empty_database_url)
    assert _tables(empty_database_url) == tables


def test_two_concurrent_migrations_wait_for_each_other(empty_database_url: str) -> None:
    command = [sys.executable, "-m", "migrations", "upgrade"]
    both = [
        subprocess.Popen(command, cwd=ROOT, env={"DATABASE_URL": empty_database_url}, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate()[0] for process in both] == [f"{migrations.head()} of {migrations.head()}\n"] * 2
    assert [process.returncode for process in both] == [0, 0]


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgres://me:p%40ss@db:5433/seats", {"user": "me", "password": "p@ss", "host": "db", "port": "5433", "dbname": "seats"}),
        ("postgresql://me@/seats?host=%2Frun%2Fpg", {"user": "me", "host": "/run/pg", "dbname": "seats"}),
        ("postgresql:///seats", {"dbname": "seats"}),
        (
            "postgresql://me@one:5433,two:5434/seats?target_session_attrs=read-write&sslmode=verify-full",
            {
                "user": "me", "host": "one,two", "port": "5433,5434", "dbname": "seats", "target_session_attrs": "read-write",
                "sslmode": "verify-full",
            },
        ),
    ],
)  # fmt: skip
def test_all_forms_of_the_url_are_accepted(url: str, parameters: dict[str, str]) -> None:
    """psycopg is told what libpq reads in the URL."""
    made = sqlalchemy_url(url)
    assert made.drivername == "postgresql+psycopg"
    _, told = create_engine(made).dialect.create_connect_args(made)
    assert {name: value for name, value in told.items() if name != "context"} == parameters


@pytest.mark.parametrize("url", ["mysql://db/seats", "host=db dbname=seats", "postgresql://db/seats?port=x&what=1"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL"):
        sqlalchemy_url(url)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["current"], "Set DATABASE_URL, or start `make run`, whose database is then used.\n"),
        (["upgrade", "nowhere"], "Can't locate revision identified by 'nowhere'\n"),
    ],
)
def test_refusals_are_one_sentence(arguments: list[str], sentence: str, empty_database_url: str, tmp_path: Path) -> None:
    environment = {"DATA_DIR": str(tmp_path)} | ({"DATABASE_URL": empty_database_url} if len(arguments) > 1 else {})
    command = [sys.executable, "-m", "migrations", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, sentence)


def test_revisions_are_numbers_in_order() -> None:
    """A process compares them with the revision of a database that a later release has upgraded."""
    revisions = [script.revision for script in migrations._scripts().walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(len(revisions), 0, -1)]


def test_long_read_delays_a_migration_and_nobody_else(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A reader that comes after the migration does not wait behind it for the first one."""
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 0.3)
    monkeypatch.setattr(migrations, "PAUSE_SECONDS", 0.2)
    url, slowest = empty_database_url, 0.0
    migrations.upgrade(url, "0010")
    with ThreadPoolExecutor(1) as thread, psycopg.connect(url, application_name="reporter") as reading:
        reading.execute("SELECT count(*) FROM catalogue_events")
        upgrading = thread.submit(migrations.upgrade, url)
        with psycopg.connect(url, autocommit=True) as other:
            until = time.monotonic() + 2
            while time.monotonic() < until:
                began = time.monotonic()
                other.execute("SELECT count(*) FROM catalogue_events")
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.01)
        assert not upgrading.done()
        reading.rollback()
        upgrading.result(20)
    print(f"beside a migration that waits, a read took {slowest:.2f} s at most")
    assert 0.1 < slowest < 1
    assert migrations.current(url) == migrations.head()
    assert "open transactions: process" in (said := capfd.readouterr().err)
    assert "(reporter), for " in said


def test_migration_does_not_wait_for_ever(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCK_SECONDS", "PAUSE_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(migrations, name, 0.1)
    migrations.upgrade(empty_database_url, "0010")
    with psycopg.connect(empty_database_url) as reading:
        reading.execute("SELECT count(*) FROM catalogue_events")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
