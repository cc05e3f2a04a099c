"""The commands: what people ask for, imperative and frozen. Ids come with them, times with the call that decides.

A command's `digest` is a digest of its body alone: not of who asked, nor when, nor which version they had seen.
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
        """16 bytes (BLAKE2b) of the canonical JSON of the body."""
        body = [getattr(self, name) for name in _body_fields(type(self))]
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


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """A category by its name or public id, and how many seats of it."""

    category: str
    quantity: int


class BookSeats(Command, frozen=True, kw_only=True):
    """For `customer_id`. At the box office (the Event's organizer, an admin) that is the named customer, None a walk-in;
    everyone else books for themselves and leaves it None. `customer_proof`, a keyed digest of how the customer was named, stands
    for them in the body's digest: a person's account may change, what was asked for may not."""

    tickets: tuple[Wanted, ...]
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


_encoder = msgspec.json.Encoder(order="sorted")
_NOT_BODY = {"id", "actor", "event_id", "expected_details_version", "customer_id", "ticket_key"}


@cache
def _body_fields(command: type[Command]) -> tuple[str, ...]:
    return tuple(name for name in command.__struct_fields__ if name not in _NOT_BODY)


@cache
def _person(command: type[Command]) -> bytes:
    return command.__name__.encode()[:16]
