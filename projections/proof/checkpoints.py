"""Signs checkpoints: signed statements of the tree's size and root, so that nobody can later claim that the tree was another.

A tree is signed only if it has grown, begins with the tree that was signed last, and goes on with the ledger's own entries, whose
MACs are checked (projections/proof/entry_tree.py). A checkpoint is first appended to the list beside the keys, then stored in the
database, so that none is published that could be forgotten. Of several machines, each with its own copy of the keys, one signs at
a time: it holds a lock in the database, and first copies into its list what the others have signed and stored. A restored backup
lacks entries that were signed after it was made: signing stops (`forgotten`) until an operator begins a new origin
(projections/proof/log_keys.py). If the database has the last checkpoint but another tree, or a tree of other leaves than its
entries make, somebody has altered it (`inconsistent`).

    SIGNING ──▶ FORGOTTEN      the tree lacks signed leaves        until the tree begins with the last checkpoint again,
       │  ▲                                                        or a new origin
       └──┴────▶ INCONSISTENT  the tree or a checkpoint is altered
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from typing import Literal, NamedTuple

from sqlalchemy import CheckConstraint, Connection, Engine, SmallInteger, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from ledger.keys import KeysError
from ledger.store import Ledger, LedgerUnavailable
from projections import audit, merkle
from projections.proof.entry_tree import EntryTree, TreeAltered
from projections.proof.log_keys import LogKeys, read_origin
from projections.proof.signed_list import LIST_FILE, SignedList, locked_list
from projections.proof.signed_notes import Checkpoint, NoteError
from projections.tables import Model, Position, String, Timestamp

log = logging.getLogger(__name__)

#: The least time between two checkpoints. It is shorter than the time that a receipt waits for one.
SECONDS = 1.0
#: The time between two log messages about the same problem.
REPEAT_SECONDS = 60.0

#: The advisory lock of the worker that signs ("Checkpnt" in ASCII).
SIGNING_LOCK = 0x436865636B706E74
#: Entries that one turn reads, so that it holds its locks for some 0.5 s at most. Where there are more, as after an import, the
#: checkpoint is of a part of the tree, and the next ones are of more.
MAX_ENTRIES = 50_000
#: Checkpoints of other machines that are copied into the list in one turn.
MAX_COPIED = 5_000

SIGNING, FORGOTTEN, INCONSISTENT = "signing", "forgotten", "inconsistent"


class AuditCheckpoint(Model):
    """Every checkpoint that was published."""

    __tablename__ = "audit_checkpoints"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

    origin: Mapped[String] = mapped_column(primary_key=True)
    size: Mapped[Position] = mapped_column(primary_key=True)
    note: Mapped[String]


class AuditSigning(Model):
    """One row: the present origin, and the state of signing. `detail`: why the log is not signed, as one sentence."""

    __tablename__ = "audit_signing"
    __table_args__ = (
        CheckConstraint("one = 1", name="one"),
        CheckConstraint("state IN ('signing', 'forgotten', 'inconsistent')", name="state"),
    )

    one: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    origin: Mapped[String]
    state: Mapped[String]
    detail: Mapped[String | None]
    changed_at: Mapped[Timestamp]


class SigningStatus(NamedTuple):
    """Whether the tree may be signed; with `detail` where not."""

    state: str
    detail: str | None = None


class _SignedCheckpoint(NamedTuple):
    note: str
    checkpoint: Checkpoint


class Turn(Enum):
    """What a turn to sign has done, where it is not a checkpoint."""

    REPAIRED = auto()


class _TreeIncomplete(Exception):
    """The tree has fewer leaves than were signed only because the projection is behind the entries."""


class CheckpointSigner:
    """Signs checkpoints for one worker. `sign` may be called at any time, by any number of workers, by one thread of each."""

    def __init__(self, directory: Path, ledger: Ledger, *, seconds: float = SECONDS) -> None:
        """`directory`: KEYS_DIR. `ledger`: with the MACs' keys."""
        self._directory, self._ledger, self._seconds = directory, ledger, seconds
        #: The tree that was signed last, or what was read for the first checkpoint.
        self._tree: EntryTree | None = None
        self._logged: tuple[str, float] = "", 0.0

    def sign(self, engine: Engine) -> Checkpoint | None:
        """Signs a checkpoint and returns it, if one is due. A problem is logged, at most once a minute, and the next call tries
        again."""
        try:
            return self._sign_if_due(engine)
        except _TreeIncomplete:
            pass
        except KeysError as error:
            self._log(str(error))
        except OSError as error:
            self._log(f"{error.filename or LIST_FILE}: {error.strerror}.")
        except (OperationalError, InterfaceError) as error:
            self._log(f"The database is unavailable: {error.orig}")
        except LedgerUnavailable as error:
            self._log(f"The database is unavailable: {error}")
        return None

    def _sign_if_due(self, engine: Engine) -> Checkpoint | None:
        if self.due_in():
            return None
        keys = LogKeys.open(self._directory)
        with locked_list(self._directory / LIST_FILE) as signed:
            if signed is None or self.due_in():  # another worker signs, or has just signed
                return None
            for _ in range(2):
                with engine.begin() as connection:
                    if not connection.scalar(select(func.pg_try_advisory_xact_lock(SIGNING_LOCK))):
                        return None  # a worker on another machine signs
                    checkpoint = self._sign(connection, keys, signed)
                if checkpoint is not Turn.REPAIRED:
                    return checkpoint
            return None

    def due_in(self) -> float:
        """Seconds until the next checkpoint may be signed, by any worker."""
        try:
            status = (self._directory / LIST_FILE).stat()
        except OSError:
            return 0.0
        age = time.time() - status.st_mtime
        return self._seconds - age if status.st_size and 0 <= age < self._seconds else 0.0

    def _sign(self, connection: Connection, keys: LogKeys, signed: SignedList) -> Checkpoint | Literal[Turn.REPAIRED] | None:
        """Turn.REPAIRED: a checkpoint that was signed before a crash is stored now. Nothing else is done in that transaction, or
        another crash could take that back, and only the last signed one would be stored after it."""
        origin, size = read_origin(self._directory), audit.tree_size(connection)
        checkpoint = None
        try:
            listed, stored = _last_listed(signed, keys, origin), _last_stored(connection, keys, origin)
            is_first = signed.is_empty and stored is None
            if is_first and connection.scalar(_WITHOUT_MAC, {"after": connection.scalar(_TREE_POSITION)}):
                return None
            status = _status(connection, size, listed, stored)
            if status.state == SIGNING:
                if listed is not None and _store(connection, listed):
                    return Turn.REPAIRED
                is_copied = copy_stored(connection, keys, signed, origin) < MAX_COPIED  # else the next turn copies more
                last = max((known.checkpoint for known in (listed, stored) if known), key=_size, default=None)
                if is_copied and size > (last.size if last else 0):
                    checkpoint = self._next_checkpoint(connection, origin, last, size, is_first=is_first)
        except (NoteError, merkle.MissingHash, TreeAltered) as error:
            status, checkpoint, self._tree = SigningStatus(INCONSISTENT, str(error)), None, None
        _store_status(connection, origin, status)
        if status.detail:
            self._log(f"{status.state}. {status.detail}")
            return None
        if checkpoint is not None:
            new = _SignedCheckpoint(keys.signer(origin).sign(checkpoint.text), checkpoint)
            signed.append(new.note)
            _store(connection, new)
        return checkpoint

    def _next_checkpoint(
        self, connection: Connection, origin: str, last: Checkpoint | None, size: int, *, is_first: bool
    ) -> Checkpoint | None:
        """The checkpoint of the stored tree, or of a part of it, if that is the tree of the ledger's entries. `last`: the one that
        was signed before. None: the next turn reads more. Raises TreeAltered, merkle.MissingHash; LedgerUnavailable."""
        if self._tree is None or self._tree.begins_with != last or self._tree.size > size:
            self._tree = EntryTree.of(last, connection, self._ledger)
        tree = self._tree
        wanted = min(size, tree.size + MAX_ENTRIES)
        tree.extend(self._ledger, wanted)
        if tree.size < wanted:
            raise TreeAltered(f"The tree has {size} leaves, and the ledger {tree.size} entries.")
        if audit.root_at(connection, tree.size) != tree.root():
            raise TreeAltered(f"The tree's first {tree.size} leaves are not those of the ledger's entries.")
        if is_first and connection.scalar(_WITHOUT_MAC, {"after": tree.position}):
            return None
        tree.begins_with = Checkpoint(origin, tree.size, tree.root())
        return tree.begins_with

    def _log(self, sentence: str) -> None:
        last, logged_at = self._logged
        now = time.monotonic()
        if sentence != last or now - logged_at >= REPEAT_SECONDS:
            self._logged = sentence, now
            log.error("No checkpoint is signed: %s", sentence)


@contextmanager
def paused_signing(engine: Engine, directory: Path) -> Iterator[int]:
    """Meanwhile no checkpoint is signed on any machine, and the list has all that are stored, and no other. One that was signed
    just before a crash is stored first, as the next turn to sign would do. Yields the size of the list in bytes. Raises KeysError,
    OSError; SQLAlchemy's errors."""
    keys, origin = LogKeys.open(directory), read_origin(directory)
    with locked_list(directory / LIST_FILE, wait=True) as signed:
        assert signed is not None, "it was waited for"
        with suppress(NoteError), engine.begin() as connection:  # a row or line that nobody signed: `verify` reports it
            if (listed := _last_listed(signed, keys, origin)) is not None:
                _store(connection, listed)
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(SIGNING_LOCK)))
            with suppress(NoteError):
                while copy_stored(connection, keys, signed, origin) == MAX_COPIED:
                    pass
            yield (directory / LIST_FILE).stat().st_size


def copy_stored(connection: Connection, keys: LogKeys, signed: SignedList, origin: str) -> int:
    """Appends to the list what other machines have signed and stored after its last checkpoint: MAX_COPIED at most. Returns their
    number. Raises NoteError for a row that none of these keys signed; nothing is appended then."""
    listed = _last_listed(signed, keys, origin)
    after = listed.checkpoint.size if listed else 0
    rows = connection.execute(_LATER, {"origin": origin, "after": after, "most": MAX_COPIED}).all()
    for row in rows:
        _read_stored(keys, origin, row.size, row.note)
    signed.copy([row.note for row in rows])
    return len(rows)


def _status(connection: Connection, size: int, listed: _SignedCheckpoint | None, stored: _SignedCheckpoint | None) -> SigningStatus:
    """Whether the tree begins with the tree that was signed last. Raises _TreeIncomplete, NoteError, merkle.MissingHash."""
    for known in (listed, stored):
        if known is None:
            continue
        signed = known.checkpoint
        if signed.size > size:
            _check_entries_exist(connection, signed.size - size)
            return SigningStatus(
                FORGOTTEN, f"The tree has {size} leaves, and {signed.size} were signed: a restored backup lacks some."
            )
        if audit.root_at(connection, signed.size) != signed.root:
            if known is listed and not _is_stored(connection, signed):
                return SigningStatus(
                    FORGOTTEN, f"The tree lacks what was signed at {signed.size} leaves, as a restored backup does."
                )
            return SigningStatus(INCONSISTENT, f"The tree's first {signed.size} leaves are not those that were signed.")
    return SigningStatus(SIGNING)


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size


def _last_listed(signed: SignedList, keys: LogKeys, origin: str) -> _SignedCheckpoint | None:
    """The last checkpoint of this origin in the list."""
    note = signed.last()
    last = _SignedCheckpoint(note, keys.read(note)) if note else None
    return last if last and last.checkpoint.origin == origin else None


_LATER = (
    select(AuditCheckpoint.size, AuditCheckpoint.note)
    .where(AuditCheckpoint.origin == bindparam("origin"), AuditCheckpoint.size > bindparam("after"))
    .order_by(AuditCheckpoint.size)
    .limit(bindparam("most"))
)
_LAST_STORED = select(AuditCheckpoint.size, AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1)


def _last_stored(connection: Connection, keys: LogKeys, origin: str) -> _SignedCheckpoint | None:
    """The last checkpoint of this origin in the database."""
    row = connection.execute(_LAST_STORED.where(AuditCheckpoint.origin == origin)).one_or_none()
    return None if row is None else _read_stored(keys, origin, row.size, row.note)


def _read_stored(keys: LogKeys, origin: str, size: int, note: str) -> _SignedCheckpoint:
    checkpoint = keys.read(note)
    if (checkpoint.origin, checkpoint.size) != (origin, size):
        raise NoteError(f"The checkpoint of {size} leaves in the database says another size or origin.")
    return _SignedCheckpoint(note, checkpoint)


def _is_stored(connection: Connection, signed: Checkpoint) -> bool:
    row = (AuditCheckpoint.origin == signed.origin, AuditCheckpoint.size == signed.size)
    return connection.scalar(select(func.count()).where(*row)) == 1


#: Entries under the first checkpoint may lack a MAC. It is not signed before the tree has all entries without one.
_WITHOUT_MAC = text("""
    SELECT EXISTS (SELECT FROM ledger_entries WHERE mac IS NULL AND notification_id > :after)""")
_TREE_POSITION = text("SELECT position FROM projections WHERE name = 'audit'")
_BEHIND = text("""
    SELECT count(*) FROM (
        SELECT FROM ledger_entries WHERE notification_id > (SELECT position FROM projections WHERE name = 'audit') LIMIT :most
    ) AS behind""")


def _check_entries_exist(connection: Connection, missing: int) -> None:
    """Raises _TreeIncomplete where the leaves are missing only because the projection is behind: it is folded anew, or PostgreSQL
    crashed and took its last commits back."""
    if connection.scalar(_BEHIND, {"most": missing}) == missing:
        raise _TreeIncomplete


def _store(connection: Connection, signed: _SignedCheckpoint) -> bool:
    """Whether it was not stored yet."""
    checkpoint = signed.checkpoint
    row = {"origin": checkpoint.origin, "size": checkpoint.size, "note": signed.note}
    stored = insert(AuditCheckpoint).values(row).on_conflict_do_nothing().returning(AuditCheckpoint.size)
    return connection.scalar(stored) is not None


def _store_status(connection: Connection, origin: str, status: SigningStatus) -> None:
    s = AuditSigning
    new = {"origin": origin, "state": status.state, "detail": status.detail}
    known = connection.execute(select(s.origin, s.state, s.detail)).one_or_none()
    if known is None or known._asdict() != new:
        row = {"one": 1, **new, "changed_at": func.now()}
        connection.execute(insert(s).values(row).on_conflict_do_update(index_elements=[s.one], set_=row))
