"""The SQL files are up to date; the sample data load into an empty database, with dates relative to the day of loading."""

import subprocess
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from devstack.server_files import installed_programs
from ledger.entries import EventScheduled, RecordedEntry
from ledger.event import Event
from ledger.evolve import evolve
from ledger.settings import Settings
from ledger.store import Ledger
from seed.demo import EVENING, PASSWORD, scenario
from tests.running_system import Person, Stack, system_settings

ROOT = Path(__file__).parent.parent.parent
SAMPLE, SCHEMA, OBJECTS = ROOT / "seed" / "seed_data.sql", ROOT / "docs" / "schema.sql", ROOT / "migrations" / "objects.txt"


def psql(database_url: str, file: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(installed_programs().postgres("psql")), "-q", "-f", str(file), database_url]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _events(database_url: str) -> tuple[list[RecordedEntry], list[Event]]:
    ledger = Ledger(database_url)
    entries = ledger.read(0, 10_000)
    ledger.close()
    events: dict[Any, Event] = {}
    for recorded in entries:
        events[recorded.stream] = evolve(events.get(recorded.stream), recorded)
    return entries, list(events.values())


def test_sql_files_are_up_to_date(tmp_path: Path) -> None:
    for folder in ("seed", "docs", "migrations"):
        (tmp_path / folder).mkdir()
    done = subprocess.run(["make", "sql", f"SQL={tmp_path}/"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for file in (SAMPLE, SCHEMA, OBJECTS):
        assert (tmp_path / file.relative_to(ROOT)).read_text() == file.read_text(), f"{file.name} is out of date: run `make sql`"


def test_sample_data_equal_the_demo_and_have_current_dates(database_url: str) -> None:
    done = psql(database_url, SAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    entries, events = _events(database_url)
    now = datetime.now(UTC)
    assert len(entries) == len(scenario(now))
    assert [recorded.position for recorded in entries] == sorted(recorded.position for recorded in entries)
    times = [recorded.entry.at for recorded in entries]
    assert times == sorted(times)
    assert timedelta(0) < now - times[-1] < timedelta(days=2)
    assert Counter(event.status for event in events) == {"active": 11, "cancelled": 1, "completed": 1}
    assert all(starts_at(event) > now + timedelta(hours=12) for event in events if event.status == "active")
    assert {_hour_there(event) for event in events} == {EVENING}
    first = entries[0].entry
    assert isinstance(first, EventScheduled)
    assert first.details.name == "Midsummer Night Festival"


def starts_at(event: Event) -> datetime:
    assert event.details.starts_at is not None, "each event of the sample has a date"
    return event.details.starts_at


def _hour_there(event: Event) -> int:
    return starts_at(event).astimezone(ZoneInfo(event.details.timezone)).hour


@pytest.mark.parametrize("day", ["2027-02-28 23:59:59", "2044-03-01 00:00:00", "2028-07-01 12:00:00", "2028-10-20 12:00:00"])
def test_sample_events_are_upcoming_evenings_on_any_day(database_url: str, tmp_path: Path, day: str) -> None:
    """Replaces `now()`, the only source of the current day."""
    dated = tmp_path / "dated.sql"
    assert SAMPLE.read_text().count("now()") == 1
    dated.write_text(SAMPLE.read_text().replace("now()", f"timestamptz '{day}+00'"))
    assert psql(database_url, dated).returncode == 0
    now = datetime.fromisoformat(f"{day}+00:00")
    entries, events = _events(database_url)
    assert all(starts_at(event) > now for event in events if event.status == "active")
    assert {_hour_there(event) for event in events} == {
        EVENING
    }  # in summer, in winter, and across a change of daylight saving time
    assert max(recorded.entry.at for recorded in entries) < now


def test_loading_sample_data_twice_is_refused(database_url: str) -> None:
    psql(database_url, SAMPLE)
    before = _events(database_url)[0]
    done = psql(database_url, SAMPLE)
    assert done.returncode == 3
    assert "The ledger is not empty" in done.stderr
    assert _events(database_url)[0] == before


def test_loaded_sample_data_are_visible_after_the_start(database_url: str, redis_url: str, tmp_path: Path) -> None:
    psql(database_url, SAMPLE)
    with psycopg.connect(database_url) as connection:
        head = str((connection.execute("SELECT max(notification_id) FROM ledger_entries").fetchone() or (0,))[0])
    stack = Stack(replace(system_settings(database_url, redis_url, tmp_path), demo=True))
    try:
        login = stack.nobody().ok("POST", "/api/login", {"email": "alice@example.test", "password": PASSWORD})
        alice = Person(stack.http, login["account"]["id"], login["access_token"])
        alice.last = head
        shown = alice.see("/api/events")["items"]
        assert len(shown) == 11
        by_name = stack.http.get("/compat/event-booking/events/").json()
        assert [(event["name"], event["total_seats"]) for event in by_name] == [
            ("Sunrise Yoga", 20), ("Board Games Night", 5), ("Silent Film", 80),
        ]  # fmt: skip
        assert by_name[1]["available_seats"] == 0
        assert "Midsummer Night Festival" in {event["name"] for event in shown}
        bookings = alice.see("/api/bookings")["items"]
        assert bookings
        assert bookings[0]["tickets"][0]["code"]
    finally:
        stack.stop()


def test_schema_file_creates_every_table(empty_database_url: str, settings: Settings) -> None:
    assert psql(empty_database_url, SCHEMA).returncode == 0
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'S') ORDER BY 1"
    contents = []
    for url in (empty_database_url, settings.database_url):
        with psycopg.connect(url) as connection:
            contents.append(connection.execute(tables).fetchall())
    assert contents[0] == contents[1]
