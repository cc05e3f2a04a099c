"""All entries of the ledger, its vocabulary.

An entry is an immutable fact about one Event, named in the past tense. It contains no personal data, only account ids. Money is a
whole number of minor units of the Event's currency. `TOPICS`, at the end, gives each entry its name in the database: a class may be
renamed, a topic never. A changed shape is a new topic (`seats-booked/2`), beside the old one if the class can read both, else with
an upcaster from it. An entry is written under the oldest topic that can represent it (`topic_of`).

Entries never form reference cycles, so the garbage collector does not track them (`gc=False`).
"""

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from ledger.code_batches import CodeBatch, CodeUse
from ledger.details import Category, Details, OnlineMethod, Pool

#: How the box office takes money, and gives it back; or `original`: the provider that received it does.
BoxOfficeMethod = Literal["cash", "card", "bank", "other"]
RefundMethod = Literal["cash", "card", "bank", "other", "original"]
#: Why money is owed back: tickets were cancelled, the organizer takes less than the price, more was paid than that (`exceeds`), or
#: nothing was booked for it (`not-booked`).
RefundReason = Literal["cancelled", "goodwill", "exceeds", "not-booked"]


class Line(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A number of seats of one category, at the price when they were booked, in minor units."""

    category: int
    name: str
    quantity: int
    unit_price: int


class CancelledLine(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A number of cancelled seats of one category, and the refund for all of them, in minor units."""

    category: int
    quantity: int
    refund: int


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The fields of every entry: its time, the account or guest that caused it (`actor`; None: a worker, or the
    provider of a payment), and the id and the digest of its command."""

    at: datetime
    actor: UUID | None
    command: UUID
    digest: bytes


class EventScheduled(Entry, frozen=True, kw_only=True):
    details: Details
    currency: str
    organizer_id: UUID
    categories: tuple[Category, ...]


class EventDetailsChanged(Entry, frozen=True, kw_only=True):
    """`details` are all details of the Event, from this entry on."""

    details: Details


class CategoryAdded(Entry, frozen=True, kw_only=True):
    category: Category


class CategoryRenamed(Entry, frozen=True, kw_only=True):
    category: int
    name: str


class PriceChanged(Entry, frozen=True, kw_only=True):
    """The new price, in minor units, of later bookings."""

    category: int
    price: int


class CapacityChanged(Entry, frozen=True, kw_only=True):
    category: int
    capacity: int


class CategoryRemoved(Entry, frozen=True, kw_only=True):
    category: int


class PoolsSet(Entry, frozen=True, kw_only=True):
    """`pools` are all pools of the Event, from this entry on. A category is in one of them at most."""

    pools: tuple[Pool, ...]


class CodesMade(Entry, frozen=True, kw_only=True):
    batch: CodeBatch


class CodesWithdrawn(Entry, frozen=True, kw_only=True):
    """The codes of this batch are not accepted any more. What was ordered with them stays."""

    batch: int


class SeatsHeld(Entry, frozen=True, kw_only=True):
    """Seats that nobody else can book until they are booked by this customer, or the hold is released or lapses. Its id is that of
    its command; a booking that confirms it has the same. `expires_at`: from then on it may lapse. Without a customer it is held for
    a walk-in. `code` and `amounts` as of `SeatsBooked`."""

    customer_id: UUID | None
    lines: tuple[Line, ...]
    details_version: int
    expires_at: datetime
    code: CodeUse | None = None
    amounts: tuple[int, ...] = ()

    @property
    def line_amounts(self) -> list[int]:
        """What the seats of each line will cost together, in minor units."""
        return _line_amounts(self.lines, self.amounts)


class HoldExtended(Entry, frozen=True, kw_only=True):
    """The hold may lapse from `expires_at` on, and not before."""

    hold_id: UUID
    expires_at: datetime


class PaymentStarted(Entry, frozen=True, kw_only=True):
    """A customer begins to pay for held seats, and the provider is asked for this amount, in minor units. From now on the hold is
    this customer's, and may not lapse before `expires_at`. `payable_until`: so long the provider takes the money. The payment's id
    is that of its command."""

    hold_id: UUID
    customer_id: UUID | None
    method: OnlineMethod
    amount: int
    payable_until: datetime
    expires_at: datetime


class HoldReleased(Entry, frozen=True, kw_only=True):
    """The customer gave the held seats back."""

    hold_id: UUID


class HoldsLapsed(Entry, frozen=True, kw_only=True):
    """These holds were due, and ended: their seats are free. No actor did it. The entry is a worker's, or comes before those of a
    command in whose way the holds stood, and has its id."""

    hold_ids: tuple[UUID, ...]


class SeatsBooked(Entry, frozen=True, kw_only=True):
    """A booking. Its tickets are numbered from 0, over all lines. Without a customer it was sold to a walk-in.

    `hold_id`: of the hold that it confirms, if any. `code`: the promo code of the order. `amounts`: what each ticket costs, in
    minor units; empty: its line's price. `is_payable`: it is paid through Seatledger: its payments are entries, too.
    `details_version` is the version of the entry that last set the Event's details, and so its name at that time. `ticket_key` says
    which key its ticket codes are made with, and how (ledger/ticket_codes.py)."""

    customer_id: UUID | None
    lines: tuple[Line, ...]
    details_version: int
    ticket_key: int = 1
    hold_id: UUID | None = None
    amounts: tuple[int, ...] = ()
    code: CodeUse | None = None
    is_payable: bool = False

    @property
    def booking_id(self) -> UUID:
        """The booking's id: that of its hold, or of its command."""
        return self.hold_id or self.command

    @property
    def ticket_amounts(self) -> tuple[int, ...]:
        """What each ticket costs, in minor units."""
        return self.amounts or tuple(line.unit_price for line in self.lines for _ in range(line.quantity))

    @property
    def line_amounts(self) -> list[int]:
        """What the tickets of each line cost together, in minor units."""
        return _line_amounts(self.lines, self.amounts)


def _line_amounts(lines: tuple[Line, ...], amounts: tuple[int, ...]) -> list[int]:
    if not amounts:
        return [line.quantity * line.unit_price for line in lines]
    left = iter(amounts)
    return [sum(islice(left, line.quantity)) for line in lines]


class BookingCancelled(Entry, frozen=True, kw_only=True):
    """Some tickets of a booking, or all that were not cancelled before (`whole`). `code`: that of the booking. `less_to_pay`: by
    how much less is to be paid for the booking, in minor units; None: it is paid elsewhere. What was paid already is owed back by
    entries of its own (`RefundOwed`)."""

    booking_id: UUID
    tickets: tuple[int, ...]
    lines: tuple[CancelledLine, ...]
    whole: bool
    code: CodeUse | None = None
    less_to_pay: int | None = None


class TicketUsed(Entry, frozen=True, kw_only=True):
    booking_id: UUID
    ticket: int


class PaymentReceived(Entry, frozen=True, kw_only=True):
    """Money for a booking was received: `amount` in minor units of `currency`. It is never refused: what exceeds the price is owed
    back; all of it if nothing could be booked for it (`is_booked`): then `customer_id` is who paid. `reference`: of the receipt,
    say; no account number, no personal data."""

    payment_id: UUID
    booking_id: UUID
    method: str
    amount: int
    currency: str
    reference: str = ""
    customer_id: UUID | None = None


class RefundOwed(Entry, frozen=True, kw_only=True):
    """The customer is owed `amount` of this payment, in minor units."""

    refund_id: UUID
    payment_id: UUID
    booking_id: UUID
    amount: int
    reason: RefundReason


class RefundPaid(Entry, frozen=True, kw_only=True):
    """A refund was paid back, or a part of it: `amount` in minor units. `refund_id`: that of `RefundOwed`; after the Event was
    cancelled, which is itself the debt, it is derived from the payment's."""

    refund_id: UUID
    payment_id: UUID
    booking_id: UUID
    method: str
    amount: int
    reference: str = ""


class RefundFailed(Entry, frozen=True, kw_only=True):
    """The provider can't pay a refund, whose ids are as of `RefundPaid`. It stays owed, and is paid in another way. `amount`: what
    of it is owed, in minor units. `reason`: the provider's word for it."""

    refund_id: UUID
    payment_id: UUID
    booking_id: UUID
    amount: int
    reason: str


#: The entries about a payment that was received.
PaymentChange = PaymentReceived | RefundOwed | RefundPaid | RefundFailed


def is_booked(entry: PaymentChange) -> bool:
    """Whether the payment is for a booking. If nothing could be booked for it, it has its own id in place of the booking's."""
    return entry.booking_id != entry.payment_id


class EventCancelled(Entry, frozen=True, kw_only=True):
    """Cancels and refunds all bookings of the Event, however many: there is no entry for each of them. What was paid for them is
    owed back from then on."""

    reason: str = ""


class EventCompleted(Entry, frozen=True, kw_only=True):
    pass


#: The entries that change a booking after it was made; each has its `booking_id`.
BookingChange = BookingCancelled | TicketUsed | PaymentReceived | RefundOwed | RefundPaid | RefundFailed


class StreamEnd(NamedTuple):
    """The newest entry of a stream: its version (0: the stream is empty), and its MAC (None: it has none). Two histories of a
    stream may have the same version; they never have the same end."""

    version: int
    mac: bytes | None


EMPTY_STREAM = StreamEnd(0, None)


class RecordedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry with its stream, its version in the stream, its position in the ledger (0: not appended yet), and its MAC (None: it
    has none, or was read without it).

    The last two properties are those of a domain event of the `eventsourcing` library."""

    stream: UUID
    version: int
    entry: Entry
    position: int = 0
    mac: bytes | None = None

    @property
    def end(self) -> StreamEnd:
        """The end of its stream right after it."""
        return StreamEnd(self.version, self.mac)

    @property
    def originator_id(self) -> UUID:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.version


#: A class may have several topics, if it can read all their shapes; the newest comes last.
TOPICS: dict[str, type[Entry]] = {
    "event-scheduled/1": EventScheduled,
    "event-scheduled/2": EventScheduled,  # open dates, sales after the start, the time of the show
    "event-scheduled/3": EventScheduled,  # booking as a guest
    "event-scheduled/4": EventScheduled,  # how long seats are held
    "event-scheduled/5": EventScheduled,  # payment through Seatledger
    "event-details-changed/1": EventDetailsChanged,
    "event-details-changed/2": EventDetailsChanged,  # likewise
    "event-details-changed/3": EventDetailsChanged,
    "event-details-changed/4": EventDetailsChanged,
    "event-details-changed/5": EventDetailsChanged,
    "category-added/1": CategoryAdded,
    "category-renamed/1": CategoryRenamed,
    "price-changed/1": PriceChanged,
    "capacity-changed/1": CapacityChanged,
    "category-removed/1": CategoryRemoved,
    "pools-set/1": PoolsSet,
    "codes-made/1": CodesMade,
    "codes-withdrawn/1": CodesWithdrawn,
    "seats-held/1": SeatsHeld,
    "seats-held/2": SeatsHeld,  # with a promo code
    "hold-extended/1": HoldExtended,
    "hold-released/1": HoldReleased,
    "holds-lapsed/1": HoldsLapsed,
    "seats-booked/1": SeatsBooked,
    "seats-booked/2": SeatsBooked,  # of a hold, with the amount of each ticket
    "seats-booked/3": SeatsBooked,  # with a promo code
    "seats-booked/4": SeatsBooked,  # paid through Seatledger
    "booking-cancelled/1": BookingCancelled,
    "booking-cancelled/2": BookingCancelled,  # of one with a promo code
    "booking-cancelled/3": BookingCancelled,  # of one that is paid through Seatledger
    "payment-started/1": PaymentStarted,
    "payment-received/1": PaymentReceived,
    "refund-owed/1": RefundOwed,
    "refund-paid/1": RefundPaid,
    "refund-failed/1": RefundFailed,
    "ticket-used/1": TicketUsed,
    "event-cancelled/1": EventCancelled,
    "event-completed/1": EventCompleted,
}

#: Old topic -> (topic that it became, function from the old JSON object to the new one). Chains are followed.
UPCASTERS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

_NEWEST: dict[type[Entry], str] = {entry: topic for topic, entry in TOPICS.items()}


def topic_of(entry: Entry) -> str:
    """The topic under which an entry is written: the oldest that can represent it, so that processes of the last release can read
    it."""
    shape = _SHAPES.get(type(entry))
    return _NEWEST[type(entry)] if shape is None else shape(entry)


def _booked_topic(entry: SeatsBooked) -> str:
    if entry.is_payable:
        return "seats-booked/4"
    if entry.code is not None:
        return "seats-booked/3"
    return "seats-booked/1" if entry.hold_id is None and not entry.amounts else "seats-booked/2"


def _cancelled_topic(entry: BookingCancelled) -> str:
    if entry.less_to_pay is not None:
        return "booking-cancelled/3"
    return "booking-cancelled/1" if entry.code is None else "booking-cancelled/2"


#: By class of entries with several topics: the function that returns the oldest that can represent an entry.
_SHAPES: dict[type[Entry], Callable[[Any], str]] = {
    EventScheduled: lambda entry: f"event-scheduled/{entry.details.shape}",
    EventDetailsChanged: lambda entry: f"event-details-changed/{entry.details.shape}",
    SeatsHeld: lambda entry: "seats-held/1" if entry.code is None else "seats-held/2",
    SeatsBooked: _booked_topic,
    BookingCancelled: _cancelled_topic,
}
