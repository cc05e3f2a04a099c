"""How long the appender takes for what, of each batch (for the log line of a slow request) and in all (for metrics)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from ledger.metrics import BATCH_SIZES, REQUEST_SECONDS, Histogram

#: The parts of a batch that are timed. `lock`: taking the ordering lock first, and reading what was missed; otherwise `append`
#: includes the lock, since it is one statement.
PARTS = ("connect", "lock", "decide", "append")


class BatchTiming:
    """One batch: its number in this process, its commands, and the seconds of its parts, over all its tries."""

    __slots__ = ("_seconds", "began_at", "commands", "number", "running", "tries")

    def __init__(self, number: int) -> None:
        self.number, self.commands, self.tries = number, 0, 0
        self.began_at = perf_counter()
        #: The part that has not ended, and when it began.
        self.running: tuple[str, float] | None = None
        self._seconds = dict.fromkeys(PARTS, 0.0)

    def add(self, part: str, seconds: float) -> None:
        self._seconds[part] += seconds

    def phases(self) -> dict[str, float]:
        """Seconds by part, with those of a part that has not ended."""
        if self.running is None:
            return self._seconds
        part, began = self.running
        return {**self._seconds, part: self._seconds[part] + perf_counter() - began}


class QueuedRequest(Protocol):
    """`began_at`: when it was queued, by perf_counter. `batch`: the one that took it."""

    began_at: float
    batch: BatchTiming | None


class AppenderTimings:
    """All batches of this process. `batch`: the one that is being executed."""

    def __init__(self) -> None:
        self.queue = Histogram(REQUEST_SECONDS)
        self.parts = {part: Histogram(REQUEST_SECONDS) for part in PARTS}
        self.sizes = Histogram(BATCH_SIZES)
        #: Tries that appended nothing, by the reason.
        self.failures: Counter[str] = Counter()
        self.batch = BatchTiming(0)

    def begin(self, requests: Sequence[QueuedRequest]) -> BatchTiming:
        """These requests were taken from the queue, to be executed together."""
        self.batch = BatchTiming(self.batch.number + 1)
        self.join(requests)
        return self.batch

    def join(self, requests: Sequence[QueuedRequest]) -> None:
        """These requests join the batch that is being executed."""
        now, observe, batch = perf_counter(), self.queue.observe, self.batch
        for request in requests:
            if request.batch is None:
                observe(now - request.began_at)
            request.batch = batch
        batch.commands += len(requests)

    def end(self, batch: BatchTiming) -> None:
        self.sizes.observe(batch.commands)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        batch, began = self.batch, perf_counter()
        batch.running = part, began
        try:
            yield
        finally:
            batch.running = None
            seconds = perf_counter() - began
            self.parts[part].observe(seconds)
            batch.add(part, seconds)
