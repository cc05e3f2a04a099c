"""The Celery app on Redis: one argument-free task a projector, one for snapshots, and a tick that makes up for lost hints."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from projections.engine import Projector
from projections.registry import PROJECTORS
from workers.upkeep import UPKEEP
from workers.workshop import Left, Workshop

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
#: Between two ticks of a task that does not project.
SECONDS = {SNAPSHOTS: 60.0, UPKEEP: 60.0}
#: How long a hint waits that found its projector in another worker's hands.
OCCUPIED_SECONDS = 0.05
#: Every task has a queue of its own name, so that workers can be given to one projector (`-Q`), and so that one look at its
#: length tells whether a hint is waiting there already.
TASKS = (*PROJECTORS, SNAPSHOTS, UPKEEP)


def make_app(settings: Settings) -> Celery:
    """An app that sends tasks, and carries them out in a worker. Connects to nothing yet."""
    exchange = Exchange("seatledger")
    app = Celery("seatledger", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        task_queues=[Queue(name, exchange, routing_key=name) for name in TASKS],
        task_default_queue=TASKS[0],
        task_create_missing_queues=False,
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_CONNECTION,
        beat_schedule={name: {"task": name, "schedule": SECONDS.get(name, TICK_SECONDS)} for name in TASKS},
    )
    workshop = cache(lambda: Workshop(settings))  # built by the process that carries out the first task
    for projector in PROJECTORS.values():
        app.task(name=projector.name, shared=False)(_projecting(app, workshop, projector))

    @app.task(name=SNAPSHOTS, shared=False)
    def take_snapshots() -> None:
        workshop().begin_snapshots()

    @app.task(name=UPKEEP, shared=False)
    def keep_up() -> None:
        workshop().upkeep.begin()

    return app


def _projecting(app: Celery, workshop: Callable[[], Workshop], projector: Projector) -> Callable[[], None]:
    def project() -> None:
        served = app.amqp.queues.consume_from
        left = workshop().project(projector, [one for name, one in PROJECTORS.items() if name in served])
        if left is Left.OCCUPIED:
            time.sleep(OCCUPIED_SECONDS)
        if left is not Left.NOTHING:
            with suppress(OperationalError, OSError):  # then the tick makes up for it
                app.send_task(projector.name, queue=projector.name, retry=False, ignore_result=True)

    return project


#: A worker must notice a Redis that is gone or silent, and come back by itself (docs/decisions/0006).
_CONNECTION = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
    "visibility_timeout": 3600,
}
