"""Reminders: a day before an event starts, one to each customer who has tickets of it, and has had some for a day.

They follow from the read tables and the clock, not from entries. What has happened for an event and a start is stored with the
messages, in one transaction whose commit waits for the disk; so an event that is moved reminds again, of its new start. They begin
when the installation does, and anew after a restore and after entries were loaded about which nobody is told: who might have got a
reminder before gets none.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from ledger.mail_choices import PEOPLE, WANTED
from ledger.outbox import MAIL, MESSAGE_ID, REMINDER, REMINDERS, TO_MANY, id_prefix
from notifications.follower import begin_unless_quiet

#: How long before the start.
AHEAD = timedelta(days=1)
#: Who has bought within this time needs none.
RECENT = timedelta(days=1)
#: How long it is known that there were reminders, after the start.
KEPT = timedelta(days=90)

#: `updated_at`: from when on there are reminders; it moves when nobody is to be told about what is there (`PASS_ALL`).
_SINCE = text("SELECT updated_at FROM subscriptions WHERE name = :name FOR UPDATE SKIP LOCKED")
#: By the index of the catalogue's lists. An event that a projection has set aside may have been moved or cancelled.
_NEXT = text("""
    SELECT event_id, starts_at FROM catalogue_events
    WHERE status = 'active' AND coalesce(starts_at, 'infinity'::timestamp with time zone) > :now
        AND coalesce(starts_at, 'infinity'::timestamp with time zone) <= :now + :ahead
        AND starts_at > :since + :ahead
        AND (event_id, starts_at) NOT IN (SELECT event_id, starts_at FROM reminded_events WHERE starts_at > :now)
        AND event_id NOT IN (SELECT event_id FROM set_aside WHERE name IN ('catalogue', 'bookings'))
    ORDER BY coalesce(starts_at, 'infinity'::timestamp with time zone) LIMIT 1""")
_DONE = text("INSERT INTO reminded_events (event_id, starts_at) VALUES (:event_id, :starts_at)")
_WRITE = f"""
    WITH holders AS (
        SELECT DISTINCT customer_id FROM bookings
        WHERE event_id = %(event_id)s AND status = 'confirmed' AND customer_id IS NOT NULL AND booked_at <= %(bought)s
    )
    INSERT INTO outbox (id, channel, kind, recipient_id, event_id, details, priority)
    SELECT {MESSAGE_ID}, %(channel)s, %(kind)s, id, %(event_id)s, jsonb_build_object('starts_at', %(starts_at)s::text), %(priority)s
    FROM (SELECT DISTINCT id FROM ({PEOPLE}) AS people WHERE {WANTED}) AS recipients ON CONFLICT (id) DO NOTHING"""
_CLEAN = text("DELETE FROM reminded_events WHERE starts_at < now() - :kept")


def write(engine: Engine, *, now: datetime | None = None) -> int:
    """Writes the reminders that are due. Returns the number of events."""
    done = 0
    while _write_next(engine, now or datetime.now(UTC)):
        done += 1
    return done


def clean(connection: Connection) -> None:
    connection.execute(_CLEAN, {"kept": KEPT})


def _write_next(engine: Engine, now: datetime) -> bool:
    """False: none is due, another process is at it, or somebody loads entries."""
    with engine.begin() as connection:
        if not begin_unless_quiet(connection, REMINDERS):
            return False
        since = connection.execute(_SINCE, {"name": REMINDERS}).scalar_one_or_none()
        if since is None:
            return False
        event = connection.execute(_NEXT, {"now": now, "ahead": AHEAD, "since": since}).one_or_none()
        if event is None:
            return False
        connection.execute(_DONE, event._asdict())
        _write(connection, event.event_id, event.starts_at, now)
    return True


def _write(connection: Connection, event_id: UUID, starts_at: datetime, now: datetime) -> None:
    start = starts_at.astimezone(UTC).isoformat()
    values = {
        "event_id": event_id, "bought": now - RECENT, "starts_at": start, "channel": MAIL, "kind": REMINDER, "priority": TO_MANY,
        "id_prefix": id_prefix(event_id.bytes + start.encode(), REMINDER),
    }  # fmt: skip
    connection.exec_driver_sql(_WRITE, values)
