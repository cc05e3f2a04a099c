"""A refusal appends nothing, so the appender has to check that it is current before returning it."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger import entries as e
from ledger.connection import MISSED_LIMIT
from ledger.errors import EventNotBookable, SoldOut, TicketAlreadyUsed
from tests.commands import selling as t
from tests.ledger import scenario as s


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Appender]:
    async with t.an_appender(database_url) as one:
        yield one


async def test_a_seat_that_was_cancelled_elsewhere_is_sold_here(appender: Appender, other: Appender) -> None:
    event_id = await t.scheduled(appender, capacity=1)
    booking = t.book(event_id)
    await appender.submit(booking)
    await other.submit(t.cancel(event_id, booking.id))
    assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)


async def test_a_seat_goes_back_and_forth_between_two_processes(appender: Appender, other: Appender) -> None:
    event_id = await t.scheduled(appender, capacity=1)
    here, there = appender, other
    for _ in range(10):
        booking = t.book(event_id)
        assert isinstance(await here.submit(booking), AcceptedCommand)
        with pytest.raises(SoldOut):
            await there.submit(t.book(event_id))
        await there.submit(t.cancel(event_id, booking.id))
        here, there = there, here


async def test_a_ticket_used_elsewhere_is_refused_here(appender: Appender, other: Appender) -> None:
    event_id = await t.scheduled(appender)
    booking = t.book(event_id)
    await appender.submit(booking)
    await other.submit(t.check_in(event_id, booking.id))
    with pytest.raises(TicketAlreadyUsed):
        await appender.submit(t.check_in(event_id, booking.id))


async def test_an_event_cancelled_elsewhere_sells_nothing_here(appender: Appender, other: Appender) -> None:
    event_id = await t.scheduled(appender)
    await other.submit(t.cancel_event(event_id))
    with pytest.raises(EventNotBookable):
        await appender.submit(t.book(event_id))


async def test_outdated_and_current_refusals_of_a_batch_are_distinguished(appender: Appender, other: Appender) -> None:
    stale, current = await t.scheduled(appender, capacity=1), await t.scheduled(appender, capacity=1)
    booking = t.book(stale)
    await t.outcomes(appender, [booking, t.book(current)])
    await other.submit(t.cancel(stale, booking.id))
    outcomes = await t.outcomes(appender, [t.book(current), t.book(stale), t.book(stale)])
    assert [type(outcome) for outcome in outcomes] == [SoldOut, AcceptedCommand, SoldOut]


async def test_a_refusal_costs_no_append(appender: Appender) -> None:
    event_id = await t.scheduled(appender, capacity=1)
    await appender.submit(t.book(event_id))
    before = appender.appends
    outcomes = await t.outcomes(appender, [t.book(event_id) for _ in range(20)])
    assert (t.count(SoldOut, outcomes), appender.appends) == (20, before)


@pytest.mark.parametrize("missed", [MISSED_LIMIT - 1, MISSED_LIMIT, MISSED_LIMIT + 1, 2 * MISSED_LIMIT + 1])
@pytest.mark.parametrize("contended", [False, True])
async def test_an_event_far_behind_is_loaded_before_a_refusal(
    appender: Appender, database_url: str, missed: int, contended: bool
) -> None:
    """Another process appended very many entries, the last of which frees the requested seat."""
    event_id, seats = UUID(int=0xFA2), 3 * MISSED_LIMIT + 10
    t.fill(database_url, event_id, capacity=seats, bookings=seats)
    with pytest.raises(SoldOut):
        await t.insist(appender, t.book(event_id))
    # As after a batch that found entries of another process under the lock: the next one takes the lock first.
    appender._contention.locked_batches = contended
    version = seats + 1
    used = [e.RecordedEntry(event_id, version + n, s.used(0, booking=UUID(int=n))) for n in range(1, missed)]
    back = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=UUID(int=seats))
    t.copy(database_url, [*used, e.RecordedEntry(event_id, version + missed, back)])
    assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)
