"""Response models of statistics: totals, those of an event, and sales over time. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger.views import EventStatus, Money


@dataclass(slots=True, kw_only=True)
class EventCounts:
    """The number of events by status."""

    active: int
    cancelled: int
    completed: int


@dataclass(slots=True, kw_only=True)
class RevenueView:
    """Revenue in one currency: `net` is `gross` minus `refunded`. Of bookings that are paid through Seatledger: what was `received`
    and `paid_back`, is still `due`, and is owed back (`refund_due`)."""

    currency: str
    gross: Money
    refunded: Money
    net: Money
    received: Money
    paid_back: Money
    due: Money
    refund_due: Money


@dataclass(slots=True, kw_only=True)
class SummaryView:
    """Totals over all events that the caller may see, of any status. `cancellations`: the number of bookings cancelled as a
    whole."""

    events: EventCounts
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    revenue: list[RevenueView]
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class EventStatsView:
    """Statistics of an event. `cancellations`: the number of bookings cancelled as a whole; amounts as in `Revenue`."""

    event_id: UUID
    number: int
    name: str
    starts_at: datetime | None
    status: EventStatus
    currency: str
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    gross: Money
    refunded: Money
    net: Money
    received: Money
    paid_back: Money
    due: Money
    refund_due: Money


@dataclass(slots=True, kw_only=True)
class EventStatsPage:
    """A page of statistics by event, as of `ledger_position`."""

    items: list[EventStatsView]
    next_cursor: str | None
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class EventStatsChangeView:
    """The change of an event's statistics between two moments: each number is the second moment's minus the first's. `is_new`: the
    event did not exist at the first."""

    event_id: UUID
    number: int
    name: str
    currency: str
    is_new: bool
    taken: int
    bookings: int
    cancellations: int
    gross: Money
    refunded: Money
    net: Money


@dataclass(slots=True, kw_only=True)
class StatsDifference:
    """The summary at both moments, and the events that changed between them, newest first."""

    before: SummaryView
    after: SummaryView
    items: list[EventStatsChangeView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class SalesView:
    """The sales of the interval from `start` in one currency. A refund counts when it is made, so `net` may be negative."""

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
    """The intervals with sales or refunds, oldest first."""

    items: list[SalesView]
    next_cursor: str | None
    ledger_position: int
