"""Promo codes of an event, with what was ordered with them."""

from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import select

from ledger.code_batches import CodeEffect
from projections.catalogue import CatalogueEvent
from projections.codes import CodeBatchSales
from query_api.database import Query, Row
from query_api.queries.compose import EVENT_ID, Compiled, anchored, compile_anchored, json_rows, query_of

CODES = ("catalogue", "codes")


class CodeBatchRow(Row, frozen=True, array_like=True):
    """Amounts are in minor units; `value`: see `ledger/code_batches.py`."""

    batch: int
    effect: CodeEffect
    value: int
    count: int
    max_tickets: int
    categories: list[int]
    valid_from: datetime | None
    valid_until: datetime | None
    prefix: str
    word: str
    made_at: datetime
    withdrawn_at: datetime | None
    held: int
    booked: int
    cancelled: int
    discount: int
    gross: int
    refunded: int


class EventCodesRow(Row, frozen=True):
    """An event. `batches`: a JSON array of CodeBatchRow, the newest last; None without any."""

    event_id: UUID
    organizer_id: UUID
    currency: str
    batches: str | None


@cache
def _event_codes() -> Compiled[EventCodesRow]:
    c, b = CatalogueEvent, CodeBatchSales
    columns = [getattr(b, name) for name in CodeBatchRow.__struct_fields__]
    batches = select(json_rows(CodeBatchRow, b.batch.expression, *columns)).where(b.event_id == c.event_id).scalar_subquery()
    rows = select(c.event_id, c.organizer_id, c.currency, batches.label("batches")).where(c.event_id == EVENT_ID)
    return compile_anchored(anchored(CODES, rows), EventCodesRow)


def event_codes(event_id: UUID) -> Query[EventCodesRow]:
    return query_of(_event_codes(), CODES, event_id=event_id)
