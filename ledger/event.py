"""The Event: its state, and `evolve`, the only function that changes it. Pure: no I/O, no clock, no randomness.

The state holds what the rules (`decide.py`) need, and the details, which responses contain. The parts that grow with the number of
bookings are plain dicts with bytes keys and flat values, so that the garbage collector has little to traverse
(docs/decisions/0003).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ledger import entries as e
from ledger.derived_ids import derived_id
from ledger.holds import Hold, HoldEnds
from ledger.overlay import Overlay

ACTIVE, USED, CANCELLED = b"a"[0], b"u"[0], b"c"[0]


class CategoryState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A category: its capacity, the number of its seats that are taken, the number that were ever sold or held (`sold`: it never
    falls), and the number that are held.

    `prices`: (first version with this price, minor units), oldest first."""

    number: int
    name: str
    prices: tuple[tuple[int, int], ...]
    capacity: int
    taken: int
    sold: int
    held: int = 0

    @property
    def price(self) -> int:
        return self.prices[-1][1]

    @property
    def available(self) -> int:
        return self.capacity - self.taken - self.held

    def price_at(self, version: int) -> int:
        return next(price for since, price in reversed(self.prices) if since <= version)


class Event:
    """The state of one Event after its entries up to `version`.

    `bookings`: booking id -> (customer id or b"", the category number of each ticket, version of its entry).
    `touched`: booking id -> (the state of each ticket, versions of the later entries about it), once there are later entries.
    `amounts`: booking id -> what each ticket cost, where that is not the price of its category at the booking's version.
    `holds`: hold id -> `Hold`, while it is open. `released`: hold id -> customer id or b"". `hold_ends`: see there.
    `customers`: customer id -> number of tickets that are not cancelled, and of seats held. `commands`: command id -> version of
    its last entry, for every command except BookSeats, whose id is the booking's, and except the lapse of holds.
    `at`, `mac`: those of its newest entry. `details_version`: the version of the last entry that changed details or categories (the
    ETag); `details_set`: the versions of those with `Details`.
    """

    __slots__ = (
        "amounts",
        "at",
        "bookings",
        "categories",
        "commands",
        "created_at",
        "currency",
        "customers",
        "details",
        "details_set",
        "details_version",
        "hold_ends",
        "holds",
        "id",
        "last_category",
        "mac",
        "number",
        "organizer_id",
        "released",
        "status",
        "touched",
        "version",
    )

    id: UUID
    version: int
    at: datetime
    mac: bytes | None
    number: int
    created_at: datetime
    details: e.Details
    details_set: tuple[int, ...]
    details_version: int
    currency: str
    organizer_id: UUID
    status: str
    categories: dict[int, CategoryState]
    last_category: int
    bookings: dict[bytes, Any] | Overlay
    touched: dict[bytes, Any] | Overlay
    customers: dict[bytes, Any] | Overlay
    commands: dict[bytes, Any] | Overlay
    holds: dict[bytes, Any] | Overlay
    released: dict[bytes, Any] | Overlay
    amounts: dict[bytes, Any] | Overlay
    hold_ends: HoldEnds

    @property
    def end(self) -> e.StreamEnd:
        return e.StreamEnd(self.version, self.mac)

    def version_of(self, command_id: UUID) -> int | None:
        """The version of the last entry of this command; None if it was not accepted before."""
        key = command_id.bytes
        version: int | None = self.commands.get(key)  # first: a booking may have the id of its hold
        if version is None and (booking := self.bookings.get(key)) is not None:
            version = booking[2]
        return version

    def find_category(self, category: str) -> CategoryState | None:
        """The category with this public id, or with this name. One may be named as another one's id."""
        if len(category) == _ID_LENGTH:  # ids are made each time, which costs more than names
            for state in self.categories.values():
                if str(category_id(self.id, state.number)) == category:
                    return state
        return next((state for state in self.categories.values() if state.name == category), None)

    def ticket_states(self, booking_id: UUID) -> bytes:
        """The state of each ticket, one byte per ticket: ACTIVE, USED or CANCELLED."""
        seats: bytes = self.bookings[booking_id.bytes][1]
        if self.status == "cancelled":
            return bytes([CANCELLED]) * len(seats)
        touched = self.touched.get(booking_id.bytes)
        states: bytes = touched[0] if touched else bytes([ACTIVE]) * len(seats)
        return states

    def versions_about(self, booking_id: UUID) -> tuple[int, ...]:
        """The versions of the entries about a booking, oldest first; without the cancellation of the whole Event."""
        touched = self.touched.get(booking_id.bytes)
        return (self.bookings[booking_id.bytes][2], *(touched[1] if touched else ()))

    def ticket_amounts(self, booking_id: UUID) -> tuple[int, ...]:
        """What each ticket of a booking cost, in minor units."""
        _, seats, version = self.bookings[booking_id.bytes]
        amounts: tuple[int, ...] | None = self.amounts.get(booking_id.bytes)
        return amounts or _prices_at(self, seats, version)

    def trial(self) -> "Event":
        """A copy on which entries can be tried. It shares the big dicts, under overlays: `merge` applies the changes; without it
        they are lost."""
        copy = Event()
        for name in Event.__slots__:
            setattr(copy, name, getattr(self, name))
        copy.categories = dict(self.categories)
        for name in _MAPS:
            setattr(copy, name, Overlay(getattr(self, name)))
        return copy

    def merge(self) -> "Event":
        """Applies the changes of a trial Event to the dicts that it shares, and returns the Event."""
        for name in _MAPS:
            layer = getattr(self, name)
            if isinstance(layer, Overlay):
                setattr(self, name, layer.merge())
        assert isinstance(self.holds, dict)
        self.hold_ends.forget_ended(self.holds)
        return self

    def weight_bytes(self) -> int:
        """An estimate of its memory, in bytes (measured: docs/decisions/0003)."""
        tickets = sum(seats.sold for seats in self.categories.values())
        others = 180 * (len(self.touched) + len(self.commands)) + 150 * len(self.customers)
        holds = 500 * len(self.holds) + 180 * len(self.released) + 250 * len(self.amounts)
        return 4_000 + 300 * len(self.bookings) + tickets + others + holds


_ID_LENGTH = len(str(UUID(int=0)))
_MAPS = ("bookings", "touched", "customers", "commands", "holds", "released", "amounts")


def category_id(event_id: UUID, number: int) -> UUID:
    return derived_id(event_id, b"category %d" % number)


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
    for name in _MAPS:
        setattr(event, name, {})
    event.commands[entry.command.bytes] = 1
    event.hold_ends = HoldEnds()
    for category in entry.categories:
        _add_category(event, category)
    return event


def _add_category(event: Event, category: e.Category) -> None:
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
    event.categories[entry.category] = msgspec.structs.replace(event.categories[entry.category], name=entry.name)


def _price_changed(event: Event, entry: e.PriceChanged) -> None:
    event.details_version = event.version
    seats = event.categories[entry.category]
    event.categories[entry.category] = msgspec.structs.replace(seats, prices=(*seats.prices, (event.version, entry.price)))


def _capacity_changed(event: Event, entry: e.CapacityChanged) -> None:
    event.details_version = event.version
    event.categories[entry.category] = msgspec.structs.replace(event.categories[entry.category], capacity=entry.capacity)


def _category_removed(event: Event, entry: e.CategoryRemoved) -> None:
    event.details_version = event.version
    del event.categories[entry.category]


def _seats_held(event: Event, entry: e.SeatsHeld) -> None:
    seats = b""
    for line in entry.lines:
        _take(event, line.category, held=line.quantity, sold=line.quantity)
        seats += bytes((line.category,)) * line.quantity
    customer = entry.customer_id.bytes if entry.customer_id else b""
    if customer:
        event.customers[customer] = event.customers.get(customer, 0) + len(seats)
    _open(event, entry.command, Hold(customer, seats, entry.expires_at))


def _hold_extended(event: Event, entry: e.HoldExtended) -> None:
    hold: Hold = event.holds[entry.hold_id.bytes]
    _open(event, entry.hold_id, Hold(hold.customer, hold.seats, entry.expires_at, hold.extensions + 1))


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
    if hold.customer:
        left = event.customers[hold.customer] - len(hold.seats)
        if left:
            event.customers[hold.customer] = left
        else:
            del event.customers[hold.customer]


def _end_hold(event: Event, hold_id: UUID) -> Hold:
    hold: Hold = event.holds[hold_id.bytes]
    del event.holds[hold_id.bytes]
    for category in set(hold.seats):
        _take(event, category, held=-hold.seats.count(category))
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
    if customer and not is_counted:
        event.customers[customer] = event.customers.get(customer, 0) + len(tickets)
    if hold_id or entry.amounts:
        amounts = entry.ticket_amounts
        if amounts != _prices_at(event, tickets, event.version):
            event.amounts[key] = amounts


def _prices_at(event: Event, seats: bytes, version: int) -> tuple[int, ...]:
    return tuple(event.categories[category].price_at(version) for category in seats)


def _booking_cancelled(event: Event, entry: e.BookingCancelled) -> None:
    for line in entry.lines:
        _take(event, line.category, -line.quantity)
    customer = event.bookings[entry.booking_id.bytes][0]
    if customer:
        event.customers[customer] = event.customers[customer] - len(entry.tickets)
    _touch(event, entry.booking_id, entry.tickets, CANCELLED)


def _ticket_used(event: Event, entry: e.TicketUsed) -> None:
    _touch(event, entry.booking_id, (entry.ticket,), USED)


def _event_cancelled(event: Event, entry: e.EventCancelled) -> None:
    event.status, event.details_version = "cancelled", event.version
    _end_all_holds(event)
    for seats in list(event.categories.values()):
        _take(event, seats.number, -seats.taken)


def _event_completed(event: Event, entry: e.EventCompleted) -> None:
    event.status, event.details_version = "completed", event.version
    _end_all_holds(event)


def _take(event: Event, category: int, quantity: int = 0, held: int = 0, sold: int = 0) -> None:
    """Changes the numbers of seats taken, held, and ever sold or held."""
    old = event.categories[category]
    taken, held = old.taken + quantity, old.held + held
    assert 0 <= taken <= taken + held <= old.capacity, "never below 0, never above capacity"
    event.categories[category] = CategoryState(category, old.name, old.prices, old.capacity, taken, old.sold + sold, held)


def _touch(event: Event, booking_id: UUID, tickets: tuple[int, ...], state: int) -> None:
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
    e.SeatsHeld: _seats_held,
    e.HoldExtended: _hold_extended,
    e.HoldReleased: _hold_released,
    e.HoldsLapsed: _holds_lapsed,
    e.SeatsBooked: _seats_booked,
    e.BookingCancelled: _booking_cancelled,
    e.TicketUsed: _ticket_used,
    e.EventCancelled: _event_cancelled,
    e.EventCompleted: _event_completed,
}
