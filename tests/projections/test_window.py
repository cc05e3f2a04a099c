"""The ledger's cache of decoded entries: a reader at any position gets all next entries, in order."""

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
from tests.ledger import storage
from tests.projections.stories import Story, rows
from tests.projections.test_engine import project, reset

KEPT = 40


@pytest.fixture(autouse=True)
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.store, "KEPT", KEPT)


class Truth:
    """A ledger with a random story, and the entries that a read has to return."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.story, self.positions = ledger, Story(seed=31), list[int]()
        self._append(self.story.entries)

    def grow(self, steps: int) -> None:
        self._append(self.story.tell(steps))

    def _append(self, entries: list[RecordedEntry]) -> None:
        if entries:
            self.positions += storage.append(self.ledger, entries)

    def read(self, after: int, limit: int) -> int:
        """Reads, checks the result, and returns its last position."""
        batch = self.ledger.read(after, limit)
        due = [position for position in self.positions if position > after]
        assert [recorded.position for recorded in batch] == due[:limit]
        assert len(self.ledger._kept) <= KEPT
        entries = dict(zip(self.positions, self.story.entries, strict=True))
        assert [recorded.entry for recorded in batch] == [entries[recorded.position].entry for recorded in batch]
        return batch[-1].position if batch else after


@pytest.fixture
def truth(ledger: Ledger) -> Truth:
    return Truth(ledger)


@pytest.mark.parametrize("seed", range(5))
def test_readers_at_different_positions_each_get_the_next_entries(truth: Truth, seed: int) -> None:
    dice, reached = random.Random(seed), [0, 0, 0, 0]
    for _ in range(150):
        if dice.random() < 0.3:
            truth.grow(dice.randrange(1, 25))
        reader = dice.randrange(4)
        reached[reader] = truth.read(reached[reader], dice.choice((1, 7, KEPT - 1, KEPT, KEPT + 1, 500)))
    for first in reached:
        position = first
        while position != truth.positions[-1]:
            position = truth.read(position, 100)


def test_read_beyond_the_cached_entries_continues(truth: Truth) -> None:
    truth.grow(5 * KEPT)
    for limit in (1, KEPT - 1, KEPT, KEPT + 1, 3 * KEPT, 10 * KEPT):
        position = 0
        while position != truth.positions[-1]:
            position = truth.read(position, limit)


def test_reader_far_behind_does_not_replace_the_newest_cached_entries(truth: Truth) -> None:
    truth.grow(5 * KEPT)
    behind = 0
    while behind != truth.positions[-1]:
        behind = truth.read(behind, 10)
        truth.read(truth.positions[-3], 10)
        truth.read(truth.positions[-1], 10)  # no entries
        truth.grow(1)


def test_read_from_a_position_without_an_entry_continues_with_the_next(truth: Truth) -> None:
    truth.grow(KEPT)
    for after in (0, truth.positions[3], truth.positions[-1], truth.positions[-1] + 100, 1):
        truth.read(after, 5)


def test_cached_entries_are_read_from_the_database_once(truth: Truth, monkeypatch: pytest.MonkeyPatch) -> None:
    truth.grow(20)
    selected: list[Notification] = []
    select = truth.ledger.recorder.select_notifications

    def counting(*args: Any, **more: Any) -> Sequence[Notification]:
        batch = select(*args, **more)
        selected.extend(batch)
        return batch

    monkeypatch.setattr(truth.ledger.recorder, "select_notifications", counting)
    for _ in range(4):
        truth.read(0, KEPT)
    ids, last = [notification.id for notification in selected], truth.positions[-1]
    assert ids == [*truth.positions, last, last, last], "but for the last one, which shows that the ledger has not gone back"


def test_concurrent_readers_each_read_everything(truth: Truth) -> None:
    truth.grow(6 * KEPT)
    read: dict[int, list[int]] = {}

    def read_all(number: int) -> None:
        position, read[number] = 0, []
        while batch := truth.ledger.read(position, 5 + 11 * number):
            read[number] += [recorded.position for recorded in batch]
            position = batch[-1].position

    threads = [threading.Thread(target=read_all, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == dict.fromkeys(range(6), truth.positions)


def test_rows_are_the_same_for_any_size_of_the_cache(truth: Truth, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(8):
        truth.grow(KEPT)
        project(engine, truth.ledger, batch_size=30)
    seen = rows(engine)
    reset(engine)
    monkeypatch.setattr(ledger.store, "KEPT", 100_000)
    project(engine, truth.ledger)
    assert rows(engine) == seen
