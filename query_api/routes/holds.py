"""Reading a hold: for its owner, and for the organizer of its event."""

from fastapi import APIRouter, Response

from accounts.access import may_see_booking
from ledger.hold_errors import HoldNotFound
from ledger.hold_views import HoldView
from notifications.hold_access import OfHold
from query_api.read_side import Reader
from query_api.responses.http import JSON, json_response

router = APIRouter(prefix="/api/holds", tags=["bookings"])


@router.get("/{hold_id}", operation_id="get_hold", response_model=HoldView, responses=JSON)
async def get_hold(user: OfHold, reader: Reader) -> Response:
    """A hold as it is now, or was in the end. Where the read side has not reached it yet, it is read from the ledger."""
    shown = await reader.side.hold(user.hold_id, reader.at_least)
    if shown is None:
        raise HoldNotFound
    customer_id = shown.view.customer_id
    if user.principal is not None and not may_see_booking(user.principal, customer_id=customer_id, organizer_id=shown.organizer_id):
        raise HoldNotFound
    return json_response(shown.view, shown.position)
