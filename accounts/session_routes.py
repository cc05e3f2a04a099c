"""The HTTP routes of an account's sessions and of its second factor."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from accounts.access import Fresh, FreshAnyhow, SignedIn, SignedInAnyhow, access_of, origin_of
from accounts.routes import AnyPassword, Body, Code, attempt_in_session, not_stored, operation_id

router = APIRouter(
    prefix="/api/me", tags=["accounts"], dependencies=[Depends(not_stored)], generate_unique_id_function=operation_id
)


class Reauthenticate(Body):
    """`code`: only where the account has a second factor."""

    password: AnyPassword
    code: Code | None = None


class ConfirmSecondFactor(Body):
    code: Code


class OpenSessionView(BaseModel):
    """A session of the account. `last_seen_at`: exact to some minutes. `network` and `client`: from where and by what it was logged
    in, as far as that is known. `is_current`: it is the one that asks."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    network: str | None
    client: str | None
    is_current: bool


class OpenSessionsView(BaseModel):
    items: list[OpenSessionView]


class NewSecondFactorView(BaseModel):
    """What an authenticator app needs: `uri` is the content of a QR code, `secret` for typing."""

    model_config = ConfigDict(from_attributes=True)

    secret: str
    uri: str


class RecoveryCodesView(BaseModel):
    """Each stands in for the second factor once. They are shown here only."""

    recovery_codes: list[str]


@router.post("/reauthenticate", status_code=204)
async def reauthenticate(request: Request, principal: SignedInAnyhow, body: Reauthenticate) -> None:
    """Confirms the password again: some operations need one of the last 15 minutes."""
    async with attempt_in_session(request, principal):
        await access_of(request).accounts.reauthenticate(
            principal.id, principal.token_hash, body.password, body.code, origin_of(request, principal)
        )


@router.get("/sessions", response_model=OpenSessionsView)
async def get_sessions(request: Request, principal: SignedIn) -> Any:
    """The account's sessions, newest first."""
    return {"items": await access_of(request).sessions.open_sessions(principal.id, principal.token_hash)}


@router.delete("/sessions", status_code=204)
async def end_other_sessions(request: Request, principal: SignedIn) -> None:
    """Ends all sessions of the account except this one, in every process within 2 s."""
    await access_of(request).sessions.end_others(principal.id, principal.token_hash, origin_of(request, principal))


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(request: Request, principal: SignedIn, session_id: UUID) -> None:
    """Ends a session of the account, in every process within 2 s."""
    await access_of(request).sessions.end(principal.id, session_id, origin_of(request, principal))


@router.post("/second-factor", response_model=NewSecondFactorView)
async def begin_second_factor(request: Request, principal: FreshAnyhow) -> Any:
    """Begins to set a second factor; log-ins need it once it is confirmed. Called again, it makes another secret."""
    access = access_of(request)
    account = await access.accounts.get(principal.id)
    return await access.second_factors.begin(account.id, account.email)


@router.post("/second-factor/confirm", response_model=RecoveryCodesView)
async def confirm_second_factor(request: Request, principal: FreshAnyhow, body: ConfirmSecondFactor) -> Any:
    """Confirms the second factor by a code of the app, and ends all other sessions. Answers ten recovery codes, this once."""
    access = access_of(request)
    async with attempt_in_session(request, principal):
        codes = await access.second_factors.confirm(
            principal.id, body.code, origin_of(request, principal), keep_token=principal.token_hash
        )
    access.tokens.forget_account(principal.id)
    return {"recovery_codes": codes}


@router.delete("/second-factor", status_code=204)
async def remove_second_factor(request: Request, principal: Fresh) -> None:
    """Removes the second factor and its recovery codes."""
    access = access_of(request)
    await access.second_factors.remove(principal.id, origin_of(request, principal))
    access.tokens.forget_account(principal.id)
