"""Mails that somebody asks for again. Each is a row of its own in the outbox, about no entry, with an id that follows from the
request: so a retry is no further mail, and the row that it repeats stays as it was."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from accounts.access import may_see_booking
from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.errors import MailOff, TooManyAttempts
from accounts.tokens import Principal
from ledger import outbox
from ledger.commands import Role
from ledger.errors import BookingNotFound
from ledger.outbox import DUE, HELD, MAIL, Message, message_id
from ledger.views import LatestBooking
from notifications.errors import NoRecipient, NoTicketsLeft, NotificationNotFound, NotificationWaiting
from notifications.messages import ABOUT_CANCELLATION, BOOKING_CONFIRMED

#: Mails of one kind about one booking that are sent again to one recipient: how many within how long. For mails to all customers of
#: an event, about the event.
LIMITS = ((3, timedelta(hours=1)), (10, timedelta(days=1)))

#: Requested mails have no position: they are about no entry.
_REQUESTED = """
    SELECT count(*), min(created_at) FROM outbox
    WHERE recipient_id = %(recipient_id)s AND event_id = %(event_id)s AND booking_id IS NOT DISTINCT FROM %(booking_id)s
        AND position IS NULL AND kind = %(kind)s AND created_at > now() - %(within)s::interval"""
_ORIGINAL = """
    SELECT o.kind, o.recipient_id, o.event_id, o.booking_id, o.details, o.state, e.organizer_id
    FROM outbox AS o JOIN booking_events AS e USING (event_id) WHERE o.id = %s AND o.channel = %s"""

FindBooking = Callable[[UUID], Awaitable[LatestBooking | None]]


class Resending:
    """In `app.state.resending`. Methods raise MailOff; Busy or OutcomeUnknown if the database is overloaded."""

    def __init__(self, pool: Pool, find_booking: FindBooking, *, sends_mail: bool, wake: Callable[[], None]) -> None:
        """`find_booking`: as of the newest entry; raises StaleRead. `wake`: has the workers deliver at once."""
        self._pool, self._find_booking = pool, find_booking
        self._sends_mail, self._wake = sends_mail, wake

    async def confirmation(self, principal: Principal, booking_id: UUID, command_id: UUID) -> None:
        """Mails the confirmation of a booking to its customer, once more. Raises BookingNotFound, also where the principal may not
        see it; NoRecipient, NoTicketsLeft, TooManyAttempts, StaleRead."""
        booking = await self._find_booking(booking_id)
        if booking is None or not may_see_booking(principal, customer_id=booking.customer_id, organizer_id=booking.organizer_id):
            raise BookingNotFound
        if booking.customer_id is None:
            raise NoRecipient
        await self.send(requested(command_id, BOOKING_CONFIRMED, booking.customer_id, booking.event_id, booking_id))

    async def notification(self, principal: Principal, id_: UUID, command_id: UUID) -> None:
        """Mails what a row told to its recipient, once more. Raises NotificationNotFound, also where it is about another's event;
        NotificationWaiting, NoRecipient, NoTicketsLeft, TooManyAttempts, StaleRead."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(_ORIGINAL, (id_, MAIL))
            row = await cursor.fetchone()
        if row is None or not (principal.role == Role.ADMIN or row[-1] == principal.id):
            raise NotificationNotFound
        kind, recipient_id, event_id, booking_id, details, state, _ = row
        if state in (DUE, HELD):
            raise NotificationWaiting(is_held=state == HELD)
        await self.send(requested(command_id, kind, recipient_id, event_id, booking_id, {**details, "again": True}))

    async def send(self, message: Message, prepare: Callable[[Cursor], Awaitable[None]] | None = None) -> None:
        """`prepare` runs in the transaction that inserts the message, in which the recipient is locked; what it raises prevents the
        mail. Nothing happens for a message that is there. Raises NoRecipient, NoTicketsLeft, TooManyAttempts, StaleRead."""
        if not self._sends_mail:
            raise MailOff
        async with one_statement(self._pool) as cursor:
            if await _is_there(cursor, message):
                return
        await self._check_tickets(message)
        async with transaction(self._pool) as cursor:
            await cursor.execute("SELECT FROM accounts WHERE id = %s FOR NO KEY UPDATE", (message.recipient_id,))
            if await _is_there(cursor, message):  # a retry at the same time
                return
            if prepare is not None:
                await prepare(cursor)
            await _check_requested(cursor, message)
            await insert(cursor, message)
        self._wake()

    async def _check_tickets(self, message: Message) -> None:
        """Nobody is sent tickets that are cancelled, nor told that they soon will be. That they are cancelled may be told again."""
        if message.booking_id is None or message.kind in ABOUT_CANCELLATION:
            return
        booking = await self._find_booking(message.booking_id)
        if booking is None or booking.is_cancelled:
            raise NoTicketsLeft


def requested(
    command_id: UUID, kind: str, recipient_id: UUID, event_id: UUID, booking_id: UUID | None, details: dict[str, Any] | None = None
) -> Message:
    """The message that a request asks for."""
    return Message(
        id=message_id(command_id.bytes, kind, recipient_id), channel=MAIL, kind=kind, recipient_id=recipient_id, event_id=event_id,
        booking_id=booking_id, details=details or {},
    )  # fmt: skip


async def _is_there(cursor: Cursor, message: Message) -> bool:
    await cursor.execute("SELECT FROM outbox WHERE id = %s", (message.id,))
    return bool(cursor.rowcount)


async def insert(cursor: Cursor, message: Message) -> None:
    """Raises NoRecipient."""
    await cursor.execute(outbox.INSERT, (msgspec.json.encode([message]).decode(),))
    if not cursor.rowcount:
        raise NoRecipient


async def _check_requested(cursor: Cursor, message: Message) -> None:
    about = {name: getattr(message, name) for name in ("recipient_id", "event_id", "booking_id", "kind")}
    for most, within in LIMITS:
        await cursor.execute(_REQUESTED, {**about, "within": within})
        count, since = await cursor.fetchone() or (0, None)
        if count >= most:
            waits = since + within - datetime.now(UTC)
            raise TooManyAttempts(min(max(1, round(waits.total_seconds())), round(within.total_seconds())))
