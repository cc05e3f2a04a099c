"""Specification 1, event booking: one seat per booking, for guests who are identified by a name."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Response
from pydantic import BaseModel

from commands.bodies import Capacity
from compat.application import AnyLines, ErrorFormat, Service, json_array
from compat.application import make as make_application
from compat.service import single_category
from ledger.details import Details
from ledger.errors import AlreadyCancelled, BookingNotFound
from ledger.field_types import EventTime, Name
from ledger.settings import Settings
from ledger.views import BookingView, EventView
from query_api.responses.mapping import event_view

API = "event-booking"
ERROR_FORMAT = ErrorFormat(field_names={"starts_at": "date", "categories.capacity": "total_seats"})

router = APIRouter()
EventId = Annotated[int, Path(description="`id` of an event")]


class NewEvent(BaseModel):
    name: Name
    description: AnyLines | None = None
    total_seats: Capacity
    date: EventTime


class Event(BaseModel):
    id: int
    name: str
    description: str | None
    total_seats: int
    available_seats: int
    date: datetime


class NewBooking(BaseModel):
    user_name: Name


class Booking(BaseModel):
    id: int
    event_id: int
    user_name: str
    booking_date: datetime


def make(settings: Settings) -> FastAPI:
    app = make_application(API, settings, ERROR_FORMAT, title="Event Booking System", description=__doc__)
    app.include_router(router)
    return app


@router.post("/events/", status_code=201, tags=["events"])
async def create_event(body: NewEvent, service: Service) -> Event:
    """Accepts any date, past ones too: sales don't end at the date."""
    details = Details(name=body.name, starts_at=body.date, description=body.description or "", sells_after_start=True)
    return _event(await service.schedule_event(details, single_category(body.total_seats)))


@router.get("/events/", tags=["events"], response_model=list[Event])
async def get_events(service: Service) -> Response:
    """All events, past ones too."""
    return await json_array(service.list_events(), lambda row: _event(event_view(row)))


@router.get("/events/{event_id}", tags=["events"])
async def get_event(event_id: EventId, service: Service) -> Event:
    return _event(await service.get_event(number=event_id))


@router.post("/events/{event_id}/book", status_code=201, tags=["bookings"])
async def book_seat(event_id: EventId, body: NewBooking, service: Service) -> Booking:
    """Books one seat. 400 where no seat is left."""
    event = await service.load_event(event_id)
    guest = await service.guests.find_or_create(body.user_name)
    return _booking(await service.book(event, 1, guest), event_id, guest.name)


@router.delete("/bookings/{booking_id}", tags=["bookings"])
async def cancel_booking(booking_id: int, service: Service) -> Booking:
    """The seat can be booked again. 404 for a booking that was cancelled before."""
    location = await service.locate_booking(booking_id)
    try:
        return _booking(await service.cancel_booking(location), location.event.number, location.guest.name)
    except AlreadyCancelled:
        raise BookingNotFound from None


def _event(view: EventView) -> Event:
    return Event(
        id=view.number, name=view.name, description=view.description or None, total_seats=view.capacity,
        available_seats=view.available, date=view.starts_at,
    )  # fmt: skip


def _booking(view: BookingView, event_id: int, user_name: str) -> Booking:
    return Booking(id=view.number, event_id=event_id, user_name=user_name, booking_date=view.booked_at)
