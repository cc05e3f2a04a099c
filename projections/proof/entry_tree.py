"""The tree that follows from the entries themselves: the one that a checkpoint signs.

The stored tree belongs to the role of the processes, and who has that role could add leaves that are no entries. So the tree that
was signed last is extended by the entries of the ledger, each checked against its MAC. Its tiles serve only to begin: hashes that
lead to the signed root are those that were signed, and the entry after which reading begins is proven to be the last leaf.
"""

from typing import Self

from sqlalchemy import Connection

from ledger.errors import EventSealed
from ledger.store import Ledger
from projections import audit, merkle
from projections.proof.signed_notes import Checkpoint

#: Entries that are read by one statement, and are in memory at a time: some 0.5 MB.
PAGE = 1_000


class TreeAltered(Exception):
    """The stored tree is not the one that follows from the entries: one sentence."""


class EntryTree:
    """The tree of the first entries of the ledger. `begins_with`: the signed tree that it extends; None: there is none. `position`:
    of its last entry."""

    def __init__(self, begins_with: Checkpoint | None, tree: merkle.CompactRange, position: int) -> None:
        self.begins_with, self.position = begins_with, position
        self._tree = tree

    @classmethod
    def of(cls, signed: Checkpoint | None, connection: Connection, ledger: Ledger) -> Self:
        """The signed tree. Raises TreeAltered or merkle.MissingHash where the stored tree does not begin with it;
        LedgerUnavailable."""
        if signed is None:
            return cls(None, merkle.CompactRange(), 0)
        last, path = signed.size - 1, merkle.inclusion_spans(signed.size - 1, signed.size)
        tiles = audit.read_tiles(connection, [merkle.Span(0, signed.size), *path])
        tree, position = merkle.compact_range(signed.size, tiles), audit.position_of_leaf(connection, last)
        found = [leaf for _, leaf in _read_leaves(ledger, position - 1, 1)]
        try:
            proof = [merkle.hash_of(span, tiles) for span in path]
            merkle.verify_inclusion(last, signed.size, found[0] if found else b"", proof, signed.root)
        except merkle.ProofError as error:
            raise TreeAltered(f"The entry at position {position} is not the last of the {signed.size} that were signed.") from error
        if tree.root() != signed.root:
            raise TreeAltered(f"The tree's first {signed.size} leaves are not those that were signed.")
        return cls(signed, tree, position)

    @property
    def size(self) -> int:
        return self._tree.size

    def root(self) -> bytes:
        return self._tree.root()

    def extend(self, ledger: Ledger, size: int) -> None:
        """Appends the next entries, up to that size or the end of the ledger. Raises TreeAltered at one that Seatledger did not
        write; LedgerUnavailable."""
        while self.size < size:
            page = _read_leaves(ledger, self.position, min(PAGE, size - self.size))
            if not page:
                return
            for _, leaf in page:
                self._tree.append(leaf)
            self.position = page[-1][0]


def _read_leaves(ledger: Ledger, after: int, limit: int) -> list[tuple[int, bytes]]:
    """The positions and leaves of the next entries. Raises TreeAltered at one that Seatledger did not write."""
    try:
        rows = ledger.read_stored(after, limit)
    except EventSealed as sealed:
        raise TreeAltered(
            f"The tree has an entry that Seatledger did not write, at position {sealed.facts['position']}."
        ) from sealed
    return [
        (position, audit.leaf_of(stream, version, position, topic, state)) for stream, version, topic, state, position, _ in rows
    ]
