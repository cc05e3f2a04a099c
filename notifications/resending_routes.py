"""The HTTP routes by which customers and organizers have mails sent again. What was sent: `query_api/routes/notifications.py`."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request

from accounts.access import Buyer, IdempotencyKey, Organizer, command_id_of
from accounts.routes import not_stored
from notifications.resending import Resending

router = APIRouter(prefix="/api", dependencies=[Depends(not_stored)])


@router.post("/bookings/{booking_id}/resend", operation_id="resend_tickets", status_code=202, tags=["bookings"])
async def resend_tickets(request: Request, booking_id: UUID, principal: Buyer, key: IdempotencyKey = None) -> None:
    """Mails the confirmation with the tickets to the booking's customer again, if the customer, the event's organizer or an admin
    asks for it: three times an hour at most, and ten times a day."""
    await _resending(request).confirmation(principal, booking_id, command_id_of(request, principal, key))


@router.post("/notifications/{notification_id}/resend", operation_id="resend_notification", status_code=202, tags=["notifications"])
async def resend_notification(request: Request, notification_id: UUID, principal: Organizer, key: IdempotencyKey = None) -> None:
    """Mails again what a notification told, to its recipient, as things are now: another notification, which is three times an hour
    at most, and ten times a day."""
    await _resending(request).notification(principal, notification_id, command_id_of(request, principal, key))


def _resending(request: Request) -> Resending:
    resending: Resending = request.app.state.resending
    return resending
