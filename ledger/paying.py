"""The rules of payments and refunds. Pure.

What is owed back follows from what happens to a booking: whatever was received and exceeds the price of the tickets that stand. The
entries that say so (`RefundOwed`) are of the same append as their cause. A cancelled Event is itself the debt, for all of its
bookings at once.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.booking_money import BookingMoney, Payment
from ledger.commands import GiveRefund, TakePayment
from ledger.derived_ids import derived_id
from ledger.event import Event
from ledger.money import to_text
from ledger.payment_errors import (
    AlreadyPaid,
    AmountDiffers,
    PaymentDue,
    PaymentElsewhere,
    RefundExceeds,
    RefundLimit,
)
from ledger.rules import Stamp, check_box_office, malformed

#: Refunds that are paid for one booking, before another one: a booking's entries are read together.
MAX_REFUNDS = 500


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
    the same debt would both be right."""
    money = _money_at_box_office(event, c)
    if c.amount < 1:
        raise malformed("amount", "must be more than 0")
    if money.times_paid_back >= MAX_REFUNDS:
        raise RefundLimit(MAX_REFUNDS)
    debts = [*_debts(event, money)]
    refundable = money.kept + money.owed if c.goodwill else sum(debt.amount for debt in debts)
    if c.amount > refundable:
        raise RefundExceeds(to_text(refundable, event.currency), event.currency)
    entries: list[e.Entry] = []
    left = c.amount - sum(debt.amount for debt in debts)
    if left > 0:
        owed = list(_owe(c.booking_id, money, left, "goodwill", stamp))
        debts += [_Debt(entry.refund_id, entry.payment_id, entry.amount) for entry in owed]
        entries += owed
    left = c.amount
    for debt in debts:
        if amount := min(left, debt.amount):
            left -= amount
            paid = e.RefundPaid(
                **stamp, refund_id=debt.refund_id, payment_id=debt.payment_id, booking_id=c.booking_id, method=c.method,
                amount=amount, reference=c.reference,
            )  # fmt: skip
            entries.append(paid)
    return entries


def owed_after(event: Event, booking_id: UUID, to_pay: int, stamp: Stamp) -> list[e.RefundOwed]:
    """What is owed back once this is the price of what stands of a booking."""
    money: BookingMoney | None = event.money.get(booking_id.bytes)
    if money is None or money.kept <= to_pay:
        return []
    return list(_owe(booking_id, money, money.kept - to_pay, "cancelled", stamp))


def is_payable(event: Event, total: int) -> bool:
    """Whether a new booking of this price is paid through Seatledger."""
    return bool(total and event.details.payment_methods)


def check_paid(event: Event, booking_id: UUID, ticket: int) -> None:
    """Raises PaymentDue for a ticket of a booking that is not paid, unless the ticket costs nothing."""
    due = event.due(booking_id)
    if due and event.ticket_amounts(booking_id)[ticket]:
        raise PaymentDue(to_text(due, event.currency), event.currency)


def event_refund_id(payment_id: UUID) -> UUID:
    """The id of the refund of a payment that is owed because the Event was cancelled."""
    return derived_id(payment_id, b"event cancelled")


class _Debt(NamedTuple):
    """What is owed of a payment, in minor units."""

    refund_id: UUID
    payment_id: UUID
    amount: int


def _money_at_box_office(event: Event, c: TakePayment | GiveRefund) -> BookingMoney:
    check_box_office(event, c.actor)
    if c.booking_id.bytes not in event.bookings:
        raise errors.BookingNotFound
    money: BookingMoney | None = event.money.get(c.booking_id.bytes)
    if money is None:
        raise PaymentElsewhere
    return money


def _debts(event: Event, money: BookingMoney) -> Iterator[_Debt]:
    """What is owed for a booking, the oldest first."""
    for refund in money.refunds:
        yield _Debt(UUID(bytes=refund.id), UUID(bytes=refund.payment), refund.amount)
    if event.status == "cancelled":
        for payment in money.payments:
            if payment.kept:
                id_ = UUID(bytes=payment.id)
                yield _Debt(event_refund_id(id_), id_, payment.kept)


def _owe(booking_id: UUID, money: BookingMoney, amount: int, reason: e.RefundReason, stamp: Stamp) -> Iterator[e.RefundOwed]:
    """The entries by which this amount is owed back, of the newest payments first. Their ids are derived from that of the
    command and of the payment."""
    for payment, part in _parts(reversed(money.payments), amount):
        payment_id = UUID(bytes=payment.id)
        refund_id = derived_id(stamp["command"], b"refund " + payment.id)
        yield e.RefundOwed(**stamp, refund_id=refund_id, payment_id=payment_id, booking_id=booking_id, amount=part, reason=reason)


def _parts(payments: Iterable[Payment], amount: int) -> Iterator[tuple[Payment, int]]:
    """How an amount is shared out among what is kept of payments."""
    for payment in payments:
        if part := min(amount, payment.kept):
            amount -= part
            yield payment, part
    assert not amount, "never more than is kept"
