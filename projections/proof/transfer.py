"""The whole ledger as a file, and back: into an empty ledger, at the same positions, with the same root hash.

A line an entry (its bytes as text, since they are JSON; in base 64 where they are none), and a last one that says how many they
were and their root: a file that was cut off or edited is not taken.
"""

import base64
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent

from ledger.macs import Macs
from ledger.recorder import MAX_APPEND, MAX_APPEND_BYTES, ImportedPosition
from ledger.store import Ledger
from projections.audit import leaf_of
from projections.merkle import CompactRange
from projections.proof.verify_entries import Row, entries

#: Of a line: an entry has a body of 64 KiB at most, and a few escapes.
MAX_LINE = 1024 * 1024
#: Entries between two notes of how far it is.
STEP = 2_000
ProgressCallback = Callable[[int, int], None]


class TransferError(Exception):
    """A file or a ledger that can't be taken: one sentence, saying what is wrong and where."""


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


def export(connection: psycopg.Connection, file: BinaryIO, told: ProgressCallback) -> str:
    """All entries of one moment. Returns the root hash."""
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
        if tree.size % STEP == 0:
            told(tree.size, total)
    file.write(msgspec.json.encode(_End(tree.size, tree.root().hex())) + b"\n")
    told(tree.size, total)
    return tree.root().hex()


def import_(ledger: Ledger, file: BinaryIO, macs: Macs, told: ProgressCallback) -> str:
    """All of it or nothing, by the library's recorder. Returns the root hash. Raises TransferError, LedgerUnavailable, the
    library's PersistenceError."""
    with ledger.import_transaction() as (recorder, connection):
        if connection.execute("SELECT 1 FROM ledger_entries LIMIT 1").fetchone():
            raise TransferError("The ledger is not empty: a file is taken into an empty one only.")
        tree, last = CompactRange(), 0
        for run in _runs(_rows(file, tree, macs)):
            recorder.insert_events(
                [StoredEvent(*row[:4]) for row in run], imported=[ImportedPosition(row[4], row[5]) for row in run]
            )
            last = run[-1][4]
            told(tree.size, 0)
        statement = "SELECT setval(pg_get_serial_sequence('ledger_entries', 'notification_id'), %s, %s)"
        connection.execute(statement, (last or 1, last > 0))
        told(tree.size, tree.size)
        return tree.root().hex()


def _runs(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """As much as may be appended at once."""
    run, size = list[Row](), 0
    for row in rows:
        if run and (len(run) == MAX_APPEND or size + len(row[3]) > MAX_APPEND_BYTES):
            yield run
            run, size = [], 0
        run.append(row)
        size += len(row[3])
    if run:
        yield run


def _rows(file: BinaryIO, tree: CompactRange, macs: Macs) -> Iterator[Row]:
    """Each entry of the file, whose last line has to say that it is the end. Raises TransferError."""
    position = number = 0
    while text := file.readline(MAX_LINE + 1):
        number += 1
        if not text.endswith(b"\n"):
            raise TransferError(f"Line {number} is cut off or longer than {MAX_LINE} bytes.")
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
        raise TransferError(f"Line {number} is no entry: {error}.") from None
    if mac is not None and not macs.verify(mac, line.stream, line.version, line.topic, state):
        raise TransferError(f"Line {number} carries a MAC that no key in KEYS_DIR made of it: altered, or from another Seatledger.")
    return line.stream, line.version, line.topic, state, line.position, mac


def _check_end(text: bytes, number: int, tree: CompactRange, file: BinaryIO) -> None:
    try:
        end = msgspec.json.decode(text, type=_End)
    except msgspec.MsgspecError as error:
        raise TransferError(f"Line {number} is no end: {error}.") from None
    if file.readline(1):
        raise TransferError(f"There is more after line {number}, which should be the last.")
    root = tree.root().hex()
    if (end.entries, end.root) != (tree.size, root):
        said, found = (
            f"{count} entries with the root {hash_[:16]}…" for count, hash_ in ((end.entries, end.root), (tree.size, root))
        )
        raise TransferError(f"The file says {said}, and holds {found}: an entry was altered, added or taken out.")
