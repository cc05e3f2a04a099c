"""Payments, their movements, and postings. Payments are shown with their bookings, so that both projections have to be reached."""

from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Uuid, bindparam, case, cast, column, func, select, table

from accounts.tables import accounts
from projections.bookings import Booking, BookingEvent
from projections.payments import MoneyMovement, Payment, StartedPayment
from projections.postings import PostingBalance, PostingRow
from query_api.database import Query, Row
from query_api.queries.booking_queries import email_of
from query_api.queries.compose import (
    EVENT_ID,
    LIMIT,
    VIEWER,
    Compiled,
    Statement,
    anchored,
    as_text,
    choice_flag,
    compile_anchored,
    compile_rows,
    flags_of,
    query_of,
)

PAYMENTS, POSTINGS = ("bookings", "payments"), ("bookings", "postings")


class PaymentRow(Row, frozen=True):
    """A payment. `number`: the position of its entry. Amounts are in minor units. `booking_number`: None if nothing was booked for
    it. `customer_name`: None for a walk-in, and for an erased account."""

    number: int
    payment_id: UUID
    event_id: UUID
    event_name: str
    booking_id: UUID
    booking_number: int | None
    customer_name: str | None
    method: str
    amount: int
    currency: str
    reference: str
    received_at: datetime
    owed: int
    paid_back: int
    failure: str


class MovementRow(Row, frozen=True):
    """A movement of the money of a booking. The last three are of the booking, as in `PaymentRow` and `BookingRow`."""

    kind: Literal["started", "received", "owed", "paid-back", "failed"]
    amount: int
    method: str
    reference: str
    reason: str
    at: datetime
    number: int


class UnplacedRow(Row, frozen=True):
    """Money that a provider has received for no payment of ours. `amount`: in minor units."""

    method: str
    object: str
    payment_id: UUID | None
    amount: int
    currency: str
    reason: str
    noted_at: datetime


class PostingSumRow(Row, frozen=True):
    """The sum of the postings to an account, by currency and method, in minor units."""

    currency: str
    account: str
    method: str
    amount: int


class PostingExportRow(Row, frozen=True):
    """A posting, in minor units. `number`: the position of its entry. `booking_number`: None where it is about a whole event."""

    number: int
    line: int
    at: datetime
    event_id: UUID
    event_name: str
    booking_number: int | None
    account: str
    method: str
    amount: int
    currency: str


_REFUND_DUE = Payment.paid_back < Payment.owed


def _payment_rows(flags: frozenset[str]) -> Statement:
    p, b, e, person, started = Payment, Booking, BookingEvent, accounts.c, StartedPayment
    conditions: dict[str, ColumnElement[bool]] = {
        "viewer": e.organizer_id == VIEWER,
        "event_id": p.event_id == EVENT_ID,
        "after": p.position < bindparam("after", type_=BigInteger),
        "state:received": p.owed == 0,
        "state:refund-due": _REFUND_DUE,
        "state:refund-failed": _REFUND_DUE & (p.failure != as_text("")),
        "state:refunded": p.paid_back > 0,
    }
    starter = select(started.customer_id).where(started.payment_id == p.payment_id).correlate(p).scalar_subquery()
    name = (
        select(case((email_of(person).is_not(None), person.name)))
        .where(person.id == func.coalesce(b.customer_id, starter))
        .correlate(p, b)
        .scalar_subquery()
        .label("customer_name")
    )
    return (
        select(
            p.position.label("number"), p.payment_id, p.event_id, e.name.label("event_name"), p.booking_id,
            b.number.label("booking_number"), name, p.method, p.amount, p.currency, p.reference, p.received_at, p.owed, p.paid_back,
            p.failure,
        )
        .select_from(p)
        .join(e, e.event_id == p.event_id)
        .outerjoin(b, b.booking_id == p.booking_id)
        .where(*(condition for flag, condition in conditions.items() if flag in flags))
        .order_by(p.position.desc())
    )  # fmt: skip


@cache
def _payments(flags: frozenset[str]) -> Compiled[PaymentRow]:
    return compile_anchored(anchored(PAYMENTS, _payment_rows(flags).limit(LIMIT), "number", descending=True), PaymentRow)


@cache
def _all_payments(flags: frozenset[str]) -> Compiled[PaymentRow]:
    return compile_rows(_payment_rows(flags), PaymentRow)


def payments(*, viewer: UUID | None, event_id: UUID | None, state: str | None, after: int | None, limit: int) -> Query[PaymentRow]:
    """Payments, newest first, up to `limit` + 1. `viewer`: only of events that they organize; None: of all."""
    filters: dict[str, Any] = {"viewer": viewer, "event_id": event_id, "after": after}
    return query_of(_payments(flags_of(**filters, **choice_flag("state", state))), PAYMENTS, limit=limit + 1, **filters)


def all_payments(*, viewer: UUID | None, event_id: UUID | None, state: str | None) -> Query[PaymentRow]:
    """Likewise all of them, for an export; not anchored."""
    filters: dict[str, Any] = {"viewer": viewer, "event_id": event_id}
    return query_of(_all_payments(flags_of(**filters, **choice_flag("state", state))), PAYMENTS, **filters)


@cache
def _movements() -> Compiled[MovementRow]:
    m = MoneyMovement
    rows = select(m.kind, m.amount, m.method, m.reference, m.reason, m.at, m.position.label("number")).where(
        m.booking_id == bindparam("booking_id", type_=Uuid)
    )
    return compile_anchored(anchored(PAYMENTS, rows, "number"), MovementRow)


def movements(booking_id: UUID) -> Query[MovementRow]:
    """All movements of the money of a booking, the oldest first."""
    return query_of(_movements(), PAYMENTS, booking_id=booking_id)


@cache
def _unplaced() -> Compiled[UnplacedRow]:
    u = table("unplaced_money", *map(column, UnplacedRow.__struct_fields__)).c
    return compile_rows(select(*u).order_by(u.noted_at.desc(), u.method, u.object).limit(LIMIT), UnplacedRow)


def unplaced_money(limit: int) -> Query[UnplacedRow]:
    """The newest of it, up to `limit`; not anchored: it is no projection."""
    return query_of(_unplaced(), (), limit=limit)


def _posting_conditions(flags: frozenset[str], event_id: ColumnElement[UUID]) -> list[ColumnElement[bool]]:
    conditions = {"viewer": BookingEvent.organizer_id == VIEWER, "event_id": event_id == EVENT_ID}
    return [condition for name, condition in conditions.items() if name in flags]


@cache
def _posting_sums(flags: frozenset[str]) -> Compiled[PostingSumRow]:
    p, e = PostingBalance, BookingEvent
    amount = cast(func.sum(p.amount), BigInteger).label("amount")
    rows = select(e.currency, p.account, p.method, amount).join(e, e.event_id == p.event_id)
    rows = rows.where(*_posting_conditions(flags, p.event_id.expression)).group_by(e.currency, p.account, p.method)
    return compile_anchored(anchored(POSTINGS, rows, "currency", "account", "method"), PostingSumRow)


def posting_sums(viewer: UUID | None, event_id: UUID | None) -> Query[PostingSumRow]:
    """The balance of each account. `viewer`: as in `payments`."""
    filters: dict[str, Any] = {"viewer": viewer, "event_id": event_id}
    return query_of(_posting_sums(flags_of(**filters)), POSTINGS, **filters)


@cache
def _all_postings(flags: frozenset[str]) -> Compiled[PostingExportRow]:
    p, b, e = PostingRow, Booking, BookingEvent
    rows = (
        select(
            p.position.label("number"), p.line, p.at, p.event_id, e.name.label("event_name"), b.number.label("booking_number"),
            p.account, p.method, p.amount, e.currency,
        )
        .select_from(p)
        .join(e, e.event_id == p.event_id)
        .outerjoin(b, b.booking_id == p.booking_id)
        .where(*_posting_conditions(flags, p.event_id.expression))
        .order_by(p.position, p.line)
    )  # fmt: skip
    return compile_rows(rows, PostingExportRow)


def all_postings(viewer: UUID | None, event_id: UUID | None) -> Query[PostingExportRow]:
    """All postings, the oldest first, for an export; not anchored."""
    filters: dict[str, Any] = {"viewer": viewer, "event_id": event_id}
    return query_of(_all_postings(flags_of(**filters)), POSTINGS, **filters)
