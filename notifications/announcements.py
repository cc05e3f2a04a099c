"""What organizers write to the attendees of their events. A worker writes the messages (`audiences.py`) and delivers them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.errors import AccountNotFound, AccountUnverified, MailOff
from accounts.tokens import Principal
from ledger.errors import EventNotFound, IdempotencyKeyReused, Malformed, NotYourEvent
from ledger.event import Event
from ledger.outbox import MYSELF
from ledger.rules import is_box_office
from notifications import audiences
from notifications.errors import AudienceEmpty, TooManyAnnouncements
from notifications.mail.facts import greeted, occasion_of
from notifications.mail.letters import Announcement as Letter
from notifications.mail.letters import Mail
from notifications.mail.rendering import render
from notifications.number_cursors import MAX_NUMBER
from notifications.unsubscribe_urls import UnsubscribeUrls

#: Announcements of one event within WITHIN: to attendees, and as a test to oneself.
MOST, MOST_TESTS, WITHIN = 5, 20, timedelta(days=1)

_COLUMNS = "a.id, a.number, a.audience, a.category, a.subject, a.text, a.has_reply_to, a.created_at, a.recipients, person.name"
_LIST = f"""
    SELECT {_COLUMNS}, sent.sent, sent.waiting, sent.failed, sent.skipped
    FROM (
        SELECT * FROM announcements
        WHERE event_id = %(event_id)s AND number < %(before)s AND id = coalesce(%(id)s, id) ORDER BY number DESC LIMIT %(limit)s
    ) AS a
    LEFT JOIN accounts AS person ON person.id = a.sender_id, LATERAL (
        SELECT count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state IN ('due', 'held')) AS waiting,
            count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'skipped') AS skipped
        FROM outbox
        WHERE kind = 'announcement' AND details ->> 'announcement' = a.id::text AND details -> 'again' IS NULL) AS sent
    ORDER BY a.number DESC"""
_FIND = "SELECT event_id, sender_id, audience, category, subject, text, has_reply_to FROM announcements WHERE id = %s"
#: Of two at once for the same event, one counts the other.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_RECENT = """
    SELECT count(*), min(created_at) FROM announcements
    WHERE event_id = %s AND (audience = 'myself') = %s AND created_at > now() - %s::interval"""
_INSERT = """
    INSERT INTO announcements (id, event_id, sender_id, audience, category, subject, text, has_reply_to)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"""
_SENDER = "SELECT name, email, email_proven_at IS NOT NULL FROM accounts WHERE id = %s AND email IS NOT NULL"


class _Sender(NamedTuple):
    name: str
    email: str
    is_proven: bool


class NewAnnouncement(NamedTuple):
    """`category`: an id or name of the event's, or None for all tickets. `has_reply_to`: attendees see the sender's address."""

    audience: str
    category: str | None
    subject: str
    text: str
    has_reply_to: bool


class Announcement(NamedTuple):
    """With the number of its messages by what became of them. `recipients`: None until its messages are written. `sender`: a name.
    `category`: the number in its event."""

    id: UUID
    number: int
    audience: str
    category: int | None
    subject: str
    text: str
    has_reply_to: bool
    created_at: datetime
    recipients: int | None
    sender: str | None
    sent: int = 0
    waiting: int = 0
    failed: int = 0
    skipped: int = 0


class Preview(NamedTuple):
    """`mail`: as it would arrive, but for the greeting, which names the sender."""

    recipients: int
    mail: Mail


class Announcements:
    """In `app.state.announcements`. Methods raise EventNotFound, NotYourEvent; Busy or OutcomeUnknown if the database is
    overloaded."""

    def __init__(
        self,
        pool: Pool,
        urls: UnsubscribeUrls,
        find_event: Callable[[UUID], Awaitable[Event | None]],
        *,
        sends_mail: bool,
        wake: Callable[[], None],
    ) -> None:
        """`wake`: has the workers write and deliver at once."""
        self._pool, self._urls, self._find_event = pool, urls, find_event
        self._sends_mail, self._wake = sends_mail, wake

    async def preview(self, event_id: UUID, principal: Principal, new: NewAnnouncement) -> Preview:
        """What would be sent, to how many. Raises MailOff, Malformed, AccountUnverified."""
        event = await self._event(event_id, principal)
        category = self._check(event, new)
        sender = await self._sender(principal, new)
        count = await self._count(event_id, principal, new.audience, category)
        name = greeted(sender.name)
        letter = Letter(
            to_name=name, from_name=name, occasion=occasion_of(event, self._urls.server_url), subject=new.subject, text=new.text,
            unsubscribe_url=self._urls.make(principal.id), reply_to=sender.email if new.has_reply_to else None,
        )  # fmt: skip
        return Preview(count, render(letter))

    async def send(
        self, event_id: UUID, principal: Principal, new: NewAnnouncement, command_id: UUID
    ) -> tuple[Event, Announcement]:
        """Stores it, to be sent; once for a command. Raises MailOff, Malformed, AccountUnverified, AudienceEmpty,
        TooManyAnnouncements, IdempotencyKeyReused."""
        event = await self._event(event_id, principal)
        category = self._check(event, new)
        await self._sender(principal, new)
        count = await self._count(event_id, principal, new.audience, category)
        values = (event_id, principal.id, new.audience, category, new.subject, new.text, new.has_reply_to)
        async with transaction(self._pool) as cursor:
            await cursor.execute(_LOCK, (str(event_id),))
            await cursor.execute(_FIND, (command_id,))
            if (before := await cursor.fetchone()) is None:
                if not count:
                    raise AudienceEmpty
                await _check_recent(cursor, event_id, is_test=new.audience == MYSELF)
                await cursor.execute(_INSERT, (command_id, *values))
            elif before != values:
                raise IdempotencyKeyReused
        self._wake()
        (found,) = await self._read(event_id, command_id=command_id)
        return event, found

    async def all(
        self, event_id: UUID, principal: Principal, before: int | None, limit: int
    ) -> tuple[Event, list[Announcement], int | None]:
        """The event's announcements of the last days, newest first: up to `limit` before this number, and the number before which
        the next page begins."""
        event = await self._event(event_id, principal)
        found = await self._read(event_id, before=before, limit=limit + 1)
        return event, found[:limit], found[limit - 1].number if len(found) > limit else None

    async def _event(self, event_id: UUID, principal: Principal) -> Event:
        event = await self._find_event(event_id)
        if event is None:
            raise EventNotFound
        if not is_box_office(event, principal.actor):
            raise NotYourEvent
        return event

    def _check(self, event: Event, new: NewAnnouncement) -> int | None:
        """Returns the number of the category."""
        category = None if new.category is None else event.find_category(new.category)
        if category is None and new.category is not None:
            raise Malformed("The event has no such category.", errors=[{"path": "category", "message": "unknown"}])
        if not self._sends_mail:
            raise MailOff
        return None if category is None or new.audience == MYSELF else category.number

    async def _sender(self, principal: Principal, new: NewAnnouncement) -> _Sender:
        """Raises AccountUnverified: attendees would write to an address that may be a stranger's."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(_SENDER, (principal.id,))
            row = await cursor.fetchone()
        if row is None:
            raise AccountNotFound
        sender = _Sender(*row)
        if new.has_reply_to and not sender.is_proven:
            raise AccountUnverified
        return sender

    async def _count(self, event_id: UUID, principal: Principal, audience: str, category: int | None) -> int:
        values = {"event_id": event_id, "sender_id": principal.id, "category": category}
        async with one_statement(self._pool) as cursor:
            await cursor.execute(audiences.count(audience, has_category=category is not None), values)
            (count,) = await cursor.fetchone() or (0,)
        return int(count)

    async def _read(
        self, event_id: UUID, *, before: int | None = None, limit: int = 1, command_id: UUID | None = None
    ) -> list[Announcement]:
        values = {"event_id": event_id, "before": before or MAX_NUMBER, "limit": limit, "id": command_id}
        async with one_statement(self._pool) as cursor:
            await cursor.execute(_LIST, values)
            return [Announcement(*row) for row in await cursor.fetchall()]


async def _check_recent(cursor: Cursor, event_id: UUID, *, is_test: bool) -> None:
    """Raises TooManyAnnouncements."""
    most = MOST_TESTS if is_test else MOST
    await cursor.execute(_RECENT, (event_id, is_test, WITHIN))
    count, since = await cursor.fetchone() or (0, None)
    if count >= most:
        raise TooManyAnnouncements(most, since + WITHIN)
