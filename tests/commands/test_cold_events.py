"""The whole API: an Event can be loaded while queries use all connections of the read pool."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from app.main import bootstrap
from commands.write_side import WriteSide
from ledger.pool import connection
from ledger.settings import Settings
from query_api.read_side import ReadSide
from tests.commands import selling as t

COLD = UUID(int=0xC01D)


async def test_an_event_is_loaded_while_readers_hold_every_connection(
    settings: Settings, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.gc_tuning.tune", lambda: None)  # it is for a process of its own
    t.fill(database_url, COLD, capacity=1_000, bookings=500)
    app = bootstrap(replace(settings, database_pool_size=3, redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        read_side, write_side = app.state.read_side, app.state.write_side
        assert isinstance(read_side, ReadSide)
        assert isinstance(write_side, WriteSide)
        for _ in range(3):
            await stack.enter_async_context(connection(read_side.database._pool, 10.0))
        event = await write_side.command_service.last_seen_event(COLD)
        assert event is not None
        assert event.version == 501
