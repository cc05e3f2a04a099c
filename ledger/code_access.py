"""Which categories are sold only with a promo code, as responses show it. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ledger.code_batches import CodeBatch, covers


class LiveCodes(msgspec.Struct, frozen=True, array_like=True):
    """A batch of codes that was not withdrawn: whether it admits to its categories (none: to all), and until when."""

    number: int
    is_access: bool
    categories: tuple[int, ...]
    valid_until: datetime | None

    @classmethod
    def of(cls, batch: CodeBatch) -> "LiveCodes":
        return cls(batch.number, batch.effect == "access", batch.categories, batch.valid_until)


def code_needed(category: int, live: Iterable[LiveCodes]) -> tuple[bool, datetime | None]:
    """Whether the category is sold only with a code, and until when; None: as long as it is sold."""
    ends = [codes.valid_until for codes in live if codes.is_access and covers(codes.categories, category)]
    return bool(ends), None if None in ends else max(filter(None, ends), default=None)
