"""What a mail says, before it has words: the facts of one letter. `rendering.py` makes a mail of each, without asking anybody."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec


class Ticket(msgspec.Struct, frozen=True):
    """A ticket of a booking. `number`: from 1, within the booking. `price`: a decimal string. `code`: what its QR code holds."""

    number: int
    category: str
    price: str
    status: Literal["active", "used", "cancelled"]
    code: str


class Occasion(msgspec.Struct, frozen=True):
    """An event as its customers need to know it. Times are UTC; `starts_at` is None for an open date. `url`: its page."""

    id: UUID
    name: str
    venue: str
    starts_at: datetime | None
    ends_at: datetime | None
    show_at: datetime | None
    timezone: str
    url: str


class Purchase(msgspec.Struct, frozen=True):
    """A booking as of the moment at which the mail is made. Amounts are decimal strings in `currency`; `refund`: what is
    owed back at that moment, or, where payment is taken elsewhere, for all tickets that were cancelled; `due`: what is still to be
    paid. `url`: its page. `is_secret`: whoever has `url` may cancel it."""

    number: int
    currency: str
    total: str
    refund: str
    booked_at: datetime
    tickets: tuple[Ticket, ...]
    url: str
    is_secret: bool = False
    due: str = "0"

    @property
    def active(self) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in self.tickets if ticket.status != "cancelled")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`to_name`: of whom it is written to. `made_at`: as of when its facts are true, usually now."""

    to_name: str
    made_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


class LinkLetter(Letter, frozen=True, kw_only=True):
    """A link that does one thing once, until `expires_at`. `url`: with the token in its fragment."""

    purpose: Literal["reset-password", "sign-in", "verify-email"]
    url: str
    expires_at: datetime


class CodeLetter(Letter, frozen=True, kw_only=True):
    """Digits that prove the address, to type where somebody asked for them, until `expires_at`."""

    code: str
    expires_at: datetime


class NoticeLetter(Letter, frozen=True, kw_only=True):
    """Something about an account has changed at `at`. `what`: as the trail of accounts calls it. `role`: the new one. `network`,
    `client`: from where and by what; None: not known, or the operator did it. `address`: of the webhook that it is about. `url`:
    where it is seen to."""

    what: str
    at: datetime
    role: str | None = None
    network: str | None = None
    client: str | None = None
    address: str | None = None
    url: str


class EventLetter(Letter, frozen=True, kw_only=True):
    """About an event. `made_at` orders calendar files: calendars keep the entry of the event's latest one."""

    occasion: Occasion


class BookingConfirmed(EventLetter, frozen=True, kw_only=True):
    """With its tickets as a PDF, and the event as a calendar file; without both if no ticket is active any more."""

    booking: Purchase


class TicketsCancelled(EventLetter, frozen=True, kw_only=True):
    """`numbers`: of the tickets that were cancelled at once. `refund`: for those."""

    booking: Purchase
    numbers: tuple[int, ...]
    refund: str


class PaymentNotBooked(EventLetter, frozen=True, kw_only=True):
    """A payment came in, and its seats could not be booked: it is paid back. `amount`: a decimal string in `currency`."""

    amount: str
    currency: str


class EventChanged(EventLetter, frozen=True, kw_only=True):
    """The event is moved or renamed. `before`: how it was. `bookings`: the customer's bookings that have tickets; there may
    be `more_bookings` than it lists."""

    before: Occasion
    bookings: tuple[Purchase, ...]
    more_bookings: int = 0


class EventCancelled(EventLetter, frozen=True, kw_only=True):
    """`reason`: as the organizer gave it; may be empty. `bookings`: the customer's bookings that it cancelled;
    there may be `more_bookings` than it lists."""

    reason: str
    bookings: tuple[Purchase, ...]
    more_bookings: int = 0


class LinkRenewed(EventLetter, frozen=True, kw_only=True):
    """The link to a booking that was made without an account is another one now."""

    booking: Purchase


class OptionalLetter(EventLetter, frozen=True, kw_only=True):
    """Nobody needs it. `unsubscribe_url`: where the recipient ends such mails."""

    unsubscribe_url: str


class Reminder(OptionalLetter, frozen=True, kw_only=True):
    """The event starts soon. `bookings`: those of the customer that have tickets; there may be `more_bookings` than it lists."""

    bookings: tuple[Purchase, ...]
    more_bookings: int = 0


class Announcement(OptionalLetter, frozen=True, kw_only=True):
    """What an organizer writes to attendees. `text`: several lines. `from_name`: the organizer's; may be empty. `reply_to`: the
    organizer's address, if attendees may have it."""

    subject: str
    text: str
    from_name: str
    reply_to: str | None = None


class Attachment(msgspec.Struct, frozen=True):
    name: str
    content_type: str
    content: bytes


class Mail(msgspec.Struct, frozen=True):
    """A letter in words. `subject` is one line. `reply_to`: an address. `unsubscribe_url`: where the recipient ends mails of its
    kind, by one POST (RFC 8058)."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None
    unsubscribe_url: str | None = None
