"""Export of the whole ledger into a file, and import into an empty ledger, at the same positions, with the same root hash.

Each line is an entry: its bytes as text, since they are JSON, else as base64. The last line has the number of entries and their
root, so that a file that was cut off or edited is not imported.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent

from ledger.macs import Macs
from ledger.outbox import PASS_ALL, QUIET
from ledger.recorder import MAX_APPEND, MAX_APPEND_BYTES, ImportedPosition
from ledger.store import Ledger
from projections.audit import leaf_of
from projections.merkle import CompactRange
from projections.proof.verify_entries import Row, entries

#: The longest line: an entry's body has at most 64 KiB, and some escapes.
MAX_LINE_BYTES = 1024 * 1024
#: Entries between two reports of progress.
PROGRESS_STEP = 2_000
ProgressCallback = Callable[[int, int], None]


class TransferError(Exception):
    """The file or the ledger does not allow an import: one sentence that says what is wrong and where."""


_Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class _Line(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    position: _Number
    stream: UUID
    version: _Number
    topic: str
    entry: str = ""
    bytes: str = ""
    mac: str | None = None


class _End(msgspec.Struct, forbid_unknown_fields=True):
    entries: int
    root: str


def export(connection: psycopg.Connection, file: BinaryIO, on_progress: ProgressCallback) -> str:
    """Writes all entries as of one moment. Returns the root hash."""
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    [total] = connection.execute("SELECT count(*) FROM ledger_entries").fetchone() or (0,)
    tree = CompactRange()
    for row in entries(connection, 0):
        stream, version, topic, state, position, mac = row
        line = _Line(position, stream, version, topic, mac=mac.hex() if mac is not None else None)
        try:
            line.entry = state.decode()
        except UnicodeDecodeError:
            line.bytes = base64.b64encode(state).decode()
        file.write(msgspec.json.encode(line) + b"\n")
        tree.append(leaf_of(stream, version, position, topic, state))
        if tree.size % PROGRESS_STEP == 0:
            on_progress(tree.size, total)
    file.write(msgspec.json.encode(_End(tree.size, tree.root().hex())) + b"\n")
    on_progress(tree.size, total)
    return tree.root().hex()


def import_(ledger: Ledger, file: BinaryIO, macs: Macs, on_progress: ProgressCallback) -> str:
    """Imports all entries or none, by the library's recorder; nobody is told about them. Returns the root hash. Raises
    TransferError, LedgerUnavailable, the library's PersistenceError."""
    with ledger.import_transaction() as (recorder, connection):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (QUIET,))
        if connection.execute("SELECT 1 FROM ledger_entries LIMIT 1").fetchone():
            raise TransferError("The ledger is not empty: a file can be imported into an empty one only.")
        tree, last = CompactRange(), 0
        for batch in _batches(_rows(file, tree, macs)):
            recorder.insert_events(
                [StoredEvent(*row[:4]) for row in batch], imported=[ImportedPosition(row[4], row[5]) for row in batch]
            )
            last = batch[-1][4]
            on_progress(tree.size, 0)
        statement = "SELECT setval(pg_get_serial_sequence('ledger_entries', 'notification_id'), %s, %s)"
        connection.execute(statement, (last or 1, last > 0))
        connection.execute(PASS_ALL)
        on_progress(tree.size, tree.size)
        return tree.root().hex()


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Batches of the size that may be appended in one statement."""
    batch, size = list[Row](), 0
    for row in rows:
        if batch and (len(batch) == MAX_APPEND or size + len(row[3]) > MAX_APPEND_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row[3])
    if batch:
        yield batch


def _rows(file: BinaryIO, tree: CompactRange, macs: Macs) -> Iterator[Row]:
    """Each entry of the file. The last line has to be a valid end. Raises TransferError."""
    position = number = 0
    while text := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if not text.endswith(b"\n"):
            raise TransferError(f"Line {number} is cut off or longer than {MAX_LINE_BYTES} bytes.")
        if text.startswith(b'{"entries"'):
            return _check_end(text, number, tree, file)
        row = _row(text, number, macs)
        if row[4] <= position:
            raise TransferError(f"Line {number} has position {row[4]}, after {position}.")
        position = row[4]
        tree.append(leaf_of(row[0], row[1], row[4], row[2], row[3]))
        yield row
    raise TransferError(f"The file ends after line {number} without saying how many entries it has: it is cut off.")


def _row(text: bytes, number: int, macs: Macs) -> Row:
    try:
        line = msgspec.json.decode(text, type=_Line)
        state = base64.b64decode(line.bytes, validate=True) if line.bytes else line.entry.encode()
        mac = bytes.fromhex(line.mac) if line.mac is not None else None
    except (ValueError, msgspec.MsgspecError) as error:
        raise TransferError(f"Line {number} is not an entry: {error}.") from None
    if mac is not None and not macs.verify(mac, line.stream, line.version, line.topic, state):
        raise TransferError(
            f"Line {number} carries a MAC that no key in KEYS_DIR made for it: it was altered, or is from another Seatledger."
        )
    return line.stream, line.version, line.topic, state, line.position, mac


def _check_end(text: bytes, number: int, tree: CompactRange, file: BinaryIO) -> None:
    try:
        end = msgspec.json.decode(text, type=_End)
    except msgspec.MsgspecError as error:
        raise TransferError(f"Line {number} is not a valid end: {error}.") from None
    if file.readline(1):
        raise TransferError(f"There is more after line {number}, which should be the last.")
    root = tree.root().hex()
    if (end.entries, end.root) != (tree.size, root):
        stated, held = (
            f"{count} entries with the root {hash_[:16]}…" for count, hash_ in ((end.entries, end.root), (tree.size, root))
        )
        raise TransferError(f"The file states {stated}, and holds {held}: an entry was altered, added or removed.")
