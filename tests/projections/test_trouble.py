"""Whose fault it is: a database that is away is waited for; an entry that can't be folded stops its projector, for all to see."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from ledger.entries import Recorded
from ledger.settings import Settings
from ledger.snapshots import Snapshot
from ledger.store import Ledger, LedgerAway, sqlalchemy_url
from projections.engine import ProjectionStalled, Projector, catch_up
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.projections.stories import Story
from workers.worker import Worker

STREAM = UUID(int=0x51)


class Noting:
    """Folds as the real one does, but notes how long each run was and lets `before` spoil it."""

    def __init__(self, before: Callable[[Connection, Sequence[Recorded]], None] = lambda connection, run: None) -> None:
        real: Projector = PROJECTORS["revenue"]
        self.name, self.version, self.tables = real.name, real.version, real.tables
        self._real, self._before = real, before
        self.runs: list[int] = []

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        self.runs.append(len(run))
        self._before(connection, run)
        self._real.fold(connection, run)


def told(ledger: Ledger, steps: int = 40) -> list[int]:
    story = Story(seed=21)
    story.tell(steps)
    return s.append(ledger, story.entries)


def progress(engine: Engine) -> tuple[int, int | None, str | None]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT position, failed_position, error FROM projections WHERE name = 'revenue'")).one()
    return row.position, row.failed_position, row.error


def impatient(database_url: str, milliseconds: int = 100) -> str:
    """The database as a client sees it whose statements may not take longer."""
    return f"{database_url}{'&' if '?' in database_url else '?'}options=-c%20statement_timeout%3D{milliseconds}"


@contextmanager
def ledger_locked(database_url: str) -> Iterator[None]:
    """Nobody can read or write entries or snapshots meanwhile: they wait until they give up."""
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
        lambda ledger: ledger.event(STREAM),
        lambda ledger: ledger.carry_out(s.schedule(), s.NOW),
        lambda ledger: ledger.save_snapshot(Snapshot(STREAM, 1, "event-snapshot/1", b"")),
    ],
)
def test_a_ledger_out_of_reach_says_so_in_one_way(database_url: str, use: Callable[[Ledger], object]) -> None:
    ledger = Ledger(impatient(database_url), s.MACS)
    with ledger_locked(database_url), pytest.raises(LedgerAway, match="statement timeout"):
        use(ledger)
    use(ledger)
    ledger.close()


def test_a_ledger_out_of_reach_is_no_entrys_fault(engine: Engine, ledger: Ledger, database_url: str) -> None:
    positions, projector = told(ledger), Noting()
    away = Ledger(impatient(database_url), s.MACS)
    with ledger_locked(database_url), pytest.raises(LedgerAway):
        catch_up(engine, away, projector)
    assert (progress(engine), projector.runs) == ((0, None, None), [])
    assert catch_up(engine, away, projector) == len(positions)
    assert projector.runs == [len(positions)]
    away.close()


def test_reads_that_fail_now_and_then_stall_nothing(
    engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    positions, read, calls = told(ledger), Ledger.read, []

    def every_third(self: Ledger, after: int, limit: int) -> list[Recorded]:
        calls.append(after)
        if len(calls) % 3:
            raise LedgerAway("not now")
        return read(self, after, limit)

    monkeypatch.setattr(Ledger, "read", every_third)
    worker = Worker(settings)
    for _ in range(6):
        worker.project(Noting())  # raises nothing: the next tick tries again
    assert progress(engine) == (positions[-1], None, None)
    worker.ledger.close()
    worker.engine.dispose()
    worker._redis.close()


def test_a_run_that_failed_once_is_folded_one_by_one_and_the_rest_in_bulk(engine: Engine, ledger: Ledger) -> None:
    def trip_once(connection: Connection, run: Sequence[Recorded]) -> None:
        if len(projector.runs) == 2:
            raise ValueError("only this once")

    positions, projector = told(ledger, steps=60), Noting(trip_once)
    assert catch_up(engine, ledger, projector, batch_size=10) == len(positions)
    assert projector.runs[:14] == [10, 10, *[1] * 10, 10, 10]
    assert progress(engine) == (positions[-1], None, None)


def test_an_entry_that_always_takes_too_long_is_stalled_in_sight_of_all(ledger: Ledger, database_url: str) -> None:
    positions = told(ledger)

    def too_long(connection: Connection, run: Sequence[Recorded]) -> None:
        if any(recorded.position == positions[7] for recorded in run):
            connection.execute(text("SELECT pg_sleep(10)"))

    engine = create_engine(sqlalchemy_url(impatient(database_url, 300)), poolclass=NullPool)
    with pytest.raises(ProjectionStalled, match="statement timeout"):
        catch_up(engine, ledger, Noting(too_long), batch_size=20)
    position, failed, error = progress(engine)
    assert (position, failed) == (positions[6], positions[7])
    assert "statement timeout" in (error or "")


def test_a_lost_connection_and_a_lock_are_no_entrys_fault(ledger: Ledger, engine: Engine, database_url: str) -> None:
    told(ledger)

    def cut(connection: Connection, run: Sequence[Recorded]) -> None:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def locked_out(connection: Connection, run: Sequence[Recorded]) -> None:
        connection.execute(text("SET LOCAL lock_timeout = 50"))
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE revenue_events")
            connection.execute(text("SELECT FROM revenue_events"))

    for trouble in (cut, locked_out):
        projector = Noting(trouble)
        with pytest.raises(OperationalError):
            catch_up(engine, ledger, projector)
        assert len(projector.runs) == 1
    assert progress(engine) == (0, None, None)


def test_an_entry_of_a_newer_version_stalls_its_projector_and_those_before_it_are_folded(
    engine: Engine, ledger: Ledger, database_url: str
) -> None:
    positions = told(ledger)
    with psycopg.connect(database_url) as connection:
        insert = (
            "INSERT INTO ledger_entries (originator_id, originator_version, topic, state) VALUES (%s, 1, 'seats-swapped/7', '')"
        )
        connection.execute(insert, (STREAM,))
    for _ in range(2):
        with pytest.raises(ProjectionStalled, match="seats-swapped/7"):
            catch_up(engine, ledger, PROJECTORS["revenue"])
        position, failed, error = progress(engine)
        assert (position, failed) == (positions[-1], ledger.head())
        assert "UnknownTopic" in (error or "")


def test_nothing_is_noted_where_another_worker_folded_the_entry_meanwhile(
    engine: Engine, ledger: Ledger, database_url: str
) -> None:
    positions = told(ledger)
    other = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    begun: list[Any] = []

    def trip(connection: Connection, run: Sequence[Recorded]) -> None:
        raise ValueError("this process is too old")

    def meanwhile(connection: Connection) -> None:
        begun.append(connection)
        if len(begun) == 3:  # its position was read, and the first try has failed: this is where it would be noted
            catch_up(other, ledger, PROJECTORS["revenue"])

    event.listen(engine, "begin", meanwhile)
    assert catch_up(engine, ledger, Noting(trip), batch_size=1) == 0
    assert len(begun) == 4
    assert progress(engine) == (positions[-1], None, None)
