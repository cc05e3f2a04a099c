"""`bookings`: a customer's bookings and their tickets.

A cancelled Event cancels all its bookings by one row of `booking_events`: readers see through to it (query_api), so that an
Event with 100,000 bookings is cancelled in one statement and keeps nobody waiting."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import Recorded
from projections.tables import CategoryNumber, Id, MinorUnits, Model, Position, String, Timestamp, insert, update


class BookingEvent(Model):
    """What bookings need to know of their event."""

    __tablename__ = "booking_events"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'cancelled', 'completed')", name="status"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_when"),
        Index(None, "organizer_id", "status"),
    )

    event_id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[String]
    starts_at: Mapped[Timestamp | None]
    currency: Mapped[String]
    organizer_id: Mapped[Id]
    status: Mapped[String]
    cancelled_at: Mapped[Timestamp | None]
    past_at: Mapped[Timestamp | None]


class Booking(Model):
    """`number` and `version`: its entry's position in the ledger and place in its stream. Amounts in minor units."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("status IN ('confirmed', 'cancelled')", name="status"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("refunded BETWEEN 0 AND total", name="refunded_within_total"),
        Index(None, "customer_id", "number"),
        Index(None, "event_id", "number"),
    )

    booking_id: Mapped[Id] = mapped_column(primary_key=True)
    number: Mapped[Position] = mapped_column(unique=True)
    event_id: Mapped[Id] = mapped_column(ForeignKey("booking_events.event_id", ondelete="CASCADE"))
    version: Mapped[Position]
    ticket_key: Mapped[CategoryNumber]
    customer_id: Mapped[Id | None]
    status: Mapped[String]
    quantity: Mapped[int]
    total: Mapped[MinorUnits]
    refunded: Mapped[MinorUnits]
    booked_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class Ticket(Model):
    """The `ticket`-th of its booking, from 0. Its code is derived (ledger/ticket_codes.py) and never stored."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'used', 'cancelled')", name="status"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("ticket >= 0", name="ticket_not_negative"),
    )

    booking_id: Mapped[Id] = mapped_column(ForeignKey("bookings.booking_id", ondelete="CASCADE"), primary_key=True)
    ticket: Mapped[CategoryNumber] = mapped_column(primary_key=True)
    category: Mapped[CategoryNumber]
    category_name: Mapped[String]
    price: Mapped[MinorUnits]
    status: Mapped[String]


class BookingsProjector:
    name = "bookings"
    version = 2
    tables = (BookingEvent, Booking, Ticket)

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        """New rows first, then what later entries of the run change: a handful of statements."""
        bookings: list[dict[str, Any]] = []
        tickets: list[dict[str, Any]] = []
        changed: dict[UUID, dict[str, Any]] = {}
        states: dict[tuple[UUID, int], str] = {}
        for recorded in run:
            entry = recorded.entry
            match entry:
                case e.SeatsBooked():
                    new = _tickets(entry)
                    tickets += new
                    bookings.append(_booking(recorded, entry, new))
                case e.BookingCancelled():
                    change = changed.setdefault(entry.booking_id, _unchanged(entry.booking_id))
                    change["refund"] += sum(line.refund for line in entry.lines)
                    change["whole"] |= entry.whole
                    change["updated_at"] = entry.at
                    states |= {(entry.booking_id, ticket): "cancelled" for ticket in entry.tickets}
                case e.TicketUsed():
                    changed.setdefault(entry.booking_id, _unchanged(entry.booking_id))["updated_at"] = entry.at
                    states[entry.booking_id, entry.ticket] = "used"
                case _:
                    _event(connection, recorded, entry)
        insert(connection, Booking, bookings)
        insert(connection, Ticket, tickets)
        _change(connection, list(changed.values()), states)


def _booking(recorded: Recorded, entry: e.SeatsBooked, tickets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "booking_id": entry.command,
        "number": recorded.position,
        "event_id": recorded.stream,
        "version": recorded.version,
        "ticket_key": entry.ticket_key,
        "customer_id": entry.customer_id,
        "status": "confirmed",
        "quantity": len(tickets),
        "total": sum(ticket["price"] for ticket in tickets),
        "refunded": 0,
        "booked_at": entry.at,
        "updated_at": entry.at,
    }


def _tickets(entry: e.SeatsBooked) -> list[dict[str, Any]]:
    lines = [line for line in entry.lines for _ in range(line.quantity)]
    return [
        {
            "booking_id": entry.command,
            "ticket": ticket,
            "category": line.category,
            "category_name": line.name,
            "price": line.unit_price,
            "status": "active",
        }
        for ticket, line in enumerate(lines)
    ]


def _unchanged(booking_id: UUID) -> dict[str, Any]:
    return {"booking_id": booking_id, "refund": 0, "whole": False, "updated_at": None}


def _change(connection: Connection, changed: list[dict[str, Any]], states: dict[tuple[UUID, int], str]) -> None:
    update(
        connection,
        Booking,
        "refunded = bookings.refunded + given.refunded, updated_at = given.updated_at,"
        " status = CASE given.status WHEN '' THEN bookings.status ELSE given.status END",
        "bookings.booking_id = given.booking_id",
        [
            {
                "booking_id": change["booking_id"],
                "refunded": change["refund"],
                "status": "cancelled" if change["whole"] else "",
                "updated_at": change["updated_at"],
            }
            for change in changed
        ],
    )
    update(
        connection,
        Ticket,
        "status = given.status",
        "tickets.booking_id = given.booking_id AND tickets.ticket = given.ticket",
        [{"booking_id": booking_id, "ticket": ticket, "status": status} for (booking_id, ticket), status in states.items()],
    )


def _event(connection: Connection, recorded: Recorded, entry: e.Entry) -> None:
    key = {"event_id": recorded.stream}
    match entry:
        case e.EventScheduled():
            rest = {"currency": entry.currency, "organizer_id": entry.organizer_id, "status": "active", "cancelled_at": None}
            insert(connection, BookingEvent, [{**key, **_about(entry.details), **rest}])
        case e.EventDetailsChanged():
            _set_event(connection, {**key, **_about(entry.details)})
        case e.EventCancelled():
            _set_event(connection, {**key, "status": "cancelled", "cancelled_at": entry.at})
        case e.EventCompleted():
            _set_event(connection, {**key, "status": "completed"})


def _about(details: e.Details) -> dict[str, Any]:
    return {"name": details.name, "starts_at": details.starts_at, "past_at": details.past_at}


def _set_event(connection: Connection, row: dict[str, Any]) -> None:
    new = ", ".join(f"{name} = given.{name}" for name in row if name != "event_id")
    update(connection, BookingEvent, new, "booking_events.event_id = given.event_id", [row])
