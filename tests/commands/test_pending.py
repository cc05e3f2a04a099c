"""Pending requests: each of them is in one state, and is resolved in the end."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from commands.appender.pending import CHECK_AFTER_SECONDS, PendingRequest, PendingRequests, withdraw_disconnected
from ledger.commands import Actor, Role
from ledger.errors import Busy, OutcomeUnknown
from tests.commands import selling as t

ONE, TWO = UUID(int=1), UUID(int=2)


def queue(requests: PendingRequests, *streams: UUID) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(requests.outcome(stream, t.book(stream))) for stream in streams]


async def take(requests: PendingRequests) -> list[PendingRequest]:
    await asyncio.sleep(0)
    return list(iter(requests.next_queued, None))


async def test_requests_are_taken_in_order_of_arrival() -> None:
    requests = PendingRequests(10, 1.0)
    callers = queue(requests, ONE, TWO, ONE)
    taken = await take(requests)
    assert [request.stream for request in taken] == [ONE, TWO, ONE]
    assert (len(requests), requests.queue_changed.is_set()) == (3, True)
    for number, request in enumerate(taken):
        request.resolve(number)
    assert await t.answers(callers) == [0, 1, 2]
    assert len(requests) == 0


async def test_accounts_take_turns_by_weight() -> None:
    requests = PendingRequests(100, 1.0)
    accounts = {name: Actor(uuid4(), Role.CUSTOMER) for name in "ABC"}
    wanted = [("A", 1_000), *[("A", 1)] * 3, ("B", 1), ("C", 19), ("B", 1), ("C", 45)]
    callers = []
    for name, quantity in wanted:
        command = msgspec.structs.replace(t.book(ONE, quantity=quantity), actor=accounts[name])
        callers.append(asyncio.create_task(requests.outcome(ONE, command)))
    taken = await take(requests)
    names = {account.id: name for name, account in accounts.items()}
    assert "".join(names[request.command.actor.id] for request in taken if request.command) == "BCBCAAAA"
    requests.give_up_all()
    for request in taken:
        request.give_up()
    await t.answers(callers)


async def test_what_is_put_back_keeps_its_turn_and_others_come_in_between() -> None:
    requests = PendingRequests(100, 1.0)
    first, second = (Actor(uuid4(), Role.CUSTOMER) for _ in "AB")
    callers = [asyncio.create_task(requests.outcome(ONE, msgspec.structs.replace(t.book(ONE), actor=first))) for _ in range(10)]
    taken = await take(requests)
    requests.put_back(taken[2:])
    callers.append(asyncio.create_task(requests.outcome(TWO, msgspec.structs.replace(t.book(TWO), actor=second))))
    again = await take(requests)
    assert [request for request in again if request.stream == ONE] == taken[2:]
    assert [request.stream for request in again].index(TWO) <= 1
    for request in taken:
        request.give_up()
    again[-1].give_up()
    requests.give_up_all()
    for request in again:
        request.give_up()
    await t.answers(callers)


async def test_waiting_accounts_are_served_in_the_end() -> None:
    """Each batch moves the turn on, where others send no more than is taken."""
    requests = PendingRequests(10_000, 60.0)
    heavy = asyncio.create_task(requests.outcome(ONE, t.book(ONE, quantity=1_000)))
    await asyncio.sleep(0)
    callers, taken = [heavy], list[PendingRequest]()
    for _ in range(60):
        for _ in range(4):
            command = msgspec.structs.replace(t.book(TWO), actor=Actor(uuid4(), Role.CUSTOMER))
            callers.append(asyncio.create_task(requests.outcome(TWO, command)))
        await asyncio.sleep(0)
        taken += [request for _ in range(4) if (request := requests.next_queued())]
    assert ONE in {request.stream for request in taken}
    requests.give_up_all()
    for request in taken:
        request.give_up()
    await t.answers(callers)


async def test_a_cancelled_request_is_not_taken() -> None:
    requests = PendingRequests(10, 1.0)
    first, second = queue(requests, ONE, TWO)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    assert [request.stream for request in await take(requests)] == [TWO]
    second.cancel()


async def test_a_full_or_closed_queue_refuses() -> None:
    requests = PendingRequests(1, 1.0)
    queued = queue(requests, ONE)
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await requests.outcome(TWO, None)
    requests.give_up_all()
    await t.answers(queued)
    requests.closed = True
    with pytest.raises(Busy):
        await requests.outcome(TWO, None)


async def test_loaded_requests_go_back_to_the_front() -> None:
    requests = PendingRequests(10, 1.0)
    callers = queue(requests, ONE, ONE)
    requests.begin_load(ONE)
    for request in await take(requests):
        requests.await_load(request)
        assert requests.awaits_load(request)
    callers += queue(requests, TWO)
    await asyncio.sleep(0)
    requests.end_load(ONE, is_empty=True)
    assert not requests.is_loading(ONE)
    taken = await take(requests)
    assert [(request.stream, request.stream_is_empty) for request in taken] == [(ONE, True), (ONE, True), (TWO, False)]
    for request in taken:
        request.give_up()
    assert t.count(Busy, await t.answers(callers)) == 3


async def test_a_failed_load_gives_its_requests_up() -> None:
    requests = PendingRequests(10, 1.0)
    callers = queue(requests, ONE)
    requests.begin_load(ONE)
    requests.await_load((await take(requests))[0])
    requests.fail_load(ONE)
    assert t.count(Busy, await t.answers(callers)) == 1


async def test_a_request_expires_in_every_state() -> None:
    requests = PendingRequests(10, 0.0)
    callers = queue(requests, ONE, ONE, TWO, TWO)
    loading, *requests.in_flight = (await take(requests))[:3]
    requests.begin_load(ONE)
    requests.await_load(loading)
    requests.in_flight[0].sent = True
    callers += queue(requests, ONE)
    await asyncio.sleep(0)
    assert requests.give_up_expired(asyncio.get_running_loop().time() + 1), "nobody waits for the batch in flight"
    callers[3].cancel()
    assert [type(outcome) for outcome in await t.answers(callers)] == [
        Busy, OutcomeUnknown, Busy, asyncio.CancelledError, Busy,
    ]  # fmt: skip
    assert not requests.has_queued


async def test_a_batch_in_flight_with_time_left_keeps_its_connection() -> None:
    requests = PendingRequests(10, 60.0)
    callers = queue(requests, ONE, TWO)
    requests.in_flight = await take(requests)
    requests.in_flight[0].deadline = 0.0
    assert not requests.give_up_expired(asyncio.get_running_loop().time())
    requests.give_up_all()
    assert t.count(Busy, await t.answers(callers)) == 2


async def test_commands_for_the_same_streams_join_a_batch_in_flight() -> None:
    requests = PendingRequests(10, 1.0)
    callers = queue(requests, ONE)
    requests.in_flight = await take(requests)
    batch = list(requests.in_flight)
    callers += queue(requests, TWO, ONE, ONE, ONE)
    await asyncio.sleep(0)
    requests.join_batch(batch, {ONE}, batch_limit=3)
    assert [request.stream for request in batch] == [ONE, ONE, ONE]
    assert requests.in_flight == batch
    assert sorted(request.stream for request in requests.queued) == [ONE, TWO]
    requests.give_up_all()
    await t.answers(callers)


async def test_only_requests_that_have_waited_are_checked_for_a_disconnected_client() -> None:
    async def disconnected() -> bool:
        return True

    old, new = (PendingRequest(ONE, None, disconnected, 1.0) for _ in range(2))
    old.queued_at -= 2 * CHECK_AFTER_SECONDS
    await withdraw_disconnected([old, new])
    assert isinstance(old.future.exception(), Busy)
    assert not new.future.done()
