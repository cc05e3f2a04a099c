"""Booking seats: when, by whom, for whom, how many, at which price."""

from datetime import datetime, timedelta

import msgspec
import pytest

from ledger import entries as e
from ledger.commands import Actor, Role
from ledger.details import Category
from ledger.entries import Entry
from ledger.errors import BookingTooLarge, CustomerLimit, EventNotBookable, Malformed, NotOnSale, NotYourEvent, SoldOut
from ledger.event import category_id
from ledger.selling import MAX_TICKETS_PER_BOOKING
from tests.ledger import scenario as s
from tests.ledger.scenario import ADMIN, ALICE, BOB, EVENT, NOW, ORGANIZER, STARTS, given

OPEN, CLOSE = NOW + timedelta(days=1), NOW + timedelta(days=2)


def test_a_customer_books_seats_of_several_categories() -> None:
    event = given(s.scheduled()).when(s.book(ALICE, General=2, VIP=1)).then(s.booked(ALICE, s.general(2), s.vip(1)))
    assert [seats.taken for seats in event.categories.values()] == [2, 1]
    assert ALICE.id is not None
    assert event.customers.get(ALICE.id.bytes) == 3


def test_a_category_may_be_named_by_its_public_id() -> None:
    wanted = {str(category_id(EVENT, 2)): 1}
    given(s.scheduled()).when(s.book(ALICE, **wanted)).then(s.booked(ALICE, s.vip(1)))


def test_an_id_is_never_taken_for_the_name_of_another_category() -> None:
    vip_id = str(category_id(EVENT, 2))
    given(s.scheduled(Category(1, vip_id, 100, 10), s.VIP)).when(s.book(ALICE, **{vip_id: 1})).then(s.booked(ALICE, s.vip(1)))


def test_a_category_wanted_twice_is_one_line() -> None:
    wanted = {"General": 6, str(category_id(EVENT, 1)): 4}
    given(s.scheduled()).when(s.book(ALICE, **wanted)).then(s.booked(ALICE, s.general(10)))


def test_a_category_wanted_twice_is_not_oversold() -> None:
    wanted = {"General": 6, str(category_id(EVENT, 1)): 5}
    given(s.scheduled()).when(s.book(ALICE, **wanted)).refused(SoldOut, category="General", available=10, held=0)


def test_the_last_seats_are_sold() -> None:
    event = given(s.scheduled(), s.booked(BOB, s.general(7))).when(s.book(ALICE, General=3)).then(s.booked(ALICE, s.general(3)))
    assert event.categories[1].available == 0


@pytest.mark.parametrize(("sold", "left"), [(10, 0), (9, 1), (8, 2)])
def test_more_seats_than_are_left_are_refused_with_their_number(sold: int, left: int) -> None:
    given(s.scheduled(), s.booked(BOB, s.general(sold))).when(s.book(ALICE, General=3)).refused(
        SoldOut, category="General", available=left, held=0
    )


def test_one_category_sold_out_refuses_the_whole_booking() -> None:
    given(s.scheduled(), s.booked(BOB, s.vip(5))).when(s.book(ALICE, General=1, VIP=1)).refused(
        SoldOut, category="VIP", available=0, held=0
    )


def test_a_cancelled_seat_sells_again() -> None:
    back = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False)
    given(s.scheduled(), s.booked(BOB, s.general(10)), back).when(s.book(ALICE)).then(s.booked(ALICE, s.general(1)))


def test_an_unknown_category_is_refused() -> None:
    problem = {"path": "tickets.category", "message": "no such category"}
    given(s.scheduled()).when(s.book(ALICE, Balcony=1)).refused(Malformed, errors=[problem])


def test_a_removed_category_is_unknown() -> None:
    problem = {"path": "tickets.category", "message": "no such category"}
    given(s.scheduled(), s.removed(2)).when(s.book(ALICE, VIP=1)).refused(Malformed, errors=[problem])


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_booking_of_no_seats_is_refused(quantity: int) -> None:
    problem = {"path": "tickets.quantity", "message": "must be 1 or more"}
    given(s.scheduled(), s.booked(BOB, s.general(2))).when(s.book(ALICE, General=quantity)).refused(Malformed, errors=[problem])


@pytest.mark.parametrize(("end", "reason"), [(s.event_cancelled(), "cancelled"), (s.event_completed(), "completed")])
@pytest.mark.parametrize("actor", [ALICE, ORGANIZER, ADMIN])
def test_an_event_that_has_ended_sells_nothing(end: Entry, reason: str, actor: Actor) -> None:
    given(s.scheduled(), end).when(s.book(actor)).refused(EventNotBookable, reason=reason)


@pytest.mark.parametrize("actor", [ALICE, ORGANIZER, ADMIN])
def test_an_event_that_has_started_sells_nothing(actor: Actor) -> None:
    given(s.scheduled()).when(s.book(actor), at=STARTS).refused(EventNotBookable, reason="past")


@pytest.mark.parametrize("actor", [ALICE, ORGANIZER])
def test_sales_that_close_later_go_on_after_the_start(actor: Actor) -> None:
    closes = STARTS + timedelta(days=90)
    exhibition = given(s.scheduled(sales_close_at=closes))
    for at in (STARTS, closes - timedelta(microseconds=1)):
        exhibition.when(s.book_for(actor, None), at=at).then(s.booked(s.GUEST if actor is ORGANIZER else actor, s.general(1)))
    exhibition.when(s.book(actor), at=closes).refused(EventNotBookable, reason="past")


def test_sales_that_closed_before_the_start_do_not_open_again_at_it() -> None:
    given(s.scheduled(sales_close_at=CLOSE)).when(s.book(ORGANIZER), at=STARTS).refused(EventNotBookable, reason="past")


@pytest.mark.parametrize("years", [0, 1, 100])
def test_an_event_with_an_open_date_is_never_past(years: int) -> None:
    at = NOW + timedelta(days=366 * years)
    given(s.scheduled(starts_at=None)).when(s.book(ALICE), at=at).then(s.booked(ALICE, s.general(1)))


def test_an_open_date_sells_to_customers_until_sales_close_and_at_the_box_office_until_it_is_completed() -> None:
    event = given(s.scheduled(starts_at=None, sales_close_at=CLOSE))
    event.when(s.book(ALICE), at=CLOSE).refused(NotOnSale, opens_at=None, closed_at=CLOSE.isoformat())
    event.when(s.book_for(ORGANIZER, ALICE), at=CLOSE).then(s.booked(ALICE, s.general(1)))


def test_an_event_may_sell_after_its_start_without_an_end() -> None:
    at = STARTS + timedelta(days=9_000)
    given(s.scheduled(sells_after_start=True)).when(s.book(ALICE), at=at).then(s.booked(ALICE, s.general(1)))


def test_an_event_sells_until_it_starts() -> None:
    given(s.scheduled()).when(s.book(ALICE), at=STARTS - timedelta(microseconds=1)).then(s.booked(ALICE, s.general(1)))


@pytest.mark.parametrize("at", [OPEN, CLOSE - timedelta(microseconds=1)])
def test_seats_sell_from_opening_to_closing(at: datetime) -> None:
    given(s.scheduled(sales_open_at=OPEN, sales_close_at=CLOSE)).when(s.book(ALICE), at=at).then(s.booked(ALICE, s.general(1)))


def test_before_sales_open_nothing_is_sold() -> None:
    refusal = given(s.scheduled(sales_open_at=OPEN)).when(s.book(ALICE), at=OPEN - timedelta(microseconds=1))
    refusal.refused(NotOnSale, opens_at=OPEN.isoformat(), closed_at=None)


def test_once_sales_close_nothing_is_sold() -> None:
    refusal = given(s.scheduled(sales_close_at=CLOSE)).when(s.book(ALICE), at=CLOSE)
    refusal.refused(NotOnSale, opens_at=None, closed_at=CLOSE.isoformat())


@pytest.mark.parametrize("actor", [ORGANIZER, ADMIN])
@pytest.mark.parametrize("at", [NOW, CLOSE])
def test_the_box_office_sells_outside_the_sales_window(actor: Actor, at: datetime) -> None:
    opening = given(s.scheduled(sales_open_at=OPEN, sales_close_at=CLOSE))
    opening.when(s.book_for(actor, BOB), at=at).then(s.booked(BOB, s.general(1)))


def test_another_organizer_books_like_a_customer() -> None:
    refusal = given(s.scheduled(sales_open_at=OPEN)).when(s.book(s.OTHER_ORGANIZER))
    refusal.refused(NotOnSale, opens_at=OPEN.isoformat(), closed_at=None)


def test_a_customer_s_limit_counts_over_bookings_and_categories() -> None:
    history = (s.scheduled(max_tickets_per_customer=4), s.booked(ALICE, s.general(2), s.vip(1)))
    given(*history).when(s.book(ALICE)).then(s.booked(ALICE, s.general(1)))
    given(*history).when(s.book(ALICE, General=1, VIP=1)).refused(CustomerLimit, limit=4, held=3)


def test_one_customer_s_tickets_do_not_count_for_another() -> None:
    given(s.scheduled(max_tickets_per_customer=2), s.booked(ALICE, s.general(2))).when(s.book(BOB)).then(
        s.booked(BOB, s.general(1))
    )


def test_cancelling_frees_a_customer_s_limit() -> None:
    back = s.cancelled(1, lines=(e.CancelledLine(1, 1, 5_000),), whole=False)
    history = (s.scheduled(max_tickets_per_customer=2), s.booked(ALICE, s.general(2)), back)
    given(*history).when(s.book(ALICE, General=2)).refused(CustomerLimit, limit=2, held=1)
    given(*history).when(s.book(ALICE)).then(s.booked(ALICE, s.general(1)))


def test_a_used_ticket_still_counts_towards_the_limit() -> None:
    given(s.scheduled(max_tickets_per_customer=1), s.booked(ALICE, s.general(1)), s.used(0)).when(s.book(ALICE)).refused(
        CustomerLimit, limit=1, held=1
    )


def test_a_walk_in_has_no_limit() -> None:
    walk_in = Actor(None, Role.CUSTOMER)
    history = (s.scheduled(max_tickets_per_customer=1), s.booked(walk_in, s.general(3)))
    given(*history).when(s.book(ORGANIZER, General=5)).then(s.booked(walk_in, s.general(5)))


@pytest.mark.parametrize("actor", [ORGANIZER, ADMIN])
def test_the_box_office_keeps_to_a_named_customer_s_limit(actor: Actor) -> None:
    given(s.scheduled(max_tickets_per_customer=1)).when(s.book_for(actor, BOB, General=2)).refused(CustomerLimit, limit=1, held=0)


@pytest.mark.parametrize("actor", [ALICE, s.OTHER_ORGANIZER, s.AUDITOR])
def test_only_the_box_office_books_for_somebody_else(actor: Actor) -> None:
    given(s.scheduled()).when(s.book_for(actor, BOB)).refused(NotYourEvent)


def test_a_booking_may_be_as_large_as_the_limit() -> None:
    hall = Category(1, "General", 5_000, 5_000)
    given(s.scheduled(hall)).when(s.book(ALICE, General=MAX_TICKETS_PER_BOOKING)).then(
        s.booked(ALICE, s.general(MAX_TICKETS_PER_BOOKING))
    )


def test_a_booking_is_no_larger_than_the_limit_over_all_its_lines() -> None:
    hall = (Category(1, "General", 5_000, 5_000), Category(2, "VIP", 1, 5_000))
    given(s.scheduled(*hall)).when(s.book(ALICE, General=600, VIP=401)).refused(BookingTooLarge, limit=MAX_TICKETS_PER_BOOKING)


def test_a_new_price_applies_to_new_bookings() -> None:
    history = (s.scheduled(), s.booked(BOB, s.general(1)), s.price_changed(1, 7_500))
    given(*history).when(s.book(ALICE)).then(s.booked(ALICE, s.general(1, price=7_500)))


def test_a_booking_contains_the_version_of_the_events_details() -> None:
    history = (s.scheduled(), s.booked(BOB, s.general(1)), s.details_changed(name="Gala"), s.price_changed(1, 1))
    entry = msgspec.structs.replace(s.booked(ALICE, s.general(1, price=1)), details_version=3)
    given(*history).when(s.book(ALICE)).then(entry)
