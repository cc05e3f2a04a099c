"""A command is executed once, by its id: in spite of retries, in any process."""

from uuid import uuid4

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand, RepeatedCommand
from ledger.commands import ChangeEvent
from ledger.details import Category
from ledger.errors import SoldOut
from ledger.event import category_id
from tests.commands import selling as t
from tests.ledger import scenario as s


async def test_fifty_concurrent_tries_of_a_command_make_one_booking(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    command = t.book(event_id)
    outcomes = await t.outcomes(appender, [command] * 50)
    assert (t.count(AcceptedCommand, outcomes), t.count(RepeatedCommand, outcomes)) == (1, 49)
    assert {outcome.version for outcome in outcomes if isinstance(outcome, RepeatedCommand)} == {2}
    assert await t.bookings_of(database_url, event_id) == [command.id]


async def test_concurrent_tries_at_two_appenders_make_one_booking(appender: Appender, database_url: str) -> None:
    event_id = await t.scheduled(appender)
    async with t.an_appender(database_url) as other:
        for number in range(1, 6):
            command = t.book(event_id)
            outcomes = await t.answers(t.send(appender, *[command] * 25) + t.send(other, *[command] * 25))
            assert (t.count(AcceptedCommand, outcomes), t.count(RepeatedCommand, outcomes)) == (1, 49)
            assert {outcome.version for outcome in outcomes if isinstance(outcome, RepeatedCommand)} == {number + 1}
    assert len(await t.bookings_of(database_url, event_id)) == 5


async def test_every_kind_of_command_is_executed_once(appender: Appender, database_url: str) -> None:
    schedule = t.schedule()
    event_id = schedule.event_id
    booking, other = t.book(event_id), t.book(event_id)
    change = ChangeEvent(id=uuid4(), actor=t.ORGANIZER, event_id=event_id, changes={"name": "Gala"}, expected_details_version=1)
    commands = [
        schedule,
        booking,
        other,
        t.cancel(event_id, booking.id),
        t.check_in(event_id, other.id),
        change,
        t.cancel_event(event_id),
    ]
    assert [type(await appender.submit(command)) for command in commands] == [AcceptedCommand] * 7
    again = [await appender.submit(command) for command in commands]
    repeated = [outcome for outcome in again if isinstance(outcome, RepeatedCommand)]
    assert [(outcome.version, outcome.subject_versions, outcome.details_version) for outcome in repeated] == [
        (1, (), 1), (2, (2,), 1), (3, (3,), 1), (4, (2, 4), 1), (5, (3, 5), 1), (6, (), 6), (7, (), 6),
    ]  # fmt: skip
    async with t.an_appender(database_url) as later:
        assert [await later.submit(command) for command in commands] == again
    assert len(await t.stream_of(database_url, event_id)) == 7


async def test_a_retry_returns_the_version_of_the_last_entry(appender: Appender) -> None:
    event_id = await t.scheduled(appender)
    category = s.as_is(Category(1, "Stalls", 9_000, 20), id=category_id(event_id, 1))
    change = ChangeEvent(id=uuid4(), actor=t.ORGANIZER, event_id=event_id, categories=(category,), expected_details_version=1)
    outcome = await appender.submit(change)
    assert isinstance(outcome, AcceptedCommand)
    assert [recorded.version for recorded in outcome.recorded] == [2, 3, 4]
    assert await appender.submit(change) == RepeatedCommand(event_id, 4)


async def test_a_refused_command_appends_nothing_and_may_be_retried(appender: Appender) -> None:
    event_id = await t.scheduled(appender, capacity=1)
    first, second = t.book(event_id), t.book(event_id)
    outcomes = await t.outcomes(appender, [first, second])
    assert [type(outcome) for outcome in outcomes] == [AcceptedCommand, SoldOut]
    await appender.submit(t.cancel(event_id, first.id))
    assert isinstance(await appender.submit(second), AcceptedCommand)
