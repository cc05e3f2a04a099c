"""Maintenance: long work that is due from time to time, each a process of its own: the rebuild of a projection whose code has a new
version, and the verification of everything."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Thread

from sqlalchemy import Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.database_errors import one_line
from ledger.outage import OutageLog
from ledger.settings import Settings
from projections.proof.verification_results import FAILED, read_last
from projections.registry import PROJECTORS
from projections.tables import Progress
from projections.wake_ups import MAINTENANCE
from workers import metrics
from workers.metrics import WorkerMetrics

log = logging.getLogger(__name__)

#: Selling, projections and queries have priority.
NICENESS = 10
#: The pause before a verification that failed is tried again.
RETRY_HOURS = 1.0


class Maintenance:
    """The maintenance of one worker. If another worker has begun the same work, the process finds its lock and ends."""

    def __init__(self, settings: Settings, engine: Engine, counts: WorkerMetrics, database: OutageLog) -> None:
        self._settings, self._engine, self._counts, self._database = settings, engine, counts, database
        self._thread = Thread()

    @property
    def is_busy(self) -> bool:
        return self._thread.is_alive()

    def begin(self) -> None:
        """Starts the most urgent work that is due, unless some is running."""
        if self.is_busy:
            return
        try:
            due = self._find_due()
        except (OperationalError, InterfaceError) as error:
            self._database.failed(one_line(error.orig))
            return
        if due:
            self._thread = Thread(target=self._run, args=due, name=MAINTENANCE, daemon=True)
            self._thread.start()

    def _find_due(self) -> list[str]:
        """The arguments of `python -m projections`; none where nothing is due."""
        with self._engine.connect() as connection:
            versions = dict(connection.execute(select(Progress.name, Progress.version)).all())
            has_entries = any(connection.scalars(select(Progress.position).where(Progress.name.in_(PROJECTORS))))
        old = [name for name, projector in PROJECTORS.items() if versions.get(name, projector.version) < projector.version]
        if old:
            return ["rebuild", old[0]]
        if not has_entries or not self._settings.verify_hours:
            return []
        last = read_last(self._settings.keys)
        pause = timedelta(
            hours=min(self._settings.verify_hours, RETRY_HOURS) if last and last.outcome == FAILED else self._settings.verify_hours
        )
        is_due = last is None or not timedelta() <= datetime.now(UTC) - last.at < pause
        return ["verify"] if is_due else []

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "projections", *arguments]
        environment = {**os.environ, **self._settings.to_env()}
        done = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, preexec_fn=lambda: os.nice(NICENESS)
        )
        self._counts.count(metrics.MAINTENANCE, arguments[0], "done" if done.returncode == 0 else "failed")
        output = " ".join((done.stdout + done.stderr).split())
        log.log(logging.INFO if done.returncode == 0 else logging.ERROR, "%s: %s", " ".join(arguments), output)
