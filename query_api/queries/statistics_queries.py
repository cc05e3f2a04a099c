"""Totals of sales: over all events, by event, and over time. Amounts are in minor units."""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    bindparam,
    cast,
    func,
    lateral,
    select,
    true,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import FromClause

from ledger.views import EventStatus
from projections.revenue import RevenueCategory, RevenueEvent, RevenueHour
from query_api.database import Query, Row
from query_api.queries.compose import (
    EVENT_ID,
    FROM,
    LIMIT,
    PATTERN,
    REVENUE,
    TO,
    VIEWER,
    Compiled,
    Statement,
    anchored,
    as_text,
    compile_anchored,
    compile_rows,
    flags_of,
    literal_pattern,
    query_of,
    reached_by,
)

#: Rows of a time series.
MAX_BUCKETS = 10_000


class SummaryRow(Row, frozen=True):
    """Totals of one currency. `active`, `cancelled`, `completed`: the number of events."""

    currency: str
    active: int
    cancelled: int
    completed: int
    bookings: int
    cancellations: int
    capacity: int
    taken: int
    gross: int
    refunded: int
    received: int
    paid_back: int
    due: int
    refund_due: int


class EventTotalsRow(Row, frozen=True):
    event_id: UUID
    number: int
    name: str
    starts_at: datetime | None
    status: EventStatus
    currency: str
    capacity: int
    taken: int
    bookings: int
    cancellations: int
    gross: int
    refunded: int
    received: int
    paid_back: int
    due: int
    refund_due: int


class SalesRow(Row, frozen=True):
    """The sales of one interval and currency. `owner_id`: the organizer of the event that was asked for; empty where none was
    named. Without sales, all other columns are None."""

    start: datetime | None
    currency: str
    bookings: int
    cancellations: int
    tickets: int
    tickets_cancelled: int
    gross: int
    refunded: int
    owner_id: UUID | str


class Interval(StrEnum):
    """By what sales are summed up."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


def _total(amount: Any, name: str) -> Any:
    return cast(func.sum(amount), BigInteger).label(name)


#: Of bookings that are paid through Seatledger.
_MONEY = ("received", "paid_back", "due", "refund_due")


@cache
def _summary(flags: frozenset[str]) -> Compiled[SummaryRow]:
    e, c = RevenueEvent, RevenueCategory
    capacity = cast(func.sum(c.capacity) - e.beyond_pools, BigInteger).label("capacity")
    totals = [capacity, *(_total(getattr(c, name), name) for name in ("taken", "gross", "refunded"))]
    money = [getattr(e, name) for name in _MONEY]
    each = (
        select(e.currency, e.status, e.bookings, e.cancellations, *totals, *money)
        .join(c, c.event_id == e.event_id)
        .group_by(e.event_id)
    )
    event = (each.where(e.organizer_id == VIEWER) if "viewer" in flags else each).subquery("event").c
    counts = [func.count().filter(event.status == as_text(status)).label(status) for status in ("active", "cancelled", "completed")]
    sums = [_total(event[name], name) for name in ("bookings", "cancellations", "capacity", "taken", "gross", "refunded", *_MONEY)]
    rows = select(event.currency, *counts, *sums).group_by(event.currency)
    return compile_anchored(anchored(REVENUE, rows, "currency"), SummaryRow)


def summary(viewer: UUID | None) -> Query[SummaryRow]:
    """A row for each currency. `viewer`: the organizer whose events count; None: all events."""
    return query_of(_summary(flags_of(viewer=viewer)), REVENUE, shared=True, viewer=viewer)


def _event_total_rows(flags: frozenset[str], limit: ColumnElement[int] | None) -> Statement:
    e, c = RevenueEvent, RevenueCategory
    conditions: dict[str, ColumnElement[bool]] = {
        "viewer": e.organizer_id == VIEWER,
        "q": func.lower(e.name).like(PATTERN),
        "after": e.number < bindparam("after", type_=BigInteger),
    }
    page = select(e).where(*(condition for name, condition in conditions.items() if name in flags)).order_by(e.number.desc())
    row = page.limit(limit).subquery("page").c
    amounts = [_total(getattr(c, name), name) for name in ("capacity", "taken", "gross", "refunded")]
    totals = lateral(select(*amounts).where(c.event_id == row.event_id), "totals")
    return select(
        row.event_id, row.number, row.name, row.starts_at, row.status, row.currency,
        cast(totals.c.capacity - row.beyond_pools, BigInteger).label("capacity"), totals.c.taken,
        row.bookings, row.cancellations, totals.c.gross, totals.c.refunded, *(getattr(row, name) for name in _MONEY),
    ).join(totals, true())  # fmt: skip


@cache
def _event_totals(flags: frozenset[str]) -> Compiled[EventTotalsRow]:
    return compile_anchored(anchored(REVENUE, _event_total_rows(flags, LIMIT), "number", descending=True), EventTotalsRow)


@cache
def _all_event_totals(flags: frozenset[str]) -> Compiled[EventTotalsRow]:
    rows = _event_total_rows(flags, None)
    return compile_rows(rows.order_by(rows.selected_columns.number.desc()), EventTotalsRow)


def event_totals(*, viewer: UUID | None, q: str | None, after: int | None, limit: int) -> Query[EventTotalsRow]:
    """A row for each event, newest first: up to `limit` + 1."""
    flags, pattern = flags_of(viewer=viewer, q=q or None, after=after), literal_pattern(q or "")
    values = {"viewer": viewer, "pattern": pattern, "after": after, "limit": limit + 1}
    return query_of(_event_totals(flags), REVENUE, replan=bool(q), shared=True, **values)


def all_event_totals(viewer: UUID | None, q: str | None) -> Query[EventTotalsRow]:
    """All events, for an export; not anchored."""
    flags, pattern = flags_of(viewer=viewer, q=q or None), literal_pattern(q or "")
    return query_of(_all_event_totals(flags), REVENUE, replan=bool(q), viewer=viewer, pattern=pattern)


_AMOUNTS = ("bookings", "cancellations", "tickets", "tickets_cancelled", "gross", "refunded")


@cache
def _sales(interval: Interval, flags: frozenset[str]) -> Compiled[SalesRow]:
    e, h = RevenueEvent, RevenueHour
    conditions: dict[str, ColumnElement[bool]] = {
        "event_id": h.event_id == EVENT_ID,
        "viewer": e.organizer_id == VIEWER,
        "from_": h.hour >= FROM,
        "to": h.hour < TO,
    }
    start = func.date_trunc(as_text(interval), h.hour, as_text("UTC"), type_=DateTime(timezone=True)).label("start")
    sums = [_total(getattr(h, name), name) for name in _AMOUNTS]
    buckets = select(start, e.currency, *sums).join(e, e.event_id == h.event_id)
    buckets = buckets.where(*(condition for name, condition in conditions.items() if name in flags)).group_by(start, e.currency)
    reached, owner = reached_by(REVENUE), aliased(RevenueEvent)
    result = buckets.order_by(start, e.currency).limit(MAX_BUCKETS + 1).subquery("q")
    source: FromClause = reached
    owner_id: ColumnElement[Any] = as_text("")
    if "event_id" in flags:
        source, owner_id = reached.outerjoin(owner, owner.event_id == EVENT_ID), owner.organizer_id.expression
    statement = select(reached.c.position, *result.c, owner_id.label("owner_id")).select_from(source.outerjoin(result, true()))
    return compile_anchored(statement.order_by(result.c.start, result.c.currency), SalesRow)


def sales(
    *, interval: Interval, viewer: UUID | None, event_id: UUID | None, from_: datetime | None, to: datetime | None
) -> Query[SalesRow]:
    """A row for each interval and currency with sales or refunds, up to MAX_BUCKETS + 1. No rows: there is no such event."""
    filters: dict[str, Any] = {"viewer": viewer, "event_id": event_id, "from_": from_, "to": to}
    return query_of(_sales(interval, flags_of(**filters)), REVENUE, shared=True, **filters)
