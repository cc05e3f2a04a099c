"""The Celery app of workers: one task without arguments for each projector, for mail, webhooks, snapshots and maintenance."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu import Connection
from kombu.exceptions import OperationalError

from ledger.outbox import MAIL
from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from ledger.webhooks import WEBHOOKS
from projections.engine import Projector
from projections.registry import PROJECTORS
from projections.wake_ups import MAINTENANCE, make_celery_app
from workers import transport
from workers.metrics import CATCH_UPS
from workers.worker import RemainingWork, Worker

log = logging.getLogger(__name__)

#: The pause before a task that found its projector locked by another worker is sent again.
LOCKED_PAUSE_SECONDS = 0.05
#: The pause between two tries to connect to Redis.
RECONNECT_SECONDS = 0.5


class PromptConsumer(Consumer):
    """Celery's consumer of tasks, but the pause before it tries to connect again does not grow to 30 s."""

    def ensure_connected(self, conn: Connection) -> Connection:
        def log_once(error: Exception, pause: float) -> None:
            if not logged:
                log.warning("Tasks can't be taken from Redis at the moment: %.200s", error)
                logged.append(error)

        logged: list[Exception] = []
        self.first_connection_attempt = False
        pauses: dict[str, Any] = {"interval_start": RECONNECT_SECONDS, "interval_step": 0, "interval_max": RECONNECT_SECONDS}
        return conn.ensure_connection(log_once, callback=maybe_shutdown, **pauses)


def make_app(settings: Settings, worker: Worker) -> Celery:
    """The app of a worker process, with its tasks. It does not connect yet."""
    transport.install()
    app = make_celery_app(settings)
    app.conf.update(
        accept_content=["json"],
        task_acks_late=False,
        task_store_errors_even_if_ignored=False,
        worker_consumer="workers.app:PromptConsumer",
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,  # none is acknowledged late; else Celery warns of a change
    )
    for projector in PROJECTORS.values():
        app.task(name=projector.name, shared=False)(_project_task(app, worker, projector))
    app.task(name=MAIL, shared=False)(worker.couriers.begin_mail)
    app.task(name=WEBHOOKS, shared=False)(worker.couriers.begin_webhooks)
    app.task(name=SNAPSHOTS, shared=False)(worker.begin_snapshots)
    app.task(name=MAINTENANCE, shared=False)(worker.maintenance.begin)
    return app


def _project_task(app: Celery, worker: Worker, projector: Projector) -> Callable[[], None]:
    def project() -> None:
        worker.metrics.count(CATCH_UPS, "wake-up")
        own_queues = app.amqp.queues.consume_from
        left = worker.project(projector, [PROJECTORS[name] for name in PROJECTORS if name in own_queues])
        for name, begin in ((MAIL, worker.couriers.begin_mail), (WEBHOOKS, worker.couriers.begin_webhooks)):
            if name in own_queues:  # else the tick wakes those who do it
                begin()
        if left is RemainingWork.LOCKED:
            time.sleep(LOCKED_PAUSE_SECONDS)
        if left is not RemainingWork.NOTHING:
            with suppress(OperationalError, OSError):  # the tick sends it again
                app.send_task(projector.name, queue=projector.name, retry=False, ignore_result=True)

    return project
