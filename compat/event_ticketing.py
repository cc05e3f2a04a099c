"""Specification 2, event ticketing: users who say who they are in `X-User-Id`, admins who put events on, tickets with codes."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field

from accounts.guests import Guest
from commands.bodies import Capacity, LongText, Moment, Name, Venue
from compat.application import Amount, Asked, At, LeftOut, Refused, Style, array
from compat.application import make as make_application
from compat.service import Counter, Sold, only_seats
from compat.ticketing_samples import Samples
from ledger.entries import Details
from ledger.errors import NotFound
from ledger.field_types import Phone
from ledger.settings import Settings
from ledger.views import BookingView, EventView
from query_api.parameters import Search
from query_api.queries import EventTotalsRow
from query_api.responses.mapping import event_stats_view, event_view

API = "event-ticketing"
STYLE = Style(fields={"starts_at": "date_time", "categories.price": "price", "categories.capacity": "capacity"})

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
    description: LongText = ""
    venue: Venue = ""
    date_time: Moment
    capacity: Capacity
    price: Asked
    status: Annotated[Literal["active"], Field(description="An update makes it another")] = "active"


class EventChanges(BaseModel):
    """What is left out stays."""

    title: LeftOut[Name] = None
    description: LeftOut[LongText] = None
    venue: LeftOut[Venue] = None
    date_time: LeftOut[Moment] = None
    capacity: LeftOut[Capacity] = None
    price: LeftOut[Asked] = None
    status: LeftOut[Status] = None


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
    """`total_bookings` stand, those that were cancelled are not among them; `revenue` is without what was refunded."""

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


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no user with this id.")


async def _with_samples(request: Request, at: At) -> Counter:
    samples: Samples = request.app.state.samples
    await samples.load(at)
    return at


Ready = Annotated[Counter, Depends(_with_samples)]


async def _admin(
    at: Ready, user_id: Annotated[str | None, Header(alias="X-User-Id", description="`id` of the user who asks: an admin")] = None
) -> None:
    number = int(user_id) if user_id and user_id.isascii() and user_id.isdigit() and len(user_id) < 20 else 0
    user = await at.guests.numbered(number)
    if user is None or user.role != "admin":
        raise Refused(403, "Only an admin may do this: send an admin's id in X-User-Id.")


router = APIRouter(prefix="/api")
admins_only = APIRouter(prefix="/api", dependencies=[Depends(_admin)])


def make(settings: Settings) -> FastAPI:
    app = make_application(API, settings, STYLE, title="Event Ticketing System", description=__doc__)
    app.state.samples = Samples()
    app.include_router(router)
    app.include_router(admins_only)
    return app


# --- events


def _end_of_day(moment: object) -> object:
    """A day without a time, as the end of a range, is all of that day."""
    is_day = isinstance(moment, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", moment)
    return f"{moment}T23:59:59.999999Z" if is_day else moment


@router.get("/events", tags=["events"], response_model=list[Event])
async def list_events(
    at: Ready,
    search: Annotated[Search, Query(description="In title and venue")] = "",
    date_from: Moment | None = None,
    date_to: Annotated[Moment | None, BeforeValidator(_end_of_day)] = None,
) -> Response:
    """All active ones."""
    return await array(at.events(only="active", q=search, from_=date_from, to=date_to), lambda row: _event(event_view(row)))


@router.get("/events/{event_id}", tags=["events"])
async def get_event(event_id: int, at: Ready) -> Event:
    return _event(await at.one_event(number=event_id))


@admins_only.post("/events", status_code=201, tags=["events"])
async def create_event(body: NewEvent, at: Ready) -> Event:
    about = Details(name=body.title, starts_at=body.date_time, description=body.description, venue=body.venue)
    return _event(await at.schedule(about, only_seats(body.capacity, body.price)))


@admins_only.put("/events/{event_id}", tags=["events"])
async def update_event(event_id: int, body: EventChanges, at: Ready) -> Event:
    """What is given changes. `cancelled` cancels the bookings too; neither `cancelled` nor `completed` can be taken back."""
    now = await at.one_event(number=event_id)
    if body.status not in (None, now.status) and now.status != "active":
        raise Refused(400, f"It is {now.status} already.", "status")
    changes, price, capacity = _changes(body, now)
    if changes or price is not None or capacity is not None:
        now = await at.change(now, changes, price=price, capacity=capacity)
    if body.status == "cancelled" and now.status == "active":
        now = await at.cancel_event(now)
    elif body.status == "completed" and now.status == "active":
        now = await at.complete_event(now)
    return _event(now)


def _changes(body: EventChanges, now: EventView) -> tuple[dict[str, Any], Decimal | None, int | None]:
    """What differs: the same again changes nothing, whatever the event's status."""
    given = {"name": body.title, "description": body.description, "venue": body.venue, "starts_at": body.date_time}
    changes = {name: value for name, value in given.items() if value not in (None, getattr(now, name))}
    price = None if body.price is None or body.price == Decimal(now.categories[0].price) else body.price
    return changes, price, None if body.capacity == now.capacity else body.capacity


@admins_only.get("/stats/events", tags=["events"], response_model=list[EventStatistics])
async def list_event_statistics(at: Ready) -> Response:
    """All events, whatever their status, newest first: for the admin's list."""
    return await array(at.totals(), _statistics)


# --- bookings


@router.post("/bookings", status_code=201, tags=["bookings"])
async def create_booking(body: NewBooking, at: Ready) -> Booking:
    user = await _user(at, body.user_id)
    event = await at.event(body.event_id)
    return _booking(await at.book(event, body.quantity, user), user.number, event.number)


@router.get("/bookings/user/{user_id}", tags=["bookings"], response_model=list[Booking])
async def list_user_bookings(user_id: int, at: Ready) -> Response:
    user = await _user(at, user_id)
    return await array(at.bookings(customer_id=user.id), lambda row: _sold(at.sold(row)))


@admins_only.get("/bookings/event/{event_id}", tags=["bookings"], response_model=list[Booking])
async def list_event_bookings(event_id: int, at: Ready) -> Response:
    event = await at.one_event(number=event_id)
    return await array(at.bookings(event_id=event.id), lambda row: _sold(at.sold(row)))


@router.put("/bookings/{booking_id}", tags=["bookings"])
async def update_booking(booking_id: int, body: BookingChange, at: Ready) -> Booking:
    """`cancelled` cancels it and its tickets, for good."""
    place = await at.booking(booking_id)
    if body.status == "cancelled":
        return _booking(await at.cancel(place), place.guest.number, place.event.number)
    sold = _sold(await at.one_booking(number=booking_id))
    if sold.status == "cancelled":
        raise Refused(400, "A cancelled booking can't be confirmed again: make a new one.", "status")
    return sold


# --- users


@router.get("/users", tags=["users"], response_model=list[User])
async def list_users(at: Ready) -> Response:
    return await array(at.guests.all(), _as_user)


@router.post("/users", status_code=201, tags=["users"])
async def create_user(body: NewUser, at: Ready) -> User:
    made = await at.guests.make(body.name, phone=body.phone, role=body.role)
    assert made is not None, "its id is new"
    return _as_user(made)


async def _user(at: Counter, number: int) -> Guest:
    guest = await at.guests.numbered(number)
    if guest is None or guest.role is None:  # the house is no user
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


def _sold(sold: Sold) -> Booking:
    return _booking(sold.booking, sold.guest_number, sold.event_number)


def _booking(view: BookingView, user_id: int, event_id: int) -> Booking:
    tickets = [Ticket(id=one.id, booking_id=view.number, ticket_code=one.code, status=one.status) for one in view.tickets]
    return Booking(
        id=view.number, user_id=user_id, event_id=event_id, quantity=len(tickets), total_amount=Decimal(view.total_amount),
        booking_date=view.booked_at, status=view.status, tickets=tickets,
    )  # fmt: skip
