"""What a worker process holds: the ledger, the database, a voice on Redis; and its three kinds of work."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from threading import Event as Flag
from threading import Thread
from uuid import UUID

import redis
from sqlalchemy import Row, create_engine, func, select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger import gc_tuning, snapshots
from ledger.channels import positions_channel
from ledger.settings import Settings
from ledger.store import Ledger, LedgerUnavailable, sqlalchemy_url
from projections.audit import AuditProjector
from projections.engine import BATCH_SIZE, ProjectionLocked, ProjectionStalled, Projector, catch_up
from projections.proof.checkpoints import CheckpointSigner
from projections.rebuild import digests
from projections.tables import Progress
from workers.maintenance import Maintenance

log = logging.getLogger(__name__)

STATEMENT_TIMEOUT_MS = 30_000
#: Entries folded before the other projectors have their turn: so that all read them while the ledger has them in memory
#: (`Ledger.read`), instead of each the whole of it by itself.
CATCH_UP_LIMIT = BATCH_SIZE
#: Projectors folded at a time, if there is much to fold: one works while the database writes for the other (docs/decisions/0025).
CATCH_UP_THREADS = 2
#: How long those that are far behind are caught up together, before what else there is to do has its turn.
JOINT_CATCH_UP_SECONDS = 1.0
#: Entries looked at for one pass over the streams that have grown.
SNAPSHOT_SCAN_SIZE = 50_000
#: The advisory lock of whoever takes snapshots ("Snapshot" in ASCII).
SNAPSHOT_LOCK = 0x536E617073686F74

_GROWN = text("""
    SELECT originator_id, max(originator_version), max(notification_id), coalesce((
        SELECT max(originator_version) FROM ledger_snapshots WHERE ledger_snapshots.originator_id = news.originator_id), 0)
    FROM (
        SELECT originator_id, originator_version, notification_id FROM ledger_entries
        WHERE notification_id > :mark ORDER BY notification_id LIMIT :pass
    ) AS news GROUP BY originator_id""")
_FORGET = text("""
    DELETE FROM ledger_snapshots WHERE originator_id = :stream AND originator_version < (
        SELECT originator_version FROM ledger_snapshots WHERE originator_id = :stream
        ORDER BY originator_version DESC OFFSET 1 LIMIT 1)""")
_OWN_ROW = Progress.name == snapshots.SNAPSHOTS


class RemainingWork(Enum):
    """What a turn has left to do. MORE, and LOCKED, where another process is at it: the task must be sent again."""

    NOTHING, MORE, LOCKED = range(3)


class Worker:
    def __init__(self, settings: Settings) -> None:
        gc_tuning.tune()
        self.ledger = Ledger(settings.database_url)
        options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout=5000"
        self.engine = create_engine(
            sqlalchemy_url(settings.database_url),
            pool_size=CATCH_UP_THREADS + 3,  # with those for checkpoints and snapshots; opened as they are needed
            pool_pre_ping=True,
            connect_args={"connect_timeout": 3, "application_name": "seatledger-worker", "options": options},
        )
        self.maintenance = Maintenance(settings, self.engine)
        self._channel = positions_channel(settings.redis_url)
        self._snapshots = Thread()
        self._checkpoints = CheckpointSigner(settings.keys)
        self._news = Flag()
        self._signing = Thread(target=self._sign_for_ever, name="checkpoints", daemon=True)
        self._redis = redis.Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1)

    def project(self, projector: Projector, served: Sequence[Projector] = ()) -> RemainingWork:
        """Catches up, a turn at a time; what goes wrong is logged, shows in the projection's row, and is tried again at the next
        tick. A turn that was full says that it is far behind, and so are, most likely, the others that this worker serves: all of
        them are caught up together then, turn by turn, so that entries are decoded once."""
        left = self._turn(projector)
        behind = served if left is RemainingWork.MORE else ()
        end = time.monotonic() + JOINT_CATCH_UP_SECONDS
        with ThreadPoolExecutor(CATCH_UP_THREADS, thread_name_prefix="projecting") as threads:
            while behind and time.monotonic() < end:
                found = dict(zip(behind, threads.map(self._turn, behind), strict=True))
                behind = [one for one in behind if found[one] is RemainingWork.MORE]
                left = found.get(projector, left)
        return left

    def _turn(self, projector: Projector) -> RemainingWork:
        folded = 0
        try:
            folded = catch_up(self.engine, self.ledger, projector, self._publish, at_most=CATCH_UP_LIMIT)
        except ProjectionLocked:
            return RemainingWork.LOCKED
        except ProjectionStalled:
            pass  # the engine has logged and stored it
        except (OperationalError, InterfaceError) as error:
            log.warning("%s can't reach the database: %s", projector.name, error.orig)
        except LedgerUnavailable as error:
            log.warning("%s can't read the ledger: %s", projector.name, error)
        if projector.name == AuditProjector.name:
            self._begin_signing()
        return RemainingWork.NOTHING if folded < CATCH_UP_LIMIT else RemainingWork.MORE

    def _begin_signing(self) -> None:
        """Beside the projecting, which neither waits until a checkpoint is due nor for the disk."""
        if not self._signing.is_alive():
            self._signing.start()
        self._news.set()

    def _sign_for_ever(self) -> None:
        while self._news.wait():
            self._news.clear()
            time.sleep(self._checkpoints.due_in())
            try:
                self._checkpoints.sign(self.engine)
            except Exception:  # whatever it is: without this thread nothing would be signed until the process ends
                log.exception("A checkpoint could not be signed; the next tick will try again")

    def _publish(self, name: str, position: int) -> None:
        try:
            self._redis.publish(self._channel, f"{name} {position}")
        except redis.RedisError as error:  # whoever waits looks by itself, a little later
            log.debug("A position was not published: %s", error)

    def begin_snapshots(self) -> None:
        """Takes them beside the projecting, unless that is still going on from the last time: a long stream takes seconds."""
        if not self._snapshots.is_alive():
            self._snapshots = Thread(target=self._take_snapshots_or_log, name="snapshots", daemon=True)
            self._snapshots.start()

    def _take_snapshots_or_log(self) -> None:
        try:
            self.take_snapshots()
            digests.take_if_due(self.engine)
        except Exception:
            log.exception("Snapshots could not be taken; the next time will try again")

    def take_snapshots(self) -> int:
        """Takes a snapshot of each stream that has grown enough since its last; returns how many: 0 where another worker is at it.

        The lock that keeps others away is a session's, on a connection that has no transaction open: a pass may take minutes, and
        neither a row nor a view of the tables is to be held that long. Should it be lost, two take the same snapshots: no harm."""
        taken = 0
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            if not guard.scalar(select(func.pg_try_advisory_lock(SNAPSHOT_LOCK))):
                return 0
            try:
                while grown := self._grown():
                    taken += sum(
                        self._renew_or_log(stream) for stream, version, _, last in grown if snapshots.is_due(version, last)
                    )
                    self._move_mark(max(position for _, _, position, _ in grown))
            finally:
                guard.execute(select(func.pg_advisory_unlock(SNAPSHOT_LOCK)))
        return taken

    def _grown(self) -> list[Row[UUID, int, int, int]]:
        """Streams with entries past the mark, from the next SNAPSHOT_SCAN_SIZE entries: id, newest version and position, last
        snapshot's version."""
        with self.engine.begin() as connection:
            mark = connection.scalar(select(Progress.position).where(_OWN_ROW))
            return list(connection.execute(_GROWN, {"mark": mark, "pass": SNAPSHOT_SCAN_SIZE}))

    def _move_mark(self, position: int) -> None:
        """Never back, whoever else has moved it meanwhile."""
        with self.engine.begin() as connection:
            new = func.greatest(Progress.position, position)
            connection.execute(update(Progress).where(_OWN_ROW).values(position=new, updated_at=func.now()))

    def _renew_or_log(self, stream: UUID) -> bool:
        """A stream that can't be read, or only by newer code, must not keep the others from theirs. It gets its turn again when it
        has grown."""
        try:
            self._take_snapshot(stream)
            with self.engine.begin() as connection:
                connection.execute(_FORGET, {"stream": stream})
        except Exception:
            log.exception("There is no new snapshot of stream %s", stream)
            return False
        return True

    def _take_snapshot(self, stream: UUID) -> None:
        event = self.ledger.current_event(stream)
        assert event is not None, "a stream that has grown has entries"
        self.ledger.save_snapshot(snapshots.take(event))
