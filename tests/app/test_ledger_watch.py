"""The watch notices by itself that the ledger went back, or that tables were rebuilt, in a process that appends nothing;
and by it the process goes by the clock of the database."""

import asyncio
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from app.ledger_watch import LedgerWatch
from ledger.anchor import Anchor
from ledger.database_clock import DatabaseClock
from ledger.errors import Busy
from ledger.pool import make_pool
from ledger.settings import Settings
from ledger.store import Ledger
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.conftest import PostgresServer
from tests.ledger import scenario as s
from tests.ledger import storage


async def _look(watch: LedgerWatch) -> None:
    """Tries again, as it does by itself."""
    for _ in range(50):
        try:
            return await watch.look()
        except Busy:
            await asyncio.sleep(0.05)
    raise AssertionError("the database is unavailable")


async def test_ledger_that_went_back(database_url: str, postgres_server: PostgresServer) -> None:
    lost, anchor = list[int](), Anchor()
    anchor.on_loss(lambda: lost.append(anchor.position))
    with closing(Ledger(database_url, storage.MACS)) as ledger:
        ledger.execute(s.schedule(), s.NOW)
        backup = await asyncio.to_thread(postgres_server.back_up, database_url)
        await asyncio.to_thread(ledger.execute, s.book(s.ALICE), s.NOW)
        async with make_pool(Settings(database_url=database_url)) as pool:
            watch = LedgerWatch(pool, anchor, DatabaseClock(), on_rebuild=lambda: None)
            await _look(watch)
            assert anchor.position == ledger.head()
            await asyncio.to_thread(postgres_server.restore, database_url, backup)
            await asyncio.to_thread(ledger.execute, s.book(s.BOB), s.NOW)  # at the same position
            for _ in range(3):
                await _look(watch)
            assert lost == [0], "once"
            assert anchor.position == ledger.head()


async def test_tables_that_were_rebuilt(database_url: str) -> None:
    rebuilt, anchor = list[int](), Anchor()
    with closing(Ledger(database_url, storage.MACS)) as ledger, closing(Rebuilder(database_url, ledger)) as rebuilder:
        async with make_pool(Settings(database_url=database_url)) as pool:
            watch = LedgerWatch(pool, anchor, DatabaseClock(), on_rebuild=lambda: rebuilt.append(1))
            await _look(watch)
            await asyncio.to_thread(rebuilder.rebuild, [PROJECTORS["availability"]])
            await _look(watch)
            await _look(watch)
    assert rebuilt == [1]


async def test_clock_that_is_an_hour_ahead(database_url: str) -> None:
    clock = DatabaseClock(time_of_day=lambda: time.time() + 3_600)
    async with make_pool(Settings(database_url=database_url)) as pool:
        await _look(LedgerWatch(pool, Anchor(), clock, on_rebuild=lambda: None))
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=60)
