"""The bearer of a manage link: whoever got the mail about a contact's booking, and may see and cancel it without an account.

A link names a booking and an issue. It works as long as the booking is that of a contact whom no account has claimed, and no later
issue was made. `manage_links` has the issue of a booking whose link was revoked; a link of a higher one, from before the database
was restored, works, too.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

import msgspec
from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from accounts.access import SAFE_METHODS, access_of
from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.errors import LinkSuperseded, MailOff
from ledger.errors import TokenUnknown
from ledger.mail_tokens import Issued
from ledger.outbox import Message
from ledger.views import BookedBy
from notifications.manage_urls import ManageUrls
from notifications.messages import BOOKING_CONFIRMED, LINK_RENEWED
from notifications.resending import Resending, insert, requested

_FIND = """
    SELECT name, contact_email, coalesce((SELECT issue FROM manage_links WHERE booking_id = %s), 0)
    FROM accounts WHERE id = %s AND contact_email IS NOT NULL AND claimed_by IS NULL"""
_FIND_HOLDER = """
    SELECT accounts.id IS NOT NULL, contact_email IS NOT NULL AND claimed_by IS NULL, email_proven_at IS NOT NULL,
           coalesce((SELECT issue FROM manage_links WHERE booking_id = %s), 0)
    FROM (VALUES (1)) AS always LEFT JOIN accounts ON id = %s"""
_REVOKE = """
    INSERT INTO manage_links (booking_id, issue) VALUES (%(booking_id)s, %(issue)s + 1)
    ON CONFLICT (booking_id) DO UPDATE SET issue = %(issue)s + 1, changed_at = now() WHERE manage_links.issue <= %(issue)s"""


class Holder(NamedTuple):
    """Whether a hold of a guest says whose it is, and whether the e-mail address of that contact is proven."""

    is_named: bool
    is_proven: bool


class ManagedBooking(msgspec.Struct, frozen=True):
    """A contact's booking, whose link a request has. `name`, `email`: the contact's."""

    booking_id: UUID
    event_id: UUID
    contact_id: UUID
    issue: int
    name: str
    email: str


class ManageLinks:
    """In `app.state.manage_links`. Methods raise Busy or OutcomeUnknown if the database is overloaded."""

    def __init__(
        self,
        pool: Pool,
        urls: ManageUrls,
        find_booking: Callable[[UUID], Awaitable[BookedBy | None]],
        resending: Resending,
        *,
        sends_mail: bool,
        wake: Callable[[], None],
    ) -> None:
        """`wake`: has the workers deliver at once."""
        self._pool, self.urls, self._find_booking, self._resending = pool, urls, find_booking, resending
        self._sends_mail, self._wake = sends_mail, wake

    async def find(self, token: str) -> ManagedBooking:
        """Raises TokenUnknown, LinkSuperseded."""
        issued = self.urls.read(token)
        booked = await self._find_booking(issued.id)
        if booked is None or booked.customer_id is None:
            raise LinkSuperseded  # the ledger went back
        async with one_statement(self._pool) as cursor:
            return await _read(cursor, issued, booked.event_id, booked.customer_id)

    async def check_holder(self, issued: Issued, contact_id: UUID) -> Holder:
        """Raises LinkSuperseded."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(_FIND_HOLDER, (issued.id, contact_id))
            is_named, is_contact, is_proven, issue = await cursor.fetchone() or (False, False, False, 0)
        if issued.issue < issue or (is_named and not is_contact):
            raise LinkSuperseded
        return Holder(bool(is_named), bool(is_proven))

    async def resend(self, managed: ManagedBooking, command_id: UUID) -> None:
        """Mails the confirmation again, to the contact. Raises LinkSuperseded, and what `Resending.send` raises."""

        async def check_link(cursor: Cursor) -> None:
            await _check(cursor, managed)

        await self._resending.send(_message(managed, command_id, BOOKING_CONFIRMED), check_link)

    async def revoke(self, managed: ManagedBooking) -> None:
        """Ends this link and all earlier ones, and mails a new one. Raises LinkSuperseded, MailOff."""
        if not self._sends_mail:
            raise MailOff
        async with transaction(self._pool) as cursor:
            await cursor.execute("SELECT FROM accounts WHERE id = %s FOR NO KEY UPDATE", (managed.contact_id,))
            await _check(cursor, managed)
            await cursor.execute(_REVOKE, {"booking_id": managed.booking_id, "issue": managed.issue})
            await insert(cursor, _message(managed, uuid4(), LINK_RENEWED))
        self._wake()


def _message(managed: ManagedBooking, cause: UUID, kind: str) -> Message:
    return requested(cause, kind, managed.contact_id, managed.event_id, managed.booking_id)


async def _check(cursor: Cursor, managed: ManagedBooking) -> None:
    """Raises LinkSuperseded."""
    await _read(cursor, Issued(managed.booking_id, managed.issue), managed.event_id, managed.contact_id)


async def _read(cursor: Cursor, issued: Issued, event_id: UUID, contact_id: UUID) -> ManagedBooking:
    await cursor.execute(_FIND, (issued.id, contact_id))
    name, email, issue = await cursor.fetchone() or ("", "", None)
    if issue is None or issued.issue < issue:
        raise LinkSuperseded
    return ManagedBooking(issued.id, event_id, contact_id, issued.issue, name, email)


def manage_links_of(request: Request) -> ManageLinks:
    links: ManageLinks = request.app.state.manage_links
    return links


class _ByLink(SecurityBase):
    """Cookies and tokens of accounts are not looked at."""

    def __init__(self) -> None:
        self.scheme_name = "manage_link"
        self.model = HTTPBearer(description="The token of a link to manage a booking: what follows `#` in it.")

    async def __call__(self, request: Request) -> ManagedBooking:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenUnknown
        managed = await manage_links_of(request).find(token.strip())
        if request.method not in SAFE_METHODS:
            access_of(request).account_limiter.count(managed.contact_id)
        return managed


#: The booking whose link the request has as `Authorization: Bearer`.
Managed = Annotated[ManagedBooking, Security(_ByLink())]
