"""What customers were told by mail about their bookings and events, or will be: rows of the outbox."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, FromClause, Text, Uuid, and_, bindparam, case, lateral, or_, select, true

from accounts.tables import accounts
from ledger.outbox import MAIL, DeliveryState, outbox
from projections.bookings import Booking, BookingEvent
from query_api.database import Query, Row
from query_api.queries.booking_queries import email_of
from query_api.queries.compose import (
    BOOKINGS,
    EVENT_ID,
    LIMIT,
    VIEWER,
    Compiled,
    Statement,
    anchored,
    as_text,
    compile_anchored,
    flags_of,
    query_of,
)


class NotificationRow(Row, frozen=True):
    """A message about an event. `number`: in the order of the outbox. `entry_position`: of the entry that it tells; None: somebody
    asked for it. `recipient_name`: of the customer, as in the event's bookings; None: erased."""

    number: int
    id: UUID
    kind: str
    event_id: UUID
    booking_id: UUID | None
    entry_position: int | None
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    error: str | None
    recipient_name: str | None


def _scope(flags: frozenset[str]) -> FromClause | None:
    """The events, or the booking, whose messages are asked for; None: all."""
    b, e = Booking, BookingEvent
    chosen: Statement = select(e.event_id)
    if "booking_id" in flags:
        chosen = select(b.event_id, b.booking_id, b.customer_id, b.booked_at).join(e, e.event_id == b.event_id)
        chosen = chosen.where(b.booking_id == bindparam("booking_id", type_=Uuid))
    elif not flags & {"viewer", "event_id"}:
        return None
    if "viewer" in flags:
        chosen = chosen.where(e.organizer_id == VIEWER)
    if "event_id" in flags:
        chosen = chosen.where(e.event_id == EVENT_ID)
    return chosen.subquery("scope")


def _is_in(scope: FromClause, flags: frozenset[str]) -> ColumnElement[bool]:
    """Of a booking: also what its customer was told about the whole event since it was made."""
    o, c = outbox.c, scope.c
    if "booking_id" not in flags:
        return o.event_id == c.event_id
    about_event = and_(
        o.recipient_id == c.customer_id, o.event_id == c.event_id, o.booking_id.is_(None), o.created_at >= c.booked_at
    )
    return or_(o.booking_id == c.booking_id, about_event)


@cache
def _notifications(flags: frozenset[str]) -> Compiled[NotificationRow]:
    o, person = outbox.c, accounts.c
    name = case((email_of(person).is_not(None), person.name)).label("recipient_name")
    conditions: dict[str, ColumnElement[bool]] = {
        "state": o.state == bindparam("state", type_=Text),
        "after": o.number < bindparam("after", type_=BigInteger),
    }
    scope = _scope(flags)
    rows = (
        select(
            o.number, o.id, o.kind, o.event_id, o.booking_id, o.position.label("entry_position"), o.state, o.tries, o.created_at,
            o.due_at, o.settled_at, o.error, name,
        )
        .select_from(outbox)
        .outerjoin(accounts, person.id == o.recipient_id)
        .where(o.channel == as_text(MAIL), *(condition for flag, condition in conditions.items() if flag in flags))
        .where(o.event_id.is_not(None) if scope is None else _is_in(scope, flags))
        .order_by(o.number.desc())
        .limit(LIMIT)
    )  # fmt: skip
    if scope is not None:  # a page of each event, in the order of its index, of which the newest rows are the page
        of_each = lateral(rows, "of_each")
        rows = select(*of_each.c).select_from(scope.join(of_each, true())).order_by(of_each.c.number.desc()).limit(LIMIT)
    return compile_anchored(anchored(BOOKINGS, rows, "number", descending=True), NotificationRow)


def notifications(
    *, viewer: UUID | None, booking_id: UUID | None, event_id: UUID | None, state: str | None, after: int | None, limit: int
) -> Query[NotificationRow]:
    """Messages, newest first, up to `limit` + 1. `viewer`: only about events that they organize; None: about all. `after`: the
    number of the last one of the page before."""
    filters: dict[str, Any] = {"viewer": viewer, "booking_id": booking_id, "event_id": event_id, "state": state, "after": after}
    return query_of(_notifications(flags_of(**filters)), BOOKINGS, limit=limit + 1, **filters)
