"""From the rows of `query_api.queries` to response models. Amounts are in minor units in rows, decimal strings in views."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from ledger.booking_amounts import BookingAmounts
from ledger.code_access import LiveCodes
from ledger.event import category_id, pool_id
from ledger.hold_views import HoldPaymentView, HoldView, held_line_views
from ledger.money import to_text
from ledger.pools import Seats, Shared, share
from ledger.ticket_codes import TicketCodes, TicketLocation
from ledger.views import (
    TICKETS_AT_ONCE,
    BookingView,
    CategoryView,
    EventView,
    LineView,
    PoolView,
    TicketView,
    codes_of,
    payment_terms,
    ticket_id,
)
from query_api.queries import (
    AvailabilityChangeRow,
    AvailableRow,
    BookingRow,
    CategoryRow,
    CategorySeatsRow,
    EventRow,
    EventTotalsRow,
    HoldLineRow,
    HoldRow,
    PoolRow,
    SalesRow,
    SummaryRow,
    TicketRow,
)
from query_api.responses.statistics_views import EventCounts, EventStatsView, RevenueView, SalesView, SummaryView
from query_api.responses.views import CustomerView, EventBookingView

#: See `grouped`.
TICKETS_IN_GROUP = 500

V = TypeVar("V")
ShownRow = TypeVar("ShownRow", bound=BookingRow)

_decode_categories = msgspec.json.Decoder(list[CategoryRow]).decode
_decode_tickets = msgspec.json.Decoder(list[TicketRow]).decode
_decode_codes = msgspec.json.Decoder(list[LiveCodes]).decode
_decode_hold_lines = msgspec.json.Decoder(list[HoldLineRow]).decode
_decode_available = msgspec.json.Decoder(list[AvailableRow]).decode
decode_pools = msgspec.json.Decoder(list[PoolRow]).decode
decode_seats = msgspec.json.Decoder(list[CategorySeatsRow]).decode


def event_view(row: EventRow) -> EventView:
    rows, pool_rows = _decode_categories(row.categories), decode_pools(row.pools or "[]")
    shared, live = share_rows(rows, pool_rows), _decode_codes(row.codes or "[]")
    categories = [
        CategoryView(
            id=category_id(row.event_id, c.category), name=c.name, price=to_text(c.price, row.currency), capacity=c.capacity,
            taken=c.taken, held=c.held, available=available, **codes_of(c.category, live),
        )
        for c, available in zip(rows, shared.available, strict=True)
    ]  # fmt: skip
    pools = [
        PoolView(
            id=pool_id(row.event_id, p.pool), name=p.name, capacity=p.capacity, taken=p.taken, held=p.held, available=p.available,
            categories=[category_id(row.event_id, c.category) for c in rows if c.pool == p.pool],
        )
        for p in pool_rows
    ]  # fmt: skip
    return EventView(
        id=row.event_id, number=row.number, name=row.name, description=row.description, venue=row.venue, starts_at=row.starts_at,
        ends_at=row.ends_at, timezone=row.timezone, sales_open_at=row.sales_open_at, sales_close_at=row.sales_close_at,
        past_at=row.past_at, show_at=row.show_at, currency=row.currency, status=row.status, organizer_id=row.organizer_id,
        categories=categories, pools=pools, has_codes=bool(live), capacity=shared.total.capacity, available=shared.total.available,
        max_tickets_per_customer=row.max_tickets_per_customer, guest_checkout=row.guest_checkout,
        hold_minutes=row.hold_minutes, payment=payment_terms(row.payment_methods), details_version=row.details_version,
        created_at=row.created_at,
    )  # fmt: skip


def views_of(
    rows: Iterable[ShownRow], codes: TicketCodes, make: Callable[[ShownRow, list[TicketRow], list[TicketView]], V]
) -> Generator[None, None, list[V]]:
    """What `make`, such as `booking_view`, makes of each booking and its tickets. Yields after each TICKETS_AT_ONCE tickets (see
    `Portions`): a page of bookings may have thousands."""
    made, count = list[V](), 0
    for row in rows:
        stored, tickets = _decode_tickets(row.tickets), list[TicketView]()
        for ticket in stored:
            if count == TICKETS_AT_ONCE:
                yield
                count = 0
            count += 1
            tickets.append(_ticket_view(row, ticket, codes))
        made.append(make(row, stored, tickets))
    return made


def grouped(rows: Iterable[ShownRow]) -> Iterator[list[ShownRow]]:
    """The bookings of an export in groups of about TICKETS_IN_GROUP tickets, or one booking: what is written of a group at once
    takes some milliseconds, and its views some memory."""
    group, tickets = list[ShownRow](), 0
    for row in rows:
        if group and tickets + row.quantity > TICKETS_IN_GROUP:
            yield group
            group, tickets = [], 0
        group.append(row)
        tickets += row.quantity
    if group:
        yield group


def _ticket_view(row: BookingRow, ticket: TicketRow, codes: TicketCodes) -> TicketView:
    return TicketView(
        id=ticket_id(row.booking_id, ticket.ticket),
        code=codes.code(row.event_id, row.booking_id, TicketLocation(row.version, ticket.ticket), row.ticket_key),
        category=ticket.category_name,
        status="cancelled" if row.event_cancelled_at else ticket.status,
    )


def booking_view(row: BookingRow, stored: list[TicketRow], tickets: list[TicketView]) -> BookingView:
    return BookingView(**_booking_fields(row, stored), tickets=tickets)


def event_booking_view(row: BookingRow, stored: list[TicketRow], tickets: list[TicketView]) -> EventBookingView:
    """As the event's organizer sees it."""
    customer = None
    if row.customer_id is not None and row.customer_name is not None and row.customer_email is not None:
        customer = CustomerView(id=row.customer_id, name=row.customer_name, email=row.customer_email)
    return EventBookingView(**_booking_fields(row, stored), tickets=tickets, customer=customer)


def _booking_fields(row: BookingRow, stored: list[TicketRow]) -> dict[str, Any]:
    return {
        "id": row.booking_id,
        "number": row.number,
        "event_id": row.event_id,
        "event_name": row.event_name,
        "customer_id": row.customer_id,
        "status": "cancelled" if row.event_cancelled_at else row.status,
        "lines": _lines(stored, row.currency),
        **amounts_of(row).fields(row.currency),
        "currency": row.currency,
        "booked_at": row.booked_at,
        "updated_at": max(row.event_cancelled_at or row.updated_at, row.updated_at),
    }


def amounts_of(row: BookingRow) -> BookingAmounts:
    is_cancelled = row.event_cancelled_at is not None
    return BookingAmounts(row.total, row.refunded, row.to_pay, row.received, row.paid_back, is_cancelled)


def hold_view(row: HoldRow) -> HoldView:
    held = _decode_hold_lines(row.lines)
    amounts = [line.quantity * line.unit_price if line.amount is None else line.amount for line in held]
    lines, total = held_line_views(held, amounts, row.currency)
    return HoldView(
        id=row.hold_id, event_id=row.event_id, event_name=row.event_name, customer_id=row.customer_id, status=row.status,
        lines=lines, total_amount=total, currency=row.currency, held_at=row.held_at, expires_at=row.expires_at,
        payment=_hold_payment(row),
    )  # fmt: skip


def _hold_payment(row: HoldRow) -> HoldPaymentView | None:
    if row.payment_id is None or row.payment_method is None or row.payable_until is None:
        return None
    return HoldPaymentView(id=row.payment_id, method=row.payment_method, payable_until=row.payable_until)


def _lines(tickets: Iterable[TicketRow], currency: str) -> list[LineView]:
    """One line for each category and price, in the order of the tickets."""
    lines: dict[tuple[int, int], tuple[str, int, int]] = {}
    for ticket in tickets:
        key = ticket.category, ticket.price if ticket.list_price is None else ticket.list_price
        _, quantity, amount = lines.get(key, ("", 0, 0))
        lines[key] = ticket.category_name, quantity + 1, amount + ticket.price
    return [
        LineView(category=name, quantity=quantity, unit_price=to_text(price, currency), amount=to_text(amount, currency))
        for (_, price), (name, quantity, amount) in lines.items()
    ]


def revenue_view(row: SummaryRow) -> RevenueView:
    return RevenueView(currency=row.currency, **_amounts(row), **_money(row))


def summary_view(position: int, rows: Sequence[SummaryRow]) -> SummaryView:
    """The sum of the rows, of which there is one for each currency; amounts stay apart."""
    return SummaryView(
        events=EventCounts(
            active=sum(row.active for row in rows), cancelled=sum(row.cancelled for row in rows),
            completed=sum(row.completed for row in rows),
        ),
        capacity=sum(row.capacity for row in rows), taken=sum(row.taken for row in rows),
        bookings=sum(row.bookings for row in rows), cancellations=sum(row.cancellations for row in rows),
        revenue=[revenue_view(row) for row in rows], ledger_position=position,
    )  # fmt: skip


def event_stats_view(row: EventTotalsRow) -> EventStatsView:
    return EventStatsView(
        event_id=row.event_id, number=row.number, name=row.name, starts_at=row.starts_at, status=row.status, currency=row.currency,
        capacity=row.capacity, taken=row.taken, bookings=row.bookings, cancellations=row.cancellations, **_amounts(row),
        **_money(row),
    )  # fmt: skip


def sales_view(row: SalesRow) -> SalesView:
    assert row.start is not None, "a row without sales is no interval"
    return SalesView(
        start=row.start, currency=row.currency, bookings=row.bookings, cancellations=row.cancellations, tickets=row.tickets,
        tickets_cancelled=row.tickets_cancelled, **_amounts(row),
    )  # fmt: skip


def _amounts(row: SummaryRow | EventTotalsRow | SalesRow) -> dict[str, str]:
    amounts = {"gross": row.gross, "refunded": row.refunded, "net": row.gross - row.refunded}
    return {name: to_text(amount, row.currency) for name, amount in amounts.items()}


def _money(row: SummaryRow | EventTotalsRow) -> dict[str, str]:
    amounts = {"received": row.received, "paid_back": row.paid_back, "due": row.due, "refund_due": row.refund_due}
    return {name: to_text(amount, row.currency) for name, amount in amounts.items()}


def share_rows(rows: Iterable[CategoryRow | CategorySeatsRow], pools: Iterable[PoolRow]) -> Shared:
    """What can be sold of categories with these pools."""
    own = [(Seats(row.capacity, row.available), row.pool) for row in rows]
    return share(own, {pool.pool: Seats(pool.capacity, pool.available) for pool in pools})


class AvailableCategory(msgspec.Struct, frozen=True):
    """A category or a pool."""

    name: str
    available: int
    held: int


class AvailabilityMessage(msgspec.Struct, frozen=True):
    """The data of a live event: seats left of one event, as of `position`. `pools`: likewise, each by its own capacity."""

    event_id: UUID
    available: int
    categories: list[AvailableCategory]
    pools: list[AvailableCategory]
    position: int


def availability_message(row: AvailabilityChangeRow) -> AvailabilityMessage:
    rows, pools = _decode_available(row.categories or "[]"), decode_pools(row.pools or "[]")
    shared = share([(Seats(0, c.available), c.pool) for c in rows], {p.pool: Seats(0, p.available) for p in pools})
    categories = [AvailableCategory(c.name, available, c.held) for c, available in zip(rows, shared.available, strict=True)]
    in_pools = [AvailableCategory(p.name, p.available, p.held) for p in pools]
    return AvailabilityMessage(row.event_id, shared.total.available, categories, in_pools, row.changed_at)
