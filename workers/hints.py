"""Hints: `there is something new`. Sent from a thread of their own, never from the event loop: a Redis that has gone silent may
hold the sender for seconds. Many appends make one hint, and a task that is waiting already makes another one needless."""

import logging
import threading
from collections.abc import Iterable

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from ledger.settings import Settings
from projections.registry import PROJECTORS
from workers.app import make_app

log = logging.getLogger(__name__)

#: The least time between two rounds of hints, and the most: the first hint goes at once, and the more appends there were
#: meanwhile, the longer the next round waits. A task costs a worker more than the entries that it finds.
ROUND_SECONDS = (0.025, 0.1)
#: After Redis failed, this long passes before it is tried again; the tick and the slow look do without hints.
PAUSE_SECONDS = 1.0


class Hints:
    """Sends tasks that are not waiting in their queue yet: whatever happens, a queue holds a handful of messages at most."""

    def __init__(self, app: Celery, redis_url: str) -> None:
        self._app = app
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)

    def send(self, names: Iterable[str]) -> None:
        """Raises redis.RedisError or kombu's OperationalError where Redis can't be reached."""
        names = tuple(names)
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            waiting = pipeline.execute()
        for name, count in zip(names, waiting, strict=True):
            if count == 0:
                self._app.send_task(name, queue=name, retry=False, ignore_result=True)


class HintSender:
    """`hint` costs the event loop a flag; a daemon thread does the rest. One round in flight, the rest coalesced."""

    def __init__(self, settings: Settings) -> None:
        self._hints = Hints(make_app(settings), settings.redis_url)
        self._news = threading.Event()
        self._appends = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hint(self) -> None:
        self._appends += 1
        self._news.set()

    def close(self) -> None:
        """A last round, if one is due, is not waited for longer than a second."""
        self._stop.set()
        self._news.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            shortest, longest = ROUND_SECONDS
            pause = min(shortest * self._appends, longest)
            self._appends = 0
            try:
                self._hints.send(PROJECTORS)
            except (redis.RedisError, OperationalError, OSError) as error:
                log.warning("No hints at the moment, the tick goes on: %s", error)
                pause = PAUSE_SECONDS
            except Exception:  # whatever it is: without this thread there would be no hints until the process ends
                log.exception("Hints could not be sent, the tick goes on")
                pause = PAUSE_SECONDS
            if self._stop.wait(pause):
                return
