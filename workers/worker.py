"""A worker process: its connections, and its work: projecting, signing checkpoints, snapshots, maintenance. Its couriers
are processes of their own."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from threading import Event as Flag
from threading import Lock, Thread
from uuid import UUID

import redis
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger import gc_tuning, redis_clients, snapshots
from ledger.anchor import LedgerWentBack
from ledger.channels import positions_channel
from ledger.database_errors import one_line
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.outage import OutageLog
from ledger.postgres_connections import make_engine
from ledger.settings import Settings
from ledger.store import Ledger, LedgerUnavailable
from ledger.ticket_codes import TicketCodes
from projections.audit import AuditProjector
from projections.engine import BATCH_SIZE, ProjectionLocked, ProjectionStalled, Projector, catch_up
from projections.proof.checkpoints import CheckpointSigner
from projections.rebuild import projection_snapshots
from projections.resume import resume_events
from projections.tables import Progress
from providers.registry import open_providers
from workers import metrics
from workers.courier import Couriers
from workers.gateway import Gateway
from workers.lapsing import Lapsing
from workers.maintenance import Maintenance
from workers.metrics import WorkerMetrics
from workers.payments import Payments

log = logging.getLogger(__name__)

#: The bound of a statement while projecting, and of one in the background: checkpoints, snapshots, maintenance.
STATEMENT_SECONDS, BACKGROUND_STATEMENT_SECONDS = 7.0, 30.0
LOCK_TIMEOUT_MS = 5_000
#: The bound of publishing a position, and the pause after a failure, so that not every batch waits for a silent Redis.
PUBLISH_SECONDS, PUBLISH_PAUSE_SECONDS = 0.5, 5.0
#: Entries folded by one projector before the others continue, so that all of them read the same entries while the ledger has them
#: in memory (`Ledger.read`).
CATCH_UP_LIMIT = BATCH_SIZE
#: Projectors that fold concurrently if there is much to fold: one computes while the database writes for the other
#: (docs/decisions/0025).
CATCH_UP_THREADS = 2
#: How often a worker tries again what its projections could not apply of Events that are set aside; the first time when it starts.
RESUME_SECONDS = 600.0
#: How long projections that are far behind are caught up together before the worker executes another task.
JOINT_CATCH_UP_SECONDS = 1.0
#: Entries read at a time in the search for streams that have grown.
SNAPSHOT_SCAN_SIZE = 50_000
#: The advisory lock of the worker that takes snapshots ("Snapshot" in ASCII).
SNAPSHOT_LOCK = 0x536E617073686F74

_GROWN_STREAMS = text("""
    SELECT originator_id, max(originator_version), max(notification_id), coalesce((
        SELECT max(originator_version) FROM ledger_snapshots
        WHERE ledger_snapshots.originator_id = news.originator_id AND mac IS NOT NULL), 0)
    FROM (
        SELECT originator_id, originator_version, notification_id FROM ledger_entries
        WHERE notification_id > :mark ORDER BY notification_id LIMIT :pass
    ) AS news GROUP BY originator_id""")
_DELETE_OLD_SNAPSHOTS = text("""
    DELETE FROM ledger_snapshots WHERE originator_id = :stream AND originator_version < (
        SELECT originator_version FROM ledger_snapshots WHERE originator_id = :stream
        ORDER BY originator_version DESC OFFSET 1 LIMIT 1)""")
_OWN_ROW = Progress.name == snapshots.SNAPSHOTS


class RemainingWork(Enum):
    """What is left to fold. After MORE, and LOCKED, where another process holds the lock, the task must be sent again."""

    NOTHING, MORE, LOCKED = range(3)


class Worker:
    """The work of one worker process."""

    def __init__(self, settings: Settings) -> None:
        gc_tuning.tune()
        self.engine = make_engine(
            settings.database_url,
            "seatledger-worker",
            statement_seconds=STATEMENT_SECONDS,
            lock_timeout=LOCK_TIMEOUT_MS,
            pool_size=2 * CATCH_UP_THREADS + 1,  # for tasks and the poller, which looks; opened when they are needed
        )
        self._background = make_engine(
            settings.database_url,
            "seatledger-worker",
            statement_seconds=BACKGROUND_STATEMENT_SECONDS,
            lock_timeout=LOCK_TIMEOUT_MS,
            pool_size=6,  # for checkpoints, snapshots, maintenance, payments, and to look whether there is a webhook
        )
        self.metrics = WorkerMetrics()
        macs = Macs.open(settings.keys)
        self.ledger = Ledger(settings.database_url, macs, lambda position: self.metrics.count(metrics.FORGED))
        self.database = OutageLog(log, "The database")
        self.maintenance = Maintenance(settings, self._background, self.metrics, self.database)
        self.couriers = Couriers(settings, self._background, self.ledger, self.metrics)
        # Ledgers of their own: their connections may hold the ordering lock.
        self._gateways = [
            Gateway(Ledger(settings.database_url, macs, lambda position: self.metrics.count(metrics.FORGED))) for _ in range(2)
        ]
        self.lapsing = Lapsing(self._background, self._gateways[0], self.metrics)
        codes = TicketCodes(Keyring.open(settings.keys, "tickets"))
        providers = open_providers(settings, self._background)
        self.payments = Payments(self._background, self._gateways[1], providers, codes, self.metrics)
        self._lapses, self._paying = Thread(), Thread()
        self._channel = positions_channel(settings.redis_url)
        self._snapshots = Thread()
        self._checkpoints = CheckpointSigner(settings.keys, self.ledger)
        self._signing_due, self._closing = Flag(), Flag()
        self._signing = Thread(target=self._sign_for_ever, name="checkpoints", daemon=True)
        self._starting = Lock()
        self._redis = redis_clients.client(settings.redis_url, seconds=PUBLISH_SECONDS)
        self._publish_again_at = 0.0
        self._resume_at: dict[str, float] = {}
        #: How many batches this process has committed, by any thread: it is a sign of life, and need not be exact.
        self.commits = 0

    def close(self) -> None:
        """Ends its threads, then its connections."""
        self._closing.set()
        self._signing_due.set()
        for thread in (self._signing, self._snapshots, self._lapses, self._paying):
            if thread.is_alive():
                thread.join()
        self.couriers.close()
        for gateway in self._gateways:
            gateway.close()
        self.ledger.close()
        self.engine.dispose()
        self._background.dispose()
        self._redis.close()

    def project(self, projector: Projector, own_projectors: Sequence[Projector] = ()) -> RemainingWork:
        """Catches up a projection. An error is logged and shown in the projection's row; the next tick tries again. If the
        projection is far behind, `own_projectors`, those that this worker serves, probably are, too: then all of them are caught up
        together, so that entries are decoded once."""
        left = self._catch_up(projector)
        behind = own_projectors if left is RemainingWork.MORE else ()
        end = time.monotonic() + JOINT_CATCH_UP_SECONDS
        with ThreadPoolExecutor(CATCH_UP_THREADS, thread_name_prefix="projecting") as threads:
            while behind and time.monotonic() < end:
                remaining = dict(zip(behind, threads.map(self._catch_up, behind), strict=True))
                behind = [other for other in behind if remaining[other] is RemainingWork.MORE]
                left = remaining.get(projector, left)
        return left

    def _catch_up(self, projector: Projector) -> RemainingWork:
        """Folds at most CATCH_UP_LIMIT entries; afterwards resumes what is set aside, and begins to sign if it was `audit`."""
        folded, failure = 0, ""
        try:
            folded = catch_up(self.engine, self.ledger, projector, self.metrics.timing(self._publish), at_most=CATCH_UP_LIMIT)
            self._resume_events_if_due(projector)
            self.note_database(None)
        except ProjectionLocked:
            self.metrics.count(metrics.FAILURES, projector.name, "locked")
            return RemainingWork.LOCKED
        except ProjectionStalled:
            failure = "stalled"  # the engine has logged and stored the error
        except LedgerWentBack as error:
            failure = "went back"
            log.critical("%s", error)
            self.metrics.count(metrics.WENT_BACK)
            self.ledger.forget()
            self.engine.dispose()  # its connections may be to a server that is not the primary any more; the next tick goes on
        except (OperationalError, InterfaceError, LedgerUnavailable) as error:
            failure = "database"
            self.note_database(error)
        if folded:
            self.metrics.count(metrics.ENTRIES, projector.name, by=folded)
        if failure:
            self.metrics.count(metrics.FAILURES, projector.name, failure)
        if projector.name == AuditProjector.name:
            self._begin_signing()
        return RemainingWork.NOTHING if folded < CATCH_UP_LIMIT else RemainingWork.MORE

    def note_database(self, error: Exception | None) -> None:
        """Records whether the database could be used (None: it could). The error is logged at the beginning of an outage, not at
        each try."""
        if error is None:
            self.database.worked()
        else:
            self.database.failed(one_line(getattr(error, "orig", error)))
        self.metrics.set(metrics.DATABASE_UP, not self.database.is_lost)

    def _resume_events_if_due(self, projector: Projector) -> None:
        if time.monotonic() >= self._resume_at.get(projector.name, 0.0):
            for one in resume_events(self.engine, self.ledger, projector):
                log.warning("%s: event %s stays set aside at position %s: %s", projector.name, *one)
            self._resume_at[projector.name] = time.monotonic() + RESUME_SECONDS

    def _begin_signing(self) -> None:
        """Signs in a thread of its own, so that projecting waits neither until a checkpoint is due nor for the disk."""
        with self._starting:
            if not self._signing.is_alive():
                self._signing.start()
        self._signing_due.set()

    def _sign_for_ever(self) -> None:
        while self._signing_due.wait():
            self._signing_due.clear()
            if self._closing.wait(self._checkpoints.due_in()):
                return
            try:
                if self._checkpoints.sign(self._background):
                    self.metrics.count(metrics.CHECKPOINTS)
                    self.metrics.set(metrics.SIGNED_AT, time.time())
            except Exception:  # if this thread ended, nothing would be signed until the process is restarted
                log.exception("A checkpoint could not be signed; the next tick tries again")

    def _publish(self, name: str, position: int) -> None:
        self.commits += 1
        if time.monotonic() < self._publish_again_at:
            return
        try:
            self._redis.publish(self._channel, f"{name} {position}")
        except (redis.RedisError, OSError) as error:  # waiting requests poll the database, a little later
            self._publish_again_at = time.monotonic() + PUBLISH_PAUSE_SECONDS
            log.debug("A position could not be published: %s", error)

    def begin_snapshots(self) -> None:
        """Takes snapshots in a thread of its own, since a long stream takes seconds; not if the last run has not ended."""
        if not self._snapshots.is_alive():
            self._snapshots = Thread(target=self._take_snapshots_or_log, name="snapshots", daemon=True)
            self._snapshots.start()

    def _take_snapshots_or_log(self) -> None:
        try:
            self.metrics.count(metrics.SNAPSHOTS, by=self.take_snapshots())
            projection_snapshots.take_if_due(self._background)
        except (OperationalError, InterfaceError, LedgerUnavailable) as error:  # the next run tries again
            self.note_database(error)
        except Exception:
            log.exception("Snapshots could not be taken; the next run tries again")

    def begin_lapses(self) -> None:
        """Lets due holds lapse, in a thread of its own; not if the last run has not ended."""
        if not self._lapses.is_alive():
            self._lapses = Thread(target=self._run_or_log, args=(self.lapsing.run, "Due holds"), name="lapses", daemon=True)
            self._lapses.start()

    def begin_payments(self) -> None:
        """Asks payment providers, likewise: one that is slow delays nothing else."""
        if not self._paying.is_alive():
            self._paying = Thread(target=self._run_or_log, args=(self.payments.run, "Payments"), name="payments", daemon=True)
            self._paying.start()

    def _run_or_log(self, run: Callable[[], int], what: str) -> None:
        try:
            run()
        except (OperationalError, InterfaceError, LedgerUnavailable) as error:  # the next run tries again
            self.note_database(error)
        except Exception:
            log.exception("%s could not be worked on; the next run tries again", what)

    def take_snapshots(self) -> int:
        """Takes a snapshot of each stream that has grown enough since its last one. Returns their number; 0 where another worker
        does it.

        The lock is a session's, on a connection without an open transaction: a run may take minutes, and must hold neither a row
        nor a view of the tables that long. If the lock is lost, two workers take the same snapshots, which does no harm."""
        taken = 0
        with self._background.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            if not guard.scalar(select(func.pg_try_advisory_lock(SNAPSHOT_LOCK))):
                return 0
            try:
                while grown := self._read_grown_streams():
                    taken += sum(
                        self._renew_or_log(stream) for stream, version, _, last in grown if snapshots.is_due(version, last)
                    )
                    self._move_mark(max(position for _, _, position, _ in grown))
            finally:
                guard.execute(select(func.pg_advisory_unlock(SNAPSHOT_LOCK)))
        return taken

    def _read_grown_streams(self) -> list[Row[UUID, int, int, int]]:
        """The streams with entries past the mark, from the next SNAPSHOT_SCAN_SIZE entries: id, newest version and position, last
        snapshot's version."""
        with self._background.begin() as connection:
            mark = connection.scalar(select(Progress.position).where(_OWN_ROW))
            return list(connection.execute(_GROWN_STREAMS, {"mark": mark, "pass": SNAPSHOT_SCAN_SIZE}))

    def _move_mark(self, position: int) -> None:
        """Moves the mark, never back: another worker may have moved it meanwhile."""
        with self._background.begin() as connection:
            new = func.greatest(Progress.position, position)
            connection.execute(update(Progress).where(_OWN_ROW).values(position=new, updated_at=func.now()))

    def _renew_or_log(self, stream: UUID) -> bool:
        """Takes one snapshot and deletes old ones. A stream that can't be read, or only by newer code, must not prevent the
        snapshots of others; it is tried again when it has grown."""
        try:
            self._take_snapshot(stream)
            with self._background.begin() as connection:
                connection.execute(_DELETE_OLD_SNAPSHOTS, {"stream": stream})
        except Exception:
            log.exception("No snapshot could be taken of stream %s", stream)
            return False
        return True

    def _take_snapshot(self, stream: UUID) -> None:
        event = self.ledger.current_event(stream)
        assert event is not None, "a stream that has grown has entries"
        self.ledger.save_snapshot(snapshots.take(event))
