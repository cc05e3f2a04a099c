"""The events and bookings that were made through one of the other APIs over the same ledger, by that API's guests. These queries
are not anchored: use `ReadSide.fetch_latest_rows` and `ReadSide.stream_latest_rows`."""

from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    true,
)

from accounts.tables import guests
from projections.bookings import Booking
from projections.catalogue import CatalogueEvent
from query_api.database import Query
from query_api.queries.booking_queries import BookingRow, booking_rows, tickets_of
from query_api.queries.compose import (
    BOOKINGS,
    EVENT_ID,
    EVENTS,
    FROM,
    PATTERN,
    TO,
    Compiled,
    as_text,
    compile_rows,
    flags_of,
    literal_pattern,
    query_of,
)
from query_api.queries.event_queries import EventRow, event_rows


class GuestEventRow(EventRow, frozen=True):
    """An event of a guest. `guest_number`: of the guest who organizes it."""

    guest_number: int


class GuestBookingRow(BookingRow, frozen=True):
    event_number: int
    guest_number: int
    guest_name: str


_OF_API = guests.c.api == bindparam("api", type_=Text)
_NUMBER = bindparam("number", type_=BigInteger)


@cache
def _events(flags: frozenset[str]) -> Compiled[GuestEventRow]:
    e = CatalogueEvent
    conditions: dict[str, ColumnElement[bool]] = {
        "number": e.number == _NUMBER,
        "event_id": e.event_id == EVENT_ID,
        "active": e.status == as_text("active"),
        "not_cancelled": e.status != as_text("cancelled"),
        "upcoming_from": e.starts_at > bindparam("upcoming_from", type_=DateTime(timezone=True)),
        "from_": e.starts_at >= FROM,
        "to": e.starts_at <= TO,
        "q": e.search.like(PATTERN),
    }
    chosen = (condition for name, condition in conditions.items() if name in flags)
    rows = event_rows(*chosen).join(guests, and_(guests.c.id == e.organizer_id, _OF_API))
    return compile_rows(rows.add_columns(guests.c.number.label("guest_number")).order_by(e.number), GuestEventRow)


def guests_events(
    api: str, *, number: int | None = None, event_id: UUID | None = None, only: Literal["active", "not_cancelled"] | None = None,
    q: str | None = None, upcoming_from: datetime | None = None, from_: datetime | None = None, to: datetime | None = None,
) -> Query[GuestEventRow]:  # fmt: skip
    """Oldest first. `only`: active events, or those that are not cancelled ("not_cancelled"). `q` is searched in name and venue."""
    filters: dict[str, Any] = {"number": number, "event_id": event_id, "upcoming_from": upcoming_from, "from_": from_, "to": to}
    compiled = _events(flags_of(**filters, q=q or None, **({only: True} if only else {})))
    return query_of(compiled, EVENTS, replan=bool(q), api=api, pattern=literal_pattern(q or ""), **filters)


@cache
def _bookings(flags: frozenset[str]) -> Compiled[GuestBookingRow]:
    b, guest = Booking, guests.c
    conditions: dict[str, ColumnElement[bool]] = {
        "number": b.number == _NUMBER,
        "booking_id": b.booking_id == bindparam("booking_id", type_=Uuid),
        "event_id": b.event_id == EVENT_ID,
        "customer_id": b.customer_id == bindparam("customer_id", type_=Uuid),
        "confirmed_only": b.status == as_text("confirmed"),
        "of_active": CatalogueEvent.status != as_text("cancelled"),
    }
    chosen = (condition for name, condition in conditions.items() if name in flags)
    tickets = tickets_of(b.booking_id.expression)
    rows = booking_rows(*chosen).join(tickets, true())
    rows = rows.join(CatalogueEvent, CatalogueEvent.event_id == b.event_id)
    rows = rows.join(guests, and_(guest.id == b.customer_id, _OF_API))
    rows = rows.add_columns(
        tickets.c.tickets,
        CatalogueEvent.number.label("event_number"),
        guest.number.label("guest_number"),
        guest.name.label("guest_name"),
    )
    return compile_rows(rows.order_by(b.number), GuestBookingRow)


def guests_bookings(
    api: str, *, number: int | None = None, booking_id: UUID | None = None, event_id: UUID | None = None,
    customer_id: UUID | None = None, confirmed_only: bool = False,
) -> Query[GuestBookingRow]:  # fmt: skip
    """Oldest first. `confirmed_only`: only bookings that are confirmed and not of a cancelled event."""
    filters: dict[str, Any] = {"number": number, "booking_id": booking_id, "event_id": event_id, "customer_id": customer_id}
    only = confirmed_only or None
    return query_of(_bookings(flags_of(**filters, confirmed_only=only, of_active=only)), (*BOOKINGS, *EVENTS), api=api, **filters)
