"""Whether a process is ready on a database that another release has migrated, and how often it asks."""

import asyncio
from contextlib import suppress

import psycopg
import pytest

import migrations
from app import readiness
from app.draining import Draining
from app.readiness import Readiness
from ledger.errors import Busy
from ledger.pool import make_pool
from ledger.settings import Settings


async def is_ready(url: str) -> bool:
    async with make_pool(Settings(database_url=url)) as pool:
        with suppress(Busy):
            await Readiness(pool, Draining()).check()
            return True
    return False


@pytest.mark.parametrize(("revision", "ready"), [("0001", False), (migrations.head(), True), ("0999", True)])
async def test_process_is_ready_on_a_database_of_its_own_or_a_later_release(database_url: str, revision: str, ready: bool) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    assert await is_ready(database_url) is ready


async def test_empty_database_is_not_ready(empty_database_url: str) -> None:
    assert not await is_ready(empty_database_url)


async def test_database_is_asked_once_a_second_however_many_ask(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "CACHE_SECONDS", 60.0)
    with psycopg.connect(database_url, autocommit=True) as connection:
        async with make_pool(Settings(database_url=database_url)) as pool:
            asked = Readiness(pool, Draining())
            await asyncio.gather(*(asked.check() for _ in range(50)))
            await asked.check()
            count = connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'seatledger_ready'").fetchone()
    assert count == (1,), "the connections that wrote, each of which has this table"
