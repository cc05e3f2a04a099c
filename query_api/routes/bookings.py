"""Reading bookings: a customer reads their own, an organizer those of their events."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from typing_extensions import TypeAliasType

from accounts.access import Organizer, SignedIn, may_see_booking, viewer_of
from accounts.errors import Forbidden
from ledger.accepted_types import PrefersCsv
from ledger.commands import Role
from ledger.errors import BookingNotFound, EventNotFound, InvalidCode, NotYourEvent, WrongEvent
from ledger.ticket_codes import TicketCode, TicketCodes
from ledger.views import BookingStatus, BookingView, TicketView
from query_api import queries
from query_api.parameters import MAX_POSITION, Cursor, Limit, Search, cursor_of, number_cursor
from query_api.queries import BookingRow, EventBookingRow, PagedBookingRow, TicketRow
from query_api.read_side import Reader
from query_api.responses.csv_export import Cell, Pages
from query_api.responses.http import JSON, JSON_OR_CSV, json_response
from query_api.responses.mapping import booking_view, event_booking_view, grouped, views_of
from query_api.responses.views import BookingPage, EventBookingPage

router = APIRouter(prefix="/api")

Status = Annotated[BookingStatus | None, Query(description="All bookings of a cancelled event count as cancelled.")]
BookingTime = TypeAliasType("BookingTime", Literal["upcoming", "past"])
Upcoming = Annotated[
    BookingTime | None,
    Query(description="`upcoming`: confirmed bookings of active events that are not past, or for 12 hours at most; or open dates."),
]
PaidOrNot = TypeAliasType("PaidOrNot", Literal["due", "paid", "refund-due"])
Payment = Annotated[PaidOrNot | None, Query(description="Of those that are paid through Seatledger")]
CustomerId = Annotated[UUID | None, Query(description="Another customer's bookings: only for admins")]
SearchText = Annotated[
    Search,
    Query(
        description="In the customer's name and e-mail address, literally, ignoring case; or a ticket's code, or a booking's number"
    ),
]


def _search_of(
    event_id: UUID, principal: Organizer, q: SearchText = "", status: Status = None, payment: Payment = None
) -> queries.BookingSearch:
    return queries.BookingSearch(event_id, viewer_of(principal), q, status=status, payment=payment)


BookingSearch = Annotated[queries.BookingSearch, Depends(_search_of)]

#: How long after its start an event counts as upcoming: its tickets are still needed.
UPCOMING_AFTER_START = timedelta(hours=12)

_HEADER = (
    "number", "id", "booked_at", "updated_at", "status", "customer_name", "customer_email", "tickets", "quantity", "total_amount",
    "refunded_amount", "payment_status", "paid_amount", "due_amount", "refund_due_amount", "currency", "codes",
)  # fmt: skip


@router.get("/bookings", tags=["bookings"], operation_id="get_bookings", response_model=BookingPage, responses=JSON)
async def get_bookings(
    principal: SignedIn, reader: Reader, event_id: UUID | None = None, status: Status = None, when: Upcoming = None,
    customer_id: CustomerId = None, limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """The customer's own bookings, newest first: also those that were made without the account and claimed."""
    if customer_id not in (None, principal.id) and principal.role != Role.ADMIN:
        raise Forbidden
    customer_ids = principal.ids if customer_id is None or customer_id == principal.id else {customer_id}
    query = queries.customer_bookings(
        customer_ids=customer_ids, event_id=event_id, status=status, after=number_cursor(cursor), limit=limit, when=when,
        since=reader.side.clock() - UPCOMING_AFTER_START,
    )  # fmt: skip
    position, rows = await reader.fetch(query)
    shown, next_cursor = _page(rows, limit)
    items = await reader.side.portions.run(views_of(shown, reader.side.codes, booking_view))
    return json_response(BookingPage(items=items, next_cursor=next_cursor), position)


@router.get("/bookings/{booking_id}", tags=["bookings"], operation_id="get_booking", response_model=BookingView, responses=JSON)
async def get_booking(booking_id: UUID, principal: SignedIn, reader: Reader) -> Response:
    """A booking with its tickets and their codes. Where the read side has not reached a booking yet, it is read from the ledger."""
    shown = await reader.side.booking(booking_id, reader.at_least)
    if shown is None or not may_see_booking(principal, customer_id=shown.view.customer_id, organizer_id=shown.organizer_id):
        raise BookingNotFound
    return json_response(shown.view, shown.position)


@router.get(
    "/events/{event_id}/bookings", tags=["events"], operation_id="get_event_bookings", response_model=EventBookingPage,
    responses=JSON_OR_CSV,
)  # fmt: skip
async def get_event_bookings(
    event_id: UUID, principal: Organizer, reader: Reader, as_csv: PrefersCsv, wanted: BookingSearch, limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:  # fmt: skip
    """The event's bookings, newest first. As CSV: all bookings; `limit` and `cursor` do not apply."""
    search, code = _search(reader.side.codes, wanted)
    if as_csv:
        return await reader.side.exports.response(f"bookings-{event_id}", principal.id, _HEADER, _read_all(search, code, reader))
    position, rows = await reader.fetch(queries.event_bookings(search, number_cursor(cursor), limit))
    shown, next_cursor = _page(_with_code(_check_owner(rows, wanted.viewer), code, reader.side.codes), limit)
    items = await reader.side.portions.run(views_of(shown, reader.side.codes, event_booking_view))
    return json_response(EventBookingPage(items=items, next_cursor=next_cursor), position)


FoundRow = TypeVar("FoundRow", bound=BookingRow)


def _search(codes: TicketCodes, search: queries.BookingSearch) -> tuple[queries.BookingSearch, TicketCode | None]:
    """The search text may be a ticket's code, which has to be checked with what is found, or a booking's number."""
    q = search.q or ""
    try:
        code = codes.read(search.event_id, q)
    except (InvalidCode, WrongEvent):
        is_number = q.isascii() and q.isdigit() and len(q) < 20 and int(q) <= MAX_POSITION
        return search._replace(number=int(q)) if is_number else search, None
    return search._replace(version=code.location.version), code


def _with_code(rows: list[FoundRow], code: TicketCode | None, codes: TicketCodes) -> list[FoundRow]:
    """The rows whose booking the code is valid for; all of them where no code was searched."""
    if code is not None:
        try:
            for row in rows:
                codes.check(row.event_id, row.booking_id, row.ticket_key, code)
        except InvalidCode:
            return []
    return rows


def _check_owner(rows: list[EventBookingRow], viewer: UUID | None) -> list[EventBookingRow]:
    """The rows that are bookings. Raises EventNotFound, NotYourEvent."""
    if not rows:
        raise EventNotFound
    if viewer not in (None, rows[0].owner_id):
        raise NotYourEvent
    return [row for row in rows if row.matches is not None]


PageRow = TypeVar("PageRow", PagedBookingRow, EventBookingRow)


def _page(rows: list[PageRow], limit: int) -> tuple[list[PageRow], str | None]:
    """The rows of the page and the cursor of the next. The bound of tickets may have ended the page before `limit`."""
    shown = rows[:limit]
    more = bool(shown) and (shown[0].matches or 0) > len(shown)
    return shown, cursor_of(shown[-1].number) if more else None


async def _read_all(search: queries.BookingSearch, code: TicketCode | None, reader: Reader) -> Pages:
    query = queries.all_event_bookings(search)
    async with reader.side.read_transaction(query.projections, reader.at_least) as transaction:
        position, rows = await transaction.fetch(queries.event_bookings(search, None, 0))
        _check_owner(rows, search.viewer)
        yield position, ()
        async for page in transaction.pages(query):
            for some in grouped(_with_code(page, code, reader.side.codes)):
                yield position, await reader.side.portions.run(views_of(some, reader.side.codes, _cells))


def _cells(row: BookingRow, stored: list[TicketRow], made: list[TicketView]) -> list[Cell]:
    booking = event_booking_view(row, stored, made)
    name, email = (booking.customer.name, booking.customer.email) if booking.customer else (None, None)
    tickets = "; ".join(f"{line.quantity} {line.category}" for line in booking.lines)
    return [
        booking.number, booking.id, booking.booked_at, booking.updated_at, booking.status, name, email, tickets,
        len(booking.tickets), Decimal(booking.total_amount), Decimal(booking.refunded_amount), booking.payment_status,
        Decimal(booking.paid_amount), Decimal(booking.due_amount), Decimal(booking.refund_due_amount), booking.currency,
        " ".join(ticket.code for ticket in booking.tickets),
    ]  # fmt: skip
