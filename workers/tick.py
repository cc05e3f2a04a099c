"""The tick: a wake-up a second for each projector, mail and webhooks, and one a minute for snapshots and maintenance. Redis may
lose any; while one worker runs, projections still progress.

Any number of ticks may run, on any machines: they take turns (docs/decisions/0040). None needs the database.
"""

import logging
import math
import signal
import threading
import time
from typing import Any

import redis
from kombu.exceptions import OperationalError

from ledger import redis_clients
from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from projections.wake_ups import MAINTENANCE, REDIS_SECONDS, TASKS, WakeUps
from workers.metrics import TickMetrics

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
#: Of the tasks that are woken less often than each second.
TASK_TICK_SECONDS = {SNAPSHOTS: 60.0, MAINTENANCE: 60.0}
#: In Redis: the number of rounds of wake-ups that were sent.
TURN_KEY = "seatledger:ticks"


class Tick:
    """One of the ticks. It goes by the monotonic clock: a wall clock that is set back would silence it for as long."""

    def __init__(self, settings: Settings) -> None:
        self._wake_ups = WakeUps(settings)
        self._redis = redis_clients.client(settings.redis_url, seconds=REDIS_SECONDS)
        self._turn: bytes | None = None
        self._due_at = dict.fromkeys(TASKS, -math.inf)
        self._is_failing = False
        self.metrics = TickMetrics()
        self._stop = threading.Event()

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        pause = 0.0
        while not self._stop.wait(pause):
            began = time.monotonic()
            self.send_due()
            pause = max(0.0, TICK_SECONDS - (time.monotonic() - began))
        self.close()

    def close(self) -> None:
        self._wake_ups.close()
        self._redis.close()

    def send_due(self) -> None:
        """Sends the wake-ups that are due, unless another tick has sent some since the last call. An error is logged, once."""
        try:
            if self._takes_turn():
                self._send(time.monotonic())
            if self._is_failing:
                log.info("The tick is sent again")
            self._is_failing = False
            self.metrics.is_up, self.metrics.replied_at = True, time.time()
        except Exception as error:
            is_expected = isinstance(error, redis.RedisError | OperationalError | OSError)
            if not self._is_failing:
                log.log(
                    logging.WARNING if is_expected else logging.ERROR,
                    "The tick can't be sent at the moment: %s",
                    error,
                    exc_info=not is_expected,
                )
            self._is_failing = True
            self.metrics.is_up = False
            self.metrics.failures += 1

    def _takes_turn(self) -> bool:
        """Whether the number of ticks is what it was: then no other tick was sent for a whole pause, and this one counts itself.
        Two that count at the same moment see different numbers, and only the later one goes on."""
        turn: Any = self._redis.get(TURN_KEY)
        if turn != self._turn:
            self._turn = turn
            return False
        self._turn = b"%d" % self._redis.incr(TURN_KEY)
        return True

    def _send(self, now: float) -> None:
        due = [name for name in TASKS if self._due_at[name] <= now]
        self._wake_ups.send(due)
        self.metrics.sent += 1
        for name in due:
            # Half a tick early, because pauses are never exact.
            self._due_at[name] = now + TASK_TICK_SECONDS.get(name, TICK_SECONDS) - TICK_SECONDS / 2
