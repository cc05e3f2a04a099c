"""The Merkle tree of RFC 9162, over SHA-256: roots, proofs that a leaf is in it and that one tree is the beginning of another.

It is kept in tiles of 256 hashes. Level 0 holds the leaves; a hash of level L is that of a whole subtree of 256 ** L leaves, so
that each full tile is one hash of the level above. A proof needs a few hashes of each level: `tiles_of` says which tiles, and
`hash_of` takes the hashes from a function `(level, tile) -> the tile's hashes, one after another`.
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
    """A proof that proves nothing: one sentence."""


class MissingHash(LookupError):
    """A tile does not hold a hash that the tree has."""


class Span(NamedTuple):
    """The leaves from `start` to before `end`, as one subtree of RFC 9162: it starts where one of its size may."""

    start: int
    end: int


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that grows leaf by leaf and keeps no more than its root needs: the hashes of its whole subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def saved(self) -> tuple[int, list[bytes]]:
        """What `restored` makes the same tree of."""
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
    """Of the tree with these leaf hashes."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _join(subtrees: Sequence[bytes]) -> bytes:
    """The root over whole subtrees, largest first."""
    if not subtrees:
        return EMPTY_ROOT
    *rest, root = subtrees
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


# Tiles


def append(last: Mapping[int, bytes], size: int, leaves: bytes) -> dict[tuple[int, int], bytes]:
    """The tiles that change where leaf hashes are appended to a tree of that size: (level, tile) to hashes.

    `last`: by level, what the tile holds that the next hash goes into; nothing where that one is new."""
    changed: dict[tuple[int, int], bytes] = {}
    level, new = 0, leaves
    while new:
        tile, filled = divmod(size, WIDTH)
        held = last.get(level, b"")
        if len(held) != filled * SIZE:
            raise MissingHash(f"tile {tile} of level {level} holds {len(held) // SIZE} hashes, {filled} are due")
        hashes = held + new
        whole = bytearray()
        for start in range(0, len(hashes), WIDTH * SIZE):
            one = hashes[start : start + WIDTH * SIZE]
            changed[level, tile] = one
            tile += 1
            if len(one) == WIDTH * SIZE:
                whole += _root_of_power(one)
        level, size, new = level + 1, size // WIDTH, bytes(whole)
    return changed


def last_tiles(size: int) -> list[tuple[int, int]]:
    """What `append` needs of a tree of that size: (level, tile) of the tiles that are not full."""
    found, level = [], 0
    while size:
        if size % WIDTH:
            found.append((level, size // WIDTH))
        level, size = level + 1, size // WIDTH
    return found


def _root_of_power(hashes: bytes) -> bytes:
    """Of a whole subtree: 1, 2, 4 … hashes."""
    sha256, pair = hashlib.sha256, 2 * SIZE
    while len(hashes) > SIZE:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)])
    return hashes


def _whole_subtrees(span: Span) -> Iterator[tuple[int, int]]:
    """Those that make up the span, largest first: (height, which of its height)."""
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def tiles_of(spans: Iterable[Span]) -> set[tuple[int, int]]:
    """(level, tile) of the tiles that `hash_of` asks for, of all these spans."""
    return {_place(height, number)[:2] for span in spans for height, number in _whole_subtrees(span)}


def _place(height: int, number: int) -> tuple[int, int, int, int]:
    """Where the hashes below a whole subtree are: level, tile, the first one's place in it, how many."""
    level, rest = divmod(height, HEIGHT)
    tile, first = divmod(number << rest, WIDTH)
    return level, tile, first, 1 << rest


def hash_of(span: Span, tiles: Tiles) -> bytes:
    """Raises MissingHash where a tile holds less than the tree."""
    return _join([_hash_of_whole(height, number, tiles) for height, number in _whole_subtrees(span)])


def _hash_of_whole(height: int, number: int, tiles: Tiles) -> bytes:
    level, tile, first, count = _place(height, number)
    hashes = tiles(level, tile)[first * SIZE : (first + count) * SIZE]
    if len(hashes) != count * SIZE:
        raise MissingHash(f"tile {tile} of level {level} has no hash {first + len(hashes) // SIZE}")
    return _root_of_power(hashes)


def root(size: int, tiles: Tiles) -> bytes:
    """Of the tree as it was with that many leaves."""
    return hash_of(Span(0, size), tiles)


# Proofs


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees whose hashes prove that the leaf at `index` is in the tree of that size, in the order of RFC 9162, 2.1.3."""
    assert 0 <= index < size, "a leaf of the tree"
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
    assert 0 < first <= second, "two trees, in order"
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
    """RFC 9162, 2.1.3.2. `leaf`: its hash. Raises ProofError."""
    if not 0 <= index < size:
        raise ProofError(f"A tree of {size} leaves has no leaf {index}.")
    found = leaf
    for step, is_left in zip(proof, _sides(index, size - 1, len(proof)), strict=True):
        found = node_hash(step, found) if is_left else node_hash(found, step)
    if found != root:
        raise ProofError(f"Leaf {index} is not in the tree of {size} leaves with this root.")


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2; every tree begins with the empty one. Raises ProofError."""
    if not 0 <= first <= second:
        raise ProofError(f"A tree of {first} leaves is not the beginning of one of {second}.")
    if first in (0, second):
        if proof:
            raise ProofError(f"The proof has {len(proof)} hashes, where none is needed.")
        begins = first_root == (second_root if first else EMPTY_ROOT)
    else:
        begins = _begins(first, second, proof, first_root) == (first_root, second_root)
    if not begins:
        raise ProofError(f"The tree of {first} leaves is not the beginning of that of {second}.")


def _begins(first: int, second: int, proof: Sequence[bytes], first_root: bytes) -> tuple[bytes, bytes]:
    """The two roots that follow from the proof."""
    whole = (first & -first).bit_length() - 1  # below that height the last subtree of the first tree is whole in both
    if not proof:
        raise ProofError("The proof has no hashes.")
    start, *steps = proof if first & (first - 1) else (first_root, *proof)
    found_first = found_second = start
    for step, is_left in zip(steps, _sides((first - 1) >> whole, (second - 1) >> whole, len(steps)), strict=True):
        found_second = node_hash(step, found_second) if is_left else node_hash(found_second, step)
        if is_left:
            found_first = node_hash(step, found_first)
    return found_first, found_second


def _sides(place: int, last: int, count: int) -> list[bool]:
    """Of each hash of a proof, whether it stands to the left of what it is joined with. Raises ProofError for another count."""
    sides = []
    while last:
        if is_left := bool(place & 1 or place == last):
            while not place & 1:
                place, last = place >> 1, last >> 1
        sides.append(is_left)
        place, last = place >> 1, last >> 1
    if len(sides) != count:
        raise ProofError(f"The proof has {count} hashes where {len(sides)} are due.")
    return sides
