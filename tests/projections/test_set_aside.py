"""An entry that can't be applied sets aside its own Event in its own projection, visibly; it is folded once it can be."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from ledger.entries import EventDetailsChanged, PaymentReceived, RecordedEntry
from ledger.macs import Macs
from ledger.settings import Settings
from ledger.store import Ledger
from projections import engine as catch_up_engine
from projections.engine import ProjectionStalled, Projector, catch_up
from projections.proof.verify import EventsSetAside, Verifier
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from projections.resume import events_set_aside, resume_events
from tests.ledger import storage
from tests.projections.altering import fill
from tests.projections.stories import Story, rows
from workers.worker import Worker

BY_EVENT = sorted(name for name, projector in PROJECTORS.items() if projector.is_by_event)


class FaultyProjector:
    """Folds as the real projector does, but `fail` is called first, with each batch."""

    is_by_event = True

    def __init__(self, real: Projector, fail: Callable[[Connection, Sequence[RecordedEntry]], None]) -> None:
        self.name, self.version, self.tables, self.handles = real.name, real.version, real.tables, real.handles
        self._real, self._fail = real, fail

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        self._fail(connection, batch)
        self._real.fold(connection, batch)


def faulty_at(name: str, positions: Collection[int]) -> FaultyProjector:
    def fail(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        for recorded in batch:
            if recorded.position in positions:
                raise ValueError(f"what is {recorded.position}?")

    return FaultyProjector(PROJECTORS[name], fail)


def tell(ledger: Ledger, *, seed: int, steps: int = 240) -> list[RecordedEntry]:
    story = Story(seed=seed)
    story.tell(steps)
    positions = storage.append(ledger, story.entries)
    return [RecordedEntry(e.stream, e.version, e.entry, at) for e, at in zip(story.entries, positions, strict=True)]


def insert_unreadable(database_url: str, after: RecordedEntry) -> int:
    """Inserts an entry whose bytes can't be decoded into the stream, with their MAC. Returns its position."""
    with psycopg.connect(database_url) as connection:
        return storage.store(connection, after.stream, after.version + 1, "seats-booked/1", b'{"at": "tomorr')


def repair(database_url: str, position: int, topic: str, state: bytes) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        connection.execute("UPDATE ledger_entries SET topic = %s, state = %s WHERE notification_id = %s", (topic, state, position))
        connection.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER append_only")


def set_aside(engine: Engine, name: str) -> dict[UUID, int]:
    with engine.connect() as connection:
        return {one.event_id: one.position for one in events_set_aside(connection, name)}


def position(engine: Engine, name: str) -> tuple[int, int | None]:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT position, failed_position FROM projections WHERE name = :name"), {"name": name}).one()
    return row.position, row.failed_position


def own_rows(engine: Engine, name: str) -> dict[str, list[tuple[object, ...]]]:
    tables = {model.__tablename__ for model in PROJECTORS[name].tables}
    return {table: found for table, found in rows(engine).items() if table in tables}


def empty(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        for model in PROJECTORS[name].tables:
            connection.execute(text(f"TRUNCATE {model.__tablename__} CASCADE"))
        connection.execute(text("UPDATE projections SET position = 0 WHERE name = :name"), {"name": name})


def _first_change(entries: list[RecordedEntry]) -> RecordedEntry:
    """The first entry after which every projection has rows of its event to change: some of payments, too."""
    last_payment = {recorded.stream: recorded.version for recorded in entries if isinstance(recorded.entry, PaymentReceived)}
    return next(
        recorded
        for recorded in entries
        if isinstance(recorded.entry, EventDetailsChanged) and recorded.version < last_payment.get(recorded.stream, 0)
    )


@pytest.mark.parametrize("name", BY_EVENT)
@pytest.mark.parametrize("batch_size", [1, 7, 2_000])
def test_others_go_on_and_the_event_is_folded_later(engine: Engine, ledger: Ledger, name: str, batch_size: int) -> None:
    entries = tell(ledger, seed=batch_size)
    catch_up(engine, ledger, PROJECTORS[name])
    expected = own_rows(engine, name)
    empty(engine, name)
    bad = _first_change(entries[20:])

    published = list[int]()
    folded = catch_up(
        engine, ledger, faulty_at(name, {bad.position}), lambda name, position: published.append(position), batch_size=batch_size
    )
    assert folded == len(entries)
    assert position(engine, name) == (entries[-1].position, None)
    assert published[-1] == entries[-1].position
    assert set_aside(engine, name) == {bad.stream: bad.position}
    assert own_rows(engine, name) != expected

    (still,) = resume_events(engine, ledger, faulty_at(name, {bad.position}))
    assert (still.event_id, still.position) == (bad.stream, bad.position)
    assert still.error == f"ValueError: what is {bad.position}?"
    assert resume_events(engine, ledger, PROJECTORS[name]) == []  # after an upgrade, say
    assert own_rows(engine, name) == expected


def test_event_is_folded_as_of_the_entry_before(engine: Engine, ledger: Ledger) -> None:
    entries = tell(ledger, seed=5)
    bad = entries[70]
    catch_up(engine, ledger, faulty_at("availability", {bad.position}))
    last = max(one.position for one in entries if one.stream == bad.stream and one.position < bad.position)
    with engine.connect() as connection:
        shown = {
            row.event_id: row.position for row in connection.execute(text("SELECT event_id, position FROM availability_events"))
        }
    assert shown[bad.stream] <= last
    assert max(shown.values()) > bad.position, "other Events are up to date"


def test_long_event_is_folded_step_by_step(engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tell(ledger, seed=8, steps=500)
    bad = entries[10]
    catch_up(engine, ledger, faulty_at("revenue", {bad.position}))
    monkeypatch.setattr("projections.resume.BATCH_SIZE", 3)
    second = [one for one in entries if one.stream == bad.stream][40]
    (still,) = resume_events(engine, ledger, faulty_at("revenue", {second.position}))
    assert bad.position < still.position <= second.position, "the steps before the one that fails are kept"
    assert resume_events(engine, ledger, PROJECTORS["revenue"]) == []
    seen = own_rows(engine, "revenue")
    empty(engine, "revenue")
    catch_up(engine, ledger, PROJECTORS["revenue"])
    assert own_rows(engine, "revenue") == seen


@pytest.mark.parametrize("name", PROJECTORS)
def test_unreadable_entry_stops_no_projection(engine: Engine, ledger: Ledger, database_url: str, name: str) -> None:
    entries = tell(ledger, seed=3)
    at = insert_unreadable(database_url, [one for one in entries if one.stream == entries[0].stream][-1])
    later = tell(ledger, seed=4)
    catch_up(engine, ledger, PROJECTORS[name])
    assert position(engine, name) == (later[-1].position, None)
    is_by_event = PROJECTORS[name].is_by_event  # the tree has a leaf for each entry, readable or not
    assert set_aside(engine, name) == ({entries[0].stream: at} if is_by_event else {})


def test_unreadable_entry_is_folded_once_it_is_repaired(engine: Engine, ledger: Ledger, database_url: str) -> None:
    entries = tell(ledger, seed=3)
    with psycopg.connect(database_url) as connection:
        sql = "SELECT topic, state FROM ledger_entries WHERE notification_id = %s"
        ((topic, state),) = connection.execute(sql, (entries[50].position,)).fetchall()
    repair(database_url, entries[50].position, topic, state[:-9])
    catch_up(engine, ledger, PROJECTORS["bookings"])
    (still,) = resume_events(engine, ledger, PROJECTORS["bookings"])
    assert (still.position, still.error.split(":")[0]) == (entries[50].position, "ForgedEntry")
    repair(database_url, entries[50].position, topic, state)
    assert resume_events(engine, ledger, PROJECTORS["bookings"]) == []
    expected = own_rows(engine, "bookings")
    ledger.forget()
    with closing(Rebuilder(database_url, ledger)) as rebuilder:
        (result,) = rebuilder.rebuild([PROJECTORS["bookings"]])
    assert (result.compared, result.difference, result.set_aside) == (True, None, 0)
    assert own_rows(engine, "bookings") == expected


def test_entries_of_a_later_release_set_nothing_aside(engine: Engine, ledger: Ledger, database_url: str) -> None:
    (last, *_) = reversed(tell(ledger, seed=3))
    with psycopg.connect(database_url) as connection:
        storage.store(connection, UUID(int=0x51), 1, "seats-swapped/7", b"")
    with pytest.raises(ProjectionStalled, match="UnknownTopic"):
        catch_up(engine, ledger, PROJECTORS["revenue"])
    assert (position(engine, "revenue")[0], set_aside(engine, "revenue")) == (last.position, {})


def test_refusal_that_is_not_of_the_entry_sets_nothing_aside(engine: Engine, ledger: Ledger) -> None:
    def need_a_newer_table(connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        connection.execute(text("SELECT * FROM a_table_of_the_next_release"))

    tell(ledger, seed=3)
    with pytest.raises(ProjectionStalled, match="UndefinedTable"):
        catch_up(engine, ledger, FaultyProjector(PROJECTORS["revenue"], need_a_newer_table))
    assert set_aside(engine, "revenue") == {}


def test_projection_with_too_many_events_set_aside_is_stalled(
    engine: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up_engine, "MAX_SET_ASIDE", 2)
    entries = tell(ledger, seed=3)
    firsts = [one.position for one in entries if one.version == 1]
    assert len(firsts) == 4
    with pytest.raises(ProjectionStalled):
        catch_up(engine, ledger, faulty_at("catalogue", firsts))
    assert len(set_aside(engine, "catalogue")) == 2
    assert position(engine, "catalogue")[1] == firsts[2]
    catch_up(engine, ledger, PROJECTORS["catalogue"])
    assert resume_events(engine, ledger, PROJECTORS["catalogue"]) == []


def test_worker_resumes_by_itself(engine: Engine, ledger: Ledger, settings: Settings) -> None:
    entries = tell(ledger, seed=3)
    catch_up(engine, ledger, faulty_at("revenue", {entries[30].position}))
    assert set_aside(engine, "revenue")
    worker = Worker(settings)  # of the next release
    worker.project(PROJECTORS["revenue"])
    worker.close()
    assert set_aside(engine, "revenue") == {}


def test_rebuild_takes_over_what_its_copy_set_aside(engine: Engine, ledger: Ledger, database_url: str) -> None:
    entries = tell(ledger, seed=3)
    catch_up(engine, ledger, PROJECTORS["revenue"])
    with closing(Rebuilder(database_url, ledger)) as rebuilder:
        (result,) = rebuilder.rebuild([faulty_at("revenue", {entries[30].position})])
        assert result.set_aside == 1
        assert set_aside(engine, "revenue") == {entries[30].stream: entries[30].position}
        (result,) = rebuilder.rebuild([PROJECTORS["revenue"]])
    assert (result.set_aside, set_aside(engine, "revenue")) == (0, {})


@pytest.fixture
def verifier(database_url: str, tmp_path: Path) -> Verifier:
    """Of a ledger that is folded."""
    with closing(Ledger(database_url, Macs.open(tmp_path))) as ledger:
        fill(database_url, ledger, tmp_path)
    return Verifier(Settings(database_url=database_url, keys_dir=tmp_path))


def test_verification_says_what_it_could_not_compare(engine: Engine, database_url: str, tmp_path: Path, verifier: Verifier) -> None:
    with closing(Ledger(database_url, Macs.open(tmp_path))) as ledger:
        bad = tell(ledger, seed=77)[30]
        for name, projector in PROJECTORS.items():
            catch_up(engine, ledger, faulty_at(name, {bad.position}) if name == "revenue" else projector)
        with pytest.raises(EventsSetAside, match=r"^All else is proven, but revenue can't be compared"):
            verifier.run()
        with engine.begin() as connection:
            connection.execute(text("UPDATE availability_categories SET capacity = capacity + 1"))
        assert verifier.run().finding is not None, "the other projections are compared"
        with engine.begin() as connection:
            connection.execute(text("UPDATE availability_categories SET capacity = capacity - 1"))
        assert resume_events(engine, ledger, PROJECTORS["revenue"]) == []
    assert verifier.run().finding is None


def test_entry_that_only_the_served_tables_have_folded_is_a_finding(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROJECTORS, "catalogue", faulty_at("catalogue", {3}))
    finding = verifier.run().finding
    assert finding is not None
    assert finding.sentence == "ledger_entries: the entry at position 3 can't be folded: ValueError: what is 3?."
