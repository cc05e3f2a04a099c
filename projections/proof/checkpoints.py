"""Checkpoints: what the log's owner signs of the tree, so that nobody can later say that it was another.

Only a tree that has grown and begins with the last one that was signed is signed; the list beside the keys comes first, the row
second, so that nothing is shown that could be forgotten. A restored backup lacks what was signed after it was made: signing stops
(`forgotten`) until somebody says to begin a new origin (projections/proof/log_keys.py). Where the database knows what was signed
and has another tree, somebody has changed it (`inconsistent`).
"""

import logging
import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import CheckConstraint, Connection, Engine, SmallInteger, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from ledger.keys import KeysError
from projections import audit, merkle
from projections.proof.log_keys import LogKeys, read_origin
from projections.proof.signed_list import LIST_FILE, SignedList, locked_list
from projections.proof.signed_notes import Checkpoint, NoteError
from projections.tables import Model, Position, String, Timestamp

log = logging.getLogger(__name__)

#: The least time between two checkpoints: a receipt waits for one no longer than a query waits for its position.
SECONDS = 1.0
#: How often something that goes on being wrong is said.
SAID_SECONDS = 60.0

SIGNING, FORGOTTEN, INCONSISTENT = "signing", "forgotten", "inconsistent"


class AuditCheckpoint(Model):
    """Each that was ever shown."""

    __tablename__ = "audit_checkpoints"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

    origin: Mapped[String] = mapped_column(primary_key=True)
    size: Mapped[Position] = mapped_column(primary_key=True)
    note: Mapped[String]


class AuditSigning(Model):
    """One row: the origin under which is signed, and whether that goes on. `detail`: one sentence on why not."""

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
    """How the tree stands to what was signed; with `detail` where it is not signed."""

    state: str
    detail: str | None = None


class _SignedCheckpoint(NamedTuple):
    note: str
    checkpoint: Checkpoint


class _TreeIncomplete(Exception):
    """The tree is smaller than what was signed, and grows: the entries are there."""


class CheckpointSigner:
    """For one worker. `sign` as often as one likes."""

    def __init__(self, directory: Path, *, seconds: float = SECONDS) -> None:
        self._directory, self._seconds = directory, seconds
        self._said: tuple[str, float] = "", 0.0

    def sign(self, engine: Engine) -> Checkpoint | None:
        """The checkpoint that was signed, if one was due. What is in the way is logged, at most once a minute, and tried again
        the next time."""
        try:
            return self._sign_if_due(engine)
        except _TreeIncomplete:
            pass
        except KeysError as error:
            self._say(str(error))
        except OSError as error:
            self._say(f"{error.filename or LIST_FILE}: {error.strerror}.")
        except (OperationalError, InterfaceError) as error:
            self._say(f"The database is out of reach: {error.orig}")
        return None

    def _sign_if_due(self, engine: Engine) -> Checkpoint | None:
        if self.due_in():
            return None
        keys = LogKeys.open(self._directory)
        with locked_list(self._directory / LIST_FILE) as signed:
            if signed is None or self.due_in():  # another worker is at it, or was
                return None
            with engine.begin() as connection:
                return self._sign(connection, keys, signed)

    def due_in(self) -> float:
        """Seconds until a checkpoint may be signed again, by whichever worker."""
        try:
            status = (self._directory / LIST_FILE).stat()
        except OSError:
            return 0.0
        age = time.time() - status.st_mtime
        return self._seconds - age if status.st_size and 0 <= age < self._seconds else 0.0

    def _sign(self, connection: Connection, keys: LogKeys, signed: SignedList) -> Checkpoint | None:
        if signed.is_empty and connection.scalar(_WITHOUT_MAC):
            return None
        origin, size = read_origin(self._directory), audit.tree_size(connection)
        try:
            listed = _listed(signed, keys, origin)
            shown = _shown(connection, keys, origin)
            standing = _judge(connection, size, listed, shown)
        except (NoteError, merkle.MissingHash) as error:
            standing = SigningStatus(INCONSISTENT, str(error))
        _note_standing(connection, origin, standing)
        if standing.detail:
            self._say(f"{standing.state}. {standing.detail}")
            return None
        if listed and (shown is None or shown.checkpoint.size < listed.checkpoint.size):
            _show(connection, listed)  # signed before a crash, and not shown
        if size == max((one.checkpoint.size for one in (listed, shown) if one), default=0):
            return None
        checkpoint = Checkpoint(origin, size, audit.root_at(connection, size))
        made = _SignedCheckpoint(keys.signer(origin).sign(checkpoint.text), checkpoint)
        signed.append(made.note)
        _show(connection, made)
        return checkpoint

    def _say(self, sentence: str) -> None:
        said, when = self._said
        now = time.monotonic()
        if sentence != said or now - when >= SAID_SECONDS:
            self._said = sentence, now
            log.error("No checkpoint is signed: %s", sentence)


def _judge(connection: Connection, size: int, listed: _SignedCheckpoint | None, shown: _SignedCheckpoint | None) -> SigningStatus:
    """Does the tree begin with what was signed last? Raises _TreeIncomplete, NoteError, merkle.MissingHash."""
    for one in (listed, shown):
        if one is None:
            continue
        signed = one.checkpoint
        if signed.size > size:
            _check_that_it_grows(connection, signed.size - size)
            return SigningStatus(
                FORGOTTEN, f"The tree has {size} leaves, and {signed.size} were signed: a restored backup lacks some."
            )
        if audit.root_at(connection, signed.size) != signed.root:
            if one is listed and not _is_shown(connection, signed):
                return SigningStatus(
                    FORGOTTEN, f"The tree lacks what was signed at {signed.size} leaves, as a restored backup does."
                )
            return SigningStatus(INCONSISTENT, f"The tree's first {signed.size} leaves are not those that were signed.")
    return SigningStatus(SIGNING)


def _listed(signed: SignedList, keys: LogKeys, origin: str) -> _SignedCheckpoint | None:
    """What was signed last under this origin, as the list has it."""
    note = signed.last()
    found = _SignedCheckpoint(note, keys.read(note)) if note else None
    return found if found and found.checkpoint.origin == origin else None


_SHOWN = select(AuditCheckpoint.size, AuditCheckpoint.note).order_by(AuditCheckpoint.size.desc()).limit(1)


def _shown(connection: Connection, keys: LogKeys, origin: str) -> _SignedCheckpoint | None:
    """What was signed last under this origin, as the database has it."""
    row = connection.execute(_SHOWN.where(AuditCheckpoint.origin == origin)).one_or_none()
    if row is None:
        return None
    checkpoint = keys.read(row.note)
    if (checkpoint.origin, checkpoint.size) != (origin, row.size):
        raise NoteError(f"The checkpoint of {row.size} leaves in the database is another one.")
    return _SignedCheckpoint(row.note, checkpoint)


def _is_shown(connection: Connection, signed: Checkpoint) -> bool:
    row = (AuditCheckpoint.origin == signed.origin, AuditCheckpoint.size == signed.size)
    return connection.scalar(select(func.count()).where(*row)) == 1


#: Under the very first checkpoint entries may be without a MAC: it waits until it has all of them.
_WITHOUT_MAC = text("""
    SELECT EXISTS (SELECT FROM ledger_entries WHERE mac IS NULL
        AND notification_id > (SELECT position FROM projections WHERE name = 'audit'))""")
_BEHIND = text("""
    SELECT count(*) FROM (
        SELECT FROM ledger_entries WHERE notification_id > (SELECT position FROM projections WHERE name = 'audit') LIMIT :most
    ) AS behind""")


def _check_that_it_grows(connection: Connection, missing: int) -> None:
    """Raises _TreeIncomplete where the leaves are missing only because the projection is behind: it is folded anew, or PostgreSQL
    crashed and took its last commits back."""
    if connection.scalar(_BEHIND, {"most": missing}) == missing:
        raise _TreeIncomplete


def _show(connection: Connection, signed: _SignedCheckpoint) -> None:
    checkpoint = signed.checkpoint
    row = {"origin": checkpoint.origin, "size": checkpoint.size, "note": signed.note}
    connection.execute(insert(AuditCheckpoint).values(row).on_conflict_do_nothing())


def _note_standing(connection: Connection, origin: str, standing: SigningStatus) -> None:
    s = AuditSigning
    new = {"origin": origin, "state": standing.state, "detail": standing.detail}
    known = connection.execute(select(s.origin, s.state, s.detail)).one_or_none()
    if known is None or known._asdict() != new:
        row = {"one": 1, **new, "changed_at": func.now()}
        connection.execute(insert(s).values(row).on_conflict_do_update(index_elements=[s.one], set_=row))
