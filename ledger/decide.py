"""`decide`: the rules of selling that depend on the Event and the actor. Pure: no I/O, no clock, no randomness.

    decide(event, command, now) -> the entries of the command; raises the error of the rule that it breaks

The rules of a command are in its function, in order; the table of these functions is at the end. Those of orders are in
`ledger/selling.py`, of holds in `ledger/hold_rules.py`, of payments in `ledger/checkout.py` and `ledger/paying.py`, of details and
categories in `ledger/changing.py`; what several share in `ledger/rules.py`. Elsewhere are: who may schedule an Event at all
(`accounts/access.py`), and the limits of single fields, such as MAX_CAPACITY (`commands/bodies.py`, `compat/`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger import entries as e
from ledger import errors
from ledger.changing import change, schedule
from ledger.checkout import receive_payment, start_payment
from ledger.code_rules import make_codes, withdraw_codes
from ledger.commands import (
    BookSeats,
    CancelBooking,
    CancelEvent,
    ChangeEvent,
    CheckIn,
    Command,
    CompleteEvent,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldSeats,
    LapseHolds,
    MakeCodes,
    ReceivePayment,
    RecordFailedRefund,
    RecordRefund,
    ReleaseHold,
    ScheduleEvent,
    StartPayment,
    TakePayment,
    WithdrawCodes,
)
from ledger.event import ACTIVE, CANCELLED, USED, Event
from ledger.hold_rules import confirm_hold, extend_hold, lapse_holds, release_hold
from ledger.paying import check_paid, give_refund, owe, record_failed_refund, record_refund, take_payment
from ledger.rules import (
    Stamp,
    check_active,
    check_box_office,
    check_not_closed,
    check_not_past,
    is_box_office,
    malformed,
)
from ledger.selling import book_seats, hold_seats


def decide(event: Event | None, command: Command, now: datetime) -> list[e.Entry]:
    """The entries of this command for this Event at this time: at least one.

    The times of a stream's entries never step back, whatever the clocks of the machines show: an entry is at `now`, or at the time
    of the one before if that is later. The rules go by `now`.

    Raises the `SeatledgerError` of the rule that is broken. The caller has checked that the command was not accepted before
    (`Event.version_of`)."""
    at = now if event is None else max(now, event.at)
    stamp = {"at": at, "actor": command.actor.id, "command": command.id, "digest": command.digest()}
    if event is None:
        if not isinstance(command, ScheduleEvent):
            raise errors.EventNotFound
        return schedule(command, now, stamp)
    if isinstance(command, ScheduleEvent):
        raise errors.Malformed("There is an event with this id already.")
    return _DECIDE[type(command)](event, command, now, stamp)


def _cancel_booking(event: Event, c: CancelBooking, now: datetime, stamp: Stamp) -> list[e.Entry]:
    owner, categories, _ = event.bookings.get(c.booking_id.bytes, (None, b"", 0))
    if owner is None:
        raise errors.BookingNotFound
    sells = is_box_office(event, c.actor)
    if not sells and not c.actor.is_person(owner):
        raise errors.BookingNotFound
    states = event.ticket_states(c.booking_id)
    if ACTIVE not in states and USED not in states:
        raise errors.AlreadyCancelled("booking")
    if not sells:
        _check_customer_may_cancel(event, now)
    if c.tickets is None:
        if USED in states:
            raise errors.TicketAlreadyUsed
        tickets = tuple(number for number, state in enumerate(states) if state == ACTIVE)
    else:
        tickets = _check_active_tickets(c.tickets, states)
    amounts = event.ticket_amounts(c.booking_id)
    lines = []
    for category in sorted({categories[ticket] for ticket in tickets}):
        given_back = [ticket for ticket in tickets if categories[ticket] == category]
        lines.append(e.CancelledLine(category, len(given_back), sum(amounts[ticket] for ticket in given_back)))
    whole = len(tickets) == sum(state != CANCELLED for state in states)
    code, less_to_pay, owed = event.booking_code(c.booking_id), None, list[e.RefundOwed]()
    if (money := event.money.get(c.booking_id.bytes)) is not None:
        to_pay = max(event.price_of(c.booking_id) - sum(line.refund for line in lines) - money.waived, 0)
        less_to_pay, owed = event.to_pay(c.booking_id) - to_pay, owe(c.booking_id, money, money.kept - to_pay, "cancelled", stamp)
    cancelled = e.BookingCancelled(
        **stamp, booking_id=c.booking_id, tickets=tickets, lines=tuple(lines), whole=whole, code=code, less_to_pay=less_to_pay
    )
    return [cancelled, *owed]


def _check_customer_may_cancel(event: Event, now: datetime) -> None:
    if event.status == "completed":
        raise errors.EventNotBookable("completed")
    check_not_past(event, now)
    if event.details.starts_at is None:
        check_not_closed(event, now)


def _check_in(event: Event, c: CheckIn, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    if c.booking_id.bytes not in event.bookings:
        raise errors.InvalidCode
    states = event.ticket_states(c.booking_id)
    if event.status == "completed":
        raise errors.EventNotBookable("completed")
    _check_active_tickets((c.ticket,), states)
    check_paid(event, c.booking_id, c.ticket)
    return [e.TicketUsed(**stamp, booking_id=c.booking_id, ticket=c.ticket)]


def _cancel(event: Event, c: CancelEvent, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    if event.status == "cancelled":
        raise errors.AlreadyCancelled("event")
    check_active(event)
    return [e.EventCancelled(**stamp, reason=c.reason)]


def _complete(event: Event, c: CompleteEvent, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_box_office(event, c.actor)
    check_active(event)
    return [e.EventCompleted(**stamp)]


def _check_active_tickets(tickets: tuple[int, ...], states: bytes) -> tuple[int, ...]:
    if not tickets:
        raise malformed("tickets", "must name at least one")
    for ticket in tickets:
        if not 0 <= ticket < len(states):
            raise malformed("tickets", "no such ticket", "The booking has no such ticket.")
        if states[ticket] == CANCELLED:
            raise errors.TicketCancelled
        if states[ticket] == USED:
            raise errors.TicketAlreadyUsed
    return tuple(sorted(set(tickets)))


_DECIDE: dict[type[Command], Callable[[Event, Any, datetime, Stamp], list[e.Entry]]] = {
    ChangeEvent: change,
    CancelEvent: _cancel,
    CompleteEvent: _complete,
    MakeCodes: make_codes,
    WithdrawCodes: withdraw_codes,
    BookSeats: book_seats,
    HoldSeats: hold_seats,
    ExtendHold: extend_hold,
    ReleaseHold: release_hold,
    ConfirmHold: confirm_hold,
    LapseHolds: lapse_holds,
    CancelBooking: _cancel_booking,
    CheckIn: _check_in,
    TakePayment: take_payment,
    GiveRefund: give_refund,
    StartPayment: start_payment,
    ReceivePayment: receive_payment,
    RecordRefund: record_refund,
    RecordFailedRefund: record_failed_refund,
}
