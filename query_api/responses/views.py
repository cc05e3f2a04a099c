"""Response models of events, bookings, promo codes and mails. Money is a decimal string, times are UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from ledger.code_views import CodeSalesView
from ledger.outbox import DeliveryState
from ledger.views import BookingView, EventView


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
class CodeList:
    """All batches of promo codes of an event."""

    items: list[CodeSalesView]
