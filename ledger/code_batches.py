"""Promo codes, as entries describe them. Pure."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Literal, Self

import msgspec

#: Codes of one batch: a code's number is 14 bits of it.
MAX_CODES = 10_000
#: Batches of an Event: a batch's number is one byte.
MAX_BATCHES = 250
_CANONICAL = str.maketrans("OIL", "011", "-")

#: What a promo code does: it takes a share or an amount off the price of each ticket, or admits to categories.
CodeEffect = Literal["percent", "fixed", "access"]


class CodeBatch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Promo codes of one kind, numbered from 0, which are `count`, or one that is a `word`. The others are derived, with the key of
    this version (ledger/promo_codes.py).

    `effect`: `percent` takes `value` hundredths of a percent off the price of each ticket, `fixed` as many minor units at most;
    `access` takes nothing, but its categories are sold only with it until `valid_until`. It is about the tickets of these
    categories (empty: of all). Each code is good for `max_tickets` of them, over all orders. `number` identifies the batch within
    its Event."""

    number: int
    effect: CodeEffect
    value: int
    count: int
    max_tickets: int
    categories: tuple[int, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    prefix: str = ""
    word: str = ""
    key: int = 1

    def covers(self, category: int) -> bool:
        return covers(self.categories, category)

    def tickets(self, seats: bytes) -> int:
        """How many of these tickets, each given by the number of its category, the codes are about."""
        return sum(map(seats.count, self.categories)) if self.categories else len(seats)


class CodeUse(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A promo code of an order: its batch, and its number in that."""

    batch: int
    number: int

    @property
    def key(self) -> bytes:
        return bytes((self.batch, *self.number.to_bytes(2, "big")))

    @classmethod
    def of(cls, key: bytes) -> Self:
        return cls(key[0], int.from_bytes(key[1:], "big"))


def covers(categories: Collection[int], category: int) -> bool:
    """Whether codes for these categories (none: for all) are for this one."""
    return not categories or category in categories


@lru_cache(maxsize=1024)
def canonical(text: str) -> str:
    """The one spelling of a code, in which codes are compared: case, blanks and hyphens do not matter; O is 0, I and L are 1."""
    return "".join(text.upper().split()).translate(_CANONICAL)
