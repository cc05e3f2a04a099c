"""Regression tests: errors that made the appender respond wrongly, slowly or not at all."""

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger.errors import Busy
from ledger.event import Event
from ledger.streams import Streams
from tests.commands import selling as t


async def test_a_cancelled_check_for_a_disconnected_client_does_not_stop_the_appender(database_url: str) -> None:
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)

        async def is_disconnected() -> bool:
            raise asyncio.CancelledError

        async with t.blocked_appends(database_url):
            first = asyncio.create_task(appender.submit(t.book(event_id)))
            await t.wait_for_blocked_appends(database_url)
            asking = asyncio.create_task(appender.submit(t.book(event_id), is_disconnected))
            await asyncio.sleep(0.2)
        assert isinstance(await first, AcceptedCommand)
        with pytest.raises(Busy):
            await asking
        assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)


async def test_an_event_that_was_just_loaded_is_not_trimmed_before_its_command(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two Events that do not fit into the cache together and are both in use: they are not loaded for every command."""
    loads: list[UUID] = []
    load = Streams.load

    async def counting(self: Streams, stream: UUID, **how: Any) -> Event | None:
        loads.append(stream)
        return await load(self, stream, **how)

    monkeypatch.setattr(Streams, "load", counting)
    async with t.an_appender(database_url, cache_bytes=1) as appender:
        one, other = await t.scheduled(appender, capacity=500), await t.scheduled(appender, capacity=500)

        async def buy(event_id: UUID) -> list[object]:
            return [await appender.submit(t.book(event_id)) for _ in range(40)]

        bought = await asyncio.gather(*(buy(event_id) for event_id in (one, other) for _ in range(4)))
    assert sum(isinstance(outcome, AcceptedCommand) for outcomes in bought for outcome in outcomes) == 320
    print(f"{len(loads)} loads for 320 bookings of two Events that do not fit together")
    assert len(loads) <= 330


async def test_a_conflict_and_a_lost_connection_fail_no_command(database_url: str) -> None:
    async with t.an_appender(database_url) as here, t.an_appender(database_url) as there:
        event_id = await t.scheduled(here)
        await there.submit(t.book(event_id))
        assert isinstance(await here.submit(t.book(event_id)), AcceptedCommand)
        await there.submit(t.book(event_id))
        connection = cast(Any, here._connection)
        missed = connection.missed

        async def broken(known: object) -> object:
            connection.cut()
            return await missed(known)

        here._contention.locked_batches = 0
        connection.missed = broken
        assert isinstance(await here.submit(t.book(event_id)), AcceptedCommand)


async def test_closing_does_not_wait_for_a_silent_server(database_url: str) -> None:
    appender: Appender
    async with t.an_appender(database_url) as appender:
        event_id = await t.scheduled(appender)
        async with t.blocked_appends(database_url):
            waiting = asyncio.create_task(appender.submit(t.book(event_id)))
            await t.wait_for_blocked_appends(database_url)
            began = asyncio.get_running_loop().time()
            await appender.close(patience_seconds=0.1)
            assert asyncio.get_running_loop().time() - began < 2
        assert (await asyncio.gather(waiting, return_exceptions=True))[0] is not None
