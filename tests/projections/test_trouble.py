"""Failures and their cause: an unavailable database is waited for; an entry that can't be folded stalls its projection."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from ledger.entries import RecordedEntry
from ledger.settings import Settings
from ledger.snapshots import Snapshot
from ledger.store import Ledger, LedgerUnavailable, sqlalchemy_url
from projections.engine import ProjectionStalled, Projector, catch_up
from projections.registry import PROJECTORS
from projections.resume import events_set_aside
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.projections.stories import Story
from workers.worker import Worker

STREAM = UUID(int=0x51)


class RecordingProjector:
    """Folds as the real projector does, records the size of each batch, and calls `before` first, which may raise."""

    def __init__(self, before: Callable[[Connection, Sequence[RecordedEntry]], None] = lambda connection, batch: None) -> None:
        real: Projector = PROJECTORS["revenue"]
        self.name, self.version, self.tables = real.name, real.version, real.tables
        self.handles, self.is_by_event = real.handles, real.is_by_event
        self._real, self._before = real, before
        self.batch_sizes: list[int] = []

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        self.batch_sizes.append(len(batch))
        self._before(connection, batch)
        self._real.fold(connection, batch)


def append_story(ledger: Ledger, steps: int = 40) -> list[int]:
    story = Story(seed=21)
    story.tell(steps)
    return storage.append(ledger, story.entries)


def progress(engine: Engine) -> tuple[int, int | None, str | None]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT position, failed_position, error FROM projections WHERE name = 'revenue'")).one()
    return row.position, row.failed_position, row.error


def with_statement_timeout(database_url: str, milliseconds: int = 100) -> str:
    """The URL of the same database, with a time-out for each statement."""
    return f"{database_url}{'&' if '?' in database_url else '?'}options=-c%20statement_timeout%3D{milliseconds}"


@contextmanager
def ledger_locked(database_url: str) -> Iterator[None]:
    """Meanwhile all other readers and writers of entries and snapshots wait until their time-out."""
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE ledger_entries, ledger_snapshots IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize(
    "use",
    [
        lambda ledger: ledger.read(0, 10),
        lambda ledger: ledger.next_position(0),
        lambda ledger: ledger.head(),
        lambda ledger: list(ledger.stream(STREAM)),
        lambda ledger: ledger.current_event(STREAM),
        lambda ledger: ledger.execute(s.schedule(), s.NOW),
        lambda ledger: ledger.save_snapshot(Snapshot(STREAM, 1, "event-snapshot/1", b"")),
    ],
)
def test_unavailable_ledger_raises_one_error(database_url: str, use: Callable[[Ledger], object]) -> None:
    ledger = Ledger(with_statement_timeout(database_url), storage.MACS)
    with ledger_locked(database_url), pytest.raises(LedgerUnavailable, match="statement timeout"):
        use(ledger)
    use(ledger)
    ledger.close()


def test_unavailable_ledger_stalls_no_projection(engine: Engine, ledger: Ledger, database_url: str) -> None:
    positions, projector = append_story(ledger), RecordingProjector()
    unavailable = Ledger(with_statement_timeout(database_url), storage.MACS)
    with ledger_locked(database_url), pytest.raises(LedgerUnavailable):
        catch_up(engine, unavailable, projector)
    assert (progress(engine), projector.batch_sizes) == ((0, None, None), [])
    assert catch_up(engine, unavailable, projector) == len(positions)
    assert projector.batch_sizes == [len(positions)]
    unavailable.close()


def test_occasional_read_failures_stall_no_projection(
    engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    positions, read, calls = append_story(ledger), Ledger.read, list[int]()

    def succeed_every_third_time(self: Ledger, after: int, limit: int) -> list[RecordedEntry]:
        calls.append(after)
        if len(calls) % 3:
            raise LedgerUnavailable("not now")
        return read(self, after, limit)

    monkeypatch.setattr(Ledger, "read", succeed_every_third_time)
    worker = Worker(settings)
    for _ in range(6):
        worker.project(RecordingProjector())  # raises nothing: the next tick tries again
    assert progress(engine) == (positions[-1], None, None)
    worker.close()


def test_failed_batch_is_folded_one_by_one_and_the_rest_in_bulk(engine: Engine, ledger: Ledger) -> None:
    def fail_once(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        if len(projector.batch_sizes) == 2:
            raise ValueError("only once")

    positions, projector = append_story(ledger, steps=60), RecordingProjector(fail_once)
    assert catch_up(engine, ledger, projector, batch_size=10) == len(positions)
    assert projector.batch_sizes[:14] == [10, 10, *[1] * 10, 10, 10]
    assert progress(engine) == (positions[-1], None, None)


def test_entry_that_always_times_out_stalls_its_projection(ledger: Ledger, database_url: str) -> None:
    positions = append_story(ledger)

    def too_long(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        if any(recorded.position == positions[7] for recorded in batch):
            connection.execute(text("SELECT pg_sleep(10)"))

    engine = create_engine(sqlalchemy_url(with_statement_timeout(database_url, 300)), poolclass=NullPool)
    with pytest.raises(ProjectionStalled, match="statement timeout"):
        catch_up(engine, ledger, RecordingProjector(too_long), batch_size=20)
    position, failed, error = progress(engine)
    assert (position, failed) == (positions[6], positions[7])
    assert "statement timeout" in (error or "")


def test_lost_connection_or_lock_timeout_stalls_no_projection(ledger: Ledger, engine: Engine, database_url: str) -> None:
    append_story(ledger)

    def terminate(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def wait_for_lock(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        connection.execute(text("SET LOCAL lock_timeout = 50"))
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE revenue_events")
            connection.execute(text("SELECT FROM revenue_events"))

    for failure in (terminate, wait_for_lock):
        projector = RecordingProjector(failure)
        with pytest.raises(OperationalError):
            catch_up(engine, ledger, projector)
        assert len(projector.batch_sizes) == 1
    assert progress(engine) == (0, None, None)


def test_entry_with_an_unknown_topic_stalls_after_the_entries_before_it(engine: Engine, ledger: Ledger, database_url: str) -> None:
    positions = append_story(ledger)
    with psycopg.connect(database_url) as connection:
        storage.store(connection, STREAM, 1, "seats-swapped/7", b"")
    for _ in range(2):
        with pytest.raises(ProjectionStalled, match="seats-swapped/7"):
            catch_up(engine, ledger, PROJECTORS["revenue"])
        position, failed, error = progress(engine)
        assert (position, failed) == (positions[-1], ledger.head())
        assert "UnknownTopic" in (error or "")


@pytest.mark.parametrize(("sql", "begins"), [("SELECT 1/0", 6), ("SELECT FROM a_table_of_the_next_release", 5)])
def test_fault_is_not_stored_if_another_worker_folded_the_entry_meanwhile(
    engine: Engine, ledger: Ledger, database_url: str, sql: str, begins: int
) -> None:
    positions = append_story(ledger)
    other = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    begun: list[Any] = []

    def fail(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        connection.execute(text(sql))  # this process is too old

    def meanwhile(connection: Connection) -> None:
        begun.append(connection)
        if len(begun) == 3:  # after the position was read and the first attempt failed, when the fault would be stored
            catch_up(other, ledger, PROJECTORS["revenue"])

    event.listen(engine, "begin", meanwhile)
    assert catch_up(engine, ledger, RecordingProjector(fail), batch_size=1) == 0
    assert len(begun) == begins, "then the position is read again, and the head"
    assert progress(engine) == (positions[-1], None, None)
    with engine.connect() as connection:
        assert not events_set_aside(connection, "revenue")
