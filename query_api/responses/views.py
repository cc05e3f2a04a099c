"""The response models of the read side. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from ledger.code_views import CodeSalesView
from ledger.outbox import DeliveryState
from ledger.views import BookingView, EventStatus, EventView, Money

ProjectionState = TypeAliasType("ProjectionState", Literal["running", "stalled", "frozen"])
SubscriptionState = TypeAliasType("SubscriptionState", Literal["running", "stalled", "frozen", "off"])
PaymentState = TypeAliasType("PaymentState", Literal["received", "refund-due", "refunded"])
MovementKind = TypeAliasType("MovementKind", Literal["received", "owed", "paid-back"])
SigningState = TypeAliasType("SigningState", Literal["signing", "forgotten", "inconsistent"])


@dataclass(slots=True, kw_only=True)
class EventPage:
    """A page of events. `next_cursor`: the `cursor` of the next page; null on the last one."""

    items: list[EventView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class ManagedBookingView:
    """A booking as its manage link shows it, and its event. `name` and `email`: of the customer. `can_cancel`: whether the customer
    can cancel tickets now."""

    booking: BookingView
    event: EventView
    name: str
    email: str
    can_cancel: bool


@dataclass(slots=True, kw_only=True)
class BookingPage:
    """A page of bookings. It has at most some 2,000 tickets, so it may be shorter than `limit` and still have a next page."""

    items: list[BookingView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class CustomerView:
    """The account of a booking's customer."""

    id: UUID
    name: str
    email: str


@dataclass(slots=True, kw_only=True)
class EventBookingView(BookingView):
    """A booking as the event's organizer sees it. `customer` is null for a walk-in, and for an erased account."""

    customer: CustomerView | None


@dataclass(slots=True, kw_only=True)
class EventBookingPage:
    """A page of an event's bookings. As `BookingPage`, it may be shorter than `limit` and still have a next page."""

    items: list[EventBookingView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class PaymentView:
    """A payment for a booking. `number`: the ledger position of its entry. `state`: whether something of it is owed back, or was
    paid back. `customer_name`: null for a walk-in, for an erased account, and for auditors."""

    id: UUID
    number: int
    event_id: UUID
    event_name: str
    booking_id: UUID
    booking_number: int
    customer_name: str | None
    state: PaymentState
    method: Annotated[str, Field(examples=["cash"])]
    amount: Money
    refund_due_amount: Money
    refunded_amount: Money
    currency: str
    reference: str
    received_at: datetime


@dataclass(slots=True, kw_only=True)
class PaymentPage:
    """A page of payments. `next_cursor`: the `cursor` of the next page; null on the last one."""

    items: list[PaymentView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class MoneyMovementView:
    """Money that was `received`, became `owed` back, or was `paid-back`. `method` and `reference`: how it was moved; `reason`: why
    it is owed. `position`: of its entry in the ledger."""

    kind: MovementKind
    amount: Money
    method: str | None
    reference: str
    reason: Annotated[str | None, Field(examples=["cancelled"])]
    at: datetime
    position: int


@dataclass(slots=True, kw_only=True)
class BookingMoneyView:
    """All movements of the money of a booking, the oldest first. The cancellation of its event is none of them: it makes all that
    was paid owed back."""

    booking_id: UUID
    currency: str
    items: list[MoneyMovementView]


@dataclass(slots=True, kw_only=True)
class AccountBalanceView:
    """The sum of the postings to an account: `receivable`, `cash` by method, `deferred-revenue`, `revenue`, `refunds-payable`."""

    currency: str
    account: Annotated[str, Field(examples=["cash"])]
    method: str | None
    amount: Money


@dataclass(slots=True, kw_only=True)
class PostingsView:
    items: list[AccountBalanceView]
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class NotificationView:
    """A mail to a customer about a booking or, with a `booking_id` of null, about the whole event. `position`: of the entry that it
    tells; null: somebody asked for it. `state`: `due`, also after tries that failed; `failed`: refused for good, or given up after
    three days; `skipped`: there was nobody to tell or nothing to say any more, as `error` says; `held`: since a restore.

    `due_at`: of the next try. `tries`: those that were begun. `error`: of the last one, such as the mail server's reply, without
    addresses. `recipient_name`: the customer's; null: erased."""

    id: UUID
    kind: Annotated[str, Field(examples=["booking-confirmed"])]
    event_id: UUID
    booking_id: UUID | None
    position: int | None
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    error: str | None
    recipient_name: str | None


@dataclass(slots=True, kw_only=True)
class NotificationPage:
    items: list[NotificationView]
    next_cursor: str | None


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


@dataclass(slots=True, kw_only=True)
class SetAsideView:
    """An event that a projection has set aside: it shows the event as of the entry before the one at `position`, which can't be
    applied."""

    event_id: UUID
    position: int
    error: str


@dataclass(slots=True, kw_only=True)
class ProjectionView:
    """The state of a projection. `lag_entries`: how many entries it is behind, counted up to 100,000. `lag_seconds`: the age of the
    oldest entry that is not folded yet; 0 without one.

    A stalled projection stopped at the entry at `failed_position` and needs an operator. A frozen one has not moved for 10 s
    although the ledger has grown: no worker serves it."""

    name: str
    version: int
    position: int
    lag_entries: int
    lag_seconds: float
    state: ProjectionState
    failed_position: int | None
    error: str | None
    set_aside: list[SetAsideView]
    rebuild: "RebuildView | None"


@dataclass(slots=True, kw_only=True)
class RebuildView:
    """A rebuild that is running or was interrupted: its position and its target. `seconds_left`: estimated from its speed so
    far."""

    position: int
    target: int
    started_at: datetime
    updated_at: datetime
    seconds_left: float | None


@dataclass(slots=True, kw_only=True)
class VerificationView:
    """The last verification, up to `position`. `finding`: the alteration that it found; null: everything was proven."""

    started_at: datetime
    finished_at: datetime
    position: int
    entries: int
    finding: str | None


@dataclass(slots=True, kw_only=True)
class SigningView:
    """Whether the ledger's tree is being signed, and the origin. `detail`: why it is not."""

    state: SigningState
    origin: str
    detail: str | None


@dataclass(slots=True, kw_only=True)
class SubscriptionView:
    """How far `mail` or `webhooks` have told others about the ledger. `lag_entries`, `lag_seconds`: as of projections.

    A stalled one can't read the entry at `failed_position`, and tells nothing more until an operator upgrades or skips it
    (`python -m notifications skip`). A frozen one has not moved for two minutes although there is something to tell. One that is
    off tells nobody: this installation sends no mail, or nobody has a webhook."""

    name: str
    position: int
    lag_entries: int
    lag_seconds: float
    state: SubscriptionState
    failed_position: int | None
    error: str | None


@dataclass(slots=True, kw_only=True)
class ProjectionList:
    """`subscriptions`: of mail and webhooks, which follow the ledger, too. `ledger_position`: the ledger's head. `signing` and
    `verification` are null before the first checkpoint and verification."""

    items: list[ProjectionView]
    subscriptions: list[SubscriptionView]
    next_cursor: str | None
    ledger_position: int
    signing: SigningView | None
    verification: VerificationView | None


@dataclass(slots=True, kw_only=True)
class CheckpointView:
    """A signed checkpoint of the log: its first `size` entries have the root hash `root` (base64). `note` is the signed note;
    `ledger_position` that of the last of these entries. Compare `verifier_key` with a copy from another source before trusting
    it."""

    origin: str
    size: int
    root: str
    note: str
    verifier_key: str
    ledger_position: int


@dataclass(slots=True, kw_only=True)
class ProofView:
    """An inclusion proof: the entry at `position` is leaf number `leaf_index`, from 0, of the checkpoint's tree (RFC 9162, 2.1.3).
    Hashes are base64."""

    position: int
    leaf_index: int
    leaf_hash: str
    hashes: list[str]
    size: int
    checkpoint: str


@dataclass(slots=True, kw_only=True)
class ConsistencyView:
    """A consistency proof: the tree of `from_size` leaves is the beginning of that of `to_size` leaves (RFC 9162, 2.1.4). Hashes
    are base64."""

    from_size: int
    to_size: int
    from_root: str
    to_root: str
    hashes: list[str]


@dataclass(slots=True, kw_only=True)
class EntryView:
    """An entry of the ledger. `type`: its topic without the topic's version. `request_id`: the id of the command. `body`: its JSON
    as stored, except for whitespace.

    Bytes that are not an entry, which only an altered ledger has, are shown as `{"unreadable": …}` in base64; `at`, `actor_id` and
    `request_id` are null then."""

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
    """A request searches at most 200,000 positions, or versions where `event_id` is set: a page may be shorter than `limit`, even
    empty, and still have a next page."""

    items: list[EntryView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class CodeList:
    """All batches of promo codes of an event."""

    items: list[CodeSalesView]
