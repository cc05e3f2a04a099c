"""Lets due holds lapse. Sales do not depend on it: a due hold stands in nobody's way, and a command that needs its seats lets it
lapse itself. But until then its seats count as held."""

import logging
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.commands import Actor, LapseHolds, Role
from ledger.entries import HoldsLapsed
from ledger.hold_errors import NothingDue
from ledger.hold_rules import MAX_LAPSES
from ledger.store import LedgerUnavailable
from workers import metrics
from workers.gateway import Gateway
from workers.metrics import WorkerMetrics

log = logging.getLogger(__name__)

#: The advisory lock of the worker that lets holds lapse ("Lapsing" in ASCII).
LOCK = 0x4C617073696E67
#: Events of one run, and entries about one of them, each of `MAX_LAPSES` holds; what is left is for the next run.
MAX_EVENTS, MAX_ENTRIES = 100, 20
#: Between two entries about one Event: a hot one must not become contended.
PAUSE_SECONDS = 0.1
#: Nobody: a worker has no account.
_ACTOR = Actor(None, Role.ADMIN)

#: By the clock of the database, since those of machines differ.
_DUE = text("""
    SELECT DISTINCT event_id FROM holds JOIN availability_events USING (event_id)
    WHERE holds.status = 'open' AND expires_at <= now() AND is_open LIMIT :events""")


class Lapsing:
    def __init__(self, engine: Engine, gateway: Gateway, metrics: WorkerMetrics) -> None:
        self._engine, self._gateway, self._metrics = engine, gateway, metrics
        self._failing: set[UUID] = set()

    def run(self) -> int:
        """Returns the number of holds that have lapsed; 0 where another worker does it. The read tables say in which Events holds
        are due, the Event itself which.

        Raises SQLAlchemy's errors and LedgerUnavailable if the database is unavailable."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            if not guard.scalar(select(func.pg_try_advisory_lock(LOCK))):
                return 0
            try:
                event_ids = guard.scalars(_DUE, {"events": MAX_EVENTS}).all()
                lapsed = sum(self._lapse_or_log(guard, event_id) for event_id in event_ids)
            finally:
                guard.execute(select(func.pg_advisory_unlock(LOCK)))
        self._metrics.count(metrics.LAPSED_HOLDS, by=lapsed)
        return lapsed

    def _lapse_or_log(self, guard: Connection, event_id: UUID) -> int:
        """An Event that can't be read, or only by newer code, must not keep the holds of others; it is tried again at each run, and
        logged at the first."""
        lapsed = 0
        try:
            for number in range(MAX_ENTRIES):
                time.sleep(PAUSE_SECONDS if number else 0.0)
                count = self._lapse(event_id, guard.scalars(select(func.now())).one())
                lapsed += count
                if count < MAX_LAPSES:
                    break
            self._failing.discard(event_id)
        except (OperationalError, InterfaceError, LedgerUnavailable):
            raise
        except Exception:
            if event_id not in self._failing:
                log.exception("The due holds of event %s can't lapse", event_id)
            self._failing.add(event_id)
        return lapsed

    def _lapse(self, event_id: UUID, now: datetime) -> int:
        command = LapseHolds(id=uuid4(), actor=_ACTOR, event_id=event_id)
        try:
            (lapsed,) = self._gateway.execute(command, now.astimezone(UTC))
        except NothingDue:  # the read tables are behind
            return 0
        assert isinstance(lapsed.entry, HoldsLapsed)
        return len(lapsed.entry.hold_ids)
