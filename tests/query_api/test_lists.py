"""Whole lists, for the other APIs: a few at once, the next when one ends, and nobody waits for ever."""

import asyncio
import time

import pytest

from ledger.errors import Busy
from ledger.settings import Settings
from query_api import queries
from tests.query_api.world import ORGANIZER, World, reading

QUERY = queries.all_event_totals(ORGANIZER.id, None)
TURN_SECONDS = 0.5


async def test_a_list_waits_for_its_turn_and_not_for_ever(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query_api.read_side.LISTS", (2, 1, TURN_SECONDS))
    world.schedule()
    world.project()
    async with reading(settings) as api:
        first, second, late, next_, last = (api.side.stream_latest_rows(QUERY) for _ in range(5))
        for one in (first, second):
            assert len(await anext(one)) == 1
        began = time.monotonic()
        with pytest.raises(Busy, match="Too many long lists"):
            await anext(late)
        assert TURN_SECONDS <= time.monotonic() - began < TURN_SECONDS + 1

        waiting = asyncio.ensure_future(anext(next_))
        await asyncio.sleep(0.05)
        with pytest.raises(Busy, match="Too many long lists"):  # at once: one waits already
            await anext(last)
        assert len(await api.side.fetch_latest_rows(QUERY)) == 1  # a few rows need no turn
        await first.aclose()
        assert len(await waiting) == 1
        for generator in (second, next_):
            await generator.aclose()
