"""A command's digest covers its whole body, and nothing else."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from ledger import commands
from ledger.commands import (
    BookSeats,
    CancelBooking,
    CancelEvent,
    ChangeEvent,
    CheckIn,
    CodePlace,
    Command,
    CompleteEvent,
    ConfirmHold,
    ExtendHold,
    GiveRefund,
    HoldSeats,
    LapseHolds,
    MakeCodes,
    ReceivePayment,
    RecordFailedRefund,
    RecordRefund,
    ReleaseHold,
    ScheduleEvent,
    StartPayment,
    TakePayment,
    WantedCode,
    WantedSeats,
    WithdrawCodes,
)
from ledger.details import Category
from ledger.event import batch_id
from tests.ledger import scenario as s

BODY: dict[type[Command], dict[str, tuple[Any, Any]]] = {
    ScheduleEvent: {
        "details": (s.details(), s.details(sales_open_at=s.NOW)),
        "currency": ("EUR", "USD"),
        "categories": ((s.GENERAL,), (Category(1, "General", 5_000, 11),)),
        "pools": ((), (s.pool(),)),
    },
    ChangeEvent: {
        "changes": ({"name": "A"}, {"name": "A", "ends_at": s.NOW}),
        "categories": (None, (s.new("Balcony"),)),
        "pools": (None, (s.shared(8),)),
    },
    CancelEvent: {"reason": ("", "Rain")},
    CompleteEvent: {},
    MakeCodes: {
        "effect": ("percent", "fixed"),
        "value": (1_000, 1_001),
        "count": (5, 6),
        "max_tickets": (2, 3),
        "categories": ((), ("VIP",)),
        "valid_from": (None, s.NOW),
        "valid_until": (None, s.NOW),
        "prefix": ("", "SPRING"),
        "word": ("", "EARLY"),
    },
    WithdrawCodes: {"batch_id": (batch_id(s.EVENT, 1), batch_id(s.EVENT, 2))},
    BookSeats: {
        "tickets": ((WantedSeats("General", 1),), (WantedSeats("General", 2),)),
        "customer_proof": (b"", b"a keyed digest"),
        "expected_total": (None, "100"),
        "code": (None, WantedCode("EARLY")),
    },
    HoldSeats: {
        "tickets": ((WantedSeats("General", 1),), (WantedSeats("General", 2),)),
        "customer_proof": (b"", b"a keyed digest"),
        "expected_total": (None, "100"),
        "code": (None, WantedCode("EARLY", CodePlace("", 1, 1, 7))),
    },
    ExtendHold: {"hold_id": (s.HOLD, s.ANOTHER_HOLD)},
    ReleaseHold: {"hold_id": (s.HOLD, s.ANOTHER_HOLD)},
    ConfirmHold: {
        "hold_id": (s.HOLD, s.ANOTHER_HOLD),
        "expected_total": (None, "100"),
        "customer_proof": (b"", b"a keyed digest"),
    },
    StartPayment: {
        "hold_id": (s.HOLD, s.ANOTHER_HOLD),
        "method": ("demo", "another"),
        "expected_total": (None, "100"),
        "customer_proof": (b"", b"a keyed digest"),
    },
    ReceivePayment: {
        "hold_id": (s.HOLD, s.ANOTHER_HOLD),
        "payment_id": (s.PAYMENT, s.ANOTHER_PAYMENT),
        "amount": (5_000, 5_001),
        "currency": ("EUR", "JPY"),
        "reference": ("", "0042"),
    },
    RecordRefund: {
        "refund_id": (UUID(int=1), UUID(int=2)),
        "payment_id": (s.PAYMENT, s.ANOTHER_PAYMENT),
        "booking_id": (s.BOOKING, s.ANOTHER_BOOKING),
        "amount": (5_000, 5_001),
        "reference": ("", "0042"),
    },
    RecordFailedRefund: {
        "refund_id": (UUID(int=1), UUID(int=2)),
        "payment_id": (s.PAYMENT, s.ANOTHER_PAYMENT),
        "booking_id": (s.BOOKING, s.ANOTHER_BOOKING),
        "reason": ("declined", "lost_or_stolen_card"),
    },
    LapseHolds: {},
    CancelBooking: {"booking_id": (s.BOOKING, s.ANOTHER_BOOKING), "tickets": (None, (0,))},
    CheckIn: {"booking_id": (s.BOOKING, s.ANOTHER_BOOKING), "ticket": (0, 1)},
    TakePayment: {
        "booking_id": (s.BOOKING, s.ANOTHER_BOOKING),
        "method": ("cash", "card"),
        "amount": (5_000, 5_001),
        "reference": ("", "0042"),
    },
    GiveRefund: {
        "booking_id": (s.BOOKING, s.ANOTHER_BOOKING),
        "method": ("cash", "card"),
        "amount": (5_000, 5_001),
        "reference": ("", "0042"),
        "goodwill": (False, True),
    },
}
NOT_BODY: dict[str, Any] = {
    "id": uuid4(),
    "actor": s.ADMIN,
    "event_id": uuid4(),
    "expected_details_version": 9,
    "customer_id": s.ALICE.id,
    "same_person": frozenset({s.BOB.id}),
    "ticket_key": 9,
    "guest": "proven",
    "is_named": True,
    "has_default_guests": True,
    "held": s.held(s.ALICE, s.general(1)),
    "started": s.started(s.ALICE, 5_000),
    "key": 2,
}


def command(kind: type[Command]) -> Command:
    fields: dict[str, Any] = {"id": UUID(int=1), "actor": s.ALICE, "event_id": s.EVENT}
    if kind is ChangeEvent:
        fields["expected_details_version"] = 1
    return kind(**fields, **{name: values[0] for name, values in BODY[kind].items()})


def changed(original: Command, name: str, value: Any) -> Command:
    return msgspec.structs.replace(original, **{name: value})


def _kinds(kind: type[Command]) -> set[type[Command]]:
    """The kinds of commands below this one which have no other below them."""
    below = kind.__subclasses__()
    return set().union(*map(_kinds, below)) if below else {kind}


def test_each_field_of_each_command_is_assigned_to_the_body_or_not() -> None:
    assert set(BODY) == {kind for kind in _kinds(Command) if kind.__module__ == commands.__name__}
    for kind, body in BODY.items():
        assert set(kind.__struct_fields__) <= body.keys() | NOT_BODY.keys()


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, body in BODY.items() for name in body])
def test_another_body_has_another_digest(kind: type[Command], name: str) -> None:
    original = command(kind)
    assert changed(original, name, BODY[kind][name][1]).digest() != original.digest()


@pytest.mark.parametrize("kind", BODY)
def test_the_digest_ignores_the_actor_and_the_expected_version(kind: type[Command]) -> None:
    original = command(kind)
    for name in NOT_BODY.keys() & set(kind.__struct_fields__):
        assert changed(original, name, NOT_BODY[name]).digest() == original.digest()


def test_the_digest_differs_between_kinds_of_commands() -> None:
    assert len({command(kind).digest() for kind in BODY}) == len(BODY)
    assert CancelEvent(**s.by(s.ADMIN)).digest() != CompleteEvent(**s.by(s.ADMIN)).digest()


def test_the_digest_ignores_the_order_of_changes() -> None:
    one = s.change(name="A", venue="B")
    other = s.change(venue="B", name="A")
    assert one.digest() == other.digest()


def test_the_digest_covers_times_to_the_microsecond() -> None:
    assert s.change(ends_at=s.NOW).digest() != s.change(ends_at=s.NOW + timedelta(microseconds=1)).digest()


#: As they stand in ledgers: of `command(kind)`. Commands of the first release have version 1.
GOLDEN = {
    ScheduleEvent: "531806dc347d0c4d3b19823b4f8638b3",
    ChangeEvent: "6e04b445115773c10342350048e2e220",
    CancelEvent: "01e37d3acd51ca8e9050093aaa601253",
    CompleteEvent: "830887677ad25d030dc51ed906eae6d1",
    MakeCodes: "02c52e29ae9a866d8368ee05d5a4f4035e",
    WithdrawCodes: "020e52f957f688346e46788dd95d253aa0",
    BookSeats: "6130a4a5a8f74549e18e819fb773afd4",
    HoldSeats: "02975cc262d97b5e90409c1a9f474dbcd5",
    ExtendHold: "025d18e8de77f80ad08c6b6e27cf67a60b",
    ReleaseHold: "02a9b6d56b6a2aef27a922a292649a5831",
    ConfirmHold: "026a472dff0683b96940a359b98ac6a841",
    StartPayment: "02288dec293e55eff3d26506fb2604e7da",
    ReceivePayment: "0255e8c30b2d74a2f50d450096c5f81315",
    RecordRefund: "02befeebf424696e9a5c080fc84b81a84a",
    RecordFailedRefund: "02b4cdd8b3c6b51ef0c8d23b4406351eb6",
    LapseHolds: "d0bb6874a4cf1d3f28d6a8f877c1e9a0",
    CancelBooking: "4d3fe4008fe7eb1b715d404d33d7ada5",
    CheckIn: "ccebdd1a300404718448990f9eb7991a",
    TakePayment: "021a703b3b5c522198a129f8c0684554a2",
    GiveRefund: "02ed67347ae39b6e2953df1add9c82386c",
}


@pytest.mark.parametrize("kind", BODY)
def test_a_digest_never_changes(kind: type[Command]) -> None:
    """A retry may come years later: a change of these digests would refuse it with 422."""
    assert command(kind).digest().hex() == GOLDEN[kind]


def test_the_fields_of_version_1_are_named_for_each_command() -> None:
    assert set(GOLDEN) == set(BODY) == set(commands._FIRST_BODY)


class _LaterBooking(Command, frozen=True, kw_only=True):
    """`BookSeats` as a later release may have it."""

    tickets: tuple[WantedSeats, ...]
    customer_proof: bytes = b""
    expected_total: int | None = None
    codes: tuple[str, ...] = ()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Command:
    first: dict[type[Command], tuple[str, ...]] = {**commands._FIRST_BODY, _LaterBooking: commands._FIRST_BODY[BookSeats]}
    monkeypatch.setattr(commands, "_FIRST_BODY", first)
    monkeypatch.setattr(commands, "_person", lambda command: b"BookSeats")
    return _LaterBooking(**s.by(s.ALICE), tickets=(WantedSeats("General", 1),))


def test_a_new_field_at_its_default_keeps_the_digest(later: Command) -> None:
    assert later.digest() == command(BookSeats).digest()


def test_a_new_field_with_a_value_makes_a_digest_of_version_2(later: Command) -> None:
    digests = [changed(later, "expected_total", total).digest() for total in (5_000, 6_000)]
    digests.append(changed(later, "codes", ("EARLY",)).digest())
    assert len(set(digests)) == 3
    assert {(len(digest), digest[0]) for digest in digests} == {(17, 2)}
    more = changed(changed(later, "expected_total", 5_000), "tickets", (WantedSeats("General", 2),))
    assert more.digest() not in digests


def test_a_digest_of_version_2_omits_fields_at_their_defaults(later: Command) -> None:
    """So that the next new field changes no digest of version 2."""
    priced = changed(later, "expected_total", 5_000)
    body = commands._without_defaults(priced, commands._NOT_BODY)
    assert body == {"tickets": [{"category": "General", "quantity": 1}], "expected_total": 5_000}
