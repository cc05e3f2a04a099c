"""What a webhook is told about an entry: the same for the same entry, whenever it is asked. It has ids of people, and no ticket
codes: who can read them can enter."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from cachetools import LRUCache
from sqlalchemy import Connection

from ledger import entries as e
from ledger.booking_amounts import BookingAmounts
from ledger.code_views import code_value
from ledger.details import Details
from ledger.entries import Entry, RecordedEntry
from ledger.event import batch_id, category_id, pool_id
from ledger.evolve import evolve
from ledger.money import to_text
from ledger.store import Ledger
from ledger.views import EventView, event_view, ticket_id
from notifications.event_details import details_at, details_before
from notifications.webhooks.types import TEST, TYPES

#: Events, and names of events, that are kept in memory.
KEPT = 10_000


class EventFacts(NamedTuple):
    """What never changes about an event: from its first entry."""

    organizer_id: UUID
    currency: str
    created: EventView


class FactReader:
    """Reads what a body needs beside its entry, and keeps it. Methods raise EventSealed, LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._events: LRUCache[UUID, EventFacts] = LRUCache(KEPT)
        self._details: LRUCache[tuple[UUID, int], Details] = LRUCache(KEPT)

    def forget(self) -> None:
        """The ledger went back."""
        self._events.clear()
        self._details.clear()

    def of_event(self, event_id: UUID) -> EventFacts:
        if (facts := self._events.get(event_id)) is None:
            (first,) = self._ledger.stream(event_id, until=1)
            event = evolve(None, first)
            assert event is not None
            facts = self._events[event_id] = EventFacts(event.organizer_id, event.currency, event_view(event))
        return facts

    def details(self, event_id: UUID, version: int) -> Details:
        if (details := self._details.get((event_id, version))) is None:
            details = self._details[event_id, version] = details_at(self._ledger, event_id, version)
        return details

    def details_before(self, connection: Connection, recorded: RecordedEntry) -> Details:
        return details_before(connection, self._ledger, recorded.stream, recorded.version)


class _Subject:
    """An entry, with the facts about it."""

    def __init__(self, recorded: RecordedEntry, reader: FactReader, connection: Connection) -> None:
        self.recorded, self._reader, self._connection = recorded, reader, connection

    @cached_property
    def event(self) -> EventFacts:
        return self._reader.of_event(self.recorded.stream)

    def name(self, version: int) -> str:
        return self._reader.details(self.recorded.stream, version).name

    def details_before(self) -> Details:
        return self._reader.details_before(self._connection, self.recorded)

    def money(self, amount: int) -> str:
        return to_text(amount, self.event.currency)

    def category(self, number: int) -> UUID:
        return category_id(self.recorded.stream, number)


def data_of(recorded: RecordedEntry, reader: FactReader, connection: Connection) -> msgspec.Raw:
    """What happened, as JSON. Raises what the reader raises."""
    data = _DATA[type(recorded.entry)](_Subject(recorded, reader, connection), recorded.entry)
    return msgspec.Raw(msgspec.json.encode(data))


def body_of(recorded: RecordedEntry, data: msgspec.Raw, previous_position: int | None) -> str:
    """The body about an entry, as JSON. `previous_position`: of the entry about which the webhook was told before."""
    return _encode(TYPES[type(recorded.entry)], recorded.entry.at, recorded.position, previous_position, recorded.stream, data)


def body_of_test(webhook_id: UUID) -> str:
    return _encode(TEST, datetime.now(UTC), None, None, None, {"webhook_id": webhook_id})


def _encode(
    type_: str, timestamp: datetime, position: int | None, previous_position: int | None, event_id: UUID | None, data: Any
) -> str:
    content = {
        "type": type_, "timestamp": timestamp, "position": position, "previous_position": previous_position, "event_id": event_id,
        "data": data,
    }  # fmt: skip
    return msgspec.json.encode(content).decode()


def _event(subject: _Subject, details: Details, **more: Any) -> dict[str, Any]:
    """As `GET /api/events/{id}` shows it, but its categories and seats."""
    created = subject.event.created
    return {
        "id": created.id, "number": created.number, "name": details.name, "description": details.description,
        "venue": details.venue, "starts_at": details.starts_at, "ends_at": details.ends_at, "timezone": details.timezone,
        "sales_open_at": details.sales_open_at, "sales_close_at": details.sales_close_at, "past_at": details.past_at,
        "show_at": details.show_at, "currency": created.currency, "status": "active", "organizer_id": created.organizer_id,
        "max_tickets_per_customer": details.max_tickets_per_customer, "created_at": created.created_at, **more,
    }  # fmt: skip


def _created(subject: _Subject, entry: e.EventScheduled) -> dict[str, Any]:
    return asdict(subject.event.created)


def _changed(subject: _Subject, entry: e.EventDetailsChanged) -> dict[str, Any]:
    return _event(subject, entry.details, details_version=subject.recorded.version)


def _cancelled(subject: _Subject, entry: e.EventCancelled) -> dict[str, Any]:
    return _event(subject, subject.details_before(), status="cancelled", reason=entry.reason)


def _completed(subject: _Subject, entry: e.EventCompleted) -> dict[str, Any]:
    return _event(subject, subject.details_before(), status="completed")


def _category_added(subject: _Subject, entry: e.CategoryAdded) -> dict[str, Any]:
    added = entry.category
    return {
        "id": subject.category(added.number), "name": added.name, "price": subject.money(added.price),
        "currency": subject.event.currency, "capacity": added.capacity,
    }  # fmt: skip


def _category_renamed(subject: _Subject, entry: e.CategoryRenamed) -> dict[str, Any]:
    return {"id": subject.category(entry.category), "name": entry.name}


def _category_removed(subject: _Subject, entry: e.CategoryRemoved) -> dict[str, Any]:
    return {"id": subject.category(entry.category)}


def _price_changed(subject: _Subject, entry: e.PriceChanged) -> dict[str, Any]:
    return {"id": subject.category(entry.category), "price": subject.money(entry.price), "currency": subject.event.currency}


def _capacity_changed(subject: _Subject, entry: e.CapacityChanged) -> dict[str, Any]:
    return {"id": subject.category(entry.category), "capacity": entry.capacity}


def _pools_set(subject: _Subject, entry: e.PoolsSet) -> dict[str, Any]:
    return {
        "pools": [
            {
                "id": pool_id(subject.recorded.stream, pool.number), "name": pool.name, "capacity": pool.capacity,
                "categories": [subject.category(number) for number in pool.categories],
            }
            for pool in entry.pools
        ]
    }  # fmt: skip


def _codes_made(subject: _Subject, entry: e.CodesMade) -> dict[str, Any]:
    """Without the codes."""
    batch = entry.batch
    return {
        "id": batch_id(subject.recorded.stream, batch.number), "effect": batch.effect,
        "value": code_value(batch.effect, batch.value, subject.event.currency), "count": batch.count,
        "max_tickets": batch.max_tickets, "categories": [subject.category(number) for number in batch.categories],
        "valid_from": batch.valid_from, "valid_until": batch.valid_until,
    }  # fmt: skip


def _codes_withdrawn(subject: _Subject, entry: e.CodesWithdrawn) -> dict[str, Any]:
    return {"id": batch_id(subject.recorded.stream, entry.batch)}


def _booked(subject: _Subject, entry: e.SeatsBooked) -> dict[str, Any]:
    """As `GET /api/bookings/{id}` shows it, but the codes of its tickets."""
    recorded = subject.recorded
    tickets = [line.name for line in entry.lines for _ in range(line.quantity)]
    lines = [_line(subject, line, amount) for line, amount in zip(entry.lines, entry.line_amounts, strict=True)]
    return {
        "id": entry.booking_id,
        "number": recorded.position,
        "event_id": recorded.stream,
        "event_name": subject.name(entry.details_version),
        "customer_id": entry.customer_id,
        "status": "confirmed",
        "lines": lines,
        **BookingAmounts.of(entry).fields(subject.event.currency),
        "currency": subject.event.currency,
        "tickets": [
            {"id": ticket_id(entry.booking_id, number), "category": name, "status": "active"} for number, name in enumerate(tickets)
        ],
        "booked_at": entry.at,
        "updated_at": entry.at,
    }


def _line(subject: _Subject, line: e.Line, amount: int) -> dict[str, Any]:
    return {
        "category": line.name, "quantity": line.quantity, "unit_price": subject.money(line.unit_price),
        "amount": subject.money(amount),
    }  # fmt: skip


def _held(subject: _Subject, entry: e.SeatsHeld) -> dict[str, Any]:
    amounts = entry.line_amounts
    return {
        "id": entry.command,
        "event_id": subject.recorded.stream,
        "customer_id": entry.customer_id,
        "lines": [_line(subject, line, amount) for line, amount in zip(entry.lines, amounts, strict=True)],
        "total_amount": subject.money(sum(amounts)),
        "currency": subject.event.currency,
        "held_at": entry.at,
        "expires_at": entry.expires_at,
    }


def _hold_extended(subject: _Subject, entry: e.HoldExtended) -> dict[str, Any]:
    return {"id": entry.hold_id, "event_id": subject.recorded.stream, "expires_at": entry.expires_at}


def _hold_released(subject: _Subject, entry: e.HoldReleased) -> dict[str, Any]:
    return {"id": entry.hold_id, "event_id": subject.recorded.stream}


def _holds_lapsed(subject: _Subject, entry: e.HoldsLapsed) -> dict[str, Any]:
    return {"ids": list(entry.hold_ids), "event_id": subject.recorded.stream}


def _booking_cancelled(subject: _Subject, entry: e.BookingCancelled) -> dict[str, Any]:
    return {
        "id": entry.booking_id,
        "event_id": subject.recorded.stream,
        "status": "cancelled" if entry.whole else "confirmed",
        "cancelled_tickets": [ticket_id(entry.booking_id, number) for number in entry.tickets],
        "refund_amount": subject.money(sum(line.refund for line in entry.lines)),
        "currency": subject.event.currency,
    }


def _ticket_used(subject: _Subject, entry: e.TicketUsed) -> dict[str, Any]:
    return {"id": ticket_id(entry.booking_id, entry.ticket), "booking_id": entry.booking_id, "status": "used"}


def _payment_started(subject: _Subject, entry: e.PaymentStarted) -> dict[str, Any]:
    return {
        "id": entry.command, "hold_id": entry.hold_id, "event_id": subject.recorded.stream, "customer_id": entry.customer_id,
        "method": entry.method, "amount": subject.money(entry.amount), "currency": subject.event.currency,
        "payable_until": entry.payable_until,
    }  # fmt: skip


def _payment_received(subject: _Subject, entry: e.PaymentReceived) -> dict[str, Any]:
    return {
        "id": entry.payment_id, "booking_id": entry.booking_id, "method": entry.method,
        "amount": to_text(entry.amount, entry.currency), "currency": entry.currency, "reference": entry.reference,
        "received_at": entry.at,
    }  # fmt: skip


def _refund_owed(subject: _Subject, entry: e.RefundOwed) -> dict[str, Any]:
    return {
        "id": entry.refund_id, "payment_id": entry.payment_id, "booking_id": entry.booking_id,
        "amount": subject.money(entry.amount), "currency": subject.event.currency, "reason": entry.reason,
    }  # fmt: skip


def _refund_paid(subject: _Subject, entry: e.RefundPaid) -> dict[str, Any]:
    return {
        "id": entry.refund_id, "payment_id": entry.payment_id, "booking_id": entry.booking_id, "method": entry.method,
        "amount": subject.money(entry.amount), "currency": subject.event.currency, "reference": entry.reference,
        "paid_at": entry.at,
    }  # fmt: skip


def _refund_failed(subject: _Subject, entry: e.RefundFailed) -> dict[str, Any]:
    return {
        "id": entry.refund_id, "payment_id": entry.payment_id, "booking_id": entry.booking_id,
        "amount": subject.money(entry.amount), "currency": subject.event.currency, "reason": entry.reason, "failed_at": entry.at,
    }  # fmt: skip


_DATA: dict[type[Entry], Callable[[_Subject, Any], dict[str, Any]]] = {
    e.EventScheduled: _created,
    e.EventDetailsChanged: _changed,
    e.EventCancelled: _cancelled,
    e.EventCompleted: _completed,
    e.CategoryAdded: _category_added,
    e.CategoryRenamed: _category_renamed,
    e.CategoryRemoved: _category_removed,
    e.PriceChanged: _price_changed,
    e.CapacityChanged: _capacity_changed,
    e.PoolsSet: _pools_set,
    e.CodesMade: _codes_made,
    e.CodesWithdrawn: _codes_withdrawn,
    e.SeatsHeld: _held,
    e.HoldExtended: _hold_extended,
    e.HoldReleased: _hold_released,
    e.HoldsLapsed: _holds_lapsed,
    e.SeatsBooked: _booked,
    e.BookingCancelled: _booking_cancelled,
    e.TicketUsed: _ticket_used,
    e.PaymentStarted: _payment_started,
    e.PaymentReceived: _payment_received,
    e.RefundOwed: _refund_owed,
    e.RefundPaid: _refund_paid,
    e.RefundFailed: _refund_failed,
}
