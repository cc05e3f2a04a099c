"""The rules of paying online for held seats. Pure.

    StartPayment    ─▶ PaymentStarted             the provider is asked, and the seats are held for as long as it takes
    ReceivePayment  ─▶ SeatsBooked, PaymentReceived  in one append; without the seats: PaymentReceived, RefundOwed

Money that a provider has received is never refused: what it does not book is owed back by the same append.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from ledger import entries as e
from ledger.booking_money import BookingMoney
from ledger.commands import ReceivePayment, StartPayment
from ledger.errors import SeatledgerError
from ledger.event import Event
from ledger.hold_errors import EntryNeeded, HoldClosed
from ledger.hold_rules import check_late, check_limit_of_hold, customer_of, ended_hold, find_hold, held_lines
from ledger.holds import StartedPayment
from ledger.lapses import Lapses
from ledger.money import MAX_AMOUNT
from ledger.paying import owe
from ledger.payment_errors import AlreadyPaid, PaymentMethodOff, PaymentNotFound, PaymentUnderWay
from ledger.rules import Stamp, malformed
from ledger.selling import check_guests, check_total, total_of

#: How long a customer can pay, and how long after that the provider may tell it, until the seats are anybody's.
PAYABLE, GRACE = timedelta(minutes=30), timedelta(minutes=5)


def start_payment(event: Event, c: StartPayment, now: datetime, stamp: Stamp) -> list[e.Entry]:
    hold, is_open = find_hold(event, c, now)
    if not is_open:
        raise HoldClosed("lapsed")
    if c.method not in event.details.payment_methods:
        raise PaymentMethodOff(event.details.payment_methods)
    if (started := hold.payment_by(c.method)) is not None:
        raise PaymentUnderWay(UUID(bytes=started.id))
    total = total_of(*held_lines(event, hold, event.commands[c.hold_id.bytes]))
    if not total:
        raise AlreadyPaid
    if c.expected_total is not None:
        check_total(c.expected_total, total, event.currency)
    if c.guest is not None and not c.is_named:
        check_guests(event.details.guest_checkout, c.guest)
    customer, lapses = customer_of(hold, c), Lapses(event, now, kept=c.hold_id.bytes)
    if customer is not None and customer.bytes != hold.customer:
        check_limit_of_hold(event, c.hold_id, hold, customer, c.same_person, lapses)
    payable_until = now + PAYABLE
    begun = e.PaymentStarted(
        **stamp, hold_id=c.hold_id, customer_id=customer, method=c.method, amount=total, payable_until=payable_until,
        expires_at=max(hold.expires_at, payable_until + GRACE),
    )  # fmt: skip
    return [*lapses.entries(stamp), begun]


def receive_payment(event: Event, c: ReceivePayment, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Raises PaymentNotFound for money that no payment of this Event was started for, and AlreadyPaid for one that was received
    before, by another command, and Malformed for another currency or an impossible amount: somebody has to place it."""
    started = _started(event, c)
    if c.currency != event.currency:
        raise malformed("currency", "is not that of the event")
    if not 0 < c.amount <= MAX_AMOUNT:
        raise malformed("amount", "must be more than 0, and not more than any booking costs")
    before: BookingMoney = event.money.get(c.hold_id.bytes) or BookingMoney()
    if c.payment_id.bytes in event.money or any(payment.id == started.id for payment in before.payments):
        raise AlreadyPaid
    received = e.PaymentReceived(
        **stamp, payment_id=c.payment_id, booking_id=c.hold_id, method=started.method, amount=c.amount, currency=event.currency,
        reference=c.reference,
    )  # fmt: skip
    money = before.received(received)
    if c.hold_id.bytes in event.bookings:
        # The debts of a cancelled Event are no entries, but for what comes later.
        exceeding = c.amount if event.status == "cancelled" else money.kept - event.to_pay(c.hold_id)
        return [received, *owe(c.hold_id, money, exceeding, "exceeds", stamp)]
    if c.amount >= started.amount and (booked := _book(event, c, now, stamp)):
        return [*booked, received, *owe(c.hold_id, money, c.amount - started.amount, "exceeds", stamp)]
    received = replace(received, booking_id=c.payment_id, customer_id=_payer(event, c))
    return [received, *owe(c.payment_id, BookingMoney().received(received), c.amount, "not-booked", stamp)]


def _payer(event: Event, c: ReceivePayment) -> UUID | None:
    """Whose the seats are; once the hold has ended, who began to pay for them."""
    hold = event.holds.get(c.hold_id.bytes)
    if hold is not None:
        return UUID(bytes=hold.customer) if hold.customer else None
    assert c.started is not None, "it is needed for all that is not open"
    return c.started.customer_id


def _started(event: Event, c: ReceivePayment) -> StartedPayment:
    """Raises EntryNeeded unless the hold is open, or the command has the entry."""
    if c.started is not None:
        if c.started.hold_id != c.hold_id:
            raise PaymentNotFound
        return StartedPayment(c.payment_id.bytes, c.started.method, c.started.amount, c.started.payable_until)
    hold = event.holds.get(c.hold_id.bytes)
    payments: tuple[StartedPayment, ...] = hold.payments if hold else ()
    known = next((payment for payment in payments if payment.id == c.payment_id.bytes), None)
    if known is None:
        version = event.commands.get(c.payment_id.bytes)
        if version is None:
            raise PaymentNotFound
        raise EntryNeeded(version)
    return known


def _book(event: Event, c: ReceivePayment, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """The booking of the seats, at the price at which they were held; nothing if the time of the hold is over and an order would
    not be accepted now."""
    key = c.hold_id.bytes
    if event.status != "active" or key in event.released:
        return []
    hold = event.holds.get(key)
    if hold is None:
        if c.held is None:
            raise EntryNeeded(event.commands[key])
        hold = ended_hold(c.held)
    customer, lapses = _payer(event, c), Lapses(event, now, kept=key)
    if key not in event.holds or hold.is_due(now):
        try:
            check_late(event, c.hold_id, hold, now, lapses, at_box_office=False)
            check_limit_of_hold(event, c.hold_id, hold, customer, frozenset(), lapses)
        except SeatledgerError:
            return []
    lines, amounts = held_lines(event, hold, event.commands[key])
    booked = e.SeatsBooked(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key, code=hold.use,
        amounts=amounts, hold_id=c.hold_id, is_payable=True,
    )  # fmt: skip
    return [*lapses.entries(stamp), booked]
