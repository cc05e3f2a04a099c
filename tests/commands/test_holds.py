"""Holds over a real PostgreSQL: several processes, whose clocks differ, and commands that are sent again."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from commands.service import CommandService
from ledger import entries as e
from ledger.commands import Actor, Command, LapseHolds, Role
from ledger.errors import RuleBroken, SoldOut
from ledger.event import Event
from ledger.evolve import evolve
from ledger.hold_errors import HoldClosed, HoldGone, HoldNotFound, NothingDue
from ledger.hold_views import HoldView
from ledger.store import Ledger
from ledger.views import BookingView
from tests.commands import selling as t
from tests.ledger import scenario as s
from tests.ledger import storage
from tests.soak import rounds
from workers.gateway import Gateway

CAPACITY = 12


async def scheduled(service: CommandService, capacity: int = 1) -> UUID:
    return (await t.execute(service, t.schedule(capacity))).view.id


async def test_a_hold_is_confirmed_by_another_process(database_url: str) -> None:
    async with t.a_command_service(database_url) as one, t.a_command_service(database_url) as other:
        event_id = await scheduled(one)
        held = (await t.execute(one, t.hold(event_id))).view
        assert isinstance(held, HoldView)
        assert (held.status, held.total_amount, held.expires_at) == ("open", "50.00", s.NOW + timedelta(minutes=15))
        with pytest.raises(SoldOut):
            await t.execute(other, t.book(event_id, t.BOB))
        booking = (await t.execute(other, t.confirm(event_id, held.id))).view
        assert isinstance(booking, BookingView)
        assert (booking.id, booking.customer_id, booking.total_amount) == (held.id, s.ALICE.id, "50.00")
        with pytest.raises(HoldClosed):
            await t.execute(one, t.confirm(event_id, held.id))


async def test_a_lapsed_hold_is_confirmed_as_long_as_its_seats_are_free(database_url: str) -> None:
    late = s.NOW + timedelta(minutes=20)
    async with t.a_command_service(database_url) as early, t.a_command_service(database_url, lambda: late) as later:
        event_id = await scheduled(early)
        held = await t.execute(early, t.hold(event_id))
        booked = await t.execute(later, t.book(event_id, t.BOB))
        with pytest.raises(HoldGone) as gone:
            await t.execute(later, t.confirm(event_id, held.view.id))
        assert gone.value.facts == {"category": "General", "available": 0, "held": 0}
        await t.execute(later, t.cancel(event_id, booked.view.id))
        confirm = t.confirm(event_id, held.view.id)
        confirmed = await t.execute(later, confirm)
        assert confirmed.view.id == held.view.id
        assert await t.execute(early, confirm) == confirmed, "a retry, by another process"
    kinds = [type(recorded.entry) for recorded in await t.stream_of(database_url, event_id)]
    assert kinds == [e.EventScheduled, e.SeatsHeld, e.HoldsLapsed, e.SeatsBooked, e.BookingCancelled, e.SeatsBooked]


async def test_ids_that_are_no_holds_are_not_found(database_url: str) -> None:
    async with t.a_command_service(database_url) as service:
        event_id = await scheduled(service, capacity=3)
        booking = await t.execute(service, t.book(event_id))
        cancellation = t.cancel(event_id, booking.view.id)
        await t.execute(service, cancellation)
        for id_ in (booking.view.id, cancellation.id, event_id, UUID(int=9)):
            with pytest.raises(HoldNotFound):
                await t.execute(service, t.confirm(event_id, id_))
            with pytest.raises(HoldNotFound):
                await t.execute(service, t.release(event_id, id_))


class Crowd:
    """Clients of two processes, who send each command once or twice, to either."""

    def __init__(self, seed: int, services: Sequence[CommandService], clocks: list[datetime], event_id: UUID) -> None:
        self._dice, self._services, self._clocks, self._event_id = random.Random(seed), services, clocks, event_id
        self._holds, self._bookings = [s.UNKNOWN_HOLD], list[UUID]()

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(6)))

    async def _client(self, number: int) -> None:
        actor = msgspec.structs.replace(s.ALICE, id=UUID(int=0xA000 + number))
        for _ in range(30):
            self._clocks[self._dice.randrange(2)] += timedelta(minutes=self._dice.randrange(4))
            await self._send(self._random_command(actor))

    def _random_command(self, actor: Actor) -> Command:
        kind = self._dice.random()
        if kind < 0.4:
            return t.hold(self._event_id, actor, self._dice.randint(1, 3))
        if kind < 0.5:
            return t.book(self._event_id, actor, self._dice.randint(1, 2))
        if kind < 0.7 and self._bookings:
            return t.cancel(self._event_id, self._bookings.pop())
        about = self._dice.choice((t.confirm, t.confirm, t.extend, t.release))
        return about(self._event_id, self._dice.choice(self._holds[-6:]), s.ORGANIZER)

    async def _send(self, command: Command) -> None:
        for service in self._dice.sample(self._services, self._dice.randint(1, 2)):
            with suppress(RuleBroken, HoldNotFound):
                result = await t.execute(service, command)
                if isinstance(result.view, HoldView) and result.view.id == command.id:
                    self._holds.append(command.id)
                elif isinstance(result.view, BookingView) and result.view.status == "confirmed":
                    self._bookings.append(result.view.id)


async def let_lapse(gateway: Gateway, event_id: UUID, clocks: list[datetime], stop: asyncio.Event) -> None:
    """A worker, until it is stopped."""
    while not stop.is_set():
        command = LapseHolds(id=uuid4(), actor=Actor(None, Role.ADMIN), event_id=event_id)
        with suppress(NothingDue):
            await asyncio.to_thread(gateway.execute, command, clocks[0])
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(rounds(2, 40)))
async def test_clocks_an_hour_apart_and_replayed_commands_oversell_nothing(database_url: str, seed: int) -> None:
    """What the entries say is played against the rules: every hold has one outcome at most, no seat is sold or held twice."""
    clocks = [s.NOW, s.NOW + timedelta(hours=1)]
    async with (
        t.a_command_service(database_url, lambda: clocks[0]) as one,
        t.a_command_service(database_url, lambda: clocks[1]) as other,
    ):
        event_id = await scheduled(one, CAPACITY)
        with closing(Gateway(Ledger(database_url, storage.MACS))) as gateway:
            stop = asyncio.Event()
            worker = asyncio.create_task(let_lapse(gateway, event_id, clocks, stop))
            await Crowd(seed, (one, other), clocks, event_id).run()
            stop.set()
            await worker
    event: Event | None = None
    ended = Counter[UUID]()
    kinds = Counter[str]()
    for recorded in await t.stream_of(database_url, event_id):
        event = evolve(event, recorded)
        seats = event.categories[1]
        assert 0 <= seats.taken <= seats.taken + seats.held <= CAPACITY
        kinds[type(recorded.entry).__name__] += 1
        if isinstance(recorded.entry, e.HoldReleased | e.SeatsBooked) and recorded.entry.hold_id:
            ended[recorded.entry.hold_id] += 1
    print(dict(kinds))
    assert set(ended.values()) == {1}
    assert kinds["HoldsLapsed"], "with clocks an hour apart some are due"
