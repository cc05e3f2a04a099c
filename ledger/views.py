"""Views: Events and bookings as the API shows them, made from entries and from the Event.

The read side makes the same views from its tables. They are dataclasses, so that FastAPI documents them and msgspec encodes them,
in a third of the time of pydantic. Money is a decimal string; times are UTC.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Protocol
from uuid import UUID

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType

from ledger import details
from ledger import entries as e
from ledger.booking_amounts import BookingAmounts, PaymentStatus
from ledger.code_access import LiveCodes, code_needed
from ledger.concurrency import at_once
from ledger.derived_ids import derived_id
from ledger.details import Pool
from ledger.event import Event, category_id, pool_id
from ledger.money import to_text
from ledger.pools import Seats, share
from ledger.ticket_codes import TicketCodes, TicketLocation

#: OpenAPI Generator makes a decimal of a string with the format `number`, and of no other.
Money = Annotated[str, WithJsonSchema({"type": "string", "format": "number", "examples": ["50.00"]})]
# Type aliases, so that the OpenAPI document names them and a generated client has an enum of each.
EventStatus = TypeAliasType("EventStatus", Literal["active", "cancelled", "completed"])
BookingStatus = TypeAliasType("BookingStatus", Literal["confirmed", "cancelled"])
TicketStatus = TypeAliasType("TicketStatus", Literal["active", "used", "cancelled"])
GuestCheckout = TypeAliasType("GuestCheckout", details.GuestCheckout)
PaymentPolicy = TypeAliasType("PaymentPolicy", Literal["elsewhere", "online"])
BoxOfficeMethod = TypeAliasType("BoxOfficeMethod", e.BoxOfficeMethod)
RefundMethod = TypeAliasType("RefundMethod", e.RefundMethod)
PaymentMethod = TypeAliasType("PaymentMethod", details.PaymentMethod)

#: Tickets that are made before the event loop gets control: a ticket takes some 20 µs, most of it for its code.
TICKETS_AT_ONCE = 50
STATES: dict[int, TicketStatus] = {ord("a"): "active", ord("u"): "used", ord("c"): "cancelled"}


@dataclass(slots=True, kw_only=True)
class CategoryView:
    """A category of seats: `capacity` seats, of which `taken` are sold, `held` for somebody who is about to book them and may give
    them back, and `available` left, as far as its pool has as many. `price` is that of new bookings.
    `needs_code`: it is sold only with a code, until `needs_code_until` or, if that is null, as long as it is sold."""

    id: UUID
    name: str
    price: Money
    capacity: int
    taken: int
    held: int
    available: int
    needs_code: bool
    needs_code_until: datetime | None


@dataclass(slots=True, kw_only=True)
class PoolView:
    """A capacity that categories share, which are named by id: of their seats, `capacity` at most are sold. The other fields are as
    those of a category."""

    id: UUID
    name: str
    capacity: int
    taken: int
    held: int
    available: int
    categories: list[UUID]


@dataclass(slots=True, kw_only=True)
class PaymentTerms:
    """How an event is paid. `policy`: `online`, through Seatledger, which accounts for payments and refunds, by one of the
    `methods`; `elsewhere`: Seatledger knows nothing of it. `box_office`: bookings are paid on site, and due until then."""

    policy: PaymentPolicy
    methods: list[PaymentMethod]


@dataclass(slots=True, kw_only=True)
class EventView:
    """An event that customers book. Times are UTC; `timezone` is the IANA time zone of the venue.

    `number`: a whole number that identifies the event, beside its `id` (the ledger position of its first entry). `starts_at`: null
    for an open date. `show_at`: the time at which the show begins, if it is not `starts_at`. `past_at`: the time at which the event
    is past: from then on nobody can book it, and no customer can cancel. It is `starts_at`, or `sales_close_at` if that is later;
    null for an open date, and where sales after the start have no end. For an open date customers can't cancel after
    `sales_close_at` either. `guest_checkout`: whether somebody without an account books with
    name and e-mail address at once (`open`), after proving the address (`proven`), or not at all (`off`). `hold_minutes`: for how
    long seats are held. `capacity`, `available`: the seats, and those left, of all categories, as far as pools let them be sold.
    `has_codes`: there are promo codes for it.
    `details_version`: the number in the ETag, to send
    as `If-Match`; it rises with each change of details or categories, not with bookings."""

    id: UUID
    number: int
    name: str
    description: str
    venue: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    past_at: datetime | None
    show_at: datetime | None
    currency: str
    status: EventStatus
    organizer_id: UUID
    categories: list[CategoryView]
    pools: list[PoolView]
    has_codes: bool
    capacity: int
    available: int
    max_tickets_per_customer: int | None
    guest_checkout: GuestCheckout
    hold_minutes: int
    payment: PaymentTerms
    details_version: int
    created_at: datetime


class BookedBy(NamedTuple):
    """The event and the customer of a booking. `customer_id`: None for a walk-in."""

    event_id: UUID
    customer_id: UUID | None


class LatestBooking(NamedTuple):
    """A booking as of the newest entry. `customer_id`: None for a walk-in. `is_cancelled`: wholly, or with its event."""

    event_id: UUID
    organizer_id: UUID
    customer_id: UUID | None
    is_cancelled: bool


@dataclass(slots=True, kw_only=True)
class LineView:
    """A number of seats of one category at one price. `amount` is `quantity` times `unit_price`, less a discount."""

    category: str
    quantity: int
    unit_price: Money
    amount: Money


@dataclass(slots=True, kw_only=True)
class TicketView:
    """A ticket of a booking. `code` admits its holder once; `category` is the name of its category."""

    id: UUID
    code: Annotated[str, Field(examples=["01QK-3RAB-0042-6N1C-8JTW-59XM-VZ7G"])]
    category: str
    status: TicketStatus


@dataclass(slots=True, kw_only=True)
class BookingView:
    """A booking with its tickets. `number`: a whole number that identifies it, beside its `id` (the ledger position of its entry).
    `customer_id`: null for a walk-in.

    `payment_status`: `none-due` where the booking costs nothing, was cancelled before it was paid, or its payment is taken
    elsewhere. `due_amount`: what is still to be paid. `refund_due_amount`: what is owed back of `paid_amount`, and was not paid
    back yet. `refunded_amount`: what was paid back; where payment is taken elsewhere, what is owed there for cancelled tickets, of
    `total_amount`."""

    id: UUID
    number: int
    event_id: UUID
    event_name: str
    customer_id: UUID | None
    status: BookingStatus
    lines: list[LineView]
    total_amount: Money
    refunded_amount: Money
    payment_status: PaymentStatus
    paid_amount: Money
    due_amount: Money
    refund_due_amount: Money
    currency: str
    tickets: list[TicketView]
    booked_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class MadeBookingView(BookingView):
    """A new booking. `manage_url`: of one without an account, the link to see and cancel it, which the confirmation has, too."""

    manage_url: str | None = None


def event_view(event: Event) -> EventView:
    """The Event as it is now."""
    details, pool_of = event.details, {number: pool.number for pool in event.pools for number in pool.categories}
    own = [(Seats(seats.capacity, seats.available), pool_of.get(seats.number)) for seats in event.categories.values()]
    pools = [_pool_view(event, pool) for pool in event.pools]
    limits = {pool.number: Seats(view.capacity, view.available) for pool, view in zip(event.pools, pools, strict=True)}
    shared = share(own, limits)
    live = [LiveCodes.of(batch) for batch in event.batches if not event.is_withdrawn(batch)]
    categories = [
        CategoryView(
            id=category_id(event.id, category.number), name=category.name, price=to_text(category.price, event.currency),
            capacity=category.capacity, taken=category.taken, held=category.held, available=available,
            **codes_of(category.number, live),
        )
        for category, available in zip(event.categories.values(), shared.available, strict=True)
    ]  # fmt: skip
    return EventView(
        id=event.id, number=event.number, name=details.name, description=details.description, venue=details.venue,
        starts_at=details.starts_at, ends_at=details.ends_at, timezone=details.timezone,
        sales_open_at=details.sales_open_at, sales_close_at=details.sales_close_at, past_at=details.past_at,
        show_at=details.show_at, currency=event.currency, status=event.status,  # type: ignore[arg-type]
        organizer_id=event.organizer_id, categories=categories, pools=pools, has_codes=bool(live), capacity=shared.total.capacity,
        available=shared.total.available, max_tickets_per_customer=details.max_tickets_per_customer,
        guest_checkout=details.guest_checkout, hold_minutes=details.hold_minutes, payment=payment_terms(details.payment_methods),
        details_version=event.details_version, created_at=event.created_at,
    )  # fmt: skip


def payment_terms(methods: Sequence[PaymentMethod]) -> PaymentTerms:
    return PaymentTerms(policy="online" if methods else "elsewhere", methods=list(methods))


def codes_of(category: int, live: Iterable[LiveCodes]) -> dict[str, Any]:
    """The fields of a category's view that say whether it needs a code."""
    is_needed, until = code_needed(category, live)
    return {"needs_code": is_needed, "needs_code_until": until}


def _pool_view(event: Event, pool: Pool) -> PoolView:
    taken, held = event.seats_of(pool)
    return PoolView(
        id=pool_id(event.id, pool.number), name=pool.name, capacity=pool.capacity, taken=taken, held=held,
        available=pool.capacity - taken - held, categories=[category_id(event.id, number) for number in pool.categories],
    )  # fmt: skip


def ticket_id(booking_id: UUID, ticket: int) -> UUID:
    """The public id of the ticket with this number in its booking."""
    return derived_id(booking_id, b"ticket %d" % ticket)


def ticket_views(booked: e.RecordedEntry, codes: TicketCodes) -> Generator[None, None, list[TicketView]]:
    """The tickets of a booking right after its `SeatsBooked`. Yields after each TICKETS_AT_ONCE (see `Portions`)."""
    entry = booked.entry
    assert isinstance(entry, e.SeatsBooked)
    tickets: list[TicketView] = []
    for line in entry.lines:
        for _ in range(line.quantity):
            number = len(tickets)
            code = codes.code(booked.stream, entry.booking_id, TicketLocation(booked.version, number), entry.ticket_key)
            tickets.append(TicketView(id=ticket_id(entry.booking_id, number), code=code, category=line.name, status="active"))
            if len(tickets) % TICKETS_AT_ONCE == 0:
                yield
    return tickets


def _sold_view(
    recorded: e.RecordedEntry, event_name: str, currency: str, codes: TicketCodes, tickets: list[TicketView] | None
) -> BookingView:
    """A booking right after its `SeatsBooked`. `tickets`: if they were made already."""
    entry = recorded.entry
    assert isinstance(entry, e.SeatsBooked)
    if tickets is None:
        tickets = at_once(ticket_views(recorded, codes))
    amounts = entry.line_amounts
    lines, total = line_views(entry.lines, amounts, currency), sum(amounts)
    money = BookingAmounts(total, to_pay=total if entry.is_payable else None)
    return BookingView(
        id=entry.booking_id, number=recorded.position, event_id=recorded.stream, event_name=event_name,
        customer_id=entry.customer_id, status="confirmed", lines=lines, currency=currency, tickets=tickets, booked_at=entry.at,
        updated_at=entry.at, **money.fields(currency),
    )  # fmt: skip


class PricedLine(Protocol):
    """Seats of one category at one price, in minor units: of an entry, or of a read table."""

    @property
    def name(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> int: ...


def line_views(lines: Iterable[PricedLine], amounts: Iterable[int], currency: str) -> list[LineView]:
    return [
        LineView(
            category=line.name, quantity=line.quantity, unit_price=to_text(line.unit_price, currency),
            amount=to_text(amount, currency),
        )
        for line, amount in zip(lines, amounts, strict=True)
    ]  # fmt: skip


def booking_view(
    entries: Sequence[e.RecordedEntry],
    event_name: str,
    currency: str,
    codes: TicketCodes,
    tickets: list[TicketView] | None = None,
) -> BookingView:
    """A booking as the entries about it made it: its `SeatsBooked` first, then the others in order. `tickets`: what `ticket_views`
    has made of the first, if it was called already; they are changed."""
    view, booked = _sold_view(entries[0], event_name, currency, codes, tickets), entries[0].entry
    if len(entries) > 1:
        assert isinstance(booked, e.SeatsBooked)
        apply_changes(view, entries[1:], BookingAmounts.of(booked))
    return view


def apply_changes(view: BookingView, entries: Iterable[e.RecordedEntry], amounts: BookingAmounts) -> None:
    """Applies later entries about a booking, or the cancellation of its event, to its view. `amounts`: those before them, which are
    changed."""
    for recorded in entries:
        entry = recorded.entry
        view.updated_at = entry.at
        amounts.apply(entry)
        if isinstance(entry, e.TicketUsed):
            view.tickets[entry.ticket].status = "used"
        elif isinstance(entry, e.BookingCancelled):
            for ticket in entry.tickets:
                view.tickets[ticket].status = "cancelled"
            if entry.whole:
                view.status = "cancelled"
        elif isinstance(entry, e.EventCancelled):
            view.status = "cancelled"
            for shown in view.tickets:
                shown.status = "cancelled"
    for name, value in amounts.fields(view.currency).items():
        setattr(view, name, value)
