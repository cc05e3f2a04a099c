"""The rules of payments at the box office, and of refunds. Pure.

What is owed back follows from what happens to a booking: whatever was received and exceeds the price of the tickets that stand. The
entries that say so (`RefundOwed`) are of the same append as their cause. A cancelled Event is itself the debt, for all of its
bookings at once. The box office pays what it took itself, and what a provider could not pay; each provider pays back what it
received.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.booking_money import BookingMoney, Payment
from ledger.commands import Actor, GiveRefund, RecordFailedRefund, RecordRefund, RefundCommand, TakePayment
from ledger.derived_ids import derived_id
from ledger.event import Event
from ledger.money import to_text
from ledger.payment_errors import (
    AlreadyPaid,
    AmountDiffers,
    PaymentDue,
    PaymentElsewhere,
    PaymentRequired,
    RefundExceeds,
    RefundLimit,
    RefundNotOwed,
)
from ledger.rules import Stamp, check_box_office, is_box_office, malformed

#: Refunds that are paid for one booking, before another one: a booking's entries are read together.
MAX_REFUNDS = 500


class Debt(NamedTuple):
    """What is owed of a payment, in minor units. `is_by_hand`: by the box office."""

    refund_id: UUID
    payment_id: UUID
    amount: int
    is_by_hand: bool


def take_payment(event: Event, c: TakePayment, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """At the box office: all that is due, at once."""
    _money_at_box_office(event, c)
    due = event.due(c.booking_id)
    if not due:
        raise AlreadyPaid
    if c.amount != due:
        raise AmountDiffers(to_text(due, event.currency), event.currency)
    received = e.PaymentReceived(
        **stamp, payment_id=c.id, booking_id=c.booking_id, method=c.method, amount=c.amount, currency=event.currency,
        reference=c.reference,
    )  # fmt: skip
    return [received]


def give_refund(event: Event, c: GiveRefund, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Money was given back at the box office: first what is owed, then out of goodwill, if that was meant: else two clerks who pay
    the same debt would both be right. Or it is owed out of goodwill from now on, by the provider that received it."""
    money = _money_at_box_office(event, c)
    if c.amount < 1:
        raise malformed("amount", "must be more than 0")
    if money.times_paid_back + len(money.refunds) >= MAX_REFUNDS:
        raise RefundLimit(MAX_REFUNDS)
    by_provider = c.method == "original"
    debts = [] if by_provider else [debt for debt in debts_of(event, money) if debt.is_by_hand]
    left = c.amount - sum(debt.amount for debt in debts)
    # What is kept of a cancelled Event is among the debts.
    kept = [payment for payment in money.payments if payment.is_online == by_provider and event.status != "cancelled"]
    goodwill = sum(payment.kept for payment in kept) if c.goodwill else 0
    if left > goodwill:
        raise RefundExceeds(to_text(c.amount - left + goodwill, event.currency), event.currency)
    owed = _owe(c.booking_id, kept, left, "goodwill", stamp)
    if by_provider:
        return list(owed)
    debts += [Debt(entry.refund_id, entry.payment_id, entry.amount, is_by_hand=True) for entry in owed]
    return [*owed, *_pay_back(c, debts, stamp)]


def _pay_back(c: GiveRefund, debts: Iterable[Debt], stamp: Stamp) -> Iterator[e.RefundPaid]:
    left = c.amount
    for debt in debts:
        if amount := min(left, debt.amount):
            left -= amount
            yield e.RefundPaid(
                **stamp, refund_id=debt.refund_id, payment_id=debt.payment_id, booking_id=c.booking_id, method=c.method,
                amount=amount, reference=c.reference,
            )  # fmt: skip


def record_refund(event: Event, c: RecordRefund, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Raises RefundNotOwed."""
    payment, owed = _owed_by_provider(event, c)
    if not 0 < c.amount <= owed:
        raise RefundNotOwed
    paid = e.RefundPaid(
        **stamp, refund_id=c.refund_id, payment_id=c.payment_id, booking_id=c.booking_id, method=payment.method, amount=c.amount,
        reference=c.reference,
    )  # fmt: skip
    return [paid]


def record_failed_refund(event: Event, c: RecordFailedRefund, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Raises RefundNotOwed."""
    _, owed = _owed_by_provider(event, c)
    failed = e.RefundFailed(
        **stamp, refund_id=c.refund_id, payment_id=c.payment_id, booking_id=c.booking_id, amount=owed, reason=c.reason
    )  # fmt: skip
    return [failed]


def _owed_by_provider(event: Event, c: RefundCommand) -> tuple[Payment, int]:
    """The payment of a refund, and what of the refund is owed. Raises RefundNotOwed if nothing is, by a provider."""
    money: BookingMoney | None = event.money.get(c.booking_id.bytes)
    debts = debts_of(event, money) if money is not None else ()
    debt = next((debt for debt in debts if debt.refund_id == c.refund_id and debt.payment_id == c.payment_id), None)
    if money is None or debt is None or debt.is_by_hand:
        raise RefundNotOwed
    return next(payment for payment in money.payments if payment.id == c.payment_id.bytes), debt.amount


def owe(booking_id: UUID, money: BookingMoney, amount: int, reason: e.RefundReason, stamp: Stamp) -> list[e.RefundOwed]:
    """The entries by which this amount is owed back, of the newest payments first; none for less than 1."""
    return _owe(booking_id, money.payments, amount, reason, stamp)


def is_payable(event: Event, total: int) -> bool:
    """Whether a new booking of this price is paid through Seatledger."""
    return bool(total and event.details.payment_methods)


def check_payable_later(event: Event, actor: Actor, total: int) -> None:
    """Raises PaymentRequired where customers have to pay first: the box office sells, and takes the money, in one place."""
    methods = event.details.payment_methods
    if total and methods and "box_office" not in methods and not is_box_office(event, actor):
        raise PaymentRequired(to_text(total, event.currency), event.currency, methods)


def check_paid(event: Event, booking_id: UUID, ticket: int) -> None:
    """Raises PaymentDue for a ticket of a booking that is not paid, unless the ticket costs nothing."""
    due = event.due(booking_id)
    if due and event.ticket_amounts(booking_id)[ticket]:
        raise PaymentDue(to_text(due, event.currency), event.currency)


def event_refund_id(payment_id: UUID) -> UUID:
    """The id of the refund of a payment that is owed because the Event was cancelled."""
    return derived_id(payment_id, b"event cancelled")


def _money_at_box_office(event: Event, c: TakePayment | GiveRefund) -> BookingMoney:
    check_box_office(event, c.actor)
    money: BookingMoney | None = event.money.get(c.booking_id.bytes)
    if money is None and c.booking_id.bytes not in event.bookings:
        raise errors.BookingNotFound
    if money is None:
        raise PaymentElsewhere
    return money


def debts_of(event: Event, money: BookingMoney) -> Iterator[Debt]:
    """What is owed for a booking, the oldest first."""
    methods = {payment.id: payment.is_online for payment in money.payments}
    for refund in money.refunds:
        is_by_hand = not methods[refund.payment] or refund.id in money.failed_refunds
        yield Debt(UUID(bytes=refund.id), UUID(bytes=refund.payment), refund.amount, is_by_hand)
    if event.status == "cancelled":
        for payment in money.payments:
            if payment.kept:
                payment_id = UUID(bytes=payment.id)
                refund_id = event_refund_id(payment_id)
                is_by_hand = not payment.is_online or refund_id.bytes in money.failed_refunds
                yield Debt(refund_id, payment_id, payment.kept, is_by_hand)


def _owe(booking_id: UUID, payments: Sequence[Payment], amount: int, reason: e.RefundReason, stamp: Stamp) -> list[e.RefundOwed]:
    """As `owe`. Their ids are derived from that of the command and of the payment."""
    owed = []
    for payment in reversed(payments):
        if (part := min(amount, payment.kept)) > 0:
            amount -= part
            refund_id = derived_id(stamp["command"], b"refund " + payment.id)
            owed.append(
                e.RefundOwed(
                    **stamp, refund_id=refund_id, payment_id=UUID(bytes=payment.id), booking_id=booking_id, amount=part,
                    reason=reason,
                )
            )  # fmt: skip
    assert amount <= 0, "never more than is kept"
    return owed
