"""What a worker does beside Celery: it looks at the ledger every second, catches up what no task has caught up, and ends the
process if that hangs.

Wake-ups are the fast way. They all may be missing: Redis is unavailable, the tick is dead, the consumer waits for a connection. So
the poller has a thread of its own, and needs nothing but the database.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import redis
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger import redis_clients
from ledger.outbox import MAIL
from ledger.settings import Settings
from ledger.webhooks import WEBHOOKS
from projections.availability import AvailabilityProjector
from projections.payments import PaymentsProjector
from projections.registry import PROJECTORS
from workers import metrics
from workers.lag import Look, look
from workers.worker import RemainingWork, Worker

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
#: A worker ends itself after so long without a sign of life. It is longer than any time limit of one of its calls, so that only
#: what should not happen ends it: a call without an end, a lost lock, a consumer that takes no message.
HUNG_SECONDS = 60
#: What a supervisor sees then (EX_SOFTWARE).
HUNG_STATUS = 70
#: The bound of asking Redis, and the pause after it did not reply.
REDIS_SECONDS, REDIS_PAUSE_SECONDS = 0.5, 5.0


def _end_process(reason: str) -> None:
    """Ends the process at once: its other threads may hang, and would not let it end in order."""
    log.critical("%s: this worker ends itself, to be started again", reason)
    logging.shutdown()
    os._exit(HUNG_STATUS)


class Poller:
    """The poller of one worker, for the tasks `names`, and its watchdog."""

    def __init__(self, worker: Worker, settings: Settings, names: Sequence[str], end: Callable[[str], None] = _end_process) -> None:
        self._worker, self._names, self._end = worker, names, end
        self._projectors = [PROJECTORS[name] for name in names if name in PROJECTORS]
        self._last = Look(0, {}, frozenset())
        self._unmoved: Counter[str] = Counter()
        self._redis = redis_clients.client(settings.redis_url, seconds=REDIS_SECONDS)
        self._redis_again_at = 0.0
        self._executed = self._executed_before = self._untaken = 0
        self._steps = 0

    def start(self) -> None:
        for work in (self._poll_for_ever, self._watch_for_ever):
            threading.Thread(target=work, name="poller", daemon=True).start()

    def count_task(self) -> None:
        """Celery has executed a task."""
        self._executed += 1
        self._worker.metrics.count(metrics.TASKS)

    def poll(self) -> None:
        """Catches up the projections that are behind the head of the last look and have not moved since. Ends the process if such a
        projection, which no other process holds and no entry stops, does not move for HUNG_SECONDS; or if wake-ups wait that long
        and Celery executes none."""
        try:
            self._catch_up_unmoved()
            if AvailabilityProjector.name in self._names:
                self._worker.begin_lapses()
            if PaymentsProjector.name in self._names:
                self._worker.begin_payments()
            if MAIL in self._names:
                self._worker.couriers.begin_mail()
            if WEBHOOKS in self._names:
                self._worker.couriers.begin_webhooks()
            self._worker.note_database(None)
        except (OperationalError, InterfaceError) as error:
            self._worker.note_database(error)
            self._unmoved.clear()
        self._watch_consumer()

    def _catch_up_unmoved(self) -> None:
        now = self._look()
        last = self._last
        unmoved = [name for name in now.behind(last.head) if now.positions[name] == last.positions.get(name)]
        projectors = [projector for projector in self._projectors if projector.name in unmoved]
        locked = set()
        for projector in projectors:
            self._worker.metrics.count(metrics.CATCH_UPS, "poller")
            if self._worker.project(projector, projectors) is RemainingWork.LOCKED:
                locked.add(projector.name)
            self._steps += 1
        self._last = self._look() if projectors else now
        self._unmoved = Counter(
            {
                name: self._unmoved[name] + 1
                for name in unmoved
                if name not in locked | self._last.stalled and self._last.positions.get(name) == now.positions[name]
            }
        )
        self._worker.metrics.see(self._last, {name: rounds * POLL_SECONDS for name, rounds in self._unmoved.items()})
        for name, rounds in self._unmoved.items():
            if rounds * POLL_SECONDS >= HUNG_SECONDS:
                self._end(f"{name} stays at position {now.positions[name]} while the ledger is at {now.head}")

    def _look(self) -> Look:
        with self._worker.engine.connect() as connection:
            return look(connection, [projector.name for projector in self._projectors])

    def _watch_consumer(self) -> None:
        executed = self._executed
        if executed != self._executed_before:
            self._worker.metrics.set(metrics.REDIS_UP, 1)
        self._untaken = self._untaken + 1 if executed == self._executed_before and self._has_wake_ups() else 0
        self._executed_before = executed
        if self._untaken * POLL_SECONDS >= HUNG_SECONDS:
            self._end("Redis holds wake-ups, and no task is executed")

    def _has_wake_ups(self) -> bool:
        """Whether Redis holds a wake-up for this worker; not, if Redis is unavailable."""
        if time.monotonic() < self._redis_again_at:
            return False
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in self._names:
                    pipeline.llen(name)
                waiting = any(pipeline.execute())
            self._worker.metrics.set(metrics.REDIS_UP, 1)
            return waiting
        except (redis.RedisError, OSError):
            self._worker.metrics.set(metrics.REDIS_UP, 0)
            self._redis_again_at = time.monotonic() + REDIS_PAUSE_SECONDS
            return False

    def _poll_for_ever(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:  # if this thread ended, nothing would be projected without Redis
                log.exception("The poller failed; it tries again")
            self._steps += 1
            time.sleep(POLL_SECONDS)

    def _watch_for_ever(self) -> None:
        """Counts its own seconds instead of comparing times: a process that is stopped and continued has not hung."""
        steps, seconds = -1, 0.0
        while True:
            seen = self._steps + self._worker.commits
            steps, seconds = seen, (seconds + POLL_SECONDS if seen == steps else 0.0)
            if seconds >= HUNG_SECONDS:
                self._end(f"The ledger was not looked at for {HUNG_SECONDS} s")
            time.sleep(POLL_SECONDS)
