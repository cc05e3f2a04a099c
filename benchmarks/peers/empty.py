"""The most that FastAPI with pydantic bodies can do here: reads the request, makes the answer, and nothing in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter, FastAPI

from benchmarks.peers.bodies import Booking, NewBooking, confirmation

router = APIRouter()
_SOME_ID = UUID(int=0x5EA7)
_SOME_TIME = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@asynccontextmanager
async def opened(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    yield


@router.post("/api/events/{event_id}/bookings", status_code=201)
async def book(event_id: UUID, body: NewBooking) -> Booking:
    return confirmation(
        _SOME_ID, number=1, event_id=event_id, event_name="Hot event", customer_id=_SOME_ID, wanted=body.tickets[0],
        price=5000, currency="EUR", at=_SOME_TIME,
    )  # fmt: skip
