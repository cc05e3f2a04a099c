"""The file of all checkpoints ever signed, beside the keys, so that a lost or forged database does not change it.

Each line is a checkpoint: its note as a JSON string; in an array, if another machine has signed it and it was copied from the
database. Only the holder of the file's lock signs; each machine may have a file of its own. A line that a crash cut off was
never published and is removed.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from projections.proof.signed_notes import NoteError

LIST_FILE = "checkpoint-list"
#: The longest line: a checkpoint of ours has some 300 bytes.
MAX_LINE_BYTES = 4096


class SignedList:
    """The open file, locked. Raises OSError as files do."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @property
    def is_empty(self) -> bool:
        return os.fstat(self._file.fileno()).st_size == 0

    def last(self) -> str | None:
        """The note that was signed last. Truncates the file after its last whole line. Raises NoteError where that is no note."""
        end = self._file.seek(0, os.SEEK_END)
        start = max(0, end - 2 * MAX_LINE_BYTES)
        self._file.seek(start)
        tail = self._file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        if len(whole) < len(tail):
            if start and not whole:
                raise NoteError("The list of signed checkpoints ends in something that is not a checkpoint.")
            self._file.truncate(start + len(whole))
        line = whole[:-1].rpartition(b"\n")[2]
        return _note(line, "The last line") if line else None

    def append(self, note: str) -> None:
        """Appends a note that was signed here; it is on the disk when this returns."""
        self._write([note])

    def copy(self, notes: Sequence[str]) -> None:
        """Appends notes that were signed elsewhere."""
        if notes:
            self._write([[note] for note in notes])

    def _write(self, lines: Sequence[str | list[str]]) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def locked_list(path: Path, *, wait: bool = False) -> Iterator[SignedList | None]:
    """The locked list, made where there is none. None where another process holds the lock, unless it is to `wait`."""
    is_new = not path.exists()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
            return
        if is_new:
            sync_directory(path.parent)
        yield SignedList(file)


def sync_directory(directory: Path) -> None:
    """Makes sure that a new file's name survives a crash."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_list(path: Path, until: int | None = None) -> Iterator[str]:
    """All notes, in order; only those in the first `until` bytes. Raises NoteError, which names the line; OSError."""
    with path.open("rb") as file:
        number = 0
        while (until is None or file.tell() < until) and (line := file.readline(MAX_LINE_BYTES + 1)):
            number += 1
            if not line.endswith(b"\n"):
                raise NoteError(f"Line {number} of {path.name} is cut off or too long.")
            yield _note(line[:-1], f"Line {number} of {path.name}")


def first_own(path: Path) -> str | None:
    """The first note, if it was signed here. Raises NoteError, OSError."""
    with path.open("rb") as file:
        is_copied = file.read(1) == b"["
    return None if is_copied else next(read_list(path), None)


def _note(line: bytes, where: str) -> str:
    try:
        note = json.loads(line)
    except (ValueError, RecursionError):
        note = None
    if isinstance(note, list) and len(note) == 1:
        [note] = note
    if not isinstance(note, str):
        raise NoteError(f"{where} is not a checkpoint.")
    return note
