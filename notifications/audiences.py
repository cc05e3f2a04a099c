"""To whom an announcement goes, and its messages in the outbox.

An announcement is stored at once; a worker writes its messages, one a recipient, by one statement in one transaction: also for
50,000 customers, which would take longer than a request may."""

from uuid import UUID

from sqlalchemy import Connection, Engine, text

from ledger.mail_choices import PEOPLE, WANTED
from ledger.outbox import ALL, ANNOUNCEMENT, CHECKED_IN, MAIL, MESSAGE_ID, MYSELF, NOT_CHECKED_IN, PROMPT, TO_MANY, id_prefix

#: The tickets that count. All tickets of a cancelled event still do: its customers may need to hear something.
_STATUSES = {ALL: "t.status <> 'cancelled'", CHECKED_IN: "t.status = 'used'", NOT_CHECKED_IN: "t.status = 'active'"}
#: One a person, and one an address: somebody may have several contacts.
_ATTENDEES = """
    WITH holders AS (
        SELECT DISTINCT b.customer_id FROM bookings AS b
        WHERE b.event_id = %(event_id)s AND b.status = 'confirmed' AND b.customer_id IS NOT NULL {tickets}
    )
    SELECT DISTINCT ON (address) id FROM ({people}) AS people WHERE {wanted} ORDER BY address, is_unproven, id"""
_TICKETS = "AND EXISTS (SELECT FROM tickets AS t WHERE t.booking_id = b.booking_id AND {condition})"
_WRITE = """
    INSERT INTO outbox (id, channel, kind, recipient_id, event_id, details, priority)
    SELECT {id}, %(channel)s, %(kind)s, id, %(event_id)s, jsonb_build_object('announcement', %(announcement)s::text), %(priority)s
    FROM ({recipients}) AS recipients ON CONFLICT (id) DO NOTHING"""
_NEXT = text("""
    SELECT id, event_id, sender_id, audience, category FROM announcements WHERE written_at IS NULL
    ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED""")
_WRITTEN = text("UPDATE announcements SET written_at = now(), recipients = :recipients WHERE id = :id")


def recipients(audience: str, *, has_category: bool) -> str:
    """The SELECT of the recipients' ids. It needs `event_id`; `category`, a number, if it has one; `sender_id` for MYSELF."""
    if audience == MYSELF:
        return "SELECT id FROM accounts WHERE id = %(sender_id)s AND email IS NOT NULL"
    conditions = [_STATUSES[audience], *(["t.category = %(category)s"] if has_category else [])]
    # A confirmed booking has a ticket that is not cancelled.
    needs_tickets = audience != ALL or has_category
    tickets = _TICKETS.format(condition=" AND ".join(conditions)) if needs_tickets else ""
    return _ATTENDEES.format(tickets=tickets, people=PEOPLE, wanted=WANTED)


def count(audience: str, *, has_category: bool) -> str:
    """The SELECT of their number; needs the same."""
    return f"SELECT count(*) FROM ({recipients(audience, has_category=has_category)}) AS recipients"


def write_messages(engine: Engine) -> int:
    """Writes the messages of announcements that have none yet. Returns the number of announcements."""
    done = 0
    while _write_next(engine):
        done += 1
    return done


def _write_next(engine: Engine) -> bool:
    with engine.begin() as connection:
        row = connection.execute(_NEXT).one_or_none()
        if row is None:
            return False
        written = _write(connection, row.id, row.event_id, row.sender_id, row.audience, row.category)
        connection.execute(_WRITTEN, {"id": row.id, "recipients": written})
    return True


def _write(connection: Connection, id_: UUID, event_id: UUID, sender_id: UUID, audience: str, category: int | None) -> int:
    select = recipients(audience, has_category=category is not None)
    values = {
        "announcement": id_, "event_id": event_id, "sender_id": sender_id, "category": category, "channel": MAIL,
        "kind": ANNOUNCEMENT, "id_prefix": id_prefix(id_.bytes, ANNOUNCEMENT),
        "priority": PROMPT if audience == MYSELF else TO_MANY,
    }  # fmt: skip
    return connection.exec_driver_sql(_WRITE.format(id=MESSAGE_ID, recipients=select), values).rowcount
