"""The most that FastAPI with pydantic bodies can do here: reads the request, makes the answer, and nothing in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, FastAPI

from benchmarks.peers.bodies import Booking, NewBooking, SomeEvent, confirmation

router = APIRouter()
_SOME_ID = UUID(int=0x5EA7)
_SOME_EVENT = SomeEvent("Hot event", 5000, "EUR")
_SOME_TIME = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@asynccontextmanager
async def opened(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    yield


@router.post("/api/events/{event_id}/bookings", status_code=201)
async def book(event_id: UUID, body: NewBooking) -> Booking:
    return confirmation(_SOME_ID, 1, body.tickets[0], _SOME_EVENT, event_id=event_id, customer_id=_SOME_ID, at=_SOME_TIME)
