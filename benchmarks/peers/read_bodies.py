"""Response models of all peers: the same responses as Seatledger's (ledger/views.py, query_api/responses/)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from benchmarks.peers.bodies import Booking

EventStatus = Literal["active", "cancelled", "completed"]


class Category(BaseModel):
    id: UUID
    name: str
    price: str
    capacity: int
    taken: int
    held: int
    available: int
    needs_code: bool
    needs_code_until: datetime | None


class PaymentTerms(BaseModel):
    policy: str
    methods: list[str]


ELSEWHERE = PaymentTerms(policy="elsewhere", methods=[])


class Event(BaseModel):
    id: UUID
    number: int
    name: str
    description: str
    venue: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    past_at: datetime | None
    show_at: datetime | None
    currency: str
    status: EventStatus
    organizer_id: UUID
    categories: list[Category]
    pools: list[Category]
    has_codes: bool
    capacity: int
    available: int
    max_tickets_per_customer: int | None
    guest_checkout: str
    hold_minutes: int
    payment: PaymentTerms
    details_version: int
    created_at: datetime


class EventPage(BaseModel):
    items: list[Event]
    next_cursor: str | None


class BookingPage(BaseModel):
    items: list[Booking]
    next_cursor: str | None


class EventCounts(BaseModel):
    active: int
    cancelled: int
    completed: int


class Revenue(BaseModel):
    currency: str
    gross: str
    refunded: str
    net: str
    received: str = "0.00"
    paid_back: str = "0.00"
    due: str = "0.00"
    refund_due: str = "0.00"


class Summary(BaseModel):
    events: EventCounts
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    revenue: list[Revenue]
    ledger_position: int


class EventStats(BaseModel):
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
    gross: str
    refunded: str
    net: str
    received: str = "0.00"
    paid_back: str = "0.00"
    due: str = "0.00"
    refund_due: str = "0.00"


class EventStatsPage(BaseModel):
    items: list[EventStats]
    next_cursor: str | None
    ledger_position: int
