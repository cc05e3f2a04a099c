"""Folds what a projection has passed over of the Events that it set aside, once it can be applied: after an upgrade, say.

Rows of different Events do not depend on each other (`Projector.is_by_event`), so an Event that is folded late has the same rows as
one that was never set aside. Each step is one transaction under the projection's lock, so that the projection goes on between them.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, func, select, update

from ledger.entries import RecordedEntry
from ledger.mapper import UnknownTopic
from ledger.store import Ledger
from projections.engine import BATCH_SIZE, Projector, bounded, describe, fold, is_of_the_entry, lock
from projections.tables import Progress, SetAside


class EventSetAside(NamedTuple):
    """An Event that is still set aside, at that position."""

    event_id: UUID
    position: int
    error: str


def events_set_aside(connection: Connection, name: str) -> list[EventSetAside]:
    """The Events that the projection has set aside, the first one first."""
    columns = select(SetAside.event_id, SetAside.position, SetAside.error)
    rows = connection.execute(columns.where(SetAside.name == name).order_by(SetAside.position))
    return [EventSetAside(*row) for row in rows]


def resume_events(engine: Engine, ledger: Ledger, projector: Projector) -> list[EventSetAside]:
    """Folds the entries that were passed over, of one Event after the other, and returns those that still can't be folded.

    Raises ProjectionLocked where another process folds at the moment; SQLAlchemy's errors for which no entry is the cause."""
    with engine.connect() as connection:
        waiting = events_set_aside(connection, projector.name)
    for one in waiting:
        while _fold_passed_over(engine, ledger, projector, one.event_id):
            pass
    with engine.connect() as connection:
        return events_set_aside(connection, projector.name)


def _fold_passed_over(engine: Engine, ledger: Ledger, projector: Projector, event_id: UUID) -> bool:
    """Folds the next entries of the Event in one transaction. False: it is not set aside any more, or can't be folded; then the
    error is stored."""
    own = (SetAside.name == projector.name, SetAside.event_id == event_id)
    try:
        with engine.begin() as connection:
            position = lock(connection, projector)
            first = connection.scalars(select(SetAside.version).where(*own)).one_or_none()
            if first is None:  # another process has folded them
                return False
            batch, following = _passed_over(ledger, event_id, first, position)
            fold(connection, projector, batch)
            if following is not None:
                new = {"version": following.version, "position": following.position}
                connection.execute(update(SetAside).where(*own).values(**new))
                return True
            connection.execute(delete(SetAside).where(*own))
            # Whoever keeps rows of it reads them again, as after a rebuild: its positions are in the past.
            counted = {"rebuilds": Progress.rebuilds + 1, "updated_at": func.now()}
            connection.execute(update(Progress).where(Progress.name == projector.name).values(**counted))
            return False
    except Exception as error:
        if not isinstance(error, UnknownTopic) and not is_of_the_entry(error):
            raise
        reason = describe(error)
    with engine.begin() as connection:
        connection.execute(update(SetAside).where(*own).values(error=reason))
    return False


def _passed_over(ledger: Ledger, event_id: UUID, first: int, until: int) -> tuple[list[RecordedEntry], RecordedEntry | None]:
    """The next entries of the Event from version `first` to position `until`, and the entry after them, or None."""
    entries = [recorded for recorded in ledger.read_stream(event_id, first - 1, BATCH_SIZE + 1) if recorded.position <= until]
    batch = bounded(entries[:BATCH_SIZE])
    return batch, entries[len(batch)] if len(batch) < len(entries) else None
