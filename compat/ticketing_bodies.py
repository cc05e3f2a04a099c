"""Bodies of requests and responses of specification 2, event ticketing."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from commands.bodies import Capacity
from compat.application import Amount, AnyLine, AnyLines, Omittable, RequestedPrice
from ledger.field_types import EventTime, Name, Phone

Status = Literal["active", "cancelled", "completed"]
Role = Literal["customer", "admin"]
UserId = Annotated[int, Field(ge=1, strict=True)]


class NewUser(BaseModel):
    name: Name
    phone: Phone
    role: Role = "customer"


class User(BaseModel):
    id: int
    name: str
    phone: str
    role: Role


class NewEvent(BaseModel):
    title: Name
    description: AnyLines = ""
    venue: AnyLine = ""
    date_time: EventTime
    capacity: Capacity
    price: RequestedPrice
    status: Annotated[Literal["active"], Field(description="Only an update can change it")] = "active"


class EventChanges(BaseModel):
    """Omitted fields stay as they are."""

    title: Omittable[Name] = None
    description: Omittable[AnyLines] = None
    venue: Omittable[AnyLine] = None
    date_time: Omittable[EventTime] = None
    capacity: Omittable[Capacity] = None
    price: Omittable[RequestedPrice] = None
    status: Omittable[Status] = None


class Event(BaseModel):
    id: int
    title: str
    description: str
    venue: str
    date_time: datetime
    capacity: int
    available_tickets: int
    price: Amount
    status: Status
    created_at: datetime


class EventStatistics(BaseModel):
    """`total_bookings` excludes cancelled bookings; `revenue` excludes refunds."""

    id: int
    title: str
    date_time: datetime
    status: Status
    capacity: int
    tickets_sold: int
    total_bookings: int
    revenue: Amount


class NewBooking(BaseModel):
    user_id: UserId
    event_id: UserId
    quantity: Annotated[int, Field(ge=1, le=2**31, strict=True)]


class BookingChange(BaseModel):
    status: Literal["confirmed", "cancelled"]


class Ticket(BaseModel):
    id: UUID
    booking_id: int
    ticket_code: str
    status: Literal["active", "used", "cancelled"]


class Booking(BaseModel):
    id: int
    user_id: int
    event_id: int
    quantity: int
    total_amount: Amount
    booking_date: datetime
    status: Literal["confirmed", "cancelled"]
    tickets: list[Ticket]
