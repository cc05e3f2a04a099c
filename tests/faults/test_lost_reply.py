"""The reply to COMMIT is lost. The response is the committed booking, and it exists once (R3).

SOAK=1 runs 200 rounds instead of 20.
"""

from functools import partial
from time import monotonic

import pytest

from commands.appender.batch import AcceptedCommand, RepeatedCommand
from ledger.connection import LedgerConnection
from ledger.errors import OutcomeUnknown
from tests.commands import selling as t
from tests.faults.losing_proxy import losing_proxy
from tests.ledger import storage
from tests.soak import rounds

ROUNDS = rounds(20, 200)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rivals", [0, 1], ids=["optimistic", "under the lock"])
async def test_lost_reply_to_commit_loses_no_booking(database_url: str, rivals: int) -> None:
    """With a competing process that always appends first, the append is the second attempt, under the lock."""
    longest = 0.0
    async with (
        losing_proxy(database_url) as proxy,
        t.an_appender(database_url) as rival,
        t.an_appender(database_url, partial(LedgerConnection.connect, proxy.url, storage.MACS)) as appender,
    ):
        event_id = await t.scheduled(appender, capacity=4 * ROUNDS)
        for number in range(1, ROUNDS + 1):
            await t.outcomes(rival, [t.book(event_id) for _ in range(rivals)])
            commands = [t.book(event_id) for _ in range(3)]
            proxy.armed, began = True, monotonic()
            outcomes = await t.outcomes(appender, commands)
            longest = max(longest, monotonic() - began)
            stands = {recorded.entry.command: recorded.version for recorded in await t.stream_of(database_url, event_id)}
            assert outcomes == [RepeatedCommand(event_id, stands[command.id], (stands[command.id],)) for command in commands]
            assert proxy.lost == number
    booked = await t.bookings_of(database_url, event_id)
    print(f"R3: {proxy.lost} replies lost, {len(booked)} bookings stand once each; the longest answer took {longest:.2f} s")
    assert len(booked) == ROUNDS * (3 + rivals)
    assert longest < 2.5


async def test_frozen_connection_is_closed_and_replaced(database_url: str) -> None:
    async with losing_proxy(database_url) as proxy:
        connect = partial(LedgerConnection.connect, proxy.url, storage.MACS)
        async with t.an_appender(database_url, connect, timeout_seconds=0.5) as appender:
            event_id = await t.scheduled(appender)
            first = t.book(event_id)
            await appender.submit(first)  # prepares the statement
            unheard, next_one, began = t.book(event_id), t.book(event_id), monotonic()
            proxy.freeze()
            with pytest.raises(OutcomeUnknown):
                await appender.submit(unheard)
            assert isinstance((await t.insist(appender, next_one))[0], AcceptedCommand)
            seconds = monotonic() - began
            assert await appender.submit(unheard) == RepeatedCommand(event_id, 3, (3,))
        assert await t.bookings_of(database_url, event_id) == [first.id, unheard.id, next_one.id]
    print(f"a frozen connection: the next booking {seconds:.2f} s later, where a command may take 0.5 s")
    assert seconds < 3
