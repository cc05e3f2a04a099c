"""The rules of holds, once seats are held: more time, giving back, booking, lapsing. Pure.

A hold stands in nobody's way once it is due. Its seats are given to others by an entry (`HoldsLapsed`): a worker's, or one of the
command that needs them. Until then it can still be confirmed.
"""

from collections import Counter
from datetime import datetime
from itertools import islice
from uuid import UUID

from ledger import entries as e
from ledger import errors
from ledger.code_rules import check_access, check_code, discounted
from ledger.commands import ConfirmHold, ExtendHold, HoldCommand, LapseHolds, ReleaseHold, StartPayment
from ledger.event import Event
from ledger.hold_errors import EntryNeeded, ExtensionLimit, HoldClosed, HoldGone, HoldNotFound, HoldTakenOver, NothingDue
from ledger.holds import Hold
from ledger.lapses import Lapses
from ledger.money import to_text
from ledger.paying import check_payable_later, is_payable
from ledger.rules import Stamp, check_active, check_not_past, check_on_sale, is_box_office
from ledger.selling import check_guests, check_limit, check_total, hold_end, make_room, seats_of, total_of

MAX_HOLD_MINUTES = 120
#: A hold lasts at most this many times longer than `hold_minutes`.
MAX_EXTENSIONS = 3
#: Holds that one entry lets lapse.
MAX_LAPSES = 1_000


def extend_hold(event: Event, c: ExtendHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    hold, is_open = find_hold(event, c, now)
    if not is_open:
        raise HoldClosed("lapsed")
    if not is_box_office(event, c.actor):
        check_not_past(event, now)
        check_on_sale(event, now)
    if hold.extensions >= MAX_EXTENSIONS:
        raise ExtensionLimit(MAX_EXTENSIONS)
    return [e.HoldExtended(**stamp, hold_id=c.hold_id, expires_at=max(hold.expires_at, hold_end(event, now)))]


def release_hold(event: Event, c: ReleaseHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    _, is_open = find_hold(event, c, now)
    if not is_open:
        raise HoldClosed("lapsed")
    return [e.HoldReleased(**stamp, hold_id=c.hold_id)]


def confirm_hold(event: Event, c: ConfirmHold, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """In time it always succeeds, at the price at which the seats were held, but for the limit of a customer who had not said who
    they are. Later it is as an order that is made now, at the price of now: if that is another one, it has to be the expected."""
    hold, is_open = find_hold(event, c, now)
    lines, amounts = held_lines(event, hold, event.commands[c.hold_id.bytes])
    total = held_total = total_of(lines, amounts)
    if not is_open:
        lines, amounts = held_lines(event, hold, event.version)
        total = total_of(lines, amounts)
    if c.expected_total is not None:
        check_total(c.expected_total, total, event.currency)
    elif total != held_total:
        raise errors.PriceChanged(to_text(total, event.currency), event.currency)
    check_payable_later(event, c.actor, total)
    if c.guest is not None and (not c.is_named or not is_open):
        check_guests(event.details.guest_checkout, c.guest)
    customer, lapses = customer_of(hold, c), Lapses(event, now, kept=c.hold_id.bytes)
    if not is_open:
        check_late(event, c.hold_id, hold, now, lapses, at_box_office=is_box_office(event, c.actor))
    if not is_open or (customer is not None and customer.bytes != hold.customer):
        check_limit_of_hold(event, c.hold_id, hold, customer, c.same_person, lapses)
    booked = e.SeatsBooked(
        **stamp, customer_id=customer, lines=lines, details_version=event.details_set[-1], ticket_key=c.ticket_key, code=hold.use,
        amounts=amounts, hold_id=c.hold_id, is_payable=is_payable(event, total),
    )  # fmt: skip
    return [*lapses.entries(stamp), booked]


def customer_of(hold: Hold, c: ConfirmHold | StartPayment) -> UUID | None:
    """Whose the booking of the held seats will be."""
    return c.customer_id or (UUID(bytes=hold.customer) if hold.customer else None)


def check_late(event: Event, hold_id: UUID, hold: Hold, now: datetime, lapses: Lapses, *, at_box_office: bool) -> None:
    """Whether seats whose time is over can be booked as by an order that is made now, but for the limit of its customer. Raises
    the error of the rule that forbids it."""
    has_seats = hold_id.bytes in event.holds  # it was due, but nobody has needed its seats
    code = hold.use
    check_not_past(event, now)
    if not at_box_office:
        check_on_sale(event, now)
        check_access(event, set(hold.seats), code, now)
    if code is not None:
        counted = event.batches[code.batch - 1].tickets(hold.seats) if has_seats else 0
        check_code(event, code, hold.seats, now, lapses, counted)
    if not has_seats:
        make_room(event, Counter(hold.seats), lapses, HoldGone)


def check_limit_of_hold(
    event: Event, hold_id: UUID, hold: Hold, customer: UUID | None, same_person: frozenset[UUID], lapses: Lapses
) -> None:
    """Whether this customer, who is known by the other ids, too, may have the held seats. Raises CustomerLimit."""
    own_ids = {customer, *same_person} if customer is not None else set[UUID]()
    is_counted = hold_id.bytes in event.holds and any(id_.bytes == hold.customer for id_ in own_ids)
    check_limit(event, own_ids, len(hold.seats), lapses, counted=len(hold.seats) if is_counted else 0)


def lapse_holds(event: Event, _: LapseHolds, now: datetime, stamp: Stamp) -> list[e.Entry]:
    """Raises NothingDue."""
    due = dict(islice(event.hold_ends.all_due(now, event.holds), MAX_LAPSES))
    if not due:
        raise NothingDue
    return [e.HoldsLapsed(**stamp, hold_ids=tuple(UUID(bytes=id_) for id_ in due))]


def find_hold(event: Event, c: HoldCommand, now: datetime) -> tuple[Hold, bool]:
    """The hold, and whether its time is not over. Raises HoldTakenOver for who held the seats before another began to pay;
    EntryNeeded if the Event does not know it any more; HoldClosed if it was confirmed or released; HoldNotFound."""
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
        raise EntryNeeded(event.commands[key])
    else:
        hold = ended_hold(c.held)
        owner = hold.customer
    if not is_box_office(event, c.actor) and not c.actor.is_person(owner):
        if hold is not None and c.actor.is_person(hold.holder):
            raise HoldTakenOver(UUID(bytes=owner) if owner else None)
        raise HoldNotFound
    if hold is None:
        assert outcome is not None
        raise HoldClosed(outcome)
    return hold, key in event.holds and not hold.is_due(now)


def ended_hold(held: e.SeatsHeld) -> Hold:
    """A hold that the Event does not know any more, from its entry."""
    code = held.code.key if held.code else b""
    return Hold(held.customer_id.bytes if held.customer_id else b"", seats_of(held.lines), held.expires_at, code=code)


def held_lines(event: Event, hold: Hold, version: int) -> tuple[tuple[e.Line, ...], tuple[int, ...]]:
    """The lines of held seats, and the amounts of the tickets, at the prices of that version."""
    lines = []
    for number, quantity in Counter(hold.seats).items():
        category = event.categories[number]
        lines.append(e.Line(number, category.name, quantity, category.price_at(version)))
    return tuple(lines), () if hold.use is None else discounted(event, lines, hold.use)
