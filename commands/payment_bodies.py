"""Request bodies of payments and refunds at the box office."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from commands.bodies import Body, decimal_text
from ledger.field_types import Text
from ledger.money import to_minor
from ledger.rules import malformed
from ledger.views import BoxOfficeMethod, RefundMethod

#: All seats of a booking at the highest price are fewer minor units.
_MAX_DIGITS = 17
_SEPARATORS, _MANY_DIGITS = re.compile(r"[\W_]+"), re.compile(r"\d{12}")


def _not_an_account(reference: str) -> str:
    """The ledger is for ever and for many readers: numbers of cards and bank accounts must not get into it."""
    if _MANY_DIGITS.search(_SEPARATORS.sub("", unicodedata.normalize("NFKC", reference))):
        raise ValueError("must not be the number of a card or a bank account: use that of the receipt")
    return reference


Amount = Annotated[
    Decimal,
    BeforeValidator(decimal_text(15)),
    Field(gt=0, max_digits=_MAX_DIGITS, allow_inf_nan=False),
    WithJsonSchema({"type": "string", "format": "number", "examples": ["25.00"], "description": "A number is accepted too"}),
]
Reference = Annotated[str, Text(64, at_least=0, is_name=True), AfterValidator(_not_an_account)]


class BoxOfficeMoney(Body):
    """Money that changed hands. `reference`: of the receipt of the card terminal, say; it stays in the ledger, so it is no number
    of a card or a bank account."""

    amount: Amount
    reference: Reference = ""

    def minor_units(self, currency: str) -> int:
        """Raises Malformed for an amount with more decimals than the currency has."""
        try:
            return to_minor(self.amount, currency)
        except ValueError as error:
            raise malformed("amount", str(error)) from None


class NewPayment(BoxOfficeMoney):
    """A payment that the box office took: all that is due for the booking. `kind`: how."""

    kind: BoxOfficeMethod


class NewRefund(BoxOfficeMoney):
    """Money that the box office gave back: what is owed for the booking, or less. `goodwill`: it may be more, up to what was paid;
    that lowers the price of the booking. `kind`: how; `original`: the provider that took it gives it back, out of goodwill (what is
    owed otherwise it gives back by itself)."""

    kind: RefundMethod
    goodwill: bool = False
