"""Followers of the ledger: each reads it as a projector does, but to tell others. So none is rebuilt or run by a verification or a
look at the past, and each begins at the head.

One transaction moves a follower's position and writes its rows, and its commit waits for the disk. It stays behind the projections
that it names. At an entry that this release can't read it is stalled: somebody may wait to hear of it.
`python -m notifications skip` passes it over.
"""

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, Engine, text

from ledger import outbox
from ledger.entries import RecordedEntry
from ledger.mapper import Forged, UnknownTopic, Unreadable
from ledger.store import Ledger
from projections.engine import check_is_held, describe

log = logging.getLogger(__name__)

#: Entries in one transaction.
BATCH_SIZE = 500

_IS_NOT_QUIET = text("SELECT pg_try_advisory_xact_lock_shared(:lock)")
#: The row of a follower, made at the head of the ledger.
BEGIN = f"INSERT INTO subscriptions (name, position) VALUES (:name, {outbox.HEAD}) ON CONFLICT DO NOTHING"
_BEGIN = text(BEGIN)
_LOCK = text("SELECT position FROM subscriptions WHERE name = :name FOR UPDATE SKIP LOCKED")
_REACHED = text(f"SELECT coalesce(min(position), 0), {outbox.HEAD} FROM projections WHERE name = ANY(:names)")
_IS_NEAR = text("""
    SELECT coalesce(min(p.position), 0) - s.position BETWEEN 0 AND :size FROM subscriptions AS s LEFT JOIN projections AS p
        ON p.name = ANY(:names) WHERE s.name = :own GROUP BY s.position""")
_MOVE = text("""
    UPDATE subscriptions SET position = :position, updated_at = now(), failed_position = :failed_position, error = :error
    WHERE name = :name""")


class NotTellable(Exception):
    """An entry that this release can't read."""


class Teller(Protocol):
    """What a follower does with a batch of entries, in its transaction."""

    def tell(self, recorded: RecordedEntry) -> None:
        """Raises NotTellable."""

    def write(self) -> None:
        """Writes the rows about all that was told."""


class Follower(Protocol):
    """`name`: of its row. `noun`: what it writes, for the log. `follows`: the projections behind which it stays."""

    name: str
    noun: str
    follows: tuple[str, ...]

    def has_listeners(self, connection: Connection) -> bool:
        """Whether anybody wants to hear; else all is passed without being read."""

    def teller(self, connection: Connection, ledger: Ledger, batch: Collection[RecordedEntry], now: datetime) -> Teller: ...


def advance(
    engine: Engine, ledger: Ledger, follower: Follower, *, now: datetime | None = None, batch_size: int = BATCH_SIZE
) -> int:
    """Tells about the next entries. Returns the number of entries that it passed; 0: there are none, another process is at it, or
    it is stalled. Raises LedgerWentBack, LedgerUnavailable, SQLAlchemy's errors where the database is unavailable."""
    with engine.begin() as connection:
        is_idle = not follower.has_listeners(connection) and _is_near(connection, follower)
        position = None if is_idle else _lock(connection, follower.name)
        if position is None:
            return 0
        reached, head = connection.execute(_REACHED, {"names": list(follower.follows)}).one()
        if position > head:  # the ledger went back; what is appended now has positions that were passed before
            log.critical(
                "Position %s is past the head of the ledger, which went back: %s go on from %s", position, follower.noun, head
            )
            _move(connection, follower, head)
            return 0
        if not follower.has_listeners(connection):
            _move(connection, follower, max(position, reached))
            return 0
        try:
            batch = _read(ledger, position, batch_size, until=reached)
        except UnknownTopic as error:
            return _stall(connection, follower, position, ledger.next_position(position) or position, error)
        return _tell(connection, ledger, follower, position, batch, now or datetime.now(UTC))


def skip(connection: Connection, name: str) -> int | None:
    """Passes over the entry at which the follower is stalled. Returns its position; None: it is not stalled."""
    failed = text("SELECT failed_position FROM subscriptions WHERE name = :name FOR UPDATE")
    position: int | None = connection.execute(failed, {"name": name}).scalar_one_or_none()
    if position is not None:
        connection.execute(_MOVE, {"name": name, "position": position, "failed_position": None, "error": None})
    return position


def _lock(connection: Connection, name: str) -> int | None:
    """The position, locked until the transaction ends. None: another process holds it, or somebody loads entries."""
    if not begin_unless_quiet(connection, name):
        return None
    return connection.execute(_LOCK, {"name": name}).scalar_one_or_none()


def begin_unless_quiet(connection: Connection, name: str) -> bool:
    """Makes the row, if there is none yet. False: an import or the demo is loading entries about which nobody is told; try
    later."""
    if not connection.scalar(_IS_NOT_QUIET, {"lock": outbox.QUIET}):
        return False
    connection.execute(_BEGIN, {"name": name})
    return True


def _is_near(connection: Connection, follower: Follower) -> bool:
    """Whether it need not move while nobody listens: a commit for each entry would cost more than reading some in vain later."""
    parameters = {"own": follower.name, "names": list(follower.follows), "size": BATCH_SIZE}
    return bool(connection.scalar(_IS_NEAR, parameters))


def _read(ledger: Ledger, after: int, limit: int, *, until: int) -> list[RecordedEntry]:
    """Up to that position. Where one of them is of a later release, the first alone. Raises UnknownTopic if it is that one."""
    try:
        batch = ledger.read(after, limit)
    except UnknownTopic:
        batch = ledger.read(after, 1)
    return [recorded for recorded in batch if recorded.position <= until]


def _tell(
    connection: Connection, ledger: Ledger, follower: Follower, position: int, batch: list[RecordedEntry], now: datetime
) -> int:
    if not batch:
        return 0
    check_is_held(connection, batch[-1], follower.name)
    teller, told = follower.teller(connection, ledger, batch, now), 0
    for recorded in batch:
        try:
            _tell_one(teller, recorded)
        except NotTellable as error:
            teller.write()
            return told + _stall(connection, follower, position, recorded.position, error)
        position, told = recorded.position, told + 1
    teller.write()
    _move(connection, follower, position)
    return told


def _tell_one(teller: Teller, recorded: RecordedEntry) -> None:
    if isinstance(recorded.entry, Forged):  # nobody is told what Seatledger did not write
        log.error("Nobody is told about the entry at position %s: %s", recorded.position, recorded.entry.reason)
        return
    if isinstance(recorded.entry, Unreadable):
        raise NotTellable(recorded.entry.reason)
    teller.tell(recorded)


def _move(
    connection: Connection, follower: Follower, position: int, failed_position: int | None = None, error: str | None = None
) -> None:
    new = {"name": follower.name, "position": position, "failed_position": failed_position, "error": error}
    connection.execute(_MOVE, new)


def _stall(connection: Connection, follower: Follower, position: int, failed_position: int, error: Exception) -> int:
    """Stores where it is stalled, and logs it once. Returns 0: it passes nothing."""
    failed = text("SELECT failed_position FROM subscriptions WHERE name = :name")
    if connection.scalar(failed, {"name": follower.name}) != failed_position:
        log.error("%s are stalled at position %s: %s", follower.noun.capitalize(), failed_position, describe(error))
    _move(connection, follower, position, failed_position, describe(error))
    return 0
