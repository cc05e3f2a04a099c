"""`python -m workers worker` executes tasks; `tick` sends the wake-ups that are due; `check` tells whether the projections move.
`courier` sends mail, or calls webhooks: a worker starts its own.

Any number of workers and ticks may run. `check` ends with status 1, and a sentence, if a projection stays behind the ledger."""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from celery import signals
from celery.exceptions import SecurityWarning

from ledger import logs
from ledger.database_check import check_database
from ledger.settings import Settings, SettingsError
from projections.registry import PROJECTORS
from projections.wake_ups import TASKS
from workers import courier, metrics
from workers.app import make_app
from workers.health import find_trouble
from workers.poller import Poller
from workers.tick import Tick
from workers.worker import Worker

#: Where there are too few cores, selling has priority over projections, which then fold larger batches, at less cost an entry.
NICENESS = 5
#: Workers do not communicate with each other.
_WORKER_OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def _settings(part: str) -> Settings:
    settings = Settings.from_env()
    needed = {
        "worker": ("database_url", "redis_url"),
        "tick": ("redis_url",),
        "check": ("database_url",),
        courier.PART: ("database_url",),
    }[part]
    if not all(getattr(settings, name) for name in needed):
        raise SettingsError(f"`{part}` needs {' and '.join(name.upper() for name in needed)}.")
    return settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("part", choices=("worker", "tick", "check", courier.PART))
    only = f"worker, check: only these tasks (repeatable); courier: {' or '.join(courier.NAMES)}"
    parser.add_argument("--only", metavar="NAME", choices=TASKS, action="append", help=only)
    arguments = parser.parse_args()
    names = arguments.only or TASKS
    if arguments.part == courier.PART and not (len(names) == 1 and names[0] in courier.NAMES):
        parser.error(f"A courier needs --only {' or --only '.join(courier.NAMES)}.")
    try:
        settings = _settings(arguments.part)
        logs.configure(settings, arguments.part)
        if arguments.part == "worker":
            check_database(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.part == "check":
        return _check(settings, names)
    os.nice(NICENESS)
    if arguments.part == "tick":
        tick = Tick(settings)
        metrics.serve(settings, tick.metrics)
        tick.run()
    elif arguments.part == courier.PART:
        logging.getLogger("fontTools").setLevel("WARNING")  # else it logs several lines for each PDF
        courier.run(settings, names[0])
    else:
        _run_worker(settings, names)
    return 0


def _run_worker(settings: Settings, names: Sequence[str]) -> None:
    logging.getLogger("celery").setLevel("WARNING")  # else it logs a line for each task, every second
    signals.setup_logging.connect(lambda **_: None, weak=False)  # keeps Celery from configuring logging itself
    warnings.simplefilter("ignore", SecurityWarning)  # Celery warns root about pickle; only JSON is accepted here
    worker = Worker(settings)
    poller = Poller(worker, settings, names)
    signals.task_postrun.connect(lambda **_: poller.count_task(), weak=False)
    metrics.serve(settings, worker.metrics)
    poller.start()
    app = make_app(settings, worker)
    app.worker_main(["--quiet", "worker", "--pool", "solo", "--queues", ",".join(names), *_WORKER_OPTIONS])


def _check(settings: Settings, names: Sequence[str]) -> int:
    trouble = find_trouble(settings, [name for name in names if name in PROJECTORS])
    if trouble:
        print(trouble, file=sys.stderr)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
