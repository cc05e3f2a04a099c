"""Entries and commands of promo codes, for examples as in `scenario.py`."""

from typing import Any, TypeVar

import msgspec

from ledger import entries as e
from ledger.code_batches import CodeBatch, CodeEffect, CodeUse
from ledger.commands import Actor, BookSeats, CodePlace, HoldSeats, MakeCodes, WantedCode, WithdrawCodes
from ledger.event import batch_id
from tests.ledger import scenario as s

Ordered = TypeVar("Ordered", e.SeatsHeld, e.SeatsBooked)
Ordering = TypeVar("Ordering", BookSeats, HoldSeats)


def batch(number: int = 1, effect: CodeEffect = "percent", value: int = 1_000, **more: Any) -> CodeBatch:
    """Five codes for two tickets each."""
    return CodeBatch(number, effect, value, **{"count": 5, "max_tickets": 2, **more})


def codes_made(batch: CodeBatch) -> e.CodesMade:
    return e.CodesMade(**s.stamp(), batch=batch)


def codes_withdrawn(number: int = 1) -> e.CodesWithdrawn:
    return e.CodesWithdrawn(**s.stamp(), batch=number)


def with_code(entry: Ordered, code: CodeUse, *amounts: int) -> Ordered:
    """The entry of an order with a promo code. `amounts`: of its tickets, where they are not those of its lines."""
    return msgspec.structs.replace(entry, code=code, amounts=amounts)


def make_codes(actor: Actor = s.ORGANIZER, effect: CodeEffect = "percent", value: int = 1_000, **more: Any) -> MakeCodes:
    return MakeCodes(**s.by(actor), effect=effect, value=value, **{"count": 5, "max_tickets": 2, **more})


def withdraw_codes(actor: Actor = s.ORGANIZER, number: int = 1) -> WithdrawCodes:
    return WithdrawCodes(**s.by(actor), batch_id=batch_id(s.EVENT, number))


def using(command: Ordering, code: WantedCode | None) -> Ordering:
    """The order, with a promo code."""
    return msgspec.structs.replace(command, code=code)


def code(number: int = 0, batch: int = 1) -> WantedCode:
    """A derived code."""
    return WantedCode("", CodePlace("", 1, batch, number))
