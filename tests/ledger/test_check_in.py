"""Checking tickets in: each once, for its own Event."""

import pytest

from ledger.commands import Actor
from ledger.entries import CancelledLine
from ledger.errors import EventNotBookable, InvalidCode, Malformed, NotYourEvent, TicketAlreadyUsed, TicketCancelled
from tests.ledger import scenario as s
from tests.ledger.scenario import ADMIN, ALICE, BOOKING, ORGANIZER, STARTS, given

SOLD = (s.scheduled(), s.booked(ALICE, s.general(2), s.vip(1)))


@pytest.mark.parametrize("actor", [ORGANIZER, ADMIN])
def test_a_ticket_is_checked_in_by_the_organizer_and_an_admin(actor: Actor) -> None:
    event = given(*SOLD).when(s.check_in(actor, 1)).then(s.used(1))
    assert event.ticket_states(BOOKING) == b"aua"
    assert [seats.taken for seats in event.categories.values()] == [2, 1]


@pytest.mark.parametrize("actor", [ALICE, s.OTHER_ORGANIZER, s.AUDITOR, s.GUEST])
def test_a_ticket_is_checked_in_by_nobody_else(actor: Actor) -> None:
    given(*SOLD).when(s.check_in(actor)).refused(NotYourEvent)


def test_a_ticket_is_checked_in_before_and_after_the_start() -> None:
    given(*SOLD).when(s.check_in(ORGANIZER)).then(s.used(0))
    given(*SOLD).when(s.check_in(ORGANIZER), at=STARTS).then(s.used(0))


def test_a_ticket_is_checked_in_once() -> None:
    given(*SOLD, s.used(1)).when(s.check_in(ORGANIZER, 1)).refused(TicketAlreadyUsed)
    given(*SOLD, s.used(1)).when(s.check_in(ORGANIZER, 0)).then(s.used(0))


def test_a_cancelled_ticket_is_not_checked_in() -> None:
    back = s.cancelled(0, lines=(CancelledLine(1, 1, 5_000),), whole=False)
    given(*SOLD, back).when(s.check_in(ORGANIZER, 0)).refused(TicketCancelled)


def test_a_cancelled_event_refuses_check_ins() -> None:
    given(*SOLD, s.event_cancelled()).when(s.check_in(ORGANIZER)).refused(TicketCancelled)


def test_a_completed_event_refuses_check_ins() -> None:
    given(*SOLD, s.event_completed()).when(s.check_in(ORGANIZER)).refused(EventNotBookable, reason="completed")


def test_a_code_of_an_unknown_booking_is_invalid() -> None:
    given(*SOLD).when(s.check_in(ORGANIZER, booking=s.UNKNOWN_BOOKING)).refused(InvalidCode)


@pytest.mark.parametrize("ticket", [3, -1])
def test_an_unknown_ticket_is_refused(ticket: int) -> None:
    problem = {"path": "tickets", "message": "no such ticket"}
    given(*SOLD).when(s.check_in(ORGANIZER, ticket)).refused(Malformed, errors=[problem])
