"""What the two ORM peers share: SQLAlchemy's async ORM over asyncpg, with its models and a pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from sqlalchemy import BigInteger, DateTime, FetchedValue, make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peers.bodies import Booking as BookingBody
from benchmarks.peers.bodies import TicketRequest, confirmation

#: At 64 connections on 2 busy cores, sizes from 2 to 20 were equally fast.
POOL_SIZE = 10


class Base(DeclarativeBase):
    pass


class Event(Base):
    __tablename__ = "events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    category: Mapped[str]
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    capacity: Mapped[int]
    taken: Mapped[int]


class Booking(Base):
    """The INSERT returns the columns that the database fills."""

    __tablename__ = "bookings"
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy has it

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    number: Mapped[int] = mapped_column(BigInteger, FetchedValue())
    event_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    quantity: Mapped[int]
    total: Mapped[int] = mapped_column(BigInteger)
    booked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), FetchedValue())


@asynccontextmanager
async def lifespan(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    """Requests wait up to a minute for a connection, so that none fails for lack of one."""
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=60)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    await engine.dispose()


def booking_body(booking: Booking, event: Event, wanted: TicketRequest) -> BookingBody:
    return confirmation(
        booking.id, booking.number, wanted, event, event_id=event.id, customer_id=booking.customer_id, at=booking.booked_at
    )
