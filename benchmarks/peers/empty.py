"""The upper bound for FastAPI with pydantic: it parses the request and makes the response, and does nothing in between.

Responses to GETs are made for each request from constant values.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, FastAPI, Query

from benchmarks.peers.bodies import Booking, EventData, NewBooking, confirmation, money
from benchmarks.peers.read_bodies import ELSEWHERE, Category, Event, EventPage

router = APIRouter()
_SOME_ID = UUID(int=0x5EA7)
_SOME_EVENT = EventData("Hot event", 5000, "EUR")
_SOME_TIME = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@asynccontextmanager
async def lifespan(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    yield


@router.post("/api/events/{event_id}/bookings", status_code=201)
async def book(event_id: UUID, body: NewBooking) -> Booking:
    return confirmation(_SOME_ID, 1, body.tickets[0], _SOME_EVENT, event_id=event_id, customer_id=_SOME_ID, at=_SOME_TIME)


@router.get("/api/events")
async def get_events(
    q: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: Annotated[str | None, Query(max_length=300)] = None
) -> EventPage:
    return EventPage(items=[_event(_SOME_ID) for _ in range(limit)], next_cursor="WyIyMDI2LTAxLTAxVDEyOjAwOjAwWiIsIjAwMDAiXQ" * 2)


@router.get("/api/events/{event_id}")
async def get_event(event_id: UUID) -> Event:
    return _event(event_id)


def _event(event_id: UUID) -> Event:
    categories = [
        Category(
            id=_SOME_ID, name=name, price=money(5000), capacity=1_000_000, taken=1000, held=0, available=999_000, needs_code=False,
            needs_code_until=None,
        )
        for name in ("General", "Early")
    ]  # fmt: skip
    return Event(
        id=event_id, number=1_000_000, name="Kind 17 of night 1234", description="", venue="Main hall", starts_at=_SOME_TIME,
        ends_at=None, timezone="UTC", sales_open_at=None, sales_close_at=None, past_at=_SOME_TIME, show_at=None,
        currency="EUR", status="active", organizer_id=_SOME_ID, categories=categories, pools=[], has_codes=False,
        capacity=2_000_000, available=1_998_000,
        max_tickets_per_customer=None, guest_checkout="off", hold_minutes=15, payment=ELSEWHERE,
        details_version=1, created_at=_SOME_TIME,
    )  # fmt: skip
