"""The database is unavailable, hangs or recovers: each query returns or raises in time, and the next one succeeds."""

import asyncio
import time
from contextlib import closing
from dataclasses import replace

import pytest

from ledger.errors import Busy
from ledger.settings import Settings
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from query_api import queries
from query_api.database import Query, Row
from tests.query_api.world import Api, World, reading
from tests.waiting import until

#: Selects a rebuild that waits for the locks of its swap.
WAITING_REBUILD = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'seatledger-rebuild' AND wait_event_type = 'Lock'"""


class NumberRow(Row, frozen=True):
    number: int


class SleepRow(Row, frozen=True):
    transaction: int
    slept: str


class ViewerRow(Row, frozen=True):
    transaction: int
    viewer: str
    slept: str


SLEEP = Query("SELECT 1, 1, pg_sleep(5)::text", {}, (), SleepRow)


async def test_broken_connections_are_not_used(world: World, api: Api) -> None:
    for _ in range(3):
        assert (await api.get("/api/events")).status_code == 200
        world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seatledger-api'"
            " AND datname = current_database()"
        )
        await asyncio.sleep(0.05)
    assert (await api.get("/api/events")).status_code == 200


async def test_query_that_takes_too_long_is_busy(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2, database_pool_size=1)) as api:
        began = time.monotonic()
        with pytest.raises(Busy):
            await api.side.database.fetch(SLEEP)
        assert time.monotonic() - began < 3
        assert (await api.get("/api/events")).status_code == 200


async def test_wait_for_a_connection_is_bounded_and_loses_none(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2, database_pool_size=1)) as api:
        async with api.side.database.read_transaction(("catalogue",)):
            waiting = [asyncio.create_task(api.get("/api/events")) for _ in range(5)]
            cancelled = asyncio.create_task(api.side.database.fetch(SLEEP))
            await asyncio.sleep(0.1)
            cancelled.cancel()
            assert [(await request).status_code for request in waiting] == [503] * 5
        assert (await api.get("/api/events")).status_code == 200


async def test_cancelled_request_releases_its_connection(settings: Settings) -> None:
    async with reading(replace(settings, database_pool_size=1)) as api:
        for _ in range(3):
            task = asyncio.create_task(api.side.database.fetch(SLEEP))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait({task})
        assert (await asyncio.wait_for(api.get("/api/events"), 3)).status_code == 200


async def test_read_transaction_sees_one_moment(world: World, api: Api) -> None:
    count = Query("SELECT 1, count(*) FROM ledger_entries", {}, (), NumberRow)
    async with api.side.database.read_transaction(("catalogue",)) as transaction:
        before = (await transaction.fetch(count)).rows
        world.schedule()
        assert (await transaction.fetch(count)).rows == before
    assert (await api.side.database.fetch(count)).rows == [NumberRow(1)]


async def test_rebuild_waits_for_a_read_transaction(world: World, api: Api, settings: Settings) -> None:
    """Else the transaction would see neither the old rows, whose table is dropped, nor the new ones, which are younger than it."""
    booked = [world.book(world.schedule()) for _ in range(3)]
    world.project()
    query = queries.all_event_totals(None, "")
    with closing(Rebuilder(settings.database_url, world.ledger)) as rebuilder:
        async with api.side.database.read_transaction(query.projections) as transaction:
            await transaction.fetch(queries.projections_position(query.projections))
            rebuilding = asyncio.create_task(asyncio.to_thread(rebuilder.rebuild, [PROJECTORS["revenue"]]))
            await until(lambda: rebuilding.done() or world.sql(WAITING_REBUILD))
            pages = [page async for page in transaction.pages(query)]
        assert sum(map(len, pages)) == len(booked)
        assert [result.difference for result in await rebuilding] == [None]


async def test_concurrent_equal_queries_share_one_execution(api: Api) -> None:
    query = Query("SELECT 1, txid_current(), pg_sleep(0.2)::text", {}, (), SleepRow, shared=True)
    first, leaving, second = (asyncio.create_task(api.side.fetch(query)) for _ in range(3))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert (await first).rows == (await second).rows
    assert (await api.side.fetch(query)).rows != (await first).rows


async def test_different_queries_share_nothing(world: World, api: Api) -> None:
    """Queries for another viewer or with a position, and queries that are not `shared`, are executed by themselves."""
    world.book(world.schedule())
    world.project()
    sql = "SELECT 1, txid_current(), %(viewer)s::text, pg_sleep(0.1)::text"
    mine, theirs = (Query(sql, {"viewer": viewer}, ("revenue",), ViewerRow, shared=True) for viewer in "ab")
    responses = await asyncio.gather(*(api.side.fetch(query) for query in (mine, theirs, replace(mine, shared=False))))
    assert [result.rows[0].viewer for result in responses] == ["a", "b", "a"]
    assert len({result.rows[0].transaction for result in responses}) == 3
    asked = asyncio.create_task(api.side.fetch(mine))
    await asyncio.sleep(0.03)
    assert (await api.side.fetch(mine, at_least=1)).rows[0].transaction != (await asked).rows[0].transaction


async def test_shared_execution_that_fails_fails_only_for_its_callers(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2)) as api:
        asked = [api.side.fetch(replace(SLEEP, shared=True)) for _ in range(3)]
        assert [type(result) for result in await asyncio.gather(*asked, return_exceptions=True)] == [Busy] * 3
        assert (await api.side.fetch(Query("SELECT 1, 2", {}, (), NumberRow, shared=True))).rows == [NumberRow(2)]
