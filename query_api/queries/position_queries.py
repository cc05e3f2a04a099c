"""How far the projections are, and what changed since."""

from functools import cache
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Uuid,
    bindparam,
    column,
    func,
    lateral,
    literal_column,
    null,
    or_,
    select,
    table,
    true,
    union_all,
)  # fmt: skip

from projections.availability import AvailabilityCategory, AvailabilityEvent
from projections.catalogue import CatalogueEvent
from projections.proof.verify import Verification
from projections.rebuild.rebuilder import Rebuild
from projections.registry import PROJECTORS
from projections.tables import Progress
from query_api.database import Query
from query_api.queries.compose import (
    AVAILABILITY,
    EVENTS,
    LIMIT,
    Compiled,
    anchored,
    as_text,
    compiled_once,
    flags_of,
    json_rows,
    query_of,
    reached_by,
)

#: Entries behind which a projection's lag is not counted further.
MAX_LAG = 100_000
ENTRIES = table("ledger_entries", column("notification_id", BigInteger), column("state"))


@cache
def _changes(flags: frozenset[str]) -> Compiled:
    e, c = AvailabilityEvent, AvailabilityCategory
    categories = lateral(
        select(json_rows(c.category.expression, c.name, c.available).label("rows")).where(c.event_id == e.event_id), "c"
    )
    rows = select(e.event_id, e.position.label("changed_at"), categories.c.rows).join(categories, true())
    if "event_ids" in flags:
        rows = rows.where(e.event_id == func.any(bindparam("event_ids", type_=ARRAY(Uuid))))
    if "after" in flags:
        rows = rows.where(e.position > bindparam("after", type_=BigInteger))
    return compiled_once(anchored(AVAILABILITY, rows.order_by(e.position).limit(LIMIT), "changed_at"))


def availability_changes(*, event_ids: list[UUID] | None, after: int | None, limit: int) -> Query:
    """Seats left, of the events named (None: of all) whose seats changed after that position, in the order of their changes."""
    return query_of(
        _changes(flags_of(event_ids=event_ids, after=after)), AVAILABILITY, event_ids=event_ids, after=after, limit=limit
    )


@cache
def _event_changes() -> Compiled:
    a, s, c = AvailabilityEvent, AvailabilityCategory, CatalogueEvent
    after = bindparam("after", type_=BigInteger)
    categories = lateral(
        select(json_rows(s.category.expression, s.name, s.capacity, s.taken, s.available).label("rows")).where(
            s.event_id == a.event_id
        ),
        "c",
    )
    seats = select(a.event_id, a.position.label("changed_at"), categories.c.rows).join(categories, true()).where(a.position > after)
    details = select(c.event_id, c.position, null()).where(c.position > after)
    changed = union_all(seats, details).subquery("changed")
    return compiled_once(anchored(EVENTS, select(*changed.c).order_by(changed.c.changed_at).limit(LIMIT), "changed_at"))


def event_changes(*, after: int, limit: int) -> Query:
    """(event, position, its categories' seats) of what was sold or given back after that position; with null for seats, of what
    changed otherwise. In the order of the changes."""
    return query_of(_event_changes(), EVENTS, after=after, limit=limit)


@cache
def _positions() -> Compiled:
    head = func.coalesce(select(func.max(ENTRIES.c.notification_id)).scalar_subquery(), 0)
    return compiled_once(union_all(select(Progress.position, Progress.name), select(head, as_text(""))))  # type: ignore[arg-type]


def positions() -> Query:
    """(position, name) of each projection, and (head of the ledger, "")."""
    return query_of(_positions(), ())


@cache
def _reached_only(reads: tuple[str, ...]) -> Compiled:
    return compiled_once(select(reached_by(reads).c.position, as_text("")))


def projections_position(reads: tuple[str, ...]) -> Query:
    """No more than the position."""
    return query_of(_reached_only(reads), reads)


@cache
def _progress() -> Compiled:
    p, r = Progress, Rebuild
    later = ENTRIES.c.notification_id > p.position
    counted = select(ENTRIES.c.notification_id).where(later).limit(literal_column(str(MAX_LAG))).correlate(p).subquery("later")
    lag = select(func.count()).select_from(counted.lateral()).scalar_subquery()
    oldest = select(ENTRIES.c.state).where(later).order_by(ENTRIES.c.notification_id).limit(literal_column("1")).scalar_subquery()
    head = func.coalesce(select(func.max(ENTRIES.c.notification_id)).scalar_subquery(), 0)
    of_projections = or_(*(p.name == as_text(name) for name in PROJECTORS))  # the table knows others who follow the ledger too
    columns = (p.position, p.name, p.version, p.failed_position, p.error, head, lag, oldest, p.updated_at)
    rebuild = (r.started_from, r.position.label("at"), r.target, r.started_at, r.updated_at.label("noted_at"))
    rows = select(*columns, *rebuild).outerjoin(r, r.name == p.name)
    return compiled_once(rows.where(of_projections).order_by(p.name))


def progress() -> Query:
    """A row a projection: position, name, version, failed_position, error, head of the ledger, entries behind, next entry, when it
    moved last; and of its rebuild, nulls where there is none: where it went on from, position, target, when that was, when it was
    noted."""
    return query_of(_progress(), ())


@cache
def _verification() -> Compiled:
    v = Verification
    columns = (v.started_at, v.finished_at, v.position, v.entries, v.finding)
    return compiled_once(select(*columns).order_by(v.finished_at.desc()).limit(literal_column("1")))


def verification() -> Query:
    """The last one: when it began and ended, position, entries, finding."""
    return query_of(_verification(), ())
