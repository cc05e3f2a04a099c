"""The ledger's rows: both writers give the same rows in one order, and they can't be changed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import cache
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from eventsourcing.persistence import IntegrityError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import NullPool, create_engine, text

import migrations
from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger import entries as e
from ledger.connection import LedgerConnection, VersionConflict
from ledger.mapper import encode
from ledger.pool import make_pool
from ledger.recorder import MAX_APPEND, MAX_APPEND_BYTES
from ledger.settings import Settings
from ledger.store import Ledger, sqlalchemy_url
from tests.commands import selling as t
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.waiting import until

ONE, TWO = UUID(int=0x51), UUID(int=0x52)
APPEND = "SELECT * FROM ledger_append(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[])"


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(database_url, storage.MACS)
    yield ledger
    ledger.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[LedgerConnection]:
    connection = await LedgerConnection.connect(database_url, storage.MACS)
    yield connection
    await connection.close()


@cache
def story(stream: UUID) -> list[e.RecordedEntry]:
    back = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True)
    return [
        e.RecordedEntry(stream, n, entry) for n, entry in enumerate([s.scheduled(), s.booked(s.ALICE, s.general(1)), back], start=1)
    ]


def placed(recorded: list[e.RecordedEntry], positions: list[int]) -> list[e.RecordedEntry]:
    return [msgspec.structs.replace(entry, position=position) for entry, position in zip(recorded, positions, strict=True)]


async def append(connection: LedgerConnection, recorded: list[e.RecordedEntry]) -> list[int]:
    """As somebody who knows only the versions; returns the positions."""
    return [appended.position for appended in await connection.append(recorded, {})]


async def test_entries_of_the_appender_are_read_by_the_library(ledger: Ledger, connection: LedgerConnection) -> None:
    positions = await append(connection, story(ONE) + story(TWO))
    assert positions == sorted(positions)
    assert storage.without_macs(ledger.read(0, 10)) == placed(story(ONE) + story(TWO), positions)
    assert storage.without_macs(ledger.stream(TWO)) == placed(story(TWO), positions[3:])
    assert storage.without_macs(ledger.stream(TWO, after=1, until=2)) == placed(story(TWO)[1:2], positions[4:5])
    assert ledger.head() == positions[-1]


async def test_entries_of_the_library_are_read_by_the_appender(
    appender: Appender, ledger: Ledger, connection: LedgerConnection
) -> None:
    positions = await asyncio.to_thread(storage.append, ledger, story(ONE))
    missed = await connection.missed({ONE: e.EMPTY_STREAM})
    assert [msgspec.structs.replace(recorded, mac=None) for recorded in missed] == placed(story(ONE), positions)
    assert await connection.ends([ONE, TWO]) == {ONE: missed[-1].end}
    outcome = await appender.submit(t.book(ONE, quantity=10))
    assert isinstance(outcome, AcceptedCommand)
    assert outcome.recorded[0].version == 4


async def test_appender_and_library_write_the_same_rows(database_url: str, ledger: Ledger, connection: LedgerConnection) -> None:
    await append(connection, story(ONE))
    await asyncio.to_thread(storage.append, ledger, story(TWO))
    query = "SELECT originator_version, topic, state, mac FROM ledger_entries WHERE originator_id = %s ORDER BY 1"
    with psycopg.connect(database_url) as plain:
        rows = [plain.execute(query, (stream,)).fetchall() for stream in (ONE, TWO)]
    assert [row[:2] for row in rows[0]] == [row[:2] for row in rows[1]]
    booked = (2, "seats-booked/1", encode(story(ONE)[1].entry))
    assert rows[0][1] == (*booked, storage.MACS.compute(ONE, *booked))
    assert all(storage.MACS.verify(mac, TWO, *row) for *row, mac in rows[1])


@pytest.mark.parametrize("version", [1, 3])
async def test_a_version_is_appended_once_by_whichever_writer(ledger: Ledger, connection: LedgerConnection, version: int) -> None:
    await append(connection, story(ONE))
    again = e.RecordedEntry(ONE, version, s.event_completed())
    with pytest.raises(VersionConflict):
        await append(connection, [e.RecordedEntry(TWO, 1, s.scheduled()), again])
    with pytest.raises(IntegrityError):
        await asyncio.to_thread(storage.append, ledger, [again])
    assert [len(list(ledger.stream(stream))) for stream in (ONE, TWO)] == [3, 0]


async def test_a_long_batch_gets_positions_in_its_order(ledger: Ledger, connection: LedgerConnection) -> None:
    streams = [uuid4() for _ in range(7)]
    run = [e.RecordedEntry(stream, version, s.event_completed()) for version in range(1, 60) for stream in streams]
    positions = await append(connection, run)
    assert positions == list(range(positions[0], positions[0] + len(run)))
    assert storage.without_macs(ledger.read(0, 1_000)) == placed(run, positions)


async def test_no_reader_passes_an_append_that_is_not_committed_yet(appender: Appender, database_url: str, ledger: Ledger) -> None:
    first = story(ONE)[:1]
    async with await psycopg.AsyncConnection.connect(database_url) as slow:
        rows = await slow.execute(APPEND, ([ONE], [1], ["event-scheduled/1"], [encode(first[0].entry)]))
        [(held_position,)] = await rows.fetchall()
        waiting = t.send(appender, t.schedule())
        library = asyncio.create_task(asyncio.to_thread(storage.append, ledger, story(TWO)))
        await t.wait_for_blocked_appends(database_url, 2)
        reader = Ledger(database_url)
        assert (reader.read(0, 10), reader.head()) == ([], 0)
        assert not waiting[0].done()
        assert not library.done()
        await slow.commit()
    positions = [outcome.recorded[0].position for outcome in await t.answers(waiting)] + await library
    assert held_position < min(positions)
    assert [recorded.position for recorded in reader.read(0, 10)] == sorted([held_position, *positions])
    reader.close()


def test_an_append_is_bounded_in_entries_and_in_bytes(ledger: Ledger) -> None:
    """Well below some 500,000 bytes, at which the library's pipeline hangs for ever."""
    long = msgspec.structs.replace(s.scheduled().details, description="x" * 1_000)
    entry = msgspec.structs.replace(s.scheduled(), details=long)
    run = [e.RecordedEntry(uuid4(), 1, entry) for _ in range(MAX_APPEND_BYTES // len(encode(entry)))]
    assert len(storage.append(ledger, run)) == len(run)
    with pytest.raises(ValueError, match="at most 262144 bytes"):
        storage.append(ledger, [e.RecordedEntry(uuid4(), 1, entry), *run])
    with pytest.raises(ValueError, match="2001 entries at once; at most 2000"):
        storage.append(ledger, [e.RecordedEntry(uuid4(), 1, s.event_completed())] * (MAX_APPEND + 1))
    assert len(ledger.read(0, 1_000)) == len(run)


async def test_readers_accept_gaps_between_positions(connection: LedgerConnection, ledger: Ledger) -> None:
    await append(connection, story(ONE)[:1])
    with pytest.raises(VersionConflict):
        await append(connection, story(ONE)[:1])
    await append(connection, story(ONE)[1:])
    first, second, third = ledger.read(0, 10)
    assert second.position > first.position + 1
    assert ledger.read(first.position, 1) == [second]
    assert ledger.read(first.position + 1, 10) == [second, third]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET state = ''",
        "UPDATE ledger_entries SET notification_id = 9 WHERE false",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "TRUNCATE ledger_entries CASCADE",
        "INSERT INTO ledger_entries TABLE ledger_entries ON CONFLICT (originator_id, originator_version) DO UPDATE SET state = ''",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica", "local"])
async def test_entries_can_t_be_changed_or_removed(
    database_url: str, connection: LedgerConnection, statement: str, role: str
) -> None:
    await append(connection, story(ONE))
    with psycopg.connect(database_url, autocommit=True) as plain:
        try:
            plain.execute(f"SET session_replication_role = {role}")
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("only a superuser of the database may try this")
        with pytest.raises(psycopg.errors.RaiseException, match="the ledger is append-only"):
            plain.execute(statement)
    assert (await connection.ends([ONE]))[ONE].version == 3


async def test_a_subscription_skips_other_topics(ledger: Ledger, connection: LedgerConnection) -> None:
    """Otherwise each poll would search the rest of the ledger for a rare topic."""
    positions = await append(connection, story(ONE))
    with ledger.recorder.subscribe(gt=0, topics=("event-completed/1",)) as subscription:
        await until(lambda: subscription._last_notification_id == positions[-1])
        (last,) = await append(connection, [e.RecordedEntry(ONE, 4, s.event_completed())])
        assert (await asyncio.to_thread(next, subscription)).id == last


def test_an_import_may_be_slow_but_its_wait_for_the_lock_is_bounded(ledger: Ledger) -> None:
    with ledger.import_transaction() as (_, connection):
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        rows = [connection.execute(f"SHOW {name}").fetchone() for name in names]
    assert [dict(row or {}).get(name) for name, row in zip(names, rows, strict=True)] == ["0", "0", "5s"]


async def test_no_foreign_key_points_at_the_ledger(database_url: str) -> None:
    with psycopg.connect(database_url) as plain:
        foreign_keys = plain.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confrelid = 'ledger_entries'::regclass"
        )
        assert foreign_keys.fetchall() == []


async def test_an_append_does_not_block_vacuum_and_analyze(database_url: str) -> None:
    async with t.blocked_appends(database_url):
        with psycopg.connect(database_url, autocommit=True, options="-c lock_timeout=1000") as plain:
            plain.execute("VACUUM ANALYZE ledger_entries")


async def test_several_hosts(database_url: str, ledger: Ledger, connection: LedgerConnection) -> None:
    """As of a primary and a standby, whichever is which: every client goes on to the host that can be written to."""
    parameters = conninfo_to_dict(database_url)
    user, name = parameters["user"], parameters["dbname"]
    hosts, ports = f"127.0.0.1,{parameters['host']}", f"1,{parameters.get('port', 5432)}"  # nobody listens at the first
    url = f"postgresql://{user}@/{name}?host={quote(hosts, safe='')}&port={ports}&target_session_attrs=read-write"
    await append(connection, story(ONE))
    other = await LedgerConnection.connect(url, storage.MACS)
    assert (await other.ends([ONE]))[ONE].version == 3
    await other.close()
    with closing(Ledger(url)) as several:
        assert several.head() == ledger.head()
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connected:
        assert connected.scalar(text("SELECT count(*) FROM ledger_entries")) == 3
    migrations.upgrade(url)
    assert str(sqlalchemy_url("postgresql://a:b@h1:5433,h2:5434/d?sslmode=require").query["port"]) == "5433,5434"


async def test_options_of_the_database_url_are_kept(database_url: str) -> None:
    joint = "&" if "?" in database_url else "?"
    url = f"{database_url}{joint}options=-c%20lock_timeout%3D1234"
    query = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    connection = await LedgerConnection.connect(url, storage.MACS)
    rows = await connection._cursor.execute(query)
    assert await rows.fetchone() == ("1234ms", "2s")
    await connection.close()
    async with make_pool(Settings(database_url=url)) as pool, pool.connection() as pooled:
        assert await (await pooled.execute(query)).fetchone() == ("1234ms", "2s")
