"""Statistics: for an admin over all events, for an organizer over their own. Each response names the ledger position it shows."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from accounts.access import Organizer, viewer_of
from ledger.accepted_types import PrefersCsv
from ledger.errors import EventNotFound, Malformed, NotYourEvent
from query_api import queries
from query_api.parameters import Cursor, From, Limit, Search, To, cursor_of, number_cursor, split_page
from query_api.read_side import Reader
from query_api.responses.csv_export import Cell, csv_response
from query_api.responses.http import JSON_OR_CSV, json_response
from query_api.responses.mapping import event_stats_view, revenue_view, sales_view, summary_view
from query_api.responses.statistics_views import EventStatsPage, EventStatsView, RevenueView, SalesSeries, SalesView, SummaryView

router = APIRouter(prefix="/api/stats", tags=["stats"])

EventId = Annotated[UUID | None, Query(description="Only sales of this event")]
#: Amounts are strings in JSON and numbers in a spreadsheet.
_AMOUNTS = frozenset({"gross", "refunded", "net", "received", "paid_back", "due", "refund_due"})


@router.get("/summary", operation_id="get_stats_summary", response_model=SummaryView, responses=JSON_OR_CSV)
async def get_stats_summary(principal: Organizer, reader: Reader, as_csv: PrefersCsv) -> Response:
    """Totals over all events. As CSV: one row for each currency."""
    position, rows = await reader.fetch(queries.summary(viewer_of(principal)))
    if as_csv:
        counts = ("active", "cancelled", "completed", "bookings", "cancellations", "capacity", "taken")
        header = ("currency", *counts, *_header(RevenueView)[1:])
        lines: list[list[Cell]] = [
            [row.currency, *(getattr(row, name) for name in counts), *_cells(revenue_view(row))[1:]] for row in rows
        ]
        return csv_response("summary", header, lines, position)
    return json_response(summary_view(position, rows), position)


@router.get("/events", operation_id="get_stats_events", response_model=EventStatsPage, responses=JSON_OR_CSV)
async def get_stats_events(
    principal: Organizer, reader: Reader, as_csv: PrefersCsv, q: Search = "", limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Statistics by event, newest first; `q` is searched in the name. As CSV: all events; `limit` and `cursor` do not apply."""
    if as_csv:
        pages = reader.export(queries.all_event_totals(viewer_of(principal), q), lambda row: _cells(event_stats_view(row)))
        return await reader.side.exports.response("events", principal.id, _header(EventStatsView), pages)
    position, rows = await reader.fetch(
        queries.event_totals(viewer=viewer_of(principal), q=q, after=number_cursor(cursor), limit=limit)
    )
    shown, more = split_page(rows, limit)
    items = [event_stats_view(row) for row in shown]
    next_cursor = cursor_of(items[-1].number) if more else None
    return json_response(EventStatsPage(items=items, next_cursor=next_cursor, ledger_position=position), position)


@router.get("/sales", operation_id="get_stats_sales", response_model=SalesSeries, responses=JSON_OR_CSV)
async def get_stats_sales(
    principal: Organizer, reader: Reader, as_csv: PrefersCsv, interval: queries.Interval = queries.Interval.DAY,
    event_id: EventId = None, from_: From = None, to: To = None,
) -> Response:  # fmt: skip
    """Sales over time, in UTC: the hours that begin at `from` or later and before `to`, summed up by `interval`."""
    viewer = viewer_of(principal)
    position, rows = await reader.fetch(queries.sales(interval=interval, viewer=viewer, event_id=event_id, from_=from_, to=to))
    if not rows:
        raise EventNotFound
    if event_id is not None and viewer not in (None, rows[0].owner_id):
        raise NotYourEvent
    items = [sales_view(row) for row in rows if row.start is not None]
    if len(items) > queries.MAX_BUCKETS:
        raise Malformed(f"That is more than {queries.MAX_BUCKETS} intervals: narrow the range, or choose longer intervals.")
    if as_csv:
        return csv_response(f"sales-by-{interval}", _header(SalesView), map(_cells, items), position)
    return json_response(SalesSeries(items=items, next_cursor=None, ledger_position=position), position)


def _header(view: type[Any]) -> Sequence[str]:
    return [field.name for field in fields(view)]


def _cells(view: EventStatsView | SalesView | RevenueView) -> list[Cell]:
    values = ((name, getattr(view, name)) for name in _header(type(view)))
    return [Decimal(value) if name in _AMOUNTS else value for name, value in values]
