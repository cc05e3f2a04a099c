"""The facts of a letter, as of now: a row of the outbox, and what the read tables say about its recipient, event and bookings."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, TextClause, text

from ledger.booking_amounts import BookingAmounts
from ledger.event import Event
from ledger.mail_choices import BOUNCES, PEOPLE, WANTED
from ledger.mail_tokens import PURPOSES, MailTokens
from ledger.money import to_text
from ledger.outbox import ANNOUNCEMENT, CONTACT_CODE, NOTICES, OPTIONAL, REMINDER, WEBHOOK_PAUSED
from ledger.ticket_codes import TicketCodes, TicketLocation
from notifications import messages
from notifications.mail.letters import (
    Announcement,
    BookingConfirmed,
    CodeLetter,
    EventCancelled,
    EventChanged,
    Letter,
    LinkLetter,
    LinkRenewed,
    NoticeLetter,
    Occasion,
    PaymentNotBooked,
    Purchase,
    Reminder,
    Ticket,
    TicketsCancelled,
)
from notifications.manage_urls import ManageUrls
from notifications.unsubscribe_urls import UnsubscribeUrls

#: A letter about an event lists the newest of the recipient's bookings; its page has them all.
MAX_BOOKINGS = 20

#: A contact that an account has claimed is told at the account's address.
_RECIPIENT = text(f"""
    SELECT *, {BOUNCES.format(address="found.address")} AS is_bouncing FROM (
        SELECT coalesce(owner.id, told.id) AS id, coalesce(owner.name, told.name) AS name,
        coalesce(owner.email, told.email, told.contact_email) AS address,
        CASE WHEN owner.id IS NULL THEN told.email_proven_at ELSE owner.email_proven_at END IS NOT NULL AS is_proven
    FROM accounts AS told LEFT JOIN accounts AS owner ON owner.id = told.claimed_by
    WHERE told.id = :id) AS found""")
_FORMER_ADDRESS = text("SELECT email FROM former_addresses WHERE id = :id AND account_id = :account_id")
_WEBHOOK = text("SELECT url FROM webhooks WHERE id = :id AND state = 'paused-by-failures'")
_TOKEN = text("""
    SELECT id, purpose, expires_at FROM mailed_tokens
    WHERE id = :id AND account_id = :account_id AND used_at IS NULL AND expires_at > now()""")
_CODE = text("""
    SELECT id, email, issue, expires_at FROM contact_codes
    WHERE id = :id AND issue = :issue AND used_at IS NULL AND expires_at > now()""")
_EVENT = text("""
    SELECT event_id AS id, name, venue, starts_at, ends_at, show_at, timezone FROM catalogue_events WHERE event_id = :event_id""")
_BOOKING_COLUMNS = """
    SELECT b.booking_id, b.event_id, b.number, b.version, b.ticket_key, b.total, b.refunded, b.to_pay, b.received, b.paid_back,
        b.booked_at, e.currency,
        e.status = 'cancelled' AS event_cancelled, count(*) OVER () AS bookings,
        coalesce(person.contact_email IS NOT NULL AND person.claimed_by IS NULL, false) AS has_link,
        coalesce(link.issue, 0) AS issue,
        (SELECT json_agg(json_build_array(t.ticket, t.category_name, t.price, t.status) ORDER BY t.ticket)
         FROM tickets t WHERE t.booking_id = b.booking_id) AS tickets
    FROM bookings b JOIN booking_events e USING (event_id) LEFT JOIN accounts person ON person.id = b.customer_id
        LEFT JOIN manage_links link USING (booking_id)"""
_BOOKING = text(f"{_BOOKING_COLUMNS} WHERE b.booking_id = :booking_id")
_BOOKINGS_OF_EVENT = text(f"""
    {_BOOKING_COLUMNS} WHERE b.event_id = :event_id AND b.customer_id = :customer_id AND b.status = 'confirmed'
    ORDER BY b.number DESC LIMIT {MAX_BOOKINGS}""")


#: Also those of the contacts that the recipient has claimed.
_REMINDED_BOOKINGS = text(f"""
    {_BOOKING_COLUMNS} WHERE b.event_id = :event_id AND b.status = 'confirmed' AND e.status = 'active' AND b.customer_id IN (
        SELECT id FROM accounts WHERE id = :customer_id OR claimed_by = :customer_id)
    ORDER BY b.number DESC LIMIT {MAX_BOOKINGS}""")
#: Its sender's address, if attendees may have it, and it is the sender's.
_ANNOUNCEMENT = text("""
    SELECT a.subject, a.text, a.audience = 'myself' AS is_test, person.name,
        CASE WHEN a.has_reply_to AND person.email_proven_at IS NOT NULL THEN person.email END AS reply_to
    FROM announcements AS a JOIN accounts AS person ON person.id = a.sender_id AND person.email IS NOT NULL WHERE a.id = :id""")
_WANTS = f"""
    WITH holders AS (SELECT %(id)s::uuid AS customer_id) SELECT EXISTS (SELECT FROM ({PEOPLE}) AS people WHERE {WANTED})"""


#: What mail programs turn into links, and numbers to call: a name may be a stranger's text to the owner of the address.
_LINK_OR_NUMBER = re.compile(r"\w[.。]\w{2,}|[/@]|\d{3}")
LONGEST_GREETED = 60


def greeted(name: str) -> str:
    """The name as a letter may have it; empty if it is none that a letter should repeat."""
    return "" if len(name) > LONGEST_GREETED or _LINK_OR_NUMBER.search(unicodedata.normalize("NFKC", name)) else name


def occasion_of(event: Event, url: str) -> Occasion:
    """The event as the ledger has it. `url`: where people reach the page."""
    details = event.details
    return Occasion(
        id=event.id, name=details.name, venue=details.venue, starts_at=details.starts_at, ends_at=details.ends_at,
        show_at=details.show_at, timezone=details.timezone, url=_event_url(url, event.id),
    )  # fmt: skip


def _event_url(url: str, event_id: UUID | None) -> str:
    return f"{url}/events/{event_id}"


class Recipient(NamedTuple):
    """`is_proven`: its owner has opened a link that was mailed there. `id`: of the account or contact with the address.
    `is_bouncing`: its server has said that there is none."""

    name: str
    address: str
    is_proven: bool = False
    id: UUID | None = None
    is_bouncing: bool = False


class Addressed(NamedTuple):
    recipient: Recipient
    letter: Letter


class Subject(NamedTuple):
    """What a row of the outbox is about. `event_id`: None for a mail about an account."""

    kind: str
    recipient_id: UUID
    event_id: UUID | None
    booking_id: UUID | None
    details: Mapping[str, Any]


class NobodyToTell(Exception):
    """The recipient has no address any more, or it is too late. One sentence."""


class NotYetKnown(Exception):
    """The read tables do not have the event or booking at the moment. One sentence."""


class Facts:
    """Makes letters. `url`: where people reach the page."""

    def __init__(self, url: str, codes: TicketCodes, tokens: MailTokens) -> None:
        self._url, self._codes, self._tokens = url, codes, tokens
        self._manage_urls, self._unsubscribe_urls = ManageUrls(url, tokens), UnsubscribeUrls(url, tokens)

    def letter(self, connection: Connection, subject: Subject) -> Addressed:
        """Raises NobodyToTell, NotYetKnown; KeysError if the key of a ticket code is missing."""
        if subject.kind == CONTACT_CODE:
            return self._code(connection, subject)
        row = connection.execute(_RECIPIENT, {"id": subject.recipient_id}).one_or_none()
        if row is None or row.address is None:
            raise NobodyToTell("The recipient was erased.")
        recipient = Recipient(greeted(row.name), row.address, row.is_proven, row.id, row.is_bouncing)
        common: dict[str, Any] = {"to_name": recipient.name}
        if subject.kind in NOTICES:
            notice = self._webhook_notice if subject.kind == WEBHOOK_PAUSED else self._notice
            return Addressed(self._noticed(connection, subject, recipient), notice(connection, subject, common))
        if subject.kind in PURPOSES:
            return Addressed(recipient, self._link(connection, subject, common))
        if subject.kind in OPTIONAL:
            common["unsubscribe_url"] = self._unsubscribe_urls.make(row.id)
        common["occasion"] = self._occasion(connection, subject.event_id)
        return Addressed(recipient, _LETTERS[subject.kind](self, connection, subject, common))

    def _link(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        parameters = {"id": subject.details["token"], "account_id": subject.recipient_id}
        row = connection.execute(_TOKEN, parameters).one_or_none()
        if row is None:
            raise NobodyToTell("The link was used, or was no longer valid.")
        url = f"{self._url}/{row.purpose}#{self._tokens.token(row.purpose, row.id)}"
        return LinkLetter(**common, purpose=row.purpose, url=url, expires_at=row.expires_at)

    def _code(self, connection: Connection, subject: Subject) -> Addressed:
        """To an address alone: nobody has said yet whose it is."""
        parameters = {"id": subject.recipient_id, "issue": subject.details["issue"]}
        row = connection.execute(_CODE, parameters).one_or_none()
        if row is None:
            raise NobodyToTell("The code was used, was no longer valid, or a newer one was asked for.")
        code = self._tokens.code(CONTACT_CODE, row.id, row.issue)
        return Addressed(Recipient("", row.email), CodeLetter(to_name="", code=code, expires_at=row.expires_at))

    def _webhook_notice(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        id_ = subject.details["webhook"]
        address = connection.scalar(_WEBHOOK, {"id": id_})
        if address is None:
            raise NobodyToTell("The webhook was resumed or deleted.")
        at = datetime.fromisoformat(subject.details["at"])
        return NoticeLetter(**common, what=subject.kind, at=at, address=address, url=f"{self._url}/webhooks/{id_}")

    def _notice(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        known: dict[str, Any] = {name: subject.details.get(name) for name in ("role", "network", "client")}
        at = datetime.fromisoformat(subject.details["at"])
        return NoticeLetter(**common, what=subject.kind, at=at, url=f"{self._url}/account", **known)

    def _noticed(self, connection: Connection, subject: Subject, recipient: Recipient) -> Recipient:
        """Who is told: of a changed address, that one which the account had before."""
        if (former := subject.details.get("former_address")) is None:
            return recipient
        address = connection.scalar(_FORMER_ADDRESS, {"id": former, "account_id": subject.recipient_id})
        if address is None:
            raise NobodyToTell("The former address is not kept any more.")
        return recipient._replace(address=address)

    def digest_of(self, recipient: Recipient) -> bytes:
        """Of the address, for counting."""
        return self._tokens.digest("mail count", recipient.address.lower())

    def confirmed(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        booking = self._booking(connection, subject.booking_id)
        if not booking.active:
            raise NobodyToTell("All its tickets were cancelled meanwhile, which another mail tells.")
        return BookingConfirmed(**common, booking=booking)

    def tickets_cancelled(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        booking = self._booking(connection, subject.booking_id)
        return TicketsCancelled(
            **common,
            booking=booking,
            numbers=tuple(ticket + 1 for ticket in subject.details["tickets"]),
            refund=min(to_text(subject.details["refund"], booking.currency), booking.refund, key=Decimal),
        )

    def payment_not_booked(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        currency = subject.details["currency"]
        return PaymentNotBooked(**common, amount=to_text(subject.details["amount"], currency), currency=currency)

    def event_changed(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        now: Occasion = common.pop("occasion")
        before, after = (self._told(now, subject.details[when]) for when in ("before", "after"))
        return EventChanged(**common, occasion=after, before=before, **self._bookings(connection, subject))

    def event_cancelled(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        return EventCancelled(**common, reason=subject.details["reason"], **self._bookings(connection, subject))

    def link_renewed(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        return LinkRenewed(**common, booking=self._booking(connection, subject.booking_id))

    def reminder(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        starts_at = common["occasion"].starts_at
        if starts_at != datetime.fromisoformat(subject.details["starts_at"]):
            raise NobodyToTell("The event was moved, which another mail tells.")
        if starts_at <= datetime.now(UTC):
            raise NobodyToTell("The event has begun.")
        if not self._wants(connection, subject.recipient_id):
            raise NobodyToTell("The recipient wants no reminders any more.")
        bookings = self._bookings(connection, subject, _REMINDED_BOOKINGS)
        if not bookings["bookings"]:
            raise NobodyToTell("The event, or all tickets, were cancelled meanwhile, which another mail tells.")
        return Reminder(**common, **bookings)

    def announcement(self, connection: Connection, subject: Subject, common: dict[str, Any]) -> Letter:
        row = connection.execute(_ANNOUNCEMENT, {"id": subject.details["announcement"]}).one_or_none()
        if row is None:
            raise NobodyToTell("Its sender was erased.")
        if not row.is_test and not self._wants(connection, subject.recipient_id):
            raise NobodyToTell("The recipient wants no messages from organizers any more.")
        return Announcement(**common, subject=row.subject, text=row.text, from_name=greeted(row.name), reply_to=row.reply_to)

    def _wants(self, connection: Connection, recipient_id: UUID) -> bool:
        """Whether the recipient still wants optional mail."""
        return bool(connection.exec_driver_sql(_WANTS, {"id": recipient_id}).scalar())

    def _occasion(self, connection: Connection, event_id: UUID | None) -> Occasion:
        row = connection.execute(_EVENT, {"event_id": event_id}).one_or_none()
        if row is None:
            raise NotYetKnown("The catalogue does not have the event at the moment.")
        return Occasion(**row._mapping, url=_event_url(self._url, event_id))

    def _told(self, occasion: Occasion, told: Mapping[str, Any]) -> Occasion:
        """The event with the details that a message tells."""
        return msgspec.convert({**told, "id": occasion.id, "url": occasion.url}, Occasion)

    def _booking(self, connection: Connection, booking_id: UUID | None) -> Purchase:
        row = connection.execute(_BOOKING, {"booking_id": booking_id}).one_or_none()
        if row is None:
            raise NotYetKnown("The read tables do not have the booking at the moment.")
        return self._purchase(row)

    def _bookings(self, connection: Connection, subject: Subject, statement: TextClause = _BOOKINGS_OF_EVENT) -> dict[str, Any]:
        parameters = {"event_id": subject.event_id, "customer_id": subject.recipient_id}
        rows = connection.execute(statement, parameters).all()
        more = rows[0].bookings - len(rows) if rows else 0
        return {"bookings": tuple(map(self._purchase, rows)), "more_bookings": more}

    def _purchase(self, row: Row[Any]) -> Purchase:
        def code(ticket: int) -> str:
            return self._codes.code(row.event_id, row.booking_id, TicketLocation(row.version, ticket), row.ticket_key)

        tickets = tuple(
            Ticket(ticket + 1, category, to_text(price, row.currency), "cancelled" if row.event_cancelled else status, code(ticket))
            for ticket, category, price, status in row.tickets
        )
        amounts = BookingAmounts(row.total, row.refunded, row.to_pay, row.received, row.paid_back, row.event_cancelled)
        return Purchase(
            number=row.number,
            currency=row.currency,
            total=to_text(row.total, row.currency),
            refund=to_text(amounts.refunded if row.to_pay is None else amounts.refund_due, row.currency),
            due=to_text(amounts.due, row.currency),
            booked_at=row.booked_at,
            tickets=tickets,
            url=self._manage_urls.make(row.booking_id, row.issue) if row.has_link else f"{self._url}/bookings/{row.booking_id}",
            is_secret=row.has_link,
        )


_LETTERS: dict[str, Callable[[Facts, Connection, Subject, dict[str, Any]], Letter]] = {
    messages.BOOKING_CONFIRMED: Facts.confirmed,
    messages.TICKETS_CANCELLED: Facts.tickets_cancelled,
    messages.NOT_BOOKED: Facts.payment_not_booked,
    messages.EVENT_CHANGED: Facts.event_changed,
    messages.EVENT_CANCELLED: Facts.event_cancelled,
    messages.LINK_RENEWED: Facts.link_renewed,
    REMINDER: Facts.reminder,
    ANNOUNCEMENT: Facts.announcement,
}
