"""Specification 4, event management: ticket categories with prices and limits. Each booking is a walk-in's, without a guest."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, Field

from commands.bodies import Capacity, NewCategory
from compat.application import Amount, AnyLines, ErrorFormat, RequestedPrice, Service, SpecificationError, json_array
from compat.application import make as make_application
from compat.service import CompatService
from ledger.changing import MAX_CAPACITY, MAX_CATEGORIES
from ledger.details import Details
from ledger.errors import Busy, EventNotBookable, SeatledgerError, SoldOut
from ledger.field_types import EventTime, Name
from ledger.selling import MAX_TICKETS_PER_BOOKING
from ledger.settings import Settings
from ledger.views import EventView
from query_api.responses.mapping import event_view

API = "event-management"
ERROR_FORMAT = ErrorFormat(
    field_names={
        "starts_at": "date",
        "categories": "ticket_categories",
        "categories.price": "ticket_categories price",
        "tickets.category": "ticket_category",
    }
)

#: Each of these seats is booked as a ticket for a walk-in, and is a row in the read tables.
MAX_SOLD_BEFORE = 100_000

router = APIRouter()


class NewTicketCategory(BaseModel):
    """`seats_sold`: number of seats that were sold before, to unknown customers."""

    name: Name
    price: RequestedPrice
    seats_limit: Capacity
    seats_sold: Annotated[int, Field(ge=0, le=MAX_CAPACITY, strict=True)] = 0


class NewEvent(BaseModel):
    name: Name
    venue: Name
    date: EventTime
    ticket_categories: Annotated[list[NewTicketCategory], Field(min_length=1, max_length=MAX_CATEGORIES)]
    details: AnyLines | None = None


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
    app = make_application(API, settings, ERROR_FORMAT, title="Event management", description=__doc__)
    app.include_router(router)
    return app


@router.post("/events", status_code=201, tags=["events"])
async def create_event(body: NewEvent, service: Service) -> Event:
    """400 if the date is in the past, or if a category has sold more seats than its limit."""
    for category in body.ticket_categories:
        if category.seats_sold > category.seats_limit:
            raise SpecificationError(
                400,
                f"{category.name} has sold {category.seats_sold} seats, more than its limit of {category.seats_limit}.",
                "seats_sold",
            )
    if sum(category.seats_sold for category in body.ticket_categories) > MAX_SOLD_BEFORE:
        raise SpecificationError(400, f"At most {MAX_SOLD_BEFORE} seats can have been sold before.", "seats_sold")
    details = Details(name=body.name, starts_at=body.date, venue=body.venue, description=body.details or "")
    categories = [
        NewCategory(name=category.name, price=category.price, capacity=category.seats_limit) for category in body.ticket_categories
    ]
    # Completed even if the client disconnects: seats that were sold before must not go on sale.
    return _event(
        await asyncio.shield(_schedule_with_sold_seats(service.ignoring_disconnect(), details, categories, body.ticket_categories))
    )


async def _schedule_with_sold_seats(
    service: CompatService, details: Details, categories: list[NewCategory], categories_sold: list[NewTicketCategory]
) -> EventView:
    """Schedules the event and books the seats sold before for walk-ins. Cancels the event and raises Busy where a booking fails."""
    view = await service.schedule_event(details, categories)
    if not any(category.seats_sold for category in categories_sold):
        return view
    event = await service.load_event_by_id(view.id)
    sold = [
        service.book(event, min(MAX_TICKETS_PER_BOOKING, category.seats_sold - booked), None, category=category.name)
        for category in categories_sold
        for booked in range(0, category.seats_sold, MAX_TICKETS_PER_BOOKING)
    ]
    try:
        await asyncio.gather(*sold)
    except SeatledgerError:
        await service.cancel_event(view)
        raise Busy from None
    for shown, category in zip(view.categories, categories_sold, strict=True):
        shown.taken, shown.available = category.seats_sold, shown.capacity - category.seats_sold
    return view


@router.get("/events", tags=["events"], response_model=list[Event])
async def get_events(service: Service) -> Response:
    """All upcoming events."""
    return await json_array(
        service.list_events(only="active", upcoming_from=datetime.now(UTC)), lambda row: _event(event_view(row))
    )


@router.post("/events/{event_id}/book", status_code=201, tags=["bookings"])
async def book_tickets(event_id: int, body: NewBooking, service: Service) -> Booking:
    """400 for a past event, for more seats than are left, and for a sold-out category: the response says which."""
    event = await service.load_event(event_id)
    try:
        view = await service.book(event, body.quantity, None, category=body.ticket_category)
    except EventNotBookable as error:
        if error.facts["reason"] == "past":
            raise SpecificationError(400, "This event is in the past: it can't be booked any more.") from None
        raise
    except SoldOut as error:
        available = error.facts["available"]
        if not available:
            raise SpecificationError(400, f"{body.ticket_category} is sold out.") from None
        raise SpecificationError(
            400, f"{body.quantity} tickets exceed the {available} available seats in {body.ticket_category}."
        ) from None
    return Booking(
        id=view.number, event_id=event_id, ticket_category=view.lines[0].category, quantity=body.quantity,
        total_price=Decimal(view.total_amount), booked_at=view.booked_at,
    )  # fmt: skip


def _event(view: EventView) -> Event:
    categories = [
        TicketCategory(name=category.name, price=Decimal(category.price), seats_limit=category.capacity, seats_sold=category.taken)
        for category in view.categories
    ]
    return Event(
        id=view.number, name=view.name, venue=view.venue, date=view.starts_at, ticket_categories=categories,
        details=view.description or None,
    )  # fmt: skip
