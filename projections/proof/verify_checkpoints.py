"""Every checkpoint ever signed: as the list beside the keys has them, as others have kept them, and as the database shows them."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from projections.proof.log_keys import LogKeys
from projections.proof.signed_list import read_list
from projections.proof.signed_notes import Checkpoint, Note, NoteError
from projections.proof.verify_entries import Altered, Due, Finding

TABLE = "audit_checkpoints"
#: Beside the keys: how many entries, from the first, somebody has accepted without a MAC.
ACCEPTED_FILE = "accepted-without-mac"
#: No checkpoint of ours is longer.
_NOTE_BYTES = 4096
#: Rows fetched at once.
_PAGE = 2_000


class Signed:
    """What is to be compared with. The list is read as it is needed: it grows by a line a second while something is sold.

    Who can write to the list has the keys as well, so a signature in it is looked at where its checkpoint does not fit."""

    def __init__(self, keys: LogKeys, origin: str, list_file: Path, until: int, given: Sequence[Path]) -> None:
        """The list as far as it was known: so many bytes. Raises NoteError naming the file, OSError."""
        self._keys, self.origin = keys, origin
        self._list_file, self._until = list_file, until
        self._given = sorted((due for path in given for due in _given(keys, path)), key=_size)
        #: So many entries, from the first, may be without a MAC: by the word of somebody, or older than the first checkpoint.
        self.accepted, self.first_size = read_accepted(list_file.parent), 0
        self.count = len(self._given)
        self._largest: dict[str, int] = {}
        for number, due in enumerate(self._listed(), start=1):
            checkpoint = due.checkpoint
            if checkpoint.size <= self._largest.get(checkpoint.origin, 0):
                raise NoteError(f"Line {number} of {list_file.name} is of no more leaves than one before it.")
            self._largest[checkpoint.origin] = checkpoint.size
            self.first_size = self.first_size or checkpoint.size
            self.count += 1

    def due(self) -> Iterator[Due]:
        """All of them, the smallest first."""
        return heapq.merge(*map(self._of, self._largest), self._given, key=_size)

    def confirm(self, due: Due) -> None:
        """Raises NoteError where it was never signed: then the list is wrong, and not what is compared with it."""
        try:
            self._keys.read(due.note)
        except NoteError as error:
            raise NoteError(f"{self._list_file.name}, the checkpoint of {_size(due)} entries: {error}") from error

    def check_rows(self, connection: psycopg.Connection[Any]) -> None:
        """Those that the database shows are those that were signed. Raises Altered, and NoteError as `confirm` does."""
        for origin, state, detail in connection.execute("SELECT origin, state, detail FROM audit_signing"):
            known = {self.origin, *self._largest}  # the one before, until a worker has signed
            if origin not in known or (state, detail) != ("signing", None):
                sentence = f"audit_signing: {state} under {origin}, where {self.origin} should be signing. {detail or ''}"
                raise Altered(Finding("audit_signing", "one 1", "state", state, "signing", sentence.rstrip()))
        for origin, size, note in connection.execute(_FOREIGN, (list(self._largest),)):
            raise Altered(_finding(origin, size, None, note, None, _NEVER_SIGNED))
        for origin in self._largest:
            self._check_rows_of(connection, origin)

    def _check_rows_of(self, connection: psycopg.Connection[Any], origin: str) -> None:
        listed = self._of(origin)
        expected = next(listed, None)
        with connection.cursor("checkpoints") as cursor:
            cursor.itersize = _PAGE
            for size, note in cursor.execute(_SHOWN, (origin,)):
                if expected is None or size is None or size < _size(expected):
                    raise Altered(_finding(origin, size, None, note, None, _NEVER_SIGNED))
                if size > _size(expected):
                    break
                if note != expected.note:
                    self.confirm(expected)
                    raise Altered(_finding(origin, size, "note", note, expected.note, "has a note that was never signed"))
                expected = next(listed, None)
        if expected is not None:
            self.confirm(expected)
            raise Altered(_finding(origin, _size(expected), None, None, expected.note, "is missing"))

    def _listed(self) -> Iterator[Due]:
        for number, note in enumerate(read_list(self._list_file, self._until), start=1):
            try:
                yield Due(Checkpoint.parse(Note.parse(note).text), note, is_given=False)
            except NoteError as error:
                raise NoteError(f"Line {number} of {self._list_file.name}: {error}") from error

    def _of(self, origin: str) -> Iterator[Due]:
        return (due for due in self._listed() if due.checkpoint.origin == origin)


_SHOWN = "SELECT size, note FROM audit_checkpoints WHERE origin = %s ORDER BY size"
_FOREIGN = "SELECT origin, size, note FROM audit_checkpoints WHERE origin = ANY(%s) IS NOT TRUE ORDER BY origin, size LIMIT 1"
_NEVER_SIGNED = "should not be there: it was never signed"


def _size(due: Due) -> int:
    return due.checkpoint.size


def read_accepted(directory: Path) -> int:
    """Raises NoteError, OSError."""
    path = directory / ACCEPTED_FILE
    if not path.exists():
        return 0
    said = path.read_text().strip()
    if not (said.isascii() and said.isdigit()):
        raise NoteError(f"{ACCEPTED_FILE} holds no number.")
    return int(said)


def accept(directory: Path, size: int) -> None:
    """From now on the first `size` entries are accepted as they are, without a MAC."""
    (directory / ACCEPTED_FILE).write_text(f"{size}\n")


def _finding(origin: str, size: int, column: str | None, found: Any, expected: Any, fault: str) -> Finding:
    row = f"origin {origin}, size {size}"
    return Finding(TABLE, row, column, found, expected, f"{TABLE}: the row {row} {fault}.")


def _given(keys: LogKeys, path: Path) -> Iterator[Due]:
    """One note, or a list as we keep them."""
    with path.open("rb") as file:
        start = file.read(_NOTE_BYTES)
    try:
        for note in read_list(path) if start.startswith(b'"') else [start.decode()]:
            yield Due(keys.read(note), note, is_given=True)
    except (NoteError, UnicodeDecodeError) as error:
        raise NoteError(f"{path.name}: {error}") from error
