"""Which messages follow from an entry. Pure: what it must know besides, it asks `Customers`."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from ledger import entries as e
from ledger.details import Details
from ledger.entries import Entry, RecordedEntry
from ledger.outbox import MAIL, PROMPT, TO_MANY, Message, cause_of, message_id

BOOKING_CONFIRMED, TICKETS_CANCELLED, NOT_BOOKED = "booking-confirmed", "tickets-cancelled", "payment-not-booked"
EVENT_CHANGED, EVENT_CANCELLED = "event-changed", "event-cancelled"
#: Asked for by the bearer of a manage link, about no entry: a new link.
LINK_RENEWED = "link-renewed"
KINDS = (BOOKING_CONFIRMED, TICKETS_CANCELLED, NOT_BOOKED, EVENT_CHANGED, EVENT_CANCELLED, LINK_RENEWED)

#: They tell that tickets or an event were cancelled, and so stay true afterwards.
ABOUT_CANCELLATION = (TICKETS_CANCELLED, EVENT_CANCELLED)
#: Sent to all customers of an event at once.
_KINDS_TO_MANY = (EVENT_CHANGED, EVENT_CANCELLED)

#: A mail with more tickets takes seconds to make: it goes with those to many, so that it delays nobody who waits for one ticket.
FEW = 50

#: Nobody is told about an older entry: it is no news any more. So what happened while mail was off stays untold.
NEWS = timedelta(days=3)
#: The details whose change customers are told: they decide whether one gets there.
TOLD = ("name", "venue", "starts_at", "ends_at", "show_at", "timezone")


class Customers(Protocol):
    """What the ledger or its read tables say about customers. None, or no one: walk-ins."""

    def of_booking(self, event_id: UUID, booking_id: UUID) -> UUID | None: ...

    def of_event(self, event_id: UUID, before: int) -> Collection[UUID]:
        """Those who had tickets of the event before that position, or have had since."""

    def details_before(self, event_id: UUID, version: int) -> Details:
        """The event's details before the entry of that version."""


def messages_of(recorded: RecordedEntry, customers: Customers, now: datetime) -> Sequence[Message]:
    """The messages about an entry, at most one a recipient and kind."""
    make = _MESSAGES.get(type(recorded.entry))
    return () if make is None or recorded.entry.at < now - NEWS else make(recorded, recorded.entry, customers)


def _booked(recorded: RecordedEntry, entry: e.SeatsBooked, customers: Customers) -> Sequence[Message]:
    if entry.customer_id is None:
        return ()
    quantity = sum(line.quantity for line in entry.lines)
    return (_message(BOOKING_CONFIRMED, recorded, entry.customer_id, entry.booking_id, quantity),)


def _cancelled(recorded: RecordedEntry, entry: e.BookingCancelled, customers: Customers) -> Sequence[Message]:
    customer_id = customers.of_booking(recorded.stream, entry.booking_id)
    if customer_id is None:
        return ()
    details: dict[str, Any] = {"tickets": entry.tickets, "refund": sum(line.refund for line in entry.lines)}
    return (_message(TICKETS_CANCELLED, recorded, customer_id, entry.booking_id, **details),)


def _received(recorded: RecordedEntry, entry: e.PaymentReceived, customers: Customers) -> Sequence[Message]:
    """What is booked is confirmed anyway."""
    if e.is_booked(entry) or entry.customer_id is None:
        return ()
    return (_message(NOT_BOOKED, recorded, entry.customer_id, amount=entry.amount, currency=entry.currency),)


def _details_changed(recorded: RecordedEntry, entry: e.EventDetailsChanged, customers: Customers) -> Sequence[Message]:
    before = customers.details_before(recorded.stream, recorded.version)
    if all(getattr(before, name) == getattr(entry.details, name) for name in TOLD):
        return ()
    details = {"before": _told(before), "after": _told(entry.details)}
    audience = customers.of_event(recorded.stream, recorded.position)
    return [_message(EVENT_CHANGED, recorded, customer_id, **details) for customer_id in audience]


def _event_cancelled(recorded: RecordedEntry, entry: e.EventCancelled, customers: Customers) -> Sequence[Message]:
    audience = customers.of_event(recorded.stream, recorded.position)
    return [_message(EVENT_CANCELLED, recorded, customer_id, reason=entry.reason) for customer_id in audience]


def _told(details: Details) -> Any:
    return msgspec.to_builtins({name: getattr(details, name) for name in TOLD})


def _message(
    kind: str, recorded: RecordedEntry, recipient_id: UUID, booking_id: UUID | None = None, quantity: int = 1, **details: Any
) -> Message:
    """`quantity`: of tickets in the mail."""
    return Message(
        id=message_id(cause_of(recorded), kind, recipient_id),
        channel=MAIL,
        kind=kind,
        recipient_id=recipient_id,
        event_id=recorded.stream,
        booking_id=booking_id,
        position=recorded.position,
        details=details,
        priority=TO_MANY if kind in _KINDS_TO_MANY or quantity > FEW else PROMPT,
    )


_MESSAGES: dict[type[Entry], Callable[[RecordedEntry, Any, Customers], Sequence[Message]]] = {
    e.SeatsBooked: _booked,
    e.BookingCancelled: _cancelled,
    e.PaymentReceived: _received,
    e.EventDetailsChanged: _details_changed,
    e.EventCancelled: _event_cancelled,
}
#: The entry classes about which nobody is told. A test demands that each class is here or above.
UNTOLD = frozenset[type[Entry]](
    (
        e.EventScheduled, e.CategoryAdded, e.CategoryRenamed, e.CategoryRemoved, e.PriceChanged, e.CapacityChanged, e.TicketUsed,
        e.EventCompleted, e.PoolsSet, e.CodesMade, e.CodesWithdrawn, e.SeatsHeld, e.HoldExtended, e.HoldReleased, e.HoldsLapsed,
        e.PaymentStarted, e.RefundOwed, e.RefundPaid, e.RefundFailed,
    )
)  # fmt: skip
