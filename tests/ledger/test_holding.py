"""Holds: seats that nobody else can book for a while. A hold that is due stands in nobody's way, and can still be confirmed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger import entries as e
from ledger import errors, snapshots
from ledger.commands import Actor, CancelEvent, Command, CompleteEvent, Role
from ledger.decide import decide
from ledger.details import Category
from ledger.evolve import evolve
from ledger.hold_errors import EntryNeeded, ExtensionLimit, HoldClosed, HoldGone, HoldNotFound, NothingDue
from ledger.hold_rules import MAX_EXTENSIONS, MAX_LAPSES
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, BOB, DUE, HOLD, NOW, ORGANIZER, general, given, vip
from tests.ledger.test_event import restored, without_newest

HELD = s.held(ALICE, general(2))
IN_A_QUARTER = NOW + timedelta(minutes=15)


def one(price: int = 5_000) -> Category:
    """A category with a single seat."""
    return Category(1, "General", price, 1)


# --- holding


def test_seats_are_held_for_fifteen_minutes() -> None:
    event = given(s.scheduled()).when(s.hold(ALICE, General=2)).then(s.held(ALICE, general(2), until=IN_A_QUARTER))
    assert (event.categories[1].taken, event.categories[1].held, event.categories[1].available) == (0, 2, 8)


def test_the_organizer_sets_for_how_long() -> None:
    given(s.scheduled(hold_minutes=40)).when(s.hold(ALICE)).then(s.held(ALICE, general(1), until=NOW + timedelta(minutes=40)))


def test_the_box_office_holds_for_a_walk_in_and_for_a_customer() -> None:
    given(s.scheduled()).when(s.hold(ORGANIZER)).then(s.held(None, general(1), until=IN_A_QUARTER))
    given(s.scheduled()).when(s.hold(ORGANIZER, ALICE)).then(s.held(ALICE, general(1), until=IN_A_QUARTER))


def test_held_seats_are_not_sold_and_the_refusal_says_that_they_may_come_back() -> None:
    event = given(s.scheduled(), s.booked(BOB, general(7)), HELD)
    event.when(s.book(BOB, General=2)).refused(errors.SoldOut, category="General", available=1, held=2)
    event.when(s.hold(BOB, General=2)).refused(errors.SoldOut, category="General", available=1, held=2)


def test_a_hold_counts_for_the_limit() -> None:
    event = given(s.scheduled(max_tickets_per_customer=3), HELD)
    event.when(s.book(ALICE, General=2)).refused(errors.CustomerLimit, limit=3, held=2)
    event.when(s.hold(ALICE, VIP=2)).refused(errors.CustomerLimit, limit=3, held=2)


@pytest.mark.parametrize(
    ("details", "at", "kind"),
    [
        ({"sales_open_at": NOW + timedelta(days=1)}, NOW, errors.NotOnSale),
        ({"sales_close_at": NOW - timedelta(days=1)}, NOW, errors.NotOnSale),
        ({}, s.STARTS, errors.EventNotBookable),
    ],
)
def test_holding_is_refused_like_booking(details: dict[str, Any], at: datetime, kind: type[errors.SeatledgerError]) -> None:
    for command in (s.hold(ALICE), s.book(ALICE)):
        with pytest.raises(kind):
            decide(s.history(s.scheduled(**details)), command, at)


# --- extending and releasing


def test_nobody_gets_more_time_than_there_are_sales() -> None:
    closes = NOW + timedelta(minutes=5)
    closed = given(s.scheduled(sales_close_at=closes), HELD)
    closed.when(s.extend(ALICE), at=closes).refused(errors.NotOnSale, opens_at=None, closed_at=closes.isoformat())
    assert decide(closed.event, s.extend(ORGANIZER), closes), "the box office sells on"
    given(s.scheduled(starts_at=closes), HELD).when(s.extend(ALICE), at=closes).refused(errors.EventNotBookable, reason="past")


def test_an_extension_is_from_now_on() -> None:
    now = NOW + timedelta(minutes=9)
    event = given(s.scheduled(), HELD).when(s.extend(ALICE), at=now).then(s.extended(now + timedelta(minutes=15)))
    assert event.holds[HOLD.bytes].extensions == 1
    assert not list(event.hold_ends.all_due(DUE, event.holds)), "the end before it does not count any more"


def test_an_extension_never_shortens() -> None:
    late = NOW + timedelta(hours=2)
    given(s.scheduled(), s.held(ALICE, general(1), until=late)).when(s.extend(ALICE)).then(s.extended(late))


def test_extensions_are_bounded() -> None:
    extensions = [s.extended(DUE) for _ in range(MAX_EXTENSIONS)]
    given(s.scheduled(), HELD, *extensions).when(s.extend(ALICE)).refused(ExtensionLimit, limit=MAX_EXTENSIONS)


def test_released_seats_are_free_at_once() -> None:
    event = given(s.scheduled(), HELD).when(s.release(ALICE)).then(s.released())
    assert (event.categories[1].held, event.categories[1].available) == (0, 10)
    assert ALICE.id is not None
    assert ALICE.id.bytes not in event.customers


@pytest.mark.parametrize("command", [s.extend, s.release, s.confirm])
def test_a_hold_is_its_owners_and_the_box_offices(command: Any) -> None:
    event = given(s.scheduled(), HELD)
    event.when(command(BOB)).refused(HoldNotFound)
    event.when(command(s.OTHER_ORGANIZER)).refused(HoldNotFound)
    event.when(command(ALICE, hold=s.UNKNOWN_HOLD)).refused(HoldNotFound)
    assert decide(event.event, command(ORGANIZER), NOW)
    walk_in = given(s.scheduled(), s.held(None, general(1)))
    walk_in.when(command(ALICE)).refused(HoldNotFound)


def test_ids_of_other_commands_are_no_holds() -> None:
    given(s.scheduled(), s.booked(ALICE, general(1))).when(s.confirm(ALICE, hold=s.BOOKING)).refused(HoldNotFound)


@pytest.mark.parametrize("command", [s.extend, s.release, s.confirm])
@pytest.mark.parametrize(("ended", "outcome"), [(s.released(), "released"), (s.confirmed(ALICE, general(2)), "confirmed")])
def test_a_hold_has_one_outcome(command: Any, ended: e.Entry, outcome: str) -> None:
    event = given(s.scheduled(), HELD, ended)
    event.when(command(ALICE)).refused(HoldClosed, outcome=outcome)
    event.when(command(BOB)).refused(HoldNotFound)


@pytest.mark.parametrize("kind", [s.extend, s.release])
def test_a_due_hold_is_over_whether_it_has_lapsed_or_not(kind: Any) -> None:
    given(s.scheduled(), HELD).when(kind(ALICE), at=DUE).refused(HoldClosed, outcome="lapsed")
    lapsed = given(s.scheduled(), HELD, s.lapsed())
    with pytest.raises(EntryNeeded) as needed:
        decide(lapsed.event, kind(ALICE), DUE)
    assert needed.value.version == 2
    with_entry = msgspec.structs.replace(kind(ALICE), held=HELD)
    lapsed.when(with_entry, at=DUE).refused(HoldClosed, outcome="lapsed")
    lapsed.when(msgspec.structs.replace(with_entry, actor=BOB), at=DUE).refused(HoldNotFound)


# --- confirming


def test_a_confirmation_in_time_books_the_held_seats() -> None:
    event = given(s.scheduled(), HELD).when(s.confirm(ALICE)).then(s.confirmed(ALICE, general(2)))
    assert (event.categories[1].taken, event.categories[1].held) == (2, 0)
    assert event.bookings[HOLD.bytes][2] == 3, "the booking has the hold's id"
    assert event.version_of(HOLD) == 2, "which leads to the hold's entry still"
    assert event.ticket_states(HOLD) == b"aa"


def test_in_time_nothing_else_counts() -> None:
    """The price has risen, sales have closed, the event has begun, the limit is lower: what is held is held."""
    changes = s.details_changed(max_tickets_per_customer=1, sales_close_at=NOW, starts_at=NOW)
    event = given(s.scheduled(), HELD, s.price_changed(1, 9_000), changes).when(s.confirm(ALICE, total="100"))
    event.then(s.confirmed(ALICE, general(2), details_version=4))


def test_who_held_seats_without_a_name_says_later_who_it_is() -> None:
    someone = Actor(UUID(int=0xA), Role.CUSTOMER)
    alice = msgspec.structs.replace(ALICE, claimed=frozenset({UUID(int=0xA)}))
    event = given(s.scheduled(max_tickets_per_customer=3), s.held(someone, general(2)))
    booked = event.when(s.confirm(alice, customer=ALICE)).then(s.confirmed(ALICE, general(2)))
    assert ALICE.id is not None
    assert s.state(booked)["customers"] == {ALICE.id.bytes: 2}
    limited = given(s.scheduled(max_tickets_per_customer=3), s.booked(ALICE, general(2)), s.held(someone, general(2)))
    limited.when(s.confirm(alice, customer=ALICE)).refused(errors.CustomerLimit, limit=3, held=2)
    event.when(s.confirm(ALICE, customer=ALICE)).refused(HoldNotFound)


@pytest.mark.parametrize("at", [NOW, DUE])
def test_held_seats_count_once_when_an_account_confirms_an_unnamed_hold(at: datetime) -> None:
    someone = Actor(UUID(int=0xA), Role.CUSTOMER)
    alice = msgspec.structs.replace(ALICE, claimed=frozenset({UUID(int=0xA)}))
    confirm = msgspec.structs.replace(s.confirm(alice, customer=ALICE), same_person=alice.claimed | {ALICE.id})
    event = given(s.scheduled(max_tickets_per_customer=3), s.held(someone, general(3)))
    event.when(confirm, at=at).then(s.confirmed(ALICE, general(3)))
    limited = given(s.scheduled(max_tickets_per_customer=3), s.booked(ALICE, general(1)), s.held(someone, general(3)))
    limited.when(confirm, at=at).refused(errors.CustomerLimit, limit=3, held=1)


@pytest.mark.parametrize(
    ("checkout", "unproven", "proven"),
    [("off", errors.GuestCheckoutOff, errors.GuestCheckoutOff), ("proven", errors.EmailUnverified, None), ("open", None, None)],
)
def test_a_guest_without_a_name_says_it_as_the_event_wants(checkout: Any, unproven: Any, proven: Any) -> None:
    someone = Actor(UUID(int=0xA), Role.CUSTOMER)
    event = given(s.scheduled(guest_checkout=checkout), s.held(someone, general(1)))
    held = event.when(msgspec.structs.replace(s.hold(someone), guest="unnamed"))
    if checkout == "off":
        held.refused(errors.GuestCheckoutOff)
    else:
        held.then(s.held(someone, general(1), until=IN_A_QUARTER))
    for guest, refusal in (("unproven", unproven), ("proven", proven)):
        confirmed = event.when(msgspec.structs.replace(s.confirm(someone), guest=guest))
        if refusal is None:
            confirmed.then(s.confirmed(someone, general(1)))
        else:
            confirmed.refused(refusal)


def test_another_total_is_not_confirmed() -> None:
    event = given(s.scheduled(), HELD, s.price_changed(1, 9_000))
    event.when(s.confirm(ALICE, total="180")).refused(errors.PriceChanged, total_amount="100.00")


@pytest.mark.parametrize("has_lapsed", [False, True])
def test_a_late_confirmation_books_if_nobody_has_the_seats(has_lapsed: bool) -> None:
    history = [s.scheduled(one()), s.held(ALICE, general(1)), *([s.lapsed()] if has_lapsed else [])]
    event = given(*history).when(s.confirm(ALICE, entry=s.held(ALICE, general(1))), at=DUE).then(s.confirmed(ALICE, general(1)))
    assert (event.categories[1].taken, event.categories[1].held) == (1, 0)
    assert ALICE.id is not None
    assert event.customers[ALICE.id.bytes] == 1


@pytest.mark.parametrize("others", [s.booked(BOB, general(1)), s.held(BOB, general(1), hold=s.ANOTHER_HOLD, until=s.STARTS)])
def test_a_late_confirmation_is_refused_if_others_have_the_seats(others: e.Entry) -> None:
    held = s.held(ALICE, general(1))
    event = given(s.scheduled(one()), held, s.lapsed(), others)
    is_hold = isinstance(others, e.SeatsHeld)
    event.when(s.confirm(ALICE, entry=held), at=DUE).refused(HoldGone, category="General", available=0, held=int(is_hold))


@pytest.mark.parametrize("has_lapsed", [False, True])
@pytest.mark.parametrize(("price", "total"), [(9_000, "180.00"), (1_000, "20.00")])
def test_a_late_confirmation_has_the_price_of_now_if_that_is_expected(has_lapsed: bool, price: int, total: str) -> None:
    """Else a hold that was forgotten would be an option on today's price, for ever."""
    event = given(s.scheduled(), HELD, s.price_changed(1, price), *([s.lapsed()] if has_lapsed else []))
    for expected in (None, "100.00"):
        late = s.confirm(ALICE, entry=HELD, total=expected)
        event.when(late, at=DUE).refused(errors.PriceChanged, total_amount=total)
    now = event.when(s.confirm(ALICE, entry=HELD, total=total), at=DUE).then(s.confirmed(ALICE, general(2, price)))
    assert now.ticket_amounts(HOLD) == (price, price)


def test_a_confirmation_in_time_has_the_price_that_was_held() -> None:
    event = given(s.scheduled(), HELD, s.price_changed(1, 9_000))
    booked = event.when(s.confirm(ALICE)).then(s.confirmed(ALICE, general(2)))
    assert booked.ticket_amounts(HOLD) == (5_000, 5_000)
    assert restored(snapshots.take(booked.merge())).ticket_amounts(HOLD) == (5_000, 5_000)


def test_guests_whom_a_hold_names_are_checked_again_once_its_time_is_over() -> None:
    limited = given(s.scheduled(guest_checkout="proven", max_tickets_per_customer=2), HELD)
    confirm = msgspec.structs.replace(s.confirm(ALICE, entry=HELD), guest="unproven", is_named=True)
    limited.when(confirm).then(s.confirmed(ALICE, general(2)))
    limited.when(confirm, at=DUE).refused(errors.EmailUnverified)
    limited.when(msgspec.structs.replace(confirm, guest="proven"), at=DUE).then(s.confirmed(ALICE, general(2)))
    given(s.scheduled(), HELD).when(confirm, at=DUE).refused(errors.GuestCheckoutOff)


@pytest.mark.parametrize("has_lapsed", [False, True])
def test_a_late_confirmation_is_refused_like_a_booking(has_lapsed: bool) -> None:
    lapse = [s.lapsed()] if has_lapsed else []
    late = s.confirm(ALICE, entry=HELD)
    closed = given(s.scheduled(sales_close_at=DUE), HELD, *lapse)
    closed.when(late, at=DUE).refused(errors.NotOnSale, opens_at=None, closed_at=DUE.isoformat())
    assert decide(closed.event, msgspec.structs.replace(late, actor=ORGANIZER), DUE), "the box office sells on"
    past = given(s.scheduled(starts_at=DUE), HELD, *lapse)
    past.when(late, at=DUE).refused(errors.EventNotBookable, reason="past")
    limited = given(s.scheduled(max_tickets_per_customer=3), HELD, *lapse, s.booked(ALICE, vip(2)))
    with pytest.raises(errors.CustomerLimit):
        decide(limited.event, late, DUE)


def test_a_refund_is_what_was_paid() -> None:
    history = (s.scheduled(), HELD, s.price_changed(1, 9_000), s.confirmed(ALICE, general(2)))
    event = given(*history).when(s.cancel(ALICE, 0, booking=HOLD))
    event.then(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=HOLD))
    discounted = msgspec.structs.replace(s.confirmed(ALICE, general(3)), amounts=(3_334, 3_333, 3_333))
    event = given(s.scheduled(), s.held(ALICE, general(3)), discounted).when(s.cancel(ALICE, 0, 2, booking=HOLD))
    event.then(s.cancelled(0, 2, lines=(e.CancelledLine(1, 2, 6_667),), whole=False, booking=HOLD))


# --- due holds stand in nobody's way


@pytest.mark.parametrize("command", [s.book, s.hold])
def test_due_holds_lapse_until_there_is_room_the_oldest_first(command: Any) -> None:
    first, second = UUID(int=0x501), UUID(int=0x502)
    holds = [
        s.held(BOB, general(4), hold=second, until=DUE - timedelta(minutes=1)),
        s.held(BOB, general(4), hold=first, until=DUE - timedelta(minutes=2)),
        s.held(BOB, general(1), hold=HOLD, until=DUE + timedelta(minutes=1)),
    ]
    event = s.history(s.scheduled(), *holds)
    assert not [x for x in decide(event, command(ALICE, General=1), DUE) if isinstance(x, e.HoldsLapsed)]
    [lapsed, last] = decide(event, command(ALICE, General=3), DUE)
    assert isinstance(lapsed, e.HoldsLapsed)
    assert (lapsed.hold_ids, lapsed.actor, lapsed.command) == ((first,), None, last.command)
    [lapsed, _] = decide(event, command(ALICE, General=9), DUE)
    assert isinstance(lapsed, e.HoldsLapsed)
    assert lapsed.hold_ids == (first, second)
    with pytest.raises(errors.SoldOut) as refusal:
        decide(event, command(ALICE, General=10), DUE)
    assert refusal.value.facts == {"category": "General", "available": 9, "held": 1}


def test_after_a_lapse_the_booking_is_found_by_its_command() -> None:
    command = s.book(BOB, General=1)
    event = given(s.scheduled(one()), s.held(ALICE, general(1))).when(command, at=DUE).then(s.lapsed(), s.booked(BOB, general(1)))
    assert event.version_of(command.id) == 4
    assert event.version_of(HOLD) == 2


def test_own_due_holds_do_not_count_for_the_limit() -> None:
    event = given(s.scheduled(max_tickets_per_customer=2), HELD)
    event.when(s.book(ALICE, VIP=2), at=DUE).then(s.lapsed(), s.booked(ALICE, vip(2)))
    event.when(s.book(ALICE, VIP=3), at=DUE).refused(errors.CustomerLimit, limit=2, held=0)


def test_capacity_does_not_go_below_what_is_taken_and_held() -> None:
    event = given(s.scheduled(), s.booked(BOB, general(3)), HELD)
    smaller = s.change(to=(s.as_is(s.GENERAL, capacity=4), s.as_is(s.VIP)))
    event.when(smaller).refused(errors.CapacityBelowTaken, category="General", taken=3, held=2)
    event.when(smaller, at=DUE).then(s.lapsed(), s.capacity_changed(1, 4))


def test_a_category_with_a_hold_can_not_be_removed() -> None:
    for ended in ([], [s.released()], [s.lapsed()]):
        event = given(s.scheduled(), s.held(ALICE, vip(1)), *ended)
        event.when(s.change(to=(s.as_is(s.GENERAL),))).refused(errors.CategoryInUse, category="VIP")


def test_a_worker_lets_due_holds_lapse() -> None:
    other = s.held(BOB, general(1), vip(1), hold=s.ANOTHER_HOLD)
    event = given(s.scheduled(), HELD, other)
    with pytest.raises(NothingDue):
        decide(event.event, s.lapse(), DUE - timedelta(microseconds=1))
    after = event.when(s.lapse(), at=DUE).then(s.lapsed(HOLD, s.ANOTHER_HOLD))
    assert not s.state(after)["customers"]
    assert all(category.held == 0 for category in after.categories.values())


def test_a_lapse_is_bounded() -> None:
    event = s.replayed(s.scheduled(Category(1, "General", 1, MAX_LAPSES + 5)))
    for number in range(MAX_LAPSES + 5):
        held = s.held(ALICE, general(1), hold=UUID(int=number + 1))
        evolve(event, e.RecordedEntry(s.EVENT, event.version + 1, held))
    [lapsed] = decide(event, s.lapse(), DUE)
    assert isinstance(lapsed, e.HoldsLapsed)
    assert len(lapsed.hold_ids) == MAX_LAPSES


# --- the end of the Event


@pytest.mark.parametrize(("kind", "ended", "reason"), [
    (CancelEvent, s.event_cancelled(), "cancelled"), (CompleteEvent, s.event_completed(), "completed"),
])  # fmt: skip
def test_the_end_of_the_event_ends_all_holds_by_one_entry(kind: type[Command], ended: e.Entry, reason: str) -> None:
    event = given(s.scheduled(), HELD, s.held(BOB, vip(1), hold=s.ANOTHER_HOLD)).when(kind(**s.by(ORGANIZER))).then(ended)
    assert not event.holds
    assert all(category.held == category.taken == 0 for category in event.categories.values())
    over = given(s.scheduled(), HELD, ended)
    for command in (s.confirm(ALICE), s.release(ALICE), s.extend(ALICE)):
        over.when(command).refused(errors.EventNotBookable, reason=reason)


# --- snapshots, and the index of ends


def test_snapshots_contain_holds() -> None:
    event = s.replayed(s.scheduled(), HELD, s.extended(DUE), s.held(BOB, vip(1), hold=s.ANOTHER_HOLD), s.released(s.ANOTHER_HOLD))
    snapshot = snapshots.take(event)
    again = restored(snapshot)
    assert snapshot.topic == snapshots.HOLDS
    assert without_newest(again) == without_newest(event)
    assert [id_ for id_, _ in again.hold_ends.all_due(DUE, again.holds)] == [HOLD.bytes]


@pytest.mark.parametrize("actor", [ALICE, ORGANIZER])
def test_what_a_dropped_trial_did_does_not_count(actor: Actor) -> None:
    event = s.replayed(s.scheduled(one()), s.held(ALICE, general(1)))
    trial = event.trial()
    evolve(trial, e.RecordedEntry(s.EVENT, 3, s.extended(s.STARTS)))
    [lapsed, _] = decide(event, s.book(actor), DUE)
    assert isinstance(lapsed, e.HoldsLapsed)
    with pytest.raises(errors.SoldOut):
        decide(trial, s.book(actor), DUE)


def test_ended_holds_are_forgotten() -> None:
    event = s.replayed(s.scheduled(Category(1, "General", 1, 1)))
    for _ in range(4_000):
        trial = event.trial()
        for entry in (s.held(ALICE, general(1)), s.released()):
            trial = evolve(trial, e.RecordedEntry(s.EVENT, trial.version + 1, entry))
        event = trial.merge()
    assert not any(event.hold_ends._heaps.values())
