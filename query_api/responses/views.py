"""What the read side's lists and statistics look like. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from typing_extensions import TypeAliasType

from ledger.views import BookingView, EventStatus, EventView, Money

ProjectionState = TypeAliasType("ProjectionState", Literal["running", "stalled", "frozen"])
SigningState = TypeAliasType("SigningState", Literal["signing", "forgotten", "inconsistent"])


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


@dataclass(slots=True, kw_only=True)
class EventStatsPage:
    items: list[EventStatsView]
    next_cursor: str | None
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class EventChangeView:
    """What became of an event between two moments: how much more there was of each at the second. `is_new`: it was not there at
    the first."""

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
    items: list[EventChangeView]
    next_cursor: str | None


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

    A stalled one stopped at the entry at `failed_position` and waits for somebody to repair it. A frozen one has not moved for 10 s
    though the ledger has: no worker is at it."""

    name: str
    version: int
    position: int
    lag_entries: int
    lag_seconds: float
    state: ProjectionState
    failed_position: int | None
    error: str | None
    rebuild: "RebuildView | None"


@dataclass(slots=True, kw_only=True)
class RebuildView:
    """One that is going on, or was broken off: where it is and where it is to get. `seconds_left` by its speed so far."""

    position: int
    target: int
    started_at: datetime
    updated_at: datetime
    seconds_left: float | None


@dataclass(slots=True, kw_only=True)
class VerificationView:
    """The last one: up to which position, and what it found altered, null where all of it was proven."""

    started_at: datetime
    finished_at: datetime
    position: int
    entries: int
    finding: str | None


@dataclass(slots=True, kw_only=True)
class SigningView:
    """Whether the ledger's tree is signed, under which origin; with `detail` where it is not."""

    state: SigningState
    origin: str
    detail: str | None


@dataclass(slots=True, kw_only=True)
class ProjectionList:
    """`ledger_position` is the ledger's head; `signing` and `verification` are null before the first."""

    items: list[ProjectionView]
    next_cursor: str | None
    ledger_position: int
    signing: SigningView | None
    verification: VerificationView | None


@dataclass(slots=True, kw_only=True)
class CheckpointView:
    """What was signed of the log: its first `size` entries have the root hash `root` (base64). `note` is the signed note itself;
    `ledger_position` that of its last entry. Compare `verifier_key` with what others were given: it is worth what its source is."""

    origin: str
    size: int
    root: str
    note: str
    verifier_key: str
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class ProofView:
    """That the entry at `position` is leaf number `leaf_index`, from 0, of the checkpoint's tree: RFC 9162, 2.1.3. Hashes are
    base64."""

    position: int
    leaf_index: int
    leaf_hash: str
    hashes: list[str]
    size: int
    checkpoint: str


@dataclass(slots=True, kw_only=True)
class ConsistencyView:
    """That the tree of `from_size` leaves is the beginning of that of `to_size`: RFC 9162, 2.1.4. Hashes are base64."""

    from_size: int
    to_size: int
    from_root: str
    to_root: str
    hashes: list[str]


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
