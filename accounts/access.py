"""Authentication and authorization of requests. The type of a route's parameter is its policy:

    async def create_event(principal: Organizer, ...): ...

A request is authenticated by `Authorization: Bearer <token>`, or in browsers by the HttpOnly cookie `seatledger_session`. A browser
sends the cookie with requests of any page, so a request with the cookie that may change something must prove that it comes from our
page: by the header `X-CSRF-Token` with the value of the readable cookie `seatledger_csrf`, a keyed hash of the token. Where
cookies are for HTTPS only, both names begin with `__Host-`.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import blake2b
from hmac import compare_digest
from types import TracebackType
from typing import Annotated, Self
from uuid import UUID, uuid5

import msgspec
import psycopg
from fastapi import Header, Request, Response, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from psycopg_pool import PoolClosed, PoolTimeout
from starlette.requests import cookie_parser
from starlette.types import Scope

from accounts import errors
from accounts.account_rows import Account
from accounts.account_service import AccountPolicy, AccountService, FindErasureObstacle, NewSession
from accounts.attempt_counts import AttemptCounts
from accounts.contact_codes import ContactCodes
from accounts.database import Pool
from accounts.directory import Directory
from accounts.guest_contacts import GuestContacts
from accounts.guest_secret import GuestSecrets
from accounts.guests import Guests
from accounts.known_devices import DAYS, DEVICE_COOKIE, KnownDevices
from accounts.mailed_links import MailedLinks
from accounts.origin import Origin, describe_client, network_of
from accounts.passwords import Passwords
from accounts.rate_limiters import GuestMailLimiter, LoginRateLimiter, MailRateLimiter, SignUpRateLimiter
from accounts.second_factor import SecondFactors
from accounts.sessions import Sessions
from accounts.tokens import AccessCache, Principal, hash_of
from accounts.trail import FLUSH_SECONDS, Trail
from ledger.client_address import client_key
from ledger.client_limits import RateLimiter
from ledger.commands import Role
from ledger.concurrency import BackgroundTasks, supervise
from ledger.derived_ids import derived_id
from ledger.errors import SeatledgerError
from ledger.idempotency import command_id
from ledger.mail_tokens import MailTokens
from ledger.settings import Settings

SESSION_COOKIE = "seatledger_session"
CSRF_COOKIE = "seatledger_csrf"
#: Of both names where the cookies are for HTTPS only (SECURE_COOKIES): browsers then take them from this very host alone, so that
#: neither another host of the domain nor a page over HTTP can plant a session.
HOST_PREFIX = "__Host-"
TOKEN_LENGTH = 43

#: The namespace of whom the keys of guests belong to. Changing it would let their retries be executed again.
_GUESTS = UUID("c0f3b1a4-52f5-4e0b-8a2d-0d6f3f9e7a11")

_log = logging.getLogger(__name__)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def no_erasure_obstacle(account_id: UUID) -> str | None:
    """What prevents an erasure in an installation without a ledger: nothing."""
    return None


class Access:
    """The services of accounts, in `app.state.access`. Entered after the pool was opened, left before it is closed."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        *,
        key: bytes,
        older_keys: Sequence[bytes] = (),
        erasure_obstacle: FindErasureObstacle = no_erasure_obstacle,
        closed_accounts: frozenset[UUID] = frozenset(),
        passwords: Passwords | None = None,
        mail_tokens: MailTokens | None = None,
    ) -> None:
        """`key`: at least 32 secret bytes from KEYS_DIR. After a change of the key browsers must sign in again, and retries of
        earlier commands about accounts are refused. `older_keys` still decrypt second factors. `closed_accounts`: the ids of
        accounts that can't be used here. `mail_tokens`: None where no mail is sent."""
        if len(key) < 32:
            raise ValueError("The key of accounts has fewer than 32 bytes.")
        self._pool, self._closed_accounts = pool, closed_accounts
        self._csrf_key = _derive(key, b"csrf")
        self._secure_cookies = settings.has_secure_cookies
        self._cookie_prefix = HOST_PREFIX if settings.has_secure_cookies else ""
        self._session_seconds = settings.session_hours * 3600
        self.passwords = passwords or Passwords()
        #: Counts commands by account. By address, `app/middleware.py` does.
        self.account_limiter = RateLimiter(settings.commands_per_minute)
        self._counts = AttemptCounts(settings.redis_url, _derive(key, b"attempts"))
        self.login_rate_limiter = LoginRateLimiter(self._counts, settings.login_attempts_per_minute)
        self.sign_up_rate_limiter = SignUpRateLimiter(self._counts, settings.sign_ups_per_minute)
        self.mail_rate_limiter = MailRateLimiter(self._counts, settings.sign_ups_per_minute)
        self.guest_mail_limiter = GuestMailLimiter(self._counts, settings.guest_mails_per_hour)
        self._devices = KnownDevices(_derive(key, b"devices"))
        self.tokens = AccessCache(pool, second_factor_of=settings.require_second_factor)
        self.sessions = Sessions(pool, self.tokens)
        self.second_factors = SecondFactors(pool, [_derive(one, b"second factors") for one in (key, *older_keys)])
        self.trail = Trail(pool, settings.account_trail_days)
        self._tasks = BackgroundTasks()
        self.directory, self.guest_contacts = Directory(pool), GuestContacts(pool)
        self.guest_secrets = GuestSecrets(self._cookie_prefix, is_secure=settings.has_secure_cookies)
        self.contact_codes = ContactCodes(pool, mail_tokens, _derive(key, b"contact proofs"))
        policy = AccountPolicy(settings.session_hours, erasure_obstacle, closed_accounts)
        self.accounts = AccountService(
            pool, self.passwords, self.tokens, self.second_factors, self.trail, key=_derive(key, b"commands"), policy=policy
        )
        self.mailed_links = MailedLinks(pool, mail_tokens, self.accounts, self.passwords, self.second_factors, closed_accounts)

    def guests(self, api: str) -> Guests:
        """The guests of another API on the same ledger."""
        return Guests(api, self._pool, self.passwords)

    async def __aenter__(self) -> Self:
        await self.tokens.start()
        keep = supervise(self._keep_trail, log=_log, failure="Storing failed log-ins failed", pause_seconds=FLUSH_SECONDS)
        self._tasks.spawn(keep, name="account-trail")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.tokens.stop()
        await self._tasks.stop()
        with suppress(SeatledgerError, psycopg.Error, PoolTimeout, PoolClosed):
            await self.trail.flush()
        await self._counts.close()
        self.passwords.close()

    async def _keep_trail(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.trail.flush()
        await self.trail.clean()
        await self.mailed_links.clean()
        await self.contact_codes.clean()

    async def principal_of(self, scope: Scope) -> Principal | None:
        """The account that sends a request; None: it has neither token nor cookie. Raises NotSignedIn for an invalid token;
        CsrfMissing."""
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").partition(" ")
                if scheme.lower() != "bearer":
                    raise errors.NotSignedIn
                return await self._principal(token.strip(), by_cookie=False)
        request = Request(scope)
        token = request.cookies.get(self._cookie_prefix + SESSION_COOKIE)
        if not token:
            return None
        principal = await self._principal(token, by_cookie=True)
        if request.method not in SAFE_METHODS and not self._comes_from_page(request, principal.token_hash):
            raise errors.CsrfMissing
        return principal

    def _comes_from_page(self, request: Request, token_hash: bytes) -> bool:
        sent = request.headers.get("x-csrf-token", "")
        return compare_digest(sent.encode("latin-1"), self._csrf(token_hash).encode())

    async def _principal(self, token: str, *, by_cookie: bool) -> Principal:
        principal = await self.tokens.find(hash_of(token)) if len(token) == TOKEN_LENGTH else None
        if principal is None or principal.id in self._closed_accounts:
            raise errors.NotSignedIn(by_cookie=by_cookie)
        return principal

    def replaced_session(self, request: Request) -> bytes | None:
        """The hash of the token of the session that a browser had, open or not, if the request comes from our page. A program that
        logs several people in keeps all their tokens, whatever its cookies are."""
        token = request.cookies.get(self._cookie_prefix + SESSION_COOKIE, "")
        token_hash = hash_of(token) if len(token) == TOKEN_LENGTH else None
        return token_hash if token_hash is not None and self._comes_from_page(request, token_hash) else None

    async def known_device(self, request: Request, email: str) -> str | None:
        """The id of the device, if the account that has this address now has logged in there before."""
        cookie = request.cookies.get(self._cookie_prefix + DEVICE_COOKIE)
        account = await self.accounts.find(email) if cookie else None
        return None if account is None else self._devices.device_of(cookie or "", _known_to(account))

    def has_session_cookie(self, cookies: bytes) -> bool:
        """Whether the field `Cookie` of a request has a session; not whether that is valid."""
        name = self._cookie_prefix + SESSION_COOKIE
        return name.encode() in cookies and bool(cookie_parser(cookies.decode("latin-1")).get(name))

    def set_cookies(self, request: Request, response: Response, session: NewSession) -> None:
        """The cookies of a session, and the one that makes the browser known to the account."""
        csrf = self._csrf(hash_of(session.token))
        seconds, secure, prefix = self._session_seconds, self._secure_cookies, self._cookie_prefix
        response.set_cookie(prefix + SESSION_COOKIE, session.token, max_age=seconds, secure=secure, httponly=True, samesite="lax")
        response.set_cookie(prefix + CSRF_COOKIE, csrf, max_age=seconds, secure=secure, samesite="lax")
        self.remember_device(request, response, session.account)

    def remember_device(self, request: Request, response: Response, account: Account) -> None:
        """The cookie that makes the browser known to the account."""
        name = self._cookie_prefix + DEVICE_COOKIE
        device = self._devices.remember(request.cookies.get(name, ""), _known_to(account))
        response.set_cookie(name, device, max_age=DAYS * 86_400, secure=self._secure_cookies, httponly=True, samesite="lax")

    def _csrf(self, token_hash: bytes) -> str:
        return blake2b(token_hash, key=self._csrf_key, digest_size=16).hexdigest()


def _known_to(account: Account) -> UUID:
    """The id that known devices have for an account: another one before its address is proved, since somebody else may have it."""
    return account.id if account.is_email_proven else uuid5(account.id, "unproven")


def permitted(principal: Principal | None, roles: Collection[str]) -> Principal:
    """The principal, if it has one of these roles. Raises NotSignedIn for None, Forbidden for another role; SecondFactorMissing."""
    if principal is None:
        raise errors.NotSignedIn
    if principal.lacks_factor:
        raise errors.SecondFactorMissing
    if principal.role not in roles:
        raise errors.Forbidden
    return principal


def clear_cookies(response: Response) -> None:
    """Of either name: those of before a change of SECURE_COOKIES go, too."""
    for prefix in ("", HOST_PREFIX):
        response.delete_cookie(prefix + SESSION_COOKIE, secure=bool(prefix), httponly=True, samesite="lax")
        response.delete_cookie(prefix + CSRF_COOKIE, secure=bool(prefix), samesite="lax")


def may_see_booking(principal: Principal, *, customer_id: UUID | None, organizer_id: UUID) -> bool:
    """Whether it is their own booking, one of their events, or they are an admin."""
    organizes = principal.role == Role.ORGANIZER and organizer_id == principal.id
    return principal.role == Role.ADMIN or organizes or customer_id in principal.ids


def viewer_of(principal: Principal) -> UUID | None:
    """The organizer whose events alone the account sees in lists and statistics; None: it sees all events."""
    return None if principal.role in (Role.ADMIN, Role.AUDITOR) else principal.id


class _Bearer(SecurityBase):
    """Authenticates and authorizes in one dependency, which keeps bookings fast. The security scopes are the permitted roles."""

    def __init__(self) -> None:
        self.scheme_name = "bearer"
        self.model = HTTPBearer(description="The `access_token` that `POST /api/login` answers.")


class _SignedIn(_Bearer):
    def __init__(self, *, is_fresh: bool = False, may_lack_factor: bool = False) -> None:
        """`is_fresh`: the password was given in the last minutes. `may_lack_factor`: who must set a second factor may use it."""
        super().__init__()
        self._is_fresh, self._may_lack_factor = is_fresh, may_lack_factor

    async def __call__(self, request: Request, policy: SecurityScopes) -> Principal:
        access: Access = request.app.state.access
        principal = await access.principal_of(request.scope)
        if principal is not None and principal.lacks_factor and self._may_lack_factor:
            principal = msgspec.structs.replace(principal, lacks_factor=False)
        principal = permitted(principal, policy.scopes)
        if self._is_fresh:
            await access.sessions.check_fresh(principal.token_hash)
        if request.method not in SAFE_METHODS:
            access.account_limiter.count(principal.id)
        return principal


class _Anyone(_Bearer):
    """For routes that need no authentication but use it. An invalid token is 401 even here: its sender expects to be signed in. Who
    must set a second factor first is anyone."""

    async def __call__(self, request: Request, policy: SecurityScopes) -> Principal | None:
        access: Access = request.app.state.access
        principal = await access.principal_of(request.scope)
        return None if principal is None or principal.lacks_factor else principal


class _BuyerOrGuest(_Bearer):
    """Who has a role that buys, or nobody: they may book as a guest. What guests do counts by address, as if all of one were one
    account."""

    async def __call__(self, request: Request, policy: SecurityScopes) -> Principal | None:
        access: Access = request.app.state.access
        principal = await access.principal_of(request.scope)
        if principal is not None:
            principal = permitted(principal, policy.scopes)
        access.account_limiter.count(("guests", client_key(address_of(request))) if principal is None else principal.id)
        return principal


_signed_in, _fresh = _SignedIn(), _SignedIn(is_fresh=True)
_EVERYBODY = ["customer", "organizer", "auditor", "admin"]

Anyone = Annotated[Principal | None, Security(_Anyone())]
BUYERS = ["customer", "organizer", "admin"]
SignedIn = Annotated[Principal, Security(_signed_in, scopes=_EVERYBODY)]
#: Also those who must set a second factor first.
SignedInAnyhow = Annotated[Principal, Security(_SignedIn(may_lack_factor=True), scopes=_EVERYBODY)]
#: Who has given the password within the last minutes.
Fresh = Annotated[Principal, Security(_fresh, scopes=_EVERYBODY)]
#: As Organizer, where the password was given within the last minutes.
FreshOrganizer = Annotated[Principal, Security(_fresh, scopes=["organizer", "admin"])]
FreshAnyhow = Annotated[Principal, Security(_SignedIn(is_fresh=True, may_lack_factor=True), scopes=_EVERYBODY)]
FreshAdmin = Annotated[Principal, Security(_fresh, scopes=["admin"])]
Buyer = Annotated[Principal, Security(_signed_in, scopes=BUYERS)]
#: In the OpenAPI document of a route of BuyerOrGuest, before it is served.
FOR_GUESTS = "x-for-guests"
#: Likewise of a route that the token of a hold opens, too.
BY_LINK = "x-by-link"
BuyerOrGuest = Annotated[Principal | None, Security(_BuyerOrGuest(), scopes=BUYERS)]
Organizer = Annotated[Principal, Security(_signed_in, scopes=["organizer", "admin"])]
#: Those who sell, and those who check.
MoneyReader = Annotated[Principal, Security(_signed_in, scopes=["organizer", "auditor", "admin"])]
Auditor = Annotated[Principal, Security(_signed_in, scopes=["auditor", "admin"])]
Admin = Annotated[Principal, Security(_signed_in, scopes=["admin"])]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1 to 255 printable ASCII characters. The same key and body never act twice.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
]


def command_id_of(request: Request, principal: Principal, key: str | None) -> UUID:
    """The id of the command that this request represents: the same for each spelling of the ids in its path."""
    return command_id(principal.id, request.method, _canonical(request.scope["path"]), key)


def guest_command_id(request: Request, browser: bytes | None, email: str, key: str | None) -> UUID:
    """The id of the command of somebody without an account: no other browser, and no other contact, has the same for this key.
    `browser`: the hash of its secret; not None with a key."""
    assert browser is not None or key is None
    guest = derived_id(_GUESTS, b"%s %s" % (browser or b"", email.encode()))
    return command_id(guest, request.method, _canonical(request.scope["path"]), key)


def bearer_command_id(request: Request, subject_id: UUID, key: str | None) -> UUID:
    """The id of a command of a token's bearer. `subject_id`: what the token opens."""
    return command_id(subject_id, request.method, _canonical(request.scope["path"]), key)


def _canonical(path: str) -> str:
    """The path with ids as we write them: a route also takes them in upper case, without dashes, in braces or as a URN."""
    return "/".join(map(_canonical_id, path.split("/")))


def _canonical_id(segment: str) -> str:
    try:
        return str(UUID(segment))
    except ValueError:
        return segment


def access_of(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


def origin_of(request: Request, principal: Principal | None = None) -> Origin:
    """Who sends this request, and from where, for the trail and the list of sessions."""
    actor_id = None if principal is None else principal.id
    return Origin(actor_id, network_of(address_of(request)), describe_client(request.headers.get("user-agent", "")))


def address_of(request: Request) -> str:
    """The client's address: Uvicorn takes it from X-Forwarded-For if a trusted proxy sent it (`FORWARDED_ALLOW_IPS`)."""
    return request.client.host if request.client else "unknown"


def _derive(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose: a digest made with it reveals nothing about the keys of other purposes."""
    return blake2b(purpose, key=key[:64], digest_size=32, person=b"accounts").digest()
