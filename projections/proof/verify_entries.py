"""Verifies all entries: the bytes of each against its MAC, versions without gaps, increasing positions, and the root of all entries
against every checkpoint that was ever signed.

Nothing that is stored beside the entries is trusted. The stored tree serves only to name the entry where something does not match.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec
import psycopg

from ledger.macs import Macs
from ledger.mapper import UnknownTopic, decode
from projections.audit import leaf_of, positions_of
from projections.merkle import SIZE, CompactRange
from projections.proof.signed_notes import Checkpoint

#: Rows fetched at a time.
PAGE = 2_000
TABLE = "ledger_entries"

_ENTRIES = """
    SELECT originator_id, originator_version, topic, state, notification_id, mac FROM ledger_entries
    WHERE notification_id > %s ORDER BY notification_id"""
_STORED = """
    SELECT hashes, positions FROM audit_tiles JOIN audit_leaves USING (tile) WHERE level = 0 AND tile >= %s ORDER BY tile"""

_COLUMNS = ("originator_id", "originator_version", "topic", "state", "notification_id")
Row = tuple[UUID, int, str, bytes, int, bytes | None]


class Finding(NamedTuple):
    """The first alteration: where it is, the value found, the one expected, and all of it as a sentence."""

    table: str
    row: str
    column: str | None
    found: Any
    expected: Any
    sentence: str


class AlterationFound(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


class _SuspectLeaf(NamedTuple):
    """The first leaf that differs from the stored tree. `stored`: the position that the tree has for it."""

    leaf: int
    position: int
    stored: int


class _SavedState(msgspec.Struct):
    position: int
    tree: tuple[int, list[bytes]]
    versions: dict[bytes, int]
    suspect: _SuspectLeaf | None
    passed: bytes
    is_sealed: bool


class ExpectedCheckpoint(NamedTuple):
    """A checkpoint that the entries must match once there are as many. `is_kept`: somebody has kept it elsewhere."""

    checkpoint: Checkpoint
    note: str
    is_kept: bool


class CheckpointSource(Protocol):
    """The checkpoints to compare with. `accepted`: the number of entries, from the first, that may lack a MAC; `first_size`: the
    size of the first checkpoint that was signed."""

    @property
    def accepted(self) -> int: ...

    @property
    def first_size(self) -> int: ...

    def due(self) -> Iterator[ExpectedCheckpoint]: ...

    def is_binding(self, due: ExpectedCheckpoint) -> bool: ...


class EntryCheck:
    """Checks entries: `take` each in order, then `finish`. Its memory grows with the number of streams, not with that of entries or
    checkpoints."""

    def __init__(self, macs: Macs, signed: CheckpointSource) -> None:
        self._macs, self._signed = macs, signed
        self._passed = _CheckpointCursor(signed)
        self._is_sealed = False
        self.tree = CompactRange()
        self.position = 0
        self._versions: dict[bytes, int] = {}
        self._suspect: _SuspectLeaf | None = None

    def take(self, row: Row, stored: tuple[bytes, int] | None) -> None:
        """Raises AlterationFound; NoteError where the list of checkpoints itself is wrong."""
        stream, version, topic, state, position, mac = row
        if None in row[:-1]:
            name = _COLUMNS[row.index(None)]
            self._report(position, name, None, "a value", f"has no {name}")
        if position <= self.position:
            self._report(position, "notification_id", position, f"above {self.position}", "is not above the position before it")
        leaf = leaf_of(stream, version, position, topic, state)
        if stored is not None and self._suspect is None and stored != (leaf, position):
            self._suspect = _SuspectLeaf(self.tree.size, position, stored[1])
        own = stream.bytes
        expected = self._versions.get(own, 0) + 1
        if version != expected:
            fault = f"is version {version} of its stream, after {expected - 1}"
            self._report(position, "originator_version", version, expected, fault)
        if mac is None and not self._may_lack_mac():
            self._report(position, "mac", None, "a MAC", "carries no MAC: it was not written with the keys")
        if mac is not None and not self._macs.verify(mac, stream, version, topic, state):
            self._report(position, "state", None, None, "does not match its MAC: its bytes are not those that were written")
        self._check_readable(row)
        self._versions[own], self.position = version, position
        self._is_sealed |= mac is not None
        self.tree.append(leaf)
        if due := self._passed.advance_to(self.tree.size):
            self._check_root(due)

    def _may_lack_mac(self) -> bool:
        """Whether the next entry is accepted, or older than MACs and covered by the first checkpoint, so that it can't have changed
        since."""
        size = self.tree.size
        return size < self._signed.accepted or (size < self._signed.first_size and not self._is_sealed)

    def save(self) -> bytes:
        saved = _SavedState(self.position, self.tree.saved(), self._versions, self._suspect, self._passed.digest, self._is_sealed)
        return msgspec.msgpack.encode(saved)

    def restore(self, saved: bytes) -> None:
        """Continues from a saved state, unless that one was compared with other checkpoints than this one has to be."""
        state = msgspec.msgpack.decode(saved, type=_SavedState)
        tree, passed = CompactRange.restored(*state.tree), _CheckpointCursor(self._signed)
        passed.advance_to(tree.size)
        if state.passed != passed.digest:
            return
        self.tree, self._passed = tree, passed
        self.position, self._versions, self._suspect = state.position, state.versions, state.suspect
        self._is_sealed = state.is_sealed

    def finish(self, rows: int) -> None:
        """`rows`: the number of rows in the table. Raises AlterationFound."""
        size = self.tree.size
        if rows != size:
            self._report("unknown", "notification_id", rows, size, f"is outside of the order: {rows} rows, {size} in order")
        for due in self._passed.rest():
            if self._signed.is_binding(due):
                beyond = due.checkpoint.size
                fault = f"is missing after leaf {size - 1}: a checkpoint of {beyond} entries was signed"
                self._report("last", None, size, beyond, fault)
        if self._suspect is not None:
            raise AlterationFound(self._blame(self._suspect))

    def _check_readable(self, row: Row) -> None:
        try:
            decode(row[2], row[3])
        except (UnknownTopic, msgspec.MsgspecError, ValueError) as error:
            self._report(row[4], "state", None, None, f"can't be read: {type(error).__name__}")

    def _check_root(self, due: Sequence[ExpectedCheckpoint]) -> None:
        root = self.tree.root()
        for expected in due:
            if expected.checkpoint.root != root and self._signed.is_binding(expected):
                sentence = f"or one before it is not what was signed: the checkpoint of {self.tree.size} entries has another root"
                self._report(self.position, None, root.hex(), expected.checkpoint.root.hex(), sentence)
        signed = any(expected.checkpoint.root == root for expected in due)
        if self._suspect is not None and signed:  # the entries match the checkpoint, so the stored tree is wrong
            raise AlterationFound(_tree_finding(self._suspect))

    def _report(self, position: object, column: str | None, stored: Any, expected: Any, fault: str) -> None:
        if self._suspect is not None:
            raise AlterationFound(self._blame(self._suspect))
        row = f"notification_id {position}"
        raise AlterationFound(Finding(TABLE, row, column, stored, expected, f"{TABLE}: the entry at position {position} {fault}."))

    def _blame(self, suspect: _SuspectLeaf) -> Finding:
        """The finding about an entry that differs from the one in the stored tree."""
        position = min(suspect.position, suspect.stored)
        if suspect.stored < suspect.position:
            fault = "is missing"
        elif suspect.stored > suspect.position:
            fault = "was not there when the tree was made: inserted"
        else:
            fault = "is not the one that the tree was made from"
        sentence = f"{TABLE}: the entry at position {position} {fault} (leaf {suspect.leaf})."
        return Finding(TABLE, f"notification_id {position}", None, suspect.position, suspect.stored, sentence)


class _CheckpointCursor:
    """A cursor over the expected checkpoints, in the order of size. `digest` is a hash over those that it has passed."""

    def __init__(self, signed: CheckpointSource) -> None:
        self._due = signed.due()
        self._next = next(self._due, None)
        self.digest = bytes(32)

    def advance_to(self, size: int) -> list[ExpectedCheckpoint]:
        """Passes and returns the checkpoints up to that size."""
        reached = []
        while self._next is not None and self._next.checkpoint.size <= size:
            reached.append(self._next)
            self.digest = sha256(self.digest + self._next.checkpoint.text.encode()).digest()
            self._next = next(self._due, None)
        return reached

    def rest(self) -> Iterator[ExpectedCheckpoint]:
        if self._next is not None:
            yield self._next
        yield from self._due


def _tree_finding(suspect: _SuspectLeaf) -> Finding:
    tile, index = divmod(suspect.leaf, 256)
    row = f"level 0, tile {tile}"
    sentence = f"audit_tiles: in the row {row}, hash {index} or its position is not that of the entry at {suspect.position}."
    return Finding("audit_tiles", row, "hashes", suspect.stored, suspect.position, sentence)


def entries(connection: psycopg.Connection[Any], after: int) -> Iterator[Row]:
    """All entries past that position, in order, by one statement, so as of one moment."""
    with connection.cursor("entries", binary=True) as cursor:
        cursor.itersize = PAGE
        cursor.execute(_ENTRIES, (after,))
        yield from cursor


def stored_leaves(connection: psycopg.Connection[Any], after: int) -> Iterator[tuple[bytes, int] | None]:
    """The stored hash and position of each leaf from index `after` on; then None for ever."""
    with connection.cursor("leaves", binary=True) as cursor:
        cursor.itersize = 20
        cursor.execute(_STORED, (after // 256,))
        for number, (hashes, packed) in enumerate(cursor):
            start = after % 256 if number == 0 else 0
            positions = positions_of((packed or b"")[: len(packed or b"") // 8 * 8])
            for index, position in enumerate(positions[start:], start):
                yield (hashes or b"")[index * SIZE : (index + 1) * SIZE], position
    while True:
        yield None
