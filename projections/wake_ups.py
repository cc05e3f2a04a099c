"""Wake-ups: hints on Redis that there may be work for a task. A lost one costs a tick's time; progress does not depend on them.

They are sent from a thread of their own, never from the event loop: a Redis that has gone silent may block the sender for seconds.
Many appends make one wake-up, and none is sent to a task that has one waiting already.
"""

import logging
import threading
from collections.abc import Iterable

import redis
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from projections.registry import PROJECTORS

log = logging.getLogger(__name__)

MAINTENANCE = "maintenance"
#: Each task has a queue of its own name, so that workers can be given to one projector (`-Q`), and so that the queue's length tells
#: whether a wake-up is waiting there already.
TASKS = (*PROJECTORS, SNAPSHOTS, MAINTENANCE)

#: The shortest and the longest pause between two rounds of wake-ups: the first goes at once, and the more appends there were
#: meanwhile, the longer the next round waits. A task costs a worker more than the entries that it finds.
ROUND_SECONDS = (0.025, 0.1)
#: The pause after Redis failed; until then the tick makes up for the lost wake-ups.
PAUSE_SECONDS = 1.0

#: A worker must notice a Redis that is gone or silent, and reconnect by itself (docs/decisions/0006).
_CONNECTION = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
    "visibility_timeout": 3600,
}


def make_celery_app(settings: Settings) -> Celery:
    """The Celery app with its queues and connection, and without tasks: enough to send. Connects to nothing yet."""
    exchange = Exchange("seatledger")
    app = Celery("seatledger", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        task_queues=[Queue(name, exchange, routing_key=name) for name in TASKS],
        task_default_queue=TASKS[0],
        task_create_missing_queues=False,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_CONNECTION,
    )
    return app


class WakeUps:
    """Sends each task a wake-up unless one is waiting in its queue: a queue never holds more than a handful of messages."""

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


class WakeUpSender:
    """`wake` sets a flag; a daemon thread sends. At most one round is in flight, later calls are coalesced into the next."""

    def __init__(self, settings: Settings) -> None:
        self._wake_ups = WakeUps(make_celery_app(settings), settings.redis_url)
        self._requested = threading.Event()
        self._appends = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._appends += 1
        self._requested.set()

    def close(self) -> None:
        """Waits at most a second for the last round."""
        self._stop.set()
        self._requested.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while True:
            self._requested.wait()
            self._requested.clear()
            shortest, longest = ROUND_SECONDS
            pause = min(shortest * self._appends, longest)
            self._appends = 0
            try:
                self._wake_ups.send(PROJECTORS)
            except (redis.RedisError, OperationalError, OSError) as error:
                log.warning("Wake-ups can't be sent at the moment, the tick goes on: %s", error)
                pause = PAUSE_SECONDS
            except Exception:  # without this thread the process would send no wake-up until it is restarted
                log.exception("Wake-ups could not be sent, the tick goes on")
                pause = PAUSE_SECONDS
            if self._stop.wait(pause):
                return
