"""Derived ids equal those of the standard library for the same names, and never change."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as some

from ledger.derived_ids import derived_id
from ledger.event import category_id
from ledger.views import ticket_id

IDS, NUMBERS = some.uuids(), some.integers(min_value=0, max_value=2**31)


@given(IDS, some.text())
def test_an_id_is_of_version_5(namespace: UUID, name: str) -> None:
    assert derived_id(namespace, name.encode()) == uuid5(namespace, name)


@given(IDS, NUMBERS)
def test_ids_of_tickets_and_categories_are_derived_from_their_number(of: UUID, number: int) -> None:
    assert ticket_id(of, number) == uuid5(of, f"ticket {number}")
    assert category_id(of, number) == uuid5(of, f"category {number}")
