"""Which messages follow from an entry."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import entries as e
from ledger.details import Details
from ledger.entries import RecordedEntry
from ledger.outbox import PROMPT, TO_MANY, Message, message_id
from notifications.messages import _MESSAGES, FEW, NEWS, TOLD, UNTOLD, messages_of
from tests.ledger import scenario as s

ALICE, BOB = s.ALICE.id, s.BOB.id
assert ALICE is not None
assert BOB is not None


class Known:
    """Alice booked, and Alice and Bob have tickets."""

    def of_booking(self, event_id: UUID, booking_id: UUID) -> UUID | None:
        return {s.BOOKING: ALICE, s.ANOTHER_BOOKING: None}[booking_id]

    def of_event(self, event_id: UUID, before: int) -> Collection[UUID]:
        assert ALICE is not None
        assert BOB is not None
        return [ALICE, BOB]

    def details_before(self, event_id: UUID, version: int) -> Details:
        return s.details()


def told(entry: e.Entry, *, mac: bytes = b"mac") -> list[Message]:
    return list(messages_of(RecordedEntry(s.EVENT, 7, entry, 42, mac), Known(), s.BEFORE))


def kinds(entry: e.Entry) -> list[tuple[str, UUID]]:
    return [(message.kind, message.recipient_id) for message in told(entry)]


def test_every_entry_is_told_or_named_as_untold() -> None:
    assert _MESSAGES.keys() | UNTOLD == set(e.TOPICS.values())
    assert not _MESSAGES.keys() & UNTOLD


def test_customer_is_told_of_a_booking() -> None:
    (message,) = told(s.booked(s.ALICE, s.general(2)))
    assert (message.kind, message.recipient_id, message.booking_id) == ("booking-confirmed", ALICE, s.BOOKING)
    assert (message.event_id, message.position) == (s.EVENT, 42)
    assert told(s.booked(s.GUEST, s.general(1))) == []  # a walk-in


def test_mail_with_many_tickets_goes_after_those_with_few() -> None:
    priorities = [told(s.booked(s.ALICE, s.general(quantity)))[0].priority for quantity in (1, FEW, FEW + 1)]
    assert priorities == [PROMPT, PROMPT, TO_MANY]


def test_customer_is_told_which_tickets_were_cancelled_and_what_is_due() -> None:
    lines = (e.CancelledLine(1, 2, 10_000), e.CancelledLine(2, 1, 12_000))
    (message,) = told(s.cancelled(0, 2, 3, lines=lines, whole=False))
    assert (message.kind, message.recipient_id) == ("tickets-cancelled", ALICE)
    assert message.details == {"tickets": (0, 2, 3), "refund": 22_000}
    assert told(s.cancelled(0, lines=lines[:1], whole=True, booking=s.ANOTHER_BOOKING)) == []


def test_who_paid_is_told_that_nothing_was_booked() -> None:
    assert BOB is not None
    payment = s.received(5_000, booking=s.PAYMENT, method="demo")
    (message,) = told(msgspec.structs.replace(payment, customer_id=BOB))
    assert (message.kind, message.recipient_id, message.booking_id) == ("payment-not-booked", BOB, None)
    assert message.details == {"amount": 5_000, "currency": "EUR"}
    assert told(payment) == [], "a walk-in"
    assert told(s.received(5_000)) == [], "the booking is told"


@pytest.mark.parametrize("name", TOLD)
def test_customers_are_told_of_each_change_that_concerns_them(name: str) -> None:
    new = {"name": "Other", "venue": "Elsewhere", "timezone": "Europe/Vienna"}.get(name, s.STARTS + timedelta(hours=1))
    messages = told(s.details_changed(**{name: new}))
    assert [(message.kind, message.recipient_id) for message in messages] == [("event-changed", ALICE), ("event-changed", BOB)]
    before, after = messages[0].details["before"], messages[0].details["after"]
    assert {field for field in TOLD if before[field] != after[field]} == {name}


@pytest.mark.parametrize("change", [{"description": "More"}, {"sales_close_at": s.NOW}, {"max_tickets_per_customer": 4}])
def test_nobody_is_told_of_other_changes(change: dict[str, object]) -> None:
    assert told(s.details_changed(**change)) == []


def test_customers_are_told_why_an_event_is_cancelled() -> None:
    messages = told(s.event_cancelled("The singer is ill."))
    assert [(one.kind, one.recipient_id) for one in messages] == [("event-cancelled", ALICE), ("event-cancelled", BOB)]
    assert messages[0].details == {"reason": "The singer is ill."}


def test_nobody_is_told_of_what_is_no_news() -> None:
    recorded = RecordedEntry(s.EVENT, 7, s.booked(s.ALICE, s.general(1)), 42, b"mac")
    assert messages_of(recorded, Known(), s.BEFORE + NEWS)
    assert not messages_of(recorded, Known(), s.BEFORE + NEWS + timedelta(seconds=1))


def test_id_follows_from_the_entry_and_not_from_its_position() -> None:
    entry = s.booked(s.ALICE, s.general(1))
    ids = {messages_of(RecordedEntry(s.EVENT, 7, entry, position, b"mac"), Known(), s.BEFORE)[0].id for position in (42, 43)}
    assert len(ids) == 1
    assert told(entry, mac=b"another")[0].id not in ids


_PARTS = st.tuples(st.binary(max_size=20), st.text(max_size=20), st.uuids())


@given(_PARTS, _PARTS)
def test_ids_are_equal_only_for_the_same_message(one: tuple[bytes, str, UUID], other: tuple[bytes, str, UUID]) -> None:
    assert (message_id(*one) == message_id(*other)) is (one == other)
