"""Booking without an account: when an Event permits it, and what follows from a limit of tickets per customer."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.commands import Actor, BookSeats, Role
from ledger.decide import decide
from ledger.details import GuestCheckout
from ledger.entries import EventDetailsChanged, EventScheduled
from ledger.errors import CustomerLimit, EmailUnverified, GuestCheckoutOff, Malformed, NotOnSale, SeatledgerError
from tests.ledger import scenario as s
from tests.ledger.scenario import given

CONTACT_ID = UUID(int=0xC1)
CONTACT = Actor(CONTACT_ID, Role.CUSTOMER)
CHECKOUTS: tuple[GuestCheckout, ...] = ("off", "open", "proven")
OPEN_LIMIT = {"path": "guest_checkout", "message": "must be proven or off where max_tickets_per_customer is set"}


def guest_books(guest: Any, actor: Actor = CONTACT, /, **quantities: int) -> BookSeats:
    return msgspec.structs.replace(s.book(actor, **quantities), guest=guest)


@pytest.mark.parametrize(("checkout", "guest"), [("open", "unproven"), ("open", "proven"), ("proven", "proven")])
def test_a_guest_books_where_the_event_permits_it(checkout: str, guest: str) -> None:
    event = given(s.scheduled(guest_checkout=checkout)).when(guest_books(guest)).then(s.booked(CONTACT, s.general(1)))
    assert event.customers[CONTACT_ID.bytes] == 1


@pytest.mark.parametrize("guest", ["unproven", "proven"])
def test_no_guest_books_where_guests_are_off(guest: str) -> None:
    given(s.scheduled()).when(guest_books(guest)).refused(GuestCheckoutOff)


def test_an_unproven_guest_is_told_to_prove_the_address() -> None:
    given(s.scheduled(guest_checkout="proven")).when(guest_books("unproven")).refused(EmailUnverified)


@pytest.mark.parametrize("checkout", CHECKOUTS)
def test_accounts_book_however_guests_do(checkout: str) -> None:
    given(s.scheduled(guest_checkout=checkout)).when(s.book(s.ALICE)).then(s.booked(s.ALICE, s.general(1)))


def test_guests_wait_for_sales_to_open_as_customers_do() -> None:
    refusal = given(s.scheduled(guest_checkout="open", sales_open_at=s.STARTS)).when(guest_books("unproven"))
    refusal.refused(NotOnSale, opens_at=s.STARTS.isoformat(), closed_at=None)


def test_a_proven_guest_has_the_limit_of_a_customer() -> None:
    history = (s.scheduled(guest_checkout="proven", max_tickets_per_customer=2), s.booked(CONTACT, s.general(2)))
    given(*history).when(guest_books("proven")).refused(CustomerLimit, limit=2, held=2)


@pytest.mark.parametrize(("limit", "checkout"), [(None, "open"), (4, "proven")])
def test_an_event_that_does_not_say_takes_guests_as_its_limit_permits(limit: int | None, checkout: GuestCheckout) -> None:
    command = msgspec.structs.replace(s.schedule(max_tickets_per_customer=limit), has_default_guests=True)
    given().when(command).then(s.scheduled(max_tickets_per_customer=limit, guest_checkout=checkout))


def test_an_event_with_a_limit_is_not_open_to_unproven_guests() -> None:
    refusal = given().when(s.schedule(max_tickets_per_customer=4, guest_checkout="open"))
    refusal.refused(Malformed, errors=[OPEN_LIMIT])
    history = s.scheduled(guest_checkout="proven", max_tickets_per_customer=4)
    given(history).when(s.change(guest_checkout="open")).refused(Malformed, errors=[OPEN_LIMIT])
    given(s.scheduled()).when(s.change(guest_checkout="open", max_tickets_per_customer=4)).refused(Malformed, errors=[OPEN_LIMIT])


def test_a_new_limit_makes_guests_prove_their_address() -> None:
    given(s.scheduled(guest_checkout="open")).when(s.change(max_tickets_per_customer=4)).then(
        s.details_changed(max_tickets_per_customer=4, guest_checkout="proven")
    )


@pytest.mark.parametrize("checkout", ["off", "proven"])
def test_a_new_limit_changes_nothing_else_about_guests(checkout: str) -> None:
    given(s.scheduled(guest_checkout=checkout)).when(s.change(max_tickets_per_customer=4)).then(
        s.details_changed(max_tickets_per_customer=4, guest_checkout=checkout)
    )


_details = {"max_tickets_per_customer": st.none() | st.integers(1, 9), "guest_checkout": st.sampled_from(CHECKOUTS)}
_changes = st.fixed_dictionaries({}, optional=_details)


@for_all(_changes, _changes)
def test_no_sequence_of_changes_leaves_a_limit_that_anybody_walks_round(first: dict[str, Any], second: dict[str, Any]) -> None:
    command = msgspec.structs.replace(s.schedule(**first), has_default_guests="guest_checkout" not in first)
    try:
        (scheduled,) = decide(None, command, s.NOW)
        assert isinstance(scheduled, EventScheduled)
        (changed,) = decide(s.replayed(scheduled), s.change(**second), s.NOW)
    except SeatledgerError as error:
        assert error.facts["errors"] == [OPEN_LIMIT]  # noqa: PT017 - most sequences are permitted
        return
    assert isinstance(changed, EventDetailsChanged)
    details = changed.details
    assert (details.max_tickets_per_customer is None) or details.guest_checkout != "open"
