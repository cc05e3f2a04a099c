"""Plain asyncpg for reads: the same SELECTs as Seatledger's over the same rows, and pydantic models. It also takes bookings, by the
strongest plain SQL, in tables of its own in the schema `peer` of the same database.

It has no log-in: customer and organizer are in the query string, which Seatledger's requests contain as well. Ids of categories and
tickets are made up, and no MAC is computed.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import asyncpg
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from pydantic_core import from_json

from benchmarks.peers import plain_sql, read_bodies
from benchmarks.peers.bodies import Booking, Line, Ticket, money
from query_api import queries
from query_api.database import Query as Select
from query_api.parameters import cursor_of

router = APIRouter()
router.include_router(plain_sql.router)

#: Connections for reads. At 64 clients on 2 cores, sizes from 4 to 16 were equally fast.
POOL_SIZE = 10
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_NOBODY = UUID(int=0)
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=300)]


class Statement(NamedTuple):
    """A SELECT with asyncpg's numbered parameters, and their default values."""

    sql: str
    values: dict[str, Any]

    @classmethod
    def of(cls, select: Select[Any]) -> "Statement":
        values: dict[str, Any] = {}

        def numbered(match: re.Match[str]) -> str:
            if match[1] is None:
                return "%"
            values.setdefault(match[1], select.parameters[match[1]])
            return f"${list(values).index(match[1]) + 1}"

        return cls(_PARAMETER.sub(numbered, select.sql), values)

    async def rows(self, request: Request, **values: Any) -> Sequence[Any]:
        """The rows. If no row matches, there is one with only the position."""
        rows: Sequence[Any] = await request.app.state.read_pool.fetch(self.sql, *(self.values | values).values())
        return rows


def _events(q: str) -> Statement:
    return Statement.of(queries.event_page(queries.EventSearch(q=q, status="active", upcoming=True), datetime.now(UTC)))


_EVENT, _EVENTS, _SEARCH = Statement.of(queries.event_by_id(_NOBODY)), _events(""), _events("something")
_BOOKINGS = Statement.of(queries.customer_bookings(customer_ids={_NOBODY}, event_id=None, status=None, after=None, limit=50))
_SUMMARY = Statement.of(queries.summary(_NOBODY))
_EVENT_TOTALS = Statement.of(queries.event_totals(viewer=_NOBODY, q="", after=None, limit=50))


@asynccontextmanager
async def lifespan(app: FastAPI, database_url: str) -> AsyncIterator[None]:
    options = {"max_queries": 10**9, "reset": plain_sql.skip_reset, "command_timeout": 30}
    async with (
        asyncpg.create_pool(database_url, min_size=2, max_size=2, server_settings={"search_path": "peer"}, **options) as sales,
        asyncpg.create_pool(database_url, min_size=POOL_SIZE, max_size=POOL_SIZE, **options) as read_pool,
    ):
        app.state.pool, app.state.read_pool = sales, read_pool
        yield


@router.get("/api/events")
async def get_events(request: Request, q: str = "", limit: Limit = 50, cursor: Cursor = None) -> read_bodies.EventPage:
    values = {"upcoming_from": datetime.now(UTC), "limit": limit + 1}
    rows = await (_SEARCH.rows(request, pattern=queries.literal_pattern(q), **values) if q else _EVENTS.rows(request, **values))
    items = [_event(row) for row in rows[:limit] if row["event_id"]]
    return read_bodies.EventPage(items=items, next_cursor=cursor_of((items[-1].starts_at, items[-1].id)) if rows[limit:] else None)


@router.get("/api/events/{event_id}")
async def get_event(event_id: UUID, request: Request) -> read_bodies.Event:
    (row,) = await _EVENT.rows(request, event_id=event_id)
    if row["event_id"] is None:
        raise HTTPException(404, "No such event")
    return _event(row)


@router.get("/api/bookings")
async def get_bookings(request: Request, customer_id: UUID, limit: Limit = 50, cursor: Cursor = None) -> read_bodies.BookingPage:
    rows = await _BOOKINGS.rows(request, customer_id=customer_id, limit=limit + 1)
    items = [_booking(row) for row in rows[:limit] if row["booking_id"]]
    return read_bodies.BookingPage(items=items, next_cursor=cursor_of(items[-1].number) if rows[limit:] else None)


@router.get("/api/stats/summary")
async def get_stats_summary(request: Request, organizer_id: UUID) -> read_bodies.Summary:
    totals = await _SUMMARY.rows(request, viewer=organizer_id)
    rows = [row for row in totals if row["currency"]]
    total = {name: sum(row[name] for row in rows) for name in ("capacity", "taken", "bookings", "cancellations")}
    events = {name: sum(row[name] for row in rows) for name in ("active", "cancelled", "completed")}
    return read_bodies.Summary(
        events=read_bodies.EventCounts(**events), **total, ledger_position=totals[0]["position"],
        revenue=[read_bodies.Revenue(currency=row["currency"], **_amounts(row)) for row in rows],
    )  # fmt: skip


@router.get("/api/stats/events")
async def get_stats_events(
    request: Request, organizer_id: UUID, q: str = "", limit: Limit = 50, cursor: Cursor = None
) -> read_bodies.EventStatsPage:
    rows = await _EVENT_TOTALS.rows(request, viewer=organizer_id, limit=limit + 1)
    items = [
        read_bodies.EventStats(
            event_id=row["event_id"], number=row["number"], name=row["name"], starts_at=row["starts_at"], status=row["status"],
            currency=row["currency"], capacity=row["capacity"], taken=row["taken"], bookings=row["bookings"],
            cancellations=row["cancellations"], **_amounts(row),
        )
        for row in rows[:limit] if row["event_id"]
    ]  # fmt: skip
    next_cursor = cursor_of(items[-1].number) if rows[limit:] else None
    return read_bodies.EventStatsPage(items=items, next_cursor=next_cursor, ledger_position=rows[0]["position"])


def _amounts(row: Any) -> dict[str, str]:
    return {"gross": money(row["gross"]), "refunded": money(row["refunded"]), "net": money(row["gross"] - row["refunded"])}


def _event(row: Any) -> read_bodies.Event:
    categories = [
        read_bodies.Category(
            id=row["event_id"], name=name, price=money(price), capacity=capacity, taken=taken, held=held, available=available,
            needs_code=False, needs_code_until=None,
        )
        for _, name, price, capacity, taken, held, available, _ in from_json(row["categories"])
    ]  # fmt: skip
    return read_bodies.Event(
        id=row["event_id"], number=row["number"], name=row["name"], description=row["description"], venue=row["venue"],
        starts_at=row["starts_at"], ends_at=row["ends_at"], timezone=row["timezone"], sales_open_at=row["sales_open_at"],
        sales_close_at=row["sales_close_at"], past_at=row["past_at"], show_at=row["show_at"], currency=row["currency"],
        status=row["status"], organizer_id=row["organizer_id"],
        categories=categories, pools=[], has_codes=False, capacity=sum(category.capacity for category in categories),
        available=sum(category.available for category in categories), max_tickets_per_customer=row["max_tickets_per_customer"],
        guest_checkout="off", hold_minutes=15, payment=read_bodies.ELSEWHERE, details_version=row["details_version"],
        created_at=row["created_at"],
    )  # fmt: skip


def _booking(row: Any) -> Booking:
    tickets, hexadecimal = from_json(row["tickets"]), row["booking_id"].hex.upper()
    quantities: dict[tuple[str, int], int] = {}
    for _, _, category, price, _, _ in tickets:
        quantities[category, price] = quantities.get((category, price), 0) + 1
    return Booking(
        id=row["booking_id"], number=row["number"], event_id=row["event_id"], event_name=row["event_name"],
        customer_id=row["customer_id"], status=row["status"], total_amount=money(row["total"]),
        lines=[
            Line(category=category, quantity=quantity, unit_price=money(price), amount=money(price * quantity))
            for (category, price), quantity in quantities.items()
        ],
        refunded_amount=money(row["refunded"]), currency=row["currency"],
        tickets=[
            Ticket(id=row["booking_id"], code=f"{hexadecimal}-{ticket}", category=category, status=status)
            for ticket, _, category, _, status, _ in tickets
        ],
        booked_at=row["booked_at"], updated_at=row["updated_at"],
    )  # fmt: skip
