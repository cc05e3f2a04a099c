"""Response models of payments, refunds and postings. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from ledger.views import Money

PaymentState = TypeAliasType("PaymentState", Literal["received", "refund-due", "refund-failed", "refunded"])
MovementKind = TypeAliasType("MovementKind", Literal["started", "received", "owed", "paid-back", "failed"])


@dataclass(slots=True, kw_only=True)
class PaymentView:
    """A payment for a booking. `number`: the ledger position of its entry. `state`: whether something of it is owed back
    (`refund-failed`: and the provider can't pay it, for this `failure`), or was paid back. `booking_number`: null if nothing could
    be booked for it. `customer_name`: null for a walk-in, for an erased account, and for auditors."""

    id: UUID
    number: int
    event_id: UUID
    event_name: str
    booking_id: UUID
    booking_number: int | None
    customer_name: str | None
    state: PaymentState
    method: Annotated[str, Field(examples=["cash"])]
    amount: Money
    refund_due_amount: Money
    refunded_amount: Money
    currency: str
    reference: str
    failure: str
    received_at: datetime


@dataclass(slots=True, kw_only=True)
class PaymentPage:
    """A page of payments. `next_cursor`: the `cursor` of the next page; null on the last one."""

    items: list[PaymentView]
    next_cursor: str | None


@dataclass(slots=True, kw_only=True)
class UnplacedMoneyView:
    """Money that a provider has received, as its `object`, and that could not be recorded as a payment, for this `reason`: somebody
    has to give it back there."""

    method: str
    object: str
    payment_id: UUID | None
    amount: Money
    currency: str
    reason: str
    noted_at: datetime


@dataclass(slots=True, kw_only=True)
class UnplacedMoneyList:
    """The newest 200."""

    items: list[UnplacedMoneyView]


@dataclass(slots=True, kw_only=True)
class MoneyMovementView:
    """A payment that was `started`; money that was `received`, became `owed` back, was `paid-back`, or that the provider has
    `failed` to pay back. `method` and `reference`: how it was moved; `reason`: why it is owed, or has failed. `position`: of its
    entry in the ledger."""

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
