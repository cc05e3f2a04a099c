"""Silent connections (a frozen server, a dropped NAT entry): a call on one is Busy in time, and the next call gets a new
connection."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

import migrations
from accounts.database import transaction
from app.draining import Draining
from app.readiness import Readiness
from commands.appender.batch import AcceptedCommand
from devstack.server_files import temporary_directory
from devstack.servers import own_postgres
from ledger.errors import Busy
from ledger.macs import MacCheck
from ledger.pool import Pool, connection, make_pool
from ledger.settings import Settings
from ledger.streams import Streams
from query_api.database import Database, Query, Row
from tests.commands import selling as t
from tests.conftest import PostgresServer
from tests.ledger import storage

LONG = UUID(int=0x1046)


class OneRow(Row, frozen=True):
    one: int
    other: int


QUERY = Query("SELECT 1, 1", {}, (), OneRow)
#: The same, after the position that it is as of.
ANCHORED_QUERY = Query("SELECT 1, 1, 1", {}, (), OneRow)


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for these tests alone: while one of its processes is stopped, databases can't be created or dropped."""
    with temporary_directory() as directory, own_postgres(directory) as url, closing(PostgresServer(url, "silent_")) as server:
        yield server


@pytest.fixture(scope="module")
def template_database(postgres_server: PostgresServer) -> str:
    migrations.upgrade(postgres_server.create("template"))
    return f"{postgres_server.prefix}template"


@pytest.fixture
def database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """The database exists before, and is not dropped during, the test."""
    yield postgres_server.create("one", template_database)
    postgres_server.drop("one")


@contextmanager
def silent(database_url: str) -> Iterator[int]:
    """The connections that the pools have to this test's own database go silent, later ones do not. How many they are.

    Only idle ones: a process that is stopped while it holds a lock of the server's would stop the other tests' databases too."""
    query = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'seatledger-api' AND state = 'idle'"""
    with psycopg.connect(database_url, autocommit=True) as watcher:
        pids = [pid for (pid,) in watcher.execute(query).fetchall()]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield len(pids)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with make_pool(settings) as pool:
        await pool.wait()
        yield pool


async def load(pool: Pool) -> object:
    return await Streams(pool, MacCheck(storage.MACS)).load(LONG)


async def entries(pool: Pool) -> object:
    return await Streams(pool, MacCheck(storage.MACS)).entries(LONG, [1, 2])


async def head(pool: Pool) -> object:
    return await Streams(pool, MacCheck(storage.MACS)).head()


async def account(pool: Pool) -> object:
    async with transaction(pool) as cursor:
        await cursor.execute("SELECT 1")
        return await cursor.fetchone()


async def query(pool: Pool) -> object:
    return await Database(pool, seconds=2).fetch_rows(QUERY)


async def snapshot(pool: Pool) -> object:
    async with Database(pool, seconds=2).read_transaction(("catalogue",)) as one:
        return await one.fetch(ANCHORED_QUERY)


async def ready(pool: Pool) -> object:
    await Readiness(pool, Draining()).check()
    return "ready"


@pytest.mark.parametrize("use", [load, entries, head, account, query, snapshot, ready])
async def test_a_silent_connection_is_busy_in_time_and_replaced(
    use: Callable[[Pool], Awaitable[object]], pool: Pool, database_url: str
) -> None:
    t.fill(database_url, LONG, capacity=10, bookings=5)
    with silent(database_url) as count:
        assert count == 2
        began = time.monotonic()
        with pytest.raises(Busy):
            await use(pool)
        assert time.monotonic() - began < 3
        began = time.monotonic()
        assert await use(pool)
        assert time.monotonic() - began < 1.9  # less than one more that is given up
    assert await use(pool)


async def test_concurrent_calls_on_silent_connections_are_busy_and_the_pool_recovers(pool: Pool, database_url: str) -> None:
    t.fill(database_url, LONG, capacity=10, bookings=5)
    size = pool.max_size
    with silent(database_url):
        began = time.monotonic()
        outcomes = await asyncio.gather(*(head(pool) for _ in range(4 * size)), return_exceptions=True)
        assert time.monotonic() - began < 3
        assert {type(outcome) for outcome in outcomes} == {Busy, int}
        assert await asyncio.gather(*(head(pool) for _ in range(4 * size))) == [6] * (4 * size)
        async with asyncio.timeout(2), asyncio.TaskGroup() as group:
            everyone = asyncio.Barrier(size)
            for _ in range(size):
                group.create_task(_hold(pool, everyone))


async def _hold(pool: Pool, everyone: asyncio.Barrier) -> None:
    """Takes all connections of the pool together: none was lost."""
    async with connection(pool, 2.0) as taken:
        await everyone.wait()
        await taken.execute("SELECT 1")


async def test_a_load_from_a_silent_database_is_busy_in_time_and_recovers(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        appender.cache.drop(event_id)
        with silent(database_url):
            began = time.monotonic()
            with pytest.raises(Busy):
                await appender.submit(t.book(event_id))
            assert time.monotonic() - began < 3
            began = time.monotonic()
            assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)
            assert time.monotonic() - began < 1.9


async def test_returning_an_open_transaction_does_not_wait_for_a_silent_server(settings: Settings) -> None:
    async with make_pool(replace(settings, database_pool_size=1)) as pool:
        async with connection(pool, 5.0) as taken:
            pid = taken.info.backend_pid
            await taken.execute("BEGIN")
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
        try:
            assert time.monotonic() - began < 1.5
            assert await head(pool) == 0
            assert time.monotonic() - began < 4
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_no_connection_is_held_while_a_long_stream_is_applied(settings: Settings, database_url: str) -> None:
    t.fill(database_url, LONG, capacity=20_000, bookings=10_000)
    async with make_pool(replace(settings, database_pool_size=1)) as pool:
        loading = asyncio.create_task(load(pool))
        others = 0
        while not loading.done():
            await head(pool)
            others += not loading.done()
        assert await loading
    assert others > 3


async def test_a_short_time_limit_does_not_replace_other_connections(pool: Pool) -> None:
    async with connection(pool, 5.0) as other:
        with pytest.raises(Busy):
            async with connection(pool, 0.3) as taken:
                await taken.execute("SELECT pg_sleep(5)")
        pid = other.info.backend_pid
    async with connection(pool, 5.0) as first, connection(pool, 5.0) as second:
        assert pid in (first.info.backend_pid, second.info.backend_pid)
