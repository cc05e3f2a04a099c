"""Specification 3, a ticketing platform: one or two tickets per booking, and at most two active tickets per user and event."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from commands.bodies import Capacity
from compat.application import ErrorFormat, Service
from compat.application import make as make_application
from compat.service import single_category
from ledger.details import Details
from ledger.field_types import Name
from ledger.settings import Settings
from ledger.views import BookingView, EventView

API = "ticketing-platform"
ERROR_FORMAT = ErrorFormat()
MAX_TICKETS_PER_USER = 2

router = APIRouter()

#: As the specification prints them: UTC, to the second, without an offset.
PlainTime = Annotated[
    datetime,
    PlainSerializer(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}", return_type=str),
    WithJsonSchema({"type": "string", "examples": ["2024-01-15T10:30:00"]}),
]


class NewEvent(BaseModel):
    name: Name
    total_tickets: Capacity


class Event(BaseModel):
    id: UUID
    name: str
    total_tickets: int
    available_tickets: int
    created_at: PlainTime


class NewBooking(BaseModel):
    user_id: Name
    ticket_count: Annotated[int, Field(ge=1, le=2**31, strict=True, description="1 or 2; more exceed the user's limit: 400")]


class Booking(BaseModel):
    id: UUID
    event_id: UUID
    user_id: str
    ticket_count: int
    status: Literal["active", "cancelled"]
    created_at: PlainTime
    updated_at: PlainTime


class Health(BaseModel):
    status: Literal["healthy"] = "healthy"


def make(settings: Settings) -> FastAPI:
    app = make_application(API, settings, ERROR_FORMAT, title="Ticketing Platform Backend API", description=__doc__)
    app.include_router(router)
    return app


@router.get("/health", tags=["health"])
async def health() -> Health:
    return Health()


@router.post("/events", status_code=201, tags=["events"])
async def initialize_event(body: NewEvent, service: Service) -> Event:
    """The event has no date, so it is never in the past."""
    details = Details(name=body.name, starts_at=None, max_tickets_per_customer=MAX_TICKETS_PER_USER)
    return _event(await service.schedule_event(details, single_category(body.total_tickets)))


@router.get("/events/{event_id}", tags=["events"])
async def get_event(event_id: UUID, service: Service) -> Event:
    return _event(await service.get_event(event_id=event_id))


@router.post("/events/{event_id}/bookings", status_code=201, tags=["bookings"])
async def book_tickets(event_id: UUID, body: NewBooking, service: Service) -> Booking:
    """400 where too few tickets are left, or where the user would hold more than two."""
    event = await service.load_event_by_id(event_id)
    guest = await service.guests.find_or_create(body.user_id)
    return _booking(await service.book(event, body.ticket_count, guest), guest.name)


@router.get("/bookings/{booking_id}", tags=["bookings"])
async def get_booking(booking_id: UUID, service: Service) -> Booking:
    booking = await service.get_booking(booking_id=booking_id)
    return _booking(booking.booking, booking.guest_name)


@router.delete("/bookings/{booking_id}", tags=["bookings"])
async def cancel_booking(booking_id: UUID, service: Service) -> Booking:
    """The tickets can be booked again. 400 for a booking that was cancelled before."""
    location = await service.locate_booking_by_id(booking_id)
    return _booking(await service.cancel_booking(location), location.guest.name)


def _event(view: EventView) -> Event:
    return Event(
        id=view.id, name=view.name, total_tickets=view.capacity, available_tickets=view.available, created_at=view.created_at
    )


def _booking(view: BookingView, user_id: str) -> Booking:
    return Booking(
        id=view.id, event_id=view.event_id, user_id=user_id, ticket_count=len(view.tickets),
        status="active" if view.status == "confirmed" else "cancelled", created_at=view.booked_at, updated_at=view.updated_at,
    )  # fmt: skip
