"""The commands: what people ask for, imperative and frozen. Ids come with them, times with the call that decides.

A command's `digest` is a digest of its body alone: not of who asked, nor when, nor which version they had seen. It is written into
the command's entries, so that a retry with another body is told apart for ever; so its format has a version:

    1  16 bytes: BLAKE2b of a JSON array of the fields that the command had at first (`_FIRST_BODY`)
    2  the byte 2, then 16 bytes: BLAKE2b of a JSON object of all fields of the body, without those at their defaults

Version 1 is written as long as it says all that the body says, so that processes of the last release know a retry of it. A new
field needs a default that means "as before"; only bodies that set it are of version 2.
"""

from enum import StrEnum
from functools import cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from ledger.entries import Category, Details


class Role(StrEnum):
    CUSTOMER = "customer"
    ORGANIZER = "organizer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Actor(msgspec.Struct, frozen=True):
    """Who asks, and in which role."""

    id: UUID | None
    role: Role


class Command(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    actor: Actor
    event_id: UUID

    def digest(self) -> bytes:
        """Of the body, in the oldest version that says all of it: 16 or 17 bytes."""
        kind = type(self)
        if any(getattr(self, name) != default for name, default in _later_fields(kind)):
            return bytes((2,)) + self._digest_of(_without_defaults(self, _NOT_BODY))
        return self._digest_of([getattr(self, name) for name in _FIRST_BODY[kind]])

    def _digest_of(self, body: Any) -> bytes:
        return blake2b(_encoder.encode(body), digest_size=16, person=_person(type(self))).digest()


class ScheduleEvent(Command, frozen=True, kw_only=True):
    """Categories come numbered from 1."""

    details: Details
    currency: str
    categories: tuple[Category, ...]


class CategoryChange(msgspec.Struct, frozen=True):
    """A category as an editor wants it: with an `id`, one that there is, and None leaves a value as it is; without, a new one,
    which has all values. A category that is not listed is removed."""

    id: UUID | None = None
    name: str | None = None
    price: int | None = None
    capacity: int | None = None


class ChangeEvent(Command, frozen=True, kw_only=True):
    """`changes` gives the fields of `Details` that change. `categories`: the whole new list; None leaves
    them as they are."""

    changes: dict[str, Any] = {}
    categories: tuple[CategoryChange, ...] | None = None
    expected_details_version: int


class CancelEvent(Command, frozen=True, kw_only=True):
    reason: str = ""


class CompleteEvent(Command, frozen=True, kw_only=True):
    pass


class WantedSeats(msgspec.Struct, frozen=True, array_like=True):
    """A category by its name or public id, and how many seats of it."""

    category: str
    quantity: int


class BookSeats(Command, frozen=True, kw_only=True):
    """For `customer_id`. At the box office (the Event's organizer, an admin) that is the named customer, None a walk-in;
    everyone else books for themselves and leaves it None. `customer_proof`, a keyed digest of how the customer was named, stands
    for them in the body's digest: a person's account may change, what was asked for may not."""

    tickets: tuple[WantedSeats, ...]
    customer_proof: bytes = b""
    customer_id: UUID | None = None
    ticket_key: int = 1


class CancelBooking(Command, frozen=True, kw_only=True):
    """All tickets that are left, or those numbered in `tickets`."""

    booking_id: UUID
    tickets: tuple[int, ...] | None = None


class CheckIn(Command, frozen=True, kw_only=True):
    booking_id: UUID
    ticket: int


#: The bodies that digests of version 1 are made of, in this order, for ever. New commands have none: `()`.
_FIRST_BODY: dict[type[Command], tuple[str, ...]] = {
    ScheduleEvent: ("details", "currency", "categories"),
    ChangeEvent: ("changes", "categories"),
    CancelEvent: ("reason",),
    CompleteEvent: (),
    BookSeats: ("tickets", "customer_proof"),
    CancelBooking: ("booking_id", "tickets"),
    CheckIn: ("booking_id", "ticket"),
}
_NOT_BODY = frozenset({"id", "actor", "event_id", "expected_details_version", "customer_id", "ticket_key"})
_encoder = msgspec.json.Encoder(order="sorted")


@cache
def _later_fields(command: type[Command]) -> tuple[tuple[str, Any], ...]:
    """The fields of the body that version 1 does not know, with their defaults."""
    known = _NOT_BODY.union(_FIRST_BODY[command])
    return tuple((field.name, _default(field)) for field in msgspec.structs.fields(command) if field.name not in known)


def _without_defaults(struct: msgspec.Struct, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """By name, whatever order the fields have, and structs within it likewise."""
    given = ((field, getattr(struct, field.name)) for field in msgspec.structs.fields(struct) if field.name not in left_out)
    return {field.name: _plain(value) for field, value in given if value != _default(field)}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _without_defaults(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT and not field.required else field.default


@cache
def _person(command: type[Command]) -> bytes:
    return command.__name__.encode()[:16]
