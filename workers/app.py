"""The Celery app of workers: one task without arguments for each projector, for snapshots and for maintenance, and their
schedule."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from celery import Celery
from kombu.exceptions import OperationalError

from ledger.settings import Settings
from ledger.snapshots import SNAPSHOTS
from projections.engine import Projector
from projections.registry import PROJECTORS
from projections.wake_ups import MAINTENANCE, TASKS, make_celery_app
from workers.worker import RemainingWork, Worker

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
#: The tick of tasks that do not project.
TASK_TICK_SECONDS = {SNAPSHOTS: 60.0, MAINTENANCE: 60.0}
#: The pause before a task that found its projector locked by another worker is sent again.
LOCKED_PAUSE_SECONDS = 0.05


def make_app(settings: Settings) -> Celery:
    """The app of a worker and of the tick, with the tasks and the schedule of the tick. It does not connect yet."""
    app = make_celery_app(settings)
    app.conf.update(
        accept_content=["json"],
        task_acks_late=False,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        beat_schedule={name: {"task": name, "schedule": TASK_TICK_SECONDS.get(name, TICK_SECONDS)} for name in TASKS},
    )
    worker = cache(lambda: Worker(settings))  # made by the process that executes the first task
    for projector in PROJECTORS.values():
        app.task(name=projector.name, shared=False)(_project_task(app, worker, projector))

    @app.task(name=SNAPSHOTS, shared=False)
    def take_snapshots() -> None:
        worker().begin_snapshots()

    @app.task(name=MAINTENANCE, shared=False)
    def run_maintenance() -> None:
        worker().maintenance.begin()

    return app


def _project_task(app: Celery, worker: Callable[[], Worker], projector: Projector) -> Callable[[], None]:
    def project() -> None:
        own_queues = app.amqp.queues.consume_from
        left = worker().project(projector, [PROJECTORS[name] for name in PROJECTORS if name in own_queues])
        if left is RemainingWork.LOCKED:
            time.sleep(LOCKED_PAUSE_SECONDS)
        if left is not RemainingWork.NOTHING:
            with suppress(OperationalError, OSError):  # the tick sends it again
                app.send_task(projector.name, queue=projector.name, retry=False, ignore_result=True)

    return project
