"""More clients than seats, and concurrent bookings of one customer: the right number is sold, and no client gets an error (R5)."""

import asyncio
from collections import Counter
from time import monotonic
from uuid import UUID

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger import entries as e
from ledger.commands import Actor, BookSeats, Role
from ledger.errors import CustomerLimit, SoldOut
from tests.commands import selling as t
from tests.ledger.histories import fold


def customer(number: int) -> Actor:
    return Actor(UUID(int=0xC000 + number), Role.CUSTOMER)


async def rush(appenders: list[Appender], commands: list[BookSeats]) -> Counter[type]:
    """Submits all commands at once, alternating between the processes. Counts the results by type."""
    sent = [sent for place, command in enumerate(commands) for sent in t.send(appenders[place % len(appenders)], command)]
    return Counter(type(result) for result in await t.answers(sent))


async def test_500_clients_get_exactly_10_seats(database_url: str) -> None:
    async with t.an_appender(database_url) as first, t.an_appender(database_url) as second:
        event_id, began = await t.scheduled(first, capacity=10), monotonic()
        counts = await rush([first, second], [t.book(event_id, customer(number)) for number in range(500)])
        seconds = monotonic() - began
    print(f"R5: 500 clients, 10 seats: {counts[AcceptedCommand]} got one, {counts[SoldOut]} were refused, in {seconds:.2f} s")
    assert counts == {AcceptedCommand: 10, SoldOut: 490}
    assert len(await t.bookings_of(database_url, event_id)) == 10


async def test_concurrent_bookings_respect_the_customers_limit(database_url: str) -> None:
    async with t.an_appender(database_url) as first, t.an_appender(database_url) as second:
        event_id = await t.scheduled(first, capacity=1_000, limit=4)
        counts = await rush([first, second], [t.book(event_id, customer(number % 20)) for number in range(400)])
    held = Counter(
        recorded.entry.customer_id
        for recorded in await t.stream_of(database_url, event_id)
        if isinstance(recorded.entry, e.SeatsBooked)
    )
    print(
        f"R5: 20 customers asked 400 times for tickets that they may have 4 of: {dict(Counter(held.values()))} (tickets: customers)"
    )
    assert counts == {AcceptedCommand: 80, CustomerLimit: 320}
    assert set(held.values()) == {4}


async def test_seats_cancelled_in_a_rush_are_sold_again_once(database_url: str) -> None:
    """40 customers book and cancel 20 seats at both processes, 5 rounds each."""
    async with t.an_appender(database_url) as first, t.an_appender(database_url) as second:
        event_id = await t.scheduled(first, capacity=20)

        async def somebody(number: int) -> Counter[type]:
            counts: Counter[type] = Counter()
            for turn in range(5):
                here, there = (first, second) if (number + turn) % 2 else (second, first)
                command = t.book(event_id, customer(number))
                counts += Counter([type(outcome) for outcome in await t.outcomes(here, [command])])
                if turn < 4:
                    await t.outcomes(there, [t.cancel(event_id, command.id)])
            return counts

        counts = sum(await asyncio.gather(*map(somebody, range(40))), Counter[type]())
    event = fold(await t.stream_of(database_url, event_id))
    print(f"R5: 20 seats changed hands {counts[AcceptedCommand]} times; {counts[SoldOut]} came while there were none")
    assert set(counts) <= {AcceptedCommand, SoldOut}
    assert counts[AcceptedCommand] > 20
    assert 0 < event.categories[1].taken <= 20
