"""`Ledger.execute`: commands through the library's Application, beside an appender that writes to the same Events."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from commands.appender.appender import Appender
from commands.appender.batch import AcceptedCommand
from ledger.commands import WantedSeats
from ledger.details import Category
from ledger.errors import Busy, IdempotencyKeyReused, SoldOut
from ledger.event import Event
from ledger.store import TRIES, Ledger
from tests.commands import selling as t
from tests.ledger import scenario as s
from tests.ledger import storage


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = Ledger(database_url, storage.MACS)
    yield ledger
    ledger.close()


def test_a_command_makes_its_entries_at_their_positions(ledger: Ledger) -> None:
    schedule, book = s.schedule(), s.book(s.ALICE)
    (scheduled,), (booked,) = ledger.execute(schedule, s.NOW), ledger.execute(book, s.NOW)
    assert (scheduled.version, booked.version) == (1, 2)
    assert storage.without_macs(ledger.read(0, 10)) == [scheduled, booked]
    event = ledger.current_event(s.EVENT)
    assert event is not None
    assert (event.number, event.version, event.categories[1].taken) == (scheduled.position, 2, 1)


def test_a_command_is_executed_once(ledger: Ledger) -> None:
    ledger.execute(s.schedule(), s.NOW)
    book = s.book(s.ALICE)
    assert len(ledger.execute(book, s.NOW)) == 1
    assert ledger.execute(book, s.NOW) == []
    assert len(ledger.read(0, 10)) == 2


def test_a_command_id_with_another_body_is_refused(ledger: Ledger) -> None:
    ledger.execute(s.schedule(), s.NOW)
    book = s.book(s.ALICE)
    ledger.execute(book, s.NOW)
    with pytest.raises(IdempotencyKeyReused):
        ledger.execute(msgspec.structs.replace(book, tickets=(WantedSeats("General", 5),)), s.NOW)


def test_a_refused_command_appends_nothing(ledger: Ledger) -> None:
    ledger.execute(s.schedule(Category(1, "General", 5_000, 1)), s.NOW)
    with pytest.raises(SoldOut):
        ledger.execute(s.book(s.ALICE, General=2), s.NOW)
    assert len(ledger.read(0, 10)) == 1


async def test_a_command_is_tried_again_after_an_appender_was_first(
    ledger: Ledger, appender: Appender, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = await t.scheduled(appender)
    stale = await asyncio.to_thread(ledger.current_event, event_id)
    assert isinstance(await appender.submit(t.book(event_id)), AcceptedCommand)
    seen: list[Event | None] = [stale]
    event = ledger.current_event
    monkeypatch.setattr(ledger, "current_event", lambda stream: seen.pop() if seen else event(stream))
    (made,) = await asyncio.to_thread(ledger.execute, t.book(event_id), s.NOW)
    assert made.version == 3
    assert isinstance(outcome := await appender.submit(t.book(event_id)), AcceptedCommand)
    assert outcome.recorded[0].version == 4, "and the appender has read what the other wrote"


async def test_a_lost_reply_is_found_by_the_command_id(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library retries after a broken connection: entries that were saved then look like a conflict."""
    await asyncio.to_thread(ledger.execute, s.schedule(), s.NOW)
    save = ledger.save

    def saved_twice(*made: Any, **how: Any) -> Any:
        save(*made, **how)
        return save(*made, **how)

    monkeypatch.setattr(ledger, "save", saved_twice)
    assert await asyncio.to_thread(ledger.execute, s.book(s.ALICE), s.NOW) == []
    assert len(ledger.read(0, 10)) == 2


def test_a_command_is_busy_after_a_number_of_conflicts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.execute(s.schedule(), s.NOW)
    stale, tries = ledger.current_event(s.EVENT), 0
    ledger.execute(s.book(s.BOB), s.NOW)

    def always_stale(stream: Any) -> Event | None:
        nonlocal tries
        tries += 1
        return stale

    monkeypatch.setattr(ledger, "current_event", always_stale)
    with pytest.raises(Busy):
        ledger.execute(s.book(s.ALICE), s.NOW)
    assert tries == TRIES
