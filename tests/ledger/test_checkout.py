"""Paying online for held seats: they are booked once the money is there, and money without seats is owed back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger import entries as e
from ledger import errors, snapshots
from ledger.booking_money import BookingMoney
from ledger.checkout import GRACE, PAYABLE
from ledger.commands import Command
from ledger.decide import decide
from ledger.details import Category
from ledger.event import Event
from ledger.hold_errors import EntryNeeded, HoldClosed, HoldNotFound, HoldTakenOver
from ledger.paying import event_refund_id
from ledger.payment_errors import (
    AlreadyPaid,
    PaymentMethodOff,
    PaymentNotFound,
    PaymentRequired,
    PaymentUnderWay,
    RefundExceeds,
    RefundNotOwed,
)
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, ANOTHER_PAYMENT, BOB, HOLD, NOW, ONLINE, ORGANIZER, PAYABLE_UNTIL, PAYMENT, general, given
from tests.ledger.test_event import restored, without_newest

PAID_ONLINE = s.scheduled(**ONLINE)
HELD = s.held(ALICE, general(2))
STARTED = s.started(ALICE, 10_000)
BOOKED = s.payable(s.confirmed(ALICE, general(2)))
RECEIVED = s.received(10_000, booking=HOLD, method="demo")
UNDER_WAY = (PAID_ONLINE, HELD, STARTED)
LATE = PAYABLE_UNTIL + GRACE
ENDED: dict[str, Any] = {"held": HELD, "started": STARTED}
DUE = {"due_amount": "100.00", "methods": ["demo"]}


def money(event: Event) -> tuple[int, int, int]:
    """What is due for the booking, what is kept of its payments, and what is owed back."""
    of_booking: BookingMoney = event.money[HOLD.bytes]
    return event.due(HOLD), of_booking.kept, of_booking.owed


def owed(amount: int, cause: Command, reason: e.RefundReason = "exceeds", payment: UUID = PAYMENT) -> e.RefundOwed:
    return s.owed(amount, cause.id, payment, HOLD, reason)


def not_booked(amount: int, cause: Command) -> tuple[e.Entry, e.Entry]:
    """It is received, and owed back at once."""
    received = msgspec.structs.replace(s.received(amount, booking=PAYMENT, method="demo"), customer_id=ALICE.id)
    return received, s.owed(amount, cause.id, PAYMENT, PAYMENT, "not-booked")


# --- what is booked only once it is paid


def test_customers_pay_first() -> None:
    given(PAID_ONLINE).when(s.book(ALICE, General=2)).refused(PaymentRequired, **DUE)
    given(PAID_ONLINE, HELD).when(s.confirm(ALICE)).refused(PaymentRequired, **DUE)
    given(*UNDER_WAY).when(s.confirm(ALICE)).refused(PaymentRequired, **DUE)


def test_the_box_office_sells_at_once() -> None:
    given(PAID_ONLINE).when(s.book(ORGANIZER)).then(s.payable(s.booked(s.GUEST, general(1))))
    given(PAID_ONLINE, HELD).when(s.confirm(ORGANIZER)).then(BOOKED)


def test_what_costs_nothing_needs_no_payment() -> None:
    free = s.scheduled(Category(1, "General", 0, 10), **ONLINE)
    given(free).when(s.book(ALICE)).then(s.booked(ALICE, general(1, 0)))
    given(free, s.held(ALICE, general(1, 0))).when(s.start_payment(ALICE)).refused(AlreadyPaid)


def test_who_may_pay_on_site_need_not_pay_first() -> None:
    either = s.scheduled(payment_methods=("box_office", "demo"))
    given(either).when(s.book(ALICE)).then(s.payable(s.booked(ALICE, general(1))))


# --- starting


def test_the_seats_are_held_for_as_long_as_it_takes_to_pay() -> None:
    command = s.start_payment(ALICE, total="100")
    event = given(PAID_ONLINE, HELD).when(command).then(STARTED)
    assert event.holds[HOLD.bytes].expires_at == NOW + PAYABLE + GRACE
    assert event.version_of(command.id) == 3
    assert without_newest(restored(snapshots.take(event.merge()))) == without_newest(event)


def test_a_hold_that_lasts_longer_keeps_its_end() -> None:
    until = NOW + timedelta(hours=2)
    started = msgspec.structs.replace(STARTED, expires_at=until)
    given(PAID_ONLINE, s.held(ALICE, general(2), until=until)).when(s.start_payment(ALICE)).then(started)


def test_a_payment_is_started_once() -> None:
    given(*UNDER_WAY).when(s.start_payment(ALICE)).refused(PaymentUnderWay, payment_id=str(PAYMENT))


def test_only_offered_methods_are_accepted() -> None:
    given(s.scheduled(**s.ON_SITE), HELD).when(s.start_payment(ALICE)).refused(PaymentMethodOff, methods=["box_office"])


def test_another_total_is_not_charged() -> None:
    event = given(PAID_ONLINE, HELD)
    event.when(s.start_payment(ALICE, total="99.99")).refused(errors.PriceChanged, total_amount="100.00")


def test_the_price_is_that_at_which_the_seats_were_held() -> None:
    given(PAID_ONLINE, HELD, s.price_changed(1, 9_000)).when(s.start_payment(ALICE)).then(STARTED)


def test_a_hold_whose_time_is_over_is_not_paid() -> None:
    given(PAID_ONLINE, HELD).when(s.start_payment(ALICE), at=s.DUE).refused(HoldClosed, outcome="lapsed")
    given(PAID_ONLINE, HELD, s.released()).when(s.start_payment(ALICE)).refused(HoldClosed, outcome="released")
    given(PAID_ONLINE, HELD).when(s.start_payment(BOB)).refused(HoldNotFound)


def test_the_hold_becomes_that_of_who_pays() -> None:
    """Somebody holds seats without a log-in, and then says who they are."""
    nobody = s.GUEST_HOLDER
    held = s.held(nobody, general(2))
    event = given(PAID_ONLINE, held).when(s.start_payment(nobody, customer=BOB)).then(s.started(BOB, 10_000))
    assert s.state(event)["customers"] == {s.key_of(BOB): 2}
    after = given(PAID_ONLINE, held, s.started(BOB, 10_000))
    after.when(s.release(BOB)).then(s.released())
    after.when(s.release(ALICE)).refused(HoldNotFound)
    for command in (s.release(nobody), s.start_payment(nobody, customer=ALICE)):  # of a process that knows the first holder
        with pytest.raises(HoldTakenOver) as taken:
            decide(s.history(PAID_ONLINE, held, s.started(BOB, 10_000)), command, NOW)
        assert taken.value.customer_id == BOB.id


def test_who_pays_is_within_the_limit() -> None:
    limited = s.scheduled(max_tickets_per_customer=3, **ONLINE)
    event = given(limited, s.held(s.GUEST_HOLDER, general(2)), s.booked(BOB, general(2)))
    event.when(s.start_payment(s.GUEST_HOLDER, customer=BOB)).refused(errors.CustomerLimit, limit=3, held=2)


def test_an_unproven_guest_does_not_pay_where_addresses_are_proven() -> None:
    proven = s.scheduled(guest_checkout="proven", **ONLINE)
    given(proven, HELD).when(s.start_payment(ALICE, guest="unproven")).refused(errors.EmailUnverified)
    given(proven, HELD).when(s.start_payment(ALICE, guest="proven")).then(STARTED)


# --- receiving


def test_what_is_paid_is_booked() -> None:
    event = given(*UNDER_WAY).when(s.receive_payment(10_000)).then(BOOKED, RECEIVED)
    assert money(event) == (0, 10_000, 0)
    assert (event.categories[1].taken, event.categories[1].held) == (2, 0)
    assert s.state(event)["customers"] == {s.key_of(ALICE): 2}
    assert event.versions_about(HOLD) == (4, 5)


def test_the_booking_is_that_of_who_pays() -> None:
    held, started = s.held(s.GUEST_HOLDER, general(2)), s.started(BOB, 10_000)
    event = given(PAID_ONLINE, held, started).when(s.receive_payment(10_000))
    event.then(s.payable(s.confirmed(BOB, general(2))), RECEIVED)
    ended = given(PAID_ONLINE, held, started, s.lapsed()).when(s.receive_payment(10_000, held=held, started=started), at=LATE)
    ended.then(s.payable(s.confirmed(BOB, general(2))), RECEIVED)


def test_too_much_is_owed_back() -> None:
    command = s.receive_payment(10_001)
    received = s.received(10_001, booking=HOLD, method="demo")
    event = given(*UNDER_WAY).when(command).then(BOOKED, received, owed(1, command))
    assert money(event) == (0, 10_000, 1)


def test_too_little_books_nothing_and_is_owed_back() -> None:
    command = s.receive_payment(9_999)
    event = given(*UNDER_WAY).when(command).then(*not_booked(9_999, command))
    assert (event.money[PAYMENT.bytes].kept, event.money[PAYMENT.bytes].owed) == (0, 9_999)
    assert event.categories[1].held == 2


def test_money_in_another_currency_has_to_be_placed_by_somebody() -> None:
    errors_at = [{"path": "currency", "message": "is not that of the event"}]
    given(*UNDER_WAY).when(s.receive_payment(10_000, currency="JPY")).refused(errors.Malformed, errors=errors_at)


@pytest.mark.parametrize("amount", [0, -1, 10**15 + 1, 2**63, 2**70])
def test_no_money_and_more_than_there_is_are_no_payment(amount: int) -> None:
    errors_at = [{"path": "amount", "message": "must be more than 0, and not more than any booking costs"}]
    given(*UNDER_WAY).when(s.receive_payment(amount)).refused(errors.Malformed, errors=errors_at)


def test_money_that_comes_late_books_the_seats_if_they_are_free() -> None:
    given(*UNDER_WAY, s.price_changed(1, 9_000)).when(s.receive_payment(10_000), at=LATE).then(BOOKED, RECEIVED)
    given(*UNDER_WAY, s.lapsed()).when(s.receive_payment(10_000, **ENDED), at=LATE).then(BOOKED, RECEIVED)


@pytest.mark.parametrize(
    "since",
    [
        (s.booked(BOB, general(9)),),
        (s.details_changed(sales_close_at=NOW, **ONLINE),),
        (s.details_changed(max_tickets_per_customer=1, **ONLINE),),
        (s.event_completed(),),
    ],
)
def test_money_that_comes_late_is_owed_back_if_an_order_would_be_refused(since: tuple[e.Entry, ...]) -> None:
    command = s.receive_payment(10_000, **ENDED)
    event = given(*UNDER_WAY, s.lapsed(), *since).when(command, at=LATE).then(*not_booked(10_000, command))
    assert s.state(event)["bookings"].keys() == ({s.BOOKING.bytes} if isinstance(since[0], e.SeatsBooked) else set())


def test_money_for_seats_that_were_given_back_is_owed() -> None:
    command = s.receive_payment(10_000, **ENDED)
    given(*UNDER_WAY, s.released()).when(command).then(*not_booked(10_000, command))


def test_money_for_a_cancelled_event_is_owed_once() -> None:
    """What was paid before is owed by the cancellation itself."""
    command = s.receive_payment(10_000, **ENDED)
    given(*UNDER_WAY, s.event_cancelled()).when(command).then(*not_booked(10_000, command))
    other = s.receive_payment(10_000, ANOTHER_PAYMENT, started=s.started(ALICE, 10_000, ANOTHER_PAYMENT))
    event = given(*UNDER_WAY, BOOKED, RECEIVED, s.event_cancelled()).when(other)
    second = s.received(10_000, ANOTHER_PAYMENT, HOLD, "demo")
    assert money(event.then(second, owed(10_000, other, payment=ANOTHER_PAYMENT))) == (0, 10_000, 10_000)


def test_a_second_payment_for_a_booking_is_owed_back() -> None:
    other = s.receive_payment(10_000, ANOTHER_PAYMENT, started=s.started(ALICE, 10_000, ANOTHER_PAYMENT))
    second = s.received(10_000, ANOTHER_PAYMENT, HOLD, "demo")
    event = given(*UNDER_WAY, BOOKED, RECEIVED).when(other).then(second, owed(10_000, other, payment=ANOTHER_PAYMENT))
    assert money(event) == (0, 10_000, 10_000)


def test_a_payment_pays_what_the_box_office_has_booked_meanwhile() -> None:
    event = given(*UNDER_WAY, BOOKED).when(s.receive_payment(10_000, started=STARTED)).then(RECEIVED)
    assert money(event) == (0, 10_000, 0)


def test_a_payment_for_a_booking_that_is_paid_elsewhere_is_owed_back() -> None:
    command = s.receive_payment(10_000, started=STARTED)
    elsewhere = s.confirmed(ALICE, general(2))
    event = given(*UNDER_WAY, elsewhere).when(command).then(RECEIVED, owed(10_000, command))
    assert (money(event), event.to_pay(HOLD)) == ((0, 0, 10_000), 0)


def test_the_same_payment_by_another_command_has_to_be_placed_by_somebody() -> None:
    given(*UNDER_WAY, BOOKED, RECEIVED).when(s.receive_payment(10_000, started=STARTED)).refused(AlreadyPaid)


def test_the_same_is_so_where_nothing_was_booked_for_it() -> None:
    received, back = not_booked(10_000, s.receive_payment(10_000))
    given(*UNDER_WAY, s.released(), received, back).when(s.receive_payment(10_000, **ENDED)).refused(AlreadyPaid)


def test_after_a_payment_that_did_not_suffice_the_seats_can_still_be_paid() -> None:
    two = s.scheduled(payment_methods=("demo", "box_office"))
    short = not_booked(9_999, s.receive_payment(9_999))
    event = given(two, HELD, STARTED, *short).when(s.confirm(ALICE)).then(BOOKED)
    assert event.due(HOLD) == 10_000


def test_money_that_no_payment_was_started_for_has_to_be_placed_by_somebody() -> None:
    given(PAID_ONLINE, HELD).when(s.receive_payment(10_000)).refused(PaymentNotFound)
    given(*UNDER_WAY).when(s.receive_payment(10_000, hold=s.ANOTHER_HOLD, started=STARTED)).refused(PaymentNotFound)


def test_the_entries_of_what_has_ended_are_asked_for() -> None:
    event = given(*UNDER_WAY, s.lapsed())
    event.when(s.receive_payment(10_000)).refused(EntryNeeded, version=3)
    event.when(s.receive_payment(10_000, started=STARTED)).refused(EntryNeeded, version=2)
    command = s.receive_payment(10_000)
    assert command.with_entry(STARTED).with_entry(HELD) == msgspec.structs.replace(command, **ENDED)
    with pytest.raises(PaymentNotFound):
        command.with_entry(RECEIVED)


def test_seats_that_are_paid_late_need_due_holds_of_others_to_lapse() -> None:
    theirs = s.held(BOB, general(9), hold=s.ANOTHER_HOLD, until=NOW + timedelta(minutes=1))
    event = given(*UNDER_WAY, s.lapsed(), theirs)
    event.when(s.receive_payment(10_000, **ENDED), at=LATE).then(s.lapsed(s.ANOTHER_HOLD), BOOKED, RECEIVED)


# --- refunds by the provider

CANCELLED = s.less_to_pay(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=HOLD), 5_000)
CAUSE = UUID(int=7)
OWED = s.owed(5_000, CAUSE, booking=HOLD)
REFUND = OWED.refund_id
OWING = (*UNDER_WAY, BOOKED, RECEIVED, CANCELLED, OWED)


def test_the_provider_pays_back_what_is_owed() -> None:
    paid = s.paid_back(5_000, REFUND, booking=HOLD, method="demo")
    event = given(*OWING).when(s.record_refund(5_000, REFUND)).then(paid)
    assert money(event) == (0, 5_000, 0)
    given(*OWING, paid).when(s.record_refund(5_000, REFUND)).refused(RefundNotOwed)


@pytest.mark.parametrize("amount", [-1, 0, 5_001])
def test_never_another_amount(amount: int) -> None:
    given(*OWING).when(s.record_refund(amount, REFUND)).refused(RefundNotOwed)


def test_a_refund_is_of_its_payment_and_booking() -> None:
    given(*OWING).when(s.record_refund(5_000, REFUND, ANOTHER_PAYMENT)).refused(RefundNotOwed)
    given(*OWING).when(s.record_refund(5_000, REFUND, booking=s.BOOKING)).refused(RefundNotOwed)
    given(*OWING).when(s.record_refund(5_000, CAUSE)).refused(RefundNotOwed)


def test_the_cancelled_event_is_the_debt() -> None:
    refund = event_refund_id(PAYMENT)
    before = (*UNDER_WAY, BOOKED, RECEIVED)
    given(*before).when(s.record_refund(10_000, refund)).refused(RefundNotOwed)
    paid = s.paid_back(10_000, refund, booking=HOLD, method="demo")
    event = given(*before, s.event_cancelled()).when(s.record_refund(10_000, refund)).then(paid)
    assert money(event) == (0, 0, 0)


def test_the_box_office_does_not_pay_what_the_provider_pays() -> None:
    given(*OWING).when(s.give_refund(5_000, booking=HOLD)).refused(RefundExceeds, refundable_amount="0.00")
    before = given(*UNDER_WAY, BOOKED, RECEIVED, s.event_cancelled())
    before.when(s.give_refund(10_000, booking=HOLD)).refused(RefundExceeds, refundable_amount="0.00")


@pytest.mark.parametrize(
    ("before", "refund", "amount"),
    [(OWING, REFUND, 5_000), ((*UNDER_WAY, BOOKED, RECEIVED, s.event_cancelled()), event_refund_id(PAYMENT), 10_000)],
)
def test_what_the_provider_can_not_pay_the_box_office_pays(before: tuple[e.Entry, ...], refund: UUID, amount: int) -> None:
    failed = s.refund_failed(amount, refund, booking=HOLD)
    event = given(*before).when(s.record_failed_refund(refund)).then(failed)
    assert without_newest(restored(snapshots.take(event.merge()))) == without_newest(event)
    given(*before, failed).when(s.record_refund(amount, refund)).refused(RefundNotOwed)
    given(*before, failed).when(s.record_failed_refund(refund)).refused(RefundNotOwed)
    paid = s.paid_back(amount, refund, booking=HOLD)
    given(*before, failed).when(s.give_refund(amount, booking=HOLD, goodwill=False)).then(paid)


def test_money_without_a_booking_that_the_provider_can_not_pay_the_box_office_pays() -> None:
    received, back = not_booked(10_000, s.receive_payment(10_000))
    assert isinstance(back, e.RefundOwed)
    failed = s.refund_failed(10_000, back.refund_id, booking=PAYMENT)
    before = (*UNDER_WAY, s.released(), received, back)
    command = s.give_refund(10_000, booking=PAYMENT, goodwill=False)
    given(*before).when(command).refused(RefundExceeds, refundable_amount="0.00")
    given(*before, failed).when(command).then(s.paid_back(10_000, back.refund_id, booking=PAYMENT))


def test_goodwill_goes_back_to_where_the_money_came_from() -> None:
    command = s.give_refund(4_000, booking=HOLD, method="original")
    event = given(*UNDER_WAY, BOOKED, RECEIVED).when(command).then(owed(4_000, command, "goodwill"))
    assert money(event) == (0, 6_000, 4_000)
    refused = s.give_refund(10_001, booking=HOLD, method="original")
    given(*UNDER_WAY, BOOKED, RECEIVED).when(refused).refused(RefundExceeds, refundable_amount="100.00")
    without = s.give_refund(4_000, booking=HOLD, method="original", goodwill=False)
    given(*UNDER_WAY, BOOKED, RECEIVED).when(without).refused(RefundExceeds, refundable_amount="0.00")


def test_decided_again_by_another_process_it_is_the_same() -> None:
    """Ids are derived from the command, so that a second try makes the same refund."""
    command = s.receive_payment(10_000, **ENDED)
    first, second = (decide(s.history(*UNDER_WAY, s.released()), command, NOW) for _ in range(2))
    assert first == second
