"""Specification 4, event management: ticket categories with prices and limits; each booking is a new guest's."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, Field

from commands.bodies import Capacity, LongText, Moment, Name, NewCategory
from compat.application import Amount, Asked, At, Refused, Style, array
from compat.application import make as make_application
from compat.service import Counter
from ledger.decide import MAX_CAPACITY, MAX_CATEGORIES, MAX_TICKETS_PER_BOOKING
from ledger.entries import Details
from ledger.errors import Busy, EventNotBookable, SeatledgerError, SoldOut
from ledger.settings import Settings
from ledger.views import EventView
from query_api.responses.mapping import event_view

API = "event-management"
STYLE = Style(
    fields={
        "starts_at": "date",
        "categories": "ticket_categories",
        "categories.price": "ticket_categories price",
        "tickets.category": "ticket_category",
    }
)

#: Each is a ticket of a walk-in, and a row of the read tables.
MAX_SOLD_BEFORE = 100_000

router = APIRouter()


class NewTicketCategory(BaseModel):
    """`seats_sold`: so many are sold already, to nobody by name."""

    name: Name
    price: Asked
    seats_limit: Capacity
    seats_sold: Annotated[int, Field(ge=0, le=MAX_CAPACITY, strict=True)] = 0


class NewEvent(BaseModel):
    name: Name
    venue: Name
    date: Moment
    ticket_categories: Annotated[list[NewTicketCategory], Field(min_length=1, max_length=MAX_CATEGORIES)]
    details: LongText | None = None


class TicketCategory(BaseModel):
    name: str
    price: Amount
    seats_limit: int
    seats_sold: int


class Event(BaseModel):
    id: int
    name: str
    venue: str
    date: datetime
    ticket_categories: list[TicketCategory]
    details: str | None


class NewBooking(BaseModel):
    ticket_category: Name
    quantity: Annotated[int, Field(ge=1, le=2**31, strict=True)]


class Booking(BaseModel):
    id: int
    event_id: int
    ticket_category: str
    quantity: int
    total_price: Amount
    booked_at: datetime


def make(settings: Settings) -> FastAPI:
    app = make_application(API, settings, STYLE, title="Event management", description=__doc__)
    app.include_router(router)
    return app


@router.post("/events", status_code=201, tags=["events"])
async def create_event(body: NewEvent, at: At) -> Event:
    """Its date must be in the future, and no category may have sold more than its limit: else 400."""
    for one in body.ticket_categories:
        if one.seats_sold > one.seats_limit:
            raise Refused(
                400, f"{one.name} has sold {one.seats_sold} seats, more than its limit of {one.seats_limit}.", "seats_sold"
            )
    if sum(one.seats_sold for one in body.ticket_categories) > MAX_SOLD_BEFORE:
        raise Refused(400, f"At most {MAX_SOLD_BEFORE} seats can have been sold before.", "seats_sold")
    about = Details(name=body.name, starts_at=body.date, venue=body.venue, description=body.details or "")
    categories = [NewCategory(name=one.name, price=one.price, capacity=one.seats_limit) for one in body.ticket_categories]
    # To its end, whoever is still there to hear of it: half of the seats sold before are not to be on sale.
    return _event(await asyncio.shield(_put_on(at.to_the_end(), about, categories, body.ticket_categories)))


async def _put_on(at: Counter, about: Details, categories: list[NewCategory], asked: list[NewTicketCategory]) -> EventView:
    """What was sold before is booked to walk-ins. Cancelled again where that can't be done."""
    view = await at.schedule(about, categories)
    if not any(one.seats_sold for one in asked):
        return view
    event = await at.event_by_id(view.id)
    sold = [
        at.book(event, min(MAX_TICKETS_PER_BOOKING, one.seats_sold - place), None, category=one.name)
        for one in asked
        for place in range(0, one.seats_sold, MAX_TICKETS_PER_BOOKING)
    ]
    try:
        await asyncio.gather(*sold)
    except SeatledgerError:
        await at.cancel_event(view)
        raise Busy from None
    for shown, one in zip(view.categories, asked, strict=True):
        shown.taken, shown.available = one.seats_sold, shown.capacity - one.seats_sold
    return view


@router.get("/events", tags=["events"], response_model=list[Event])
async def get_events(at: At) -> Response:
    """All upcoming ones."""
    return await array(at.events(only="active", upcoming_from=datetime.now(UTC)), lambda row: _event(event_view(row)))


@router.post("/events/{event_id}/book", status_code=201, tags=["bookings"])
async def book_tickets(event_id: int, body: NewBooking, at: At) -> Booking:
    """400 for a past event, for more than are left, and for a category that is sold out: each says which."""
    event = await at.event(event_id)
    try:
        view = await at.book(event, body.quantity, None, category=body.ticket_category)
    except EventNotBookable as error:
        if error.facts["reason"] == "past":
            raise Refused(400, "This event is in the past: it can't be booked any more.") from None
        raise
    except SoldOut as error:
        available = error.facts["available"]
        if not available:
            raise Refused(400, f"{body.ticket_category} is sold out.") from None
        raise Refused(400, f"{body.quantity} tickets exceed the {available} available seats in {body.ticket_category}.") from None
    return Booking(
        id=view.number, event_id=event_id, ticket_category=view.lines[0].category, quantity=body.quantity,
        total_price=Decimal(view.total_amount), booked_at=view.booked_at,
    )  # fmt: skip


def _event(view: EventView) -> Event:
    categories = [
        TicketCategory(name=one.name, price=Decimal(one.price), seats_limit=one.capacity, seats_sold=one.taken)
        for one in view.categories
    ]
    return Event(
        id=view.number, name=view.name, venue=view.venue, date=view.starts_at, ticket_categories=categories,
        details=view.description or None,
    )  # fmt: skip
