"""Due holds lapse, by a worker: each once, whoever else appends meanwhile, and no Event prevents the others'."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from ledger import entries as e
from ledger.commands import Command, LapseHolds
from ledger.details import Category
from ledger.entries import RecordedEntry
from ledger.errors import EventNotFound
from ledger.event import Event
from ledger.evolve import evolve
from ledger.hold_errors import NothingDue
from ledger.hold_rules import MAX_LAPSES
from ledger.settings import Settings
from ledger.store import Ledger
from projections.registry import PROJECTORS
from tests.commands.selling import copy
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.workers.deployment import a_worker
from workers import lapsing
from workers.gateway import Gateway
from workers.worker import Worker

ONE, TWO = UUID(int=0x1), UUID(int=0x2)
AGO, LATER = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def gateway(database_url: str) -> Iterator[Gateway]:
    with closing(Gateway(Ledger(database_url, storage.MACS))) as gateway:
        yield gateway


def holding(*ends: datetime) -> list[e.Entry]:
    """An event, and holds of one seat each."""
    holds = [s.held(s.ALICE, s.general(1), hold=uuid4(), until=until) for until in ends]
    return [s.scheduled(Category(1, "General", 5_000, 100_000)), *holds]


def fill(database_url: str, stream: UUID, entries: Sequence[e.Entry]) -> None:
    copy(database_url, [RecordedEntry(stream, version, entry) for version, entry in enumerate(entries, 1)])


def current(ledger: Ledger, stream: UUID) -> Event:
    event = None
    for recorded in ledger.stream(stream):
        event = evolve(event, recorded)
    assert event is not None
    return event


def project(worker: Worker) -> None:
    worker.project(PROJECTORS["availability"])


def about(stream: UUID, command: Command) -> Command:
    return msgspec.structs.replace(command, event_id=stream)


def test_due_holds_lapse_and_others_stay(worker: Worker, database_url: str) -> None:
    fill(database_url, ONE, holding(AGO, LATER, AGO))
    fill(database_url, TWO, holding(LATER))
    project(worker)
    assert worker.lapsing.run() == 2
    assert worker.lapsing.run() == 0, "the read tables are behind, the Event is not"
    event = current(worker.ledger, ONE)
    assert (event.version, event.categories[1].held) == (5, 1)
    newest = next(worker.ledger.stream(ONE, after=4)).entry
    assert isinstance(newest, e.HoldsLapsed)
    assert newest.actor is None
    assert abs(newest.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert current(worker.ledger, TWO).version == 2


def test_holds_of_an_event_that_has_ended_are_left_alone(worker: Worker, database_url: str) -> None:
    fill(database_url, ONE, [*holding(AGO), s.event_cancelled()])
    project(worker)
    assert worker.lapsing.run() == 0
    assert current(worker.ledger, ONE).version == 3


def test_many_holds_lapse_in_entries_of_bounded_size(worker: Worker, database_url: str) -> None:
    fill(database_url, ONE, holding(*[AGO] * (2 * MAX_LAPSES + 3)))
    project(worker)
    assert worker.lapsing.run() == 2 * MAX_LAPSES + 3
    kinds = [type(recorded.entry) for recorded in worker.ledger.stream(ONE, after=2 * MAX_LAPSES + 4)]
    assert kinds == [e.HoldsLapsed] * 3
    project(worker)
    with worker.engine.connect() as connection:
        [(held, available)] = connection.exec_driver_sql("SELECT held, available FROM availability_categories").all()
    assert (held, available) == (0, 100_000)


def test_one_worker_does_it_at_a_time(worker: Worker, settings: Settings, database_url: str) -> None:
    fill(database_url, ONE, holding(AGO))
    project(worker)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (lapsing.LOCK,))
        assert worker.lapsing.run() == 0
    with a_worker(settings) as another:
        assert another.lapsing.run() == 1


def test_an_event_that_can_not_be_read_is_logged_once(worker: Worker, database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    fill(database_url, ONE, holding(AGO))
    fill(database_url, TWO, holding(AGO))
    project(worker)
    with psycopg.connect(database_url) as connection:
        storage.store(connection, ONE, 3, "seats-swapped/7", b"{}")
    with caplog.at_level(logging.ERROR):
        assert worker.lapsing.run() == 1
        assert worker.lapsing.run() == 0
    assert [record.message for record in caplog.records] == [f"The due holds of event {ONE} can't lapse"]


# --- the gateway


def test_an_event_in_memory_is_caught_up(gateway: Gateway, database_url: str) -> None:
    fill(database_url, ONE, holding())
    booked = gateway.execute(about(ONE, s.book(s.ALICE)), s.NOW)
    with closing(Ledger(database_url, storage.MACS)) as other:
        other.execute(about(ONE, s.book(s.BOB)), s.NOW)
        event = gateway._events.get(ONE)
        again = gateway.execute(about(ONE, s.book(s.BOB)), s.NOW)
        assert [recorded.version for recorded in (*booked, *again)] == [2, 4]
        assert gateway._events.get(ONE) is event, "it was not loaded again"
        assert current(other, ONE).categories[1].taken == 3


def test_a_command_is_executed_once(gateway: Gateway, database_url: str) -> None:
    fill(database_url, ONE, holding())
    command = about(ONE, s.book(s.ALICE))
    assert len(gateway.execute(command, s.NOW)) == 1
    assert not gateway.execute(command, s.NOW)
    with closing(Gateway(Ledger(database_url, storage.MACS))) as restarted:
        assert not restarted.execute(command, s.NOW)


def test_refusals_are_raised(gateway: Gateway, database_url: str) -> None:
    fill(database_url, ONE, holding())
    with pytest.raises(NothingDue):
        gateway.execute(LapseHolds(**{**s.by(s.NOBODY), "event_id": ONE}), s.NOW)
    with pytest.raises(EventNotFound):
        gateway.execute(about(TWO, s.book(s.ALICE)), s.NOW)


def test_gateways_that_append_to_one_event_at_once_lose_nothing(database_url: str) -> None:
    """Each loses the first try at times, and none the second, which holds the ordering lock."""
    fill(database_url, ONE, holding())

    def sell(_: int) -> None:
        with closing(Gateway(Ledger(database_url, storage.MACS))) as gateway:
            for _ in range(25):
                assert len(gateway.execute(about(ONE, s.book(s.ALICE)), s.NOW)) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sell, range(4)))
    with closing(Ledger(database_url, storage.MACS)) as ledger:
        assert current(ledger, ONE).categories[1].taken == 100


def test_a_ledger_that_went_back_is_read_again(gateway: Gateway, database_url: str) -> None:
    fill(database_url, ONE, holding())
    for _ in range(2):
        gateway.execute(about(ONE, s.book(s.ALICE)), s.NOW)
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        connection.execute("DELETE FROM ledger_entries WHERE originator_version = 3")
        connection.execute("ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER append_only")
    [booked] = gateway.execute(about(ONE, s.book(s.BOB)), s.NOW)
    assert booked.version == 3
