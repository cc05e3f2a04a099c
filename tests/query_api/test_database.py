"""The database goes away, hangs, comes back: an answer in time, and the next one is good."""

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
from tests.query_api.world import Api, World, reading, until

#: A rebuild that has come to its swap.
WAITS = """
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


async def test_broken_connections_are_not_given_out(world: World, api: Api) -> None:
    for _ in range(3):
        assert (await api.get("/api/events")).status_code == 200
        world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seatledger-api'"
            " AND datname = current_database()"
        )
        await asyncio.sleep(0.05)
    assert (await api.get("/api/events")).status_code == 200


async def test_a_query_is_bounded_and_one_that_breaks_is_busy(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2, database_pool_size=1)) as api:
        began = time.monotonic()
        with pytest.raises(Busy):
            await api.side.database.fetch(SLEEP)
        assert time.monotonic() - began < 3
        assert (await api.get("/api/events")).status_code == 200


async def test_who_waits_in_vain_for_a_connection_is_told_so_and_none_is_lost(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2, database_pool_size=1)) as api:
        async with api.side.database.read_transaction(("catalogue",)):
            waiting = [asyncio.create_task(api.get("/api/events")) for _ in range(5)]
            cancelled = asyncio.create_task(api.side.database.fetch(SLEEP))
            await asyncio.sleep(0.1)
            cancelled.cancel()
            assert [(await one).status_code for one in waiting] == [503] * 5
        assert (await api.get("/api/events")).status_code == 200


async def test_a_request_that_is_cancelled_gives_its_connection_back(settings: Settings) -> None:
    async with reading(replace(settings, database_pool_size=1)) as api:
        for _ in range(3):
            task = asyncio.create_task(api.side.database.fetch(SLEEP))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.wait({task})
        assert (await asyncio.wait_for(api.get("/api/events"), 3)).status_code == 200


async def test_a_snapshot_sees_one_state(world: World, api: Api) -> None:
    count = Query("SELECT 1, count(*) FROM ledger_entries", {}, (), NumberRow)
    async with api.side.database.read_transaction(("catalogue",)) as transaction:
        before = (await transaction.fetch(count)).rows
        world.schedule()
        assert (await transaction.fetch(count)).rows == before
    assert (await api.side.database.fetch(count)).rows == [NumberRow(1)]


async def test_a_rebuild_takes_nothing_away_from_a_snapshot(world: World, api: Api, settings: Settings) -> None:
    """It would see neither the old rows, whose table is gone, nor the new ones, which are younger than itself."""
    booked = [world.book(world.schedule()) for _ in range(3)]
    world.project()
    query = queries.all_event_totals(None, "")
    with closing(Rebuilder(settings.database_url, world.ledger)) as rebuilder:
        async with api.side.database.read_transaction(query.reads) as transaction:
            await transaction.fetch(queries.projections_position(query.reads))
            rebuilding = asyncio.create_task(asyncio.to_thread(rebuilder.rebuild, [PROJECTORS["revenue"]]))
            await until(lambda: rebuilding.done() or world.sql(WAITS))
            pages = [page async for page in transaction.pages(query)]
        assert sum(map(len, pages)) == len(booked)
        assert [one.difference for one in await rebuilding] == [None]


async def test_those_who_ask_the_same_at_once_get_one_answer(api: Api) -> None:
    query = Query("SELECT 1, txid_current(), pg_sleep(0.2)::text", {}, (), SleepRow, shared=True)
    first, leaving, second = (asyncio.create_task(api.side.fetch(query)) for _ in range(3))
    await asyncio.sleep(0.05)
    leaving.cancel()
    assert (await first).rows == (await second).rows
    assert (await api.side.fetch(query)).rows != (await first).rows


async def test_others_share_nothing(world: World, api: Api) -> None:
    """Not who asks for another viewer, nor who asks for a position of their own, nor of what is not to be shared."""
    world.book(world.schedule())
    world.project()
    sql = "SELECT 1, txid_current(), %(viewer)s::text, pg_sleep(0.1)::text"
    mine, theirs = (Query(sql, {"viewer": one}, ("revenue",), ViewerRow, shared=True) for one in "ab")
    answers = await asyncio.gather(*(api.side.fetch(one) for one in (mine, theirs, replace(mine, shared=False))))
    assert [one.rows[0].viewer for one in answers] == ["a", "b", "a"]
    assert len({one.rows[0].transaction for one in answers}) == 3
    asked = asyncio.create_task(api.side.fetch(mine))
    await asyncio.sleep(0.03)
    assert (await api.side.fetch(mine, at_least=1)).rows[0].transaction != (await asked).rows[0].transaction


async def test_an_answer_that_breaks_breaks_for_all_who_wait_and_for_nobody_else(world: World, settings: Settings) -> None:
    async with reading(replace(settings, query_timeout_seconds=0.2)) as api:
        asked = [api.side.fetch(replace(SLEEP, shared=True)) for _ in range(3)]
        assert [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)] == [Busy] * 3
        assert (await api.side.fetch(Query("SELECT 1, 2", {}, (), NumberRow, shared=True))).rows == [NumberRow(2)]
