"""Every entry of the ledger, and nothing else: the vocabulary on one page.

An entry is a fact in the past tense, immutable, about one Event. It carries no personal data, only account ids. Money is a
whole number of minor units of the Event's currency. `TOPICS`, at the foot, gives each entry its name in the database: a class
may be renamed, a topic never. A changed shape is a new topic (`seats-booked/2`), beside the old one where the class reads both,
else with an upcaster from it. An entry is written under the oldest topic that can say it (`topic_of`).

They never stand in a circle, so the garbage collector need not look at them (`gc=False`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Details(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What an Event is about. Times are UTC; `timezone` is the IANA name of the place where it happens. Without `starts_at` it has
    an open date; `show_at` is when the show begins, where that is not the start. Sales end at the start, unless `sales_close_at` is
    later, or `sells_after_start`."""

    name: str
    starts_at: datetime | None
    description: str = ""
    venue: str = ""
    ends_at: datetime | None = None
    timezone: str = "UTC"
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    max_tickets_per_customer: int | None = None
    sells_after_start: bool = False
    show_at: datetime | None = None

    @property
    def past_at(self) -> datetime | None:
        """From when on nobody books, nor cancels a booking of their own. None: never by itself."""
        if self.starts_at is None or (self.sells_after_start and self.sales_close_at is None):
            return None
        return max(self.starts_at, self.sales_close_at or self.starts_at)

    @property
    def is_first_shape(self) -> bool:
        """Whether all of it can be said under the first topics, which every release reads."""
        return self.starts_at is not None and not self.sells_after_start and self.show_at is None


class Category(msgspec.Struct, frozen=True, gc=False):
    """A kind of seat. `number` names it within its Event for ever; `price` is in minor units."""

    number: int
    name: str
    price: int
    capacity: int


class Line(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """So many seats of one category at the price of the moment, in minor units."""

    category: int
    name: str
    quantity: int
    unit_price: int


class CancelledLine(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """So many seats of one category given back, and the money for all of them, in minor units."""

    category: int
    quantity: int
    refund: int


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What each entry carries: when, who (None: a guest or the system), and by which command with which body."""

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
    """All details as they are from now on."""

    details: Details


class CategoryAdded(Entry, frozen=True, kw_only=True):
    category: Category


class CategoryRenamed(Entry, frozen=True, kw_only=True):
    category: int
    name: str


class PriceChanged(Entry, frozen=True, kw_only=True):
    """For new bookings only."""

    category: int
    price: int


class CapacityChanged(Entry, frozen=True, kw_only=True):
    category: int
    capacity: int


class CategoryRemoved(Entry, frozen=True, kw_only=True):
    category: int


class SeatsBooked(Entry, frozen=True, kw_only=True):
    """A booking; its id is its command's. Tickets are numbered from 0 through the lines. No customer: a walk-in.

    `details_version` is the version of the entry that last set the Event's details: what it was called then. `ticket_key` is the
    version of the key that its ticket codes carry."""

    customer_id: UUID | None
    lines: tuple[Line, ...]
    details_version: int
    ticket_key: int = 1


class BookingCancelled(Entry, frozen=True, kw_only=True):
    """Some tickets of a booking, or all that were left (`whole`)."""

    booking_id: UUID
    tickets: tuple[int, ...]
    lines: tuple[CancelledLine, ...]
    whole: bool


class TicketUsed(Entry, frozen=True, kw_only=True):
    booking_id: UUID
    ticket: int


class EventCancelled(Entry, frozen=True, kw_only=True):
    """Cancels and refunds every booking that stands: one entry, however many they are."""

    reason: str = ""


class EventCompleted(Entry, frozen=True, kw_only=True):
    pass


class RecordedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry in its place: the `version`-th of its stream, at `position` in the ledger (0: not appended yet).

    The two property names are those of the `eventsourcing` library, which takes this for a domain event."""

    stream: UUID
    version: int
    entry: Entry
    position: int = 0

    @property
    def originator_id(self) -> UUID:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.version


#: A class may have several topics, whose shapes it reads alike; the newest comes last.
TOPICS: dict[str, type[Entry]] = {
    "event-scheduled/1": EventScheduled,
    "event-scheduled/2": EventScheduled,  # may have an open date, sell after its start, and name a time of the show
    "event-details-changed/1": EventDetailsChanged,
    "event-details-changed/2": EventDetailsChanged,  # likewise
    "category-added/1": CategoryAdded,
    "category-renamed/1": CategoryRenamed,
    "price-changed/1": PriceChanged,
    "capacity-changed/1": CapacityChanged,
    "category-removed/1": CategoryRemoved,
    "seats-booked/1": SeatsBooked,
    "booking-cancelled/1": BookingCancelled,
    "ticket-used/1": TicketUsed,
    "event-cancelled/1": EventCancelled,
    "event-completed/1": EventCompleted,
}

#: Old topic -> (topic that it became, function from the old JSON object to the new one). Chains are followed.
UPCASTERS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

_NEWEST: dict[type[Entry], str] = {entry: topic for topic, entry in TOPICS.items()}
_FIRST_DETAILS = {EventScheduled: "event-scheduled/1", EventDetailsChanged: "event-details-changed/1"}


def topic_of(entry: Entry) -> str:
    """The topic that an entry is written under: an older one where that says all of it, for processes of the last release."""
    if isinstance(entry, EventScheduled | EventDetailsChanged) and entry.details.is_first_shape:
        return _FIRST_DETAILS[type(entry)]
    return _NEWEST[type(entry)]
