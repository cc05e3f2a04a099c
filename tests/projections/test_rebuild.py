"""A rebuild ends with equal rows, swaps them in at one moment, and continues where it was killed."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import accumulate, count

import pytest
from sqlalchemy import Engine, event, text

from ledger.entries import SeatsBooked
from ledger.store import Ledger
from projections.rebuild.rebuilder import Rebuilder
from projections.rebuild.shadow_copies import ShadowCopyError
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.stories import Story, rows
from tests.projections.test_engine import position, project

ALL = list(PROJECTORS.values())


@pytest.fixture
def rebuilder(database_url: str, ledger: Ledger) -> Iterator[Rebuilder]:
    rebuilder = Rebuilder(database_url, ledger)
    yield rebuilder
    rebuilder.close()


@pytest.fixture
def story(engine: Engine, ledger: Ledger) -> Story:
    story = Story(seed=31)
    story.tell(300)
    storage.append(ledger, story.entries)
    project(engine, ledger)
    return story


def schemas(engine: Engine) -> list[str]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rebuild%' OR nspname LIKE 'retired%'"
    with engine.connect() as connection:
        return list(connection.scalars(text(query)))


def test_rebuild_of_all_ends_with_the_same_rows(engine: Engine, ledger: Ledger, rebuilder: Rebuilder, story: Story) -> None:
    before = rows(engine)
    done = rebuilder.rebuild(ALL)
    assert [(result.name, result.compared, result.difference) for result in done] == [(name, True, None) for name in PROJECTORS]
    assert rows(engine) == before
    assert schemas(engine) == []
    assert {position(engine, name) for name in PROJECTORS} == {ledger.head()}


def test_swapped_in_tables_have_the_same_constraints_and_indexes(engine: Engine, rebuilder: Rebuilder, story: Story) -> None:
    """Columns, constraints and indexes have the same names: the next migration finds what it expects."""
    query = text("""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2, 3""")
    with engine.connect() as connection:
        before = list(connection.execute(query))
        connection.rollback()
        rebuilder.rebuild(ALL)
        assert list(connection.execute(query)) == before


def test_rebuild_names_an_altered_row_and_repairs_it(engine: Engine, rebuilder: Rebuilder, story: Story) -> None:
    before = rows(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE revenue_categories SET gross = gross + 1 WHERE name = 'VIP'"))
        connection.execute(text("DELETE FROM tickets WHERE ctid = (SELECT min(ctid) FROM tickets)"))
        connection.execute(text("INSERT INTO availability_events VALUES (gen_random_uuid(), 1)"))
    differences = {result.name: str(result.difference) for result in rebuilder.rebuild(ALL) if result.difference}
    assert set(differences) == {"availability", "bookings", "revenue"}
    assert "should not be there" in differences["availability"]
    assert "is missing" in differences["bookings"]
    assert differences["revenue"].startswith("revenue_categories: in the row event_id ")
    assert ", gross is " in differences["revenue"]
    assert rows(engine) == before


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("seed", range(5))
def test_rebuild_killed_ten_times_ends_with_equal_rows(
    engine: Engine, rebuilder: Rebuilder, story: Story, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any of its statements."""
    monkeypatch.setattr("projections.rebuild.shadow_copies.BATCH_SIZE", 40)
    before, dice, statements = rows(engine), random.Random(seed), count()
    killed_at = set(accumulate(dice.randint(1, 120) for _ in range(10)))

    def kill(*_: object, **__: object) -> None:
        if next(statements) in killed_at:
            raise _Killed

    event.listen(Engine, "before_cursor_execute", kill)
    try:
        while next(statements) <= max(killed_at):
            with suppress(_Killed):
                rebuilder.rebuild(ALL)
    finally:
        event.remove(Engine, "before_cursor_execute", kill)
    assert [result.difference for result in rebuilder.rebuild(ALL)] == [None] * len(ALL)
    assert rows(engine) == before
    assert schemas(engine) == []


def test_second_rebuild_of_a_projection_is_refused(database_url: str, ledger: Ledger, rebuilder: Rebuilder, story: Story) -> None:
    other = Rebuilder(database_url, ledger)
    with rebuilder._copies.lock("revenue"), pytest.raises(ShadowCopyError, match="Another rebuild of revenue is under way"):
        other.rebuild(ALL)
    other.close()
    assert len(rebuilder.rebuild(ALL)) == len(ALL)


def test_lock_is_released_after_a_failure(database_url: str, ledger: Ledger, rebuilder: Rebuilder) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with suppress(RuntimeError), rebuilder._copies.lock("revenue"):
        event.listen(Engine, "before_cursor_execute", fail)
    event.remove(Engine, "before_cursor_execute", fail)
    with closing(Rebuilder(database_url, ledger)) as other, other._copies.lock("revenue"):
        pass


def test_rebuild_names_what_depends_on_a_served_table(engine: Engine, rebuilder: Rebuilder, story: Story) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW somebodys AS SELECT event_id FROM revenue_events"))
    with pytest.raises(ShadowCopyError, match="view somebodys depends on table revenue_events"):
        rebuilder.rebuild([PROJECTORS["revenue"]])
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW somebodys"))
    assert rebuilder.rebuild([PROJECTORS["revenue"]])[0].difference is None


def test_swap_waits_for_a_long_query(engine: Engine, rebuilder: Rebuilder, story: Story) -> None:
    with engine.connect() as reader, ThreadPoolExecutor(1) as threads:
        reader.execute(text("SELECT count(*) FROM tickets"))
        done = threads.submit(rebuilder.rebuild, [PROJECTORS["bookings"]])
        with pytest.raises(TimeoutError):
            done.result(1)
        assert reader.scalar(text("SELECT count(*) FROM tickets")) is not None
        reader.rollback()
        assert done.result(10)[0].difference is None


def test_new_version_is_swapped_in_without_comparison(engine: Engine, rebuilder: Rebuilder, story: Story) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE projections SET version = 0, position = position - 1 WHERE name = 'revenue'"))
    [done] = rebuilder.rebuild([PROJECTORS["revenue"]])
    assert (done.compared, done.difference, done.position) == (False, None, position(engine, "catalogue"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version FROM projections WHERE name = 'revenue'")) == PROJECTORS["revenue"].version


def test_queries_and_projection_continue_during_rebuilds(
    engine: Engine, ledger: Ledger, rebuilder: Rebuilder, story: Story
) -> None:
    """During rebuilds each query returns what the ledger has up to the position that the same statement reads."""
    sql = text("""SELECT position, (SELECT sum(bookings) FROM revenue_events), (SELECT count(*) FROM bookings)
        FROM projections WHERE name = 'revenue'""")
    stop, seen = threading.Event(), []

    def read() -> None:
        with engine.connect() as connection:
            while not stop.is_set():
                seen.append(connection.execute(sql).one())
                connection.rollback()

    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(read)
        for _ in range(5):
            storage.append(ledger, story.tell(10))
            project(engine, ledger)
            assert all(result.difference is None for result in rebuilder.rebuild(ALL))
        stop.set()
        reading.result(10)
    sold = [recorded.position for recorded in ledger.read(0, 10_000) if isinstance(recorded.entry, SeatsBooked)]
    for reached, in_revenue, _ in seen:
        assert in_revenue == sum(place <= reached for place in sold)
    assert len(seen) > 20
