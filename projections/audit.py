"""`audit`: the Merkle tree over the ledger. Each entry's raw stored bytes are a leaf, in the order of the positions.

A leaf's index and its entry's position are different numbers, since positions skip: both are kept. The entries of a booking that
came after it are kept by booking, so that a receipt finds them; what proves something is the tree.
"""

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Index, LargeBinary, SmallInteger, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger import entries as e
from ledger.entries import Recorded
from projections import merkle
from projections.tables import Id, Model, Position, Timestamp, insert, upsert

_POSITION = struct.Struct(">q")
_PLACE = struct.Struct(">qqi")


class AuditTile(Model):
    """Up to 256 hashes of one level, one after another (projections/merkle.py)."""

    __tablename__ = "audit_tiles"
    __table_args__ = (CheckConstraint("octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 8192", name="hashes"),)

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    tile: Mapped[Position] = mapped_column(primary_key=True)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLeaves(Model):
    """Of a tile of level 0, the positions of its entries: 8 bytes each, big endian. `latest`: the latest time that an entry up to
    its end was made at."""

    __tablename__ = "audit_leaves"
    __table_args__ = (
        CheckConstraint("octet_length(positions) % 8 = 0 AND octet_length(positions) BETWEEN 8 AND 2048", name="positions"),
        Index(None, "first_position"),
        Index(None, "latest"),
    )

    tile: Mapped[Position] = mapped_column(primary_key=True)
    first_position: Mapped[Position]
    positions: Mapped[bytes] = mapped_column(LargeBinary)
    latest: Mapped[Timestamp]


class AuditAmendment(Model):
    """The `version`-th entry of its stream changed a booking after it was made, or, as the cancelling of an event, all of them:
    `subject` is the booking or the event."""

    __tablename__ = "audit_amendments"

    subject: Mapped[Id] = mapped_column(primary_key=True)
    version: Mapped[Position] = mapped_column(primary_key=True)


def leaf_of(stream: UUID, version: int, position: int, topic: str, state: bytes) -> bytes:
    """The leaf's hash: of the entry's stream, version, position, topic and bytes, each of a fixed length or after its length."""
    name = topic.encode()
    place = stream.bytes + _PLACE.pack(version, position, len(name))
    return hashlib.sha256(b"\x00" + place + name + len(state).to_bytes(4, "big") + state).digest()


def positions_of(packed: bytes) -> list[int]:
    return [position for (position,) in _POSITION.iter_unpack(packed)]


def place_of(position: int, tile: int, packed: bytes) -> int | None:
    """The index of the leaf of that position, from the leaves of the tile that it would be in."""
    positions = positions_of(packed)
    place = bisect_left(positions, position)
    return tile * merkle.WIDTH + place if place < len(positions) and positions[place] == position else None


#: As `leaf_of`, for a whole run.
_LEAVES = text("""
    SELECT string_agg(sha256(
        '\\x00'::bytea || uuid_send(originator_id) || int8send(originator_version) || int8send(notification_id)
        || int4send(octet_length(topic)) || convert_to(topic, 'UTF8') || int4send(octet_length(state)) || state
    ), ''::bytea ORDER BY notification_id)
    FROM ledger_entries WHERE notification_id BETWEEN :first AND :last""")
_LAST_TILES = text("""
    SELECT level, last.tile, last.hashes FROM generate_series(0, 7) AS level, LATERAL (
        SELECT tile, hashes FROM audit_tiles WHERE audit_tiles.level = level.level ORDER BY tile DESC LIMIT 1) AS last""")
_LAST_LEAVES = select(AuditLeaves.tile, AuditLeaves.positions, AuditLeaves.latest).order_by(AuditLeaves.tile.desc()).limit(1)


class AuditProjector:
    name = "audit"
    version = 1
    tables = (AuditTile, AuditLeaves, AuditAmendment)

    def fold(self, connection: Connection, run: Sequence[Recorded]) -> None:
        """The last tile of each level is written again, and new ones: a handful of statements."""
        leaves = connection.scalar(_LEAVES, {"first": run[0].position, "last": run[-1].position}) or b""
        if len(leaves) != len(run) * merkle.SIZE:
            raise merkle.MissingHash(f"{len(run)} entries were read, and {len(leaves) // merkle.SIZE} are in the ledger")
        size = _append(connection, leaves)
        _note_places(connection, size, run)
        amendments = [one for one in run if type(one.entry) in _AMENDMENTS]
        insert(connection, AuditAmendment, [{"subject": _subject(one), "version": one.version} for one in amendments])


def _append(connection: Connection, leaves: bytes) -> int:
    """The tree's size before."""
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


def _note_places(connection: Connection, size: int, run: Sequence[Recorded]) -> None:
    last = connection.execute(_LAST_LEAVES).one_or_none()
    held, latest = b"", run[0].entry.at
    if last is not None:
        latest = max(latest, last.latest)
        held = last.positions if size % merkle.WIDTH else b""
    if (last.tile * merkle.WIDTH + len(last.positions) // _POSITION.size if last else 0) != size:
        raise merkle.MissingHash(f"the tree has {size} leaves, and their positions are of another number")
    upsert(connection, AuditLeaves, _rows(size, held, latest, run))


def _rows(size: int, held: bytes, latest: datetime, run: Sequence[Recorded]) -> list[dict[str, Any]]:
    rows, start = list[dict[str, Any]](), 0
    while start < len(run):
        tile, filled = divmod(size + start, merkle.WIDTH)
        part = run[start : start + merkle.WIDTH - filled]
        latest = max(latest, *(one.entry.at for one in part))
        packed = (held if start == 0 else b"") + struct.pack(f">{len(part)}q", *(one.position for one in part))
        first = _POSITION.unpack_from(packed)[0]
        rows.append({"tile": tile, "first_position": first, "positions": packed, "latest": latest})
        start += len(part)
    return rows


_AMENDMENTS = frozenset((e.BookingCancelled, e.TicketUsed, e.EventCancelled))


def _subject(amendment: Recorded) -> UUID:
    entry = amendment.entry
    return entry.booking_id if isinstance(entry, e.BookingCancelled | e.TicketUsed) else amendment.stream


# Reading


_END = (
    select(AuditTile.tile, func.octet_length(AuditTile.hashes)).where(AuditTile.level == 0).order_by(AuditTile.tile.desc()).limit(1)
)
_TILES = text("""
    SELECT level, tile, hashes FROM audit_tiles
    JOIN unnest(CAST(:levels AS smallint[]), CAST(:tiles AS bigint[])) AS wanted (level, tile) USING (level, tile)""")


def tree_size(connection: Connection) -> int:
    """How many leaves the tree has."""
    last = connection.execute(_END).one_or_none()
    return last[0] * merkle.WIDTH + last[1] // merkle.SIZE if last else 0


def read_tiles(connection: Connection, spans: Sequence[merkle.Span]) -> merkle.Tiles:
    """What `merkle.hash_of` needs of these spans, in one statement. What is not there is empty."""
    wanted = sorted(merkle.tiles_of(spans))
    given = {"levels": [level for level, _ in wanted], "tiles": [tile for _, tile in wanted]}
    found = {(level, tile): hashes for level, tile, hashes in connection.execute(_TILES, given)}
    return lambda level, tile: found.get((level, tile), b"")


def root_at(connection: Connection, size: int) -> bytes:
    """The root of the tree as it was with that many leaves, from its tiles. Raises merkle.MissingHash."""
    span = merkle.Span(0, size)
    return merkle.hash_of(span, read_tiles(connection, [span]))
