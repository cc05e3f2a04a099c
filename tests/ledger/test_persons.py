"""One person with several ids: an account, and the contacts that it claimed. Owner and limit rules see them all."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger import entries as e
from ledger.commands import Actor, BookSeats, Command, Role
from ledger.decide import decide
from ledger.details import Category
from ledger.entries import CancelledLine
from ledger.errors import BookingNotFound, CustomerLimit
from ledger.event import Event
from ledger.evolve import evolve
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, BOB, ORGANIZER, given
from tests.soak import rounds

FIRST, SECOND = UUID(int=0xC1), UUID(int=0xC2)
CONTACTS = {id_: Actor(id_, Role.CUSTOMER) for id_ in (FIRST, SECOND)}
#: Alice, who has claimed two contacts.
WITH_CONTACTS = msgspec.structs.replace(ALICE, claimed=frozenset(CONTACTS))
BACK = s.cancelled(0, lines=(CancelledLine(1, 1, 5_000),), whole=True)


def sell(contact: UUID, same_person: frozenset[UUID], **quantities: int) -> BookSeats:
    return msgspec.structs.replace(s.book_for(ORGANIZER, CONTACTS[contact], **quantities), same_person=same_person)


def test_claimed_booking_is_cancelled_by_its_person() -> None:
    given(s.scheduled(), s.booked(CONTACTS[SECOND], s.general(1))).when(s.cancel(WITH_CONTACTS)).then(BACK)


@pytest.mark.parametrize("actor", [ALICE, msgspec.structs.replace(BOB, claimed=frozenset({FIRST})), s.GUEST])
def test_contact_s_booking_is_not_found_by_who_has_not_claimed_it(actor: Actor) -> None:
    given(s.scheduled(), s.booked(CONTACTS[SECOND], s.general(1))).when(s.cancel(actor)).refused(BookingNotFound)


def test_walk_in_s_booking_is_not_found_by_who_has_claimed_contacts() -> None:
    given(s.scheduled(), s.booked(s.GUEST, s.general(1))).when(s.cancel(WITH_CONTACTS)).refused(BookingNotFound)


def test_tickets_of_all_ids_count_for_the_limit() -> None:
    history = (
        s.scheduled(max_tickets_per_customer=3),
        s.booked(CONTACTS[FIRST], s.general(1)),
        s.booked(CONTACTS[SECOND], s.general(1), booking=s.ANOTHER_BOOKING),
    )
    given(*history).when(s.book(WITH_CONTACTS)).then(s.booked(ALICE, s.general(1)))
    given(*history).when(s.book(WITH_CONTACTS, General=2)).refused(CustomerLimit, limit=3, held=2)
    given(*history).when(s.book(ALICE, General=3)).then(s.booked(ALICE, s.general(3)))


def test_sale_at_the_box_office_counts_what_its_customer_holds_under_other_ids() -> None:
    history = (s.scheduled(max_tickets_per_customer=2), s.booked(ALICE, s.general(2)))
    others = frozenset({ALICE.id or FIRST, SECOND})
    given(*history).when(sell(FIRST, others)).refused(CustomerLimit, limit=2, held=2)
    given(*history).when(sell(FIRST, frozenset({SECOND}))).then(s.booked(CONTACTS[FIRST], s.general(1)))


def test_an_id_that_is_named_twice_counts_once() -> None:
    history = (s.scheduled(max_tickets_per_customer=2), s.booked(CONTACTS[FIRST], s.general(1)))
    given(*history).when(sell(FIRST, frozenset({FIRST}))).then(s.booked(CONTACTS[FIRST], s.general(1)))


def person_of(ids: tuple[UUID, ...], which: int) -> tuple[UUID, frozenset[UUID]]:
    id_ = ids[which % len(ids)]
    return id_, frozenset(ids) - {id_}


@settings(max_examples=rounds(150, 3_000), deadline=None)
@examples(
    limit=st.integers(1, 6),
    ids=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["book", "sell", "cancel"]), st.integers(0, 3), st.integers(1, 3)), max_size=25),
)
def test_limit_holds_over_a_person_s_ids_as_over_one(limit: int, ids: int, steps: list[tuple[str, int, int]]) -> None:
    """Whichever ids a person uses, the same commands are refused as if there were one id."""
    many = tuple(UUID(int=0xD0 + number) for number in range(ids))
    both = [_start(limit), _start(limit)]
    for kind, which, quantity in steps:
        refusals = [
            _carry_out(event, _command(event, kind, *person_of(own, which), quantity))
            for event, own in zip(both, (many, many[:1]), strict=True)
        ]
        assert refusals[0] == refusals[1]
        held = [sum(event.customers.get(id_.bytes, 0) for id_ in many) for event in both]
        assert held[0] == held[1] <= limit


def _command(event: Event, kind: str, id_: UUID, others: frozenset[UUID], quantity: int) -> Command:
    actor = Actor(id_, Role.CUSTOMER, others)
    match kind:
        case "book":
            return s.book(actor, General=quantity)
        case "sell":
            return msgspec.structs.replace(s.book_for(ORGANIZER, actor, General=quantity), same_person=others)
    assert isinstance(event.bookings, dict)
    active = [id_ for id_ in event.bookings if b"a"[0] in event.ticket_states(UUID(bytes=id_))]
    return s.cancel(actor, booking=UUID(bytes=active[-1]) if active else s.UNKNOWN_BOOKING)


def _carry_out(event: Event, command: Command) -> dict[str, object]:
    """The facts of the refusal, if it is refused."""
    try:
        made = decide(event, command, s.NOW)
    except (CustomerLimit, BookingNotFound) as refusal:
        return dict(refusal.facts)
    for entry in made:
        evolve(event, e.RecordedEntry(s.EVENT, event.version + 1, entry))
    return {}


def _start(limit: int) -> Event:
    return s.replayed(s.scheduled(Category(1, "General", 5_000, 1_000), max_tickets_per_customer=limit))
