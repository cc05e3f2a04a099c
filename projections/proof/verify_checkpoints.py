"""Every checkpoint ever signed: as the list beside the keys has them, as others have kept them, and as the database shows them."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from projections.proof.log_keys import LogKeys, read_origin
from projections.proof.signed_list import LIST_FILE, read_list
from projections.proof.signed_notes import Checkpoint, Note, NoteError
from projections.proof.verify_entries import AlterationFound, ExpectedCheckpoint, Finding

TABLE = "audit_checkpoints"
#: Beside the keys: how many entries, from the first, somebody has accepted without a MAC.
ACCEPTED_FILE = "accepted-without-mac"
#: No checkpoint of ours is longer.
_NOTE_BYTES = 4096
#: Rows fetched at once.
_PAGE = 2_000


class SignedCheckpoints:
    """What is to be compared with. The list is read as it is needed: it grows by a line a second while something is sold.

    Who can write to the list has the keys as well, so a signature in it is looked at where its checkpoint does not fit."""

    def __init__(self, keys: LogKeys, origin: str, list_file: Path, until: int, given: Sequence[Path]) -> None:
        """The list as far as it was known: so many bytes. Raises NoteError naming the file, OSError."""
        self._keys, self.origin = keys, origin
        self._list_file, self._until = list_file, until
        self._given = sorted((due for path in given for due in _given(keys, path)), key=_size)
        self.accepted, self.first_size = read_accepted(list_file.parent), first_size(keys, origin, list_file)
        self.count = len(self._given)
        #: By origin, the size of the first that nobody holds us to any more.
        self.given_up: dict[str, int] = {}
        self._last: dict[str, ExpectedCheckpoint] = {}
        for number, due in enumerate(self._listed(), start=1):
            last = self._last.get(due.checkpoint.origin)
            if last is not None and _size(due) <= _size(last):
                raise NoteError(f"Line {number} of {list_file.name} is of no more leaves than one before it.")
            self._last[due.checkpoint.origin] = due
            self.count += 1
        for due in self._last.values():  # each holds all before it
            self._confirm(due)

    def due(self) -> Iterator[ExpectedCheckpoint]:
        """All of them, the smallest first."""
        return heapq.merge(*map(self._of, self._last), self._given, key=_size)

    def stands(self, due: ExpectedCheckpoint) -> bool:
        """Of one that does not fit: of given ones each must; one signed here, under an origin before the present, was given up with
        it. Raises NoteError where it was never signed: then the list is wrong, and not what is compared with it."""
        self._confirm(due)
        origin = due.checkpoint.origin
        if due.is_given or origin == self.origin:
            return True
        self.given_up[origin] = min(_size(due), self.given_up.get(origin, _size(due)))
        return False

    def _confirm(self, due: ExpectedCheckpoint) -> None:
        if due.is_given:  # as it was read
            return
        try:
            self._keys.read(due.note)
        except NoteError as error:
            raise NoteError(f"{self._list_file.name}, the checkpoint of {_size(due)} entries: {error}") from error

    def check_rows(self, connection: psycopg.Connection[Any]) -> None:
        """Those that the database shows are those that were signed. Raises AlterationFound, and NoteError as `stands` does."""
        try:
            self._check_rows(connection)
        except AlterationFound:
            for due in self._listed():
                self._confirm(due)
            raise

    def _check_rows(self, connection: psycopg.Connection[Any]) -> None:
        for origin, state, detail in connection.execute("SELECT origin, state, detail FROM audit_signing"):
            known = {self.origin, *self._last}  # the one before, until a worker has signed
            if origin not in known or (state, detail) != ("signing", None):
                sentence = f"audit_signing: {state} under {origin}, where {self.origin} should be signing. {detail or ''}"
                raise AlterationFound(Finding("audit_signing", "one 1", "state", state, "signing", sentence.rstrip()))
        for origin, size, note in connection.execute(_FOREIGN, (list(self._last),)):
            raise AlterationFound(_finding(origin, size, None, note, None, "should not be there: it was never signed"))
        for origin in self._last:
            self._check_rows_of(connection, origin)

    def _check_rows_of(self, connection: psycopg.Connection[Any], origin: str) -> None:
        listed = self._of(origin)
        with connection.cursor("checkpoints") as cursor:
            cursor.itersize = _PAGE
            for size, note in cursor.execute(_SHOWN, (origin,)):
                expected = next(listed, None)
                while expected is not None and size is not None and _size(expected) < size:
                    self._miss(expected)
                    expected = next(listed, None)
                if expected is None or size != _size(expected):
                    raise AlterationFound(_finding(origin, size, None, note, None, "should not be there: it was never signed"))
                if note != expected.note:
                    raise AlterationFound(_finding(origin, size, "note", note, expected.note, "has a note that was never signed"))
        for expected in listed:
            self._miss(expected)

    def _miss(self, expected: ExpectedCheckpoint) -> None:
        """A restored backup lacks those that were given up for it."""
        if self.stands(expected):
            raise AlterationFound(_finding(expected.checkpoint.origin, _size(expected), None, None, expected.note, "is missing"))

    def _listed(self) -> Iterator[ExpectedCheckpoint]:
        for number, note in enumerate(read_list(self._list_file, self._until), start=1):
            try:
                yield ExpectedCheckpoint(Checkpoint.parse(Note.parse(note).text), note, is_given=False)
            except NoteError as error:
                raise NoteError(f"Line {number} of {self._list_file.name}: {error}") from error

    def _of(self, origin: str) -> Iterator[ExpectedCheckpoint]:
        return (due for due in self._listed() if due.checkpoint.origin == origin)


_SHOWN = "SELECT size, note FROM audit_checkpoints WHERE origin = %s ORDER BY size"
_FOREIGN = "SELECT origin, size, note FROM audit_checkpoints WHERE origin = ANY(%s) IS NOT TRUE ORDER BY origin, size LIMIT 1"


def _size(due: ExpectedCheckpoint) -> int:
    return due.checkpoint.size


def may_lack_mac(keys: LogKeys, directory: Path) -> int:
    """How many entries, from the first, may be without a MAC, as far as the files beside the keys say: those that somebody has
    accepted, or that are older than the first checkpoint. Raises KeysError, NoteError, OSError."""
    return max(read_accepted(directory), first_size(keys, read_origin(directory), directory / LIST_FILE))


def first_size(keys: LogKeys, origin: str, list_file: Path) -> int:
    """Of the first checkpoint ever; 0 where there is none, or it was given up with its origin: nothing holds then what it held."""
    first = next(read_list(list_file), None) if list_file.exists() else None
    checkpoint = keys.read(first) if first else None
    return checkpoint.size if checkpoint and checkpoint.origin == origin else 0


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


def _given(keys: LogKeys, path: Path) -> Iterator[ExpectedCheckpoint]:
    """One note, or a list as we keep them."""
    with path.open("rb") as file:
        start = file.read(_NOTE_BYTES)
    try:
        for note in read_list(path) if start.startswith(b'"') else [start.decode()]:
            yield ExpectedCheckpoint(keys.read(note), note, is_given=True)
    except (NoteError, UnicodeDecodeError) as error:
        raise NoteError(f"{path.name}: {error}") from error
