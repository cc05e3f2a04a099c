"""Projection lag: how old the oldest entry is that a projection has not folded yet, looked at every 50 ms from outside.

A look is the ledger's head and every projection's position, in one statement. A projection that stands at position p lags by the
time since the head was p: between two looks the head is taken to have moved evenly.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Self

import psycopg

from projections.registry import PROJECTORS

INTERVAL_SECONDS = 0.05

_LOOK = """
    SELECT name, position, (SELECT coalesce(max(notification_id), 0) FROM ledger_entries)
    FROM projections WHERE name = ANY(%s)"""


class LagSample(NamedTuple):
    at: float
    head: int
    positions: dict[str, int]


class LagSampler:
    """The looks taken while it was open."""

    def __init__(self, database_url: str) -> None:
        self.samples: list[LagSample] = []
        self._url, self._stop = database_url, threading.Event()

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator[Self]:
        """Open it while all is caught up, so that the first look knows what the head was. Looks from a thread of its own."""
        watch = cls(database_url)
        thread = threading.Thread(target=watch._sample_continuously, daemon=True)
        thread.start()
        try:
            yield watch
        finally:
            watch._stop.set()
            thread.join()

    def _sample_continuously(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="seatledger-benchmark") as connection:
            while True:
                self.samples.append(take_sample(connection))
                if self._stop.wait(INTERVAL_SECONDS):
                    return


def take_sample(connection: psycopg.Connection) -> LagSample:
    rows = connection.execute(_LOOK, (list(PROJECTORS),)).fetchall()
    return LagSample(
        time.monotonic(), max((head for _, _, head in rows), default=0), {name: position for name, position, _ in rows}
    )


def lags(looks: Sequence[LagSample]) -> dict[str, list[float]]:
    """Seconds, by projection, at each look while anything was being appended."""
    busy = range(len(looks))
    moving = [place for place in busy if place and looks[place].head > looks[place - 1].head]
    if not moving:
        return {}
    found: dict[str, list[float]] = {name: [] for name in looks[0].positions}
    for place in range(moving[0], moving[-1] + 1):
        for name, position in looks[place].positions.items():
            found[name].append(looks[place].at - _when_head_was(position, looks[: place + 1]))
    return found


def _when_head_was(position: int, looks: Sequence[LagSample]) -> float:
    """The last moment at which no entry past the position was there; the last look's, where none is there yet."""
    after = bisect_right(looks, position, key=lambda look: look.head)
    if after == len(looks):
        return looks[-1].at
    if after == 0:  # behind already when the watch began: at least as old as that
        return looks[0].at
    before, beyond = looks[after - 1], looks[after]
    share = (position - before.head) / (beyond.head - before.head)
    return before.at + share * (beyond.at - before.at)
