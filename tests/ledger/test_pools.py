"""Pools: a capacity that several categories share."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger import entries as e
from ledger import errors, snapshots
from ledger.changing import MAX_POOLS
from ledger.commands import PoolChange
from ledger.event import Event, pool_id
from ledger.hold_errors import HoldGone
from tests.ledger import scenario as s
from tests.ledger.scenario import ALICE, ANOTHER_HOLD, BOB, DUE, GENERAL, HOLD, VIP, general, given, vip
from tests.ledger.test_event import restored, without_newest

HALL = s.pool(capacity=8)
SHARED = (s.scheduled(), s.pools_set(HALL))


def changed(**changes: Any) -> PoolChange:
    return s.as_it_is(HALL, **changes)


def after(*entries: e.Entry) -> Event:
    event = given(*SHARED, *entries).event
    assert event is not None
    return event


# --- selling


def test_a_pool_limits_all_of_its_categories() -> None:
    event = given(*SHARED, s.booked(BOB, general(4), vip(2)))
    event.when(s.book(ALICE, General=2)).then(s.booked(ALICE, general(2)))
    event.when(s.book(ALICE, General=3)).refused(errors.SoldOut, category="General", available=2, held=0)
    event.when(s.hold(ALICE, VIP=3)).refused(errors.SoldOut, category="VIP", available=2, held=0)


def test_all_that_an_order_takes_counts() -> None:
    event = given(*SHARED, s.booked(BOB, general(4)))
    event.when(s.book(ALICE, General=2, VIP=2)).then(s.booked(ALICE, general(2), vip(2)))
    event.when(s.book(ALICE, General=2, VIP=3)).refused(errors.SoldOut, category="VIP", available=2, held=0)


def test_the_capacity_of_the_category_still_counts() -> None:
    given(*SHARED).when(s.book(ALICE, VIP=6)).refused(errors.SoldOut, category="VIP", available=5, held=0)


def test_what_others_hold_may_come_back() -> None:
    event = given(*SHARED, s.booked(BOB, general(4)), s.held(BOB, vip(3)))
    event.when(s.book(ALICE, General=2)).refused(errors.SoldOut, category="General", available=1, held=3)


def test_a_due_hold_of_another_category_of_the_pool_lapses() -> None:
    event = given(*SHARED, s.booked(BOB, general(4)), s.held(BOB, vip(3)), s.held(BOB, general(1), hold=ANOTHER_HOLD))
    event.when(s.book(ALICE, General=1), at=DUE).then(s.lapsed(ANOTHER_HOLD), s.booked(ALICE, general(1)))
    event.when(s.book(ALICE, General=2), at=DUE).then(s.lapsed(ANOTHER_HOLD, HOLD), s.booked(ALICE, general(2)))


def test_a_category_outside_has_its_own_seats() -> None:
    event = given(s.scheduled(), s.pools_set(s.pool(capacity=1, categories=(1,))))
    event.when(s.book(ALICE, General=1, VIP=5)).then(s.booked(ALICE, general(1), vip(5)))


def test_a_late_confirmation_needs_room_in_the_pool() -> None:
    held = s.held(ALICE, general(3))
    event = given(*SHARED, held, s.lapsed(), s.booked(BOB, general(2), vip(4)))
    event.when(s.confirm(ALICE, entry=held), at=DUE).refused(HoldGone, category="General", available=2, held=0)


def test_cancelled_seats_are_free_again() -> None:
    gone = s.cancelled(0, 1, lines=(e.CancelledLine(1, 2, 10_000),), whole=False)
    event = after(s.booked(BOB, general(6), vip(2)), gone)
    assert sum(event.seats_of(HALL)) == 6


# --- changing


def test_an_event_is_scheduled_with_pools() -> None:
    command = msgspec.structs.replace(s.schedule(), pools=(HALL,))
    event = given().when(command).then(s.scheduled(), s.pools_set(HALL))
    assert (event.pools, event.details_version, event.version_of(command.id)) == ((HALL,), 2, 2)


def test_pools_are_added_changed_and_removed() -> None:
    event = given(s.scheduled()).when(s.change(pools=(s.shared(8),))).then(s.pools_set(HALL))
    smaller = s.pool(name="Room", capacity=6, categories=(2,))
    change = s.change(version=2, pools=(changed(name="Room", capacity=6, categories=("VIP",)),))
    event = given(*SHARED).when(change).then(s.pools_set(smaller))
    event = given(*SHARED).when(s.change(version=2, pools=())).then(s.pools_set())
    assert (event.pools, event.last_pool, event.details_version) == ((), 1, 3)
    again = given(*SHARED, s.pools_set()).when(s.change(version=3, pools=(s.shared(8),)))
    again.then(s.pools_set(s.pool(2, capacity=8)))  # a number is never used again


def test_a_pool_may_share_a_category_that_comes_with_it() -> None:
    change = s.change(to=(s.as_is(GENERAL), s.as_is(VIP), s.new("Child")), pools=(s.shared(8, categories=("General", "Child")),))
    event = given(s.scheduled()).when(change).then(s.added(3, "Child"), s.pools_set(s.pool(capacity=8, categories=(1, 3))))
    assert event.pool_of(3) == event.pool_of(1) != event.pool_of(2)


def test_a_removed_category_leaves_its_pool() -> None:
    event = given(*SHARED).when(s.change(version=2, to=(s.as_is(GENERAL),))).then(s.removed(2))
    assert event.pools == (s.pool(capacity=8, categories=(1,)),)


def test_a_change_without_effect_is_an_entry_that_its_retry_finds() -> None:
    given(*SHARED).when(s.change(version=2, pools=(changed(),))).then(s.details_changed())


def test_a_pool_is_never_below_what_is_taken_and_held() -> None:
    event = given(*SHARED, s.booked(BOB, general(4)), s.held(BOB, vip(2)))
    event.when(s.change(version=2, pools=(changed(capacity=5),))).refused(errors.PoolBelowTaken, pool="Hall", taken=4, held=2)
    event.when(s.change(version=2, pools=(changed(capacity=6),))).then(s.pools_set(s.pool(capacity=6)))
    event.when(s.change(version=2, pools=(changed(capacity=4),)), at=DUE).then(s.lapsed(), s.pools_set(s.pool(capacity=4)))
    only_general = given(s.scheduled(), s.pools_set(s.pool(capacity=3, categories=(2,))), s.booked(BOB, general(4)))
    both = s.shared(3, id_=pool_id(s.EVENT, 1))
    only_general.when(s.change(version=2, pools=(both,))).refused(errors.PoolBelowTaken, pool="Hall", taken=4, held=0)


@pytest.mark.parametrize(
    ("pools", "path"),
    [
        ((s.shared(8), PoolChange(None, "hall", 8, ())), "pools"),
        ((s.shared(8), PoolChange(None, "Room", 8, ("VIP",))), "pools.categories"),
        ((PoolChange(None, "Room", 8, ("Balcony",)),), "pools.categories"),
        ((PoolChange(UUID(int=7), "Room", 8, ()),), "pools.id"),
        ((changed(), changed(name="Room", categories=())), "pools.id"),
        (tuple(PoolChange(None, f"Room {n}", 8, ()) for n in range(MAX_POOLS + 1)), "pools"),
    ],
)
def test_malformed_pools_are_refused(pools: tuple[PoolChange, ...], path: str) -> None:
    with pytest.raises(errors.Malformed) as refusal:
        given(*SHARED).when(s.change(version=2, pools=pools)).then()
    assert refusal.value.facts["errors"][0]["path"] == path


# --- snapshots


@pytest.mark.parametrize("later", [(), (s.pools_set(),), (s.held(ALICE, general(2)),)])
def test_a_snapshot_has_the_pools(later: tuple[e.Entry, ...]) -> None:
    event = after(*later)
    snapshot = snapshots.take(event)
    assert snapshot.topic == snapshots.SHARED
    assert without_newest(restored(snapshot)) == without_newest(event)
