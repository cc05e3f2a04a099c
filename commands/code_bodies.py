"""Request bodies of promo codes."""

from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from commands.bodies import Body, CategoryNames, Price, in_utc, to_minor_units
from ledger.code_batches import MAX_CODES
from ledger.code_rules import WHOLE
from ledger.code_views import CodeEffect
from ledger.commands import Actor, MakeCodes
from ledger.event import Event
from ledger.field_types import LocalEventTime, Text
from ledger.rules import malformed

#: Tickets that one code is good for.
MAX_TICKETS = 1_000_000


def _letters(text: str) -> str:
    """Codes are read aloud and typed: letters and digits, and hyphens between them."""
    if not text.replace("-", "").isalnum() or not text.isascii() or text.startswith("-") or text.endswith("-"):
        raise ValueError("must be letters and digits, and hyphens between them")
    return text.upper()


class NewCodes(Body):
    """New promo codes. `effect`: `percent` takes `value` percent off the price of each ticket, `fixed` that amount at most;
    `access` has no value: its `categories` are then sold only with such a code, until `valid_until`. `categories`: those that
    the codes are for, by name or id; none: all. Each code is good for `max_tickets` tickets, over all orders. `count` codes
    that begin with `prefix` are made up; or `code` is the one. Times without an offset are in the event's time zone."""

    effect: CodeEffect
    value: Price | None = None
    count: Annotated[int, Field(ge=1, le=MAX_CODES, strict=True)] = 1
    max_tickets: Annotated[int, Field(ge=1, le=MAX_TICKETS, strict=True)]
    categories: CategoryNames = Field(default_factory=list)
    valid_from: LocalEventTime | None = None
    valid_until: LocalEventTime | None = None
    prefix: Annotated[str, Text(16, at_least=2), AfterValidator(_letters)] | None = None
    code: Annotated[str, Text(32, at_least=4), AfterValidator(_letters)] | None = None

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if (self.value is None) != (self.effect == "access"):
            raise ValueError("value is needed, but for access, which has none")
        if self.code is not None and (self.prefix is not None or self.count != 1):
            raise ValueError("code is the only one: it has no prefix, and count is 1")
        return self

    def command(self, event: Event, id_: UUID, actor: Actor, key: int) -> MakeCodes:
        """`key`: with which codes are derived. Raises Malformed for a value or a time that does not exist."""
        sent: dict[str, Any] = {"valid_from": self.valid_from, "valid_until": self.valid_until}
        return MakeCodes(
            id=id_, actor=actor, event_id=event.id, effect=self.effect, value=self._stored_value(event.currency), count=self.count,
            max_tickets=self.max_tickets, categories=tuple(self.categories), **in_utc(sent, event.details.timezone),
            prefix=self.prefix or "", word=self.code or "", key=key,
        )  # fmt: skip

    def _stored_value(self, currency: str) -> int:
        """In hundredths of a percent, or in minor units."""
        value = self.value
        if value is None:
            return 0
        if self.effect == "percent":
            share = value * Decimal(WHOLE) / 100
            if share != int(share) or not 0 < share <= WHOLE:
                raise malformed("value", "must be above 0 and at most 100, with two decimals at most")
            return int(share)
        amount = to_minor_units(value, currency, "value")
        if amount == 0:
            raise malformed("value", "must be above 0")
        return amount
