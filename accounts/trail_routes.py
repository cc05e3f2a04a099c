"""The HTTP route of the trail of accounts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from accounts.access import Access, Auditor
from accounts.routes import Cursor, Limit, not_stored, operation_id
from accounts.trail import AccountAction
from ledger.commands import Role
from ledger.errors import Malformed

router = APIRouter(
    prefix="/api/audit", tags=["audit"], dependencies=[Depends(not_stored)], generate_unique_id_function=operation_id
)

OfAccount = Annotated[UUID | None, Query(description="Only what was done to or by this account")]
MAX_ID = 2**63 - 1


class TrailEntryView(BaseModel):
    """Something that was done to an account. `account_id`: null for log-ins with unknown e-mail addresses. `actor_id`: who did it;
    null: the operator, or unknown. `network`: from where. `role_before`, `role_after`: `signed-up`, `created`, `role-changed`.
    `count`: `log-ins-failed`, of about a minute in one process."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    action: AccountAction
    account_id: UUID | None
    actor_id: UUID | None
    network: str | None
    role_before: Role | None
    role_after: Role | None
    count: int | None


class TrailPage(BaseModel):
    items: list[TrailEntryView]
    next_cursor: str | None


@router.get("/accounts", response_model=TrailPage)
async def get_account_trail(
    request: Request, principal: Auditor, account_id: OfAccount = None, limit: Limit = 50, cursor: Cursor = None
) -> Any:
    """Who changed which account, and failed log-ins, newest first."""
    access: Access = request.app.state.access
    items, before = await access.trail.page(account_id, _before(cursor), limit)
    return {"items": items, "next_cursor": None if before is None else str(before)}


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and int(cursor) <= MAX_ID):
        raise Malformed("This cursor is not one of this list.", errors=[{"path": "cursor", "message": "unknown"}])
    return int(cursor)
