"""Scheduling an Event, and the rules that refuse it."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.changing import MAX_CATEGORIES
from ledger.commands import CancelEvent, Command, CompleteEvent, ScheduleEvent
from ledger.details import Category
from ledger.errors import EventNotFound, Malformed
from tests.ledger import scenario as s
from tests.ledger.scenario import GENERAL, NOW, STARTS, given


def malformed(path: str, message: str) -> dict[str, Any]:
    return {"errors": [{"path": path, "message": message}]}


def test_an_event_is_scheduled_by_its_organizer() -> None:
    event = given().when(s.schedule()).then(s.scheduled())
    assert (event.status, event.organizer_id, event.details_version) == ("active", s.ORGANIZER.id, 1)


def test_an_event_may_start_immediately_after_now() -> None:
    soon = NOW + timedelta(microseconds=1)
    given().when(s.schedule(starts_at=soon)).then(s.scheduled(starts_at=soon))


@pytest.mark.parametrize("starts_at", [NOW, NOW - timedelta(days=1)])
def test_an_event_is_not_scheduled_for_the_past(starts_at: Any) -> None:
    given().when(s.schedule(starts_at=starts_at)).refused(Malformed, **malformed("starts_at", "must be in the future"))


def test_an_event_that_has_started_is_scheduled_if_its_sales_go_on() -> None:
    begun: dict[str, Any] = {"starts_at": NOW - timedelta(days=30), "sales_close_at": NOW + timedelta(days=30)}
    given().when(s.schedule(**begun)).then(s.scheduled(**begun))
    over: dict[str, Any] = {"starts_at": NOW - timedelta(days=30), "sales_close_at": NOW}
    refusal = given().when(s.schedule(**over))
    refusal.refused(Malformed, **malformed("starts_at", "must be in the future, or sales_close_at must be"))


def test_an_event_may_have_an_open_date_but_then_no_end() -> None:
    given().when(s.schedule(starts_at=None)).then(s.scheduled(starts_at=None))
    refusal = given().when(s.schedule(starts_at=None, ends_at=STARTS))
    refusal.refused(Malformed, **malformed("ends_at", "must be after starts_at"))


@pytest.mark.parametrize("hours", [0, -1])
def test_an_event_ends_after_it_starts(hours: int) -> None:
    refusal = given().when(s.schedule(ends_at=STARTS + timedelta(hours=hours)))
    refusal.refused(Malformed, **malformed("ends_at", "must be after starts_at"))


def test_sales_close_after_they_open() -> None:
    refusal = given().when(s.schedule(sales_open_at=NOW, sales_close_at=NOW))
    refusal.refused(Malformed, **malformed("sales_close_at", "must be after sales_open_at"))


def test_sales_may_close_without_ever_opening_on_a_date() -> None:
    given().when(s.schedule(sales_close_at=NOW)).then(s.scheduled(sales_close_at=NOW))


@pytest.mark.parametrize("again", ["General", "GENERAL", "general"])
def test_category_names_are_unique_whatever_their_case(again: str) -> None:
    refusal = given().when(s.schedule(GENERAL, Category(2, again, 1, 1)))
    refusal.refused(Malformed, **malformed("categories", "names must be unique"))


def test_sharp_s_and_double_s_are_the_same_name() -> None:
    refusal = given().when(s.schedule(Category(1, "Straße", 1, 1), Category(2, "STRASSE", 1, 1)))
    refusal.refused(Malformed, **malformed("categories", "names must be unique"))


def test_an_event_has_as_many_categories_as_the_limit() -> None:
    categories = tuple(Category(number, f"Row {number}", 1, 1) for number in range(1, MAX_CATEGORIES + 1))
    given().when(s.schedule(*categories)).then(s.scheduled(*categories))


def test_an_event_has_no_more_categories_than_the_limit() -> None:
    categories = tuple(Category(number, f"Row {number}", 1, 1) for number in range(1, MAX_CATEGORIES + 2))
    given().when(s.schedule(*categories)).refused(Malformed, **malformed("categories", "must be 1 to 50"))


def test_an_event_without_categories_is_refused() -> None:
    command = ScheduleEvent(**s.by(s.ORGANIZER), details=s.details(), currency="EUR", categories=())
    given().when(command).refused(Malformed, **malformed("categories", "must be 1 to 50"))


@pytest.mark.parametrize(
    "command",
    [
        s.book(s.ALICE),
        s.cancel(s.ALICE),
        s.check_in(s.ADMIN),
        s.change(),
        CancelEvent(**s.by(s.ADMIN)),
        CompleteEvent(**s.by(s.ADMIN)),
    ],
    ids=lambda command: type(command).__name__,
)
def test_an_event_that_was_never_scheduled_is_not_found(command: Command) -> None:
    given().when(command).refused(EventNotFound)
