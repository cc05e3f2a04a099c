"""Holds, with what their views show."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, case, select

from ledger.details import OnlineMethod
from projections.availability import AvailabilityEvent, Hold, HoldLine
from projections.catalogue import CatalogueEvent
from query_api.database import Query, Row
from query_api.queries.booking_queries import BookedByRow
from query_api.queries.compose import (
    AVAILABILITY,
    EVENTS,
    Compiled,
    anchored,
    as_text,
    compile_anchored,
    compile_rows,
    json_rows,
    query_of,
)


class HoldLineRow(Row, frozen=True, array_like=True):
    """`unit_price` is in minor units; so is `amount`, which is None without a discount."""

    category: int
    name: str
    quantity: int
    unit_price: int
    amount: int | None


class HoldRow(Row, frozen=True):
    """A hold. `status`: `lapsed` also where its event has ended. `lines`: a JSON array of HoldLineRow."""

    hold_id: UUID
    event_id: UUID
    event_name: str
    organizer_id: UUID
    customer_id: UUID | None
    status: Literal["open", "confirmed", "released", "lapsed"]  # msgspec reads no named type
    currency: str
    held_at: datetime
    expires_at: datetime
    payment_id: UUID | None
    payment_method: OnlineMethod | None
    payable_until: datetime | None
    lines: str


class HoldEndRow(Row, frozen=True):
    """`is_open`: it was neither confirmed nor released, has not lapsed, and its event has not ended."""

    hold_id: UUID
    expires_at: datetime
    is_open: bool


_HOLD_ID = bindparam("hold_id", type_=Uuid)
_IS_OPEN = (Hold.status == as_text("open")) & AvailabilityEvent.is_open


@cache
def _hold_by_id() -> Compiled[HoldRow]:
    h, c, line = Hold, CatalogueEvent, HoldLine
    columns = (line.category, line.name, line.quantity, line.unit_price, line.amount)
    lines = select(json_rows(HoldLineRow, line.category.expression, *columns))
    status = case((_IS_OPEN, h.status), (h.status == as_text("open"), as_text("lapsed")), else_=h.status)
    rows = (
        select(
            h.hold_id, h.event_id, c.name.label("event_name"), c.organizer_id, h.customer_id, status.label("status"), c.currency,
            h.held_at, h.expires_at, h.payment_id, h.payment_method, h.payable_until,
            lines.where(line.hold_id == h.hold_id).scalar_subquery().label("lines"),
        )
        .join(AvailabilityEvent, AvailabilityEvent.event_id == h.event_id)
        .join(c, c.event_id == h.event_id)
        .where(h.hold_id == _HOLD_ID)
    )  # fmt: skip
    return compile_anchored(anchored(EVENTS, rows), HoldRow)


def hold_by_id(hold_id: UUID) -> Query[HoldRow]:
    return query_of(_hold_by_id(), EVENTS, hold_id=hold_id)


@cache
def _held_by() -> Compiled[BookedByRow]:
    return compile_anchored(
        anchored(AVAILABILITY, select(Hold.event_id, Hold.customer_id).where(Hold.hold_id == _HOLD_ID)), BookedByRow
    )


def held_by(hold_id: UUID) -> Query[BookedByRow]:
    """The event of a hold, and for whom it is."""
    return query_of(_held_by(), AVAILABILITY, hold_id=hold_id)


@cache
def _hold_ends() -> Compiled[HoldEndRow]:
    ids = bindparam("hold_ids", type_=ARRAY(Uuid))
    rows = select(Hold.hold_id, Hold.expires_at, _IS_OPEN.label("is_open"))
    rows = rows.join(AvailabilityEvent, AvailabilityEvent.event_id == Hold.event_id)
    return compile_rows(rows.where(Hold.hold_id == any_(ids)), HoldEndRow)


def hold_ends(hold_ids: Collection[UUID]) -> Query[HoldEndRow]:
    """When each of these holds ends; not anchored."""
    return query_of(_hold_ends(), AVAILABILITY, hold_ids=list(hold_ids))
