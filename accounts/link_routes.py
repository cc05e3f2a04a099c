"""The HTTP routes of links by mail (`accounts/mailed_links.py`). Opening one spends nothing: its page sends the token here."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from accounts.access import FreshAdmin, SignedInAnyhow, access_of, address_of, origin_of
from accounts.routes import AccountView, Body, Code, NewPassword, SessionView, not_stored, operation_id
from ledger.field_types import Email, Text
from ledger.mail_tokens import RESET_PASSWORD, SIGN_IN, VERIFY_EMAIL

Token = Annotated[str, Text(200), Field(description="What the link has after its #")]


class AskForLink(Body):
    email: Email


class UseLink(Body):
    token: Token


class ResetPassword(UseLink):
    password: NewPassword


class SignInByLink(UseLink):
    """`code`: only where the account has a second factor."""

    code: Code | None = None


router = APIRouter(prefix="/api", tags=["accounts"], dependencies=[Depends(not_stored)], generate_unique_id_function=operation_id)


@router.post("/password-reset", status_code=202, response_class=Response)
async def ask_to_reset_password(request: Request, body: AskForLink) -> None:
    """Mails a link to set a new password to the account with this address. The answer does not tell whether there is one."""
    await _mail(request, RESET_PASSWORD, body.email)


@router.post("/password-reset/confirm", status_code=204)
async def reset_password(request: Request, response: Response, body: ResetPassword) -> None:
    """Sets a new password, and ends all sessions of the account. A second factor stays, unless a customer's address is confirmed by
    this: then somebody else may have set it."""
    access = access_of(request)
    access.passwords.check_room()
    account = await access.mailed_links.set_password(body.token, body.password, origin_of(request))
    # Who has locked the owner out by guessing must not do so after this, too.
    access.remember_device(request, response, account)


@router.post("/sign-in-link", status_code=202, response_class=Response)
async def ask_for_sign_in_link(request: Request, body: AskForLink) -> None:
    """Mails a link to sign in to the account with this address. The answer does not tell whether there is one."""
    await _mail(request, SIGN_IN, body.email)


@router.post("/sign-in-link/confirm", response_model=SessionView)
async def sign_in_by_link(request: Request, response: Response, body: SignInByLink) -> Any:
    """A session, as `POST /api/login` answers it. If this confirms the address, what was set before ends: password, sessions, and a
    customer's second factor, since somebody else may have made the account."""
    access = access_of(request)
    account_id = await access.mailed_links.whom(body.token)
    # The codes of a second factor can't be guessed with a stolen link faster than by log-ins.
    async with access.login_rate_limiter.attempt(str(account_id), address_of(request), "link"):
        session = await access.mailed_links.sign_in(
            body.token, body.code, origin_of(request), replaces=access.replaced_session(request)
        )
    access.set_cookies(request, response, session)
    account = AccountView.model_validate(session.account)
    return SessionView(access_token=session.token, expires_at=session.expires_at, account=account)


@router.post("/me/email/verify", status_code=202, response_class=Response)
async def ask_to_verify_email(request: Request, principal: SignedInAnyhow) -> None:
    """Mails a link to the account's own address, which proves that it is its own."""
    access = access_of(request)
    access.mailed_links.check_mail()
    account = await access.accounts.get(principal.id)
    await access.mail_rate_limiter.count(account.email, address_of(request))
    await access.mailed_links.ask(VERIFY_EMAIL, principal.id)


@router.post("/email/confirm", status_code=204)
async def confirm_email(request: Request, principal: SignedInAnyhow, body: UseLink) -> None:
    """The address of the account is its own: its link was opened, by somebody who is signed in. So nobody confirms an account that
    somebody else has made with their address."""
    await access_of(request).mailed_links.prove_email(principal.id, body.token, origin_of(request, principal))


@router.post("/users/{account_id}/reset-password", status_code=202, response_class=Response)
async def send_password_reset(request: Request, principal: FreshAdmin, account_id: UUID) -> None:
    """Mails a link to set a new password to an account."""
    access = access_of(request)
    account = await access.accounts.get(account_id)
    await access.mailed_links.ask(RESET_PASSWORD, account.id)


async def _mail(request: Request, purpose: str, email: str) -> None:
    access = access_of(request)
    access.mailed_links.check_mail()
    await access.mail_rate_limiter.count(email, address_of(request))
    await access.mailed_links.ask_by_email(purpose, email)
