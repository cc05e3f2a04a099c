"""From the rows of `queries.py` to what the API shows."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from ledger.event import category_id
from ledger.money import to_text
from ledger.ticket_codes import TicketCodes, TicketLocation
from ledger.views import BookingView, CategoryView, EventView, LineView, TicketView, ticket_id
from query_api.database import Row
from query_api.responses.views import (
    CustomerView,
    EventBookingView,
    EventCounts,
    EventStatsView,
    RevenueView,
    SalesView,
    SummaryView,
)

#: number, name, price, capacity, taken, available
_categories = msgspec.json.Decoder(list[tuple[int, str, int, int, int, int]]).decode
#: name, capacity, taken, available
Seats = tuple[str, int, int, int]
seats = msgspec.json.Decoder(list[Seats]).decode
_Ticket = tuple[int, int, str, int, Literal["active", "used", "cancelled"]]
#: ticket, category, its name, price, status
_tickets = msgspec.json.Decoder(list[_Ticket]).decode


def event_view(row: Row) -> EventView:
    (
        event_id, number, name, description, venue, starts_at, ends_at, timezone, sales_open_at, sales_close_at, past_at,
        show_at, currency, status, organizer_id, max_tickets_per_customer, details_version, created_at, rows,
    ) = row  # fmt: skip
    categories = [
        CategoryView(
            id=category_id(event_id, category), name=title, price=to_text(price, currency), capacity=capacity, taken=taken,
            available=available,
        )
        for category, title, price, capacity, taken, available in _categories(rows)
    ]  # fmt: skip
    return EventView(
        id=event_id, number=number, name=name, description=description, venue=venue, starts_at=starts_at, ends_at=ends_at,
        timezone=timezone, sales_open_at=sales_open_at, sales_close_at=sales_close_at, past_at=past_at, show_at=show_at,
        currency=currency, status=status, organizer_id=organizer_id, categories=categories,
        capacity=sum(c.capacity for c in categories), available=sum(c.available for c in categories),
        max_tickets_per_customer=max_tickets_per_customer, details_version=details_version, created_at=created_at,
    )  # fmt: skip


class BookingRow:
    """A row of `booking_rows` with its tickets."""

    __slots__ = ("customer", "fields", "organizer_id", "version")

    def __init__(self, row: Row, codes: TicketCodes) -> None:
        (
            booking_id, number, event_id, event_name, self.organizer_id, self.version, ticket_key, customer_id,
            status, off_at, _, total, refunded, currency, booked_at, updated_at, name, email, rows, *_,
        ) = row  # fmt: skip
        tickets = _tickets(rows)
        self.customer = None if email is None else CustomerView(id=customer_id, name=name, email=email)
        self.fields: dict[str, Any] = {
            "id": booking_id,
            "number": number,
            "event_id": event_id,
            "event_name": event_name,
            "customer_id": customer_id,
            "status": "cancelled" if off_at else status,
            "lines": _lines(tickets, currency),
            "total_amount": to_text(total, currency),
            "refunded_amount": to_text(total if off_at else refunded, currency),
            "currency": currency,
            "tickets": [
                TicketView(
                    id=ticket_id(booking_id, ticket), code=codes.code(event_id, TicketLocation(self.version, ticket), ticket_key),
                    category=category, status="cancelled" if off_at else state,
                )
                for ticket, _, category, _, state in tickets
            ],
            "booked_at": booked_at,
            "updated_at": off_at or updated_at,
        }  # fmt: skip

    def view(self) -> BookingView:
        return BookingView(**self.fields)

    def view_for_organizer(self) -> EventBookingView:
        return EventBookingView(**self.fields, customer=self.customer)


def _lines(tickets: Iterable[_Ticket], currency: str) -> list[LineView]:
    """One a category and price, in the order of the tickets."""
    lines: dict[tuple[int, int], tuple[str, int]] = {}
    for _, category, name, price, _ in tickets:
        lines[category, price] = name, lines.get((category, price), (name, 0))[1] + 1
    return [
        LineView(category=name, quantity=quantity, unit_price=to_text(price, currency), amount=to_text(quantity * price, currency))
        for (_, price), (name, quantity) in lines.items()
    ]


def revenue_view(currency: str, gross: int, refunded: int) -> RevenueView:
    return RevenueView(currency=currency, **_amounts(currency, gross, refunded))


def summary_view(position: int, rows: Sequence[Row]) -> SummaryView:
    """Of a row a currency: it, events active, cancelled, completed, bookings, cancellations, capacity, taken, gross, refunded."""
    active, cancelled, completed, bookings, cancellations, capacity, taken = (
        sum(row[place] for row in rows) for place in range(1, 8)
    )
    return SummaryView(
        events=EventCounts(active=active, cancelled=cancelled, completed=completed), capacity=capacity, taken=taken,
        bookings=bookings, cancellations=cancellations, revenue=[revenue_view(row[0], *row[-2:]) for row in rows],
        ledger_position=position,
    )  # fmt: skip


def event_stats_view(row: Row) -> EventStatsView:
    event_id, number, name, starts_at, status, currency, capacity, taken, bookings, cancellations, gross, refunded = row
    return EventStatsView(
        event_id=event_id, number=number, name=name, starts_at=starts_at, status=status, currency=currency, capacity=capacity,
        taken=taken, bookings=bookings, cancellations=cancellations, **_amounts(currency, gross, refunded),
    )  # fmt: skip


def sales_view(row: Row) -> SalesView:
    start, currency, bookings, cancellations, tickets, tickets_cancelled, gross, refunded = row
    return SalesView(
        start=start, currency=currency, bookings=bookings, cancellations=cancellations, tickets=tickets,
        tickets_cancelled=tickets_cancelled, **_amounts(currency, gross, refunded),
    )  # fmt: skip


def _amounts(currency: str, gross: int, refunded: int) -> dict[str, str]:
    amounts = {"gross": gross, "refunded": refunded, "net": gross - refunded}
    return {name: to_text(amount, currency) for name, amount in amounts.items()}


class AvailabilityMessage(msgspec.Struct, frozen=True):
    """Seats left of one event, as they were left at `position`: the data of a live event."""

    event_id: UUID
    available: int
    categories: list[dict[str, Any]]
    position: int


_named = msgspec.json.Decoder(list[tuple[str, int]]).decode


def availability(row: Row) -> AvailabilityMessage:
    event_id, position, rows = row
    named = _named(rows or "[]")
    categories = [{"name": name, "available": available} for name, available in named]
    return AvailabilityMessage(event_id, sum(available for _, available in named), categories, position)
