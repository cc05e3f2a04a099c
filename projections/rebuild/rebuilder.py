"""Rebuilding projections while the old ones serve and keep being updated: copies beside them take their place in one short
transaction, once they are where those are. Killed at any moment, it goes on from where it was.

Nobody is told anything by a rebuild: what is published is where the served projection stands.
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
from projections.rebuild import digests
from projections.rebuild.comparison import Difference
from projections.rebuild.digests import Digest
from projections.rebuild.shadow_copies import (
    SERVED,
    ProgressCallback,
    ProjectionStatus,
    ShadowCopies,
    ShadowCopy,
    ShadowCopyError,
    state_of,
)
from projections.rebuild.shadow_tables import TableKind
from projections.tables import Model, Position, Progress, String, Timestamp, upsert

#: The swap asks for the served tables so long, lets those through who read them meanwhile, and asks again.
LOCK_MS, BETWEEN_SECONDS, SWAP_TRIES = 200, 0.1, 600
#: How often a rebuild notes how far it is.
NOTE_SECONDS = 0.5


class Rebuild(Model):
    """One that is going on, or was broken off: from where it went on last, where it is, and where it is to get."""

    __tablename__ = "rebuilds"

    name: Mapped[String] = mapped_column(primary_key=True)
    started_from: Mapped[Position]
    position: Mapped[Position]
    target: Mapped[Position]
    started_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp]


class RebuildResult(NamedTuple):
    """Where the new tables stood when they took over. `difference`: the first one between the old ones and them; not `compared`
    where the old ones are of another version or stood still."""

    name: str
    position: int
    compared: bool
    difference: Difference | None


class Rebuilder:
    def __init__(self, database_url: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._copies = ShadowCopies(database_url, ledger, "rebuild", TableKind.PERMANENT)

    def close(self) -> None:
        self._copies.close()

    def rebuild(
        self, projectors: Sequence[Projector], told: ProgressCallback = lambda position, target: None
    ) -> list[RebuildResult]:
        """Raises ShadowCopyError where another rebuild of one of them is under way or a swap never gets its locks;
        ProjectionStalled; LedgerUnavailable."""
        with ExitStack() as stack:
            for projector in projectors:
                stack.enter_context(self._copies.alone(projector.name))
            copies = [stack.enter_context(self._copies.copy(projector, anew=False)) for projector in projectors]
            place = min(map(self._copies.reached, copies))
            notes = _ProgressRecorder(self._copies.engine, [projector.name for projector in projectors], place, told)
            head, stops = self._ledger.head(), dict[int, Callable[[], object]]()
            for copy in copies:
                stops |= digests.stops(copy.engine, copy.projector, head)
            self._copies.fill(copies, self._end_of, notes, stops)
            for copy in copies:
                self._copies.finish(copy)
            return [self._finish(copy) for copy in copies]

    def _end_of(self, projector: Projector) -> int:
        """Where the served one is: only there they can be compared. The ledger's end where they can't be."""
        served = self._copies.served(projector)
        return served.position if _comparable(projector, served) else self._ledger.head()

    def _finish(self, copy: ShadowCopy) -> RebuildResult:
        compared = self._copies.compare(copy, lambda served: _comparable(copy.projector, served))
        position = self._swap(copy)
        return RebuildResult(copy.projector.name, position, compared is not None, compared and compared.difference)

    def _swap(self, copy: ShadowCopy) -> int:
        for _ in range(SWAP_TRIES):
            self._copies.fold(copy, self._end_of(copy.projector))
            try:
                with self._copies.engine.begin() as connection:
                    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
                    position = self._take_over(connection, copy)
            except (OperationalError, InternalError) as error:
                if isinstance(error.orig, DependentObjectsStillExist):
                    raise ShadowCopyError(_in_the_way(copy, error.orig)) from error
                if not isinstance(error.orig, LockNotAvailable):
                    raise
                time.sleep(BETWEEN_SECONDS)
            else:
                return position
        raise ShadowCopyError(f"{copy.projector.name} is rebuilt, but read all the time: begin again, it only has to take over.")

    def _take_over(self, connection: Connection, copy: ShadowCopy) -> int:
        """The new tables in the place of the served ones, and nothing left to clear."""
        projector = copy.projector
        self._copies.fold(copy, state_of(connection, projector, SERVED, lock=True).position)
        position = self._copies.reached(copy)
        names = [model.__tablename__ for model in projector.tables]
        connection.execute(text(f"DROP TABLE {', '.join(f'{SERVED}.{name}' for name in names)}"))
        for name in names:
            connection.execute(text(f"ALTER TABLE {copy.schema}.{name} SET SCHEMA {SERVED}"))
        connection.execute(DropSchema(copy.schema, cascade=True))
        old_digests = (Digest.name == projector.name, Digest.version != projector.version)
        connection.execute(delete(Digest).where(*old_digests))
        new = {"position": position, "version": projector.version, "failed_position": None, "error": None}
        connection.execute(update(Progress).where(Progress.name == projector.name).values(**new, updated_at=func.now()))
        connection.execute(delete(Rebuild).where(Rebuild.name == projector.name))
        return position


class _ProgressRecorder:
    """Notes how far they are, for all to see, now and then."""

    def __init__(self, engine: Engine, names: Sequence[str], started_from: int, told: ProgressCallback) -> None:
        self._engine, self._names, self._told = engine, names, told
        self._started_at, self._started_from, self._last = datetime.now(UTC), started_from, 0.0

    def __call__(self, position: int, target: int) -> None:
        self._told(position, target)
        if time.monotonic() - self._last >= NOTE_SECONDS:
            self._last = time.monotonic()
            row = {
                "started_from": self._started_from, "position": position, "target": target,
                "started_at": self._started_at, "updated_at": datetime.now(UTC),
            }  # fmt: skip
            with self._engine.begin() as connection:
                upsert(connection, Rebuild, [{"name": name, **row} for name in self._names])


def _in_the_way(copy: ShadowCopy, error: DependentObjectsStillExist) -> str:
    """Views and foreign keys that are not of ours go by the table that they were made for."""
    detail = (error.diag.message_detail or "").replace("\n", "; ")
    return (
        f"{copy.projector.name} is rebuilt, but can't take over from tables that something depends on: {detail}. Drop that first."
    )


def _comparable(projector: Projector, served: ProjectionStatus) -> bool:
    return served.version == projector.version and served.failed_position is None
