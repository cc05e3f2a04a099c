"""The catch-up engine folds each entry exactly once, in order, whatever happens to wake-ups and processes."""

import random
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import uuid4

import msgspec
import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, text

from ledger import entries as e
from ledger.details import Category
from ledger.entries import RecordedEntry
from ledger.store import Ledger
from projections.engine import ProjectionLocked, Projector, bounded, catch_up
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.projections.stories import TABLES, Story, rows


def project(engine: Engine, ledger: Ledger, names: Iterable[str] = PROJECTORS, batch_size: int = 2_000) -> None:
    for name in names:
        catch_up(engine, ledger, PROJECTORS[name], batch_size=batch_size)


def position(engine: Engine, name: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT position FROM projections WHERE name = :name"), {"name": name}).scalar_one())


def reset(engine: Engine) -> None:
    """Empties the read tables, as at first."""
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
        connection.execute(text("UPDATE projections SET position = 0"))


def test_repeated_shuffled_and_lost_wake_ups_give_the_same_rows(engine: Engine, ledger: Ledger) -> None:
    story, dice = Story(seed=7), random.Random(7)
    storage.append(ledger, story.entries)
    for _ in range(40):
        if made := story.tell(5):
            storage.append(ledger, made)
        wake_ups = [name for name in PROJECTORS for _ in range(dice.choice((0, 0, 1, 2)))]
        dice.shuffle(wake_ups)
        project(engine, ledger, wake_ups, batch_size=dice.choice((1, 3, 50)))
    project(engine, ledger)
    seen = rows(engine)
    assert len(seen["tickets"]) > 80
    reset(engine)
    project(engine, ledger)
    assert rows(engine) == seen


def test_concurrent_workers_fold_each_entry_once(engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=3)
    story.tell(300)
    storage.append(ledger, story.entries)
    published: list[int] = []
    revenue = PROJECTORS["revenue"]

    def work() -> None:
        while position(engine, "revenue") < ledger.head():
            with suppress(ProjectionLocked):
                catch_up(engine, ledger, revenue, lambda name, position: published.append(position), batch_size=7)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(published)) == len(published) == -(-len(story.entries) // 7)
    seen = rows(engine)["revenue_hours"]
    reset(engine)
    project(engine, ledger)
    assert rows(engine)["revenue_hours"] == seen


class InterruptedProjector:
    """Folds, then calls `interrupt` while the row is locked, once."""

    def __init__(self, real: Projector, interrupt: object) -> None:
        self.name, self.version, self.tables = real.name, real.version, real.tables
        self.handles, self.is_by_event = real.handles, real.is_by_event
        self._real, self._interrupt = real, interrupt

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        self._real.fold(connection, batch)
        interrupt, self._interrupt = self._interrupt, None
        if callable(interrupt):
            interrupt()


def test_catch_up_of_a_locked_projection_raises_and_folds_later(engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=5)
    storage.append(ledger, story.entries)
    late: list[int] = []

    def append_and_wake() -> None:
        late.extend(storage.append(ledger, story.tell(30)))
        with pytest.raises(ProjectionLocked):
            catch_up(engine, ledger, PROJECTORS["availability"])

    catch_up(engine, ledger, InterruptedProjector(PROJECTORS["availability"], append_and_wake))
    assert position(engine, "availability") < late[-1]
    assert catch_up(engine, ledger, PROJECTORS["availability"]) == len(late)


def test_worker_killed_in_a_batch_leaves_no_trace(engine: Engine, ledger: Ledger, database_url: str) -> None:
    story = Story(seed=11)
    story.tell(200)
    storage.append(ledger, story.entries)
    killed = 0
    for name, projector in PROJECTORS.items():
        for _ in range(5):
            with pytest.raises(Exception, match=r"terminat|closed"):
                catch_up(engine, ledger, InterruptedProjector(projector, lambda: kill_other_connections(database_url)))
            killed += 1
        catch_up(engine, ledger, projector)
        assert position(engine, name) == ledger.head()
    seen = rows(engine)
    reset(engine)
    project(engine, ledger)
    print(f"killed {killed} times in mid-batch; rows equal to a rebuild")
    assert rows(engine) == seen


def kill_other_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'seatledger-store'""")


@pytest.mark.parametrize("name", ["availability", "bookings", "revenue", "audit"])
def test_batch_needs_the_same_number_of_statements_for_any_size(engine: Engine, ledger: Ledger, name: str) -> None:
    """The catalogue needs a statement for each change of an event, and `bookings` one for each change of details: these are few.
    `availability` needs one more where pools are set."""
    story = Story(seed=13)
    story.tell(100)
    storage.append(ledger, story.entries)
    project(engine, ledger)
    counts = []
    for steps in (100, 600):
        batch = story.tell(steps)
        storage.append(ledger, batch)
        count = _statements(engine, lambda: catch_up(engine, ledger, PROJECTORS[name]))
        renamed = sum(isinstance(recorded.entry, e.EventDetailsChanged) for recorded in batch) if name == "bookings" else 0
        pooled = name == "availability" and any(isinstance(recorded.entry, e.PoolsSet) for recorded in batch)
        print(f"{name}: {count} statements for {len(batch)} entries, {renamed} of them for details, {int(pooled)} for pools")
        counts.append(count - renamed - pooled)
    assert counts[0] == counts[1] <= 12


def test_batch_is_bounded_by_tickets(engine: Engine, ledger: Ledger) -> None:
    """Bookings of a thousand tickets: each batch takes as much memory as others do."""
    line = (e.Line(1, "General", 1_000, 5_000),)
    event = s.scheduled(Category(1, "General", 5_000, 60_000))
    bookings = [msgspec.structs.replace(s.booked(s.ALICE, *line), command=uuid4()) for _ in range(50)]
    recorded = [e.RecordedEntry(s.EVENT, version, entry) for version, entry in enumerate([event, *bookings], start=1)]
    storage.append(ledger, recorded)
    batches: list[int] = []
    assert catch_up(engine, ledger, PROJECTORS["bookings"], lambda name, position: batches.append(position)) == 51
    assert [len(bounded(recorded[start:])) for start in (0, 1, 50)] == [21, 20, 1]
    assert batches == [21, 41, 51]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM tickets")).scalar_one() == 50_000


def test_cancellation_of_an_event_with_many_bookings_needs_few_statements(engine: Engine, ledger: Ledger) -> None:
    story = Story(seed=17, events=1)
    story.tell(150)
    storage.append(ledger, story.entries)
    project(engine, ledger)
    (booked,) = story.events.values()
    before = len(story.entries)
    story.cancel(booked)
    storage.append(ledger, story.entries[before:])
    assert len(story.entries) == before + 1
    assert _statements(engine, lambda: project(engine, ledger)) <= 70


def _statements(engine: Engine, work: object) -> int:
    seen: list[str] = []

    def record(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    assert callable(work)
    work()
    event.remove(engine, "before_cursor_execute", record)
    return len(seen)
