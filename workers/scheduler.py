"""The tick: a wake-up a second for every projector. Redis may lose any message; progress is certain while one worker runs."""

import logging
from typing import Any

import redis
from celery import beat
from kombu.exceptions import OperationalError

from projections.wake_ups import WakeUps

log = logging.getLogger(__name__)


class TickScheduler(beat.Scheduler):
    """Celery's beat, which does not send a task that is waiting already: nothing piles up while no worker runs."""

    def __init__(self, app: Any, *args: Any, **kwargs: Any) -> None:
        self._wake_ups = WakeUps(app, app.conf.broker_url)
        super().__init__(app, *args, **kwargs)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        try:
            self._wake_ups.send([entry.task])
        except (redis.RedisError, OperationalError, OSError) as error:
            log.warning("No tick at the moment: %s", error)
        except Exception:  # else the scheduler would end
            log.exception("A tick could not be sent")
