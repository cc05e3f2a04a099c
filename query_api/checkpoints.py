"""The log's newest checkpoint as readers see it, and the hashes that prove something against it."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.errors import Malformed
from projections import merkle
from projections.audit import place_of, positions_of
from projections.proof.signed_notes import Checkpoint, Note, Signer
from query_api import queries
from query_api.database import QueryResult, Row
from query_api.read_side import ReadSide

_POSITION_BYTES = 8


class PublishedCheckpoint(NamedTuple):
    """A checkpoint, its note, and the ledger position of its last leaf."""

    checkpoint: Checkpoint
    note: str
    position: int

    def signer(self, side: ReadSide) -> Signer:
        """Who has signed it: whoever knows its key knows this one."""
        return side.log_keys.signer(self.checkpoint.origin, Note.parse(self.note).signatures[0].key_id)


async def newest_checkpoint(side: ReadSide, *, position: int = 0, size: int = 1) -> PublishedCheckpoint:
    """One that covers that position, and that many leaves. Raises StaleRead where there is none in time."""

    def covers(answer: QueryResult) -> bool:
        shown = _shown(side, answer.rows)
        return shown is not None and shown.position >= position and shown.checkpoint.size >= size

    answer = await side.fetch_until(queries.newest_checkpoint(), covers)
    shown = _shown(side, answer.rows)
    assert shown is not None, "it covers something"
    return shown


def _shown(side: ReadSide, rows: list[Row]) -> PublishedCheckpoint | None:
    if not rows:
        return None
    note, packed = rows[0]
    checkpoint = side.log_keys.read(note)  # what the database says counts for nothing where it was not signed
    positions = positions_of(packed)
    return PublishedCheckpoint(checkpoint, note, positions[(checkpoint.size - 1) % merkle.WIDTH])


async def indices_of(side: ReadSide, positions: Sequence[int]) -> dict[int, int]:
    """The leaves of the entries at these positions, by position; without those where there is no entry."""
    rows = await side.database.fetch_rows(queries.leaves_of(positions))
    found = {position: place_of(position, tile, packed) for position, tile, packed in rows}
    return {position: index for position, index in found.items() if index is not None}


async def tiles_for(side: ReadSide, spans: Sequence[merkle.Span]) -> merkle.Tiles:
    """In one statement. What is not there is empty: then `merkle.hash_of` raises MissingHash."""
    rows = await side.database.fetch_rows(queries.tiles(sorted(merkle.tiles_of(spans))))
    found = {(level, tile): hashes for level, tile, hashes in rows}
    return lambda level, tile: found.get((level, tile), b"")


async def check_size(side: ReadSide, size: int) -> None:
    """Raises Malformed where the tree has not so many leaves."""
    _, rows = await side.database.fetch(queries.leaf_count())
    leaves = rows[0][0] * merkle.WIDTH + rows[0][1] // _POSITION_BYTES if rows else 0
    if size > leaves:
        raise Malformed(
            f"The log has {leaves} entries: there is no tree of {size}.", errors=[{"path": "to", "message": "too large"}]
        )
