"""Nothing is booked at another total than the command expects. The check is part of the decision, on the newest Event."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as some

from ledger.commands import Actor, BookSeats
from ledger.errors import PriceChanged, SoldOut
from ledger.money import to_text
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, ORGANIZER, given


def expecting(total: str | None, command: BookSeats) -> BookSeats:
    return msgspec.structs.replace(command, expected_total=total)


@pytest.mark.parametrize("total", [None, "220", "220.0", "220.00", "0220.0000"])
@pytest.mark.parametrize("actor", [ALICE, ORGANIZER])
def test_seats_at_the_expected_total_are_booked(total: str | None, actor: Actor) -> None:
    lines = s.general(2), s.vip(1)
    expected = s.booked(ALICE, *lines) if actor is ALICE else s.booked(s.GUEST, *lines)
    given(s.scheduled()).when(expecting(total, s.book(actor, General=2, VIP=1))).then(expected)


@pytest.mark.parametrize("total", ["0", "219.99", "220.01", "220.001", "100", "999999999999999.9999"])
def test_seats_at_another_total_are_refused_with_it(total: str) -> None:
    wanted = s.book(ALICE, General=2, VIP=1)
    given(s.scheduled()).when(expecting(total, wanted)).refused(PriceChanged, total_amount="220.00")


def test_sold_out_counts_more_than_the_price() -> None:
    given(s.scheduled()).when(expecting("1", s.book(ALICE, General=11))).refused(SoldOut, category="General", available=10, held=0)


@for_all(general=some.integers(0, 10), vip=some.integers(0, 5), expected=some.integers(0, 10**7))
def test_only_the_exact_total_is_accepted(general: int, vip: int, expected: int) -> None:
    quantities = {name: quantity for name, quantity in (("General", general), ("VIP", vip)) if quantity}
    total = general * s.GENERAL.price + vip * s.VIP.price
    lines = [line for line in (s.general(general), s.vip(vip)) if line.quantity]
    if not lines:
        return
    right, other = to_text(total, "EUR"), to_text(expected, "EUR")
    given(s.scheduled()).when(expecting(right, s.book(ALICE, **quantities))).then(s.booked(ALICE, *lines))
    if Decimal(other) != Decimal(right):
        given(s.scheduled()).when(expecting(other, s.book(ALICE, **quantities))).refused(PriceChanged, total_amount=right)
