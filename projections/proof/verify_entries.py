"""Reading the whole ledger again, and believing nothing that is stored beside it: each entry's bytes against its MAC, versions
without a gap, positions that rise, and all of it against every checkpoint that was ever signed.

The stored tree is asked for one thing alone: where something is wrong, which entry it was.
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

#: Rows fetched at once.
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
    """The first thing that is not as it should be: where, what is there and what should be, and all of it as a sentence."""

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
    """The first leaf that is not what the stored tree has there."""

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
    """A checkpoint that the entries have to fit, once there are as many. `is_given`: by somebody who has kept it."""

    checkpoint: Checkpoint
    note: str
    is_given: bool


class CheckpointSource(Protocol):
    """What is to be compared with. `accepted`: so many entries may be without a MAC; `first_size`: of the first checkpoint that was
    signed."""

    @property
    def accepted(self) -> int: ...

    @property
    def first_size(self) -> int: ...

    def due(self) -> Iterator[ExpectedCheckpoint]: ...

    def stands(self, due: ExpectedCheckpoint) -> bool: ...


class EntryCheck:
    """Takes all entries in order, and then `finish`. Holds a number for each stream and nothing for each entry or checkpoint."""

    def __init__(self, macs: Macs, signed: CheckpointSource) -> None:
        self._macs, self._signed = macs, signed
        self._passed = _CheckpointCursor(signed)
        self._is_sealed = False
        self.tree = CompactRange()
        self.position = 0
        self._versions: dict[bytes, int] = {}
        self._suspect: _SuspectLeaf | None = None

    def take(self, row: Row, stored: tuple[bytes, int] | None) -> None:
        """Raises AlterationFound; NoteError where it is the list of checkpoints that is wrong."""
        stream, version, topic, state, position, mac = row
        if None in row[:-1]:
            name = _COLUMNS[row.index(None)]
            self._say(position, name, None, "a value", f"has no {name}")
        if position <= self.position:
            self._say(position, "notification_id", position, f"above {self.position}", "is not above the one before it")
        leaf = leaf_of(stream, version, position, topic, state)
        if stored is not None and self._suspect is None and stored != (leaf, position):
            self._suspect = _SuspectLeaf(self.tree.size, position, stored[1])
        own = stream.bytes
        expected = self._versions.get(own, 0) + 1
        if version != expected:
            fault = f"is version {version} of its stream, after {expected - 1}"
            self._say(position, "originator_version", version, expected, fault)
        if mac is None and not self._may_lack_mac():
            self._say(position, "mac", None, "a MAC", "carries no MAC: nobody who has the keys has written it")
        if mac is not None and not self._macs.verify(mac, stream, version, topic, state):
            self._say(position, "state", None, None, "does not fit its MAC: its bytes are not those that were written")
        self._check_readable(row)
        self._versions[own], self.position = version, position
        self._is_sealed |= mac is not None
        self.tree.append(leaf)
        if due := self._passed.go_to(self.tree.size):
            self._check_root(due)

    def _may_lack_mac(self) -> bool:
        """Older than MACs, and under the first checkpoint, where it can't have changed since; or accepted by somebody."""
        size = self.tree.size
        return size < self._signed.accepted or (size < self._signed.first_size and not self._is_sealed)

    def save(self) -> bytes:
        saved = _SavedState(self.position, self.tree.saved(), self._versions, self._suspect, self._passed.digest, self._is_sealed)
        return msgspec.msgpack.encode(saved)

    def restore(self, saved: bytes) -> None:
        """Goes on where one was saved, unless it had not seen a checkpoint that this one has to compare with."""
        found = msgspec.msgpack.decode(saved, type=_SavedState)
        tree, passed = CompactRange.restored(*found.tree), _CheckpointCursor(self._signed)
        passed.go_to(tree.size)
        if found.passed != passed.digest:
            return
        self.tree, self._passed = tree, passed
        self.position, self._versions, self._suspect = found.position, found.versions, found.suspect
        self._is_sealed = found.is_sealed

    def finish(self, rows: int) -> None:
        """`rows`: how many entries the table has. Raises AlterationFound."""
        size = self.tree.size
        if rows != size:
            self._say("unknown", "notification_id", rows, size, f"stands outside of the order: {rows} rows, {size} in order")
        for due in self._passed.rest():
            if self._signed.stands(due):
                beyond = due.checkpoint.size
                fault = f"is missing after leaf {size - 1}: a checkpoint of {beyond} entries was signed"
                self._say("last", None, size, beyond, fault)
        if self._suspect is not None:
            raise AlterationFound(self._blame(self._suspect))

    def _check_readable(self, row: Row) -> None:
        try:
            decode(row[2], row[3])
        except (UnknownTopic, msgspec.MsgspecError, ValueError) as error:
            self._say(row[4], "state", None, None, f"can't be read: {type(error).__name__}")

    def _check_root(self, due: Sequence[ExpectedCheckpoint]) -> None:
        root = self.tree.root()
        for one in due:
            if one.checkpoint.root != root and self._signed.stands(one):
                sentence = f"or one before it is not what was signed: the checkpoint of {self.tree.size} entries has another root"
                self._say(self.position, None, root.hex(), one.checkpoint.root.hex(), sentence)
        signed = any(one.checkpoint.root == root for one in due)
        if self._suspect is not None and signed:  # the entries are what was signed: it is the stored tree that is not
            raise AlterationFound(_tree_finding(self._suspect))

    def _say(self, position: object, column: str | None, found: Any, expected: Any, fault: str) -> None:
        if self._suspect is not None:
            raise AlterationFound(self._blame(self._suspect))
        row = f"notification_id {position}"
        raise AlterationFound(Finding(TABLE, row, column, found, expected, f"{TABLE}: the entry at position {position} {fault}."))

    def _blame(self, suspect: _SuspectLeaf) -> Finding:
        """An entry, where what the tree was made of is not there any more."""
        place = min(suspect.position, suspect.stored)
        if suspect.stored < suspect.position:
            fault = "is missing"
        elif suspect.stored > suspect.position:
            fault = "was not there when the tree was made: inserted"
        else:
            fault = "is not the one that the tree was made of"
        sentence = f"{TABLE}: the entry at position {place} {fault} (leaf {suspect.leaf})."
        return Finding(TABLE, f"notification_id {place}", None, suspect.position, suspect.stored, sentence)


class _CheckpointCursor:
    """The checkpoints that lie behind, as a digest, and those that are still to come."""

    def __init__(self, signed: CheckpointSource) -> None:
        self._due = signed.due()
        self._next = next(self._due, None)
        self.digest = bytes(32)

    def go_to(self, size: int) -> list[ExpectedCheckpoint]:
        """Those that a tree of so many leaves has reached since."""
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
    tile, place = divmod(suspect.leaf, 256)
    row = f"level 0, tile {tile}"
    sentence = f"audit_tiles: in the row {row}, hash {place} or its position is not that of the entry at {suspect.position}."
    return Finding("audit_tiles", row, "hashes", suspect.stored, suspect.position, sentence)


def entries(connection: psycopg.Connection[Any], after: int) -> Iterator[Row]:
    """All past that position, in order, as one moment has them."""
    with connection.cursor("entries", binary=True) as cursor:
        cursor.itersize = PAGE
        cursor.execute(_ENTRIES, (after,))
        yield from cursor


def stored_leaves(connection: psycopg.Connection[Any], after: int) -> Iterator[tuple[bytes, int] | None]:
    """Hash and position of each leaf from that index on, as they are stored; then None without end."""
    with connection.cursor("leaves", binary=True) as cursor:
        cursor.itersize = 20
        cursor.execute(_STORED, (after // 256,))
        for place, (hashes, packed) in enumerate(cursor):
            start = after % 256 if place == 0 else 0
            positions = positions_of((packed or b"")[: len(packed or b"") // 8 * 8])
            for index, position in enumerate(positions[start:], start):
                yield (hashes or b"")[index * SIZE : (index + 1) * SIZE], position
    while True:
        yield None
