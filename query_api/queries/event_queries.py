"""Events as they are listed and shown."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    and_,
    bindparam,
    func,
    lateral,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.selectable import LateralFromClause

from ledger.details import PaymentMethod
from ledger.views import EventStatus, GuestCheckout
from projections.availability import AvailabilityCategory, AvailabilityPool
from projections.catalogue import LASTING, CatalogueCategory, CatalogueEvent
from query_api.database import Query, Row
from query_api.queries.compose import (
    EVENT_ID,
    EVENTS,
    FROM,
    LIMIT,
    PATTERN,
    TO,
    Compiled,
    Statement,
    anchored,
    compile_anchored,
    flags_of,
    json_rows,
    literal_pattern,
    query_of,
)

#: The sort key of an event in lists: its start, None for an open date, and its id.
EventKey = tuple[datetime | None, UUID]
_NEVER = literal_column("'infinity'::timestamp with time zone", DateTime(timezone=True))
_LISTED = func.coalesce(CatalogueEvent.starts_at, _NEVER)
_NOW = bindparam("upcoming_from", type_=DateTime(timezone=True))


class CategoryRow(Row, frozen=True, array_like=True):
    """A category of an event. `price` is in minor units."""

    category: int
    name: str
    price: int
    capacity: int
    taken: int
    held: int
    available: int
    pool: int | None


class PoolRow(Row, frozen=True, array_like=True):
    """A pool of an event. `available`: of its own capacity."""

    pool: int
    name: str
    capacity: int
    taken: int
    held: int
    available: int


class EventRow(Row, frozen=True):
    """An event. `categories`: a JSON array of CategoryRow; `pools`: of PoolRow, None without any; `codes`: of
    LiveCodes, likewise."""

    event_id: UUID
    number: int
    name: str
    description: str
    venue: str
    starts_at: datetime | None
    ends_at: datetime | None
    timezone: str
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    past_at: datetime | None
    show_at: datetime | None
    currency: str
    status: EventStatus
    organizer_id: UUID
    max_tickets_per_customer: int | None
    guest_checkout: GuestCheckout
    hold_minutes: int
    payment_methods: list[PaymentMethod]
    details_version: int
    created_at: datetime
    categories: str
    pools: str | None
    codes: str | None


def _categories_of_event() -> LateralFromClause:
    """The categories that both the catalogue and the availability projection have: an event is shown once both have it."""
    c, a = CatalogueCategory, AvailabilityCategory
    rows = json_rows(
        CategoryRow, c.category.expression, c.category, c.name, c.price, a.capacity, a.taken, a.held, a.available, a.pool
    )
    both = and_(a.event_id == c.event_id, a.category == c.category)
    return lateral(
        select(rows.label("categories")).select_from(c).join(a, both).where(c.event_id == CatalogueEvent.event_id), "of_event"
    )


def pools_of(event_id: InstrumentedAttribute[UUID]) -> ColumnElement[str]:
    """The column `pools`: the pools of the event with the id in this column."""
    p = AvailabilityPool
    rows = json_rows(PoolRow, p.pool.expression, p.pool, p.name, p.capacity, p.taken, p.held, p.available)
    return select(rows).where(p.event_id == event_id).scalar_subquery().label("pools")


def event_rows(*where: ColumnElement[bool]) -> Statement:
    """The columns of EventRow."""
    e, categories = CatalogueEvent, _categories_of_event()
    return (
        select(
            e.event_id, e.number, e.name, e.description, e.venue, e.starts_at, e.ends_at, e.timezone, e.sales_open_at,
            e.sales_close_at, e.past_at, e.show_at, e.currency, e.status, e.organizer_id, e.max_tickets_per_customer,
            e.guest_checkout, e.hold_minutes, e.payment_methods, e.details_version, e.created_at, categories.c.categories,
            pools_of(e.event_id), e.codes,
        )
        .select_from(e)
        .join(categories, categories.c.categories.is_not(None))
        .where(*where)
    )  # fmt: skip


@cache
def _event() -> Compiled[EventRow]:
    return compile_anchored(anchored(EVENTS, event_rows(CatalogueEvent.event_id == EVENT_ID)), EventRow)


def event_by_id(event_id: UUID) -> Query[EventRow]:
    return query_of(_event(), EVENTS, event_id=event_id)


@cache
def _events(flags: frozenset[str]) -> Compiled[EventRow]:
    e = CatalogueEvent
    after_time = bindparam("after_time", type_=DateTime(timezone=True))
    key = tuple_(func.coalesce(after_time, _NEVER), bindparam("after_id", type_=Uuid))
    conditions: dict[str, ColumnElement[bool]] = {
        "q": e.search.like(PATTERN),
        "from_": and_(_LISTED >= FROM, e.starts_at.is_not(None)),
        "to": _LISTED <= TO,
        "status": e.status == bindparam("status", type_=Text),
        "organizer_id": e.organizer_id == bindparam("organizer_id", type_=Uuid),
        "after": tuple_(_LISTED, e.event_id) > key,
    }
    chosen = [condition for name, condition in conditions.items() if name in flags]
    rows = _upcoming(chosen) if "upcoming_from" in flags else _page(chosen)
    return compile_anchored(anchored(EVENTS, rows, "starts_at", "event_id"), EventRow)


def _page(conditions: Iterable[ColumnElement[bool]]) -> Statement:
    return event_rows(*conditions).order_by(_LISTED, CatalogueEvent.event_id).limit(LIMIT)


def _upcoming(conditions: list[ColumnElement[bool]]) -> Statement:
    """Events that have not begun, and events that have begun but are still sold: each part by an index in the order of the list."""
    e, lasting = CatalogueEvent, literal_column(LASTING, Boolean)
    begun = [lasting, e.starts_at <= _NOW, or_(e.past_at.is_(None), e.past_at > _NOW)]
    pages = (_page([*conditions, *more]).subquery().select() for more in ([_LISTED > _NOW], begun))
    both = union_all(*pages).subquery()
    return select(both).order_by(both.c.starts_at, both.c.event_id).limit(LIMIT)


class EventSearch(NamedTuple):
    """A filter of None does not restrict. `upcoming`: only events that are not past. `after`: the last event of the page before."""

    q: str = ""
    from_: datetime | None = None
    to: datetime | None = None
    status: str | None = None
    upcoming: bool = False
    organizer_id: UUID | None = None
    after: EventKey | None = None
    limit: int = 50


def event_page(search: EventSearch, now: datetime) -> Query[EventRow]:
    """Events by start, those with an open date last: up to `limit` + 1 rows."""
    filters: dict[str, Any] = {
        "upcoming_from": now if search.upcoming else None, "from_": search.from_, "to": search.to, "status": search.status,
        "organizer_id": search.organizer_id,
    }  # fmt: skip
    compiled = _events(flags_of(q=search.q or None, after=search.after, **filters))
    time, event_id = search.after or (None, None)
    pattern, replan = literal_pattern(search.q), bool(search.q)
    return query_of(
        compiled, EVENTS, replan=replan, pattern=pattern, limit=search.limit + 1, after_time=time, after_id=event_id, **filters
    )
