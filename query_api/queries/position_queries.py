"""The projections' positions, and what changed after a position."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Uuid,
    bindparam,
    column,
    exists,
    func,
    lateral,
    literal_column,
    null,
    or_,
    select,
    table,
    true,
    union_all,
)

from ledger.outbox import subscriptions as subscriptions_table
from ledger.webhooks import DELETED, WEBHOOKS, webhooks
from projections.availability import AvailabilityCategory, AvailabilityEvent
from projections.catalogue import CatalogueEvent
from projections.proof.verification_results import Verification
from projections.rebuild.rebuilder import Rebuild
from projections.registry import PROJECTORS
from projections.tables import Progress, SetAside
from query_api.database import Query, Row
from query_api.queries.compose import (
    AVAILABILITY,
    EVENTS,
    LIMIT,
    Compiled,
    anchored,
    as_text,
    compile_anchored,
    compile_rows,
    flags_of,
    json_rows,
    query_of,
    reached_by,
)
from query_api.queries.event_queries import pools_of

#: A projection's lag is counted up to this many entries.
MAX_LAG = 100_000
ENTRIES = table("ledger_entries", column("notification_id", BigInteger), column("state"))


class AvailableRow(Row, frozen=True, array_like=True):
    """Seats of a category that are left, and that are held, and its pool."""

    name: str
    available: int
    held: int
    pool: int | None


class AvailabilityChangeRow(Row, frozen=True):
    """The seats left of an event. `changed_at`: the position of the last entry that changed them. `categories`: a JSON array of
    AvailableRow; `pools`: of PoolRow, None without any."""

    event_id: UUID
    changed_at: int
    categories: str | None
    pools: str | None


class CategorySeatsRow(Row, frozen=True, array_like=True):
    name: str
    capacity: int
    taken: int
    held: int
    available: int
    pool: int | None


class ChangedEventRow(Row, frozen=True):
    """A change of an event, the last one at position `changed_at`. `categories`: a JSON array of CategorySeatsRow in the row for
    its seats; None in the row for anything else. `pools`: of PoolRow, None without any. An event with
    changes of both kinds has both rows."""

    event_id: UUID
    changed_at: int
    categories: str | None
    pools: str | None


class ProjectionPositionRow(Row, frozen=True):
    """The position of a projection; of the ledger's head where `name` is empty."""

    position: int
    name: str


class EmptyRow(Row, frozen=True):
    """For a query that selects nothing but the position that it is anchored to."""


class SetAsideRow(Row, frozen=True, array_like=True):
    """An event that a projection has set aside, at that position."""

    event_id: UUID
    position: int
    error: str


class ProgressRow(Row, frozen=True):
    """The progress of a projection. `set_aside`: a JSON array of SetAsideRow, or None. `lag`: the number of entries past the
    position, up to MAX_LAG. `next_entry`: the first of them, as stored. `updated_at`: when the position moved last. The columns
    from `started_from` on are of the projection's rebuild; None where there is none."""

    position: int
    name: str
    version: int
    failed_position: int | None
    error: str | None
    set_aside: str | None
    head: int
    lag: int
    next_entry: bytes | None
    updated_at: datetime
    started_from: int | None
    rebuilt_to: int
    target: int
    started_at: datetime
    recorded_at: datetime


class SubscriptionRow(Row, frozen=True):
    """How far those are who follow the ledger to tell others. `has_listeners`: whether there is a webhook; of mail, true. The other
    fields as in ProgressRow."""

    name: str
    position: int
    failed_position: int | None
    error: str | None
    head: int
    lag: int
    next_entry: bytes | None
    updated_at: datetime
    has_listeners: bool


class VerificationRow(Row, frozen=True):
    started_at: datetime
    finished_at: datetime
    position: int
    entries: int
    finding: str | None


@cache
def _availability_changes(flags: frozenset[str]) -> Compiled[AvailabilityChangeRow]:
    e, c = AvailabilityEvent, AvailabilityCategory
    categories = lateral(
        select(json_rows(AvailableRow, c.category.expression, c.name, c.available, c.held, c.pool).label("categories")).where(
            c.event_id == e.event_id
        ),
        "c",
    )
    rows = select(e.event_id, e.position.label("changed_at"), categories.c.categories, pools_of(e.event_id)).join(
        categories, true()
    )
    if "event_ids" in flags:
        rows = rows.where(e.event_id == func.any(bindparam("event_ids", type_=ARRAY(Uuid))))
    if "after" in flags:
        rows = rows.where(e.position > bindparam("after", type_=BigInteger))
    rows = rows.order_by(e.position).limit(LIMIT)
    return compile_anchored(anchored(AVAILABILITY, rows, "changed_at"), AvailabilityChangeRow)


def availability_changes(*, event_ids: list[UUID] | None, after: int | None, limit: int) -> Query[AvailabilityChangeRow]:
    """Seats left of the events (None: of all events) whose seats changed after that position, in the order of the changes."""
    compiled = _availability_changes(flags_of(event_ids=event_ids, after=after))
    return query_of(compiled, AVAILABILITY, event_ids=event_ids, after=after, limit=limit)


@cache
def _changed_events() -> Compiled[ChangedEventRow]:
    a, s, c = AvailabilityEvent, AvailabilityCategory, CatalogueEvent
    after = bindparam("after", type_=BigInteger)
    rows = json_rows(CategorySeatsRow, s.category.expression, s.name, s.capacity, s.taken, s.held, s.available, s.pool)
    categories = lateral(select(rows.label("categories")).where(s.event_id == a.event_id), "c")
    columns = (a.event_id, a.position.label("changed_at"), categories.c.categories, pools_of(a.event_id))
    seats = select(*columns).join(categories, true())
    seats = seats.where(a.position > after)
    details = select(c.event_id, c.position, null(), null()).where(c.position > after)
    changed = union_all(seats, details).subquery("changed")
    rows_ = select(*changed.c).order_by(changed.c.changed_at).limit(LIMIT)
    return compile_anchored(anchored(EVENTS, rows_, "changed_at"), ChangedEventRow)


def changed_events(*, after: int, limit: int) -> Query[ChangedEventRow]:
    """The events that changed after that position, in the order of the changes: a row for a change of seats, and one for a change
    of anything else."""
    return query_of(_changed_events(), EVENTS, after=after, limit=limit)


@cache
def _positions() -> Compiled[ProjectionPositionRow]:
    head = func.coalesce(select(func.max(ENTRIES.c.notification_id)).scalar_subquery(), 0)
    both = union_all(select(Progress.position, Progress.name), select(head, as_text(""))).subquery("both")
    return compile_rows(select(*both.c), ProjectionPositionRow)


def positions() -> Query[ProjectionPositionRow]:
    """The position of each projection, and the head of the ledger."""
    return query_of(_positions(), ())


@cache
def _reached_only(projections: tuple[str, ...]) -> Compiled[EmptyRow]:
    return compile_anchored(select(reached_by(projections).c.position), EmptyRow)


def projections_position(projections: tuple[str, ...]) -> Query[EmptyRow]:
    """The lowest position of these projections, without rows."""
    return query_of(_reached_only(projections), projections)


def _lags(table_: Any, position: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
    """The columns `head`, `lag` and `next_entry` of rows of the table with this position."""
    later = ENTRIES.c.notification_id > position
    counted = select(ENTRIES.c.notification_id).where(later).limit(literal_column(str(MAX_LAG))).correlate(table_).subquery("later")
    lag = select(func.count()).select_from(counted.lateral()).scalar_subquery()
    oldest = select(ENTRIES.c.state).where(later).order_by(ENTRIES.c.notification_id).limit(literal_column("1")).scalar_subquery()
    head = func.coalesce(select(func.max(ENTRIES.c.notification_id)).scalar_subquery(), 0)
    return head.label("head"), lag.label("lag"), oldest.label("next_entry")


@cache
def _progress() -> Compiled[ProgressRow]:
    p, r, s = Progress, Rebuild, SetAside
    of_projections = or_(
        *(p.name == as_text(name) for name in PROJECTORS)
    )  # the table has rows of other followers of the ledger, too
    events = json_rows(SetAsideRow, s.position.expression, s.event_id, s.position, s.error)
    set_aside = select(events).where(s.name == p.name).scalar_subquery().label("set_aside")
    columns = (p.position, p.name, p.version, p.failed_position, p.error, set_aside, *_lags(p, p.position.expression), p.updated_at)
    rebuild = (r.started_from, r.position.label("rebuilt_to"), r.target, r.started_at, r.updated_at.label("recorded_at"))
    rows = select(*columns, *rebuild).outerjoin(r, r.name == p.name)
    return compile_rows(rows.where(of_projections).order_by(p.name), ProgressRow)


def progress() -> Query[ProgressRow]:
    """The progress of each projection and of its rebuild."""
    return query_of(_progress(), ())


@cache
def _subscriptions() -> Compiled[SubscriptionRow]:
    s = subscriptions_table.c
    has_listeners = or_(s.name != as_text(WEBHOOKS), exists().where(webhooks.c.state != as_text(DELETED)))
    columns = (s.name, s.position, s.failed_position, s.error, *_lags(subscriptions_table, s.position), s.updated_at)
    return compile_rows(select(*columns, has_listeners.label("has_listeners")).order_by(s.name), SubscriptionRow)


def subscriptions() -> Query[SubscriptionRow]:
    """How far mail and webhooks are, as far as they have begun."""
    return query_of(_subscriptions(), ())


@cache
def _verification() -> Compiled[VerificationRow]:
    v = Verification
    columns = (v.started_at, v.finished_at, v.position, v.entries, v.finding)
    return compile_rows(select(*columns).order_by(v.finished_at.desc()).limit(literal_column("1")), VerificationRow)


def verification() -> Query[VerificationRow]:
    """The last verification: one row, or none."""
    return query_of(_verification(), ())
