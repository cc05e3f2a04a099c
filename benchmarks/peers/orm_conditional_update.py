"""A conditional UPDATE by an ORM: it succeeds only if seats are left. Then INSERT and COMMIT, as careful booking services do."""

from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import update

from benchmarks.peers.bodies import Booking as BookingBody
from benchmarks.peers.bodies import NewBooking, customer_of
from benchmarks.peers.orm import Booking, Event, booking_body, lifespan

__all__ = ["lifespan", "router"]

router = APIRouter()


@router.post("/api/events/{event_id}/bookings", status_code=201)
async def book(event_id: UUID, body: NewBooking, request: Request) -> BookingBody:
    wanted = body.tickets[0]
    async with request.app.state.sessions.begin() as session:
        counted = (
            update(Event)
            .where(Event.id == event_id, Event.category == wanted.category, Event.taken + wanted.quantity <= Event.capacity)
            .values(taken=Event.taken + wanted.quantity)
            .returning(Event)
            .execution_options(synchronize_session=False)
        )
        event = await session.scalar(counted)
        if event is None:
            raise HTTPException(409, "Sold out")
        total = event.price * wanted.quantity
        booking = Booking(event_id=event_id, customer_id=customer_of(request.headers), quantity=wanted.quantity, total=total)
        session.add(booking)
    return booking_body(booking, event, wanted)
