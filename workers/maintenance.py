"""Long work that is due now and then, each as a process of its own beside the projecting: rebuilding a projection whose code is of
a new version, and verifying everything."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from threading import Thread

from sqlalchemy import Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.settings import Settings
from projections.proof.verify import FAILED, read_last
from projections.registry import PROJECTORS
from projections.tables import Progress
from projections.wake_ups import MAINTENANCE

log = logging.getLogger(__name__)

#: Selling, projecting and looking things up go before it.
NICENESS = 10
#: How soon a verification that could not be carried out is tried again.
AGAIN_HOURS = 1.0


class Maintenance:
    """For one worker. Where another has begun the same, its process finds out, and ends."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._thread = Thread()

    @property
    def is_busy(self) -> bool:
        return self._thread.is_alive()

    def begin(self) -> None:
        """Begins what is due most, unless something is going on from before."""
        if self.is_busy:
            return
        try:
            due = self._due()
        except (OperationalError, InterfaceError) as error:
            log.warning("What is due can't be looked up: %s", error.orig)
            return
        if due:
            self._thread = Thread(target=self._carry_out, args=due, name=MAINTENANCE, daemon=True)
            self._thread.start()

    def _due(self) -> list[str]:
        """Arguments of `python -m projections`; none: nothing is due."""
        with self._engine.connect() as connection:
            versions = dict(connection.execute(select(Progress.name, Progress.version)).all())
            has_entries = any(connection.scalars(select(Progress.position).where(Progress.name.in_(PROJECTORS))))
        old = [name for name, one in PROJECTORS.items() if versions.get(name, one.version) < one.version]
        if old:
            return ["rebuild", old[0]]
        if not has_entries or not self._settings.verify_hours:
            return []
        last = read_last(self._settings.keys)
        pause = timedelta(
            hours=min(self._settings.verify_hours, AGAIN_HOURS) if last and last.outcome == FAILED else self._settings.verify_hours
        )
        is_due = last is None or not timedelta() <= datetime.now(UTC) - last.at < pause
        return ["verify"] if is_due else []

    def _carry_out(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "projections", *arguments]
        environment = {**os.environ, **self._settings.to_env()}
        done = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, preexec_fn=lambda: os.nice(NICENESS)
        )
        said = " ".join((done.stdout + done.stderr).split())
        log.log(logging.INFO if done.returncode == 0 else logging.ERROR, "%s: %s", " ".join(arguments), said)
