"""The rules of selling: booking seats in one step, or holding them first. Pure.

A hold stands in nobody's way once it is due. Its seats are given to others by an entry (`HoldsLapsed`): a worker's, or one of the
command that needs them. Until then it can still be confirmed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.code_batches import CodeUse
from ledger.code_rules import check_access, check_code, discounted, find_code
from ledger.commands import (
    BookSeats,
    ConfirmHold,
    ExtendHold,
    HoldCommand,
    HoldSeats,
    LapseHolds,
    OrderSeats,
    ReleaseHold,
    WantedSeats,
)
from ledger.details import GuestCheckout
from ledger.event import Event
from ledger.hold_errors import ExtensionLimit, HoldClosed, HoldEntryNeeded, HoldGone, HoldNotFound, NothingDue
from ledger.holds import Hold
from ledger.lapses import Lapses
from ledger.money import to_minor, to_text
from ledger.paying import is_payable
from ledger.rules import Stamp, check_active, check_not_past, check_on_sale, is_box_office, malformed

MAX_TICKETS_PER_BOOKING = 1_000
MAX_HOLD_MINUTES = 120
#: A hold lasts at most this many times longer than `hold_minutes`.
MAX_EXTENSIONS = 3
#: Holds that one entry lets lapse.
MAX_LAPSES = 1_000


def book_seats(event: Event, c: BookSeats, now: datetime, stamp: Stamp) -> list[e.Entry]:
    customer, lines, code, amounts, lapses = _order(event, c, now)
    total = _total(lines, amounts)
    booked = e.SeatsBooked(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key, code=code,
        amounts=amounts, is_payable=is_payable(event, total),
    )  # fmt: skip
    return [*lapses.entries(stamp), booked]


def hold_seats(event: Event, c: HoldSeats, now: datetime, stamp: Stamp) -> list[e.Entry]:
    customer, lines, code, amounts, lapses = _order(event, c, now)
    held = e.SeatsHeld(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], expires_at=_end(event, now), code=code,
        amounts=amounts,
    )  # fmt: skip
    return [*lapses.entries(stamp), held]


def extend_hold(event: Event, c: ExtendHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    hold, is_open = _find_hold(event, c, now)
    if not is_open:
        raise HoldClosed("lapsed")
    if not is_box_office(event, c.actor):
        check_not_past(event, now)
        check_on_sale(event, now)
    if hold.extensions >= MAX_EXTENSIONS:
        raise ExtensionLimit(MAX_EXTENSIONS)
    return [e.HoldExtended(**stamp, hold_id=c.hold_id, expires_at=max(hold.expires_at, _end(event, now)))]


def release_hold(event: Event, c: ReleaseHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    _, is_open = _find_hold(event, c, now)
    if not is_open:
        raise HoldClosed("lapsed")
    return [e.HoldReleased(**stamp, hold_id=c.hold_id)]


def confirm_hold(event: Event, c: ConfirmHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """In time it always succeeds, at the price at which the seats were held, but for the limit of a customer who had not said who
    they are. Later it is as an order that is made now, at the price of now: if that is another one, it has to be the expected."""
    hold, is_open = _find_hold(event, c, now)
    held_at, code = event.commands[c.hold_id.bytes], hold.use
    lines, amounts = _held_lines(event, hold, held_at)
    total = held_total = _total(lines, amounts)
    if not is_open:
        lines, amounts = _held_lines(event, hold, event.version)
        total = _total(lines, amounts)
    if c.expected_total is not None:
        _check_total(c.expected_total, total, event.currency)
    elif total != held_total:
        raise errors.PriceChanged(to_text(total, event.currency), event.currency)
    customer = c.customer_id or (UUID(bytes=hold.customer) if hold.customer else None)
    is_for_another = customer is not None and customer.bytes != hold.customer
    if c.guest is not None and (not c.is_named or not is_open):
        _check_guests(event.details.guest_checkout, c.guest)
    lapses = Lapses(event, now, kept=c.hold_id.bytes)
    own_ids = {customer, *c.same_person} if customer is not None else set[UUID]()
    has_seats = c.hold_id.bytes in event.holds
    is_counted = has_seats and any(id_.bytes == hold.customer for id_ in own_ids)
    if not is_open:
        check_not_past(event, now)
        if not is_box_office(event, c.actor):
            check_on_sale(event, now)
            check_access(event, set(hold.seats), code, now)
        if code is not None:
            counted = event.batches[code.batch - 1].tickets(hold.seats) if has_seats else 0
            check_code(event, code, hold.seats, now, lapses, counted)
        if not has_seats:  # if it has: it was due, but nobody has needed its seats
            _make_room(event, Counter(hold.seats), lapses, HoldGone)
    if not is_open or is_for_another:
        _check_limit(event, own_ids, len(hold.seats), lapses, counted=len(hold.seats) if is_counted else 0)
    booked = e.SeatsBooked(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key, code=code,
        amounts=amounts, hold_id=c.hold_id, is_payable=is_payable(event, total),
    )  # fmt: skip
    return [*lapses.entries(stamp), booked]


def lapse_holds(event: Event, _: LapseHolds, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Raises NothingDue."""
    due = dict(islice(event.hold_ends.all_due(now, event.holds), MAX_LAPSES))
    if not due:
        raise NothingDue
    return [e.HoldsLapsed(**stamp, hold_ids=tuple(UUID(bytes=id_) for id_ in due))]


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
            _check_guests(event.details.guest_checkout, c.guest)
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
        check_code(event, code, _seats(lines), now, lapses)
        amounts = discounted(event, lines, code)
    if c.expected_total is not None:
        _check_total(c.expected_total, _total(lines, amounts), event.currency)
    if customer is not None and event.details.max_tickets_per_customer is not None:
        _check_limit(event, {customer, *same_person}, quantity, lapses)
    return _Order(customer, lines, code, amounts, lapses)


def _end(event: Event, now: datetime) -> datetime:
    """When a hold ends that begins now."""
    return now + timedelta(minutes=event.details.hold_minutes)


def _find_hold(event: Event, c: HoldCommand, now: datetime) -> tuple[Hold, bool]:
    """The hold, and whether its time is not over. Raises HoldEntryNeeded if the Event does not know it any more; HoldClosed if it
    was confirmed or released; HoldNotFound."""
    check_active(event)
    key = c.hold_id.bytes
    if key not in event.commands:
        raise HoldNotFound
    hold: Hold | None = event.holds.get(key)
    outcome = None
    if hold is not None:
        owner = hold.customer
    elif (booking := event.bookings.get(key)) is not None:
        owner, outcome = booking[0], "confirmed"
    elif (released := event.released.get(key)) is not None:
        owner, outcome = released, "released"
    elif c.held is None:
        raise HoldEntryNeeded(event.commands[key])
    else:
        owner = c.held.customer_id.bytes if c.held.customer_id else b""
        code = c.held.code.key if c.held.code else b""
        hold = Hold(owner, _seats(c.held.lines), c.held.expires_at, code=code)
    if not is_box_office(event, c.actor) and not c.actor.is_person(owner):
        raise HoldNotFound
    if hold is None:
        assert outcome is not None
        raise HoldClosed(outcome)
    return hold, key in event.holds and not hold.is_due(now)


def _held_lines(event: Event, hold: Hold, version: int) -> tuple[tuple[e.Line, ...], tuple[int, ...]]:
    """The lines of held seats, and the amounts of the tickets, at the prices of that version."""
    lines = []
    for number, quantity in Counter(hold.seats).items():
        category = event.categories[number]
        lines.append(e.Line(number, category.name, quantity, category.price_at(version)))
    return tuple(lines), () if hold.use is None else discounted(event, lines, hold.use)


def _check_limit(event: Event, customers: set[UUID], quantity: int, lapses: Lapses, counted: int = 0) -> None:
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


def _check_guests(checkout: GuestCheckout, guest: str) -> None:
    if checkout == "off":
        raise errors.GuestCheckoutOff
    if checkout == "proven" and guest == "unproven":
        raise errors.EmailUnverified


def _check_total(expected: str, total: int, currency: str) -> None:
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
    _make_room(event, quantities, lapses, errors.SoldOut)
    for number, quantity in quantities.items():
        seats = event.categories[number]
        yield e.Line(number, seats.name, quantity, seats.price)


def _make_room(event: Event, quantities: Mapping[int, int], lapses: Lapses, refusal: type[errors.SoldOut] | type[HoldGone]) -> None:
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


def _seats(lines: tuple[e.Line, ...]) -> bytes:
    """The number of the category of each seat."""
    return b"".join(bytes((line.category,)) * line.quantity for line in lines)


def _total(lines: tuple[e.Line, ...], amounts: tuple[int, ...]) -> int:
    return sum(amounts) if amounts else sum(line.quantity * line.unit_price for line in lines)
