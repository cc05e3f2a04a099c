"""Limits of open holds by client, as of one process."""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import open_holds
from ledger.hold_errors import HoldNotFound, TooManyHolds
from ledger.hold_rules import MAX_EXTENSIONS
from ledger.hold_views import HoldView
from ledger.open_holds import OpenHolds
from ledger.views import BookedBy

NOW = datetime(2031, 5, 1, tzinfo=UTC)


class World:
    """A process whose clock the test sets, and what the read side knows of other processes. `ends`: None of a hold that has
    ended."""

    def __init__(self) -> None:
        self.now, self.others, self.ends = NOW, dict[UUID, BookedBy](), dict[UUID, datetime | None]()
        self.looked = 0
        self.holds = OpenHolds(lambda: self.now, self._find, self._find_ends)

    async def _find(self, hold_id: UUID) -> BookedBy | None:
        return self.others.get(hold_id)

    async def _find_ends(self, hold_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
        self.looked += 1
        return {hold_id: self.ends[hold_id] for hold_id in hold_ids if hold_id in self.ends}

    async def make(self, *limits: tuple[str, int], minutes: int = 15, id_: UUID | None = None, weight: int = 1) -> HoldView:
        async with self.holds.reserved(*limits, weight=weight) as reservation:
            reservation.hold = a_hold(self.now + timedelta(minutes=minutes), id_, self.now)
        return reservation.hold

    def change(self, hold: HoldView, kind: str, minutes: int) -> None:
        """`kind`: end or extend, here or elsewhere. `minutes`: from now on."""
        is_end, is_elsewhere = kind.startswith("end"), kind.endswith("elsewhere")
        if is_end:
            hold.status = "released"
        else:
            hold.expires_at = max(hold.expires_at, self.now + timedelta(minutes=minutes))
        if is_elsewhere:
            self.ends[hold.id] = None if is_end else hold.expires_at
        elif is_end:
            self.holds.ended(hold.id)
        else:
            self.holds.extended(hold)


def a_hold(expires_at: datetime, id_: UUID | None = None, held_at: datetime = NOW) -> HoldView:
    some: dict[str, Any] = {"lines": [], "total_amount": "0", "currency": "EUR", "event_name": "", "status": "open"}
    return HoldView(id=id_ or uuid4(), event_id=uuid4(), customer_id=uuid4(), held_at=held_at, expires_at=expires_at, **some)


async def test_room_comes_back_by_the_end_of_a_hold_here_elsewhere_or_in_time() -> None:
    world = World()
    first, second = await world.make(("alice", 2)), await world.make(("alice", 2), minutes=5)
    with pytest.raises(TooManyHolds) as refused:
        await world.make(("alice", 2))
    assert (refused.value.facts["limit"], refused.value.retry_after_seconds) == (2, 300)
    await world.make(("bob", 2))
    world.holds.ended(first.id)
    third = await world.make(("alice", 2))
    world.ends[third.id] = None
    await world.make(("alice", 2), minutes=5)
    world.holds.extended(a_hold(NOW + timedelta(minutes=30), second.id))
    world.now += timedelta(minutes=6)
    await world.make(("alice", 2))
    with pytest.raises(TooManyHolds):
        await world.make(("alice", 2))


async def test_hold_that_another_process_extended_counts_until_its_new_end() -> None:
    world = World()
    held = await world.make(("alice", 1))
    world.ends[held.id] = NOW + timedelta(minutes=25)
    world.now += timedelta(minutes=20)
    await world.make(("bob", 1))  # and forgets what has ended
    with pytest.raises(TooManyHolds) as refused:
        await world.make(("alice", 1))
    assert refused.value.retry_after_seconds == 300
    world.now += timedelta(minutes=5)
    await world.make(("alice", 1))


async def test_hold_that_this_process_extended_counts_before_the_read_side_knows() -> None:
    world = World()
    held = await world.make(("alice", 1))
    world.ends[held.id] = held.expires_at
    world.holds.extended(a_hold(NOW + timedelta(minutes=30), held.id))
    world.now += timedelta(minutes=20)
    with pytest.raises(TooManyHolds):
        await world.make(("alice", 1))


async def test_what_is_refused_or_sent_again_does_not_count() -> None:
    world = World()
    for _ in range(3):
        with pytest.raises(ValueError, match="sold out"):
            async with world.holds.reserved(("alice", 1)):
                raise ValueError("sold out")
    made = await world.make(("alice", 1))
    world.holds.ended(made.id)
    for _ in range(3):
        await world.make(("alice", 1), id_=made.id)  # the same hold
    assert world.looked == 0, "only before a refusal"
    async with world.holds.reserved(("alice", 1)):
        with pytest.raises(TooManyHolds):
            await world.make(("alice", 1))


async def test_each_of_several_limits_holds_and_zero_is_none() -> None:
    world = World()
    await world.make(("alice", 2), ("address", 1))
    with pytest.raises(TooManyHolds):
        await world.make(("bob", 2), ("address", 1))
    for _ in range(5):
        await world.make(("alice", 0), ("address", 0))


async def test_a_hold_may_count_several_times() -> None:
    world = World()
    first = await world.make(("address", 10), weight=7)
    with pytest.raises(TooManyHolds):
        await world.make(("address", 10), weight=4)
    await world.make(("address", 10), weight=3)
    world.holds.ended(first.id)
    await world.make(("address", 10), weight=7)
    with pytest.raises(TooManyHolds):
        await world.make(("nobody", 10), weight=11)
    assert world.holds._total == {"address": 10}


async def test_event_of_a_hold_that_another_process_made() -> None:
    world, other, hold_id = World(), BookedBy(uuid4(), None), uuid4()
    with pytest.raises(HoldNotFound):
        await world.holds.held_by(hold_id)
    world.others[hold_id] = other
    assert await world.holds.held_by(hold_id) == other
    made = await world.make()
    assert await world.holds.held_by(made.id) == BookedBy(made.event_id, made.customer_id)
    world.holds.ended(made.id)
    assert await world.holds.held_by(made.id) == BookedBy(made.event_id, made.customer_id), "for a retry"


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_holds, "MAX_HOLDS", 10)
    world = World()
    for number in range(100):
        await world.make((f"client {number % 7}", 3))
    assert len(world.holds._holds) == 10
    assert sum(map(len, world.holds._counted.values())) == world.holds._total.total() == 10
    world.now += timedelta(hours=1)
    await world.make(("new", 1))
    assert (len(world.holds._holds), list(world.holds._counted)) == (1, ["new"])
    world.holds.reset()
    assert not world.holds._total
    await world.make(("new", 1))


_kinds = st.sampled_from(["make", "make", "wait", "end", "end elsewhere", "extend", "extend elsewhere"])


@given(steps=st.lists(st.tuples(_kinds, st.integers(0, 1), st.integers(1, 20)), min_size=30, max_size=60))
async def test_nobody_has_more_open_holds_than_the_limit(steps: list[tuple[str, int, int]]) -> None:
    world, made, extensions = World(), list[tuple[str, HoldView]](), Counter[UUID]()
    for kind, number, minutes in steps:
        client = f"client {number}"
        open_now = Counter(whose for whose, hold in made if hold.expires_at > world.now and hold.status == "open")
        if kind == "wait":
            world.now += timedelta(minutes=minutes)
        elif kind != "make" and made:
            hold = made[minutes % len(made)][1]
            extensions[hold.id] += kind.startswith("extend")
            if hold.status == "open" and hold.expires_at > world.now and extensions[hold.id] <= MAX_EXTENSIONS:
                world.change(hold, kind, 20)
        elif kind == "make":
            try:
                made.append((client, await world.make((client, 2), minutes=20)))
                assert open_now[client] < 2
            except TooManyHolds:
                assert open_now[client] == 2
