"""The signed log: its checkpoints, leaves, tiles of hashes, and the stored entries that a proof is about."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, LargeBinary, SmallInteger, Text, Uuid, bindparam, column, func, lateral, or_, select, true
from sqlalchemy.orm import aliased

from projections.audit import AuditBookingChange, AuditLeafPositions, AuditTile
from projections.merkle import WIDTH
from projections.proof.checkpoints import AuditCheckpoint, AuditSigning
from query_api.database import Query, Row
from query_api.queries.compose import AUDIT, EVENT_ID, Compiled, anchored, compile_anchored, compile_rows, query_of
from query_api.queries.position_queries import ENTRIES


class CheckpointRow(Row, frozen=True):
    """A signed checkpoint. `positions`: of the tile that holds the checkpoint's last leaf, packed as in `audit_leaves`."""

    note: str
    positions: bytes


class LeafRow(Row, frozen=True):
    """The tile that would hold the entry at `position`, and the packed positions of that tile's entries."""

    position: int
    tile: int
    positions: bytes


class LastLeavesRow(Row, frozen=True):
    """The last tile of leaves; `size_bytes`: of its packed positions."""

    tile: int
    size_bytes: int


class TileRow(Row, frozen=True):
    level: int
    tile: int
    hashes: bytes


class VersionRow(Row, frozen=True):
    version: int


class StoredEntryRow(Row, frozen=True):
    """An entry as it is stored: `state` are its raw bytes."""

    version: int
    position: int
    topic: str
    state: bytes
    mac: bytes | None


class PlacedEntryRow(Row, frozen=True):
    """An entry as it is stored, with its stream."""

    stream: UUID
    version: int
    topic: str
    state: bytes


class SigningRow(Row, frozen=True):
    """Whether the log is signed. `state`: see projections/proof/checkpoints.py. `detail` says why the log is not signed."""

    state: Literal["signing", "forgotten", "inconsistent"]
    origin: str
    detail: str | None


@cache
def _newest_checkpoint() -> Compiled[CheckpointRow]:
    c, last = AuditCheckpoint, aliased(AuditLeafPositions)
    newest = select(c.note, c.size).join(AuditSigning, AuditSigning.origin == c.origin).order_by(c.size.desc()).limit(1).subquery()
    of_last_leaf = last.tile == func.div(newest.c.size - 1, WIDTH).cast(BigInteger)
    return compile_anchored(anchored(AUDIT, select(newest.c.note, last.positions).join(last, of_last_leaf)), CheckpointRow)


def newest_checkpoint() -> Query[CheckpointRow]:
    """The newest checkpoint of the present origin. No row where none is signed yet."""
    return query_of(_newest_checkpoint(), AUDIT)


@cache
def _leaves_of() -> Compiled[LeafRow]:
    wanted = func.unnest(bindparam("positions", type_=ARRAY(BigInteger))).table_valued("position", name="wanted").render_derived()
    begins = AuditLeafPositions.first_position <= wanted.c.position
    tile = lateral(
        select(AuditLeafPositions.tile, AuditLeafPositions.positions)
        .where(begins)
        .order_by(AuditLeafPositions.first_position.desc())
        .limit(1),
        "leaves",
    )
    return compile_rows(select(wanted.c.position, tile.c.tile, tile.c.positions).join(tile, true()), LeafRow)


def leaves_of(positions: Iterable[int]) -> Query[LeafRow]:
    """A row for each of the positions, but for those before the first leaf."""
    return query_of(_leaves_of(), (), positions=list(positions))


@cache
def _leaf_count() -> Compiled[LastLeavesRow]:
    columns = AuditLeafPositions.tile, func.octet_length(AuditLeafPositions.positions).label("size_bytes")
    return compile_anchored(anchored(AUDIT, select(*columns).order_by(AuditLeafPositions.tile.desc()).limit(1)), LastLeavesRow)


def leaf_count() -> Query[LastLeavesRow]:
    """What the number of leaves follows from: one row, or none where the tree is empty."""
    return query_of(_leaf_count(), AUDIT)


@cache
def _tiles() -> Compiled[TileRow]:
    keys = bindparam("levels", type_=ARRAY(SmallInteger)), bindparam("tiles", type_=ARRAY(BigInteger))
    wanted = func.unnest(*keys).table_valued("level", "tile", name="wanted").render_derived()
    t = AuditTile
    rows = select(t.level, t.tile, t.hashes).join(wanted, (t.level == wanted.c.level) & (t.tile == wanted.c.tile))
    return compile_rows(rows, TileRow)


def tiles(wanted: Sequence[tuple[int, int]]) -> Query[TileRow]:
    """The tiles of these (level, tile) that are stored."""
    return query_of(_tiles(), (), levels=[level for level, _ in wanted], tiles=[tile for _, tile in wanted])


@cache
def _booking_changes() -> Compiled[VersionRow]:
    c = AuditBookingChange
    subjects = or_(c.subject == bindparam("booking_id", type_=Uuid), c.subject == EVENT_ID)
    return compile_anchored(anchored(AUDIT, select(c.version).where(subjects), "version"), VersionRow)


def booking_changes(booking_id: UUID, event_id: UUID) -> Query[VersionRow]:
    """The versions of the entries that changed the booking after it was made, or cancelled its event."""
    return query_of(_booking_changes(), AUDIT, booking_id=booking_id, event_id=event_id)


@cache
def _stored_entries() -> Compiled[StoredEntryRow]:
    e = ENTRIES.c
    version = column("originator_version", BigInteger)
    is_wanted = (column("originator_id", Uuid) == EVENT_ID, version == func.any(bindparam("versions", type_=ARRAY(BigInteger))))
    position, topic, mac = e.notification_id.label("position"), column("topic", Text), column("mac", LargeBinary)
    rows = select(version.label("version"), position, topic, e.state, mac).select_from(ENTRIES)
    return compile_rows(rows.where(*is_wanted).order_by(version), StoredEntryRow)


def stored_entries(event_id: UUID, versions: Iterable[int]) -> Query[StoredEntryRow]:
    """The entries of a stream with these versions."""
    return query_of(_stored_entries(), (), event_id=event_id, versions=sorted(versions))


@cache
def _entry_at() -> Compiled[PlacedEntryRow]:
    e = ENTRIES.c
    stream, version = column("originator_id", Uuid).label("stream"), column("originator_version", BigInteger).label("version")
    rows = select(stream, version, column("topic", Text), e.state).select_from(ENTRIES)
    return compile_rows(rows.where(e.notification_id == bindparam("position", type_=BigInteger)), PlacedEntryRow)


def entry_at(position: int) -> Query[PlacedEntryRow]:
    """The entry at that position: one row or none."""
    return query_of(_entry_at(), (), position=position)


@cache
def _signing() -> Compiled[SigningRow]:
    return compile_rows(select(AuditSigning.state, AuditSigning.origin, AuditSigning.detail), SigningRow)


def signing() -> Query[SigningRow]:
    """Whether the log is being signed. No row before the first checkpoint."""
    return query_of(_signing(), ())
