"""The `bookings` projection: bookings and their tickets.

The cancellation of an Event changes one row of `booking_events` and no booking: queries (query_api) derive a booking's status from
both. So an Event with 100,000 bookings is cancelled by one statement."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.details import Details
from ledger.entries import RecordedEntry
from projections.tables import CategoryNumber, Id, MinorUnits, Model, Position, String, Timestamp, insert, update


class BookingEvent(Model):
    """The columns of an event that queries of bookings need."""

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
    """A booking. `number` and `version`: the position and the stream version of the booking's entry. Amounts are in minor units.
    `refunded`: what its cancelled tickets cost; the three after it are as of `ledger.booking_amounts.BookingAmounts`."""

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("status IN ('confirmed', 'cancelled')", name="status"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("refunded BETWEEN 0 AND total", name="refunded_within_total"),
        CheckConstraint("to_pay BETWEEN 0 AND total", name="to_pay_within_total"),
        CheckConstraint("paid_back BETWEEN 0 AND received", name="paid_back_within_received"),
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
    to_pay: Mapped[MinorUnits | None]
    received: Mapped[MinorUnits] = mapped_column(server_default=text("0"))
    paid_back: Mapped[MinorUnits] = mapped_column(server_default=text("0"))


class Ticket(Model):
    """A ticket. `ticket`: its number within the booking, from 0. Its code is computed (ledger/ticket_codes.py) and never stored.
    `list_price`: without a discount; None: the price."""

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
    list_price: Mapped[MinorUnits | None]


class _Batch:
    """What the entries of one batch change, collected so that each table is written by one statement."""

    def __init__(self) -> None:
        self.bookings: list[dict[str, Any]] = []
        self.tickets: list[dict[str, Any]] = []
        self.changes: dict[UUID, dict[str, Any]] = {}
        self.ticket_states: dict[tuple[UUID, int], str] = {}

    def book(self, recorded: RecordedEntry, entry: e.SeatsBooked) -> None:
        tickets = _tickets(entry)
        self.tickets += tickets
        self.bookings.append(_booking(recorded, entry, tickets))

    def cancel_booking(self, recorded: RecordedEntry, entry: e.BookingCancelled) -> None:
        self._change(entry, refunded=sum(line.refund for line in entry.lines), to_pay=-(entry.less_to_pay or 0))["whole"] |= (
            entry.whole
        )
        self.ticket_states |= {(entry.booking_id, ticket): "cancelled" for ticket in entry.tickets}

    def use_ticket(self, recorded: RecordedEntry, entry: e.TicketUsed) -> None:
        self._change(entry)
        self.ticket_states[entry.booking_id, entry.ticket] = "used"

    def receive(self, recorded: RecordedEntry, entry: e.PaymentReceived) -> None:
        if e.is_booked(entry):
            self._change(entry, received=entry.amount)

    def owe(self, recorded: RecordedEntry, entry: e.RefundOwed) -> None:
        if e.is_booked(entry):
            self._change(entry, to_pay=-entry.amount if entry.reason == "goodwill" else 0)

    def pay_back(self, recorded: RecordedEntry, entry: e.RefundPaid) -> None:
        if e.is_booked(entry):
            self._change(entry, paid_back=entry.amount)

    def _change(self, entry: e.BookingChange, **amounts: int) -> dict[str, Any]:
        """Adds these amounts to those of the booking."""
        change = self.changes.setdefault(entry.booking_id, _unchanged(entry.booking_id))
        for name, amount in amounts.items():
            change[name] += amount
        change["updated_at"] = entry.at
        return change

    def write(self, connection: Connection) -> None:
        """New rows first, then the changes that later entries of the same batch make to them."""
        insert(connection, Booking, self.bookings)
        insert(connection, Ticket, self.tickets)
        _update_bookings(connection, list(self.changes.values()))
        _update_tickets(connection, self.ticket_states)


def _schedule_event(connection: Connection, recorded: RecordedEntry, entry: e.EventScheduled) -> None:
    rest = {"currency": entry.currency, "organizer_id": entry.organizer_id, "status": "active", "cancelled_at": None}
    insert(connection, BookingEvent, [{"event_id": recorded.stream, **_details(entry.details), **rest}])


def _change_details(connection: Connection, recorded: RecordedEntry, entry: e.EventDetailsChanged) -> None:
    _update_event(connection, {"event_id": recorded.stream, **_details(entry.details)})


def _cancel_event(connection: Connection, recorded: RecordedEntry, entry: e.EventCancelled) -> None:
    _update_event(connection, {"event_id": recorded.stream, "status": "cancelled", "cancelled_at": entry.at})


def _complete_event(connection: Connection, recorded: RecordedEntry, entry: e.EventCompleted) -> None:
    _update_event(connection, {"event_id": recorded.stream, "status": "completed"})


#: Entries of sales are collected and written at the end of a batch; those of events, which are few, are written one by one.
_SALES: dict[type[e.Entry], Callable[[_Batch, RecordedEntry, Any], None]] = {
    e.SeatsBooked: _Batch.book,
    e.BookingCancelled: _Batch.cancel_booking,
    e.TicketUsed: _Batch.use_ticket,
    e.PaymentReceived: _Batch.receive,
    e.RefundOwed: _Batch.owe,
    e.RefundPaid: _Batch.pay_back,
}
_EVENTS: dict[type[e.Entry], Callable[[Connection, RecordedEntry, Any], None]] = {
    e.EventScheduled: _schedule_event,
    e.EventDetailsChanged: _change_details,
    e.EventCancelled: _cancel_event,
    e.EventCompleted: _complete_event,
}


class BookingsProjector:
    name = "bookings"
    version = 4
    is_by_event = True
    tables = (BookingEvent, Booking, Ticket)
    handles: frozenset[type[e.Entry]] = frozenset((*_SALES, *_EVENTS))

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """A handful of statements, however long the batch, and one for each entry of an event."""
        collected = _Batch()
        for recorded in batch:
            kind = type(recorded.entry)
            if collect := _SALES.get(kind):
                collect(collected, recorded, recorded.entry)
            elif handler := _EVENTS.get(kind):
                handler(connection, recorded, recorded.entry)
        collected.write(connection)


def _booking(recorded: RecordedEntry, entry: e.SeatsBooked, tickets: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum(ticket["price"] for ticket in tickets)
    return {
        "booking_id": entry.booking_id,
        "number": recorded.position,
        "event_id": recorded.stream,
        "version": recorded.version,
        "ticket_key": entry.ticket_key,
        "customer_id": entry.customer_id,
        "status": "confirmed",
        "quantity": len(tickets),
        "total": total,
        "refunded": 0,
        "to_pay": total if entry.is_payable else None,
        "received": 0,
        "paid_back": 0,
        "booked_at": entry.at,
        "updated_at": entry.at,
    }


def _tickets(entry: e.SeatsBooked) -> list[dict[str, Any]]:
    lines = [line for line in entry.lines for _ in range(line.quantity)]
    return [
        {
            "booking_id": entry.booking_id,
            "ticket": ticket,
            "category": line.category,
            "category_name": line.name,
            "price": amount,
            "status": "active",
            "list_price": line.unit_price if entry.amounts else None,
        }
        for ticket, (line, amount) in enumerate(zip(lines, entry.ticket_amounts, strict=True))
    ]


#: The amounts that change, each by what is added to it.
_AMOUNTS = ("refunded", "to_pay", "received", "paid_back")
_ADDED = ", ".join(f"{name} = bookings.{name} + changed.{name}" for name in _AMOUNTS)


def _unchanged(booking_id: UUID) -> dict[str, Any]:
    return {"booking_id": booking_id, "whole": False, "updated_at": None, **dict.fromkeys(_AMOUNTS, 0)}


def _update_bookings(connection: Connection, changes: list[dict[str, Any]]) -> None:
    update(
        connection,
        Booking,
        f"{_ADDED}, updated_at = changed.updated_at,"
        " status = CASE changed.status WHEN '' THEN bookings.status ELSE changed.status END",
        "bookings.booking_id = changed.booking_id",
        [
            {
                **{name: change[name] for name in ("booking_id", "updated_at", *_AMOUNTS)},
                "status": "cancelled" if change["whole"] else "",
            }
            for change in changes
        ],
    )


def _update_tickets(connection: Connection, states: dict[tuple[UUID, int], str]) -> None:
    update(
        connection,
        Ticket,
        "status = changed.status",
        "tickets.booking_id = changed.booking_id AND tickets.ticket = changed.ticket",
        [{"booking_id": booking_id, "ticket": ticket, "status": status} for (booking_id, ticket), status in states.items()],
    )


def _details(details: Details) -> dict[str, Any]:
    return {"name": details.name, "starts_at": details.starts_at, "past_at": details.past_at}


def _update_event(connection: Connection, row: dict[str, Any]) -> None:
    new = ", ".join(f"{name} = changed.{name}" for name in row if name != "event_id")
    update(connection, BookingEvent, new, "booking_events.event_id = changed.event_id", [row])
