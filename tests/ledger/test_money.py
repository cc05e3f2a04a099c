"""Amounts are exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import exponent, to_minor, to_text


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "text"),
    [
        ("50.00", "EUR", 5_000, "50.00"), ("50", "EUR", 5_000, "50.00"), ("0.05", "EUR", 5, "0.05"), ("0", "EUR", 0, "0.00"),
        ("-0.05", "EUR", -5, "-0.05"), ("500", "JPY", 500, "500"), ("1.234", "KWD", 1_234, "1.234"), ("5E1", "EUR", 5_000, "50.00"),
        ("50.0000", "EUR", 5_000, "50.00"), ("10000000.00", "EUR", 1_000_000_000, "10000000.00"), ("7", "XAU", 7, "7"),
    ],
)  # fmt: skip
def test_an_amount_is_a_whole_number_of_minor_units(amount: str, currency: str, minor: int, text: str) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert to_text(minor, currency) == text


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "EUR"),
        ("0.5", "JPY"),
        ("1." + "0" * 40 + "1", "EUR"),
        ("1E-400", "EUR"),
        ("NaN", "EUR"),
        ("sNaN", "EUR"),
        ("Infinity", "EUR"),
    ],
)
def test_an_amount_with_too_many_decimals_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"decimals|NaN"):
        to_minor(Decimal(amount), currency)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_money_survives_the_round_trip_to_text(minor: int, currency: str) -> None:
    assert to_minor(Decimal(to_text(minor, currency)), currency) == minor


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO", "ZZZ"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        exponent(code)
