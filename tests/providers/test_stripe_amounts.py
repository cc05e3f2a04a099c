"""Amounts are told to Stripe in its units, and read back as what they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from ledger.money import MAX_AMOUNT
from providers.stripe_amounts import from_stripe, to_stripe

CODES = [currency.code for currency in Currency if currency.exponent is not None]


@pytest.mark.parametrize(
    ("amount", "currency", "taken"),
    [
        (5_000, "EUR", 5_000), (5_000, "JPY", 5_000), (5_000, "ISK", 500_000), (5_000, "UGX", 500_000), (5_000, "HUF", 5_000),
        (5_000, "MGA", 50), (12_500, "KWD", 12_500),
    ],
)  # fmt: skip
def test_units_are_those_of_stripe(amount: int, currency: str, taken: int) -> None:
    assert to_stripe(amount, currency) == taken
    assert from_stripe(taken, currency) == amount


@pytest.mark.parametrize(("amount", "currency"), [(5_001, "MGA"), (12_505, "KWD"), (1, "XYZ"), (1, "eur")])
def test_what_stripe_can_not_take_is_refused(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        to_stripe(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency"), [(0, "EUR"), (-1, "EUR"), (MAX_AMOUNT + 1, "EUR"), (5_050, "ISK"), (1, "XYZ"), (MAX_AMOUNT, "MGA")]
)
def test_impossible_amounts_are_not_read(amount: int, currency: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        from_stripe(amount, currency)


@given(st.integers(1, MAX_AMOUNT), st.sampled_from(CODES))
def test_an_amount_is_what_it_was(amount: int, currency: str) -> None:
    try:
        taken = to_stripe(amount, currency)
    except ValueError:
        return
    assert from_stripe(taken, currency) == amount
