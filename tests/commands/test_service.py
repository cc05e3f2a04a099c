"""The command service: a retry gets the first result, at a cost that does not grow with the stream; and OutcomeUnknown where a
result can't be read."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from commands.appender.appender import Appender
from commands.service import CommandService
from ledger.commands import CancelBooking, CategoryChange, ChangeEvent
from ledger.entries import RecordedEntry
from ledger.errors import Busy, IdempotencyKeyReused, OutcomeUnknown
from ledger.event import Event, category_id
from ledger.keys import Keyring
from ledger.streams import Streams
from ledger.ticket_codes import TicketCodes
from ledger.views import BookingView
from tests.commands import selling as t


class CountingStreams(Streams):
    """Counts the streams that are read; raises Busy while `unavailable` is set."""

    def __init__(self, real: Streams) -> None:
        self.__dict__.update(real.__dict__)
        self.loads, self.unavailable = 0, False

    async def load(self, stream: UUID, **how: Any) -> Event | None:
        self.loads += 1
        return await super().load(stream, **how)

    async def entries(self, stream: UUID, versions: Any) -> list[RecordedEntry]:
        if self.unavailable:
            raise Busy
        return await super().entries(stream, versions)


@pytest.fixture
async def appender(database_url: str) -> AsyncIterator[Appender]:
    async with t.an_appender(database_url) as appender:
        yield appender


@pytest.fixture
def streams(appender: Appender) -> CountingStreams:
    return CountingStreams(appender._memory.loader.streams)


@pytest.fixture
def command_service(appender: Appender, streams: CountingStreams, tmp_path: Path) -> CommandService:
    return CommandService(appender, streams, TicketCodes(Keyring.open(tmp_path, "tickets")))


async def test_a_result_that_can_t_be_read_is_outcome_unknown(
    command_service: CommandService, streams: CountingStreams, appender: Appender
) -> None:
    event_id = await t.scheduled(appender)
    booking = t.book(event_id)
    await command_service.execute(booking)
    check_in = t.check_in(event_id, booking.id)
    streams.unavailable = True
    for _ in range(2):  # the first try, which is carried out, and a repeat
        with pytest.raises(OutcomeUnknown):
            await command_service.execute(check_in)
    streams.unavailable = False
    view = (await command_service.execute(check_in)).view
    assert isinstance(view, BookingView)
    assert view.tickets[0].status == "used"


async def test_a_retry_about_a_booking_reads_a_few_entries_only(
    command_service: CommandService, streams: CountingStreams, appender: Appender
) -> None:
    event_id = await t.scheduled(appender, capacity=50)
    booking = t.book(event_id, quantity=2)
    cancel = CancelBooking(id=uuid4(), actor=t.ALICE, event_id=event_id, booking_id=booking.id, tickets=(0,))
    first = [await command_service.execute(command) for command in (booking, cancel, t.check_in(event_id, booking.id, ticket=1))]
    rename = CategoryChange(category_id(event_id, 1), name="Renamed")
    for changes, categories in (({"name": "Later"}, None), ({}, (rename,))):
        version = (await _event(appender, event_id)).details_version
        await command_service.execute(
            ChangeEvent(
                id=uuid4(),
                actor=t.ORGANIZER,
                event_id=event_id,
                changes=changes,
                categories=categories,
                expected_details_version=version,
            )
        )
    await command_service.execute(t.cancel_event(event_id))
    assert [await command_service.execute(command) for command in (booking, cancel)] == first[:2], "as it was then"
    assert streams.loads == 0


async def test_a_command_id_with_another_booking_is_refused(command_service: CommandService, appender: Appender) -> None:
    event_id = await t.scheduled(appender)
    one, other = t.book(event_id), t.book(event_id)
    for command in (one, other):
        await command_service.execute(command)
    cancel = t.cancel(event_id, one.id)
    await command_service.execute(cancel)
    for booking_id in (other.id, uuid4()):
        with pytest.raises(IdempotencyKeyReused):
            await command_service.execute(CancelBooking(id=cancel.id, actor=cancel.actor, event_id=event_id, booking_id=booking_id))


async def _event(appender: Appender, event_id: UUID) -> Event:
    event = await appender.last_seen_event(event_id)
    assert event is not None
    return event


async def test_an_entry_is_found_by_its_number_at_once(command_service: CommandService, appender: Appender) -> None:
    event_id = await t.scheduled(appender)
    result = await command_service.execute(t.book(event_id))
    view, position = result.view, result.position
    assert isinstance(view, BookingView)
    assert view.number == position
    made = await command_service.entry_by_number(position)
    assert made is not None
    assert (made.stream, made.version, made.position, made.entry.command) == (event_id, 2, position, view.id)
    assert [await command_service.entry_by_number(number) for number in (position + 1, 0, -1, 2**63, 10**40)] == [None] * 5
