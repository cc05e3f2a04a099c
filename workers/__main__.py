"""`python -m workers worker` carries out tasks; `python -m workers tick` sends one of each every second (run exactly one)."""

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

#: Where there are not cores enough for both, selling goes before showing what was sold: longer runs cost less, too.
NICENESS = 5
#: Workers have nothing to say to each other.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def _settings() -> Settings:
    settings = Settings.from_env()
    if not settings.database_url or not settings.redis_url:
        raise SettingsError("A worker needs DATABASE_URL and REDIS_URL.")
    return settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("part", choices=("worker", "tick"))
    parser.add_argument("--only", metavar="NAME", choices=TASKS, action="append", help="worker: these tasks alone (repeatable)")
    arguments = parser.parse_args()
    try:
        settings = _settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("celery").setLevel("WARNING")  # a line a task a second says nothing
    signals.setup_logging.connect(lambda **_: None)  # the logging is as above
    os.nice(NICENESS)
    app = make_app(settings)
    if arguments.part == "tick":
        app.Beat(scheduler_cls="workers.scheduler:TickScheduler", loglevel=settings.log_level, quiet=True).run()
    else:
        queues = ",".join(arguments.only or TASKS)
        warnings.simplefilter("ignore", SecurityWarning)  # of root: it is about pickle, and we accept JSON alone
        app.worker_main(["--quiet", "worker", "--pool", "solo", "--queues", queues, *_ALONE])
    return 0


if __name__ == "__main__":
    sys.exit(main())
