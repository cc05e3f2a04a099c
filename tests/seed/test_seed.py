"""The demo: its content on any day of loading; it is loaded completely, once, and only into an empty ledger."""

import dataclasses
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest

from accounts.access import Access
from accounts.database import Pool
from ledger.details import Details
from ledger.entries import EventScheduled, RecordedEntry
from ledger.event import Event
from ledger.evolve import evolve
from ledger.keys import Keyring
from ledger.mapper import encode
from ledger.pool import make_pool
from ledger.settings import Settings
from ledger.store import Ledger
from seed.__main__ import load
from seed.demo import DEMO_EVENTS, EVENING, PASSWORD, PEOPLE, scenario
from seed.progress import DemoNotLoadable
from tests import forked_processes
from tests.conftest import PostgresServer
from tests.forked_processes import ForkedProcess
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.soak import END_SECONDS

ROOT = Path(__file__).parent.parent.parent
MAY = datetime(2027, 5, 4, 21, 47, 11, tzinfo=UTC)


class Demo:
    """The output of `python -m seed`, and the ledger that it filled."""

    def __init__(self, settings: Settings, said: str = "") -> None:
        self.settings, self.said = settings, said
        self.entries = read(settings.database_url)
        self.events = fold(self.entries)

    def named(self, name: str) -> Event:
        return next(event for event in self.events if event.details.name == name)


@pytest.fixture(scope="module")
def demo(postgres_server: PostgresServer, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Loaded once, for tests that only read."""
    name = f"demo_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    settings = Settings(database_url=postgres_server.create(name, template_database), data_dir=tmp_path_factory.mktemp("demo"))
    done = seed(settings)
    assert (done.returncode, done.stderr) == (0, "")
    yield Demo(settings, done.stdout)
    postgres_server.drop(name)


def environment_of(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.to_env()}


def seed(settings: Settings, *options: str) -> "subprocess.CompletedProcess[str]":
    return forked_processes.run(("seed", *options), environment_of(settings))


def read(database_url: str) -> list[RecordedEntry]:
    ledger = Ledger(database_url)
    entries = ledger.read(0, 10_000)
    ledger.close()
    return entries


def fold(entries: list[RecordedEntry]) -> list[Event]:
    events: dict[UUID, Event] = {}
    for recorded in entries:
        events[recorded.stream] = evolve(events.get(recorded.stream), recorded)
    return list(events.values())


def append(database_url: str, *recorded: RecordedEntry) -> None:
    ledger = Ledger(database_url, storage.MACS)
    storage.append(ledger, recorded)
    ledger.close()


def size(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        return int((connection.execute("SELECT count(*) FROM ledger_entries").fetchone() or (0,))[0])


def test_demo_contains_every_kind_of_data(demo: Demo) -> None:
    assert len(demo.events) >= 8
    assert (
        demo.said
        == f"Demo data: {len(demo.events)} events, {sum(len(e.bookings) for e in demo.events)} bookings over 9 weeks, 29 people.\n"
    )
    assert Counter(event.status for event in demo.events) == {"active": len(demo.events) - 2, "cancelled": 1, "completed": 1}
    sold_out = [event.details.name for event in demo.events if not any(c.available for c in event.categories.values())]
    assert sold_out == ["Goldberg Variations", "Board Games Night"]
    assert sum(len(event.bookings) for event in demo.events) > 200
    assert len({event.currency for event in demo.events}) > 1


def starts_at(details: Details) -> datetime:
    assert details.starts_at is not None, "each event of the demo has a date"
    return details.starts_at


def test_first_demo_entry_is_an_upcoming_event_with_general_and_vip_seats(demo: Demo) -> None:
    first = demo.entries[0].entry
    assert isinstance(first, EventScheduled)
    assert first.details.name == "Midsummer Night Festival"
    assert starts_at(first.details) > datetime.now(UTC) + timedelta(days=20)
    assert [category.name for category in first.categories] == ["General", "VIP"]
    assert min(recorded.entry.at for recorded in demo.entries[1:]) > first.at
    assert all(seats.available for seats in demo.named("Midsummer Night Festival").categories.values())


def test_demo_entries_are_in_order_over_several_weeks_until_today(demo: Demo) -> None:
    times = [recorded.entry.at for recorded in demo.entries]
    assert times == sorted(times)
    assert times[-1] - times[0] > timedelta(weeks=6)
    assert timedelta(0) < datetime.now(UTC) - times[-1] < timedelta(days=1)


def test_completed_demo_event_is_past_and_active_ones_are_not(demo: Demo) -> None:
    now = datetime.now(UTC)
    starts = {event.status: starts_at(event.details) for event in demo.events}
    assert starts["completed"] < now - timedelta(days=7)
    assert all(starts_at(event.details) > now for event in demo.events if event.status != "completed")


@pytest.mark.parametrize("hour", [0, 18, 23])
def test_demo_events_start_in_the_evening_of_their_time_zone(hour: int) -> None:
    days = (datetime(2028, 1, 1, hour, tzinfo=UTC) + timedelta(days=day) for day in range(0, 366, 7))
    for now, show in product(days, DEMO_EVENTS):
        details = show.details(now)
        starts = starts_at(details)
        there = starts.astimezone(ZoneInfo(details.timezone))
        assert (there.hour, there.minute) == (EVENING, 0)
        assert starts.tzinfo == UTC
        assert abs(starts - now - timedelta(days=show.starts_in_days)) < timedelta(days=2)


@pytest.mark.parametrize("hour", range(24))
def test_step_numbers_are_unique_and_stable(hour: int) -> None:
    steps, later_steps = scenario(MAY.replace(hour=hour, minute=0)), scenario(MAY + timedelta(days=100))
    assert len({step.order for step in steps}) == len(steps)
    assert {(step.order, step.what, step.event.name) for step in steps} == {
        (step.order, step.what, step.event.name) for step in later_steps
    }


@pytest.mark.parametrize("hour", [0, 12, 17, 18, 23])
async def test_demo_dates_are_relative_to_the_day_of_loading(settings: Settings, hour: int) -> None:
    await load(settings, MAY.replace(hour=hour))
    entries = read(settings.database_url)
    (festival, *_) = fold(entries)
    assert timedelta(days=29) < starts_at(festival.details) - MAY < timedelta(days=31)
    assert timedelta(0) < MAY - entries[-1].entry.at < timedelta(days=2)
    assert len(entries) == len(scenario(MAY))


async def test_demo_people_can_log_in(demo: Demo) -> None:
    async with make_pool(demo.settings) as pool, access(demo.settings, pool) as people:
        accounts = [(await people.accounts.log_in(email, PASSWORD)).account for _, email, _ in PEOPLE]
    assert [(account.name, account.email, account.role) for account in accounts] == list(PEOPLE)
    assert [email.partition("@")[0] for _, email, _ in PEOPLE] == ["admin", "organizer", "auditor", "alice", "bob"]


def access(settings: Settings, pool: Pool) -> Access:
    return Access(settings, pool, key=Keyring.open(settings.keys, "accounts").newest[1])


def test_alice_and_bob_have_bookings(demo: Demo) -> None:
    with psycopg.connect(demo.settings.database_url) as connection:
        ids = connection.execute("SELECT id FROM accounts WHERE email IN ('alice@example.test', 'bob@example.test')").fetchall()
    buyers = {event.bookings[id_.bytes][0] for event in demo.events for id_ in s.ids_of(event.bookings)}
    assert len(ids) == 2
    assert {id_.bytes for (id_,) in ids} <= buyers


def test_loading_twice_is_refused_with_a_sentence(demo: Demo) -> None:
    done = seed(demo.settings)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "The demo data is in the ledger already.\n")
    assert size(demo.settings.database_url) == len(demo.entries)


def test_where_due_loads_once_and_only_in_a_demo(settings: Settings) -> None:
    """The command that docker-compose.yml runs at each start."""

    def started(*, demo: bool) -> "subprocess.CompletedProcess[str]":
        return seed(dataclasses.replace(settings, demo=demo), "--where-due")

    assert (started(demo=False).returncode, size(settings.database_url)) == (0, 0)
    assert started(demo=True).stdout.startswith("Demo data: ")
    again = started(demo=True)
    assert (again.returncode, again.stdout, again.stderr) == (0, "The demo data is in the ledger already.\n", "")


def test_demo_is_never_loaded_into_a_used_ledger(settings: Settings) -> None:
    append(settings.database_url, RecordedEntry(s.EVENT, 1, s.scheduled()))
    done = seed(settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The ledger is not empty: demo data is loaded into an empty one only.\n"
    assert size(settings.database_url) == 1
    with psycopg.connect(settings.database_url) as connection:
        assert connection.execute("SELECT FROM accounts").fetchall() == []


def test_killed_load_continues_the_next_time(settings: Settings, tmp_path: Path) -> None:
    process = ForkedProcess(("seed",), environment_of(settings), tmp_path)
    while size(settings.database_url) < 60:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait(END_SECONDS)
    half = read(settings.database_url)
    assert len(half) < len(scenario(MAY))
    done = seed(settings)
    assert (done.returncode, done.stderr) == (0, "")
    complete = read(settings.database_url)
    assert complete[: len(half)] == half
    assert len(complete) == len({recorded.entry.command for recorded in complete}) == len(scenario(MAY))


async def test_interrupted_load_continues_relative_to_its_first_day(settings: Settings, demo: Demo) -> None:
    half = [msgspec.structs.replace(recorded, position=0) for recorded in demo.entries[:150]]
    append(settings.database_url, *half)
    await load(settings, datetime.now(UTC) + timedelta(days=3, hours=5))
    continued, complete = (
        [(recorded.stream, recorded.version, recorded.entry.command, recorded.entry.at) for recorded in entries]
        for entries in (read(settings.database_url), demo.entries)
    )
    assert continued == complete


@pytest.mark.parametrize("at", [1, 150])
async def test_partial_demo_with_other_entries_is_not_changed(settings: Settings, demo: Demo, at: int) -> None:
    append(settings.database_url, *demo.entries[:at], RecordedEntry(s.EVENT, 1, s.scheduled()))
    with pytest.raises(DemoNotLoadable, match="is not empty"):
        await load(settings)
    assert size(settings.database_url) == at + 1


async def test_unknown_topic_is_not_taken_for_the_demo(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        entry = (uuid4(), 1, "seats-swapped/7", encode(s.scheduled()))
        connection.execute(
            "INSERT INTO ledger_entries (originator_id, originator_version, topic, state) VALUES (%s, %s, %s, %s)", entry
        )
    with pytest.raises(DemoNotLoadable, match="is not empty"):
        await load(settings)


def test_missing_database_url_is_reported(tmp_path: Path) -> None:
    done = seed(Settings(data_dir=tmp_path))
    assert (done.returncode, done.stderr) == (1, "No database: set DATABASE_URL, or start `make run` first.\n")


def test_unmigrated_database_is_reported_in_a_sentence(empty_database_url: str, tmp_path: Path) -> None:
    done = seed(Settings(database_url=empty_database_url, data_dir=tmp_path))
    assert (done.returncode, done.stderr) == (1, 'relation "ledger_entries" does not exist\n')
