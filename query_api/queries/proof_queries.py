"""The log's checkpoints, where its leaves are, and the hashes that prove something."""

from collections.abc import Iterable, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, SmallInteger, Uuid, bindparam, column, func, lateral, or_, select, true
from sqlalchemy.orm import aliased

from projections.audit import AuditAmendment, AuditLeaves, AuditTile
from projections.merkle import WIDTH
from projections.proof.checkpoints import AuditCheckpoint, AuditSigning
from query_api.database import Query
from query_api.queries.compose import AUDIT, EVENT_ID, Compiled, anchored, compiled_once, query_of
from query_api.queries.position_queries import ENTRIES


@cache
def _newest_checkpoint() -> Compiled:
    c, last = AuditCheckpoint, aliased(AuditLeaves)
    newest = select(c.note, c.size).join(AuditSigning, AuditSigning.origin == c.origin).order_by(c.size.desc()).limit(1).subquery()
    of_last_leaf = last.tile == func.div(newest.c.size - 1, WIDTH).cast(BigInteger)
    return compiled_once(anchored(AUDIT, select(newest.c.note, last.positions).join(last, of_last_leaf)))


def newest_checkpoint() -> Query:
    """Its note, and the positions of the tile that its last leaf is in. No row where nothing was signed under this origin yet."""
    return query_of(_newest_checkpoint(), AUDIT)


@cache
def _leaves_of() -> Compiled:
    """For each of the positions the tile that it is in, if it is in one."""
    wanted = func.unnest(bindparam("positions", type_=ARRAY(BigInteger))).table_valued("position", name="wanted").render_derived()
    its = AuditLeaves.first_position <= wanted.c.position
    tile = lateral(
        select(AuditLeaves.tile, AuditLeaves.positions).where(its).order_by(AuditLeaves.first_position.desc()).limit(1), "leaves"
    )
    return compiled_once(select(wanted.c.position, tile.c.tile, tile.c.positions).join(tile, true()))


def leaves_of(positions: Iterable[int]) -> Query:
    return query_of(_leaves_of(), (), positions=list(positions))


@cache
def _leaf_count() -> Compiled:
    columns = AuditLeaves.tile, func.octet_length(AuditLeaves.positions)
    return compiled_once(anchored(AUDIT, select(*columns).order_by(AuditLeaves.tile.desc()).limit(1)))


def leaf_count() -> Query:
    """The last tile of leaves, and how many bytes its positions have: 8 for each."""
    return query_of(_leaf_count(), AUDIT)


@cache
def _tiles() -> Compiled:
    given = bindparam("levels", type_=ARRAY(SmallInteger)), bindparam("tiles", type_=ARRAY(BigInteger))
    wanted = func.unnest(*given).table_valued("level", "tile", name="wanted").render_derived()
    t = AuditTile
    rows = select(t.level, t.tile, t.hashes).join(wanted, (t.level == wanted.c.level) & (t.tile == wanted.c.tile))
    return compiled_once(rows)


def tiles(wanted: Sequence[tuple[int, int]]) -> Query:
    """(level, tile, hashes) of those that are there."""
    return query_of(_tiles(), (), levels=[level for level, _ in wanted], tiles=[tile for _, tile in wanted])


@cache
def _amendments() -> Compiled:
    a = AuditAmendment
    subjects = or_(a.subject == bindparam("booking_id", type_=Uuid), a.subject == EVENT_ID)
    return compiled_once(anchored(AUDIT, select(a.version).where(subjects), "version"))


def amendments(booking_id: UUID, event_id: UUID) -> Query:
    """The versions of the entries that changed the booking after it was made, or cancelled its event."""
    return query_of(_amendments(), AUDIT, booking_id=booking_id, event_id=event_id)


@cache
def _stored_entries() -> Compiled:
    e = ENTRIES.c
    version = column("originator_version", BigInteger)
    is_wanted = (column("originator_id", Uuid) == EVENT_ID, version == func.any(bindparam("versions", type_=ARRAY(BigInteger))))
    rows = select(version, e.notification_id, column("topic"), e.state, column("mac")).select_from(ENTRIES)
    return compiled_once(rows.where(*is_wanted).order_by(version))


def stored_entries(event_id: UUID, versions: Iterable[int]) -> Query:
    """(version, position, topic, raw bytes, MAC) of these of a stream."""
    return query_of(_stored_entries(), (), event_id=event_id, versions=sorted(versions))


@cache
def _signing() -> Compiled:
    return compiled_once(select(AuditSigning.state, AuditSigning.origin, AuditSigning.detail))


def signing() -> Query:
    """Whether the log is signed (projections/proof/checkpoints.py), as which origin, and why not. No row before the first time."""
    return query_of(_signing(), ())
