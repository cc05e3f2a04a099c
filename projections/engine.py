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
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.entries import Recorded
from ledger.store import Ledger
from projections.tables import Progress

log = logging.getLogger(__name__)

#: Entries folded in one transaction.
RUN = 2_000


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
    (the ones before it are folded), and the database's own errors where it is out of reach."""
    folded = 0
    while True:
        try:
            position, count = _fold_next(engine, ledger, projector, run_length)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if run_length > 1:  # find the entry: up to it, one at a time
                return folded + catch_up(engine, ledger, projector, published, run_length=1)
            raise _stall(engine, ledger, projector, error) from error
        if count == 0:
            return folded
        folded += count
        published(projector.name, position)


def _fold_next(engine: Engine, ledger: Ledger, projector: Projector, run_length: int) -> tuple[int, int]:
    """One transaction: the position reached and the number of entries folded, 0 where there are none or another is at it."""
    own_row = Progress.name == projector.name
    with engine.begin() as connection:
        # Nothing new: no lock, so that whoever comes with news meanwhile gets it, and this look is the last.
        position = connection.scalars(select(Progress.position).where(own_row)).one()
        run = ledger.read(position, run_length)
        if not run:
            return position, 0
        locked = connection.scalars(select(Progress.position).where(own_row).with_for_update(skip_locked=True)).one_or_none()
        if locked is None:
            return position, 0
        if locked != position:  # another was quicker: the run is not the next one any more
            run = ledger.read(locked, run_length)
            if not run:
                return locked, 0
        projector.fold(connection, run)
        position = run[-1].position
        moved = {"position": position, "updated_at": datetime.now(UTC), "failed_position": None, "error": None}
        connection.execute(update(Progress).where(own_row).values(moved))
    return position, len(run)


def _stall(engine: Engine, ledger: Ledger, projector: Projector, error: Exception) -> Stalled:
    own_row = Progress.name == projector.name
    with engine.begin() as connection:
        query = select(Progress.position, Progress.failed_position).where(own_row).with_for_update()
        position, known = connection.execute(query).one()
        following = ledger.read(position, 1)
        stalled = Stalled(projector.name, following[0].position if following else position, error)
        failed = {"failed_position": stalled.position, "error": str(stalled), "updated_at": datetime.now(UTC)}
        connection.execute(update(Progress).where(own_row).values(failed))
    if known != stalled.position:  # once, not at every tick
        log.error("%s", stalled, exc_info=error)
    return stalled
