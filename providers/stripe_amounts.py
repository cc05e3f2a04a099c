"""Amounts as Stripe has them: for some currencies not in the minor units of ISO 4217.

Source: https://docs.stripe.com/currencies
"""

from ledger.money import MAX_AMOUNT, exponent

#: Decimals where Stripe differs: it has none of MGA, and two of some currencies that have none any more.
_DECIMALS = {"MGA": 0, "ISK": 2, "UGX": 2}


def to_stripe(amount: int, currency: str) -> int:
    """An amount in minor units, in Stripe's. Raises ValueError where Stripe can't take it."""
    more = _more_decimals(currency)
    if more >= 0:
        taken = amount * _power(more)
    else:
        taken, rest = divmod(amount, _power(-more))
        if rest:
            raise ValueError(f"Stripe takes whole amounts of {currency} alone")
    if exponent(currency) == 3 and taken % 10:
        raise ValueError(f"Stripe takes two decimals of {currency} alone")
    return taken


def from_stripe(amount: int, currency: str) -> int:
    """Raises ValueError for an amount of another currency, of nothing, or that can't be in minor units."""
    more = _more_decimals(currency)
    if more <= 0:
        told, rest = amount * _power(-more), 0
    else:
        told, rest = divmod(amount, _power(more))
    if rest or not 0 < told <= MAX_AMOUNT:
        raise ValueError(f"{amount} is no amount of {currency}")
    return told


def _more_decimals(currency: str) -> int:
    """How many more decimals Stripe has than ISO 4217. Raises ValueError for a code that is not in ISO 4217."""
    decimals = exponent(currency)
    return _DECIMALS.get(currency, decimals) - decimals


def _power(decimals: int) -> int:
    return int(10**decimals)
