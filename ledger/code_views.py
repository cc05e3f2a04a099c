"""A batch of promo codes as the API shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from ledger.code_batches import CodeEffect as Effect
from ledger.entries import CodesMade, RecordedEntry
from ledger.event import batch_id, category_id
from ledger.money import to_text
from ledger.views import Money

CodeEffect = TypeAliasType("CodeEffect", Effect)
#: With two decimals a percentage is as exact as its entry.
_PERCENT_DECIMALS = 2


@dataclass(slots=True, kw_only=True)
class CodeBatchView:
    """Promo codes of one kind. `effect`: `percent` takes `value` percent off the price of each ticket, `fixed` that amount at most;
    `access` takes nothing off, but its categories are sold only with it. `categories`: the ids of those that it is for; empty:
    all. Each of the `count` codes is good for `max_tickets` tickets, over all orders. They begin with `prefix`; or it is one, the
    word `code`."""

    id: UUID
    effect: CodeEffect
    value: Annotated[str, Field(examples=["12.50"])]
    count: int
    max_tickets: int
    categories: list[UUID]
    valid_from: datetime | None
    valid_until: datetime | None
    prefix: str
    code: str | None
    made_at: datetime


@dataclass(slots=True, kw_only=True)
class MadeCodesView:
    """A new batch, and its codes. They are shown this once, and again only to a retry of the same request."""

    batch: CodeBatchView
    codes: list[str]


@dataclass(slots=True, kw_only=True)
class CodeSalesView(CodeBatchView):
    """A batch with what was ordered with it. `held`, `booked`, `cancelled`: tickets; those that are cancelled were booked. `gross`:
    what the booked ones cost, after `discount`; `refunded`: of that."""

    withdrawn_at: datetime | None
    held: int
    booked: int
    cancelled: int
    discount: Money
    gross: Money
    refunded: Money
    currency: str


def code_value(effect: Effect, value: int, currency: str) -> str:
    """The value of codes: a percentage or an amount, as a decimal string."""
    if effect == "fixed":
        return to_text(value, currency)
    return f"{value // 100}.{value % 100:0{_PERCENT_DECIMALS}}"


def code_batch_view(recorded: RecordedEntry, currency: str) -> CodeBatchView:
    entry, event_id = recorded.entry, recorded.stream
    assert isinstance(entry, CodesMade)
    batch = entry.batch
    return CodeBatchView(
        id=batch_id(event_id, batch.number), effect=batch.effect, value=code_value(batch.effect, batch.value, currency),
        count=batch.count, max_tickets=batch.max_tickets, categories=[category_id(event_id, number) for number in batch.categories],
        valid_from=batch.valid_from, valid_until=batch.valid_until, prefix=batch.prefix, code=batch.word or None, made_at=entry.at,
    )  # fmt: skip
