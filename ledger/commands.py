"""All commands: immutable requests to change an Event, named in the imperative. They contain ids, but no time: `decide` gets it.

A command's `digest` covers its body alone: not the actor, the time or the version that the actor has seen. It is stored in the
command's entries, so that a retry with another body is recognized for ever. Therefore its format has a version:

    1  16 bytes: BLAKE2b of a JSON array of the fields that the command had at first (`_FIRST_BODY`)
    2  the byte 2, then 16 bytes: BLAKE2b of a JSON object of all fields of the body, without those at their defaults

Version 1 is written if it covers the whole body, so that processes of the last release recognize a retry of it. A new field needs a
default that means "as before"; only bodies that set it have version 2.
"""

from datetime import datetime
from enum import StrEnum
from functools import cache
from hashlib import blake2b
from typing import Any, Literal, Self
from uuid import UUID

import msgspec

from ledger.code_batches import CodeEffect
from ledger.details import Category, Details, OnlineMethod, Pool
from ledger.entries import BoxOfficeMethod, Entry, PaymentStarted, RefundMethod, SeatsHeld
from ledger.hold_errors import HoldNotFound
from ledger.payment_errors import PaymentNotFound


class Role(StrEnum):
    CUSTOMER = "customer"
    ORGANIZER = "organizer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Actor(msgspec.Struct, frozen=True):
    """The account or guest that sends a command, and its role. `claimed`: further ids of the same person, who has proved that they
    are theirs. `id` None, without an identity, occurs only in tests."""

    id: UUID | None
    role: Role
    claimed: frozenset[UUID] = frozenset()

    def is_person(self, id_: bytes) -> bool:
        """Whether this is one of the person's ids."""
        return self.id is not None and (id_ == self.id.bytes or any(id_ == claimed.bytes for claimed in self.claimed))


class Command(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    actor: Actor
    event_id: UUID

    def digest(self) -> bytes:
        """The digest of the body, in the oldest version that covers it: 16 or 17 bytes."""
        kind = type(self)
        if any(getattr(self, name) != default for name, default in _later_fields(kind)):
            return bytes((2,)) + self._digest_of(_without_defaults(self, _NOT_BODY))
        return self._digest_of([getattr(self, name) for name in _FIRST_BODY[kind]])

    def _digest_of(self, body: Any) -> bytes:
        return blake2b(_encoder.encode(body), digest_size=16, person=_person(type(self))).digest()


class ScheduleEvent(Command, frozen=True, kw_only=True):
    """Schedules a new Event. `categories` and `pools` are numbered from 1. `has_default_guests`: the request does not say how
    guests book, so the rules do; it is no part of the digest, so that a retry of what an earlier release did is recognized."""

    details: Details
    currency: str
    categories: tuple[Category, ...]
    has_default_guests: bool = False
    pools: tuple[Pool, ...] = ()


class CategoryChange(msgspec.Struct, frozen=True):
    """The new state of a category. With an `id`: an existing category, of which None leaves a value as it is. Without: a new
    category, which needs all values."""

    id: UUID | None = None
    name: str | None = None
    price: int | None = None
    capacity: int | None = None


class PoolChange(msgspec.Struct, frozen=True):
    """The new state of a pool, as `CategoryChange`. `categories`: all of its categories, each by name or public id."""

    id: UUID | None = None
    name: str | None = None
    capacity: int | None = None
    categories: tuple[str, ...] | None = None


class ChangeEvent(Command, frozen=True, kw_only=True):
    """Changes an Event. `changes`: the new values of fields of `Details`. `categories`, `pools`: the whole new list, so that one
    that is not in it is removed; None changes none of them."""

    changes: dict[str, Any] = {}
    categories: tuple[CategoryChange, ...] | None = None
    pools: tuple[PoolChange, ...] | None = None
    expected_details_version: int


class CancelEvent(Command, frozen=True, kw_only=True):
    reason: str = ""


class CompleteEvent(Command, frozen=True, kw_only=True):
    pass


class WantedSeats(msgspec.Struct, frozen=True, array_like=True):
    """A number of seats of a category, which is given by its name or public id."""

    category: str
    quantity: int


class CodePlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a derived promo code is: behind which prefix, made with which key, and the numbers of its batch and in that."""

    prefix: str
    key: int
    batch: int
    number: int


class WantedCode(msgspec.Struct, frozen=True, array_like=True):
    """A promo code: the `place` of a derived one; else the text, in its one spelling (`code_batches.canonical`)."""

    text: str
    place: CodePlace | None = None


class MakeCodes(Command, frozen=True, kw_only=True):
    """Makes a batch of promo codes: see `entries.CodeBatch`. `categories`: each by name or public id. `key`: with which they are
    derived."""

    effect: CodeEffect
    value: int
    count: int
    max_tickets: int
    categories: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    prefix: str = ""
    word: str = ""
    key: int = 1


class WithdrawCodes(Command, frozen=True, kw_only=True):
    """Withdraws the batch with this public id."""

    batch_id: UUID


class OrderSeats(Command, frozen=True, kw_only=True):
    """Asks for seats. The box office (the Event's organizer, an admin) orders for `customer_id`, or for a walk-in if that is None;
    all others order for themselves and leave it None. In the body's digest `customer_proof`, a keyed digest of the customer's
    name and e-mail address in the request, represents the customer: the account may change between retries, the request may
    not. `same_person`: further ids of that customer, whose tickets count for the limit, too. `expected_total`, a decimal
    string: what the seats cost, as the customer was told; None: whatever they cost. `code`: a promo code. `guest`: whether
    the actor is a contact who orders without an account, and has proven the e-mail address; or somebody who does not say who
    they are, and only holds seats; None: an account."""

    tickets: tuple[WantedSeats, ...]
    customer_proof: bytes = b""
    expected_total: str | None = None
    customer_id: UUID | None = None
    same_person: frozenset[UUID] = frozenset()
    guest: Literal["unproven", "proven", "unnamed"] | None = None
    code: WantedCode | None = None


class BookSeats(OrderSeats, frozen=True, kw_only=True):
    """Books seats in one step. `ticket_key`: with which the codes of its tickets are made."""

    ticket_key: int = 1


class HoldSeats(OrderSeats, frozen=True, kw_only=True):
    """Holds seats for `hold_minutes` of the Event. The hold's id is that of this command."""


#: A command about a hold needs at the most so many entries: that of the hold, and that of the start of a payment.
MAX_NEEDED_ENTRIES = 2


class HoldCommand(Command, frozen=True, kw_only=True):
    """A command about a hold. `held`: the hold's entry, which is needed once the hold has ended, since the Event knows open holds
    only (`hold_errors.EntryNeeded`)."""

    hold_id: UUID
    held: SeatsHeld | None = None

    def with_entry(self, entry: Entry) -> Self:
        """The command with the entry that it needs. Raises HoldNotFound for any other."""
        if not isinstance(entry, SeatsHeld):
            raise HoldNotFound
        return msgspec.structs.replace(self, held=entry)


class ExtendHold(HoldCommand, frozen=True, kw_only=True):
    """Asks for more time: `hold_minutes` of the Event from now on."""


class ReleaseHold(HoldCommand, frozen=True, kw_only=True):
    """Gives the held seats back."""


class OrderHeldSeats(HoldCommand, frozen=True, kw_only=True):
    """Orders the held seats. `customer_id`: whose the booking is, if not of the one for whom the seats are held, who did not say
    then who they are. `guest`: as of an order; `is_named`: of a contact that the hold names, so that it was checked then, and is
    again once the time is over. The others are as in the commands above."""

    customer_proof: bytes = b""
    expected_total: str | None = None
    customer_id: UUID | None = None
    guest: Literal["unproven", "proven"] | None = None
    is_named: bool = False
    same_person: frozenset[UUID] = frozenset()


class ConfirmHold(OrderHeldSeats, frozen=True, kw_only=True):
    """Books the held seats; after the hold's end, if they are still to be had."""

    ticket_key: int = 1


class StartPayment(OrderHeldSeats, frozen=True, kw_only=True):
    """Begins to pay for the held seats by this method: they are booked once the money is received. The payment's id is that of this
    command."""

    method: OnlineMethod


class LapseHolds(Command, frozen=True, kw_only=True):
    """Ends due holds: a worker's command."""


class CancelBooking(Command, frozen=True, kw_only=True):
    """Cancels the tickets of a booking with these numbers; None: all that are not cancelled yet."""

    booking_id: UUID
    tickets: tuple[int, ...] | None = None


class CheckIn(Command, frozen=True, kw_only=True):
    booking_id: UUID
    ticket: int


class TakePayment(Command, frozen=True, kw_only=True):
    """Records that the box office took money for a booking, in minor units. The payment's id is that of this command."""

    booking_id: UUID
    method: BoxOfficeMethod
    amount: int
    reference: str = ""


class ReceivePayment(HoldCommand, frozen=True, kw_only=True):
    """Records that a provider has received money, in minor units, for a payment that was started: it tells Seatledger, never asks.
    `started`: the entry of its start, which is needed like `held`."""

    payment_id: UUID
    amount: int
    currency: str
    reference: str = ""
    started: PaymentStarted | None = None
    ticket_key: int = 1

    def with_entry(self, entry: Entry) -> Self:
        """Raises PaymentNotFound."""
        if isinstance(entry, SeatsHeld):
            return msgspec.structs.replace(self, held=entry)
        if not isinstance(entry, PaymentStarted):
            raise PaymentNotFound
        return msgspec.structs.replace(self, started=entry, hold_id=entry.hold_id)


class RefundCommand(Command, frozen=True, kw_only=True):
    """About a refund that is owed, of a payment by this method, which pays it back."""

    refund_id: UUID
    payment_id: UUID
    booking_id: UUID


class RecordRefund(RefundCommand, frozen=True, kw_only=True):
    """Records that the provider has paid a refund, in minor units."""

    amount: int
    reference: str = ""


class RecordFailedRefund(RefundCommand, frozen=True, kw_only=True):
    """Records that the provider can't pay a refund."""

    reason: str


class GiveRefund(Command, frozen=True, kw_only=True):
    """Records that the box office gave money back, in minor units: what is owed for the booking, and more if that is
    `goodwill`; or for a payment for which nothing was booked, whose id is then in place of the booking's. With the method
    `original` it has the provider give it back, out of goodwill."""

    booking_id: UUID
    method: RefundMethod
    amount: int
    reference: str = ""
    goodwill: bool = False


#: The fields that a digest of version 1 covers, in this order; they never change. A new command has none: `()`.
_FIRST_BODY: dict[type[Command], tuple[str, ...]] = {
    ScheduleEvent: ("details", "currency", "categories"),
    ChangeEvent: ("changes", "categories"),
    CancelEvent: ("reason",),
    CompleteEvent: (),
    MakeCodes: (),
    WithdrawCodes: (),
    BookSeats: ("tickets", "customer_proof"),
    HoldSeats: (),
    ExtendHold: (),
    ReleaseHold: (),
    ConfirmHold: (),
    StartPayment: (),
    ReceivePayment: (),
    RecordRefund: (),
    RecordFailedRefund: (),
    LapseHolds: (),
    CancelBooking: ("booking_id", "tickets"),
    CheckIn: ("booking_id", "ticket"),
    TakePayment: (),
    GiveRefund: (),
}
_NOT_BODY = frozenset(
    {
        "id", "actor", "event_id", "expected_details_version", "customer_id", "same_person", "ticket_key", "guest",
        "is_named", "has_default_guests", "held", "started", "key",
    }
)  # fmt: skip
_encoder = msgspec.json.Encoder(order="sorted")


@cache
def _later_fields(command: type[Command]) -> tuple[tuple[str, Any], ...]:
    """The fields of the body that version 1 does not cover, with their defaults."""
    known = _NOT_BODY.union(_FIRST_BODY[command])
    return tuple((name, default) for name, default in _fields(command) if name not in known)


def _without_defaults(struct: msgspec.Struct, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields by name, so that their order does not matter; nested structs likewise."""
    values = ((name, default, getattr(struct, name)) for name, default in _fields(type(struct)) if name not in left_out)
    return {name: _plain(value) for name, default, value in values if value != default}


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """The names of the fields, with their defaults. `msgspec.structs.fields` takes longer than all of a command."""
    return tuple((field.name, _default(field)) for field in msgspec.structs.fields(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _without_defaults(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default


@cache
def _person(command: type[Command]) -> bytes:
    return command.__name__.encode()[:16]
