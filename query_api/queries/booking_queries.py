"""Bookings with their tickets. A cancelled event cancels its bookings: that is seen here, and nowhere else (decision 0005)."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    lateral,
    not_,
    or_,
    select,
    true,
)  # fmt: skip
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from accounts.tables import accounts
from projections.bookings import Booking, BookingEvent, Ticket
from query_api.database import Query
from query_api.queries.compose import (
    BOOKINGS,
    EVENT_ID,
    FROM,
    LIMIT,
    PATTERN,
    VIEWER,
    Compiled,
    Rows,
    anchored,
    as_text,
    compiled_once,
    flags_of,
    json_rows,
    literally,
    query_of,
    reached_by,
)

#: A page of bookings ends early at so many tickets: a booking may hold 1,000 and each ticket's code costs a MAC.
TICKETS_PER_PAGE = 2_000


def tickets_of(booking_id: ColumnElement[UUID]) -> LateralFromClause:
    t = Ticket
    rows = json_rows(t.ticket.expression, t.ticket, t.category, t.category_name, t.price, t.status)
    return lateral(select(rows.label("rows")).where(t.booking_id == booking_id), "tickets")


#: A cancelled event cancels all its bookings by its own row alone.
_OFF = BookingEvent.status == as_text("cancelled")
_STANDING = {
    "confirmed": and_(Booking.status == as_text("confirmed"), BookingEvent.status != as_text("cancelled")),
    "cancelled": or_(Booking.status == as_text("cancelled"), _OFF),
}


_NOT_PAST = and_(BookingEvent.status == as_text("active"), or_(BookingEvent.past_at.is_(None), BookingEvent.past_at > FROM))
#: Bookings that stand, of active events that are not past at a time.
_TO_COME = and_(Booking.status == as_text("confirmed"), _NOT_PAST)


def booking_rows(*where: ColumnElement[bool]) -> Rows:
    """`off_at`: when its event's cancellation cancelled the booking, null for one that stands or was cancelled before."""
    b, e, person = Booking, BookingEvent, accounts.c
    off_at = case((and_(_OFF, b.status == as_text("confirmed")), e.cancelled_at)).label("off_at")
    return (
        select(
            b.booking_id, b.number, b.event_id, e.name.label("event_name"), e.organizer_id, b.version, b.ticket_key, b.customer_id,
            b.status, off_at, b.quantity, b.total, b.refunded, e.currency, b.booked_at, b.updated_at,
            person.name.label("customer_name"), person.email.label("customer_email"),
        )
        .select_from(b)
        .join(e, e.event_id == b.event_id)
        .outerjoin(accounts, person.id == b.customer_id)
        .where(*where)
    )  # fmt: skip


def _with_tickets(rows: Rows) -> Rows:
    """At most TICKETS_PER_PAGE tickets, but one booking always; `found` says how many rows there were without that bound."""
    page = rows.subquery("page")
    before = func.sum(page.c.quantity).over(order_by=page.c.number.desc()) - page.c.quantity
    counted = select(page, before.label("before"), func.count().over().label("found")).subquery("counted")
    tickets = tickets_of(counted.c.booking_id)
    bounded = select(*(counted.c[column.key] for column in page.c), tickets.c.rows, counted.c.found)
    return bounded.join(tickets, true()).where(counted.c.before < TICKETS_PER_PAGE)


@cache
def _booking() -> Compiled:
    rows = booking_rows(Booking.booking_id == bindparam("booking_id", type_=Uuid))
    return compiled_once(anchored(BOOKINGS, _with_tickets(rows)))


def booking_by_id(booking_id: UUID) -> Query:
    return query_of(_booking(), BOOKINGS, booking_id=booking_id)


def _booking_conditions(flags: frozenset[str]) -> list[ColumnElement[bool]]:
    """`status:…` and `when:…` stand for themselves; the others for the parameters of `bookings` and `event_bookings`."""
    b, person = Booking, accounts.c
    named = and_(person.email.is_not(None), or_(func.lower(person.name).like(PATTERN), person.email.like(PATTERN)))
    conditions: dict[str, ColumnElement[bool]] = {
        "customer_id": b.customer_id == bindparam("customer_id", type_=Uuid),
        "event_id": b.event_id == EVENT_ID,
        "viewer": BookingEvent.organizer_id == VIEWER,
        "q": named,
        "number": or_(named, b.number == bindparam("number", type_=BigInteger)),
        "version": b.version == bindparam("version", type_=BigInteger),
        "after": b.number < bindparam("after", type_=BigInteger),
        **{f"status:{status}": condition for status, condition in _STANDING.items()},
        "when:upcoming": _TO_COME,
        "when:past": not_(_TO_COME),
    }
    return [condition for name, condition in conditions.items() if name in flags]


def _flag(name: str, value: str | None) -> dict[str, Any]:
    return {f"{name}:{value}": True} if value else {}


@cache
def _bookings(flags: frozenset[str]) -> Compiled:
    page = booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc()).limit(LIMIT)
    return compiled_once(anchored(BOOKINGS, _with_tickets(page), "number", descending=True))


def customer_bookings(
    *, customer_id: UUID, event_id: UUID | None, status: str | None, after: int | None, limit: int, when: str | None = None,
    since: datetime | None = None,
) -> Query:  # fmt: skip
    """A customer's, newest first: `limit` rows and one more, where there is one, and no more than TICKETS_PER_PAGE allows.

    `when`: `upcoming` are those that stand, of active events that were not past at `since`; `past` all others."""
    given: dict[str, Any] = {"customer_id": customer_id, "event_id": event_id, "after": after}
    flags = flags_of(**given, **_flag("status", status), **_flag("when", when))
    return query_of(_bookings(flags), BOOKINGS, limit=limit + 1, from_=since, **given)


@cache
def _event_bookings(flags: frozenset[str]) -> Compiled:
    """Beside the rows, in the second column, whose event it is: null where there is no such event."""
    rows = booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc())
    reached, owner, found = reached_by(BOOKINGS), aliased(BookingEvent), _with_tickets(rows.limit(LIMIT)).subquery("q")
    source = reached.outerjoin(owner, owner.event_id == EVENT_ID).outerjoin(found, true())
    statement = select(reached.c.position, owner.organizer_id.label("owner_id"), *found.c).select_from(source)
    return compiled_once(statement.order_by(found.c.number.desc()))


@cache
def _all_event_bookings(flags: frozenset[str]) -> Compiled:
    """In the order of the index, so that nothing is sorted, however many they are."""
    rows = booking_rows(*_booking_conditions(flags))
    tickets = tickets_of(Booking.booking_id.expression)
    return compiled_once(rows.add_columns(tickets.c.rows).join(tickets, true()).order_by(Booking.number.desc()))


class BookingSearch(NamedTuple):
    """The customer's name and address are searched for `q`, and besides them for the `number`; or for nothing but the `version`."""

    event_id: UUID
    viewer: UUID | None
    q: str | None = None
    number: int | None = None
    version: int | None = None
    status: str | None = None

    def of(self, make: Callable[[frozenset[str]], Compiled], after: int | None = None, limit: int | None = None) -> Query:
        version, number, q = self.version, self.number, self.q or None
        search = {"version": version} if version is not None else {"number": number} if number is not None else {"q": q}
        flags = flags_of(event_id=self.event_id, viewer=self.viewer, after=after, **search, **_flag("status", self.status))
        return query_of(
            make(flags), BOOKINGS, replan=q is not None, event_id=self.event_id, viewer=self.viewer, number=number, version=version,
            pattern=literally(q or ""), after=after, limit=limit,
        )  # fmt: skip


def event_bookings(search: BookingSearch, after: int | None, limit: int) -> Query:
    """An event's, newest first. No rows for a `viewer` who is not its organizer; None sees all."""
    return search.of(_event_bookings, after, limit + 1)


def all_event_bookings(search: BookingSearch) -> Query:
    """All of them, for an export: rows alone, without a position."""
    return search.of(_all_event_bookings)


@cache
def _event_of_booking() -> Compiled:
    return compiled_once(
        anchored(BOOKINGS, select(Booking.event_id).where(Booking.booking_id == bindparam("booking_id", type_=Uuid)))
    )


def event_of_booking(booking_id: UUID) -> Query:
    return query_of(_event_of_booking(), BOOKINGS, booking_id=booking_id)


@cache
def _obligations() -> Compiled:
    b, e, account_id = Booking, BookingEvent, bindparam("account_id", type_=Uuid)
    active = e.status == as_text("active")
    upcoming = and_(b.event_id == e.event_id, _TO_COME, e.starts_at.is_not(None))  # an open date might never end
    return compiled_once(
        anchored(
            BOOKINGS,
            select(
                exists().where(b.customer_id == account_id, upcoming).label("books"),
                exists().where(e.organizer_id == account_id, active).label("organizes"),
            ),
        )
    )


def obligations(account_id: UUID, now: datetime) -> Query:
    """Two booleans: bookings to come, active events of theirs."""
    return query_of(_obligations(), BOOKINGS, account_id=account_id, from_=now)
