"""`evolve`: the only function that changes an Event. Pure: it does what an entry says, and knows no rule."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger import entries as e
from ledger.booking_money import BookingMoney
from ledger.details import Category
from ledger.event import CANCELLED, MAPS, USED, CategoryState, Event, prices_at
from ledger.holds import Hold, HoldEnds, StartedPayment


def evolve(event: Event | None, recorded: e.RecordedEntry) -> Event:
    """Applies an entry to the Event before it, which is changed and returned; None for the first entry of a stream. The same
    function is used for accepted commands and for replay."""
    entry = recorded.entry
    if isinstance(entry, e.EventScheduled):
        assert event is None, "a stream starts with EventScheduled, once"
        return _scheduled(recorded, entry)
    assert event is not None, "a stream starts with EventScheduled"
    assert recorded.version == event.version + 1, "entries come in order, none missing"
    event.version, event.at, event.mac = recorded.version, entry.at, recorded.mac
    _EVOLVE[type(entry)](event, entry)
    # A booking may have its command's id; holds lapse before a command's other entries, or by a worker's, which has no retry.
    if not (entry.hold_id is None if isinstance(entry, e.SeatsBooked) else isinstance(entry, e.HoldsLapsed)):
        event.commands[entry.command.bytes] = recorded.version
    return event


def _scheduled(recorded: e.RecordedEntry, entry: e.EventScheduled) -> Event:
    event = Event()
    event.id, event.version, event.mac, event.number = recorded.stream, 1, recorded.mac, recorded.position
    event.at = event.created_at = entry.at
    event.details, event.details_set, event.details_version = entry.details, (1,), 1
    event.currency, event.organizer_id, event.status = entry.currency, entry.organizer_id, "active"
    event.categories, event.last_category = {}, 0
    event.pools, event.last_pool, event.batches, event.withdrawn = (), 0, (), ()
    for name in MAPS:
        setattr(event, name, {})
    event.commands[entry.command.bytes] = 1
    event.hold_ends = HoldEnds()
    for category in entry.categories:
        _add_category(event, category)
    return event


def _add_category(event: Event, category: Category) -> None:
    prices = ((event.version, category.price),)
    event.categories[category.number] = CategoryState(category.number, category.name, prices, category.capacity, 0, 0)
    event.last_category = category.number


def _category_added(event: Event, entry: e.CategoryAdded) -> None:
    event.details_version = event.version
    _add_category(event, entry.category)


def _details_changed(event: Event, entry: e.EventDetailsChanged) -> None:
    event.details, event.details_version = entry.details, event.version
    event.details_set = (*event.details_set, event.version)


def _category_renamed(event: Event, entry: e.CategoryRenamed) -> None:
    event.details_version = event.version
    event.categories[entry.category] = replace(event.categories[entry.category], name=entry.name)


def _price_changed(event: Event, entry: e.PriceChanged) -> None:
    event.details_version = event.version
    seats = event.categories[entry.category]
    event.categories[entry.category] = replace(seats, prices=(*seats.prices, (event.version, entry.price)))


def _capacity_changed(event: Event, entry: e.CapacityChanged) -> None:
    event.details_version = event.version
    event.categories[entry.category] = replace(event.categories[entry.category], capacity=entry.capacity)


def _category_removed(event: Event, entry: e.CategoryRemoved) -> None:
    event.details_version = event.version
    del event.categories[entry.category]
    event.pools = tuple(
        replace(pool, categories=tuple(number for number in pool.categories if number != entry.category)) for pool in event.pools
    )


def _pools_set(event: Event, entry: e.PoolsSet) -> None:
    event.details_version = event.version
    event.pools, event.last_pool = entry.pools, max((event.last_pool, *(pool.number for pool in entry.pools)))
    assert all(sum(event.seats_of(pool)) <= pool.capacity for pool in event.pools), "never above the capacity of a pool"


def _codes_made(event: Event, entry: e.CodesMade) -> None:
    assert entry.batch.number == len(event.batches) + 1, "batches are numbered in order"
    event.batches = (*event.batches, entry.batch)


def _codes_withdrawn(event: Event, entry: e.CodesWithdrawn) -> None:
    event.withdrawn = (*event.withdrawn, entry.batch)


def _seats_held(event: Event, entry: e.SeatsHeld) -> None:
    seats = b""
    for line in entry.lines:
        _take(event, line.category, held=line.quantity, sold=line.quantity)
        seats += bytes((line.category,)) * line.quantity
    customer = entry.customer_id.bytes if entry.customer_id else b""
    _count(event, customer, len(seats))
    code = b""
    if entry.code is not None:
        code = entry.code.key
        _use(event, code, seats)
    _open(event, entry.command, Hold(customer, seats, entry.expires_at, code=code))


def _hold_extended(event: Event, entry: e.HoldExtended) -> None:
    hold: Hold = event.holds[entry.hold_id.bytes]
    _open(event, entry.hold_id, replace(hold, expires_at=entry.expires_at, extensions=hold.extensions + 1))


def _payment_started(event: Event, entry: e.PaymentStarted) -> None:
    hold: Hold = event.holds[entry.hold_id.bytes]
    customer = entry.customer_id.bytes if entry.customer_id else b""
    if customer != hold.customer:
        _count(event, hold.customer, -len(hold.seats))
        _count(event, customer, len(hold.seats))
        hold = replace(hold, customer=customer, holder=hold.holder or hold.customer)
    payments = (*hold.payments, StartedPayment(entry.command.bytes, entry.method, entry.amount, entry.payable_until))
    _open(event, entry.hold_id, replace(hold, expires_at=entry.expires_at, payments=payments))


def _open(event: Event, id_: UUID, hold: Hold) -> None:
    event.holds[id_.bytes] = hold
    event.hold_ends.add(id_.bytes, hold)


def _hold_released(event: Event, entry: e.HoldReleased) -> None:
    event.released[entry.hold_id.bytes] = event.holds[entry.hold_id.bytes].customer
    _give_back(event, entry.hold_id)


def _holds_lapsed(event: Event, entry: e.HoldsLapsed) -> None:
    for id_ in entry.hold_ids:
        _give_back(event, id_)


def _give_back(event: Event, hold_id: UUID) -> None:
    hold = _end_hold(event, hold_id)
    _count(event, hold.customer, -len(hold.seats))


def _count(event: Event, customer: bytes, tickets: int) -> None:
    """Changes the number of tickets and held seats of a customer; of b"", nobody's, none."""
    if customer:
        left = event.customers.get(customer, 0) + tickets
        if left:
            event.customers[customer] = left
        else:
            del event.customers[customer]


def _end_hold(event: Event, hold_id: UUID) -> Hold:
    hold: Hold = event.holds[hold_id.bytes]
    del event.holds[hold_id.bytes]
    for category in set(hold.seats):
        _take(event, category, held=-hold.seats.count(category))
    if hold.code:
        _use(event, hold.code, hold.seats, -1)
    return hold


def _end_all_holds(event: Event) -> None:
    event.holds = {}
    for seats in list(event.categories.values()):
        _take(event, seats.number, held=-seats.held)


def _seats_booked(event: Event, entry: e.SeatsBooked) -> None:
    """The hold that it confirms may have lapsed: then its seats are taken like any others."""
    hold_id, customer = entry.hold_id, entry.customer_id.bytes if entry.customer_id else b""
    key, is_counted = (hold_id or entry.command).bytes, False
    if hold_id is not None and key in event.holds:
        is_counted = event.holds[key].customer == customer
        (_end_hold if is_counted else _give_back)(event, hold_id)
    tickets = b""
    for category, _, quantity, _ in map(msgspec.structs.astuple, entry.lines):
        _take(event, category, quantity, 0, 0 if hold_id else quantity)
        tickets += bytes((category,)) * quantity
    event.bookings[key] = (customer, tickets, event.version)
    if entry.is_payable:
        event.money[key] = BookingMoney()
    if entry.code is not None:
        event.booking_codes[key] = entry.code.key
        _use(event, entry.code.key, tickets)
    if customer and not is_counted:
        event.customers[customer] = event.customers.get(customer, 0) + len(tickets)
    if hold_id or entry.amounts:
        amounts = entry.ticket_amounts
        if amounts != prices_at(event, tickets, event.version):
            event.amounts[key] = amounts


def _booking_cancelled(event: Event, entry: e.BookingCancelled) -> None:
    for line in entry.lines:
        _take(event, line.category, -line.quantity)
    customer, seats, _ = event.bookings[entry.booking_id.bytes]
    if entry.code is not None:
        _use(event, entry.code.key, bytes(seats[ticket] for ticket in entry.tickets), -1)
    if customer:
        event.customers[customer] = event.customers[customer] - len(entry.tickets)
    _touch(event, entry.booking_id, entry.tickets, CANCELLED)


def _ticket_used(event: Event, entry: e.TicketUsed) -> None:
    _touch(event, entry.booking_id, (entry.ticket,), USED)


def _payment_received(event: Event, entry: e.PaymentReceived) -> None:
    _account(event, entry.booking_id, _money(event, entry.booking_id).received(entry))


def _refund_owed(event: Event, entry: e.RefundOwed) -> None:
    _account(event, entry.booking_id, _money(event, entry.booking_id).owing(entry))


def _refund_paid(event: Event, entry: e.RefundPaid) -> None:
    _account(event, entry.booking_id, _money(event, entry.booking_id).paid_back(entry))


def _refund_failed(event: Event, entry: e.RefundFailed) -> None:
    _account(event, entry.booking_id, _money(event, entry.booking_id).failed(entry))


def _money(event: Event, booking_id: UUID) -> BookingMoney:
    """Of a booking that was to be paid elsewhere, nothing is to be paid here, whatever is received."""
    money: BookingMoney | None = event.money.get(booking_id.bytes)
    if money is None:
        money = BookingMoney(waived=event.price_of(booking_id) if booking_id.bytes in event.bookings else 0)
    return money


def _account(event: Event, booking_id: UUID, money: BookingMoney) -> None:
    event.money[booking_id.bytes] = money
    if booking_id.bytes in event.bookings:
        _touch(event, booking_id)


def _event_cancelled(event: Event, entry: e.EventCancelled) -> None:
    event.status, event.details_version = "cancelled", event.version
    _end_all_holds(event)
    for seats in list(event.categories.values()):
        _take(event, seats.number, -seats.taken)


def _event_completed(event: Event, entry: e.EventCompleted) -> None:
    event.status, event.details_version = "completed", event.version
    _end_all_holds(event)


def _use(event: Event, code: bytes, seats: bytes, sign: int = 1) -> None:
    """Counts the tickets for these seats that were ordered with the code; with -1, that are given back."""
    batch = event.batches[code[0] - 1]
    uses = event.code_uses.get(code, 0) + sign * batch.tickets(seats)
    assert 0 <= uses <= batch.max_tickets, "never used more often than it is good for"
    if uses:
        event.code_uses[code] = uses
    elif code in event.code_uses:
        del event.code_uses[code]


def _take(event: Event, category: int, quantity: int = 0, held: int = 0, sold: int = 0) -> None:
    """Changes the numbers of seats taken, held, and ever sold or held."""
    old = event.categories[category]
    now_taken, now_held = old.taken + quantity, old.held + held
    assert 0 <= now_taken <= now_taken + now_held <= old.capacity, "never below 0, never above capacity"
    event.categories[category] = CategoryState(category, old.name, old.prices, old.capacity, now_taken, old.sold + sold, now_held)
    if event.pools and quantity + held > 0 and (pool := event.pool_of(category)) is not None:
        assert sum(event.seats_of(pool)) <= pool.capacity, "never above the capacity of a pool"


def _touch(event: Event, booking_id: UUID, tickets: tuple[int, ...] = (), state: int = CANCELLED) -> None:
    """There is one more entry about the booking, which brings these tickets into this state."""
    states = bytearray(event.ticket_states(booking_id))
    for ticket in tickets:
        states[ticket] = state
    later = event.versions_about(booking_id)[1:]
    event.touched[booking_id.bytes] = (bytes(states), (*later, event.version))


_EVOLVE: dict[type[e.Entry], Callable[[Event, Any], None]] = {
    e.EventDetailsChanged: _details_changed,
    e.CategoryAdded: _category_added,
    e.CategoryRenamed: _category_renamed,
    e.PriceChanged: _price_changed,
    e.CapacityChanged: _capacity_changed,
    e.CategoryRemoved: _category_removed,
    e.PoolsSet: _pools_set,
    e.CodesMade: _codes_made,
    e.CodesWithdrawn: _codes_withdrawn,
    e.SeatsHeld: _seats_held,
    e.HoldExtended: _hold_extended,
    e.PaymentStarted: _payment_started,
    e.HoldReleased: _hold_released,
    e.HoldsLapsed: _holds_lapsed,
    e.SeatsBooked: _seats_booked,
    e.BookingCancelled: _booking_cancelled,
    e.TicketUsed: _ticket_used,
    e.PaymentReceived: _payment_received,
    e.RefundOwed: _refund_owed,
    e.RefundPaid: _refund_paid,
    e.RefundFailed: _refund_failed,
    e.EventCancelled: _event_cancelled,
    e.EventCompleted: _event_completed,
}
