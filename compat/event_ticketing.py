"""Specification 2, event ticketing: users identify themselves by `X-User-Id`, admins create events, tickets have codes."""

import re
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BeforeValidator

from accounts.guests import Guest
from compat.application import ErrorFormat, Service, SpecificationError, json_array
from compat.application import make as make_application
from compat.service import CompatService, GuestBooking, single_category
from compat.ticketing_bodies import (
    Booking,
    BookingChange,
    Event,
    EventChanges,
    EventStatistics,
    NewBooking,
    NewEvent,
    NewUser,
    Ticket,
    User,
)
from compat.ticketing_samples import Samples
from ledger.details import Details
from ledger.errors import NotFound
from ledger.field_types import EventTime
from ledger.settings import Settings
from ledger.views import BookingView, EventView
from query_api.parameters import Search
from query_api.queries import EventTotalsRow
from query_api.responses.mapping import event_stats_view, event_view

API = "event-ticketing"
ERROR_FORMAT = ErrorFormat(field_names={"starts_at": "date_time", "categories.price": "price", "categories.capacity": "capacity"})


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no user with this id.")


async def _with_samples(request: Request, service: Service) -> CompatService:
    samples: Samples = request.app.state.samples
    await samples.load(service)
    return service


ServiceWithSamples = Annotated[CompatService, Depends(_with_samples)]


async def _admin(
    service: ServiceWithSamples,
    user_id: Annotated[str | None, Header(alias="X-User-Id", description="`id` of the user, who must be an admin")] = None,
) -> None:
    number = int(user_id) if user_id and user_id.isascii() and user_id.isdigit() and len(user_id) < 20 else 0
    user = await service.guests.find_by_number(number)
    if user is None or user.role != "admin":
        raise SpecificationError(403, "Only an admin may do this: send an admin's id in X-User-Id.")


router = APIRouter(prefix="/api")
admins_only = APIRouter(prefix="/api", dependencies=[Depends(_admin)])


def make(settings: Settings) -> FastAPI:
    app = make_application(API, settings, ERROR_FORMAT, title="Event Ticketing System", description=__doc__)
    app.state.samples = Samples()
    app.include_router(router)
    app.include_router(admins_only)
    return app


# --- events


def _end_of_day(moment: object) -> object:
    """A date without a time, as the end of a range, includes the whole day."""
    is_day = isinstance(moment, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", moment)
    return f"{moment}T23:59:59.999999Z" if is_day else moment


@router.get("/events", tags=["events"], response_model=list[Event])
async def list_events(
    service: ServiceWithSamples,
    search: Annotated[Search, Query(description="In title and venue")] = "",
    date_from: EventTime | None = None,
    date_to: Annotated[EventTime | None, BeforeValidator(_end_of_day)] = None,
) -> Response:
    """All active events."""
    return await json_array(
        service.list_events(only="active", q=search, from_=date_from, to=date_to), lambda row: _event(event_view(row))
    )


@router.get("/events/{event_id}", tags=["events"])
async def get_event(event_id: int, service: ServiceWithSamples) -> Event:
    return _event(await service.get_event(number=event_id))


@admins_only.post("/events", status_code=201, tags=["events"])
async def create_event(body: NewEvent, service: ServiceWithSamples) -> Event:
    details = Details(name=body.title, starts_at=body.date_time, description=body.description, venue=body.venue)
    return _event(await service.schedule_event(details, single_category(body.capacity, body.price)))


@admins_only.put("/events/{event_id}", tags=["events"])
async def update_event(event_id: int, body: EventChanges, service: ServiceWithSamples) -> Event:
    """Changes the given fields. `cancelled` cancels the bookings too. `cancelled` and `completed` are final."""
    event = await service.get_event(number=event_id)
    if body.status not in (None, event.status) and event.status != "active":
        raise SpecificationError(400, f"It is {event.status} already.", "status")
    changes, price, capacity = _changes(body, event)
    if changes or price is not None or capacity is not None:
        event = await service.change_event(event, changes, price=price, capacity=capacity)
    if body.status == "cancelled" and event.status == "active":
        event = await service.cancel_event(event)
    elif body.status == "completed" and event.status == "active":
        event = await service.complete_event(event)
    return _event(event)


def _changes(body: EventChanges, event: EventView) -> tuple[dict[str, Any], Decimal | None, int | None]:
    """Only the fields that differ: a repeated request changes nothing, whatever the event's status."""
    sent = {"name": body.title, "description": body.description, "venue": body.venue, "starts_at": body.date_time}
    changes = {name: value for name, value in sent.items() if value not in (None, getattr(event, name))}
    price = None if body.price is None or body.price == Decimal(event.categories[0].price) else body.price
    return changes, price, None if body.capacity == event.capacity else body.capacity


@admins_only.get("/stats/events", tags=["events"], response_model=list[EventStatistics])
async def list_event_statistics(service: ServiceWithSamples) -> Response:
    """All events of any status, newest first."""
    return await json_array(service.list_event_totals(), _statistics)


# --- bookings


@router.post("/bookings", status_code=201, tags=["bookings"])
async def create_booking(body: NewBooking, service: ServiceWithSamples) -> Booking:
    user = await _user(service, body.user_id)
    event = await service.load_event(body.event_id)
    return _booking(await service.book(event, body.quantity, user), user.number, event.number)


@router.get("/bookings/user/{user_id}", tags=["bookings"], response_model=list[Booking])
async def list_user_bookings(user_id: int, service: ServiceWithSamples) -> Response:
    user = await _user(service, user_id)
    return await json_array(service.list_bookings(customer_id=user.id), _booking_of)


@admins_only.get("/bookings/event/{event_id}", tags=["bookings"], response_model=list[Booking])
async def list_event_bookings(event_id: int, service: ServiceWithSamples) -> Response:
    event = await service.get_event(number=event_id)
    return await json_array(service.list_bookings(event_id=event.id), _booking_of)


@router.put("/bookings/{booking_id}", tags=["bookings"])
async def update_booking(booking_id: int, body: BookingChange, service: ServiceWithSamples) -> Booking:
    """`cancelled` cancels the booking and its tickets. That is final."""
    location = await service.locate_booking(booking_id)
    if body.status == "cancelled":
        return _booking(await service.cancel_booking(location), location.guest.number, location.event.number)
    booking = _booking_of(await service.get_booking(number=booking_id))
    if booking.status == "cancelled":
        raise SpecificationError(400, "A cancelled booking can't be confirmed again: make a new one.", "status")
    return booking


# --- users


@router.get("/users", tags=["users"], response_model=list[User])
async def list_users(service: ServiceWithSamples) -> Response:
    return await json_array(service.guests.pages(), _as_user)


@router.post("/users", status_code=201, tags=["users"])
async def create_user(body: NewUser, service: ServiceWithSamples) -> User:
    made = await service.guests.create(body.name, phone=body.phone, role=body.role)
    assert made is not None, "its id is new"
    return _as_user(made)


async def _user(service: CompatService, number: int) -> Guest:
    guest = await service.guests.find_by_number(number)
    if guest is None or guest.role is None:  # the default organizer is not a user
        raise UserNotFound
    return guest


def _as_user(guest: Guest) -> User:
    return User(id=guest.number, name=guest.name, phone=guest.phone or "", role="admin" if guest.role == "admin" else "customer")


def _event(view: EventView) -> Event:
    return Event(
        id=view.number, title=view.name, description=view.description, venue=view.venue, date_time=view.starts_at,
        capacity=view.capacity, available_tickets=view.available, price=Decimal(view.categories[0].price),
        status=view.status, created_at=view.created_at,
    )  # fmt: skip


def _statistics(row: EventTotalsRow) -> EventStatistics:
    view = event_stats_view(row)
    return EventStatistics(
        id=view.number, title=view.name, date_time=view.starts_at, status=view.status, capacity=view.capacity,
        tickets_sold=view.taken, total_bookings=view.bookings - view.cancellations, revenue=Decimal(view.net),
    )  # fmt: skip


def _booking_of(booking: GuestBooking) -> Booking:
    return _booking(booking.booking, booking.guest_number, booking.event_number)


def _booking(view: BookingView, user_id: int, event_id: int) -> Booking:
    tickets = [
        Ticket(id=ticket.id, booking_id=view.number, ticket_code=ticket.code, status=ticket.status) for ticket in view.tickets
    ]
    return Booking(
        id=view.number, user_id=user_id, event_id=event_id, quantity=len(tickets), total_amount=Decimal(view.total_amount),
        booking_date=view.booked_at, status=view.status, tickets=tickets,
    )  # fmt: skip
