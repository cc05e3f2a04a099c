"""The Event: its state, which only `evolve` (`ledger/evolve.py`) changes. Pure: no I/O, no clock, no randomness.

The state holds what the rules (`decide.py`) need, and the details, which responses contain. The parts that grow with the number of
bookings are plain dicts with bytes keys and flat values, so that the garbage collector has little to traverse
(docs/decisions/0003).
"""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from ledger import entries as e
from ledger.booking_money import BookingMoney
from ledger.code_batches import CodeBatch, CodeUse
from ledger.derived_ids import derived_id
from ledger.details import Details, Pool
from ledger.holds import HoldEnds
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
    `pools`: see `entries.Pool`; a category that is removed leaves its pool.
    `batches`: all that were made, that with number 1 first; `withdrawn`: the numbers of some. `code_uses`: key of a promo code ->
    number of tickets that are booked or held with it. `booking_codes`: booking id -> key of its code, if it has one.
    `money`: booking id -> `BookingMoney`, of bookings that are paid through Seatledger; of a payment for which nothing was booked:
    payment id -> likewise.
    `at`, `mac`: those of its newest entry. `details_version`: the version of the last entry that changed details or categories (the
    ETag); `details_set`: the versions of those with `Details`.
    """

    __slots__ = (
        "amounts",
        "at",
        "batches",
        "booking_codes",
        "bookings",
        "categories",
        "code_uses",
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
        "last_pool",
        "mac",
        "money",
        "number",
        "organizer_id",
        "pools",
        "released",
        "status",
        "touched",
        "version",
        "withdrawn",
    )

    id: UUID
    version: int
    at: datetime
    mac: bytes | None
    number: int
    created_at: datetime
    details: Details
    details_set: tuple[int, ...]
    details_version: int
    currency: str
    organizer_id: UUID
    status: str
    categories: dict[int, CategoryState]
    last_category: int
    pools: tuple[Pool, ...]
    last_pool: int
    batches: tuple[CodeBatch, ...]
    withdrawn: tuple[int, ...]
    bookings: dict[bytes, Any] | Overlay
    touched: dict[bytes, Any] | Overlay
    customers: dict[bytes, Any] | Overlay
    commands: dict[bytes, Any] | Overlay
    holds: dict[bytes, Any] | Overlay
    released: dict[bytes, Any] | Overlay
    amounts: dict[bytes, Any] | Overlay
    code_uses: dict[bytes, Any] | Overlay
    booking_codes: dict[bytes, Any] | Overlay
    money: dict[bytes, Any] | Overlay
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
        if len(category) == _ID_LENGTH and (number := _numbers_by_id(self.id, self.last_category).get(category)) is not None:
            return self.categories.get(number)
        return next((state for state in self.categories.values() if state.name == category), None)

    def pool_of(self, category: int) -> Pool | None:
        """The pool that a category shares, by its number."""
        return next((pool for pool in self.pools if category in pool.categories), None)

    def seats_of(self, pool: Pool) -> tuple[int, int]:
        """How many seats of a pool are taken, and how many held."""
        shared = [self.categories[number] for number in pool.categories]
        return sum(seats.taken for seats in shared), sum(seats.held for seats in shared)

    def is_withdrawn(self, batch: CodeBatch) -> bool:
        return batch.number in self.withdrawn

    def booking_code(self, booking_id: UUID) -> CodeUse | None:
        """The promo code of a booking."""
        key: bytes | None = self.booking_codes.get(booking_id.bytes)
        return None if key is None else CodeUse.of(key)

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
        return amounts or prices_at(self, seats, version)

    def to_pay(self, booking_id: UUID) -> int:
        """What all of the tickets that stand cost, in minor units, whatever was paid of it; 0 where payment is taken elsewhere, and
        where nothing was booked."""
        money: BookingMoney | None = self.money.get(booking_id.bytes)
        if money is None or booking_id.bytes not in self.bookings:
            return 0
        return max(self.price_of(booking_id) - money.waived, 0)

    def price_of(self, booking_id: UUID) -> int:
        """What the tickets of a booking that are not cancelled cost, in minor units."""
        amounts, states = self.ticket_amounts(booking_id), self.ticket_states(booking_id)
        return sum(amount for amount, state in zip(amounts, states, strict=True) if state != CANCELLED)

    def due(self, booking_id: UUID) -> int:
        """What is still to be paid for a booking, in minor units."""
        money: BookingMoney | None = self.money.get(booking_id.bytes)
        return 0 if money is None else max(self.to_pay(booking_id) - money.kept, 0)

    def trial(self) -> "Event":
        """A copy on which entries can be tried. It shares the big dicts, under overlays: `merge` applies the changes; without it
        they are lost."""
        copy = Event()
        for name in _SHARED:
            setattr(copy, name, getattr(self, name))
        copy.categories = dict(self.categories)
        for name in MAPS:
            setattr(copy, name, Overlay(getattr(self, name)))
        return copy

    def merge(self) -> "Event":
        """Applies the changes of a trial Event to the dicts that it shares, and returns the Event."""
        for name in MAPS:
            layer = getattr(self, name)
            if isinstance(layer, Overlay):
                setattr(self, name, layer.merge() if layer.changes else layer.base)
        assert isinstance(self.holds, dict)
        self.hold_ends.forget_ended(self.holds)
        return self

    def weight_bytes(self) -> int:
        """An estimate of its memory, in bytes (measured: docs/decisions/0003)."""
        tickets = sum(seats.sold for seats in self.categories.values())
        others = 180 * (len(self.touched) + len(self.commands)) + 150 * len(self.customers)
        holds = 500 * len(self.holds) + 180 * len(self.released)
        per_booking = tickets // max(len(self.bookings), 1)
        holds += (250 + 36 * per_booking) * len(self.amounts)
        holds += 150 * (len(self.code_uses) + len(self.booking_codes)) + 450 * len(self.money)
        return 4_000 + 300 * len(self.bookings) + tickets + others + holds


_ID_LENGTH = len(str(UUID(int=0)))
MAPS = (
    "bookings", "touched", "customers", "commands", "holds", "released", "amounts", "code_uses", "booking_codes", "money",
)  # fmt: skip
_SHARED = tuple(name for name in Event.__slots__ if name not in MAPS)


def pool_id(event_id: UUID, number: int) -> UUID:
    return derived_id(event_id, b"pool %d" % number)


def batch_id(event_id: UUID, number: int) -> UUID:
    return derived_id(event_id, b"codes %d" % number)


@lru_cache(maxsize=512)
def _numbers_by_id(event_id: UUID, last: int) -> dict[str, int]:
    """The numbers of all categories that the Event ever had by their ids: to make these for each order would cost more than the
    order."""
    return {str(category_id(event_id, number)): number for number in range(1, last + 1)}


def category_id(event_id: UUID, number: int) -> UUID:
    return derived_id(event_id, b"category %d" % number)


def prices_at(event: Event, seats: bytes, version: int) -> tuple[int, ...]:
    return tuple(event.categories[category].price_at(version) for category in seats)
