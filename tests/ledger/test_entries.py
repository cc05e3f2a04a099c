"""What is stored for ever: topics, and the bytes of entries."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given

from ledger import entries as e
from ledger.code_batches import CodeBatch, CodeUse
from ledger.details import Category, Details, Pool
from ledger.mapper import Unreadable, decode, encode
from tests.ledger.histories import histories

GOLDEN = json.loads(Path(__file__).with_name("golden_entries.json").read_text())
ADVICE = (
    "The stored shape of {} has changed. Ledgers out there keep the old one for ever: leave this topic as it was, add a new one "
    "(/2, /3 …) and an upcaster from the old (ledger/entries.py), and add the new one to golden_entries.json."
)

AT = datetime(2026, 6, 1, 12, 30, 15, 250_000, tzinfo=UTC)
ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)
STAMP: dict[str, Any] = {"at": AT, "actor": ONE, "command": TWO, "digest": bytes(range(16))}
BY_NOBODY: dict[str, Any] = {**STAMP, "actor": None}
BARE = Details("Concert", AT)
FULL = Details("Concert", AT, "Loud", "Hall", AT, "Europe/Berlin", AT, AT, 4)
OPEN, LASTING = Details("Concert", None), Details("Exhibition", AT, sells_after_start=True)
SHOWN = Details("Concert", AT, show_at=AT)
GUESTS = (Details("Concert", AT, guest_checkout="open"), Details("Concert", None, guest_checkout="proven"))
LONGER = Details("Concert", AT, hold_minutes=30)
PAID = Details("Concert", AT, payment_methods=("box_office",))
#: Each entry with as little and with as much as it can carry.
EXAMPLES: dict[str, list[e.Entry]] = {
    "event-scheduled/1": [
        e.EventScheduled(
            **STAMP, details=BARE, currency="EUR", organizer_id=THREE, categories=(Category(1, "General", 5_000, 10),)
        ),
        e.EventScheduled(
            **STAMP,
            details=FULL,
            currency="JPY",
            organizer_id=THREE,
            categories=(Category(1, "é", 0, 1), Category(2, "B", 1, 2)),
        ),
    ],
    "event-scheduled/2": [
        e.EventScheduled(**STAMP, details=details, currency="EUR", organizer_id=THREE, categories=(Category(1, "General", 0, 1),))
        for details in (OPEN, LASTING, SHOWN)
    ],
    "event-scheduled/3": [
        e.EventScheduled(**STAMP, details=details, currency="EUR", organizer_id=THREE, categories=(Category(1, "General", 0, 1),))
        for details in GUESTS
    ],
    "event-scheduled/4": [
        e.EventScheduled(**STAMP, details=LONGER, currency="EUR", organizer_id=THREE, categories=(Category(1, "General", 0, 1),))
    ],
    "event-scheduled/5": [
        e.EventScheduled(**STAMP, details=PAID, currency="EUR", organizer_id=THREE, categories=(Category(1, "General", 1, 1),))
    ],
    "event-details-changed/5": [e.EventDetailsChanged(**STAMP, details=PAID)],
    "event-details-changed/4": [e.EventDetailsChanged(**STAMP, details=LONGER)],
    "event-details-changed/3": [e.EventDetailsChanged(**STAMP, details=details) for details in GUESTS],
    "event-details-changed/2": [e.EventDetailsChanged(**STAMP, details=OPEN), e.EventDetailsChanged(**STAMP, details=LASTING)],
    "event-details-changed/1": [e.EventDetailsChanged(**STAMP, details=BARE), e.EventDetailsChanged(**STAMP, details=FULL)],
    "category-added/1": [e.CategoryAdded(**STAMP, category=Category(3, "Balcony", 2_500, 7))],
    "category-renamed/1": [e.CategoryRenamed(**STAMP, category=1, name="Stalls")],
    "price-changed/1": [e.PriceChanged(**STAMP, category=1, price=6_000)],
    "capacity-changed/1": [e.CapacityChanged(**STAMP, category=1, capacity=12)],
    "category-removed/1": [e.CategoryRemoved(**STAMP, category=2)],
    "pools-set/1": [
        e.PoolsSet(**STAMP, pools=()),
        e.PoolsSet(**STAMP, pools=(Pool(1, "Hall", 100, (1, 2)), Pool(3, "é", 1, ()))),
    ],
    "seats-booked/1": [
        e.SeatsBooked(**BY_NOBODY, customer_id=None, lines=(e.Line(1, "General", 2, 5_000),), details_version=1),
        e.SeatsBooked(
            **STAMP,
            customer_id=ONE,
            lines=(e.Line(1, "General", 2, 5_000), e.Line(2, "VIP", 1, 0)),
            details_version=3,
            ticket_key=2,
        ),
    ],
    "seats-booked/2": [
        e.SeatsBooked(**STAMP, customer_id=ONE, lines=(e.Line(1, "General", 1, 5_000),), details_version=1, hold_id=THREE),
        e.SeatsBooked(
            **STAMP, customer_id=None, lines=(e.Line(1, "General", 2, 5_000),), details_version=1, hold_id=THREE, amounts=(4, 3)
        ),
        e.SeatsBooked(**STAMP, customer_id=ONE, lines=(e.Line(1, "General", 1, 5_000),), details_version=1, amounts=(4_500,)),
    ],
    "codes-made/1": [
        e.CodesMade(**STAMP, batch=CodeBatch(1, "percent", 1_250, 100, 2)),
        e.CodesMade(**STAMP, batch=CodeBatch(2, "fixed", 500, 3, 1, (1, 2), AT, AT, "SPRING", key=2)),
        e.CodesMade(**STAMP, batch=CodeBatch(3, "access", 0, 1, 500, (2,), word="FRIENDS")),
    ],
    "codes-withdrawn/1": [e.CodesWithdrawn(**STAMP, batch=2)],
    "seats-held/2": [
        e.SeatsHeld(
            **STAMP,
            customer_id=ONE,
            lines=(e.Line(1, "General", 2, 5_000),),
            details_version=1,
            expires_at=AT,
            code=CodeUse(1, 9_999),
            amounts=(4_000, 3_999),
        ),
        e.SeatsHeld(
            **STAMP, customer_id=None, lines=(e.Line(2, "VIP", 1, 0),), details_version=3, expires_at=AT, code=CodeUse(250, 0)
        ),
    ],
    "seats-booked/3": [
        e.SeatsBooked(
            **STAMP,
            customer_id=ONE,
            lines=(e.Line(1, "General", 2, 5_000),),
            details_version=1,
            hold_id=THREE,
            amounts=(4, 3),
            code=CodeUse(1, 5),
        ),
        e.SeatsBooked(**STAMP, customer_id=ONE, lines=(e.Line(1, "General", 1, 5_000),), details_version=1, code=CodeUse(3, 0)),
    ],
    "seats-booked/4": [
        e.SeatsBooked(**STAMP, customer_id=ONE, lines=(e.Line(1, "General", 1, 5_000),), details_version=1, is_payable=True),
        e.SeatsBooked(
            **STAMP,
            customer_id=ONE,
            lines=(e.Line(1, "General", 2, 5_000),),
            details_version=1,
            hold_id=THREE,
            amounts=(4, 3),
            code=CodeUse(1, 5),
            is_payable=True,
        ),
    ],
    "payment-received/1": [
        e.PaymentReceived(**STAMP, payment_id=TWO, booking_id=THREE, method="cash", amount=5_000, currency="EUR"),
        e.PaymentReceived(
            **BY_NOBODY, payment_id=ONE, booking_id=THREE, method="card", amount=1, currency="JPY", reference="0042-é"
        ),
        e.PaymentReceived(**BY_NOBODY, payment_id=ONE, booking_id=ONE, method="demo", amount=1, currency="JPY", customer_id=TWO),
    ],
    "refund-owed/1": [
        e.RefundOwed(**STAMP, refund_id=ONE, payment_id=TWO, booking_id=THREE, amount=5_000, reason="cancelled"),
        e.RefundOwed(**BY_NOBODY, refund_id=ONE, payment_id=TWO, booking_id=THREE, amount=1, reason="goodwill"),
        e.RefundOwed(**BY_NOBODY, refund_id=ONE, payment_id=TWO, booking_id=THREE, amount=1, reason="exceeds"),
        e.RefundOwed(**BY_NOBODY, refund_id=ONE, payment_id=TWO, booking_id=THREE, amount=1, reason="not-booked"),
    ],
    "payment-started/1": [
        e.PaymentStarted(**STAMP, hold_id=THREE, customer_id=ONE, method="demo", amount=5_000, payable_until=AT, expires_at=AT),
        e.PaymentStarted(**STAMP, hold_id=THREE, customer_id=None, method="demo", amount=1, payable_until=AT, expires_at=AT),
    ],
    "refund-failed/1": [
        e.RefundFailed(**BY_NOBODY, refund_id=ONE, payment_id=TWO, booking_id=THREE, amount=5_000, reason="expired_card")
    ],
    "refund-paid/1": [
        e.RefundPaid(**STAMP, refund_id=ONE, payment_id=TWO, booking_id=THREE, method="cash", amount=5_000),
        e.RefundPaid(**BY_NOBODY, refund_id=ONE, payment_id=TWO, booking_id=THREE, method="other", amount=1, reference="0042"),
    ],
    "booking-cancelled/3": [
        e.BookingCancelled(
            **STAMP, booking_id=THREE, tickets=(0,), lines=(e.CancelledLine(1, 1, 5_000),), whole=False, less_to_pay=5_000
        ),
        e.BookingCancelled(
            **STAMP,
            booking_id=THREE,
            tickets=(0,),
            lines=(e.CancelledLine(1, 1, 4),),
            whole=True,
            code=CodeUse(1, 5),
            less_to_pay=0,
        ),
    ],
    "booking-cancelled/2": [
        e.BookingCancelled(
            **STAMP, booking_id=THREE, tickets=(0,), lines=(e.CancelledLine(1, 1, 4),), whole=False, code=CodeUse(1, 5)
        ),
    ],
    "seats-held/1": [
        e.SeatsHeld(**STAMP, customer_id=ONE, lines=(e.Line(1, "General", 2, 5_000),), details_version=1, expires_at=AT),
        e.SeatsHeld(**STAMP, customer_id=None, lines=(e.Line(2, "VIP", 1, 0),), details_version=3, expires_at=AT),
    ],
    "hold-extended/1": [e.HoldExtended(**STAMP, hold_id=THREE, expires_at=AT)],
    "hold-released/1": [e.HoldReleased(**STAMP, hold_id=THREE)],
    "holds-lapsed/1": [e.HoldsLapsed(**BY_NOBODY, hold_ids=(ONE,)), e.HoldsLapsed(**BY_NOBODY, hold_ids=(ONE, THREE))],
    "booking-cancelled/1": [
        e.BookingCancelled(**STAMP, booking_id=THREE, tickets=(0, 2), lines=(e.CancelledLine(1, 2, 10_000),), whole=False),
        e.BookingCancelled(**STAMP, booking_id=THREE, tickets=(1,), lines=(e.CancelledLine(2, 1, 0),), whole=True),
    ],
    "ticket-used/1": [e.TicketUsed(**STAMP, booking_id=THREE, ticket=1)],
    "event-cancelled/1": [e.EventCancelled(**STAMP), e.EventCancelled(**STAMP, reason="Rain")],
    "event-completed/1": [e.EventCompleted(**STAMP), e.EventCompleted(**BY_NOBODY)],
}
PLACES = [(topic, place) for topic, examples in EXAMPLES.items() for place in range(len(examples))]


@pytest.mark.parametrize(("topic", "place"), PLACES)
def test_an_entry_is_written_in_its_golden_form(topic: str, place: int) -> None:
    written = encode(EXAMPLES[topic][place]).decode()
    assert written == GOLDEN[topic][place], ADVICE.format(topic)


@pytest.mark.parametrize(("topic", "place"), PLACES)
def test_golden_entries_are_read_with_their_meaning(topic: str, place: int) -> None:
    assert decode(topic, GOLDEN[topic][place].encode()) == EXAMPLES[topic][place], ADVICE.format(topic)


def test_topics_are_never_removed() -> None:
    """An old topic stays readable: by its own class, or by an upcaster."""
    assert set(GOLDEN) <= e.TOPICS.keys() | e.UPCASTERS.keys()


def test_each_topic_has_examples() -> None:
    assert set(EXAMPLES) == set(GOLDEN) == set(e.TOPICS)
    assert all(type(example) is e.TOPICS[topic] for topic, examples in EXAMPLES.items() for example in examples)


def test_each_entry_has_a_topic_and_an_upcaster_leads_to_another() -> None:
    assert set(e.Entry.__subclasses__()) == {*e.TOPICS.values(), Unreadable}
    assert not e.TOPICS.keys() & e.UPCASTERS.keys()
    assert {target for target, _ in e.UPCASTERS.values()} <= e.TOPICS.keys() | e.UPCASTERS.keys()


@given(histories)
def test_a_written_entry_is_read_unchanged(history: list[e.RecordedEntry]) -> None:
    for recorded in history:
        assert decode(e.topic_of(recorded.entry), encode(recorded.entry)) == recorded.entry


@pytest.mark.parametrize(("topic", "place"), PLACES)
def test_an_entry_is_written_under_the_oldest_topic_that_represents_it(topic: str, place: int) -> None:
    """So that processes of the last release can read entries without new fields."""
    assert e.topic_of(EXAMPLES[topic][place]) == topic


def test_the_first_topics_have_the_details_that_the_last_release_knew() -> None:
    known = {field.name for field in msgspec.structs.fields(Details)}
    assert known == {
        "name", "starts_at", "description", "venue", "ends_at", "timezone", "sales_open_at", "sales_close_at",
        "max_tickets_per_customer", "sells_after_start", "show_at", "guest_checkout", "hold_minutes",
        "payment_methods",
    }, "a new field needs its part in `shape`, or a topic of its own"  # fmt: skip


def test_entries_are_immutable() -> None:
    for example in (example for examples in EXAMPLES.values() for example in examples):
        with pytest.raises(AttributeError):
            example.at = AT  # type: ignore[misc]


def test_an_unknown_topic_is_an_error() -> None:
    with pytest.raises(KeyError):
        decode("seats-given-away/1", b"{}")


def test_old_bodies_are_upcast_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if tickets were used under another topic at first, then without a number: both are read as today's entry."""
    monkeypatch.setitem(e.UPCASTERS, "ticket-torn/1", ("ticket-torn/2", lambda body: {**body, "booking_id": body["booking"]}))
    monkeypatch.setitem(e.UPCASTERS, "ticket-torn/2", ("ticket-used/1", lambda body: {**body, "ticket": 0}))
    body = json.loads(GOLDEN["ticket-used/1"][0])
    old = {**body, "booking": body["booking_id"]}
    del old["booking_id"], old["ticket"]
    expected = e.TicketUsed(**STAMP, booking_id=THREE, ticket=0)
    assert decode("ticket-torn/1", msgspec.json.encode(old)) == expected
    assert decode("ticket-torn/2", msgspec.json.encode({**old, "booking_id": body["booking_id"]})) == expected
