"""The tick: a wake-up a second for each projector, and one a minute for snapshots and maintenance. Redis may lose any message;
while one worker runs, projections still progress."""

import logging
from typing import Any

import redis
from celery import beat
from kombu.exceptions import OperationalError

from projections.wake_ups import WakeUps

log = logging.getLogger(__name__)


class TickScheduler(beat.Scheduler):
    """Celery's beat, but it sends no task that is in its queue already, so that queues stay short while no worker runs."""

    def __init__(self, app: Any, *args: Any, **kwargs: Any) -> None:
        self._wake_ups = WakeUps(app, app.conf.broker_url)
        super().__init__(app, *args, **kwargs)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        try:
            self._wake_ups.send([entry.task])
        except (redis.RedisError, OperationalError, OSError) as error:
            log.warning("The tick can't be sent at the moment: %s", error)
        except Exception:  # an error would end the scheduler
            log.exception("A tick could not be sent")
