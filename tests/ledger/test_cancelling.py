"""Cancelling bookings and tickets, and the refunds."""

from datetime import datetime, timedelta

import pytest

from ledger.commands import Actor, CancelBooking
from ledger.entries import CancelledLine
from ledger.errors import (
    AlreadyCancelled,
    BookingNotFound,
    EventNotBookable,
    Malformed,
    NotOnSale,
    TicketAlreadyUsed,
    TicketCancelled,
)
from tests.ledger import scenario as s
from tests.ledger.scenario import ADMIN, ALICE, BOB, BOOKING, ORGANIZER, STARTS, given

SOLD = (s.scheduled(), s.booked(ALICE, s.general(2), s.vip(1)))
GENERAL_BACK, ONE_GENERAL_BACK, VIP_BACK = CancelledLine(1, 2, 10_000), CancelledLine(1, 1, 5_000), CancelledLine(2, 1, 12_000)
ALL_BACK = s.cancelled(0, 1, 2, lines=(GENERAL_BACK, VIP_BACK), whole=True)
FIRST_BACK = s.cancelled(0, lines=(ONE_GENERAL_BACK,), whole=False)


@pytest.mark.parametrize("actor", [ALICE, ORGANIZER, ADMIN])
def test_a_booking_is_cancelled_by_its_owner_and_the_box_office(actor: Actor) -> None:
    event = given(*SOLD).when(s.cancel(actor)).then(ALL_BACK)
    assert [seats.taken for seats in event.categories.values()] == [0, 0]
    assert event.ticket_states(BOOKING) == b"ccc"
    assert ALICE.id is not None
    assert event.customers.get(ALICE.id.bytes) == 0


def test_a_booking_of_an_open_date_is_cancelled_by_its_owner_until_sales_close() -> None:
    closes = STARTS
    sold = given(s.scheduled(starts_at=None, sales_close_at=closes), s.booked(ALICE, s.general(2), s.vip(1)))
    sold.when(s.cancel(ALICE), at=closes - timedelta(microseconds=1)).then(ALL_BACK)
    sold.when(s.cancel(ALICE), at=closes).refused(NotOnSale, opens_at=None, closed_at=closes.isoformat())
    sold.when(s.cancel(ORGANIZER), at=closes).then(ALL_BACK)


def test_a_booking_is_cancelled_by_its_owner_as_long_as_sales_go_on() -> None:
    closes = STARTS + timedelta(days=1)
    sold = given(s.scheduled(sales_close_at=closes), s.booked(ALICE, s.general(2), s.vip(1)))
    sold.when(s.cancel(ALICE), at=STARTS).then(ALL_BACK)
    sold.when(s.cancel(ALICE), at=closes).refused(EventNotBookable, reason="past")


@pytest.mark.parametrize("actor", [BOB, s.OTHER_ORGANIZER, s.AUDITOR, s.GUEST])
def test_a_stranger_s_booking_is_not_found(actor: Actor) -> None:
    given(*SOLD).when(s.cancel(actor)).refused(BookingNotFound)


def test_a_walk_in_s_booking_is_not_found_by_a_guest() -> None:
    given(s.scheduled(), s.booked(s.GUEST, s.general(1))).when(s.cancel(s.GUEST)).refused(BookingNotFound)


def test_the_box_office_cancels_a_walk_in_s_booking() -> None:
    back = s.cancelled(0, lines=(ONE_GENERAL_BACK,), whole=True)
    given(s.scheduled(), s.booked(s.GUEST, s.general(1))).when(s.cancel(ORGANIZER)).then(back)


@pytest.mark.parametrize("actor", [ALICE, ADMIN])
def test_an_unknown_booking_is_not_found(actor: Actor) -> None:
    given(*SOLD).when(s.cancel(actor, booking=s.UNKNOWN_BOOKING)).refused(BookingNotFound)


def test_a_booking_remains_when_some_tickets_are_cancelled() -> None:
    event = given(*SOLD).when(s.cancel(ALICE, 2, 0)).then(s.cancelled(0, 2, lines=(ONE_GENERAL_BACK, VIP_BACK), whole=False))
    assert event.ticket_states(BOOKING) == b"cac"
    assert [seats.taken for seats in event.categories.values()] == [1, 0]


def test_a_ticket_named_twice_is_cancelled_once() -> None:
    given(*SOLD).when(s.cancel(ALICE, 0, 0)).then(FIRST_BACK)


def test_cancelling_the_last_tickets_cancels_the_whole_booking() -> None:
    given(*SOLD, FIRST_BACK).when(s.cancel(ALICE, 1, 2)).then(s.cancelled(1, 2, lines=(ONE_GENERAL_BACK, VIP_BACK), whole=True))


def test_cancelling_the_rest_leaves_out_cancelled_tickets() -> None:
    given(*SOLD, FIRST_BACK).when(s.cancel(ALICE)).then(s.cancelled(1, 2, lines=(ONE_GENERAL_BACK, VIP_BACK), whole=True))


def test_a_booking_is_cancelled_once() -> None:
    given(*SOLD, ALL_BACK).when(s.cancel(ALICE)).refused(AlreadyCancelled)


@pytest.mark.parametrize("actor", [ALICE, ADMIN])
def test_a_booking_of_a_cancelled_event_is_already_cancelled(actor: Actor) -> None:
    given(*SOLD, s.event_cancelled()).when(s.cancel(actor)).refused(AlreadyCancelled)


def test_a_ticket_is_cancelled_once() -> None:
    given(*SOLD, FIRST_BACK).when(s.cancel(ALICE, 1, 0)).refused(TicketCancelled)


@pytest.mark.parametrize("tickets", [(), (0,), (1, 0)])
def test_a_used_ticket_is_not_cancelled(tickets: tuple[int, ...]) -> None:
    given(*SOLD, s.used(0)).when(s.cancel(ALICE, *tickets)).refused(TicketAlreadyUsed)


def test_unused_tickets_of_a_booking_with_a_used_one_may_be_cancelled() -> None:
    back = s.cancelled(1, 2, lines=(ONE_GENERAL_BACK, VIP_BACK), whole=False)
    event = given(*SOLD, s.used(0)).when(s.cancel(ALICE, 1, 2)).then(back)
    assert event.ticket_states(BOOKING) == b"ucc"


def test_a_booking_with_used_tickets_left_is_not_already_cancelled() -> None:
    back = s.cancelled(1, 2, lines=(ONE_GENERAL_BACK, VIP_BACK), whole=False)
    given(*SOLD, s.used(0), back).when(s.cancel(ALICE)).refused(TicketAlreadyUsed)


@pytest.mark.parametrize("ticket", [3, -1])
def test_an_unknown_ticket_is_refused(ticket: int) -> None:
    problem = {"path": "tickets", "message": "no such ticket"}
    given(*SOLD).when(s.cancel(ALICE, ticket)).refused(Malformed, errors=[problem])


def test_an_empty_list_of_tickets_is_refused() -> None:
    command = CancelBooking(**s.by(ALICE), booking_id=BOOKING, tickets=())
    given(*SOLD).when(command).refused(Malformed, errors=[{"path": "tickets", "message": "must name at least one"}])


def test_a_refund_is_the_price_that_was_paid() -> None:
    history = (
        *SOLD,
        s.price_changed(1, 9_000),
        s.booked(BOB, s.general(1, 9_000), booking=s.ANOTHER_BOOKING),
        s.price_changed(1, 1),
    )
    given(*history).when(s.cancel(ALICE)).then(ALL_BACK)
    given(*history).when(s.cancel(BOB, booking=s.ANOTHER_BOOKING)).then(
        s.cancelled(0, lines=(CancelledLine(1, 1, 9_000),), whole=True, booking=s.ANOTHER_BOOKING)
    )


def test_a_customer_cancels_until_the_event_starts() -> None:
    given(*SOLD).when(s.cancel(ALICE), at=STARTS - timedelta(microseconds=1)).then(ALL_BACK)
    given(*SOLD).when(s.cancel(ALICE), at=STARTS).refused(EventNotBookable, reason="past")
    given(*SOLD, ALL_BACK).when(s.cancel(ALICE), at=STARTS).refused(AlreadyCancelled)


@pytest.mark.parametrize("starts_at", [STARTS, None])
def test_a_customer_cancels_nothing_of_a_completed_event(starts_at: datetime | None) -> None:
    """Also where it is completed before its time, or has none."""
    completed = given(s.scheduled(starts_at=starts_at), *SOLD[1:], s.event_completed())
    completed.when(s.cancel(ALICE)).refused(EventNotBookable, reason="completed")


@pytest.mark.parametrize("actor", [ORGANIZER, ADMIN])
def test_the_box_office_refunds_after_the_start_and_the_end(actor: Actor) -> None:
    given(*SOLD).when(s.cancel(actor), at=STARTS).then(ALL_BACK)
    given(*SOLD, s.event_completed()).when(s.cancel(actor), at=STARTS).then(ALL_BACK)
