"""What customers were told by mail, and what became of it, for organizers and admins."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from accounts.access import Organizer, viewer_of
from ledger.outbox import DUE, SENT, DeliveryState
from query_api import queries
from query_api.parameters import Cursor, Limit, cursor_of, number_cursor, split_page
from query_api.queries import NotificationRow
from query_api.read_side import Reader
from query_api.responses.http import JSON, json_response
from query_api.responses.views import NotificationPage, NotificationView

router = APIRouter(prefix="/api", tags=["notifications"])

OfBooking = Annotated[UUID | None, Query(description="Of this booking, and what its customer was told about the whole event")]
OfEvent = Annotated[UUID | None, Query(description="About this event and its bookings")]
State = Annotated[DeliveryState | None, Query(description="Only those in this state")]

#: What may be an address. A mail server may repeat more than the one that was sent to.
_ADDRESS = re.compile(r"[^\s<>]*@[^\s<>]*")


@router.get("/notifications", operation_id="get_notifications", response_model=NotificationPage, responses=JSON)
async def get_notifications(
    principal: Organizer, reader: Reader, booking_id: OfBooking = None, event_id: OfEvent = None, state: State = None,
    limit: Limit = 50, cursor: Cursor = None,
) -> Response:  # fmt: skip
    """The mails to customers about an organizer's own events, for an admin about all, newest first. They are kept for 90 days after
    they were settled."""
    query = queries.notifications(
        viewer=viewer_of(principal), booking_id=booking_id, event_id=event_id, state=state,
        after=number_cursor(cursor), limit=limit,
    )  # fmt: skip
    position, rows = await reader.side.fetch(query, reader.at_least)  # a standby may lack what was asked for just now
    shown, has_more = split_page(rows, limit)
    items = [_view(row) for row in shown]
    return json_response(NotificationPage(items=items, next_cursor=cursor_of(shown[-1].number) if has_more else None), position)


def _view(row: NotificationRow) -> NotificationView:
    return NotificationView(
        id=row.id, kind=row.kind, event_id=row.event_id, booking_id=row.booking_id, position=row.entry_position, state=row.state,
        tries=row.tries, created_at=row.created_at, due_at=row.due_at if row.state == DUE else None,
        sent_at=row.settled_at if row.state == SENT else None, error=None if row.error is None else _ADDRESS.sub("…", row.error),
        recipient_name=row.recipient_name,
    )  # fmt: skip
