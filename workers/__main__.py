"""`python -m workers worker` executes tasks; `python -m workers tick` sends the wake-ups that are due (run exactly one)."""

import argparse
import logging
import os
import sys
import warnings

from celery import signals
from celery.exceptions import SecurityWarning

from ledger.settings import Settings, SettingsError
from projections.wake_ups import TASKS
from workers.app import make_app

#: Where there are too few cores, selling has priority over projections, which then fold larger batches, at less cost an entry.
NICENESS = 5
#: Workers do not communicate with each other.
_WORKER_OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def _settings() -> Settings:
    settings = Settings.from_env()
    if not settings.database_url or not settings.redis_url:
        raise SettingsError("A worker needs DATABASE_URL and REDIS_URL.")
    return settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("part", choices=("worker", "tick"))
    parser.add_argument("--only", metavar="NAME", choices=TASKS, action="append", help="worker: only these tasks (repeatable)")
    arguments = parser.parse_args()
    try:
        settings = _settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("celery").setLevel("WARNING")  # else it logs a line for each task, every second
    signals.setup_logging.connect(lambda **_: None)  # keeps Celery from configuring logging itself
    os.nice(NICENESS)
    app = make_app(settings)
    if arguments.part == "tick":
        app.Beat(scheduler_cls="workers.scheduler:TickScheduler", loglevel=settings.log_level, quiet=True).run()
    else:
        queues = ",".join(arguments.only or TASKS)
        warnings.simplefilter("ignore", SecurityWarning)  # Celery warns root about pickle; only JSON is accepted here
        app.worker_main(["--quiet", "worker", "--pool", "solo", "--queues", queues, *_WORKER_OPTIONS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
