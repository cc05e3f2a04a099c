"""Bookings with their tickets. The cancellation of an event cancels its bookings: it is here that they get that status, and nowhere
else (decision 0005)."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    lateral,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from accounts.tables import accounts
from ledger.views import BookingStatus
from projections.availability import Hold
from projections.bookings import Booking, BookingEvent, Ticket
from query_api.database import Query, Row
from query_api.queries.compose import (
    AVAILABILITY,
    BOOKINGS,
    EVENT_ID,
    FROM,
    LIMIT,
    PATTERN,
    VIEWER,
    Compiled,
    Statement,
    anchored,
    as_text,
    choice_flag,
    compile_anchored,
    compile_rows,
    flags_of,
    json_rows,
    literal_pattern,
    query_of,
    reached_by,
)

R = TypeVar("R", bound=Row)

#: Tickets after which a page of bookings ends early: a booking may have 1,000, and each ticket's code costs a MAC.
TICKETS_PER_PAGE = 2_000


class TicketRow(Row, frozen=True, array_like=True):
    """A ticket of a booking. `ticket`: its number within the booking, from 0. `price` and `list_price`, the one
    without a discount if there is one, are in minor units."""

    ticket: int
    category: int
    category_name: str
    price: int
    status: Literal["active", "used", "cancelled"]  # msgspec reads no named type
    list_price: int | None


class BookingRow(Row, frozen=True):
    """A booking with the event's and the customer's columns that its views show. `version`: of the booking's entry.
    `event_cancelled_at`: when the event's cancellation cancelled the booking; None for a confirmed one, and for one that was
    cancelled before. Amounts are in minor units, as in `projections.bookings.Booking`. `tickets`: a JSON array of TicketRow."""

    booking_id: UUID
    number: int
    event_id: UUID
    event_name: str
    organizer_id: UUID
    version: int
    ticket_key: int
    customer_id: UUID | None
    status: BookingStatus
    event_cancelled_at: datetime | None
    quantity: int
    total: int
    refunded: int
    to_pay: int | None
    received: int
    paid_back: int
    currency: str
    booked_at: datetime
    updated_at: datetime
    customer_name: str | None
    customer_email: str | None
    tickets: str


class PagedBookingRow(BookingRow, frozen=True):
    """A booking of a page. `matches`: the number of bookings that the page would have without its bound of tickets."""

    matches: int


class EventBookingRow(BookingRow, frozen=True):
    """A booking of a requested event. `owner_id`: that event's organizer. If it has no such booking, all other columns are None."""

    matches: int | None
    owner_id: UUID


class BookedByRow(Row, frozen=True):
    """The event and the customer of a booking."""

    event_id: UUID
    customer_id: UUID | None


class ErasureObstacleRow(Row, frozen=True):
    """What prevents the erasure of an account. `books`: whether it has confirmed bookings of future events; `pays`: whether it has
    started to pay for seats that are still held; `organizes`: whether it has active events."""

    books: bool
    pays: bool
    organizes: bool


def tickets_of(booking_id: ColumnElement[UUID]) -> LateralFromClause:
    t = Ticket
    rows = json_rows(TicketRow, t.ticket.expression, t.ticket, t.category, t.category_name, t.price, t.status, t.list_price)
    return lateral(select(rows.label("tickets")).where(t.booking_id == booking_id), "of_booking")


#: Whether the event of a booking is cancelled.
_EVENT_CANCELLED = BookingEvent.status == as_text("cancelled")
_STATUS_CONDITIONS = {
    "confirmed": and_(Booking.status == as_text("confirmed"), BookingEvent.status != as_text("cancelled")),
    "cancelled": or_(Booking.status == as_text("cancelled"), _EVENT_CANCELLED),
}


_KEPT, _TO_PAY = Booking.received - Booking.paid_back, case((_EVENT_CANCELLED, 0), else_=Booking.to_pay)
_PAYMENT_CONDITIONS = {"due": _KEPT < _TO_PAY, "paid": and_(_KEPT == _TO_PAY, _KEPT > 0), "refund-due": _KEPT > _TO_PAY}
_NOT_PAST = and_(BookingEvent.status == as_text("active"), or_(BookingEvent.past_at.is_(None), BookingEvent.past_at > FROM))
#: Confirmed bookings of active events that are not past at the parameter `from_`.
_UPCOMING = and_(Booking.status == as_text("confirmed"), _NOT_PAST)


def email_of(person: Any) -> ColumnElement[str]:
    """The address of an account or a contact; null: erased."""
    return func.coalesce(person.email, person.contact_email)


def booking_rows(*where: ColumnElement[bool]) -> Statement:
    """The columns of BookingRow without `tickets`."""
    b, e, person = Booking, BookingEvent, accounts.c
    event_cancelled_at = case((and_(_EVENT_CANCELLED, b.status == as_text("confirmed")), e.cancelled_at)).label(
        "event_cancelled_at"
    )
    return (
        select(
            b.booking_id, b.number, b.event_id, e.name.label("event_name"), e.organizer_id, b.version, b.ticket_key, b.customer_id,
            b.status, event_cancelled_at, b.quantity, b.total, b.refunded, b.to_pay, b.received, b.paid_back, e.currency,
            b.booked_at, b.updated_at, person.name.label("customer_name"), email_of(person).label("customer_email"),
        )
        .select_from(b)
        .join(e, e.event_id == b.event_id)
        .outerjoin(accounts, person.id == b.customer_id)
        .where(*where)
    )  # fmt: skip


def _with_tickets(rows: Statement) -> Statement:
    """The columns of PagedBookingRow: bookings up to TICKETS_PER_PAGE tickets, but always one booking."""
    page = rows.subquery("page")
    before = func.sum(page.c.quantity).over(order_by=page.c.number.desc()) - page.c.quantity
    counted = select(page, before.label("before"), func.count().over().label("matches")).subquery("counted")
    tickets = tickets_of(counted.c.booking_id)
    bounded = select(*(counted.c[column.key] for column in page.c), tickets.c.tickets, counted.c.matches)
    return bounded.join(tickets, true()).where(counted.c.before < TICKETS_PER_PAGE)


@cache
def _booking() -> Compiled[PagedBookingRow]:
    rows = booking_rows(Booking.booking_id == bindparam("booking_id", type_=Uuid))
    return compile_anchored(anchored(BOOKINGS, _with_tickets(rows)), PagedBookingRow)


def booking_by_id(booking_id: UUID) -> Query[PagedBookingRow]:
    """A booking: one row, or none."""
    return query_of(_booking(), BOOKINGS, booking_id=booking_id)


def _booking_conditions(flags: frozenset[str]) -> list[ColumnElement[bool]]:
    """The conditions of these flags: `status:…` and `when:…` include the value; the others name a parameter of
    `customer_bookings` or `event_bookings`."""
    b, person = Booking, accounts.c
    named = and_(email_of(person).is_not(None), or_(func.lower(person.name).like(PATTERN), email_of(person).like(PATTERN)))
    conditions: dict[str, ColumnElement[bool]] = {
        "customer_id": b.customer_id == bindparam("customer_id", type_=Uuid),
        "customer_ids": b.customer_id == any_(bindparam("customer_ids", type_=ARRAY(Uuid))),
        "event_id": b.event_id == EVENT_ID,
        "viewer": BookingEvent.organizer_id == VIEWER,
        "q": named,
        "number": or_(named, b.number == bindparam("number", type_=BigInteger)),
        "version": b.version == bindparam("version", type_=BigInteger),
        "after": b.number < bindparam("after", type_=BigInteger),
        **{f"payment:{status}": condition for status, condition in _PAYMENT_CONDITIONS.items()},
        **{f"status:{status}": condition for status, condition in _STATUS_CONDITIONS.items()},
        "when:upcoming": _UPCOMING,
        "when:past": not_(_UPCOMING),
    }
    return [condition for name, condition in conditions.items() if name in flags]


@cache
def _bookings(flags: frozenset[str]) -> Compiled[PagedBookingRow]:
    page = booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc()).limit(LIMIT)
    return compile_anchored(anchored(BOOKINGS, _with_tickets(page), "number", descending=True), PagedBookingRow)


def customer_bookings(
    *, customer_ids: Collection[UUID], event_id: UUID | None, status: str | None, after: int | None, limit: int,
    when: str | None = None, since: datetime | None = None,
) -> Query[PagedBookingRow]:  # fmt: skip
    """A customer's bookings under these ids, newest first: up to `limit` + 1 rows, fewer where TICKETS_PER_PAGE ends the page.

    `when`: `upcoming` selects confirmed bookings of active events that were not past at `since`; `past` selects all others."""
    # One id alone finds them in the order of an index.
    customer = {"customer_ids": list(customer_ids)} if len(customer_ids) > 1 else {"customer_id": next(iter(customer_ids))}
    filters: dict[str, Any] = {**customer, "event_id": event_id, "after": after}
    flags = flags_of(**filters, **choice_flag("status", status), **choice_flag("when", when))
    return query_of(_bookings(flags), BOOKINGS, limit=limit + 1, from_=since, **filters)


@cache
def _event_bookings(flags: frozenset[str]) -> Compiled[EventBookingRow]:
    rows = booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc())
    reached, owner, page = reached_by(BOOKINGS), aliased(BookingEvent), _with_tickets(rows.limit(LIMIT)).subquery("q")
    source = reached.outerjoin(owner, owner.event_id == EVENT_ID).outerjoin(page, true())
    statement = select(reached.c.position, *page.c, owner.organizer_id.label("owner_id")).select_from(source)
    return compile_anchored(statement.order_by(page.c.number.desc()), EventBookingRow)


@cache
def _all_event_bookings(flags: frozenset[str]) -> Compiled[BookingRow]:
    """In the order of an index, so that PostgreSQL need not sort them."""
    rows = booking_rows(*_booking_conditions(flags))
    tickets = tickets_of(Booking.booking_id.expression)
    statement = rows.add_columns(tickets.c.tickets).join(tickets, true()).order_by(Booking.number.desc())
    return compile_rows(statement, BookingRow)


class BookingSearch(NamedTuple):
    """A booking matches if the customer's name or e-mail address contains `q` or if its number is `number`. Where `version` is set,
    it alone counts. `payment`: `due`, `paid` or `refund-due`."""

    event_id: UUID
    viewer: UUID | None
    q: str | None = None
    number: int | None = None
    version: int | None = None
    status: str | None = None
    payment: str | None = None

    def query(self, make: Callable[[frozenset[str]], Compiled[R]], after: int | None = None, limit: int | None = None) -> Query[R]:
        version, number, q = self.version, self.number, self.q or None
        search = {"version": version} if version is not None else {"number": number} if number is not None else {"q": q}
        chosen = {**search, **choice_flag("status", self.status), **choice_flag("payment", self.payment)}
        flags = flags_of(event_id=self.event_id, viewer=self.viewer, after=after, **chosen)
        return query_of(
            make(flags), BOOKINGS, replan=q is not None, event_id=self.event_id, viewer=self.viewer, number=number, version=version,
            pattern=literal_pattern(q or ""), after=after, limit=limit,
        )  # fmt: skip


def event_bookings(search: BookingSearch, after: int | None, limit: int) -> Query[EventBookingRow]:
    """An event's bookings, newest first, up to `limit` + 1. There are none for a `viewer` who is not its organizer; a viewer of
    None sees all. No rows: there is no such event."""
    return search.query(_event_bookings, after, limit + 1)


def all_event_bookings(search: BookingSearch) -> Query[BookingRow]:
    """All of an event's bookings, for an export; not anchored."""
    return search.query(_all_event_bookings)


@cache
def _booked_by() -> Compiled[BookedByRow]:
    rows = select(Booking.event_id, Booking.customer_id).where(Booking.booking_id == bindparam("booking_id", type_=Uuid))
    return compile_anchored(anchored(BOOKINGS, rows), BookedByRow)


def booked_by(booking_id: UUID) -> Query[BookedByRow]:
    return query_of(_booked_by(), BOOKINGS, booking_id=booking_id)


_OBSTACLES = (*AVAILABILITY, *BOOKINGS)


@cache
def _erasure_obstacle() -> Compiled[ErasureObstacleRow]:
    b, e, account_id = Booking, BookingEvent, bindparam("account_id", type_=Uuid)
    active, person = e.status == as_text("active"), accounts.c
    own = select(account_id).union_all(select(person.id).where(person.claimed_by == account_id))
    upcoming = and_(b.event_id == e.event_id, _UPCOMING, e.starts_at.is_not(None))  # an event with an open date might never be past
    rows = select(
        exists().where(b.customer_id.in_(own), upcoming).label("books"),
        exists().where(Hold.customer_id.in_(own), Hold.status == as_text("open"), Hold.payment_id.is_not(None)).label("pays"),
        exists().where(e.organizer_id == account_id, active).label("organizes"),
    )
    return compile_anchored(anchored(_OBSTACLES, rows), ErasureObstacleRow)


def erasure_obstacle(account_id: UUID, now: datetime) -> Query[ErasureObstacleRow]:
    """What prevents the erasure of an account with the contacts that it has claimed: one row."""
    return query_of(_erasure_obstacle(), _OBSTACLES, account_id=account_id, from_=now)
