"""When PostgreSQL servers were promoted, watched from outside."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

POLL_SECONDS = 0.05


class Promotions:
    """`moments`: of each promotion, by the monotonic clock, at most POLL_SECONDS and a connection late."""

    def __init__(self, timelines: Sequence[Callable[[], int | None]]) -> None:
        """Each is of a server: the timeline of a primary, else None."""
        self.moments: list[float] = []
        self._newest = max(filter(None, (timeline() for timeline in timelines)), default=0)
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(timeline,)) for timeline in timelines]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, timeline: Callable[[], int | None]) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            seen = timeline() or 0
            with self._lock:
                if seen > self._newest:
                    self._newest = seen
                    self.moments.append(time.monotonic())


@contextmanager
def watch_promotions(timelines: Sequence[Callable[[], int | None]]) -> Iterator[Promotions]:
    promotions = Promotions(timelines)
    promotions.start()
    try:
        yield promotions
    finally:
        promotions.stop()
