"""The rules of selling: booking seats. Pure."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from ledger import entries as e
from ledger import errors
from ledger.commands import BookSeats, WantedSeats
from ledger.event import Event
from ledger.money import to_minor, to_text
from ledger.rules import Stamp, check_active, check_not_past, check_on_sale, is_box_office, malformed

MAX_TICKETS_PER_BOOKING = 1_000


def book(event: Event, c: BookSeats, now: datetime, stamp: Stamp) -> list[e.Entry]:
    check_active(event)
    check_not_past(event, now)
    if is_box_office(event, c.actor):
        customer, same_person = c.customer_id, c.same_person
    elif c.customer_id is not None:
        raise errors.NotYourEvent
    else:
        customer, same_person = c.actor.id, c.actor.claimed
        if c.guest is not None:
            _check_guests(event.details.guest_checkout, c.guest)
        check_on_sale(event, now)
    lines = tuple(_lines(event, c.tickets))
    quantity = sum(line.quantity for line in lines)
    if quantity > MAX_TICKETS_PER_BOOKING:
        raise errors.BookingTooLarge(MAX_TICKETS_PER_BOOKING)
    if c.expected_total is not None:
        _check_total(c.expected_total, sum(line.quantity * line.unit_price for line in lines), event.currency)
    limit = event.details.max_tickets_per_customer
    if customer is not None and limit is not None:
        held = sum(event.customers.get(id_.bytes, 0) for id_ in {customer, *same_person})
        if held + quantity > limit:
            raise errors.CustomerLimit(limit, held)
    return [
        e.SeatsBooked(**stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key)
    ]


def _check_guests(checkout: e.GuestCheckout, guest: str) -> None:
    if checkout == "off":
        raise errors.GuestCheckoutOff
    if checkout == "proven" and guest != "proven":
        raise errors.EmailUnverified


def _check_total(expected: str, total: int, currency: str) -> None:
    try:
        is_right = to_minor(Decimal(expected), currency) == total
    except ValueError:  # more decimals than the currency has
        is_right = False
    if not is_right:
        raise errors.PriceChanged(to_text(total, currency), currency)


def _lines(event: Event, tickets: tuple[WantedSeats, ...]) -> Iterator[e.Line]:
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
    for number, quantity in quantities.items():
        seats = event.categories[number]
        if quantity > seats.available:
            raise errors.SoldOut(seats.name, seats.available)
        yield e.Line(number, seats.name, quantity, seats.price)
