"""Entries that arrive all the time, and how far behind them the projections are."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import psycopg

from tests.workers.deployment import Grow

PAUSE_SECONDS = 0.05
STREAM = UUID(int=0x10AD)
_LOOK = """
    SELECT (SELECT max(notification_id) FROM ledger_entries), min(position) FROM projections WHERE name <> 'snapshots'"""


class Lag:
    """The age of the oldest entry that some projection lacks, as it is watched in a thread. `longest`: since `forget`."""

    def __init__(self, database_url: str) -> None:
        self._url, self._stop = database_url, threading.Event()
        self._heads: deque[tuple[float, int]] = deque()
        self._thread = threading.Thread(target=self._watch)
        self.longest = 0.0
        self.reached = 0

    def forget(self) -> None:
        self.longest = 0.0

    def _watch(self) -> None:
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            while not self._stop.wait(PAUSE_SECONDS):
                row = connection.execute(_LOOK).fetchone()
                assert row is not None
                head, self.reached = row
                if head and (not self._heads or head > self._heads[-1][1]):
                    self._heads.append((time.monotonic(), head))
                while self._heads and self._heads[0][1] <= self.reached:
                    self._heads.popleft()
                if self._heads:
                    self.longest = max(self.longest, time.monotonic() - self._heads[0][0])

    @contextmanager
    def watched(self) -> Iterator["Lag"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()


@contextmanager
def load(grow: Grow) -> Iterator[None]:
    """Appends two entries every PAUSE_SECONDS, until the end of the block."""
    stop = threading.Event()

    def append() -> None:
        while not stop.wait(PAUSE_SECONDS):
            grow(STREAM, 2)

    thread = threading.Thread(target=append)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
