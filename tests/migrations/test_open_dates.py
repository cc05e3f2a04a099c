"""Migration 0011: read tables that exist before it equal rebuilt ones after it."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg
from sqlalchemy import create_engine

import migrations
from ledger.entries import RecordedEntry
from ledger.snapshots import take
from ledger.store import Ledger, sqlalchemy_url
from projections.engine import catch_up
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.ledger import storage

EXHIBITION = {"sales_close_at": s.STARTS + timedelta(days=30)}
TABLES = (
    "catalogue_events", "booking_events", "revenue_events",
    "(SELECT * FROM projections WHERE name IN ('catalogue', 'bookings', 'revenue')) AS migrated",
)  # fmt: skip


def test_migrated_read_tables_equal_rebuilt_ones(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    entries = [s.scheduled(), s.details_changed(**EXHIBITION), s.booked(s.ALICE, s.general(1)), s.details_changed(name="Gala")]
    other = s.scheduled(sales_close_at=s.NOW)
    with closing(Ledger(empty_database_url, storage.MACS)) as ledger, psycopg.connect(empty_database_url, autocommit=True) as plain:
        storage.append(ledger, [RecordedEntry(s.EVENT, version, entry) for version, entry in enumerate(entries[:3], 1)])
        storage.append(ledger, [RecordedEntry(s.BOOKING, 1, other)])
        engine = create_engine(sqlalchemy_url(empty_database_url))
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        engine.dispose()
        storage.append(ledger, [RecordedEntry(s.EVENT, 4, entries[3])])  # not folded yet: it says that sales end at the start
        before = [plain.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES]
    migrations.downgrade(empty_database_url, "0010")
    migrations.upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as plain:
        assert [plain.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES] == before
        past = plain.execute("SELECT past_at FROM booking_events WHERE event_id = %s", (s.EVENT,)).fetchone()
    assert past == (EXHIBITION["sales_close_at"],)


def test_an_open_date_can_be_read_by_the_last_release(empty_database_url: str) -> None:
    """psycopg can't read 'infinity', and the last release can't read a snapshot of the second format."""
    migrations.upgrade(empty_database_url)
    with closing(Ledger(empty_database_url, storage.MACS)) as ledger:
        storage.append(ledger, [RecordedEntry(s.EVENT, 1, s.scheduled(starts_at=None))])
        event = ledger.current_event(s.EVENT)
        assert event is not None
        ledger.save_snapshot(take(event))
        engine = create_engine(sqlalchemy_url(empty_database_url))
        for projector in PROJECTORS.values():
            catch_up(engine, ledger, projector)
        engine.dispose()
    migrations.downgrade(empty_database_url, "0010")
    with psycopg.connect(empty_database_url) as plain:
        for table in ("catalogue_events", "booking_events", "revenue_events"):
            assert plain.execute(f"SELECT extract(year FROM starts_at)::int, starts_at FROM {table}").fetchall()[0][0] == 9999
        assert plain.execute("SELECT count(*) FROM ledger_snapshots").fetchone() == (0,)


def test_the_migration_waits_for_running_projectors(empty_database_url: str) -> None:
    """A worker locks the projection's row and then writes its tables: the migration takes locks in the same order."""
    migrations.upgrade(empty_database_url, "0010")
    with psycopg.connect(empty_database_url) as worker, ThreadPoolExecutor(1) as threads:
        worker.execute("SELECT FROM projections WHERE name = 'catalogue' FOR UPDATE")
        migrating = threads.submit(migrations.upgrade, empty_database_url)
        time.sleep(1)
        worker.execute("DELETE FROM catalogue_events")
        worker.commit()
        migrating.result(30)
    assert migrations.current(empty_database_url) == migrations.head()
