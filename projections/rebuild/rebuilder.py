"""Rebuilds projections while the served tables are read and kept up to date. Shadow copies are filled, and once they are level with
the served tables they replace them in one short transaction. A rebuild that is killed at any moment continues where it was.

A rebuild publishes no positions: the published position is always that of the served tables.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg.errors import DependentObjectsStillExist, LockNotAvailable
from sqlalchemy import Connection, Engine, delete, func, text, update
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import DropSchema

from ledger.store import Ledger
from projections.engine import Projector
from projections.rebuild import projection_snapshots
from projections.rebuild.comparison import Difference
from projections.rebuild.projection_snapshots import ProjectionSnapshot
from projections.rebuild.shadow_copies import (
    SERVED,
    ProgressCallback,
    ProjectionStatus,
    ShadowCopies,
    ShadowCopy,
    ShadowCopyError,
    status_of,
)
from projections.rebuild.shadow_tables import TableKind
from projections.tables import Model, Position, Progress, SetAside, String, Timestamp, upsert

#: The swap waits at most LOCK_MS for the locks of the served tables, then lets waiting queries run for PAUSE_SECONDS, and retries.
LOCK_MS, PAUSE_SECONDS, SWAP_TRIES = 200, 0.1, 600
#: The time between two updates of a rebuild's row.
RECORD_SECONDS = 0.5


class Rebuild(Model):
    """A rebuild that is running or was interrupted: where it was last started, its present position, and its target."""

    __tablename__ = "rebuilds"

    name: Mapped[String] = mapped_column(primary_key=True)
    started_from: Mapped[Position]
    position: Mapped[Position]
    target: Mapped[Position]
    started_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class RebuildResult(NamedTuple):
    """`position`: that of the new tables when they were swapped in. `difference`: the first one between the old tables and them;
    they are not `compared` where the old ones are of another version or faulty. `set_aside`: how many Events the new ones lack
    entries of."""

    name: str
    position: int
    compared: bool
    difference: Difference | None
    set_aside: int


class Rebuilder:
    """Rebuilds projections. Close it when done."""

    def __init__(self, database_url: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._copies = ShadowCopies(database_url, ledger, "rebuild", TableKind.PERMANENT)

    def close(self) -> None:
        self._copies.close()

    def rebuild(
        self, projectors: Sequence[Projector], on_progress: ProgressCallback = lambda position, target: None
    ) -> list[RebuildResult]:
        """Raises ShadowCopyError where another rebuild of one of them is under way or a swap never gets its locks;
        ProjectionStalled; LedgerUnavailable."""
        with ExitStack() as stack:
            for projector in projectors:
                stack.enter_context(self._copies.lock(projector.name))
            copies = [stack.enter_context(self._copies.copy(projector, anew=False)) for projector in projectors]
            position = min(map(self._copies.position_of, copies))
            recorder = _ProgressRecorder(self._copies.engine, [projector.name for projector in projectors], position, on_progress)
            head, stops = self._ledger.head(), dict[int, Callable[[], object]]()
            for copy in copies:
                stops |= projection_snapshots.stops_of(copy.engine, copy.projector, head)
            self._copies.fill(copies, self._end_of, recorder, stops)
            for copy in copies:
                self._copies.finish(copy)
            return [self._finish(copy) for copy in copies]

    def _end_of(self, projector: Projector) -> int:
        """The position of the served tables, at which the copy can be compared with them; the ledger's head where it can't."""
        served = self._copies.served_status(projector)
        return served.position if _is_comparable(projector, served) else self._ledger.head()

    def _finish(self, copy: ShadowCopy) -> RebuildResult:
        compared = self._copies.compare(copy, lambda served: _is_comparable(copy.projector, served))
        position = self._swap(copy)
        set_aside = self._copies.served_status(copy.projector).set_aside
        return RebuildResult(copy.projector.name, position, compared is not None, compared and compared.difference, set_aside)

    def _swap(self, copy: ShadowCopy) -> int:
        for _ in range(SWAP_TRIES):
            self._copies.fold(copy, self._end_of(copy.projector))
            try:
                with self._copies.engine.begin() as connection:
                    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
                    position = self._swap_in(connection, copy)
            except (OperationalError, InternalError) as error:
                if isinstance(error.orig, DependentObjectsStillExist):
                    raise ShadowCopyError(_dependency_message(copy, error.orig)) from error
                if not isinstance(error.orig, LockNotAvailable):
                    raise
                time.sleep(PAUSE_SECONDS)
            else:
                return position
        raise ShadowCopyError(
            f"{copy.projector.name} is rebuilt, but queries hold its served tables all the time: start the rebuild again,"
            " it only has to swap them."
        )

    def _swap_in(self, connection: Connection, copy: ShadowCopy) -> int:
        """Replaces the served tables by the copy's, and drops everything else of the copy. Returns the new position."""
        projector = copy.projector
        self._copies.fold(copy, status_of(connection, projector, SERVED, lock=True).position)
        position = self._copies.position_of(copy)
        names = [model.__tablename__ for model in projector.tables]
        connection.execute(_SWAP, {"schema": copy.schema, "names": names})
        old = (ProjectionSnapshot.name == projector.name, ProjectionSnapshot.version != projector.version)
        connection.execute(delete(ProjectionSnapshot).where(*old))
        connection.execute(delete(SetAside).where(SetAside.name == projector.name))
        connection.execute(text(f"INSERT INTO {SERVED}.set_aside SELECT * FROM {copy.schema}.set_aside"))
        connection.execute(DropSchema(copy.schema, cascade=True))
        new = {"position": position, "version": projector.version, "failed_position": None, "error": None}
        counted = {"rebuilds": Progress.rebuilds + 1, "updated_at": func.now()}
        connection.execute(update(Progress).where(Progress.name == projector.name).values(**new, **counted))
        connection.execute(delete(Rebuild).where(Rebuild.name == projector.name))
        return position


_SWAP = text(f"SELECT {SERVED}.swap_read_tables(:schema, :names)")


class _ProgressRecorder:
    """Stores the progress of a rebuild from time to time, for `GET /api/projections`."""

    def __init__(self, engine: Engine, names: Sequence[str], started_from: int, on_progress: ProgressCallback) -> None:
        self._engine, self._names, self._on_progress = engine, names, on_progress
        self._started_at, self._started_from, self._last = datetime.now(UTC), started_from, 0.0

    def __call__(self, position: int, target: int) -> None:
        self._on_progress(position, target)
        if time.monotonic() - self._last >= RECORD_SECONDS:
            self._last = time.monotonic()
            row = {
                "started_from": self._started_from, "position": position, "target": target,
                "started_at": self._started_at, "updated_at": datetime.now(UTC),
            }  # fmt: skip
            with self._engine.begin() as connection:
                upsert(connection, Rebuild, [{"name": name, **row} for name in self._names])


def _dependency_message(copy: ShadowCopy, error: DependentObjectsStillExist) -> str:
    """The message where views or foreign keys, which Seatledger does not make, refer to the old tables."""
    detail = (error.diag.message_detail or "").replace("\n", "; ")
    return f"{copy.projector.name} is rebuilt, but its served tables can't be dropped: {detail}. Drop that first."


def _is_comparable(projector: Projector, served: ProjectionStatus) -> bool:
    return served.version == projector.version and not served.is_faulty
