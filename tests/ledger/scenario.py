"""The rules as examples: `given(*entries).when(command).then(*entries)`, or `.refused(TheError, its="facts")`.

The Event of the examples has 10 General seats at 50.00 and 5 VIP seats at 120.00, and starts in thirty days.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from ledger import entries as e
from ledger import errors
from ledger.checkout import GRACE, PAYABLE
from ledger.commands import (
    Actor,
    BookSeats,
    CancelBooking,
    CategoryChange,
    ChangeEvent,
    CheckIn,
    Command,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldSeats,
    LapseHolds,
    PoolChange,
    ReceivePayment,
    RecordFailedRefund,
    RecordRefund,
    ReleaseHold,
    Role,
    ScheduleEvent,
    StartPayment,
    TakePayment,
    WantedSeats,
)
from ledger.decide import decide
from ledger.derived_ids import derived_id
from ledger.details import Category, Details, Pool
from ledger.event import Event, category_id, pool_id
from ledger.evolve import evolve
from ledger.overlay import Overlay

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=7)
STARTS = NOW + timedelta(days=30)

EVENT = UUID(int=0xE7E27)
BOOKING, ANOTHER_BOOKING, UNKNOWN_BOOKING = UUID(int=0xB1), UUID(int=0xB2), UUID(int=0xB9)
HOLD, ANOTHER_HOLD, UNKNOWN_HOLD = UUID(int=0x401), UUID(int=0x402), UUID(int=0x409)
#: When the holds of the examples are due, unless they say otherwise.
DUE = NOW + timedelta(minutes=10)
PAYMENT, ANOTHER_PAYMENT = UUID(int=0xCA51), UUID(int=0xCA52)
#: Details of an Event that is paid through Seatledger, at its box office.
ON_SITE: dict[str, Any] = {"payment_methods": ("box_office",)}
#: Of one that is paid online.
ONLINE: dict[str, Any] = {"payment_methods": ("demo",)}
#: Until when a payment can be made that is started now.
PAYABLE_UNTIL = NOW + PAYABLE
GENERAL, VIP = Category(1, "General", 5_000, 10), Category(2, "VIP", 12_000, 5)

ORGANIZER = Actor(UUID(int=0x01), Role.ORGANIZER)
OTHER_ORGANIZER = Actor(UUID(int=0x02), Role.ORGANIZER)
ADMIN = Actor(UUID(int=0xAD), Role.ADMIN)
AUDITOR = Actor(UUID(int=0xA0), Role.AUDITOR)
ALICE = Actor(UUID(int=0xA1), Role.CUSTOMER)
BOB = Actor(UUID(int=0xB0), Role.CUSTOMER)
#: What a worker does, nobody has done.
NOBODY = Actor(None, Role.ADMIN)
GUEST = Actor(None, Role.CUSTOMER)
#: Who holds seats without saying who they are.
GUEST_HOLDER = Actor(UUID(int=0x6E), Role.CUSTOMER)


def key_of(actor: Actor) -> bytes:
    """As which the Event knows the account."""
    assert actor.id is not None
    return actor.id.bytes


class Given:
    def __init__(self, *entries: e.Entry) -> None:
        self.event = history(*entries)

    def when(self, command: Command, at: datetime = NOW) -> "When":
        return When(self.event, command, at)


class When:
    def __init__(self, event: Event | None, command: Command, at: datetime) -> None:
        self.event, self.command, self.at = event, command, at

    def then(self, *expected: e.Entry) -> Event:
        """Expects these entries, with the stamp of the command; returns the Event after them."""
        entries = decide(self.event, self.command, self.at)
        command = self.command
        stamp = {"at": self.at, "actor": command.actor.id, "command": command.id, "digest": command.digest()}
        wanted = [
            msgspec.structs.replace(recorded, **{**stamp, **({"actor": None} if isinstance(recorded, e.HoldsLapsed) else {})})
            for recorded in expected
        ]
        assert entries == wanted, f"made:   {entries}\nwanted: {wanted}"
        event = self.event.trial() if self.event is not None else None
        for entry in entries:
            event = evolve(event, e.RecordedEntry(EVENT, event.version + 1 if event else 1, entry))
        assert event is not None
        return event

    def refused(self, kind: type[errors.SeatledgerError], **facts: Any) -> None:
        with pytest.raises(kind) as refusal:
            decide(self.event, self.command, self.at)
        assert type(refusal.value) is kind
        assert refusal.value.facts == facts, f"{refusal.value.facts} instead of {facts}"
        assert refusal.value.detail


def given(*entries: e.Entry) -> Given:
    return Given(*entries)


def history(*entries: e.Entry) -> Event | None:
    event = None
    for version, entry in enumerate(entries, start=1):
        event = evolve(event, e.RecordedEntry(EVENT, version, entry))
    return event


def replayed(*entries: e.Entry) -> Event:
    event = history(*entries)
    assert event is not None
    return event


def state(event: Event) -> dict[str, Any]:
    """The whole state of an Event, to compare: its dicts are copied, their values are immutable."""
    values: dict[str, Any] = {name: getattr(event, name) for name in Event.__slots__}
    del values["hold_ends"]  # an index of `holds`, which trials share
    for name, value in values.items():
        if isinstance(value, Overlay):
            copy = Overlay({**value.base})
            copy.changes = value.changes
            values[name] = copy.merge()
        elif isinstance(value, dict):
            values[name] = {**value}
    return values


def ids_of(values: dict[bytes, Any] | Overlay) -> list[UUID]:
    """The keys of what an Event has by id, such as `event.bookings`."""
    assert isinstance(values, dict), "this is not a trial"
    return [UUID(bytes=key) for key in values]


# --- entries, as they might have been recorded before


def stamp(command: UUID | None = None) -> dict[str, Any]:
    return {"at": BEFORE, "actor": ORGANIZER.id, "command": command or uuid4(), "digest": bytes(16)}


def details(**changes: Any) -> Details:
    return Details(**{"name": "Concert", "starts_at": STARTS, **changes})


def scheduled(*categories: Category, **changes: Any) -> e.EventScheduled:
    assert ORGANIZER.id is not None
    return e.EventScheduled(
        **stamp(), details=details(**changes), currency="EUR", organizer_id=ORGANIZER.id, categories=categories or (GENERAL, VIP)
    )


def booked(customer: Actor, *lines: e.Line, booking: UUID = BOOKING) -> e.SeatsBooked:
    return e.SeatsBooked(**stamp(booking), customer_id=customer.id, lines=lines, details_version=1)


def general(quantity: int, price: int = GENERAL.price, name: str = "General") -> e.Line:
    return e.Line(1, name, quantity, price)


def vip(quantity: int, price: int = VIP.price) -> e.Line:
    return e.Line(2, "VIP", quantity, price)


def held(customer: Actor | None, *lines: e.Line, hold: UUID = HOLD, until: datetime = DUE, details_version: int = 1) -> e.SeatsHeld:
    id_ = customer.id if customer else None
    return e.SeatsHeld(**stamp(hold), customer_id=id_, lines=lines, details_version=details_version, expires_at=until)


def extended(until: datetime, hold: UUID = HOLD) -> e.HoldExtended:
    return e.HoldExtended(**stamp(), hold_id=hold, expires_at=until)


def released(hold: UUID = HOLD) -> e.HoldReleased:
    return e.HoldReleased(**stamp(), hold_id=hold)


def lapsed(*holds: UUID) -> e.HoldsLapsed:
    return e.HoldsLapsed(**stamp(), hold_ids=holds or (HOLD,))


def confirmed(customer: Actor | None, *lines: e.Line, hold: UUID = HOLD, details_version: int = 1) -> e.SeatsBooked:
    id_ = customer.id if customer else None
    return e.SeatsBooked(**stamp(), customer_id=id_, lines=lines, details_version=details_version, hold_id=hold)


def cancelled(*tickets: int, lines: tuple[e.CancelledLine, ...], whole: bool, booking: UUID = BOOKING) -> e.BookingCancelled:
    return e.BookingCancelled(**stamp(), booking_id=booking, tickets=tickets, lines=lines, whole=whole)


def used(ticket: int, booking: UUID = BOOKING) -> e.TicketUsed:
    return e.TicketUsed(**stamp(), booking_id=booking, ticket=ticket)


def price_changed(category: int, price: int) -> e.PriceChanged:
    return e.PriceChanged(**stamp(), category=category, price=price)


def capacity_changed(category: int, capacity: int) -> e.CapacityChanged:
    return e.CapacityChanged(**stamp(), category=category, capacity=capacity)


def renamed(category: int, name: str) -> e.CategoryRenamed:
    return e.CategoryRenamed(**stamp(), category=category, name=name)


def removed(category: int) -> e.CategoryRemoved:
    return e.CategoryRemoved(**stamp(), category=category)


def added(number: int, name: str, price: int = 1_000, capacity: int = 5) -> e.CategoryAdded:
    return e.CategoryAdded(**stamp(), category=Category(number, name, price, capacity))


def pool(number: int = 1, name: str = "Hall", capacity: int = 8, categories: tuple[int, ...] = (1, 2)) -> Pool:
    return Pool(number, name, capacity, categories)


def pools_set(*pools: Pool) -> e.PoolsSet:
    return e.PoolsSet(**stamp(), pools=pools)


def payable(entry: e.SeatsBooked) -> e.SeatsBooked:
    """The booking, if it is paid through Seatledger."""
    return msgspec.structs.replace(entry, is_payable=True)


def less_to_pay(entry: e.BookingCancelled, amount: int) -> e.BookingCancelled:
    """The cancellation of a booking that is paid through Seatledger."""
    return msgspec.structs.replace(entry, less_to_pay=amount)


def started(
    customer: Actor | None, amount: int, payment: UUID = PAYMENT, until: datetime = PAYABLE_UNTIL, hold: UUID = HOLD
) -> e.PaymentStarted:
    """`until`: how long the customer can pay."""
    return e.PaymentStarted(
        **stamp(payment), hold_id=hold, customer_id=customer.id if customer else None, method="demo", amount=amount,
        payable_until=until, expires_at=until + GRACE,
    )  # fmt: skip


def refund_failed(amount: int, refund: UUID, payment: UUID = PAYMENT, booking: UUID = BOOKING) -> e.RefundFailed:
    return e.RefundFailed(**stamp(), refund_id=refund, payment_id=payment, booking_id=booking, amount=amount, reason="declined")


def received(amount: int, payment: UUID = PAYMENT, booking: UUID = BOOKING, method: str = "cash") -> e.PaymentReceived:
    return e.PaymentReceived(**stamp(payment), payment_id=payment, booking_id=booking, method=method, amount=amount, currency="EUR")


def owed(
    amount: int, cause: UUID, payment: UUID = PAYMENT, booking: UUID = BOOKING, reason: e.RefundReason = "cancelled"
) -> e.RefundOwed:
    """`cause`: the id of the command because of which it is owed."""
    id_ = derived_id(cause, b"refund " + payment.bytes)
    return e.RefundOwed(**stamp(cause), refund_id=id_, payment_id=payment, booking_id=booking, amount=amount, reason=reason)


def paid_back(amount: int, refund: UUID, payment: UUID = PAYMENT, booking: UUID = BOOKING, method: str = "cash") -> e.RefundPaid:
    return e.RefundPaid(**stamp(), refund_id=refund, payment_id=payment, booking_id=booking, method=method, amount=amount)


def with_amounts(entry: e.SeatsBooked, *amounts: int) -> e.SeatsBooked:
    """The booking, whose tickets cost this."""
    return msgspec.structs.replace(entry, amounts=amounts)


def details_changed(**changes: Any) -> e.EventDetailsChanged:
    return e.EventDetailsChanged(**stamp(), details=details(**changes))


def event_cancelled(reason: str = "") -> e.EventCancelled:
    return e.EventCancelled(**stamp(), reason=reason)


def event_completed() -> e.EventCompleted:
    return e.EventCompleted(**stamp())


# --- commands


def by(actor: Actor) -> dict[str, Any]:
    return {"id": uuid4(), "actor": actor, "event_id": EVENT}


def schedule(*categories: Category, actor: Actor = ORGANIZER, **changes: Any) -> ScheduleEvent:
    return ScheduleEvent(**by(actor), details=details(**changes), currency="EUR", categories=categories or (GENERAL, VIP))


def book(actor: Actor, /, **quantities: int) -> BookSeats:
    return book_for(actor, None, **quantities)


def book_for(actor: Actor, customer: Actor | None, /, **quantities: int) -> BookSeats:
    wanted = tuple(WantedSeats(category, quantity) for category, quantity in (quantities or {"General": 1}).items())
    return BookSeats(**by(actor), tickets=wanted, customer_id=customer.id if customer else None)


def hold(actor: Actor, customer: Actor | None = None, /, **quantities: int) -> HoldSeats:
    wanted = tuple(WantedSeats(category, quantity) for category, quantity in (quantities or {"General": 1}).items())
    return HoldSeats(**by(actor), tickets=wanted, customer_id=customer.id if customer else None)


def extend(actor: Actor, hold: UUID = HOLD) -> ExtendHold:
    return ExtendHold(**by(actor), hold_id=hold)


def release(actor: Actor, hold: UUID = HOLD) -> ReleaseHold:
    return ReleaseHold(**by(actor), hold_id=hold)


def confirm(
    actor: Actor, hold: UUID = HOLD, entry: e.SeatsHeld | None = None, total: str | None = None, customer: Actor | None = None
) -> ConfirmHold:
    """`entry`: the hold's, which is needed once it has ended. `customer`: whose the booking becomes."""
    return ConfirmHold(**by(actor), hold_id=hold, held=entry, expected_total=total, customer_id=customer.id if customer else None)


def start_payment(
    actor: Actor, hold: UUID = HOLD, customer: Actor | None = None, total: str | None = None, **more: Any
) -> StartPayment:
    """`customer`: whose the booking becomes."""
    return StartPayment(
        **by(actor), hold_id=hold, method="demo", customer_id=customer.id if customer else None, expected_total=total, **more
    )


def receive_payment(amount: int, payment: UUID = PAYMENT, hold: UUID = HOLD, **entries: Any) -> ReceivePayment:
    """`entries`: which it needs once the hold has ended."""
    return ReceivePayment(**by(NOBODY), hold_id=hold, payment_id=payment, amount=amount, **{"currency": "EUR", **entries})


def record_refund(amount: int, refund: UUID, payment: UUID = PAYMENT, booking: UUID = HOLD) -> RecordRefund:
    return RecordRefund(**by(NOBODY), refund_id=refund, payment_id=payment, booking_id=booking, amount=amount)


def record_failed_refund(refund: UUID, payment: UUID = PAYMENT, booking: UUID = HOLD) -> RecordFailedRefund:
    return RecordFailedRefund(**by(NOBODY), refund_id=refund, payment_id=payment, booking_id=booking, reason="declined")


def lapse() -> LapseHolds:
    return LapseHolds(**by(NOBODY))


def cancel(actor: Actor, *tickets: int, booking: UUID = BOOKING) -> CancelBooking:
    """Cancels these tickets; without any, the whole booking."""
    return CancelBooking(**by(actor), booking_id=booking, tickets=tickets or None)


def check_in(actor: Actor, ticket: int = 0, booking: UUID = BOOKING) -> CheckIn:
    return CheckIn(**by(actor), booking_id=booking, ticket=ticket)


def take_payment(amount: int, actor: Actor = ORGANIZER, booking: UUID = BOOKING) -> TakePayment:
    return TakePayment(**by(actor), booking_id=booking, method="cash", amount=amount)


def give_refund(
    amount: int, actor: Actor = ORGANIZER, booking: UUID = BOOKING, *, goodwill: bool = True, method: e.RefundMethod = "cash"
) -> GiveRefund:
    return GiveRefund(**by(actor), booking_id=booking, method=method, amount=amount, goodwill=goodwill)


def change(
    actor: Actor = ORGANIZER,
    *,
    version: int = 1,
    to: tuple[CategoryChange, ...] | None = None,
    pools: tuple[PoolChange, ...] | None = None,
    **changes: Any,
) -> ChangeEvent:
    return ChangeEvent(**by(actor), changes=changes, categories=to, pools=pools, expected_details_version=version)


def as_is(category: Category, **changes: Any) -> CategoryChange:
    """A category as a client sends it back, with all values."""
    given = {
        "id": category_id(EVENT, category.number),
        "name": category.name,
        "price": category.price,
        "capacity": category.capacity,
    }
    return CategoryChange(**{**given, **changes})


def as_it_is(pool: Pool, **changes: Any) -> PoolChange:
    """Likewise a pool."""
    names = tuple(str(category_id(EVENT, number)) for number in pool.categories)
    given = {"id": pool_id(EVENT, pool.number), "name": pool.name, "capacity": pool.capacity, "categories": names}
    return PoolChange(**{**given, **changes})


def shared(capacity: int, id_: UUID | None = None, categories: tuple[str, ...] = ("General", "VIP")) -> PoolChange:
    """A pool of both categories."""
    return PoolChange(id_, "Hall", capacity, categories)


def new(name: str, price: int = 1_000, capacity: int = 5) -> CategoryChange:
    return CategoryChange(None, name, price, capacity)
