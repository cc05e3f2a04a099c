"""Complete lists, for the other APIs: their concurrency, their wait queue and the wait are bounded."""

import asyncio
import time

import pytest

from ledger.errors import Busy
from ledger.settings import Settings
from query_api import queries
from tests.query_api.world import ORGANIZER, World, reading

QUERY = queries.all_event_totals(ORGANIZER.id, None)
WAIT_SECONDS = 0.5


async def test_long_list_waits_in_a_bounded_queue(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query_api.read_side.LISTS", (2, 1, WAIT_SECONDS))
    world.schedule()
    world.project()
    async with reading(settings) as api:
        first, second, late, next_, last = (api.side.stream_latest_rows(QUERY) for _ in range(5))
        for rows in (first, second):
            assert len(await anext(rows)) == 1
        began = time.monotonic()
        with pytest.raises(Busy, match="Too many long lists"):
            await anext(late)
        assert WAIT_SECONDS <= time.monotonic() - began < 10 * WAIT_SECONDS

        waiting = asyncio.ensure_future(anext(next_))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy, match="Too many long lists"):  # immediately: the queue is full
            await anext(last)
        assert len(await api.side.fetch_latest_rows(QUERY)) == 1  # a few rows need no slot
        await first.aclose()
        assert len(await waiting) == 1
        for generator in (second, next_):
            await generator.aclose()
