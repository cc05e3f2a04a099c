"""Snapshots are taken where they are due. The cost grows with the streams only, and no stream prevents the snapshots of others."""

import logging
import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger import snapshots, store
from ledger.event import Event
from ledger.evolve import evolve
from ledger.settings import Settings
from ledger.snapshots import MIN_GROWTH, restore_synchronously
from ledger.store import Ledger
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.workers.deployment import Grow, a_worker, position
from workers import worker as workshops
from workers.worker import Worker

ONE, TWO, THREE = UUID(int=0x1), UUID(int=0x2), UUID(int=0x3)


def folded(worker: Worker, stream: UUID) -> Event:
    event: Event | None = None
    for recorded in worker.ledger.stream(stream):
        event = evolve(event, recorded)
    assert event is not None
    return event


def position_of(worker: Worker, stream: UUID) -> int:
    return next(worker.ledger.stream(stream, until=1)).position


def versions(worker: Worker, stream: UUID) -> list[int]:
    with worker.engine.connect() as connection:
        query = text("SELECT originator_version FROM ledger_snapshots WHERE originator_id = :stream ORDER BY 1")
        return list(connection.scalars(query, {"stream": stream}))


def append_unknown(database_url: str, stream: UUID, version: int) -> None:
    with psycopg.connect(database_url) as connection:
        storage.store(connection, stream, version, "seats-swapped/7", b"{}")


def test_snapshot_is_taken_when_due_and_the_mark_moves_each_time(worker: Worker, grow: Grow) -> None:
    grow(ONE, MIN_GROWTH - 1)
    grow(TWO, 3)
    assert worker.take_snapshots() == 0
    assert position(worker, "snapshots") == worker.ledger.head()
    grow(ONE, 1)
    assert worker.take_snapshots() == 1
    assert position(worker, "snapshots") == worker.ledger.head()
    assert (versions(worker, ONE), versions(worker, TWO)) == ([MIN_GROWTH], [])
    assert worker.take_snapshots() == 0


def test_restored_snapshot_is_the_event_of_its_entries(worker: Worker, grow: Grow) -> None:
    for count in (MIN_GROWTH + 7, MIN_GROWTH + 11):  # without a snapshot, then from the first snapshot
        grow(ONE, count)
        assert worker.take_snapshots() == 1
        snapshot = storage.latest_snapshot(worker.ledger, ONE)
        assert snapshot is not None
        restored = restore_synchronously(snapshot)
        restored.number = position_of(worker, ONE)  # which this snapshot format does not have
        expected = folded(worker, ONE)
        restored.mac = expected.mac  # which no snapshot has
        assert s.state(restored) == s.state(expected)


def test_old_snapshots_are_deleted_except_the_last_two(worker: Worker, grow: Grow) -> None:
    for stream in (ONE, TWO):
        for _ in range(4):
            grow(stream, MIN_GROWTH)
            worker.take_snapshots()
    assert versions(worker, ONE) == versions(worker, TWO) == [3 * MIN_GROWTH, 4 * MIN_GROWTH]


def test_entries_are_read_once_for_snapshots(worker: Worker, grow: Grow, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    select = worker.ledger.recorder.select_events

    def counting(*args: Any, **more: Any) -> Any:
        page = select(*args, **more)
        read.append(len(page))
        return page

    monkeypatch.setattr(worker.ledger.recorder, "select_events", counting)
    monkeypatch.setattr(store, "PAGE", 400)  # pages of a stream and scans of new entries end at different entries
    monkeypatch.setattr(workshops, "SNAPSHOT_SCAN_SIZE", 700)
    for _ in range(12):
        grow(ONE, 450)
        grow(TWO, 30)
        worker.take_snapshots()
    assert 4_400 <= sum(read) <= 12 * 451  # and the first entry again, for its position
    assert max(read) == 400


def test_unreadable_stream_does_not_prevent_other_snapshots(
    worker: Worker, grow: Grow, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for stream in (ONE, TWO, THREE):
        grow(stream, MIN_GROWTH)
    append_unknown(database_url, TWO, MIN_GROWTH + 1)
    assert worker.take_snapshots() == 2
    assert [versions(worker, stream) for stream in (ONE, TWO, THREE)] == [[MIN_GROWTH], [], [MIN_GROWTH]]
    assert position(worker, "snapshots") == worker.ledger.head()
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        f"No snapshot could be taken of stream {TWO}"
    ]
    grow(ONE, MIN_GROWTH)
    assert worker.take_snapshots() == 1


def test_snapshots_lock_out_other_workers_without_a_row_lock(
    worker: Worker, grow: Grow, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(ONE, MIN_GROWTH)
    seen: list[Any] = []
    take = snapshots.take

    def while_taking(event: Event) -> snapshots.Snapshot:
        with a_worker(settings) as other:
            seen.append(other.take_snapshots())
        with psycopg.connect(database_url) as plain:
            seen.append(plain.execute("SELECT name FROM projections WHERE name = 'snapshots' FOR UPDATE NOWAIT").fetchone())
            idle = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
            seen.append(plain.execute(idle).fetchall())
        return take(event)

    monkeypatch.setattr(snapshots, "take", while_taking)
    assert worker.take_snapshots() == 1
    assert seen == [0, ("snapshots",), []]


def test_lock_is_released_after_failed_snapshots(
    worker: Worker, grow: Grow, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(ONE, MIN_GROWTH)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "_move_mark", lambda position: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            worker.take_snapshots()
    grow(ONE, MIN_GROWTH)
    with a_worker(settings) as other:
        assert other.take_snapshots() == 1


def test_running_snapshots_are_not_started_twice_and_failures_are_logged(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go_on = [], threading.Event()

    def slow() -> int:
        begun.append(1)
        go_on.wait(10)
        raise RuntimeError("no room")

    monkeypatch.setattr(worker, "take_snapshots", slow)
    for _ in range(3):
        worker.begin_snapshots()
    go_on.set()
    worker._snapshots.join(10)
    assert len(begun) == 1
    assert "Snapshots could not be taken" in caplog.text
    worker.begin_snapshots()
    worker._snapshots.join(10)
    assert len(begun) == 2


def test_ledger_saves_a_snapshot_after_reading(database_url: str) -> None:
    """Over the connection that was used for reading: the pool has only one while no other is needed."""
    ledger = Ledger(database_url, storage.MACS)
    recorded = e.RecordedEntry(s.EVENT, 1, s.scheduled())
    storage.append(ledger, [recorded])
    assert len(ledger.read(0, 10)) == 1
    ledger.save_snapshot(snapshots.take(evolve(None, recorded)))
    assert storage.latest_snapshot(ledger, s.EVENT) is not None
    ledger.close()
