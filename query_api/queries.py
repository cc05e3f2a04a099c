"""Every SELECT of the read side. Written as SQLAlchemy Core on the models, made into SQL text once, executed by `database.py`.

Each is one statement, so that its rows are of one snapshot, and says in its first column how far the projections that it reads had
come: `SELECT reached.position, q.* FROM reached LEFT JOIN (…) AS q ON true`. What belongs to a row (categories, tickets) comes
with it, as JSON. A filter that is not asked for is not in the SQL, so that every statement finds its index.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    lateral,
    literal_column,
    or_,
    select,
    table,
    true,
    tuple_,
    union_all,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import aliased
from sqlalchemy.sql import FromClause
from sqlalchemy.sql.selectable import LateralFromClause

from accounts.tables import accounts
from projections.availability import AvailabilityCategory, AvailabilityEvent
from projections.bookings import Booking, BookingEvent, Ticket
from projections.catalogue import CatalogueCategory, CatalogueEvent
from projections.registry import PROJECTORS
from projections.revenue import RevenueCategory, RevenueEvent, RevenueHour
from projections.tables import Progress
from query_api.database import Query

#: A page of bookings ends early at so many tickets: a booking may hold 1,000 and each ticket's code costs a MAC.
TICKETS_PER_PAGE = 2_000
#: Entries behind which a projection's lag is not counted further.
MAX_LAG = 100_000
MAX_BUCKETS = 10_000

EventKey = tuple[datetime, UUID]
Interval = Literal["hour", "day", "month"]

EVENTS, BOOKINGS, REVENUE, AVAILABILITY = ("catalogue", "availability"), ("bookings",), ("revenue",), ("availability",)
_entries = table("ledger_entries", column("notification_id", BigInteger), column("state"))
_Compiled = tuple[str, dict[str, Any]]
_Select = Select[*tuple[Any, ...]]


# --- how all of them are made


def _compile(statement: _Select) -> _Compiled:
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    return str(compiled), dict(compiled.params)


def _query(compiled: _Compiled, reads: tuple[str, ...], *, replan: bool = False, **given: Any) -> Query:
    sql, parameters = compiled
    return Query(sql, {name: given.get(name, value) for name, value in parameters.items()}, reads, replan)


def _text(value: str) -> ColumnElement[str]:
    """A constant that stands in the SQL."""
    return literal_column(f"'{value}'", Text)


def _reached(reads: Iterable[str]) -> Subquery:
    lowest = func.min(Progress.position).label("position")
    return select(lowest).where(or_(*(Progress.name == _text(name) for name in reads))).subquery("reached")


def _anchored(reads: tuple[str, ...], rows: _Select, *order: str, descending: bool = False) -> _Select:
    reached, found = _reached(reads), rows.subquery("q")
    keys = (found.c[name].desc() if descending else found.c[name] for name in order)
    return select(reached.c.position, *found.c).select_from(reached.outerjoin(found, true())).order_by(*keys)


def _json_rows(order: ColumnElement[Any], *columns: Any) -> ColumnElement[str]:
    """Of a group of rows one JSON array of arrays, as text: msgspec reads it."""
    return cast(func.json_agg(aggregate_order_by(func.json_build_array(*columns), order)), Text)


def literally(text: str) -> str:
    """The pattern of LIKE that finds just this, anywhere."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


_pattern = func.lower(bindparam("pattern", type_=Text))
_limit = bindparam("limit", type_=Integer)
_viewer = bindparam("viewer", type_=Uuid)
_event_id = bindparam("event_id", type_=Uuid)
_from, _to = bindparam("from_", type_=DateTime(timezone=True)), bindparam("to", type_=DateTime(timezone=True))


def _flags(**given: Any) -> frozenset[str]:
    """The filters that are asked for."""
    return frozenset(name for name, value in given.items() if value is not None)


# --- events


def _categories_of_event() -> LateralFromClause:
    """Where catalogue and availability both know it: an event shows once both have it."""
    c, a = CatalogueCategory, AvailabilityCategory
    rows = _json_rows(c.category.expression, c.category, c.name, c.price, a.capacity, a.taken, a.available)
    both = and_(a.event_id == c.event_id, a.category == c.category)
    return lateral(
        select(rows.label("rows")).select_from(c).join(a, both).where(c.event_id == CatalogueEvent.event_id), "categories"
    )


def _event_rows(*where: ColumnElement[bool]) -> _Select:
    e, categories = CatalogueEvent, _categories_of_event()
    return (
        select(
            e.event_id, e.number, e.name, e.description, e.venue, e.starts_at, e.ends_at, e.timezone, e.sales_open_at,
            e.sales_close_at, e.currency, e.status, e.organizer_id, e.max_tickets_per_customer, e.details_version,
            e.created_at, categories.c.rows,
        )
        .join(categories, categories.c.rows.is_not(None))
        .where(*where)
    )  # fmt: skip


@cache
def _event() -> _Compiled:
    return _compile(_anchored(EVENTS, _event_rows(CatalogueEvent.event_id == _event_id)))


def event(event_id: UUID) -> Query:
    return _query(_event(), EVENTS, event_id=event_id)


@cache
def _events(flags: frozenset[str]) -> _Compiled:
    e = CatalogueEvent
    key = tuple_(bindparam("after_time", type_=DateTime(timezone=True)), bindparam("after_id", type_=Uuid))
    conditions: dict[str, ColumnElement[bool]] = {
        "q": e.search.like(_pattern),
        "upcoming_from": e.starts_at > bindparam("upcoming_from", type_=DateTime(timezone=True)),
        "from_": e.starts_at >= _from,
        "to": e.starts_at <= _to,
        "status": e.status == bindparam("status", type_=Text),
        "organizer_id": e.organizer_id == bindparam("organizer_id", type_=Uuid),
        "after": tuple_(e.starts_at, e.event_id) > key,
    }
    rows = _event_rows(*(condition for name, condition in conditions.items() if name in flags))
    page = rows.order_by(e.starts_at, e.event_id).limit(_limit)
    return _compile(_anchored(EVENTS, page, "starts_at", "event_id"))


def events(
    *, q: str | None, upcoming_from: datetime | None, from_: datetime | None, to: datetime | None, status: str | None,
    organizer_id: UUID | None, after: EventKey | None, limit: int,
) -> Query:  # fmt: skip
    """Soonest first. `limit` rows and one more, where there is one."""
    given = {"upcoming_from": upcoming_from, "from_": from_, "to": to, "status": status, "organizer_id": organizer_id}
    compiled = _events(_flags(q=q or None, after=after, **given))
    time, event_id = after or (None, None)
    return _query(
        compiled, EVENTS, replan=bool(q), pattern=literally(q or ""), limit=limit + 1, after_time=time, after_id=event_id, **given
    )


# --- bookings


def _tickets_of(booking_id: ColumnElement[UUID]) -> LateralFromClause:
    t = Ticket
    rows = _json_rows(t.ticket.expression, t.ticket, t.category, t.category_name, t.price, t.status)
    return lateral(select(rows.label("rows")).where(t.booking_id == booking_id), "tickets")


#: A cancelled event cancels all its bookings by its own row alone.
_OFF = BookingEvent.status == _text("cancelled")
_STANDING = {
    "confirmed": and_(Booking.status == _text("confirmed"), BookingEvent.status != _text("cancelled")),
    "cancelled": or_(Booking.status == _text("cancelled"), _OFF),
}


def _booking_rows(*where: ColumnElement[bool]) -> _Select:
    """`off_at`: when its event's cancellation cancelled the booking, null for one that stands or was cancelled before."""
    b, e, person = Booking, BookingEvent, accounts.c
    off_at = case((and_(_OFF, b.status == _text("confirmed")), e.cancelled_at)).label("off_at")
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


def _with_tickets(rows: _Select) -> _Select:
    """At most TICKETS_PER_PAGE tickets, but one booking always; `found` says how many rows there were without that bound."""
    page = rows.subquery("page")
    before = func.sum(page.c.quantity).over(order_by=page.c.number.desc()) - page.c.quantity
    counted = select(page, before.label("before"), func.count().over().label("found")).subquery("counted")
    tickets = _tickets_of(counted.c.booking_id)
    bounded = select(*(counted.c[column.key] for column in page.c), tickets.c.rows, counted.c.found)
    return bounded.join(tickets, true()).where(counted.c.before < TICKETS_PER_PAGE)


@cache
def _booking() -> _Compiled:
    rows = _booking_rows(Booking.booking_id == bindparam("booking_id", type_=Uuid))
    return _compile(_anchored(BOOKINGS, _with_tickets(rows)))


def booking(booking_id: UUID) -> Query:
    return _query(_booking(), BOOKINGS, booking_id=booking_id)


def _booking_conditions(flags: frozenset[str]) -> list[ColumnElement[bool]]:
    """`status:…` stands for itself; the others for the parameters of `bookings` and `event_bookings`."""
    b, person = Booking, accounts.c
    named = and_(person.email.is_not(None), or_(func.lower(person.name).like(_pattern), person.email.like(_pattern)))
    conditions: dict[str, ColumnElement[bool]] = {
        "customer_id": b.customer_id == bindparam("customer_id", type_=Uuid),
        "event_id": b.event_id == _event_id,
        "viewer": BookingEvent.organizer_id == _viewer,
        "q": named,
        "number": or_(named, b.number == bindparam("number", type_=BigInteger)),
        "version": b.version == bindparam("version", type_=BigInteger),
        "after": b.number < bindparam("after", type_=BigInteger),
        **{f"status:{status}": condition for status, condition in _STANDING.items()},
    }
    return [condition for name, condition in conditions.items() if name in flags]


def _status_flag(status: str | None) -> dict[str, Any]:
    return {f"status:{status}": True} if status else {}


@cache
def _bookings(flags: frozenset[str]) -> _Compiled:
    page = _booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc()).limit(_limit)
    return _compile(_anchored(BOOKINGS, _with_tickets(page), "number", descending=True))


def bookings(*, customer_id: UUID, event_id: UUID | None, status: str | None, after: int | None, limit: int) -> Query:
    """A customer's, newest first: `limit` rows and one more, where there is one, and no more than TICKETS_PER_PAGE allows."""
    given: dict[str, Any] = {"customer_id": customer_id, "event_id": event_id, "after": after}
    return _query(_bookings(_flags(**given, **_status_flag(status))), BOOKINGS, limit=limit + 1, **given)


@cache
def _event_bookings(flags: frozenset[str]) -> _Compiled:
    """Beside the rows, in the second column, whose event it is: null where there is no such event."""
    rows = _booking_rows(*_booking_conditions(flags)).order_by(Booking.number.desc())
    reached, owner, found = _reached(BOOKINGS), aliased(BookingEvent), _with_tickets(rows.limit(_limit)).subquery("q")
    source = reached.outerjoin(owner, owner.event_id == _event_id).outerjoin(found, true())
    statement = select(reached.c.position, owner.organizer_id.label("owner_id"), *found.c).select_from(source)
    return _compile(statement.order_by(found.c.number.desc()))


@cache
def _all_event_bookings(flags: frozenset[str]) -> _Compiled:
    """In the order of the index, so that nothing is sorted, however many they are."""
    rows = _booking_rows(*_booking_conditions(flags))
    tickets = _tickets_of(Booking.booking_id.expression)
    return _compile(rows.add_columns(tickets.c.rows).join(tickets, true()).order_by(Booking.number.desc()))


class BookingSearch(NamedTuple):
    """The customer's name and address are searched for `q`, and besides them for the `number`; or for nothing but the `version`."""

    event_id: UUID
    viewer: UUID | None
    q: str | None = None
    number: int | None = None
    version: int | None = None
    status: str | None = None

    def of(self, make: Callable[[frozenset[str]], _Compiled], after: int | None = None, limit: int | None = None) -> Query:
        version, number, q = self.version, self.number, self.q or None
        search = {"version": version} if version is not None else {"number": number} if number is not None else {"q": q}
        flags = _flags(event_id=self.event_id, viewer=self.viewer, after=after, **search, **_status_flag(self.status))
        return _query(
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
def _event_of_booking() -> _Compiled:
    return _compile(_anchored(BOOKINGS, select(Booking.event_id).where(Booking.booking_id == bindparam("booking_id", type_=Uuid))))


def event_of_booking(booking_id: UUID) -> Query:
    return _query(_event_of_booking(), BOOKINGS, booking_id=booking_id)


@cache
def _obligations() -> _Compiled:
    b, e, account_id = Booking, BookingEvent, bindparam("account_id", type_=Uuid)
    active = e.status == _text("active")
    upcoming = and_(b.event_id == e.event_id, b.status == _text("confirmed"), active, e.starts_at > _from)
    return _compile(
        _anchored(
            BOOKINGS,
            select(
                exists().where(b.customer_id == account_id, upcoming).label("books"),
                exists().where(e.organizer_id == account_id, active).label("organizes"),
            ),
        )
    )


def obligations(account_id: UUID, now: datetime) -> Query:
    """Two booleans: bookings to come, active events of theirs."""
    return _query(_obligations(), BOOKINGS, account_id=account_id, from_=now)


# --- statistics


def _total(amount: Any, name: str) -> Any:
    return cast(func.sum(amount), BigInteger).label(name)


@cache
def _summary(flags: frozenset[str]) -> _Compiled:
    e, c = RevenueEvent, RevenueCategory
    totals = [_total(getattr(c, name), name) for name in ("capacity", "taken", "gross", "refunded")]
    each = select(e.currency, e.status, e.bookings, e.cancellations, *totals).join(c, c.event_id == e.event_id).group_by(e.event_id)
    one = (each.where(e.organizer_id == _viewer) if "viewer" in flags else each).subquery("one").c
    having = [func.count().filter(one.status == _text(status)).label(status) for status in ("active", "cancelled", "completed")]
    sums = [_total(one[name], name) for name in ("bookings", "cancellations", "capacity", "taken", "gross", "refunded")]
    return _compile(_anchored(REVENUE, select(one.currency, *having, *sums).group_by(one.currency), "currency"))


def summary(viewer: UUID | None) -> Query:
    """A row a currency: it, events active, cancelled, completed, bookings, cancellations, capacity, taken, gross, refunded."""
    return _query(_summary(_flags(viewer=viewer)), REVENUE, viewer=viewer)


def _event_total_rows(flags: frozenset[str], limit: ColumnElement[int] | None) -> _Select:
    e, c = RevenueEvent, RevenueCategory
    conditions: dict[str, ColumnElement[bool]] = {
        "viewer": e.organizer_id == _viewer,
        "q": func.lower(e.name).like(_pattern),
        "after": e.number < bindparam("after", type_=BigInteger),
    }
    page = select(e).where(*(condition for name, condition in conditions.items() if name in flags)).order_by(e.number.desc())
    row = page.limit(limit).subquery("page").c
    amounts = [_total(getattr(c, name), name) for name in ("capacity", "taken", "gross", "refunded")]
    totals = lateral(select(*amounts).where(c.event_id == row.event_id), "totals")
    return select(
        row.event_id, row.number, row.name, row.starts_at, row.status, row.currency, totals.c.capacity, totals.c.taken,
        row.bookings, row.cancellations, totals.c.gross, totals.c.refunded,
    ).join(totals, true())  # fmt: skip


@cache
def _event_totals(flags: frozenset[str]) -> _Compiled:
    return _compile(_anchored(REVENUE, _event_total_rows(flags, _limit), "number", descending=True))


@cache
def _all_event_totals(flags: frozenset[str]) -> _Compiled:
    rows = _event_total_rows(flags, None)
    return _compile(rows.order_by(rows.selected_columns.number.desc()))


def event_totals(*, viewer: UUID | None, q: str | None, after: int | None, limit: int) -> Query:
    """A row an event, newest first: `limit` of them and one more, where there is one."""
    flags, pattern = _flags(viewer=viewer, q=q or None, after=after), literally(q or "")
    return _query(_event_totals(flags), REVENUE, replan=bool(q), viewer=viewer, pattern=pattern, after=after, limit=limit + 1)


def all_event_totals(viewer: UUID | None, q: str | None) -> Query:
    """All of them, for an export: rows alone, without a position."""
    flags, pattern = _flags(viewer=viewer, q=q or None), literally(q or "")
    return _query(_all_event_totals(flags), REVENUE, replan=bool(q), viewer=viewer, pattern=pattern)


_AMOUNTS = ("bookings", "cancellations", "tickets", "tickets_cancelled", "gross", "refunded")


@cache
def _sales(interval: Interval, flags: frozenset[str]) -> _Compiled:
    e, h = RevenueEvent, RevenueHour
    conditions: dict[str, ColumnElement[bool]] = {
        "event_id": h.event_id == _event_id,
        "viewer": e.organizer_id == _viewer,
        "from_": h.hour >= _from,
        "to": h.hour < _to,
    }
    start = func.date_trunc(_text(interval), h.hour, _text("UTC"), type_=DateTime(timezone=True)).label("start")
    sums = [_total(getattr(h, name), name) for name in _AMOUNTS]
    buckets = select(start, e.currency, *sums).join(e, e.event_id == h.event_id)
    buckets = buckets.where(*(condition for name, condition in conditions.items() if name in flags)).group_by(start, e.currency)
    reached, owner = _reached(REVENUE), aliased(RevenueEvent)
    found = buckets.order_by(start, e.currency).limit(MAX_BUCKETS + 1).subquery("q")
    source: FromClause = reached
    owner_id: ColumnElement[Any] = _text("")
    if "event_id" in flags:
        source, owner_id = reached.outerjoin(owner, owner.event_id == _event_id), owner.organizer_id.expression
    statement = select(reached.c.position, owner_id.label("owner_id"), *found.c).select_from(source.outerjoin(found, true()))
    return _compile(statement.order_by(found.c.start, found.c.currency))


def sales(*, interval: Interval, viewer: UUID | None, event_id: UUID | None, from_: datetime | None, to: datetime | None) -> Query:
    """A row an interval and currency: whose the event is (null: there is none; "": none was named), start, currency, _AMOUNTS."""
    given: dict[str, Any] = {"viewer": viewer, "event_id": event_id, "from_": from_, "to": to}
    return _query(_sales(interval, _flags(**given)), REVENUE, **given)


# --- positions, and what changed


@cache
def _changes(flags: frozenset[str]) -> _Compiled:
    e, c = AvailabilityEvent, AvailabilityCategory
    categories = lateral(
        select(_json_rows(c.category.expression, c.name, c.available).label("rows")).where(c.event_id == e.event_id), "c"
    )
    rows = select(e.event_id, e.position.label("changed_at"), categories.c.rows).join(categories, true())
    if "event_ids" in flags:
        rows = rows.where(e.event_id == func.any(bindparam("event_ids", type_=ARRAY(Uuid))))
    if "after" in flags:
        rows = rows.where(e.position > bindparam("after", type_=BigInteger))
    return _compile(_anchored(AVAILABILITY, rows.order_by(e.position).limit(_limit), "changed_at"))


def changes(*, event_ids: list[UUID] | None, after: int | None, limit: int) -> Query:
    """Seats left, of the events named (None: of all) whose seats changed after that position, in the order of their changes."""
    return _query(_changes(_flags(event_ids=event_ids, after=after)), AVAILABILITY, event_ids=event_ids, after=after, limit=limit)


@cache
def _positions() -> _Compiled:
    head = func.coalesce(select(func.max(_entries.c.notification_id)).scalar_subquery(), 0)
    return _compile(union_all(select(Progress.position, Progress.name), select(head, _text(""))))  # type: ignore[arg-type]


def positions() -> Query:
    """(position, name) of each projection, and (head of the ledger, "")."""
    return _query(_positions(), ())


@cache
def _reached_only(reads: tuple[str, ...]) -> _Compiled:
    return _compile(select(_reached(reads).c.position, _text("")))


def reached(reads: tuple[str, ...]) -> Query:
    """No more than the position."""
    return _query(_reached_only(reads), reads)


@cache
def _progress() -> _Compiled:
    p = Progress
    later = _entries.c.notification_id > p.position
    counted = select(_entries.c.notification_id).where(later).limit(literal_column(str(MAX_LAG))).correlate(p).subquery("later")
    lag = select(func.count()).select_from(counted.lateral()).scalar_subquery()
    oldest = select(_entries.c.state).where(later).order_by(_entries.c.notification_id).limit(literal_column("1")).scalar_subquery()
    head = func.coalesce(select(func.max(_entries.c.notification_id)).scalar_subquery(), 0)
    of_projections = or_(*(p.name == _text(name) for name in PROJECTORS))  # the table knows others who follow the ledger too
    columns = (p.position, p.name, p.version, p.failed_position, p.error, head, lag, oldest)
    return _compile(select(*columns).where(of_projections).order_by(p.name))


def progress() -> Query:
    """A row a projection: position, name, version, failed_position, error, head of the ledger, entries behind, next entry."""
    return _query(_progress(), ())
