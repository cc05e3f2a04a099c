"""The Merkle tree of RFC 9162 over SHA-256: roots, inclusion proofs (a leaf is in the tree) and consistency proofs (one tree is the
beginning of another).

The tree is stored in tiles of 256 hashes. Level 0 holds the leaves; a hash of level L is that of a whole subtree of 256 ** L
leaves, so that each full tile is one hash of the level above. A proof needs a few hashes of each level: `tiles_of` returns which
tiles, and `hash_of` reads them by a function `(level, tile) -> the tile's hashes, concatenated`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

SIZE = 32
HEIGHT = 8
#: Hashes of a full tile.
WIDTH = 1 << HEIGHT

EMPTY_ROOT = hashlib.sha256(b"").digest()
Tiles = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof that does not hold: one sentence."""


class MissingHash(LookupError):
    """A tile lacks a hash that the tree should have."""


class Span(NamedTuple):
    """The leaves from `start` up to, not including, `end`: a subtree of RFC 9162."""

    start: int
    end: int


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that grows leaf by leaf. It holds only what its root needs: the hashes of its whole subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def saved(self) -> tuple[int, list[bytes]]:
        """The arguments from which `restored` makes the same tree."""
        return self.size, list(self._subtrees)

    @classmethod
    def restored(cls, size: int, subtrees: Sequence[bytes]) -> Self:
        tree = cls()
        tree.size, tree._subtrees = size, list(subtrees)
        return tree

    def append(self, leaf: bytes) -> None:
        """`leaf`: its hash."""
        size, subtrees = self.size, self._subtrees
        while size & 1:
            leaf = hashlib.sha256(b"\x01" + subtrees.pop() + leaf).digest()
            size >>= 1
        subtrees.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        return _join(self._subtrees)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree with these leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _join(subtrees: Sequence[bytes]) -> bytes:
    """The root of a tree from its whole subtrees, largest first."""
    if not subtrees:
        return EMPTY_ROOT
    *rest, root = subtrees
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


# --- tiles


def compact_range(size: int, tiles: Tiles) -> CompactRange:
    """The tree when it had `size` leaves, from its tiles. Raises MissingHash."""
    subtrees = [_hash_of_whole(height, number, tiles) for height, number in _whole_subtrees(Span(0, size))]
    return CompactRange.restored(size, subtrees)


def append(last: Mapping[int, bytes], size: int, leaves: bytes) -> dict[tuple[int, int], bytes]:
    """Appends leaf hashes to a tree of that size. Returns the tiles that change: (level, tile) to hashes.

    `last`: by level, the hashes in the tile that the next hash belongs to; empty where that tile is new."""
    changed: dict[tuple[int, int], bytes] = {}
    level, new = 0, leaves
    while new:
        tile, filled = divmod(size, WIDTH)
        held = last.get(level, b"")
        if len(held) != filled * SIZE:
            raise MissingHash(f"tile {tile} of level {level} holds {len(held) // SIZE} hashes, {filled} are expected")
        hashes = held + new
        whole = bytearray()
        for start in range(0, len(hashes), WIDTH * SIZE):
            part = hashes[start : start + WIDTH * SIZE]
            changed[level, tile] = part
            tile += 1
            if len(part) == WIDTH * SIZE:
                whole += _root_of_power(part)
        level, size, new = level + 1, size // WIDTH, bytes(whole)
    return changed


def last_tiles(size: int) -> list[tuple[int, int]]:
    """The tiles that `append` needs of a tree of that size: (level, tile) of those that are not full."""
    tiles, level = [], 0
    while size:
        if size % WIDTH:
            tiles.append((level, size // WIDTH))
        level, size = level + 1, size // WIDTH
    return tiles


def _root_of_power(hashes: bytes) -> bytes:
    """The root of a whole subtree, from 1, 2, 4 … hashes of equal height."""
    sha256, pair = hashlib.sha256, 2 * SIZE
    while len(hashes) > SIZE:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)])
    return hashes


def _whole_subtrees(span: Span) -> Iterator[tuple[int, int]]:
    """The whole subtrees that make up the span, largest first: (height, number among those of its height)."""
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def tiles_of(spans: Iterable[Span]) -> set[tuple[int, int]]:
    """The tiles that `hash_of` reads for these spans: (level, tile)."""
    return {_locate(height, number)[:2] for span in spans for height, number in _whole_subtrees(span)}


def _locate(height: int, number: int) -> tuple[int, int, int, int]:
    """Where the hashes below a whole subtree are stored: level, tile, index of the first one in it, number."""
    level, rest = divmod(height, HEIGHT)
    tile, first = divmod(number << rest, WIDTH)
    return level, tile, first, 1 << rest


def hash_of(span: Span, tiles: Tiles) -> bytes:
    """The hash of a span. Raises MissingHash where a tile lacks one of its hashes."""
    return _join([_hash_of_whole(height, number, tiles) for height, number in _whole_subtrees(span)])


def _hash_of_whole(height: int, number: int, tiles: Tiles) -> bytes:
    level, tile, first, count = _locate(height, number)
    hashes = tiles(level, tile)[first * SIZE : (first + count) * SIZE]
    if len(hashes) != count * SIZE:
        raise MissingHash(f"tile {tile} of level {level} has no hash {first + len(hashes) // SIZE}")
    return _root_of_power(hashes)


def root(size: int, tiles: Tiles) -> bytes:
    """The root of the tree when it had `size` leaves."""
    return hash_of(Span(0, size), tiles)


# --- proofs


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove that the leaf at `index` is in the tree of that size, in the order of RFC 9162, 2.1.3."""
    assert 0 <= index < size, "the leaf is in the tree"
    spans, (start, end) = [], (0, size)
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The subtrees whose hashes prove that the tree of the first size is the beginning of that of the second: RFC 9162, 2.1.4."""
    assert 0 < first <= second, "the first tree is not the larger one"
    spans, (start, end), is_first_whole = [], (0, second), True
    while first < end:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start, is_first_whole = middle, False
    return ([] if is_first_whole else [Span(start, end)]) + spans[::-1]


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, tiles: Tiles) -> list[bytes]:
    return [hash_of(span, tiles) for span in inclusion_spans(index, size)]


def consistency_proof(first: int, second: int, tiles: Tiles) -> list[bytes]:
    return [hash_of(span, tiles) for span in consistency_spans(first, second)] if first else []


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2. `leaf`: the leaf's hash. Raises ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    computed = leaf
    for step, is_left in zip(proof, _sides(index, size - 1, len(proof)), strict=True):
        computed = node_hash(step, computed) if is_left else node_hash(computed, step)
    if computed != root:
        raise ProofError(f"Leaf {index} is not in the tree of {size} leaves with this root.")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2; the empty tree is the beginning of every tree. Raises ProofError."""
    if not 0 <= first <= second:
        raise ProofError(f"A tree of {first} leaves is not the beginning of one of {second}.")
    if first in (0, second):
        if proof:
            raise ProofError(f"The proof has {len(proof)} hashes, where none is needed.")
        is_beginning = first_root == (second_root if first else EMPTY_ROOT)
    else:
        is_beginning = _roots_of_proof(first, second, proof, first_root) == (first_root, second_root)
    if not is_beginning:
        raise ProofError(f"The tree of {first} leaves is not the beginning of that of {second}.")


def _roots_of_proof(first: int, second: int, proof: Sequence[bytes], first_root: bytes) -> tuple[bytes, bytes]:
    """The two roots that follow from the proof. Raises ProofError."""
    whole = (first & -first).bit_length() - 1  # below that height the last subtree of the first tree is whole in both
    if not proof:
        raise ProofError("The proof has no hashes.")
    start, *steps = proof if first & (first - 1) else (first_root, *proof)
    computed_first = computed_second = start
    for step, is_left in zip(steps, _sides((first - 1) >> whole, (second - 1) >> whole, len(steps)), strict=True):
        computed_second = node_hash(step, computed_second) if is_left else node_hash(computed_second, step)
        if is_left:
            computed_first = node_hash(step, computed_first)
    return computed_first, computed_second


def _sides(index: int, last: int, count: int) -> list[bool]:
    """For each hash of a proof, whether it is the left one of its pair. Raises ProofError where the proof has another number."""
    sides = []
    while last:
        if is_left := bool(index & 1 or index == last):
            while not index & 1:
                index, last = index >> 1, last >> 1
        sides.append(is_left)
        index, last = index >> 1, last >> 1
    if len(sides) != count:
        raise ProofError(f"The proof has {count} hashes, but {len(sides)} are needed.")
    return sides
