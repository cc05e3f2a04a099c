"""Access to a hold: by an account, or by the token in the response to a guest. The token is that of the manage link of the later
booking, which has the same id. The rules of the ledger decide about ownership."""

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from accounts.access import (
    BUYERS,
    BY_LINK,
    SAFE_METHODS,
    access_of,
    address_of,
    bearer_command_id,
    command_id_of,
    permitted,
)
from accounts.errors import NotSignedIn
from accounts.tokens import Principal
from ledger.client_address import client_key
from ledger.commands import Actor, Role
from ledger.errors import TokenUnknown
from ledger.hold_errors import HoldNotFound
from ledger.mail_tokens import LENGTH, Issued
from ledger.open_holds import OpenHolds
from ledger.views import BookedBy
from notifications.manage_links import manage_links_of
from notifications.manage_urls import ManageUrls


class HoldUser(NamedTuple):
    """A request about a hold. `principal`: None for the bearer of its token. `is_named`: whether the hold says whose it is;
    `is_proven`: whether that is a contact who has proven the e-mail address."""

    hold_id: UUID
    held_by: BookedBy
    actor: Actor
    principal: Principal | None
    is_named: bool = True
    is_proven: bool = False

    @property
    def guest(self) -> Literal["unproven", "proven"] | None:
        """What the contact is for whom the hold was made, of the bearer of its token."""
        if self.principal is not None:
            return None
        return "proven" if self.is_proven else "unproven"

    @property
    def own_ids(self) -> frozenset[UUID]:
        """Further ids of the person whose hold it is."""
        if self.principal is None or self.held_by.customer_id not in self.principal.ids:
            return frozenset()
        return frozenset(self.principal.ids)

    def command_id(self, request: Request, key: str | None) -> UUID:
        if self.principal is not None:
            return command_id_of(request, self.principal, key)
        return bearer_command_id(request, self.hold_id, key)


def open_holds_of(request: Request) -> OpenHolds:
    holds: OpenHolds = request.app.state.open_holds
    return holds


class _ByAccountOrToken(SecurityBase):
    def __init__(self) -> None:
        self.scheme_name = "bearer"
        self.model = HTTPBearer(description="The `access_token` that `POST /api/login` answers.")

    async def __call__(self, hold_id: UUID, request: Request, policy: SecurityScopes) -> HoldUser:
        access = access_of(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and len(token.strip()) == LENGTH:
            user = await _by_token(hold_id, token.strip(), request)
        else:
            principal = permitted(await access.principal_of(request.scope), policy.scopes)
            user = await user_of_account(principal, hold_id, open_holds_of(request))
        if request.method not in SAFE_METHODS:
            client = ("guests", client_key(address_of(request)))
            access.account_limiter.count(client if user.principal is None else user.principal.id)
        return user


async def user_of_account(principal: Principal, hold_id: UUID, open_holds: OpenHolds) -> HoldUser:
    """Raises HoldNotFound."""
    return HoldUser(hold_id, await open_holds.held_by(hold_id), principal.actor, principal)


async def _by_token(hold_id: UUID, token: str, request: Request) -> HoldUser:
    """Raises NotSignedIn, HoldNotFound, LinkSuperseded."""
    links = manage_links_of(request)
    issued = read_token(links.urls, hold_id, token)
    held_by = await open_holds_of(request).held_by(hold_id)
    if held_by.customer_id is None:
        raise HoldNotFound
    holder = await links.check_holder(issued, held_by.customer_id)
    return HoldUser(hold_id, held_by, Actor(held_by.customer_id, Role.CUSTOMER), None, *holder)


def read_token(urls: ManageUrls, hold_id: UUID, token: str) -> Issued:
    """Raises NotSignedIn; HoldNotFound for the token of another hold."""
    try:
        issued = urls.read(token)
    except TokenUnknown:
        raise NotSignedIn from None
    if issued.id != hold_id:
        raise HoldNotFound
    return issued


#: For the OpenAPI document of such a route.
BY_TOKEN = {BY_LINK: True}
#: The access to the hold with the id in the path.
OfHold = Annotated[HoldUser, Security(_ByAccountOrToken(), scopes=BUYERS)]
