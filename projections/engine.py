"""The engine: keeps each projection at the ledger's heels, each entry exactly once, in order.

It takes the projector's position row under lock, reads the next entries, lets the projector write them in bulk, and moves the
position in the same transaction; then it tells that the position moved. It stops at a run that was not full, or when its turn is
over: what is appended later has a hint of its own, and what is left is its caller's. Whoever finds the row locked says so, and its
hint comes again, so none is lost. An entry that can't be applied stops its projector there, visibly, and nobody else.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, bindparam, func, null, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ledger.entries import Recorded
from ledger.store import LedgerAway
from projections.tables import Model, Progress

log = logging.getLogger(__name__)

#: Entries folded in one transaction: longer runs cost less, and hold who waits for one of them up the longer.
BATCH_SIZE = 4_000
#: Operational errors by PostgreSQL's code that say something of the statement, not of the server: what is folded takes longer than
#: statement_timeout, or is too big (class 54). Tried again they would come again, for ever.
_TIMED_OUT, _TOO_BIG = "57014", "54"


class Projector(Protocol):
    """A name, a version (a new one means: rebuild), and how a run of entries changes the projector's own tables."""

    name: str
    version: int

    @property
    def tables(self) -> Sequence[type[Model]]:
        """Each after what it refers to. `fold` names them without a schema, so that the same fold serves tables of the same names
        elsewhere (projections/rebuild/shadow_tables.py)."""

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        """Writes what these entries, in order, change: a few statements, however long the run."""


class EntrySource(Protocol):
    """What the engine asks of the ledger."""

    def read(self, after: int, limit: int) -> list[Recorded]: ...

    def next_position(self, after: int) -> int | None: ...


class ProjectionStalled(Exception):
    """The entry at `position` could not be applied."""

    def __init__(self, name: str, position: int, error: BaseException) -> None:
        first_line = (str(error).splitlines() or [""])[0][:500]  # no SQL, no rows: admins read it in their browsers
        super().__init__(f"{name} stopped at position {position}: {type(error).__name__}: {first_line}")
        self.position = position


class ProjectionLocked(Exception):
    """Another process is at it, and may have read the ledger before what this one was called for was there: come again."""


class _BatchFailed(Exception):
    """A run of so many entries past position `after` could not be read or folded; the cause is chained."""

    def __init__(self, after: int, length: int) -> None:
        super().__init__(after, length)
        self.after, self.length = after, length


def catch_up(
    engine: Engine,
    ledger: EntrySource,
    projector: Projector,
    published: Callable[[str, int], None] = lambda name, position: None,
    *,
    batch_size: int = BATCH_SIZE,
    at_most: int | None = None,
) -> int:
    """Folds the entries that there are, in runs of `batch_size`, and returns how many: fewer than `at_most`, where that is given,
    or there may be more.

    `published` is told the projection's name and position after each commit. Raises ProjectionLocked;
    ProjectionStalled at an entry that can't be applied (the ones before it are folded); LedgerAway or SQLAlchemy's errors where
    the database is unavailable."""
    folded = searching = 0  # so many entries more are folded one at a time
    with engine.connect() as connection:
        position, version = _read_standing(connection, projector)
        if version != projector.version:  # for workers of that version: a rebuild makes the tables of ours
            return 0
        while True:
            try:
                position, count = _fold_next(connection, ledger, projector, position, 1 if searching else batch_size)
            except _BatchFailed as failed:
                if not searching and failed.length > 1:  # find the entry: the failed run's alone, then in bulk again
                    searching = failed.length
                    continue
                stalled = _stall(engine, ledger, projector, failed)
                if stalled is None:  # another folded it meanwhile
                    position, _ = _read_standing(connection, projector)
                    continue
                raise stalled from failed.__cause__
            folded += count
            if count:
                published(projector.name, position)
            if count < (1 if searching else batch_size) or (at_most is not None and folded >= at_most):
                return folded
            searching = max(0, searching - count)


#: Built once: to build a statement costs more than to carry it out.
_STANDING = select(Progress.position, Progress.version).where(Progress.name == bindparam("projector"))
_LOCK = _STANDING.where(Progress.version == bindparam("version")).with_for_update(skip_locked=True)
_MOVE = (
    update(Progress)
    .where(Progress.name == bindparam("projector"))
    .values(position=bindparam("reached"), updated_at=func.now(), failed_position=null(), error=null())
)
#: A projection that a crash of the server takes back by half a second folds that half second again: it need not wait for the disk,
#: nor make the appender's next commit wait for it (docs/decisions/0011).
_NO_WAIT = text("SET LOCAL synchronous_commit = off")


def _read_standing(connection: Connection, projector: Projector) -> tuple[int, int]:
    """Position and version."""
    with connection.begin():
        position, version = connection.execute(_STANDING, {"projector": projector.name}).one()
    return position, version


def _lock(connection: Connection, given: dict[str, Any]) -> int:
    """The position that the projection has reached, held until the transaction ends."""
    position: int | None = connection.scalars(_LOCK, given).one_or_none()
    if position is None:
        raise ProjectionLocked
    return position


def _fold_next(connection: Connection, ledger: EntrySource, projector: Projector, after: int, batch_size: int) -> tuple[int, int]:
    """One transaction: the position reached and the number of entries folded. Raises ProjectionLocked, and _BatchFailed
    where an entry is at fault."""
    given = {"projector": projector.name, "version": projector.version}
    run_at = after, batch_size
    try:
        run = ledger.read(after, batch_size)
        if not run:
            return after, 0
        with connection.begin():
            locked = _lock(connection, given)
            if locked != after:  # another was quicker: the run is not the next one any more
                run_at = locked, batch_size
                run = ledger.read(locked, batch_size)
                if not run:
                    return locked, 0
            run_at = locked, len(run)
            connection.execute(_NO_WAIT)
            projector.fold(connection, run)
            position = run[-1].position
            connection.execute(_MOVE, {"projector": projector.name, "reached": position})
    except Exception as error:
        if isinstance(error, ProjectionLocked) or _is_away(error):
            raise
        raise _BatchFailed(*run_at) from error
    return position, len(run)


def _is_away(error: Exception) -> bool:
    """Is the database out of reach, or busy: does it say nothing of the entries?"""
    if isinstance(error, DBAPIError) and isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.orig, "sqlstate", None) or ""
        return not (code == _TIMED_OUT or code.startswith(_TOO_BIG))
    return isinstance(error, LedgerAway)


def _stall(engine: Engine, ledger: EntrySource, projector: Projector, failed: _BatchFailed) -> ProjectionStalled | None:
    """Notes the entry that failed, for all to see. None, and nothing noted, where the projection has left that place since."""
    own_row = Progress.name == projector.name
    error = failed.__cause__
    assert error is not None
    with engine.begin() as connection:
        query = select(Progress.position, Progress.failed_position).where(own_row).with_for_update()
        position, known = connection.execute(query).one()
        if position != failed.after:
            return None
        stalled = ProjectionStalled(projector.name, ledger.next_position(position) or position, error)
        note = {"failed_position": stalled.position, "error": str(stalled), "updated_at": datetime.now(UTC)}
        connection.execute(update(Progress).where(own_row).values(note))
    if known != stalled.position:  # once, not at every tick
        log.error("%s", stalled, exc_info=error)
    return stalled
