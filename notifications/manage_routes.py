"""The HTTP routes of a manage link itself. What it opens: `query_api/routes/manage.py`, and `commands/routes.py`."""

from fastapi import APIRouter, Depends, Request

from accounts.access import IdempotencyKey
from accounts.routes import not_stored
from ledger.idempotency import command_id
from notifications.manage_links import Managed, manage_links_of

router = APIRouter(prefix="/api/manage", tags=["bookings"], dependencies=[Depends(not_stored)])


@router.post("/resend", operation_id="resend_confirmation", status_code=202)
async def resend_confirmation(request: Request, managed: Managed, key: IdempotencyKey = None) -> None:
    """Mails the confirmation with the tickets again, three times an hour at most, and ten times a day."""
    id_ = command_id(managed.booking_id, request.method, request.scope["path"], key)
    await manage_links_of(request).resend(managed, id_)


@router.delete("", operation_id="revoke_manage_link", status_code=202)
async def revoke_manage_link(request: Request, managed: Managed) -> None:
    """Ends this link; a new one is mailed."""
    await manage_links_of(request).revoke(managed)
