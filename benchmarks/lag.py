"""Projection lag: the age of the oldest entry that a projection has not processed, sampled every 50 ms by another process.

A sample is the ledger's head and each projection's position, read by one statement. A projection at position p lags by the time
since the head was at p. Between two samples the head is assumed to move at a constant rate.
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

_SAMPLE = """
    SELECT name, position, (SELECT coalesce(max(notification_id), 0) FROM ledger_entries)
    FROM projections WHERE name = ANY(%s)"""


class LagSample(NamedTuple):
    at: float
    head: int
    positions: dict[str, int]


class LagSampler:
    """Takes samples in a thread while it is open."""

    def __init__(self, database_url: str) -> None:
        self.samples: list[LagSample] = []
        self._url, self._stop = database_url, threading.Event()

    @classmethod
    @contextmanager
    def open(cls, database_url: str) -> Iterator[Self]:
        """To be opened while all projections have caught up, so that the first sample shows when the head was where."""
        sampler = cls(database_url)
        thread = threading.Thread(target=sampler._sample_continuously, daemon=True)
        thread.start()
        try:
            yield sampler
        finally:
            sampler._stop.set()
            thread.join()

    def _sample_continuously(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="seatledger-benchmark") as connection:
            while True:
                self.samples.append(take_sample(connection))
                if self._stop.wait(INTERVAL_SECONDS):
                    return


def take_sample(connection: psycopg.Connection) -> LagSample:
    rows = connection.execute(_SAMPLE, (list(PROJECTORS),)).fetchall()
    return LagSample(
        time.monotonic(), max((head for _, _, head in rows), default=0), {name: position for name, position, _ in rows}
    )


def lags(samples: Sequence[LagSample]) -> dict[str, list[float]]:
    """The lag in seconds, by projection, at each sample while entries were appended."""
    busy = range(len(samples))
    moving = [index for index in busy if index and samples[index].head > samples[index - 1].head]
    if not moving:
        return {}
    by_projection: dict[str, list[float]] = {name: [] for name in samples[0].positions}
    for index in range(moving[0], moving[-1] + 1):
        for name, position in samples[index].positions.items():
            by_projection[name].append(samples[index].at - _when_head_was(position, samples[: index + 1]))
    return by_projection


def _when_head_was(position: int, samples: Sequence[LagSample]) -> float:
    """The latest time at which the head was not past the position; the last sample's time if it never was."""
    after = bisect_right(samples, position, key=lambda sample: sample.head)
    if after == len(samples):
        return samples[-1].at
    if after == 0:  # it lagged before the first sample: the lag is at least this long
        return samples[0].at
    before, beyond = samples[after - 1], samples[after]
    share = (position - before.head) / (beyond.head - before.head)
    return before.at + share * (beyond.at - before.at)
