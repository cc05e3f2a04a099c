"""The engine: keeps each projection at the ledger's heels, each entry exactly once, in order.

It takes the projector's position row under lock, reads the next entries, lets the projector write them in bulk, and moves the
position in the same transaction; then it tells that the position moved. Whoever finds the row locked leaves: the holder looks
again after it let go, so no hint is lost. An entry that can't be applied stops its projector there, visibly, and nobody else.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ledger.entries import Recorded
from ledger.store import Ledger, LedgerAway
from projections.tables import Progress

log = logging.getLogger(__name__)

#: Entries folded in one transaction.
RUN = 2_000
#: Operational errors by PostgreSQL's code that say something of the statement, not of the server: what is folded takes longer than
#: statement_timeout, or is too big (class 54). Tried again they would come again, for ever.
_TIMED_OUT, _TOO_BIG = "57014", "54"


class Projector(Protocol):
    """A name, a version (a new one means: rebuild), and how a run of entries changes the projector's own tables."""

    name: str
    version: int

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        """Writes what these entries, in order, change: a few statements, however long the run."""


class Stalled(Exception):
    """The entry at `position` could not be applied."""

    def __init__(self, name: str, position: int, error: BaseException) -> None:
        first_line = (str(error).splitlines() or [""])[0][:500]  # no SQL, no rows: admins read it in their browsers
        super().__init__(f"{name} stopped at position {position}: {type(error).__name__}: {first_line}")
        self.position = position


class _Failed(Exception):
    """A run of so many entries past position `after` could not be read or folded; the cause is chained."""

    def __init__(self, after: int, length: int) -> None:
        super().__init__(after, length)
        self.after, self.length = after, length


def catch_up(
    engine: Engine,
    ledger: Ledger,
    projector: Projector,
    published: Callable[[str, int], None] = lambda name, position: None,
    *,
    run_length: int = RUN,
) -> int:
    """Folds entries until there are none left, and returns how many it folded: 0 too where another process is at it.

    `published` is told the projection's name and position after each commit. Raises Stalled at an entry that can't be applied
    (the ones before it are folded), and where the database is out of reach its own errors or LedgerAway."""
    folded = searching = 0  # so many entries more are folded one at a time
    while True:
        try:
            position, count = _fold_next(engine, ledger, projector, 1 if searching else run_length)
        except _Failed as failed:
            if not searching and failed.length > 1:  # find the entry: the failed run's alone, then in bulk again
                searching = failed.length
                continue
            stalled = _stall(engine, ledger, projector, failed)
            if stalled is None:  # another folded it meanwhile
                continue
            raise stalled from failed.__cause__
        if count == 0:
            return folded
        folded += count
        searching = max(0, searching - count)
        published(projector.name, position)


def _fold_next(engine: Engine, ledger: Ledger, projector: Projector, run_length: int) -> tuple[int, int]:
    """One transaction: the position reached and the number of entries folded, 0 where there are none or another is at it.

    Raises _Failed where that is the entries' fault."""
    own_row = Progress.name == projector.name
    run_at: tuple[int, int] | None = None
    try:
        with engine.begin() as connection:
            # Nothing new: no lock, so that whoever comes with news meanwhile gets it, and this look is the last.
            position = connection.scalars(select(Progress.position).where(own_row)).one()
            run_at = position, run_length
            run = ledger.read(position, run_length)
            if not run:
                return position, 0
            locked = connection.scalars(select(Progress.position).where(own_row).with_for_update(skip_locked=True)).one_or_none()
            if locked is None:
                return position, 0
            if locked != position:  # another was quicker: the run is not the next one any more
                run_at = locked, run_length
                run = ledger.read(locked, run_length)
                if not run:
                    return locked, 0
            run_at = locked, len(run)
            projector.fold(connection, run)
            position = run[-1].position
            moved = {"position": position, "updated_at": datetime.now(UTC), "failed_position": None, "error": None}
            connection.execute(update(Progress).where(own_row).values(moved))
    except Exception as error:
        if run_at is None or _is_away(error):
            raise
        raise _Failed(*run_at) from error
    return position, len(run)


def _is_away(error: Exception) -> bool:
    """Is the database out of reach, or busy: does it say nothing of the entries?"""
    if isinstance(error, DBAPIError) and isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.orig, "sqlstate", None) or ""
        return not (code == _TIMED_OUT or code.startswith(_TOO_BIG))
    return isinstance(error, LedgerAway)


def _stall(engine: Engine, ledger: Ledger, projector: Projector, failed: _Failed) -> Stalled | None:
    """Notes the entry that failed, for all to see. None, and nothing noted, where the projection has left that place since."""
    own_row = Progress.name == projector.name
    error = failed.__cause__
    assert error is not None
    with engine.begin() as connection:
        query = select(Progress.position, Progress.failed_position).where(own_row).with_for_update()
        position, known = connection.execute(query).one()
        if position != failed.after:
            return None
        stalled = Stalled(projector.name, ledger.next_position(position) or position, error)
        note = {"failed_position": stalled.position, "error": str(stalled), "updated_at": datetime.now(UTC)}
        connection.execute(update(Progress).where(own_row).values(note))
    if known != stalled.position:  # once, not at every tick
        log.error("%s", stalled, exc_info=error)
    return stalled
