"""The `audit` projection: a Merkle tree over the ledger. A leaf is the hash of an entry's stream, version, position, topic and
stored bytes. Leaves are in the order of positions.

A leaf's index and its entry's position are different numbers, since positions have gaps: both are stored. The projection also lists
by booking the entries that changed it later, which a receipt compares with the ledger. Nothing of this is signed unless the entries
say the same (projections/proof/entry_tree.py, query_api/booking_history.py).
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Index, LargeBinary, SmallInteger, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import RecordedEntry
from projections import merkle
from projections.tables import Id, Model, Position, Timestamp, insert, upsert

_POSITION = struct.Struct(">q")
_HEADER = struct.Struct(">qqi")


class AuditTile(Model):
    """Up to 256 hashes of one level of the tree, concatenated (projections/merkle.py)."""

    __tablename__ = "audit_tiles"
    __table_args__ = (CheckConstraint("octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 8192", name="hashes"),)

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    tile: Mapped[Position] = mapped_column(primary_key=True)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLeafPositions(Model):
    """The positions of the entries in one tile of level 0: 8 bytes each, big endian. `latest`: a running maximum, the latest
    `at` of all entries from the ledger's first to this tile's last."""

    __tablename__ = "audit_leaves"
    __table_args__ = (
        CheckConstraint("octet_length(positions) % 8 = 0 AND octet_length(positions) BETWEEN 8 AND 2048", name="positions"),
        Index(None, "first_position"),
        Index(None, "latest"),
    )

    tile: Mapped[Position] = mapped_column(primary_key=True, autoincrement=False)
    first_position: Mapped[Position]
    positions: Mapped[bytes] = mapped_column(LargeBinary)
    latest: Mapped[Timestamp]


class AuditBookingChange(Model):
    """An entry, by its version in the stream, that changed a booking after it was made, or cancelled an event and so all its
    bookings. `subject`: the id of the booking or the event."""

    # The table keeps its first name.
    __tablename__ = "audit_amendments"

    subject: Mapped[Id] = mapped_column(primary_key=True)
    version: Mapped[Position] = mapped_column(primary_key=True)


def leaf_of(stream: UUID, version: int, position: int, topic: str, state: bytes) -> bytes:
    """The leaf's hash, over the entry's stream, version, position, topic and bytes. Each field has a fixed length or is preceded
    by its length, so that no two entries hash the same input."""
    name = topic.encode()
    header = stream.bytes + _HEADER.pack(version, position, len(name))
    return hashlib.sha256(b"\x00" + header + name + len(state).to_bytes(4, "big") + state).digest()


def positions_of(packed: bytes) -> list[int]:
    """The positions in `AuditLeafPositions.positions`."""
    return [position for (position,) in _POSITION.iter_unpack(packed)]


def leaf_index_of(position: int, tile: int, packed: bytes) -> int | None:
    """The index of the leaf of the entry at `position`; None where `tile`, whose positions are `packed`, has no such entry."""
    positions = positions_of(packed)
    index = bisect_left(positions, position)
    return tile * merkle.WIDTH + index if index < len(positions) and positions[index] == position else None


#: `leaf_of` in SQL, for a whole batch.
_LEAVES = text("""
    SELECT string_agg(sha256(
        '\\x00'::bytea || uuid_send(originator_id) || int8send(originator_version) || int8send(notification_id)
        || int4send(octet_length(topic)) || convert_to(topic, 'UTF8') || int4send(octet_length(state)) || state
    ), ''::bytea ORDER BY notification_id)
    FROM ledger_entries WHERE notification_id BETWEEN :first AND :last""")
_LAST_TILES = text("""
    SELECT level, last.tile, last.hashes FROM generate_series(0, 7) AS level, LATERAL (
        SELECT tile, hashes FROM audit_tiles WHERE audit_tiles.level = level.level ORDER BY tile DESC LIMIT 1) AS last""")
_LAST_LEAVES = (
    select(AuditLeafPositions.tile, AuditLeafPositions.positions, AuditLeafPositions.latest)
    .order_by(AuditLeafPositions.tile.desc())
    .limit(1)
)


def _booking_id(recorded: RecordedEntry) -> UUID:
    entry = recorded.entry
    assert isinstance(entry, e.BookingChange)
    return entry.booking_id


def _event_id(recorded: RecordedEntry) -> UUID:
    return recorded.stream


#: By class of an entry that changes bookings: the function that returns its subject.
BOOKING_CHANGE_SUBJECTS: dict[type[e.Entry], Callable[[RecordedEntry], UUID]] = {
    **dict.fromkeys(get_args(e.BookingChange), _booking_id),
    e.EventCancelled: _event_id,
}


class AuditProjector:
    name = "audit"
    version = 1
    is_by_event = False
    tables = (AuditTile, AuditLeafPositions, AuditBookingChange)
    #: Each entry is a leaf.
    handles: frozenset[type[e.Entry]] = frozenset(e.TOPICS.values())

    def fold(self, connection: Connection, batch: Sequence[RecordedEntry]) -> None:
        """Writes the last tile of each level again, and new tiles: a handful of statements."""
        leaves = connection.scalar(_LEAVES, {"first": batch[0].position, "last": batch[-1].position}) or b""
        if len(leaves) != len(batch) * merkle.SIZE:
            raise merkle.MissingHash(f"{len(batch)} entries were read, but {len(leaves) // merkle.SIZE} are in the ledger")
        size = _append(connection, leaves)
        _write_positions(connection, size, batch)
        changes = [
            {"subject": subject_of(recorded), "version": recorded.version}
            for recorded in batch
            if (subject_of := BOOKING_CHANGE_SUBJECTS.get(type(recorded.entry)))
        ]
        insert(connection, AuditBookingChange, changes)


def _append(connection: Connection, leaves: bytes) -> int:
    """Appends leaf hashes to the stored tree. Returns the tree's size before."""
    size, last = 0, dict[int, bytes]()
    for level, tile, hashes in connection.execute(_LAST_TILES):
        filled = len(hashes) // merkle.SIZE
        if level == 0:
            size = tile * merkle.WIDTH + filled
        last[level] = hashes if filled < merkle.WIDTH else b""
    changed = merkle.append(last, size, leaves)
    rows = [{"level": level, "tile": tile, "hashes": hashes} for (level, tile), hashes in changed.items()]
    upsert(connection, AuditTile, rows)
    return size


def _write_positions(connection: Connection, size: int, batch: Sequence[RecordedEntry]) -> None:
    last = connection.execute(_LAST_LEAVES).one_or_none()
    held, latest = b"", batch[0].entry.at
    if last is not None:
        latest = max(latest, last.latest)
        held = last.positions if size % merkle.WIDTH else b""
    if (last.tile * merkle.WIDTH + len(last.positions) // _POSITION.size if last else 0) != size:
        raise merkle.MissingHash(f"the tree has {size} leaves, but another number of positions is stored")
    upsert(connection, AuditLeafPositions, _leaf_rows(size, held, latest, batch))


def _leaf_rows(size: int, held: bytes, latest: datetime, batch: Sequence[RecordedEntry]) -> list[dict[str, Any]]:
    """The rows of `audit_leaves` that a batch changes. `held`: the positions in the last tile, if it is not full."""
    rows, start = list[dict[str, Any]](), 0
    while start < len(batch):
        tile, filled = divmod(size + start, merkle.WIDTH)
        part = batch[start : start + merkle.WIDTH - filled]
        latest = max(latest, *(recorded.entry.at for recorded in part))
        packed = (held if start == 0 else b"") + struct.pack(f">{len(part)}q", *(recorded.position for recorded in part))
        first = _POSITION.unpack_from(packed)[0]
        rows.append({"tile": tile, "first_position": first, "positions": packed, "latest": latest})
        start += len(part)
    return rows


# --- reading

_END = (
    select(AuditTile.tile, func.octet_length(AuditTile.hashes)).where(AuditTile.level == 0).order_by(AuditTile.tile.desc()).limit(1)
)
_TILES = text("""
    SELECT level, tile, hashes FROM audit_tiles
    JOIN unnest(CAST(:levels AS smallint[]), CAST(:tiles AS bigint[])) AS wanted (level, tile) USING (level, tile)""")


def tree_size(connection: Connection) -> int:
    """The number of leaves of the stored tree."""
    last = connection.execute(_END).one_or_none()
    return last[0] * merkle.WIDTH + last[1] // merkle.SIZE if last else 0


def position_of_leaf(connection: Connection, index: int) -> int:
    """The position that is stored for a leaf; only a proof of the entry there shows that it is right. Raises merkle.MissingHash."""
    tile, place = divmod(index, merkle.WIDTH)
    packed = connection.scalar(select(AuditLeafPositions.positions).where(AuditLeafPositions.tile == tile)) or b""
    positions = positions_of(packed)
    if place >= len(positions):
        raise merkle.MissingHash(f"leaf {index} has no position")
    return positions[place]


def read_tiles(connection: Connection, spans: Sequence[merkle.Span]) -> merkle.Tiles:
    """The tiles that `merkle.hash_of` needs for these spans, by one statement. A tile that is not stored is empty."""
    wanted = sorted(merkle.tiles_of(spans))
    keys = {"levels": [level for level, _ in wanted], "tiles": [tile for _, tile in wanted]}
    tiles = {(level, tile): hashes for level, tile, hashes in connection.execute(_TILES, keys)}
    return lambda level, tile: tiles.get((level, tile), b"")


def root_at(connection: Connection, size: int) -> bytes:
    """The root of the tree when it had `size` leaves, from its tiles. Raises merkle.MissingHash."""
    span = merkle.Span(0, size)
    return merkle.hash_of(span, read_tiles(connection, [span]))
