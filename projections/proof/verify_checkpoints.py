"""Every checkpoint ever signed: those in the list beside the keys, those that others have kept, and those in the database."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from ledger import macs
from projections.proof.log_keys import LogKeys, read_origin
from projections.proof.signed_list import LIST_FILE, first_own, read_list
from projections.proof.signed_notes import Checkpoint, Note, NoteError
from projections.proof.verify_entries import AlterationFound, ExpectedCheckpoint, Finding

TABLE = "audit_checkpoints"
#: Our checkpoints are shorter.
_NOTE_BYTES = 4096
#: Rows fetched at a time.
_PAGE = 2_000


class SignedCheckpoints:
    """The checkpoints to compare with. The list may be long, so it is read again each time: it grows by a line a second during
    sales.

    A program that can write to the list can also read the keys, so that its signatures prove little: a signature is verified only
    if its checkpoint does not match."""

    def __init__(self, keys: LogKeys, origin: str, list_file: Path, until: int, kept: Sequence[Path]) -> None:
        """`until`: the number of bytes of the list to read. Raises NoteError, which names the file; OSError."""
        self._keys, self.origin = keys, origin
        self._list_file, self._until = list_file, until
        self._kept = sorted((due for path in kept for due in _read_kept(keys, path)), key=_size)
        self.accepted, self.first_size = read_accepted(list_file.parent), first_size(keys, origin, list_file)
        self.count = len(self._kept)
        #: By earlier origin, the size of its first checkpoint that does not match any more.
        self.given_up: dict[str, int] = {}
        #: Those in the database that the list lacks, since another machine has signed them.
        self._elsewhere: list[ExpectedCheckpoint] = []
        self._last: dict[str, ExpectedCheckpoint] = {}
        for number, due in enumerate(self._listed(), start=1):
            last = self._last.get(due.checkpoint.origin)
            if last is not None and _size(due) <= _size(last):
                raise NoteError(f"Line {number} of {list_file.name} is of no more leaves than one before it.")
            self._last[due.checkpoint.origin] = due
            self.count += 1
        for due in self._last.values():  # the tree of each includes those before it
            self._confirm(due)

    def due(self) -> Iterator[ExpectedCheckpoint]:
        """All checkpoints, by size. `check_rows` has been called."""
        return heapq.merge(*map(self._of, self._last), self._kept, sorted(self._elsewhere, key=_size), key=_size)

    def is_binding(self, due: ExpectedCheckpoint) -> bool:
        """Whether a checkpoint that does not match is an alteration: each kept one is, and each of the present origin. One of an
        earlier origin was given up with it. Raises NoteError where it was never signed: then the list is wrong."""
        self._confirm(due)
        origin = due.checkpoint.origin
        if due.is_kept or origin == self.origin:
            return True
        self.given_up[origin] = min(_size(due), self.given_up.get(origin, _size(due)))
        return False

    def _confirm(self, due: ExpectedCheckpoint) -> None:
        if due.is_kept:  # verified when it was read
            return
        try:
            self._keys.read(due.note)
        except NoteError as error:
            raise NoteError(f"{self._list_file.name}, the checkpoint of {_size(due)} entries: {error}") from error

    def check_rows(self, connection: psycopg.Connection[Any]) -> None:
        """Checks that the database has exactly the checkpoints that were signed: those of the list, and others that have the
        signature of these keys. Raises AlterationFound; NoteError as `is_binding`."""
        try:
            self._check_rows(connection)
        except AlterationFound:
            for due in self._listed():
                self._confirm(due)
            raise

    def _check_rows(self, connection: psycopg.Connection[Any]) -> None:
        for origin, state, detail in connection.execute("SELECT origin, state, detail FROM audit_signing"):
            known = {self.origin, *self._last}  # the origin before, until a worker has signed
            if origin not in known or (state, detail) != ("signing", None):
                sentence = f"audit_signing: {state} under {origin}, but {self.origin} should be signing. {detail or ''}"
                raise AlterationFound(Finding("audit_signing", "one 1", "state", state, "signing", sentence.rstrip()))
        for origin, size, note in connection.execute(_FOREIGN, (list(self._last),)):
            self._take_unlisted(origin, size, note)
        for origin in self._last:
            self._check_rows_of(connection, origin)

    def _check_rows_of(self, connection: psycopg.Connection[Any], origin: str) -> None:
        listed = self._of(origin)
        expected = next(listed, None)
        with connection.cursor("checkpoints") as cursor:
            cursor.itersize = _PAGE
            for size, note in cursor.execute(_SHOWN, (origin,)):
                while expected is not None and _size(expected) < size:
                    self._report_missing(expected)
                    expected = next(listed, None)
                if expected is None or size != _size(expected):
                    self._take_unlisted(origin, size, note)
                    continue
                if note != expected.note:
                    raise AlterationFound(_finding(origin, size, "note", note, expected.note, "has a note that was never signed"))
                expected = next(listed, None)
        while expected is not None:
            self._report_missing(expected)
            expected = next(listed, None)

    def _take_unlisted(self, origin: str, size: int, note: str) -> None:
        """A checkpoint that another machine has signed: its signature, and later its root, must be right."""
        try:
            checkpoint = self._keys.read(note)
        except NoteError:
            checkpoint = None
        if checkpoint is None or (checkpoint.origin, checkpoint.size) != (origin, size):
            raise AlterationFound(_finding(origin, size, None, note, None, "should not be there: it was never signed"))
        self._elsewhere.append(ExpectedCheckpoint(checkpoint, note, is_kept=False))

    def _report_missing(self, expected: ExpectedCheckpoint) -> None:
        """A missing checkpoint is an alteration, unless it was given up for a restored backup."""
        if self.is_binding(expected):
            raise AlterationFound(_finding(expected.checkpoint.origin, _size(expected), None, None, expected.note, "is missing"))

    def _listed(self) -> Iterator[ExpectedCheckpoint]:
        for number, note in enumerate(read_list(self._list_file, self._until), start=1):
            try:
                yield ExpectedCheckpoint(Checkpoint.parse(Note.parse(note).text), note, is_kept=False)
            except NoteError as error:
                raise NoteError(f"Line {number} of {self._list_file.name}: {error}") from error

    def _of(self, origin: str) -> Iterator[ExpectedCheckpoint]:
        return (due for due in self._listed() if due.checkpoint.origin == origin)


_SHOWN = "SELECT size, note FROM audit_checkpoints WHERE origin = %s ORDER BY size"
_FOREIGN = "SELECT origin, size, note FROM audit_checkpoints WHERE origin = ANY(%s) IS NOT TRUE ORDER BY origin, size"


def _size(due: ExpectedCheckpoint) -> int:
    return due.checkpoint.size


def may_lack_mac(keys: LogKeys, directory: Path) -> int:
    """The number of entries, from the first, that may lack a MAC by the files beside the keys: those that an operator accepted, or
    those that the first checkpoint covers. Raises KeysError, NoteError, OSError."""
    return max(read_accepted(directory), first_size(keys, read_origin(directory), directory / LIST_FILE))


def first_size(keys: LogKeys, origin: str, list_file: Path) -> int:
    """The size of the first checkpoint; 0 where there is none, or where it was given up with its origin and covers nothing any
    more, or where it was copied from the database, which might lack earlier ones."""
    first = first_own(list_file) if list_file.exists() else None
    checkpoint = keys.read(first) if first else None
    return checkpoint.size if checkpoint and checkpoint.origin == origin else 0


def read_accepted(directory: Path) -> int:
    """Raises NoteError, OSError."""
    try:
        return macs.read_accepted(directory)
    except ValueError as error:
        raise NoteError(str(error)) from error


def accept(directory: Path, size: int) -> None:
    """From now on the first `size` entries may lack a MAC."""
    (directory / macs.ACCEPTED_FILE).write_text(f"{size}\n")


def _finding(origin: str, size: int, column: str | None, stored: Any, expected: Any, fault: str) -> Finding:
    row = f"origin {origin}, size {size}"
    return Finding(TABLE, row, column, stored, expected, f"{TABLE}: the row {row} {fault}.")


def _read_kept(keys: LogKeys, path: Path) -> Iterator[ExpectedCheckpoint]:
    """The checkpoints in a file with one note, or with a list like ours."""
    with path.open("rb") as file:
        start = file.read(_NOTE_BYTES)
    try:
        for note in read_list(path) if start.startswith(b'"') else [start.decode()]:
            yield ExpectedCheckpoint(keys.read(note), note, is_kept=True)
    except (NoteError, UnicodeDecodeError) as error:
        raise NoteError(f"{path.name}: {error}") from error
