"""Filling shadow copies: the order of its steps, and its pauses while seats are being sold."""

from contextlib import closing
from itertools import count, repeat
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from ledger.store import Ledger
from projections.rebuild import shadow_copies
from projections.rebuild.shadow_copies import (
    BUSY_PER_SECOND,
    MAX_PAUSE_SECONDS,
    PAUSE_FACTOR,
    ShadowCopies,
    first_behind,
    next_step,
)
from projections.rebuild.shadow_tables import TableKind
from projections.registry import PROJECTORS
from tests.ledger import storage
from tests.projections.stories import Story


class Clock:
    """The clock of `projections.rebuild.shadow_copies`: it advances only by pauses, and where a test advances it."""

    def __init__(self) -> None:
        self.now, self.pauses = 1.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shadow_copies, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.sleep))
    return clock


def test_fill_is_complete_once_every_copy_has_reached_its_end() -> None:
    assert first_behind([3, 5], [3, 5]) is None
    assert first_behind([3, 9], [9, 9]) == 3
    assert first_behind([8, 3], [9, 3]) == 8


@pytest.mark.parametrize(
    ("positions", "ends", "batch_end", "stops", "until", "targets"),
    [
        ([0, 0], [90, 90], 40, [], 40, [40, 40]),
        ([0, 60], [90, 90], 40, [], 40, [40, 60]),  # a copy that is ahead waits
        ([0, 0], [90, 20], 40, [], 40, [40, 20]),  # no copy goes past its end
        ([0, 0], [90, 90], 40, [30, 10, 80], 10, [10, 10]),  # the step ends at the first stop
        ([10, 10], [90, 90], 40, [10, 40], 40, [40, 40]),  # a stop that is reached is not a stop again
    ],
)
def test_step_ends_at_the_batch_or_the_first_stop(
    positions: list[int], ends: list[int], batch_end: int, stops: list[int], until: int, targets: list[int]
) -> None:
    assert next_step(positions, ends, batch_end, stops) == (until, targets)


@pytest.mark.parametrize(
    ("seconds", "appended", "pauses"),
    [
        (0.2, 0, []),
        (0.2, BUSY_PER_SECOND * 0.1, []),
        (0.2, BUSY_PER_SECOND * 0.3, [PAUSE_FACTOR * 0.2]),
        (60.0, BUSY_PER_SECOND * 100, [MAX_PAUSE_SECONDS]),
    ],
)
def test_throttle_pauses_in_proportion_to_a_step_with_many_new_entries(
    clock: Clock, seconds: float, appended: float, pauses: list[float]
) -> None:
    throttle = shadow_copies._Throttle()
    throttle.begin_step(5_000)
    clock.now += seconds
    throttle.begin_step(5_000 + int(appended))
    assert clock.pauses == [pytest.approx(pause) for pause in pauses]


def test_throttle_does_not_count_its_own_pause(clock: Clock) -> None:
    throttle = shadow_copies._Throttle()
    for end in (0, 1_000, 2_000):
        clock.now += 0.1
        throttle.begin_step(end)
    assert clock.pauses == [pytest.approx(PAUSE_FACTOR * 0.1)] * 2


@pytest.mark.parametrize("is_sold", [False, True])
def test_fill_pauses_while_seats_are_sold(
    database_url: str, engine: Engine, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_sold: bool
) -> None:
    monkeypatch.setattr(shadow_copies, "BATCH_SIZE", 20)
    monkeypatch.setattr(shadow_copies, "BUSY_PER_SECOND", 10)
    story = Story(seed=3)
    story.tell(100)
    storage.append(ledger, story.entries)
    head = ledger.head()
    ends = count(20, 20) if is_sold else repeat(head)

    def on_progress(position: int, target: int) -> None:
        clock.now += 1

    catalogue = PROJECTORS["catalogue"]
    with (
        closing(ShadowCopies(database_url, ledger, "verification", TableKind.UNLOGGED)) as copies,
        copies.copy(catalogue, anew=True) as copy,
    ):
        copies.fill([copy], lambda _: min(head, next(ends)), on_progress)
        assert copies.position_of(copy) == head
        copies.drop(copy)
    assert bool(clock.pauses) == is_sold
