"""The promo codes of an event, for those who sell it."""

from uuid import UUID

import msgspec
from fastapi import APIRouter, Response

from accounts.access import Organizer
from ledger.code_views import CodeSalesView, code_value
from ledger.commands import Role
from ledger.errors import EventNotFound, NotYourEvent
from ledger.event import batch_id, category_id
from ledger.money import to_text
from query_api import queries
from query_api.queries import CodeBatchRow, EventCodesRow
from query_api.read_side import Reader
from query_api.responses.http import JSON, json_response
from query_api.responses.views import CodeList

router = APIRouter(prefix="/api/events/{event_id}/codes", tags=["events"])
_decode_batches = msgspec.json.Decoder(list[CodeBatchRow]).decode


@router.get("", operation_id="get_codes", response_model=CodeList, responses=JSON)
async def get_codes(event_id: UUID, principal: Organizer, reader: Reader) -> Response:
    """The batches of promo codes of an event, the newest first, and what was sold with them; without the codes."""
    position, rows = await reader.fetch(queries.event_codes(event_id))
    if not rows:
        raise EventNotFound
    [row] = rows
    if principal.role != Role.ADMIN and row.organizer_id != principal.id:
        raise NotYourEvent
    batches = [_view(row, batch) for batch in reversed(_decode_batches(row.batches or "[]"))]
    return json_response(CodeList(items=batches), position)


def _view(event: EventCodesRow, row: CodeBatchRow) -> CodeSalesView:
    currency = event.currency
    return CodeSalesView(
        id=batch_id(event.event_id, row.batch), effect=row.effect, value=code_value(row.effect, row.value, currency),
        count=row.count, max_tickets=row.max_tickets,
        categories=[category_id(event.event_id, number) for number in row.categories], valid_from=row.valid_from,
        valid_until=row.valid_until, prefix=row.prefix, code=row.word or None, made_at=row.made_at, withdrawn_at=row.withdrawn_at,
        held=row.held, booked=row.booked, cancelled=row.cancelled, discount=to_text(row.discount, currency),
        gross=to_text(row.gross, currency), refunded=to_text(row.refunded, currency), currency=currency,
    )  # fmt: skip
