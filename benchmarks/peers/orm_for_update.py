"""SELECT FOR UPDATE by an ORM: lock the event's row, check, count, INSERT and COMMIT, as most booking services do."""

from uuid import UUID

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select

from benchmarks.peers.bodies import Booking as BookingBody
from benchmarks.peers.bodies import NewBooking, customer_of
from benchmarks.peers.orm import Booking, Event, booking_body, lifespan

__all__ = ["lifespan", "router"]

router = APIRouter()


@router.post("/api/events/{event_id}/bookings", status_code=201)
async def book(event_id: UUID, body: NewBooking, request: Request) -> BookingBody:
    wanted = body.tickets[0]
    async with request.app.state.sessions.begin() as session:
        query = select(Event).where(Event.id == event_id, Event.category == wanted.category).with_for_update()
        event = await session.scalar(query)
        if event is None:
            raise HTTPException(404, "No such event")
        if event.taken + wanted.quantity > event.capacity:
            raise HTTPException(409, "Sold out")
        event.taken += wanted.quantity
        total = event.price * wanted.quantity
        booking = Booking(event_id=event_id, customer_id=customer_of(request.headers), quantity=wanted.quantity, total=total)
        session.add(booking)
    return booking_body(booking, event, wanted)
