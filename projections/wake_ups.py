"""Wake-ups: messages on Redis that a task may have work. A lost one delays the work until the next tick, and loses none of it.

They are sent from a thread of their own, never from the event loop: a silent Redis may block the sender for seconds. Many appends
cause one wake-up, and a task whose queue already holds one gets no other.
"""

import logging
import threading
from collections.abc import Iterable

import redis
from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from ledger import redis_clients
from ledger.outbox import MAIL
from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from ledger.webhooks import WEBHOOKS
from projections.registry import PROJECTORS

log = logging.getLogger(__name__)

MAINTENANCE = "maintenance"
#: Each task has a queue of its own name, so that workers can serve one projector only (`--only`), and so that the queue's length
#: says whether it holds a wake-up.
TASKS = (*PROJECTORS, MAIL, WEBHOOKS, SNAPSHOTS, MAINTENANCE)

#: The shortest and the longest pause between two rounds of wake-ups. The first round is sent immediately; the more appends there
#: were since, the longer the next one waits, since a task costs a worker more than folding a few entries.
ROUND_SECONDS = (0.025, 0.1)
#: The pause after an error of Redis. Meanwhile the tick replaces the lost wake-ups.
PAUSE_SECONDS = 1.0
#: A Redis that has not replied for this time is considered unavailable.
REDIS_SECONDS = 2.0


def make_celery_app(settings: Settings) -> Celery:
    """The Celery app with its queues and connection but without tasks, which is enough to send. It does not connect yet."""
    exchange = Exchange("seatledger")
    app = Celery("seatledger", set_as_current=False)
    app.conf.update(
        **redis_clients.celery_settings(settings.redis_url),
        task_queues=[Queue(name, exchange, routing_key=name) for name in TASKS],
        task_default_queue=TASKS[0],
        task_create_missing_queues=False,
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    return app


class WakeUps:
    """Sends a task a wake-up unless its queue holds one. So a queue holds one, or a few where several senders look at once."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_celery_app(settings)
        self._redis = redis_clients.client(settings.redis_url, seconds=REDIS_SECONDS)

    def send(self, names: Iterable[str]) -> None:
        """Raises redis.RedisError or kombu's OperationalError where Redis is unavailable."""
        names = tuple(names)
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            lengths = pipeline.execute()
        for name, count in zip(names, lengths, strict=True):
            if count == 0:
                self._app.send_task(name, queue=name, retry=False, ignore_result=True)

    def close(self) -> None:
        self._app.close()
        self._redis.close()


class WakeUpSender:
    """`wake` sets a flag; a daemon thread sends. At most one round is under way; later calls are coalesced into the next."""

    def __init__(self, settings: Settings) -> None:
        self._wake_ups = WakeUps(settings)
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
        self._wake_ups.close()

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
                log.warning("Wake-ups can't be sent at the moment, the tick replaces them: %s", error)
                pause = PAUSE_SECONDS
            except Exception:  # if this thread ended, the process would send no wake-up until it is restarted
                log.exception("Wake-ups could not be sent, the tick replaces them")
                pause = PAUSE_SECONDS
            if self._stop.wait(pause):
                return
