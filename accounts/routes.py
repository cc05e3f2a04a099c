"""The HTTP routes of accounts. Their responses contain personal data: no cache may store them."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from accounts.access import (
    Admin,
    Fresh,
    FreshAdmin,
    IdempotencyKey,
    SignedIn,
    SignedInAnyhow,
    access_of,
    address_of,
    clear_cookies,
    command_id_of,
    origin_of,
)
from accounts.account_rows import NewAccount
from accounts.passwords import MAX_LENGTH, MIN_LENGTH
from accounts.tokens import Principal
from ledger.commands import Role
from ledger.field_types import Email, Name, Phone, Text

NewPassword = Annotated[str, Text(MAX_LENGTH, at_least=MIN_LENGTH, strip=False)]
#: A password that may have been set under earlier rules.
AnyPassword = Annotated[str, Text(MAX_LENGTH, strip=False)]
Search = Annotated[str, Text(200, at_least=0), Query(description="Looked for in name and e-mail address, literally, in any case.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignUp(Body):
    name: Name
    email: Email
    password: NewPassword
    phone: Phone | None = None


class CreateUser(SignUp):
    role: Role


Code = Annotated[str, Text(40), Field(description="Six digits of the authenticator app, or a recovery code")]


class LogIn(Body):
    """`code`: only where the account has a second factor."""

    email: Email
    password: AnyPassword
    code: Code | None = None


class UpdateMe(Body):
    """Omitted fields keep their value. A new password or e-mail address needs `old_password`. `wants_organizer_mail`: reminders,
    and what organizers write to attendees."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = Field(default=None, description="null removes it")
    password: NewPassword | None = None
    old_password: AnyPassword | None = None
    wants_organizer_mail: Annotated[bool, Field(strict=True)] | None = None


class UpdateUser(Body):
    """Omitted fields keep their value."""

    role: Role | None = None
    disabled: bool | None = None


class AccountView(BaseModel):
    """`is_contact`: who bought at the box office or booked as a guest, and can't log in. `has_second_factor`: log-ins need a code.
    `is_email_proven`: its owner has opened a link that was mailed there. `wants_organizer_mail`: reminders, and what organizers
    write to attendees. `is_email_bouncing`: no mail is sent to the address, since its server said that there is none, but notices
    about the account and links; until it is changed or confirmed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    email: str
    phone: str | None
    role: Role
    disabled: bool
    created_at: datetime
    is_contact: bool
    has_second_factor: bool
    is_email_proven: bool
    wants_organizer_mail: bool
    is_email_bouncing: bool


class SessionView(BaseModel):
    """A new session. `access_token` is the bearer token of its requests; it is shown here only."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind of token
    expires_at: datetime
    account: AccountView


class ClaimsView(BaseModel):
    """`claimed`: customers of the account's e-mail address, of the box office or without an account, whose bookings became its own
    now."""

    claimed: int


class AccountPage(BaseModel):
    items: list[AccountView]
    next_cursor: str | None


async def not_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def operation_id(route: APIRoute) -> str:
    return route.name


router = APIRouter(prefix="/api", tags=["accounts"], dependencies=[Depends(not_stored)], generate_unique_id_function=operation_id)


@router.post("/signup", status_code=201, response_model=AccountView)
async def sign_up(request: Request, body: SignUp) -> Any:
    """Creates an account."""
    access = access_of(request)
    access.passwords.check_room(for_sign_up=True)
    async with (
        access.sign_up_rate_limiter.attempt(address_of(request)),
        access.mail_rate_limiter.link_of_sign_up(body.email) as mails_link,
    ):
        return await access.accounts.sign_up(NewAccount(**body.model_dump()), origin_of(request), mails_link=mails_link)


@router.post("/login", response_model=SessionView)
async def log_in(request: Request, response: Response, body: LogIn) -> Any:
    """Returns a token, and sets cookies for browsers. Scripts can't read `seatledger_session`; the value of `seatledger_csrf`
    goes into the header `X-CSRF-Token` of each request that changes something. `seatledger_device` is no credential: from a browser
    that has it, strangers who guess passwords can't keep the owner out."""
    access = access_of(request)
    access.passwords.check_room()
    device = await access.known_device(request, body.email)
    async with access.login_rate_limiter.attempt(body.email, address_of(request), device):
        session = await access.accounts.log_in(
            body.email, body.password, body.code, origin_of(request), replaces=access.replaced_session(request)
        )
    access.set_cookies(request, response, session)
    account = AccountView.model_validate(session.account)
    return SessionView(access_token=session.token, expires_at=session.expires_at, account=account)


@router.post("/logout", status_code=204)
async def log_out(request: Request, response: Response, principal: SignedInAnyhow) -> None:
    """Revokes the token, in every process within 2 s."""
    await access_of(request).accounts.log_out(principal.token_hash)
    clear_cookies(response)


@router.get("/me", response_model=AccountView)
async def get_me(request: Request, principal: SignedInAnyhow) -> Any:
    """The account that is logged in."""
    return await access_of(request).accounts.get(principal.id)


@router.patch("/me", response_model=AccountView)
async def update_me(request: Request, principal: SignedIn, body: UpdateMe, idempotency_key: IdempotencyKey = None) -> Any:
    """Changes the account; a new password or e-mail needs `old_password`, and ends all other sessions. In an account with a second
    factor it also needs a session whose password was given within 15 minutes."""
    access, command_id = access_of(request), command_id_of(request, principal, idempotency_key)
    changes = _sent_fields(body, nullable={"phone"})
    if {"password", "email"} & changes.keys() and (await access.accounts.get(principal.id)).has_second_factor:
        await access.sessions.check_fresh(principal.token_hash)
    old_password = changes.pop("old_password", None)
    counted = attempt_in_session(request, principal) if old_password is not None else nullcontext()
    if "email" in changes and changes["email"] != (await access.accounts.get(principal.id)).email:  # it gets a link to confirm it
        await access.mail_rate_limiter.count(changes["email"], address_of(request))
    async with counted:
        return await access.accounts.update_me(
            principal.id, changes, command_id, old_password=old_password, keep_token=principal.token_hash,
            origin=origin_of(request, principal),
        )  # fmt: skip


@router.delete("/me", status_code=204)
async def erase_me(request: Request, response: Response, principal: Fresh) -> None:
    """Erases the person: name, e-mail address, phone, password and sessions are deleted. Bookings keep the id alone."""
    await access_of(request).accounts.erase(principal.id, origin_of(request, principal), token_hash=principal.token_hash)
    clear_cookies(response)


@router.post("/me/claims", response_model=ClaimsView)
async def claim_bookings(request: Request, principal: SignedIn) -> Any:
    """Takes over what was booked under the account's e-mail address without it, if the address is verified. That also happens when
    it is verified, and at each log-in. Links to manage those bookings end."""
    return {"claimed": await access_of(request).accounts.claim(principal.id, origin_of(request, principal))}


@router.get("/users", response_model=AccountPage)
async def get_users(request: Request, principal: Admin, q: Search = "", limit: Limit = 50, cursor: Cursor = None) -> Any:
    """Accounts and contacts, oldest first; `q` is looked for in name and e-mail."""
    items, next_cursor = await access_of(request).directory.get_users(q, cursor, limit)
    return {"items": items, "next_cursor": next_cursor}


@router.post("/users", status_code=201, response_model=AccountView)
async def create_user(request: Request, principal: FreshAdmin, body: CreateUser, idempotency_key: IdempotencyKey = None) -> Any:
    """Creates an account with a role."""
    command_id = command_id_of(request, principal, idempotency_key)
    return await access_of(request).accounts.create_user(NewAccount(**body.model_dump()), command_id, origin_of(request, principal))


@router.patch("/users/{account_id}", response_model=AccountView)
async def update_user(
    request: Request, principal: FreshAdmin, account_id: UUID, body: UpdateUser, idempotency_key: IdempotencyKey = None
) -> Any:
    """Changes the role of an account, or disables it. Where mail is sent, a customer whose address is not confirmed and who gets
    more rights loses password, sessions and second factor, and gets a link to sign in: somebody else may have made the account."""
    command_id = command_id_of(request, principal, idempotency_key)
    return await access_of(request).accounts.update_user(account_id, _sent_fields(body), command_id, origin_of(request, principal))


@router.delete("/users/{account_id}", status_code=204)
async def erase_user(request: Request, principal: FreshAdmin, account_id: UUID) -> None:
    """Erases a person: an account, a contact, or a user of one of the other APIs. Bookings keep the id alone."""
    await access_of(request).accounts.erase(account_id, origin_of(request, principal))


def attempt_in_session(request: Request, principal: Principal) -> AbstractAsyncContextManager[None]:
    """Counts an attempt to give the password in a session: with a stolen one it can't be guessed faster than by log-ins, and a
    stranger who tries that keeps nobody out of another session."""
    limiter = access_of(request).login_rate_limiter
    return limiter.attempt(str(principal.id), address_of(request), principal.token_hash.hex())


def _sent_fields(body: Body, *, nullable: set[str] | frozenset[str] = frozenset()) -> dict[str, Any]:
    """The fields of the request. null means the same as a missing field, except for the nullable ones."""
    sent: Mapping[str, Any] = body.model_dump(exclude_unset=True)
    return {name: value for name, value in sent.items() if value is not None or name in nullable}
