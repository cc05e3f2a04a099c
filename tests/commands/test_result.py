"""A command has the same result at the first try and at each retry, in the process that accepted it and in any other."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from commands.appender.appender import Appender
from commands.result import CommandResult
from commands.service import CommandService
from ledger.commands import CancelBooking, ChangeEvent, CheckIn, Command, CompleteEvent
from ledger.event import category_id
from ledger.hold_views import HoldView
from ledger.keys import Keyring
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView, EventView
from tests.commands import selling as t
from tests.ledger import scenario as s


def service(appender: Appender, keys: Path) -> CommandService:
    return CommandService(appender, appender._memory.loader.streams, TicketCodes(Keyring.open(keys, "tickets")))


def change(event_id: UUID, version: int, name: str) -> ChangeEvent:
    categories = (s.as_is(msgspec.structs.replace(s.GENERAL, capacity=20), id=category_id(event_id, 1)),)
    return ChangeEvent(
        id=uuid4(), actor=t.ORGANIZER, event_id=event_id, changes={"name": name}, categories=categories,
        expected_details_version=version,
    )  # fmt: skip


def every_kind() -> list[Command]:
    """In an order in which all of them are accepted; each of them changes what an earlier one has shown."""
    schedule = t.schedule()
    event_id = schedule.event_id
    booking, other = t.book(event_id, quantity=3), t.book(event_id)
    some = CancelBooking(id=uuid4(), actor=t.ALICE, event_id=event_id, booking_id=booking.id, tickets=(0,))
    held, given_back = t.hold(event_id, quantity=2), t.hold(event_id)
    check_in: CheckIn = t.check_in(event_id, booking.id, ticket=1)
    return [
        schedule,
        booking,
        other,
        some,
        held,
        given_back,
        t.extend(event_id, held.id),
        t.release(event_id, given_back.id),
        t.confirm(event_id, held.id),
        change(event_id, 1, "Renamed"),
        check_in,
        t.cancel(event_id, other.id),
        t.book(event_id),
    ]


ENDS: list[Callable[[UUID], Command]] = [
    t.cancel_event,
    lambda event_id: CompleteEvent(id=uuid4(), actor=t.ORGANIZER, event_id=event_id),
]


@pytest.mark.parametrize("end", ENDS)
async def test_each_kind_of_command_has_one_result(
    end: Callable[[UUID], Command], appender: Appender, database_url: str, tmp_path: Path
) -> None:
    commands = every_kind()
    commands.append(end(commands[0].event_id))
    here = service(appender, tmp_path)
    first: list[CommandResult] = [await here.execute(command) for command in commands]
    assert [type(result.view) for result in first] == [
        EventView, BookingView, BookingView, BookingView, HoldView, HoldView, HoldView, HoldView, BookingView, EventView,
        BookingView, BookingView, BookingView, EventView,
    ]  # fmt: skip
    assert [await here.execute(command) for command in commands] == first
    async with t.an_appender(database_url) as another:
        there = service(another, tmp_path)
        assert [await there.execute(command) for command in commands] == first


async def test_commands_of_one_batch_have_the_results_of_their_retries(
    appender: Appender, database_url: str, tmp_path: Path
) -> None:
    """They are decided on one trial Event, which the later ones change."""
    here = service(appender, tmp_path)
    schedule, *others = every_kind()
    await here.execute(schedule)
    async with t.blocked_appends(database_url):
        in_flight = t.send(appender, t.book(schedule.event_id))
        await t.wait_for_blocked_appends(database_url)
        sent = [asyncio.create_task(here.execute(command)) for command in others]
        await asyncio.sleep(0)
        appends = appender.appends
    await t.answers(in_flight)
    first = await asyncio.gather(*sent)
    assert appender.appends == appends + 2, "the one in flight, then the batch"
    assert [await here.execute(command) for command in others] == first
