"""Money: a whole number of minor units in the ledger, a decimal string in the API. ISO 4217 gives the number of decimals."""

from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from functools import cache, lru_cache

from iso4217 import Currency

#: The highest price of one seat, in minor units: a revenue of 1,000,000 of them still fits a bigint many times over.
MAX_PRICE = 1_000_000_000
#: The most that one payment can be, in minor units: the seats of a booking cost less, and sums of it still fit a bigint.
MAX_AMOUNT = 10**15


@cache
def exponent(currency: str) -> int:
    """The number of decimals of a currency. Raises ValueError for a code that is not in ISO 4217."""
    return Currency(currency).exponent or 0


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in minor units. Raises ValueError if it has more decimals than the currency or too many digits, or is no
    number."""
    with localcontext(Context(traps=[Inexact, InvalidOperation])):  # the default context rounds to 28 digits
        try:
            return int(amount.scaleb(exponent(currency)).to_integral_exact())
        except ArithmeticError:
            raise ValueError(f"{currency} has {exponent(currency)} decimals") from None


@lru_cache(maxsize=4096)
def to_text(minor: int, currency: str) -> str:
    """The decimal string of an amount: 5000 minor units of EUR are "50.00"."""
    decimals = exponent(currency)
    if decimals == 0:
        return str(minor)
    sign, digits = "-" * (minor < 0), str(abs(minor)).zfill(decimals + 1)
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
