"""The tree agrees with the published test vectors of RFC 6962 and 9162 logs, and with another implementation."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from projections import merkle
from projections.merkle import ProofError

#: Leaves, roots by size, and proofs that implementations of certificate transparency publish as test vectors.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_SECOND_PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_SECOND_FOUR = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_LAST_PAIR = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_THIRD_PAIR = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
_SEVENTH = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
INCLUSIONS = {
    (0, 1): [], (0, 8): [_SECOND, _SECOND_PAIR, _SECOND_FOUR], (5, 8): [_FIFTH, _LAST_PAIR, ROOTS[3]], (2, 3): [ROOTS[1]],
    (1, 5): [ROOTS[0], _SECOND_PAIR, _FIFTH],
}  # fmt: skip
CONSISTENCIES = {
    (1, 1): [], (1, 8): [_SECOND, _SECOND_PAIR, _SECOND_FOUR], (6, 8): [_THIRD_PAIR, _LAST_PAIR, ROOTS[3]],
    (2, 5): [_SECOND_PAIR, _FIFTH], (6, 7): [_THIRD_PAIR, _SEVENTH, ROOTS[3]],
}  # fmt: skip
MOST = 70_000


def bytes_of(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in hashes]


class Tiled:
    """Tiles in memory, appended to in batches. `reads`: the number of tiles read."""

    def __init__(self) -> None:
        self.size, self.reads = 0, 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def append(self, leaves: list[bytes]) -> None:
        last = {level: self.tiles[level, tile] for level, tile in merkle.last_tiles(self.size)}
        self.tiles |= merkle.append(last, self.size, b"".join(leaves))
        self.size += len(leaves)

    def __call__(self, level: int, tile: int) -> bytes:
        self.reads += 1
        return self.tiles[level, tile]


def leaf(number: int) -> bytes:
    return merkle.leaf_hash(number.to_bytes(8, "big"))


@cache
def big() -> Tiled:
    tiled = Tiled()
    tiled.append([leaf(number) for number in range(MOST)])
    return tiled


@cache
def oracle(size: int) -> Any:
    tree = InmemoryTree(algorithm="sha256")
    for number in range(size):
        tree.append(number.to_bytes(8, "big"))
    return tree


def test_roots_are_the_published_ones() -> None:
    leaves = [merkle.leaf_hash(content) for content in LEAVES]
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of([]) == merkle.EMPTY_ROOT
    assert [merkle.root_of(leaves[:size]).hex() for size in range(1, 9)] == ROOTS


def published() -> Tiled:
    tiled = Tiled()
    tiled.append([merkle.leaf_hash(content) for content in LEAVES])
    return tiled


@pytest.mark.parametrize(("place", "proof"), INCLUSIONS.items())
def test_inclusion_proofs_are_the_published_ones(place: tuple[int, int], proof: list[str]) -> None:
    index, size = place
    assert merkle.inclusion_proof(index, size, published()) == bytes_of(proof)
    merkle.verify_inclusion(index, size, merkle.leaf_hash(LEAVES[index]), bytes_of(proof), bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCIES.items())
def test_consistency_proofs_are_the_published_ones(sizes: tuple[int, int], proof: list[str]) -> None:
    first, second = sizes
    assert merkle.consistency_proof(first, second, published()) == bytes_of(proof)
    first_root, second_root = (bytes.fromhex(ROOTS[size - 1]) for size in sizes)
    merkle.verify_consistency(first, second, first_root, second_root, bytes_of(proof))


@given(size=st.integers(1, 300), data=st.data())
@settings(max_examples=200, deadline=None)
def test_roots_and_proofs_agree_with_another_implementation(size: int, data: st.DataObject) -> None:
    tree, tiles = oracle(300), big()
    first = data.draw(st.integers(1, size))
    assert merkle.root(size, tiles) == tree.get_state(size) == merkle.root_of(leaf(number) for number in range(size))
    included = tree.prove_inclusion(first, size).serialize()
    assert merkle.inclusion_proof(first - 1, size, tiles) == bytes_of(included["path"])[1:]  # theirs begins with the leaf
    consistent = merkle.consistency_proof(first, size, tiles)
    merkle.verify_consistency(first, size, tree.get_state(first), tree.get_state(size), consistent)


@given(size=st.integers(1, MOST), data=st.data())
@settings(max_examples=200, deadline=None)
def test_proofs_of_any_size_hold_and_read_few_tiles(size: int, data: st.DataObject) -> None:
    tiles = big()
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    spans = [*merkle.inclusion_spans(index, size), *merkle.consistency_spans(first, size)]
    assert len(merkle.tiles_of(spans)) <= 12
    root = merkle.root(size, tiles)
    merkle.verify_inclusion(index, size, leaf(index), merkle.inclusion_proof(index, size, tiles), root)
    merkle.verify_consistency(first, size, merkle.root(first, tiles), root, merkle.consistency_proof(first, size, tiles))


@given(batches=st.lists(st.integers(0, 700), max_size=8))
@settings(max_examples=60, deadline=None)
def test_tiles_are_the_same_for_any_batch_sizes(batches: list[int]) -> None:
    tiled, size = Tiled(), sum(batches)
    for count in batches:
        tiled.append([leaf(tiled.size + number) for number in range(count)])
    whole = Tiled()
    whole.append([leaf(number) for number in range(size)])
    assert tiled.tiles == whole.tiles
    assert merkle.root(size, tiled) == merkle.root(size, big())


@given(size=st.integers(2, 300), data=st.data())
@settings(max_examples=300, deadline=None)
def test_changed_proof_is_refused(size: int, data: st.DataObject) -> None:
    tiles, root = big(), merkle.root(size, big())
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    for proof in _changed_proofs(merkle.inclusion_proof(index, size, tiles), data):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(index, size, leaf(index), proof, root)
    for proof in _changed_proofs(merkle.consistency_proof(first, size, tiles), data):
        with pytest.raises(ProofError):
            merkle.verify_consistency(first, size, merkle.root(first, tiles), root, proof)
    for wrong in ((index + 1) % size, index - 1, size + index):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(wrong, size, leaf(index), merkle.inclusion_proof(index, size, tiles), root)


def _changed_proofs(proof: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    place = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[place][0] ^ 1]) + proof[place][1:]
    other = [*proof[:place], flipped, *proof[place + 1 :]]
    return [other, proof[:-1], [*proof, proof[0]], [proof[-1], *proof], []]


@pytest.mark.parametrize(("first", "second", "proof"), [(2, 1, []), (-1, 3, []), (0, 3, [b""]), (3, 3, [b""]), (0, 3, [])])
def test_trees_out_of_order_and_unneeded_proofs_are_refused(first: int, second: int, proof: list[bytes]) -> None:
    with pytest.raises(ProofError):
        merkle.verify_consistency(first, second, b"a", b"b", proof)


def test_tile_without_a_hash_is_noticed() -> None:
    tiled = published()
    tiled.tiles[0, 0] = tiled.tiles[0, 0][:-32]
    with pytest.raises(merkle.MissingHash):
        merkle.root(8, tiled)
    with pytest.raises(merkle.MissingHash):
        tiled.append([leaf(8)])
