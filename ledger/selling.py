"""The rules of orders: booking seats in one step, or holding them first. Pure. What becomes of held seats: `hold_rules.py`."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.code_batches import CodeUse
from ledger.code_rules import check_access, check_code, discounted, find_code
from ledger.commands import BookSeats, HoldSeats, OrderSeats, WantedSeats
from ledger.details import GuestCheckout
from ledger.event import Event
from ledger.hold_errors import HoldGone
from ledger.lapses import Lapses
from ledger.money import to_minor, to_text
from ledger.paying import check_payable_later, is_payable
from ledger.rules import Stamp, check_active, check_not_past, check_on_sale, is_box_office, malformed

MAX_TICKETS_PER_BOOKING = 1_000


def book_seats(event: Event, c: BookSeats, now: datetime, stamp: Stamp) -> list[e.Entry]:
    customer, lines, code, amounts, lapses = _order(event, c, now)
    total = total_of(lines, amounts)
    check_payable_later(event, c.actor, total)
    booked = e.SeatsBooked(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key, code=code,
        amounts=amounts, is_payable=is_payable(event, total),
    )  # fmt: skip
    return [*lapses.entries(stamp), booked]


def hold_seats(event: Event, c: HoldSeats, now: datetime, stamp: Stamp) -> list[e.Entry]:
    customer, lines, code, amounts, lapses = _order(event, c, now)
    held = e.SeatsHeld(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], expires_at=hold_end(event, now),
        code=code, amounts=amounts,
    )  # fmt: skip
    return [*lapses.entries(stamp), held]


class _Order(NamedTuple):
    """Who gets which seats, for how much, and what has to lapse for it. `customer`: None for a walk-in."""

    customer: UUID | None
    lines: tuple[e.Line, ...]
    code: CodeUse | None
    amounts: tuple[int, ...]
    lapses: Lapses


def _order(event: Event, c: OrderSeats, now: datetime) -> _Order:
    check_active(event)
    check_not_past(event, now)
    at_box_office = is_box_office(event, c.actor)
    if at_box_office:
        customer, same_person = c.customer_id, c.same_person
    elif c.customer_id is not None:
        raise errors.NotYourEvent
    else:
        customer, same_person = c.actor.id, c.actor.claimed
        if c.guest is not None:
            check_guests(event.details.guest_checkout, c.guest)
        check_on_sale(event, now)
    lapses = Lapses(event, now)
    lines = tuple(_lines(event, c.tickets, lapses))
    quantity = sum(line.quantity for line in lines)
    if quantity > MAX_TICKETS_PER_BOOKING:
        raise errors.BookingTooLarge(MAX_TICKETS_PER_BOOKING)
    code = None if c.code is None else find_code(event, c.code)
    if event.batches and not at_box_office:
        check_access(event, (line.category for line in lines), code, now)
    amounts: tuple[int, ...] = ()
    if code is not None:
        check_code(event, code, seats_of(lines), now, lapses)
        amounts = discounted(event, lines, code)
    if c.expected_total is not None:
        check_total(c.expected_total, total_of(lines, amounts), event.currency)
    if customer is not None and event.details.max_tickets_per_customer is not None:
        check_limit(event, {customer, *same_person}, quantity, lapses)
    return _Order(customer, lines, code, amounts, lapses)


def hold_end(event: Event, now: datetime) -> datetime:
    """When a hold ends that begins now."""
    return now + timedelta(minutes=event.details.hold_minutes)


def check_limit(event: Event, customers: set[UUID], quantity: int, lapses: Lapses, counted: int = 0) -> None:
    """Whether these ids of one person may hold this many tickets more. `counted`: those of them that count for the ids already."""
    limit = event.details.max_tickets_per_customer
    if limit is None or not customers:
        return
    keys = {id_.bytes for id_ in customers}
    held = sum(event.customers.get(key, 0) for key in keys) - counted
    if held + quantity > limit:
        held -= lapses.free_tickets(keys, held + quantity - limit)
        if held + quantity > limit:
            raise errors.CustomerLimit(limit, held)


def check_guests(checkout: GuestCheckout, guest: str) -> None:
    if checkout == "off":
        raise errors.GuestCheckoutOff
    if checkout == "proven" and guest == "unproven":
        raise errors.EmailUnverified


def check_total(expected: str, total: int, currency: str) -> None:
    try:
        is_right = to_minor(Decimal(expected), currency) == total
    except ValueError:  # more decimals than the currency has
        is_right = False
    if not is_right:
        raise errors.PriceChanged(to_text(total, currency), currency)


def _lines(event: Event, tickets: tuple[WantedSeats, ...], lapses: Lapses) -> Iterator[e.Line]:
    """One line per category, even if the request names it several times, by name or id: else each line could fit alone, but not
    all of them."""
    quantities: dict[int, int] = {}
    for wanted in tickets:
        seats = event.find_category(wanted.category)
        if seats is None:
            raise malformed("tickets.category", "no such category", "This event has no such category.")
        if wanted.quantity < 1:
            raise malformed("tickets.quantity", "must be 1 or more")
        quantities[seats.number] = quantities.get(seats.number, 0) + wanted.quantity
    make_room(event, quantities, lapses, errors.SoldOut)
    for number, quantity in quantities.items():
        seats = event.categories[number]
        yield e.Line(number, seats.name, quantity, seats.price)


def make_room(event: Event, quantities: Mapping[int, int], lapses: Lapses, refusal: type[errors.SoldOut] | type[HoldGone]) -> None:
    """Raises the refusal if there are not so many seats of a category, or of its pool, even without the due holds."""
    pooled: dict[int, int] = {}
    for number, quantity in quantities.items():
        seats = event.categories[number]
        if quantity <= seats.available and not event.pools:
            continue
        left = lapses.left((number,), quantity, seats.available, seats.held)
        if (pool := event.pool_of(number)) is not None:
            taken, held = event.seats_of(pool)
            before = pooled.get(pool.number, 0)
            free = pool.capacity - taken - held - before
            left = min(left, lapses.left(pool.categories, quantity, free, held))
            pooled[pool.number] = before + quantity
        if quantity > left.seats:
            raise refusal(seats.name, *left)


def seats_of(lines: tuple[e.Line, ...]) -> bytes:
    """The number of the category of each seat."""
    return b"".join(bytes((line.category,)) * line.quantity for line in lines)


def total_of(lines: tuple[e.Line, ...], amounts: tuple[int, ...]) -> int:
    return sum(amounts) if amounts else sum(line.quantity * line.unit_price for line in lines)
