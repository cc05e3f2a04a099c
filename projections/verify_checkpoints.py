"""Every checkpoint ever signed: as the list beside the keys has them, as others have kept them, and as the database shows them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import psycopg

from projections.log_keys import LogKeys
from projections.signed_list import read_list
from projections.signed_notes import Checkpoint, NoteError
from projections.verify_entries import Altered, Finding

TABLE = "audit_checkpoints"
#: Beside the keys: how many entries, from the first, somebody has accepted without a MAC.
ACCEPTED_FILE = "accepted-without-mac"
#: No checkpoint of ours is longer.
_NOTE_BYTES = 4096


class Signed(NamedTuple):
    """`listed`: the notes beside the keys, in the order in which they were signed. `given`: what others have kept. `accepted`: so
    many entries, from the first, may be without a MAC."""

    origin: str
    listed: dict[str, Checkpoint]
    given: list[Checkpoint]
    accepted: int

    @classmethod
    def read(cls, keys: LogKeys, origin: str, list_file: Path, until: int, given: Sequence[Path]) -> Self:
        """The list as far as it was known: so many bytes. Raises NoteError naming the file, OSError."""
        listed = {note: keys.read(note) for note in read_list(list_file, until)}
        kept = [checkpoint for path in given for checkpoint in _given(keys, path)]
        return cls(origin, listed, kept, read_accepted(list_file.parent))

    @property
    def first_size(self) -> int:
        """Of the first checkpoint; 0 where there is none."""
        return next(iter(self.listed.values())).size if self.listed else 0

    def by_size(self) -> dict[int, list[Checkpoint]]:
        found: dict[int, list[Checkpoint]] = {}
        for checkpoint in (*self.listed.values(), *self.given):
            found.setdefault(checkpoint.size, []).append(checkpoint)
        return found

    def check_rows(self, connection: psycopg.Connection[Any]) -> None:
        """Those that the database shows are those that were signed. Raises Altered."""
        expected = {(one.origin, one.size): note for note, one in self.listed.items()}
        for origin, state, detail in connection.execute("SELECT origin, state, detail FROM audit_signing"):
            known = {self.origin, *(one.origin for one in self.listed.values())}  # the one before, until a worker has signed
            if origin not in known or (state, detail) != ("signing", None):
                sentence = f"audit_signing: {state} under {origin}, where {self.origin} should be signing. {detail or ''}"
                raise Altered(Finding("audit_signing", "one 1", "state", state, "signing", sentence.rstrip()))
        for origin, size, note in connection.execute("SELECT origin, size, note FROM audit_checkpoints ORDER BY origin, size"):
            signed = expected.pop((origin, size), None)
            if note != signed:
                fault = "should not be there: it was never signed" if signed is None else "has a note that was never signed"
                raise Altered(_finding(origin, size, None if signed is None else "note", note, signed, fault))
        for (origin, size), note in expected.items():
            raise Altered(_finding(origin, size, None, None, note, "is missing"))


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


def _given(keys: LogKeys, path: Path) -> Iterator[Checkpoint]:
    """One note, or a list as we keep them."""
    with path.open("rb") as file:
        start = file.read(_NOTE_BYTES)
    try:
        yield from (keys.read(note) for note in (read_list(path) if start.startswith(b'"') else [start.decode()]))
    except (NoteError, UnicodeDecodeError) as error:
        raise NoteError(f"{path.name}: {error}") from error
