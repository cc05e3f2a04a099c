"""Who fills copies lets those go before who sell."""

from contextlib import closing
from itertools import count, repeat
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from ledger.store import Ledger
from projections.rebuild import shadow_copies
from projections.rebuild.shadow_copies import BUSY_PER_SECOND, REST, REST_SECONDS, ShadowCopies
from projections.rebuild.shadow_tables import TableKind
from projections.registry import PROJECTORS
from tests.ledger import scenario as s
from tests.projections.stories import Story


class Clock:
    """Of `projections.rebuild.shadow_copies`: stands still but for who rests, and where a test moves it."""

    def __init__(self) -> None:
        self.now, self.rests = 1.0, list[float]()

    def rest(self, seconds: float) -> None:
        self.rests.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(shadow_copies, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=clock.rest))
    return clock


@pytest.mark.parametrize(
    ("took", "more", "rests"),
    [
        (0.2, 0, []),
        (0.2, BUSY_PER_SECOND * 0.1, []),
        (0.2, BUSY_PER_SECOND * 0.3, [REST * 0.2]),
        (60.0, BUSY_PER_SECOND * 100, [REST_SECONDS]),
    ],
)
def test_rests_as_long_as_its_step_says_where_entries_come_in(clock: Clock, took: float, more: int, rests: list[float]) -> None:
    pace = shadow_copies._Throttle()
    pace.step(5_000)
    clock.now += took
    pace.step(5_000 + int(more))
    assert clock.rests == [pytest.approx(one) for one in rests]


def test_its_own_rest_is_no_step(clock: Clock) -> None:
    pace = shadow_copies._Throttle()
    for end in (0, 1_000, 2_000):
        clock.now += 0.1
        pace.step(end)
    assert clock.rests == [pytest.approx(REST * 0.1)] * 2


@pytest.mark.parametrize("is_sold", [False, True])
def test_who_sells_goes_before(
    database_url: str, engine: Engine, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_sold: bool
) -> None:
    monkeypatch.setattr(shadow_copies, "BATCH_SIZE", 20)
    monkeypatch.setattr(shadow_copies, "BUSY_PER_SECOND", 10)
    story = Story(seed=3)
    story.tell(100)
    s.append(ledger, story.entries)
    head = ledger.head()
    ends = count(20, 20) if is_sold else repeat(head)

    def told(position: int, target: int) -> None:
        clock.now += 1

    catalogue = PROJECTORS["catalogue"]
    with closing(ShadowCopies(database_url, ledger, "test", TableKind.UNLOGGED)) as made, made.copy(catalogue, anew=True) as copy:
        made.fill([copy], lambda _: min(head, next(ends)), told)
        assert made.reached(copy) == head
        made.drop(copy)
    assert bool(clock.rests) == is_sold
