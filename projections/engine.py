"""The catch-up engine: keeps each projection up to date with the ledger, applying each entry exactly once and in order.

It reads the next batch of entries; then, in one transaction, it locks the projection's position row, lets the projector write the
batch in bulk, and moves the position. If the position has moved meanwhile, it reads again. After the commit it publishes the
position. It stops after a batch that was not full, or at its limit: entries that are appended later cause a wake-up of their own,
and the caller continues what is left. If another process holds the lock, the engine raises ProjectionLocked, and the caller sends
the wake-up again, so that none is lost.

Where the rows of each Event follow from its own entries alone, an entry that can't be applied sets its Event aside: its rows stay
as of the entry before, with an error that is stored and shown, and the projection passes its later entries over; once they can be
applied, `projections/resume.py` folds them. Where rows do not follow so, or the fault is not in the entry, or too many Events are
set aside already, the projection is stalled there. The other projections continue. So it is with an entry that Seatledger did not
write: the hash tree ends before it, and no checkpoint covers it.

The ledger may go back, also between the read and the transaction (`ledger/anchor.py`). So the transaction checks that its database
has the last entry of the batch: nothing is folded that is not in the ledger. A projection past the head of the ledger shows entries
that were lost: it is stalled until it is rebuilt.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, func, insert, null, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from ledger.anchor import LedgerWentBack
from ledger.entries import Entry, RecordedEntry, SeatsBooked
from ledger.mapper import Forged, Unreadable, decode_or_unreadable
from ledger.store import LedgerUnavailable
from projections.tables import Model, Progress, SetAside

log = logging.getLogger(__name__)

#: Entries folded in one transaction. A larger batch costs less an entry, but queries that wait for one of its entries wait longer.
BATCH_SIZE = 4_000
#: Tickets in a batch, which may cost a row each. It ends before the booking that would exceed this, unless that is its first entry.
MAX_TICKETS = 20_000
#: Events that a projection sets aside. More of them have one cause, which is better found while the projection is stalled.
MAX_SET_ASIDE = 100
#: PostgreSQL error codes of operational errors that are caused by the statement, not by the server: it takes longer than
#: statement_timeout, or it is too big (class 54). A retry would fail in the same way, for ever.
_TIMED_OUT, _TOO_BIG = "57014", "54"


class Projector(Protocol):
    """How a projection's tables follow from the entries. A new `version` means: rebuild the tables.

    `handles`: the entry classes that change the tables. `fold` is given the others too, and skips them. `is_by_event`: the rows of
    each Event follow from its own entries alone, in whatever order those of different Events are folded; if not, `fold` is given
    `Unreadable` entries, too."""

    name: str
    version: int
    is_by_event: bool

    @property
    def handles(self) -> frozenset[type[Entry]]: ...

    @property
    def tables(self) -> Sequence[type[Model]]:
        """Each table after those that it refers to. `fold` names them without a schema, so that the same code fills tables of the
        same names in another schema (projections/rebuild/shadow_tables.py)."""

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """Writes the changes that these entries make, in order, by a few statements, however long the batch."""


class EntrySource(Protocol):
    """What the engine needs of the ledger."""

    def read(self, after: int, limit: int) -> list[RecordedEntry]: ...

    def next_position(self, after: int) -> int | None: ...


class ProjectionStalled(Exception):
    """The entry at `position` could not be applied."""

    def __init__(self, name: str, position: int, error: BaseException) -> None:
        super().__init__(f"{name} stopped at position {position}: {describe(error)}")
        self.position = position


class ProjectionLocked(Exception):
    """Another process holds the projection's lock. That process may have read the ledger before the newest entry was there; or the
    projection's version has changed: try again."""


class PastTheHead(Exception):
    """A projection has folded entries that are not in the ledger."""

    def __init__(self, position: int) -> None:
        super().__init__(f"position {position} is past the head of the ledger, which went back: rebuild the projection")


class UnreadableEntry(Exception):
    """The stored bytes of an entry can't be decoded."""


class ForgedEntry(Exception):
    """Seatledger did not write the entry."""


class _BatchFailed(Exception):
    """A batch of `length` entries past position `after` could not be read or folded; the cause is chained. `faulty`: the entry that
    could not be folded, if the batch is that one alone."""

    def __init__(self, after: int, length: int, faulty: RecordedEntry | None) -> None:
        super().__init__(after, length)
        self.after, self.length, self.faulty = after, length, faulty


class _Progress(NamedTuple):
    """`failed_position` is past `position`, but for a projection that was found past the head of the ledger."""

    position: int
    version: int
    failed_position: int | None


def catch_up(
    engine: Engine,
    ledger: EntrySource,
    projector: Projector,
    publish: Callable[[str, int], None] = lambda name, position: None,
    *,
    batch_size: int = BATCH_SIZE,
    at_most: int | None = None,
) -> int:
    """Folds the entries past the projection's position, batch by batch, and returns their number, with those that are passed over.
    Stops at the end of the ledger, or once `at_most` entries were folded: then there may be more.

    `publish` is called with the projection's name and position after each commit. Raises ProjectionLocked; ProjectionStalled at an
    entry that can't be applied and whose Event can't be set aside (the entries before it are folded), or past the head;
    LedgerWentBack if the entries that were read are not in the database any more; LedgerUnavailable or SQLAlchemy's errors where
    the database is unavailable."""
    folded = 0
    one_by_one = 0  # the number of entries still to be folded one at a time, to find the faulty one of a batch that failed
    with engine.connect() as connection:
        position, version, failed_position = _read_progress(connection, projector)
        if version != projector.version:  # the tables are of another version: a rebuild makes those of this one
            return 0
        if failed_position is not None and failed_position <= position:
            raise ProjectionStalled(projector.name, failed_position, PastTheHead(position))
        while True:
            size = 1 if one_by_one else batch_size
            try:
                position, count, is_last = _fold_next(connection, ledger, projector, position, size)
            except _BatchFailed as failed:
                if not one_by_one and failed.length > 1:
                    one_by_one = failed.length
                    continue
                if passed := _set_aside(engine, projector, failed):
                    position, count, is_last = passed, 1, False
                elif stalled := _stall(engine, ledger, projector, failed):
                    raise stalled from failed.__cause__
                else:  # another process folded the entry meanwhile
                    position = _read_progress(connection, projector).position
                    continue
            folded += count
            if count:
                publish(projector.name, position)
            if is_last or (at_most is not None and folded >= at_most):
                return folded
            one_by_one = max(0, one_by_one - count)


# Statements are built once: building one costs more than executing it.
_PROGRESS = select(Progress.position, Progress.version, Progress.failed_position).where(Progress.name == bindparam("projector"))
_LOCK = _PROGRESS.where(Progress.version == bindparam("version")).with_for_update(skip_locked=True)
_MOVE = (
    update(Progress)
    .where(Progress.name == bindparam("projector"))
    .values(position=bindparam("new_position"), updated_at=func.now(), failed_position=null(), error=null())
)
#: An entry, and the Events that the projection has set aside: as of now, also if another process had the lock before.
_ENTRY_AND_SET_ASIDE = text("""
    SELECT originator_id, originator_version, topic, state, mac, ARRAY(SELECT event_id FROM set_aside WHERE name = :projector)
    FROM ledger_entries WHERE notification_id = :position""")
_HEAD = text("SELECT coalesce(max(notification_id), 0) FROM ledger_entries")
#: A crash of the server may undo the last half second of a projection, which is then folded again. So its commits need not wait for
#: the disk, nor make the appender's next commit wait for it (docs/decisions/0024).
_ASYNCHRONOUS_COMMIT = text("SET LOCAL synchronous_commit = off")


def _read_progress(connection: Connection, projector: Projector) -> _Progress:
    with connection.begin():
        return _Progress(*connection.execute(_PROGRESS, {"projector": projector.name}).one())


def lock(connection: Connection, projector: Projector) -> int:
    """The projection's position, locked until the transaction ends. Raises ProjectionLocked."""
    position: int | None = connection.scalars(_LOCK, {"projector": projector.name, "version": projector.version}).one_or_none()
    if position is None:
        raise ProjectionLocked
    return position


class _Folded(NamedTuple):
    """The new position, the number of entries that were folded or passed over, and whether the ledger had no more."""

    position: int
    entries: int
    is_last: bool


def _fold_next(connection: Connection, ledger: EntrySource, projector: Projector, after: int, size: int) -> _Folded:
    """Folds one batch in one transaction. Raises ProjectionLocked; _BatchFailed where the fault is in the entries."""
    attempt: tuple[int, int, RecordedEntry | None] = after, size, None
    try:
        batch = ledger.read(after, size)
        if not batch:
            _check_the_head(connection, after)
            return _Folded(after, 0, is_last=True)
        with connection.begin():
            locked = lock(connection, projector)
            if locked != after:  # another process has folded this batch: read the next one
                attempt = locked, size, None
                batch = ledger.read(locked, size)
                if not batch:
                    return _Folded(locked, 0, is_last=True)
            read, batch = len(batch), bounded(batch)
            attempt = locked, len(batch), batch[0] if len(batch) == 1 else None
            set_aside = check_is_held(connection, batch[-1], projector.name)
            connection.execute(_ASYNCHRONOUS_COMMIT)
            fold(connection, projector, [one for one in batch if one.stream not in set_aside] if set_aside else batch)
            position = batch[-1].position
            connection.execute(_MOVE, {"projector": projector.name, "new_position": position})
    except Exception as error:
        if isinstance(error, ProjectionLocked | LedgerWentBack) or _is_unavailable(error):
            raise
        raise _BatchFailed(*attempt) from error
    return _Folded(position, len(batch), is_last=len(batch) == read < size)


def bounded(batch: list[RecordedEntry]) -> list[RecordedEntry]:
    """The entries from the first on, with MAX_TICKETS at most; at least one entry. An unreadable one is alone."""
    tickets = 0
    for index, recorded in enumerate(batch):
        if isinstance(recorded.entry, SeatsBooked):
            tickets += sum(line.quantity for line in recorded.entry.lines)
            if tickets > MAX_TICKETS and index:
                return batch[:index]
        elif isinstance(recorded.entry, Unreadable):
            return batch[: index or 1]
    return batch


def fold(connection: Connection, projector: Projector, batch: Sequence[RecordedEntry]) -> None:
    """Folds a bounded batch. Raises UnreadableEntry, ForgedEntry; whatever the projector raises."""
    if not batch:
        return
    if isinstance(batch[0].entry, Forged):
        raise ForgedEntry(batch[0].entry.reason)
    if projector.is_by_event and isinstance(batch[0].entry, Unreadable):
        raise UnreadableEntry(batch[0].entry.reason)
    projector.fold(connection, batch)


def check_is_held(connection: Connection, recorded: RecordedEntry, name: str) -> Collection[UUID]:
    """The Events that the projection of this name has set aside. Raises LedgerWentBack unless the database of this connection has
    the entry."""
    parameters = {"position": recorded.position, "projector": name}
    row = connection.execute(_ENTRY_AND_SET_ASIDE, parameters).one_or_none()
    if row is None or not _is_same(recorded, *row[:5]):
        raise LedgerWentBack(f"the entry at position {recorded.position}")
    return frozenset(row[5])


def _is_same(recorded: RecordedEntry, stream: UUID, version: int, topic: str, state: bytes, mac: bytes | None) -> bool:
    """Whether the stored entry is the one that was read: by its MAC; without one, by what it says."""
    if (recorded.stream, recorded.version, recorded.mac) != (stream, version, mac):
        return False
    return mac is not None or isinstance(recorded.entry, Forged) or decode_or_unreadable(topic, state) == recorded.entry


def _check_the_head(connection: Connection, position: int) -> None:
    """Raises PastTheHead."""
    with connection.begin():
        head: int = connection.execute(_HEAD).scalar_one()
    if position > head:
        raise PastTheHead(position)


def _is_unavailable(error: Exception) -> bool:
    """Whether the error means that the database is unavailable or busy, so that it says nothing about the entries."""
    if isinstance(error, DBAPIError) and isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.orig, "sqlstate", None) or ""
        return not (code == _TIMED_OUT or code.startswith(_TOO_BIG))
    return isinstance(error, LedgerUnavailable)


def describe(error: BaseException) -> str:
    """One line without SQL and rows: admins read it in their browsers."""
    first_line = (str(error).splitlines() or [""])[0][:500]
    return f"{type(error).__name__}: {first_line}"


def is_of_the_entry(error: BaseException) -> bool:
    """Whether folding an entry can raise this because of that entry alone. What the database refuses otherwise (a table that a
    migration has not made yet, a statement that takes too long) would stop the next entry, too."""
    return isinstance(error, Exception) and (not isinstance(error, DBAPIError) or isinstance(error, DataError | IntegrityError))


_COUNT_SET_ASIDE = select(func.count()).where(SetAside.name == bindparam("projector"))


def _set_aside(engine: Engine, projector: Projector, failed: _BatchFailed) -> int | None:
    """Sets the Event of the entry aside and moves the position past that. Returns the new position; None, and nothing stored, where
    that would not help, or if the projection has moved since. Raises ProjectionLocked."""
    recorded, error = failed.faulty, failed.__cause__
    assert error is not None
    if recorded is None or not projector.is_by_event or not is_of_the_entry(error):
        return None
    own, reason = {"projector": projector.name}, describe(error)
    with engine.begin() as connection:
        if lock(connection, projector) != failed.after or connection.scalars(_COUNT_SET_ASIDE, own).one() >= MAX_SET_ASIDE:
            return None
        entry = {"event_id": recorded.stream, "version": recorded.version, "position": recorded.position}
        connection.execute(insert(SetAside).values(name=projector.name, **entry, error=reason, set_aside_at=func.now()))
        connection.execute(_MOVE, {**own, "new_position": recorded.position})
    message = "%s has set event %s aside at position %s: %s"
    log.error(message, projector.name, recorded.stream, recorded.position, reason, exc_info=error)
    return recorded.position


def _stall(engine: Engine, ledger: EntrySource, projector: Projector, failed: _BatchFailed) -> ProjectionStalled | None:
    """Stores the position and the error of the entry that failed. None, and nothing stored, if the projection has moved since."""
    own_row = Progress.name == projector.name
    error = failed.__cause__
    assert error is not None
    with engine.begin() as connection:
        query = select(Progress.position, Progress.failed_position).where(own_row).with_for_update()
        position, known = connection.execute(query).one()
        if position != failed.after:
            return None
        failed_position = position if isinstance(error, PastTheHead) else ledger.next_position(position) or position + 1
        stalled = ProjectionStalled(projector.name, failed_position, error)
        values = {"failed_position": stalled.position, "error": str(stalled), "updated_at": datetime.now(UTC)}
        connection.execute(update(Progress).where(own_row).values(values))
    if known != stalled.position:  # log it once, not at every tick
        log.error("%s", stalled, exc_info=error)
    return stalled
