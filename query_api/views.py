"""What the read side's lists and statistics look like. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from typing_extensions import TypeAliasType

from ledger.views import BookingView, EventStatus, EventView, Money

ProjectionState = TypeAliasType("ProjectionState", Literal["running", "stalled"])


@dataclass(slots=True, kw_only=True)
class EventPage:
    items: list[EventView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class BookingPage:
    """May be shorter than `limit` with a next page all the same: it holds at most some 2,000 tickets."""

    items: list[BookingView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class CustomerView:
    id: UUID
    name: str
    email: str


@dataclass(slots=True, kw_only=True)
class EventBookingView(BookingView):
    """A booking as the event's organizer sees it. `customer` is null for a walk-in, and for somebody who was erased."""

    customer: CustomerView | None


@dataclass(slots=True, kw_only=True)
class EventBookingPage:
    items: list[EventBookingView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class EventCounts:
    active: int
    cancelled: int
    completed: int


@dataclass(slots=True, kw_only=True)
class RevenueView:
    currency: str
    gross: Money
    refunded: Money
    net: Money


@dataclass(slots=True, kw_only=True)
class SummaryView:
    """Over all events that the caller may see, whatever their status. `cancellations` counts whole bookings, each once."""

    events: EventCounts
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    revenue: list[RevenueView]
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class EventStatsView:
    event_id: UUID
    number: int
    name: str
    starts_at: datetime
    status: EventStatus
    currency: str
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    gross: Money
    refunded: Money
    net: Money


@dataclass(slots=True, kw_only=True)
class EventStatsPage:
    items: list[EventStatsView]
    next_cursor: str | None
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class SalesView:
    """What the interval from `start` brought, in one currency: refunds count when they are made, so `net` may be negative."""

    start: datetime
    currency: str
    bookings: int
    cancellations: int
    tickets: int
    tickets_cancelled: int
    gross: Money
    refunded: Money
    net: Money


@dataclass(slots=True, kw_only=True)
class SalesSeries:
    """Oldest first, complete; intervals without sales or refunds are left out."""

    items: list[SalesView]
    next_cursor: str | None
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class ProjectionView:
    """`lag_entries` stops counting at 100,000; `lag_seconds` is the age of the oldest entry that is not in it yet, 0 without one.

    A stalled one stopped at the entry at `failed_position` and waits for somebody to repair it."""

    name: str
    version: int
    position: int
    lag_entries: int
    lag_seconds: float
    state: ProjectionState
    failed_position: int | None
    error: str | None


@dataclass(slots=True, kw_only=True)
class ProjectionList:
    """`ledger_position` is the ledger's head."""

    items: list[ProjectionView]
    next_cursor: str | None
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class EntryView:
    """A record of the ledger. `type` is its topic without the topic's version, `body` what it says, byte for byte but for blanks.

    Bytes that are no entry, which only an altered ledger has, are `{"unreadable": …}` in base 64, without the three before it."""

    position: int
    event_id: UUID
    version: int
    type: str
    topic: str
    at: datetime | None
    actor_id: UUID | None
    request_id: UUID | None
    body: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class EntryPage:
    """A request looks at 200,000 places at most: a page may hold less than `limit`, even nothing, and have a next page."""

    items: list[EntryView]
    next_cursor: str | None
