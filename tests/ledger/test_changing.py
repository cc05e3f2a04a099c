"""Changing an Event: its details, its categories, its end."""

from datetime import timedelta
from typing import Any

import pytest

from ledger import entries as e
from ledger.changing import MAX_CATEGORIES, MAX_CATEGORIES_EVER
from ledger.commands import Actor, CancelEvent, CategoryChange, CompleteEvent, Role
from ledger.details import Category
from ledger.entries import CancelledLine, Entry
from ledger.errors import (
    AlreadyCancelled,
    CapacityBelowTaken,
    CategoryInUse,
    EventNotBookable,
    Malformed,
    NotYourEvent,
    StaleVersion,
)
from ledger.event import category_id
from tests.ledger import scenario as s
from tests.ledger.scenario import ADMIN, ALICE, BOOKING, GENERAL, NOW, ORGANIZER, STARTS, VIP, as_is, given

SOLD = (s.scheduled(), s.booked(ALICE, s.general(4)))
STRANGERS = pytest.mark.parametrize("actor", [ALICE, s.OTHER_ORGANIZER, s.AUDITOR, s.GUEST, Actor(ORGANIZER.id, Role.CUSTOMER)])
KEEPERS = pytest.mark.parametrize("actor", [ORGANIZER, ADMIN])


@KEEPERS
def test_the_organizer_and_an_admin_change_details(actor: Actor) -> None:
    event = given(*SOLD).when(s.change(actor, name="Gala", venue="Hall")).then(s.details_changed(name="Gala", venue="Hall"))
    assert (event.details_version, event.details_set[-1]) == (3, 3)


@STRANGERS
def test_nobody_else_changes_cancels_or_completes_an_event(actor: Actor) -> None:
    given(*SOLD).when(s.change(actor, name="Mine")).refused(NotYourEvent)
    given(*SOLD).when(CancelEvent(**s.by(actor))).refused(NotYourEvent)
    given(*SOLD).when(CompleteEvent(**s.by(actor))).refused(NotYourEvent)


@pytest.mark.parametrize("version", [0, 2, 4])
def test_a_stale_version_is_refused_with_the_present_one(version: int) -> None:
    given(*SOLD, s.price_changed(1, 1)).when(s.change(version=version, name="Gala")).refused(StaleVersion, details_version=3)


def test_a_booking_does_not_change_the_details_version() -> None:
    given(*SOLD, s.used(0)).when(s.change(version=1, name="Gala")).then(s.details_changed(name="Gala"))


@pytest.mark.parametrize(
    "entry",
    [
        s.price_changed(1, 1),
        s.capacity_changed(1, 20),
        s.renamed(1, "Stalls"),
        s.added(3, "Balcony"),
        s.removed(2),
        s.details_changed(),
    ],
)
def test_every_edit_changes_the_details_version(entry: Entry) -> None:
    given(*SOLD, entry).when(s.change(version=1, name="Gala")).refused(StaleVersion, details_version=3)


def test_a_change_without_effect_is_an_entry() -> None:
    given(*SOLD).when(s.change()).then(s.details_changed())


@pytest.mark.parametrize(("end", "reason"), [(s.event_cancelled(), "cancelled"), (s.event_completed(), "completed")])
def test_an_event_that_has_ended_does_not_change(end: Entry, reason: str) -> None:
    given(*SOLD, end).when(s.change(version=3, name="Gala")).refused(EventNotBookable, reason=reason)


def test_an_event_is_not_moved_into_the_past() -> None:
    problem = {"path": "starts_at", "message": "must be in the future"}
    given(*SOLD).when(s.change(starts_at=NOW)).refused(Malformed, errors=[problem])


def test_an_event_that_has_started_may_get_a_new_description() -> None:
    given(*SOLD).when(s.change(description="It was good."), at=STARTS + timedelta(days=1)).then(
        s.details_changed(description="It was good.")
    )


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("ends_at", {"ends_at": STARTS}),
        ("sales_close_at", {"sales_open_at": NOW, "sales_close_at": NOW}),
        ("ends_at", {"ends_at": NOW}),
    ],
)
def test_changed_times_must_be_in_order(path: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=path):
        given(*SOLD).when(s.change(**changes)).then()


def test_prices_names_and_capacities_change_together() -> None:
    wanted = (as_is(GENERAL, price=6_000, capacity=4), as_is(VIP, name="Box", capacity=8))
    made = (s.price_changed(1, 6_000), s.capacity_changed(1, 4), s.renamed(2, "Box"), s.capacity_changed(2, 8))
    event = given(*SOLD).when(s.change(to=wanted)).then(*made)
    assert (event.categories[1].available, event.categories[2].name, event.details_version, event.details_set[-1]) == (
        0,
        "Box",
        6,
        1,
    )


def test_omitted_fields_of_a_category_stay() -> None:
    wanted = (CategoryChange(category_id(s.EVENT, 1), price=6_000), CategoryChange(category_id(s.EVENT, 2)))
    event = given(*SOLD).when(s.change(to=wanted)).then(s.price_changed(1, 6_000))
    assert (event.categories[1].name, event.categories[1].capacity) == ("General", 10)


def test_a_price_of_zero_and_no_limit_are_values() -> None:
    given(s.scheduled()).when(s.change(to=(as_is(GENERAL, price=0), as_is(VIP)))).then(s.price_changed(1, 0))
    given(s.scheduled(max_tickets_per_customer=4)).when(s.change(max_tickets_per_customer=None)).then(s.details_changed())


def test_an_omitted_name_counts_for_uniqueness() -> None:
    refusal = given(*SOLD).when(s.change(to=(as_is(GENERAL, name=None), as_is(VIP, name="GENERAL"))))
    refusal.refused(Malformed, errors=[{"path": "categories", "message": "names must be unique"}])


def test_capacity_does_not_go_below_what_is_taken() -> None:
    refusal = given(*SOLD).when(s.change(to=(as_is(GENERAL, capacity=3), as_is(VIP))))
    refusal.refused(CapacityBelowTaken, category="General", taken=4, held=0)


def test_an_unsold_category_is_removed() -> None:
    event = given(*SOLD).when(s.change(to=(as_is(GENERAL),))).then(s.removed(2))
    assert set(event.categories) == {1}


def test_a_category_that_was_ever_sold_is_not_removed() -> None:
    back = s.cancelled(0, 1, 2, 3, lines=(CancelledLine(1, 4, 20_000),), whole=True)
    given(*SOLD).when(s.change(to=(as_is(VIP),))).refused(CategoryInUse, category="General")
    given(*SOLD, back).when(s.change(to=(as_is(VIP),))).refused(CategoryInUse, category="General")


def test_names_are_swapped_in_one_change() -> None:
    wanted = (as_is(GENERAL, name="VIP"), as_is(VIP, name="General"))
    event = given(*SOLD).when(s.change(to=wanted)).then(s.renamed(1, "VIP"), s.renamed(2, "General"))
    assert event.find_category("VIP") == event.categories[1]


def test_a_category_added_after_a_removal_gets_a_number_of_its_own() -> None:
    event = given(s.scheduled(), s.removed(2)).when(s.change(version=2, to=(as_is(GENERAL), s.new("VIP")))).then(s.added(3, "VIP"))
    assert set(event.categories) == {1, 3}


@pytest.mark.parametrize("name", ["General", "gENERAL"])
def test_a_new_category_needs_a_unique_name(name: str) -> None:
    refusal = given(*SOLD).when(s.change(to=(as_is(GENERAL), s.new(name))))
    refusal.refused(Malformed, errors=[{"path": "categories", "message": "names must be unique"}])


@pytest.mark.parametrize(
    "wanted", [(as_is(GENERAL), as_is(VIP, id=category_id(s.EVENT, 7))), (as_is(GENERAL), as_is(GENERAL, name="Other"))]
)
def test_a_category_id_must_be_of_the_event_and_listed_once(wanted: tuple[CategoryChange, ...]) -> None:
    problem = {"path": "categories.id", "message": "must each be one of this event's categories, once"}
    given(*SOLD).when(s.change(to=wanted)).refused(Malformed, errors=[problem])


@pytest.mark.parametrize("count", [0, MAX_CATEGORIES + 1])
def test_a_change_is_bounded_in_categories(count: int) -> None:
    refusal = given(s.scheduled()).when(s.change(to=tuple(s.new(f"Row {number}") for number in range(count))))
    refusal.refused(Malformed, errors=[{"path": "categories", "message": "must be 1 to 50"}])


def test_an_event_is_bounded_in_categories_over_its_whole_life() -> None:
    last = Category(MAX_CATEGORIES_EVER, "Last", 1, 1)
    wanted = (as_is(last), s.new("One more"))
    given(s.scheduled(last)).when(s.change(to=wanted)).refused(Malformed)


def test_the_last_possible_category_can_be_sold() -> None:
    last = Category(MAX_CATEGORIES_EVER, "Last", 1, 1)
    event = given(s.scheduled(last)).when(s.book(ALICE, Last=1)).then(s.booked(ALICE, e.Line(MAX_CATEGORIES_EVER, "Last", 1, 1)))
    assert event.categories[MAX_CATEGORIES_EVER].available == 0


@KEEPERS
def test_cancelling_an_event_cancels_all_bookings_in_one_entry(actor: Actor) -> None:
    history = (*SOLD, s.used(0), s.booked(s.BOB, s.vip(2), booking=s.ANOTHER_BOOKING))
    event = given(*history).when(CancelEvent(**s.by(actor), reason="Rain")).then(s.event_cancelled("Rain"))
    assert (event.status, event.details_version) == ("cancelled", 5)
    assert [seats.taken for seats in event.categories.values()] == [0, 0]
    assert (event.ticket_states(BOOKING), event.ticket_states(s.ANOTHER_BOOKING)) == (b"cccc", b"cc")


def test_an_event_is_cancelled_once() -> None:
    given(*SOLD, s.event_cancelled()).when(CancelEvent(**s.by(ORGANIZER))).refused(AlreadyCancelled)


def test_a_completed_event_is_not_cancelled() -> None:
    given(*SOLD, s.event_completed()).when(CancelEvent(**s.by(ORGANIZER))).refused(EventNotBookable, reason="completed")


@KEEPERS
def test_a_completed_event_keeps_its_tickets(actor: Actor) -> None:
    event = given(*SOLD).when(CompleteEvent(**s.by(actor))).then(s.event_completed())
    assert (event.status, event.details_version) == ("completed", 3)
    assert event.ticket_states(BOOKING) == b"aaaa"


@pytest.mark.parametrize(("end", "reason"), [(s.event_cancelled(), "cancelled"), (s.event_completed(), "completed")])
def test_an_event_that_has_ended_is_not_completed(end: Entry, reason: str) -> None:
    given(*SOLD, end).when(CompleteEvent(**s.by(ORGANIZER))).refused(EventNotBookable, reason=reason)
