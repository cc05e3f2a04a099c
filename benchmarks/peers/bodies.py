"""Pydantic models for all peers: the same request and response of a booking as Seatledger's (ledger/views.py)."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class TicketRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    category: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class NewBooking(BaseModel):
    """Only one line: the peers' events have one category, which is to the peers' advantage."""

    model_config = ConfigDict(extra="forbid")

    tickets: Annotated[list[TicketRequest], Field(min_length=1, max_length=1)]


class Line(BaseModel):
    category: str
    quantity: int
    unit_price: str
    amount: str


class Ticket(BaseModel):
    id: UUID
    code: str
    category: str
    status: Literal["active", "used", "cancelled"]


class Booking(BaseModel):
    id: UUID
    number: int
    event_id: UUID
    event_name: str
    customer_id: UUID | None
    status: Literal["confirmed", "cancelled"]
    lines: list[Line]
    total_amount: str
    refunded_amount: str
    payment_status: str = "none-due"
    paid_amount: str = "0.00"
    due_amount: str = "0.00"
    refund_due_amount: str = "0.00"
    currency: str
    tickets: list[Ticket]
    booked_at: datetime
    updated_at: datetime


def customer_of(headers: Mapping[str, str]) -> UUID:
    """An id derived from the token, because peers have no log-in."""
    return UUID(bytes=sha256(headers["authorization"].encode()).digest()[:16])


class EventInfo(Protocol):
    """The fields of an event that a response contains; `price` in minor units."""

    @property
    def name(self) -> str: ...
    @property
    def price(self) -> int: ...
    @property
    def currency(self) -> str: ...


class EventData(NamedTuple):
    name: str
    price: int
    currency: str


def confirmation(
    booking_id: UUID, number: int, wanted: TicketRequest, about: EventInfo, *, event_id: UUID, customer_id: UUID, at: datetime
) -> Booking:
    """The response. Ticket ids and codes are made up: no MAC is computed."""
    price, total, hexadecimal = money(about.price), money(about.price * wanted.quantity), booking_id.hex.upper()
    return Booking(
        id=booking_id, number=number, event_id=event_id, event_name=about.name, customer_id=customer_id, status="confirmed",
        lines=[Line(category=wanted.category, quantity=wanted.quantity, unit_price=price, amount=total)],
        total_amount=total, refunded_amount="0.00", currency=about.currency,
        tickets=[
            Ticket(id=booking_id, code=f"{hexadecimal}-{ticket}", category=wanted.category, status="active")
            for ticket in range(wanted.quantity)
        ],
        booked_at=at, updated_at=at,
    )  # fmt: skip


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
