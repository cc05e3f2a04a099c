"""The newest checkpoint of the signed log, and the hashes for proofs against it."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.errors import Malformed
from projections import merkle
from projections.audit import leaf_index_of, positions_of
from projections.proof.signed_notes import Checkpoint, Note, Signer
from query_api import queries
from query_api.database import QueryResult
from query_api.queries import CheckpointRow
from query_api.read_side import ReadSide

_POSITION_BYTES = 8


class PublishedCheckpoint(NamedTuple):
    """A checkpoint with its signed note. `position`: the ledger position of its last leaf."""

    checkpoint: Checkpoint
    note: str
    position: int

    def signer(self, side: ReadSide) -> Signer:
        """The signer with the key that signed the note, so that one verifier key verifies both."""
        return side.log_keys.signer(self.checkpoint.origin, Note.parse(self.note).signatures[0].key_id)


async def newest_checkpoint(side: ReadSide, *, position: int = 0, size: int = 1) -> PublishedCheckpoint:
    """The newest checkpoint, once it covers that position and has that many leaves. Raises StaleRead where it takes too long."""

    def covers(result: QueryResult[CheckpointRow]) -> bool:
        published = _verified(side, result.rows)
        return published is not None and published.position >= position and published.checkpoint.size >= size

    result = await side.fetch_until(queries.newest_checkpoint(), covers)
    published = _verified(side, result.rows)
    assert published is not None, "it covers the position"
    return published


def _verified(side: ReadSide, rows: list[CheckpointRow]) -> PublishedCheckpoint | None:
    if not rows:
        return None
    row = rows[0]
    checkpoint = side.log_keys.read(row.note)  # raises for a note that our keys did not sign: the database itself proves nothing
    positions = positions_of(row.positions)
    return PublishedCheckpoint(checkpoint, row.note, positions[(checkpoint.size - 1) % merkle.WIDTH])


async def indices_of(side: ReadSide, positions: Sequence[int]) -> dict[int, int]:
    """The leaf indices of the entries at these positions, by position. Positions without an entry are left out."""
    rows = await side.database.fetch_rows(queries.leaves_of(positions))
    indices = {row.position: leaf_index_of(row.position, row.tile, row.positions) for row in rows}
    return {position: index for position, index in indices.items() if index is not None}


async def tiles_for(side: ReadSide, spans: Sequence[merkle.Span]) -> merkle.Tiles:
    """The tiles for these spans, by one statement. A tile that is not stored is empty: then `merkle.hash_of` raises MissingHash."""
    rows = await side.database.fetch_rows(queries.tiles(sorted(merkle.tiles_of(spans))))
    tiles = {(row.level, row.tile): row.hashes for row in rows}
    return lambda level, tile: tiles.get((level, tile), b"")


async def check_size(side: ReadSide, size: int) -> None:
    """Raises Malformed where the tree has fewer leaves."""
    _, rows = await side.database.fetch(queries.leaf_count())
    leaves = rows[0].tile * merkle.WIDTH + rows[0].size_bytes // _POSITION_BYTES if rows else 0
    if size > leaves:
        raise Malformed(
            f"The log has {leaves} entries: there is no tree of {size}.", errors=[{"path": "to", "message": "too large"}]
        )
