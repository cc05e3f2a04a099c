"""Payments and refunds: what is due, what is owed back, and when."""

from uuid import UUID

import pytest

from ledger import entries as e
from ledger import errors, snapshots
from ledger.booking_money import BookingMoney
from ledger.commands import Actor, CancelEvent
from ledger.details import Category
from ledger.event import Event
from ledger.paying import MAX_REFUNDS, event_refund_id
from ledger.payment_errors import AlreadyPaid, AmountDiffers, PaymentDue, PaymentElsewhere, RefundExceeds, RefundLimit
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, ANOTHER_PAYMENT, BOB, BOOKING, ORGANIZER, PAYMENT, general, given, vip
from tests.ledger.test_event import restored, without_newest

PAID_HERE = s.scheduled(**s.ON_SITE)
BOOKED = s.payable(s.booked(ALICE, general(2)))
PAID = s.received(10_000)


def money(event: Event) -> tuple[int, int, int]:
    """What is due for the booking, what is kept of its payments, and what is owed back."""
    of_booking: BookingMoney = event.money[BOOKING.bytes]
    return event.due(BOOKING), of_booking.kept, of_booking.owed


def cancelled(*tickets: int, whole: bool = False) -> e.BookingCancelled:
    """General tickets of the booking, which was paid here."""
    back = 5_000 * len(tickets)
    return s.less_to_pay(s.cancelled(*tickets, lines=(e.CancelledLine(1, len(tickets), back),), whole=whole), back)


# --- what is due


def test_a_booking_of_an_event_that_is_paid_on_site_is_due() -> None:
    event = given(PAID_HERE).when(s.book(ALICE, General=2)).then(s.payable(s.booked(ALICE, general(2))))
    (id_,) = s.state(event)["bookings"]
    assert event.due(UUID(bytes=id_)) == 10_000


def test_what_costs_nothing_is_not_due() -> None:
    free = Category(1, "General", 0, 10)
    given(s.scheduled(free, **s.ON_SITE)).when(s.book(ALICE)).then(s.booked(ALICE, general(1, 0)))


def test_a_booking_whose_payment_is_taken_elsewhere_is_not_due() -> None:
    event = s.replayed(s.scheduled(), s.booked(ALICE, general(2)), s.details_changed(**s.ON_SITE))
    assert (event.due(BOOKING), event.to_pay(BOOKING)) == (0, 0)
    before = given(s.scheduled(), s.booked(ALICE, general(2)), s.details_changed(**s.ON_SITE))
    before.when(s.take_payment(10_000)).refused(PaymentElsewhere)
    before.when(s.give_refund(10_000)).refused(PaymentElsewhere)
    before.when(s.check_in(ORGANIZER)).then(s.used(0))


def test_a_confirmed_hold_is_due() -> None:
    event = given(PAID_HERE, s.held(ALICE, general(2))).when(s.confirm(ALICE)).then(s.payable(s.confirmed(ALICE, general(2))))
    assert event.due(s.HOLD) == 10_000


def test_a_ticket_that_is_not_paid_does_not_admit() -> None:
    given(PAID_HERE, BOOKED).when(s.check_in(ORGANIZER)).refused(PaymentDue, due_amount="100.00")
    given(PAID_HERE, BOOKED, PAID).when(s.check_in(ORGANIZER)).then(s.used(0))


# --- payments at the box office


def test_the_box_office_takes_what_is_due() -> None:
    command = s.take_payment(10_000)
    event = given(PAID_HERE, BOOKED).when(command).then(s.received(10_000, payment=command.id))
    assert money(event) == (0, 10_000, 0)
    assert event.versions_about(BOOKING) == (2, 3)


@pytest.mark.parametrize("amount", [-1, 0, 9_999, 10_001, 10**15])
def test_another_amount_is_refused(amount: int) -> None:
    given(PAID_HERE, BOOKED).when(s.take_payment(amount)).refused(AmountDiffers, due_amount="100.00")


@pytest.mark.parametrize("last", [PAID, cancelled(0, 1, whole=True), s.event_cancelled()])
def test_nothing_is_due_once_it_is_paid_or_cancelled(last: e.Entry) -> None:
    given(PAID_HERE, BOOKED, last).when(s.take_payment(10_000)).refused(AlreadyPaid)


@pytest.mark.parametrize("actor", [ALICE, BOB, s.OTHER_ORGANIZER, s.AUDITOR])
def test_only_the_box_office_takes_and_gives_money(actor: Actor) -> None:
    given(PAID_HERE, BOOKED).when(s.take_payment(10_000, actor)).refused(errors.NotYourEvent)
    given(PAID_HERE, BOOKED, PAID).when(s.give_refund(10_000, actor)).refused(errors.NotYourEvent)


def test_no_booking_no_payment() -> None:
    given(PAID_HERE, BOOKED).when(s.take_payment(1, booking=s.UNKNOWN_BOOKING)).refused(errors.BookingNotFound)
    given(PAID_HERE, BOOKED).when(s.give_refund(1, booking=s.UNKNOWN_BOOKING)).refused(errors.BookingNotFound)


def test_what_was_cancelled_need_not_be_paid() -> None:
    command = s.cancel(ALICE, 0)
    event = given(PAID_HERE, BOOKED).when(command).then(cancelled(0))
    assert money(event) == (5_000, 0, 0)


# --- what is owed


def test_what_was_paid_for_cancelled_tickets_is_owed() -> None:
    command = s.cancel(ALICE, 0)
    event = given(PAID_HERE, BOOKED, PAID).when(command).then(cancelled(0), s.owed(5_000, command.id))
    assert money(event) == (0, 5_000, 5_000)


def test_newer_payments_are_owed_back_first() -> None:
    """Two payments: the second one after a refund out of goodwill that was a mistake, say."""
    event = given(PAID_HERE, BOOKED, s.received(8_000), s.received(2_000, ANOTHER_PAYMENT))
    command = s.cancel(ALICE, 0)
    event.when(command).then(cancelled(0), s.owed(2_000, command.id, ANOTHER_PAYMENT), s.owed(3_000, command.id))


def test_a_cancelled_event_is_itself_the_debt() -> None:
    event = given(PAID_HERE, BOOKED, PAID).when(CancelEvent(**s.by(ORGANIZER))).then(s.event_cancelled())
    assert money(event) == (0, 10_000, 0)
    refund = s.paid_back(4_000, event_refund_id(PAYMENT))
    given(PAID_HERE, BOOKED, PAID, s.event_cancelled()).when(s.give_refund(4_000)).then(refund)
    rest = s.replayed(PAID_HERE, BOOKED, PAID, s.event_cancelled(), refund)
    assert money(rest) == (0, 6_000, 0)
    done = given(PAID_HERE, BOOKED, PAID, s.event_cancelled(), refund)
    done.when(s.give_refund(6_001)).refused(RefundExceeds, refundable_amount="60.00")
    assert money(done.when(s.give_refund(6_000)).then(s.paid_back(6_000, event_refund_id(PAYMENT)))) == (0, 0, 0)


# --- refunds at the box office


def test_what_is_owed_is_given_back_in_one_or_several_parts() -> None:
    owed = s.owed(5_000, UUID(int=7))
    before = (PAID_HERE, BOOKED, PAID, cancelled(0), owed)
    first = s.paid_back(2_000, owed.refund_id)
    event = given(*before).when(s.give_refund(2_000)).then(first)
    assert money(event) == (0, 5_000, 3_000)
    event = given(*before, first).when(s.give_refund(3_000)).then(s.paid_back(3_000, owed.refund_id))
    assert money(event) == (0, 5_000, 0)


def test_more_than_is_owed_is_goodwill_and_lowers_the_price() -> None:
    command = s.give_refund(3_000)
    owed = s.owed(3_000, command.id, reason="goodwill")
    event = given(PAID_HERE, BOOKED, PAID).when(command).then(owed, s.paid_back(3_000, owed.refund_id))
    assert money(event) == (0, 7_000, 0)
    assert event.to_pay(BOOKING) == 7_000
    later = s.cancel(ALICE)
    entries = (PAID_HERE, BOOKED, PAID, owed, s.paid_back(3_000, owed.refund_id))
    whole = s.less_to_pay(s.cancelled(0, 1, lines=(e.CancelledLine(1, 2, 10_000),), whole=True), 7_000)
    assert money(given(*entries).when(later).then(whole, s.owed(7_000, later.id))) == (0, 0, 7_000)


def test_what_is_owed_comes_before_goodwill() -> None:
    owed, command = s.owed(5_000, UUID(int=7)), s.give_refund(6_000)
    more = s.owed(1_000, command.id, reason="goodwill")
    event = given(PAID_HERE, BOOKED, PAID, cancelled(0), owed)
    event.when(command).then(more, s.paid_back(5_000, owed.refund_id), s.paid_back(1_000, more.refund_id))


def test_more_than_is_owed_is_refused_unless_it_is_meant() -> None:
    """Two clerks who pay the same debt are not both right."""
    owed = s.owed(5_000, UUID(int=7))
    before = given(PAID_HERE, BOOKED, PAID, cancelled(0), owed)
    before.when(s.give_refund(5_001, goodwill=False)).refused(RefundExceeds, refundable_amount="50.00")
    before.when(s.give_refund(5_000, goodwill=False)).then(paid := s.paid_back(5_000, owed.refund_id))
    after = given(PAID_HERE, BOOKED, PAID, cancelled(0), owed, paid)
    after.when(s.give_refund(5_000, goodwill=False)).refused(RefundExceeds, refundable_amount="0.00")
    called_off = given(PAID_HERE, BOOKED, PAID, s.event_cancelled())
    called_off.when(s.give_refund(10_000, goodwill=False)).then(s.paid_back(10_000, event_refund_id(PAYMENT)))


def test_refunds_of_a_booking_are_bounded() -> None:
    entries: list[e.Entry] = [PAID_HERE, BOOKED, PAID]
    for number in range(MAX_REFUNDS):
        owed = s.owed(1, UUID(int=1_000 + number), reason="goodwill")
        entries += [owed, s.paid_back(1, owed.refund_id)]
    given(*entries).when(s.give_refund(1)).refused(RefundLimit, limit=MAX_REFUNDS)
    given(*entries[:-2]).when(command := s.give_refund(1)).then(
        owed := s.owed(1, command.id, reason="goodwill"), s.paid_back(1, owed.refund_id)
    )


def test_a_ticket_that_costs_nothing_admits_whatever_is_due() -> None:
    event = given(PAID_HERE, s.payable(s.with_amounts(s.booked(ALICE, general(1), vip(1)), 5_000, 0)))
    event.when(s.check_in(ORGANIZER, 0)).refused(PaymentDue, due_amount="50.00")
    event.when(s.check_in(ORGANIZER, 1)).then(s.used(1))


def test_no_more_is_given_back_than_was_paid() -> None:
    given(PAID_HERE, BOOKED).when(s.give_refund(1)).refused(RefundExceeds, refundable_amount="0.00")
    given(PAID_HERE, BOOKED, PAID).when(s.give_refund(10_001)).refused(RefundExceeds, refundable_amount="100.00")


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_is_more_than_nothing(amount: int) -> None:
    wrong = [{"path": "amount", "message": "must be more than 0"}]
    given(PAID_HERE, BOOKED, PAID).when(s.give_refund(amount)).refused(errors.Malformed, errors=wrong)


def test_a_snapshot_has_the_money() -> None:
    event = s.replayed(PAID_HERE, BOOKED, PAID, cancelled(0), s.owed(5_000, UUID(int=7)))
    snapshot = snapshots.take(event)
    assert snapshot.topic == snapshots.PAYMENTS
    assert without_newest(restored(snapshot)) == without_newest(event)


def test_entries_that_give_back_too_much_are_not_applied() -> None:
    with pytest.raises(AssertionError, match="more than was received"):
        s.replayed(PAID_HERE, BOOKED, PAID, s.owed(10_001, UUID(int=7)))
    owed = s.owed(5_000, UUID(int=7))
    with pytest.raises(AssertionError, match="more than is owed"):
        s.replayed(PAID_HERE, BOOKED, PAID, cancelled(0), owed, s.paid_back(5_001, owed.refund_id))


def test_tickets_of_a_line_with_a_discount_are_owed_back_at_what_they_cost() -> None:
    booked = s.payable(e.SeatsBooked(**s.stamp(BOOKING), customer_id=ALICE.id, lines=(vip(2),), details_version=1, amounts=(6, 5)))
    command = s.cancel(ALICE, 0)
    back = s.less_to_pay(s.cancelled(0, lines=(e.CancelledLine(2, 1, 6),), whole=False), 6)
    given(PAID_HERE, booked, s.received(11)).when(command).then(back, s.owed(6, command.id))
