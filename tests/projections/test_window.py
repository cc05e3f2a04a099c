"""What the ledger keeps of what was read last: whoever reads, from wherever, gets the next entries, all of them, in order."""

import random
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from eventsourcing.persistence import Notification
from sqlalchemy import Engine

import ledger.store
from ledger.entries import RecordedEntry
from ledger.store import Ledger
from tests.ledger import scenario as s
from tests.projections.stories import Story, rows
from tests.projections.test_engine import forget, project

KEPT = 40


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.store, "KEPT", KEPT)


class Truth:
    """A story in a ledger, and what a read of it must give."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.story, self.positions = ledger, Story(seed=31), list[int]()
        self._append(self.story.entries)

    def go_on(self, steps: int) -> None:
        self._append(self.story.tell(steps))

    def _append(self, entries: list[RecordedEntry]) -> None:
        if entries:
            self.positions += s.append(self.ledger, entries)

    def read(self, after: int, limit: int) -> int:
        """Reads, checks, and returns the last position."""
        found = self.ledger.read(after, limit)
        due = [position for position in self.positions if position > after]
        assert [one.position for one in found] == due[:limit]
        assert len(self.ledger._kept) <= KEPT
        entries = dict(zip(self.positions, self.story.entries, strict=True))
        assert [one.entry for one in found] == [entries[one.position].entry for one in found]
        return found[-1].position if found else after


@pytest.fixture
def truth(ledger: Ledger) -> Truth:
    return Truth(ledger)


@pytest.mark.parametrize("seed", range(5))
def test_projectors_behind_and_ahead_take_turns(truth: Truth, seed: int) -> None:
    dice, reached = random.Random(seed), [0, 0, 0, 0]
    for _ in range(150):
        if dice.random() < 0.3:
            truth.go_on(dice.randrange(1, 25))
        one = dice.randrange(4)
        reached[one] = truth.read(reached[one], dice.choice((1, 7, KEPT - 1, KEPT, KEPT + 1, 500)))
    for one in reached:
        while one != truth.positions[-1]:
            one = truth.read(one, 100)  # noqa: PLW2901 - it goes on


def test_reads_go_on_over_the_edge_of_what_is_kept(truth: Truth) -> None:
    truth.go_on(5 * KEPT)
    for limit in (1, KEPT - 1, KEPT, KEPT + 1, 3 * KEPT, 10 * KEPT):
        position = 0
        while position != truth.positions[-1]:
            position = truth.read(position, limit)


def test_one_that_is_far_behind_is_read_for_and_does_not_disturb_the_one_at_the_end(truth: Truth) -> None:
    truth.go_on(5 * KEPT)
    behind = 0
    while behind != truth.positions[-1]:
        behind = truth.read(behind, 10)
        truth.read(truth.positions[-3], 10)
        truth.read(truth.positions[-1], 10)  # nothing there
        truth.go_on(1)


def test_positions_between_and_past_entries_are_places_to_read_from_too(truth: Truth) -> None:
    truth.go_on(KEPT)
    for after in (0, truth.positions[3], truth.positions[-1], truth.positions[-1] + 100, 1):
        truth.read(after, 5)


def test_what_is_kept_is_read_from_the_database_once(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    truth.go_on(20)
    selected: list[Notification] = []
    select = truth.ledger.recorder.select_notifications

    def counting(*args: Any, **more: Any) -> Sequence[Notification]:
        found = select(*args, **more)
        selected.extend(found)
        return found

    monkeypatch.setattr(truth.ledger.recorder, "select_notifications", counting)
    for _ in range(4):
        truth.read(0, KEPT)
    assert [one.id for one in selected] == truth.positions


def test_threads_that_share_it_each_read_everything(truth: Truth) -> None:
    truth.go_on(6 * KEPT)
    read: dict[int, list[int]] = {}

    def go(number: int) -> None:
        position, read[number] = 0, []
        while found := truth.ledger.read(position, 5 + 11 * number):
            read[number] += [one.position for one in found]
            position = found[-1].position

    threads = [threading.Thread(target=go, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == dict.fromkeys(range(6), truth.positions)


def test_rows_are_the_same_however_little_is_kept(truth: Truth, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(8):
        truth.go_on(KEPT)
        project(engine, truth.ledger, batch_size=30)
    seen = rows(engine)
    forget(engine)
    monkeypatch.setattr(ledger.store, "KEPT", 100_000)
    project(engine, truth.ledger)
    assert rows(engine) == seen
