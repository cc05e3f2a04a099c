"""An event as an iCalendar file (RFC 5545), with the fields that the page's file has."""

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from notifications.mail.letters import Occasion

_USUAL_LENGTH = timedelta(hours=2)
_FIRST_SEQUENCE = datetime(2020, 1, 1, tzinfo=UTC)
_GREATEST_SEQUENCE = 2**31 - 1


def make_calendar_file(occasion: Occasion, url: str, made_at: datetime, *, is_cancelled: bool = False) -> bytes:
    """Calendars that have an earlier file of the event replace its entry: each event has one UID, and `SEQUENCE` grows with
    `made_at` (seconds since 2020; RFC 5546, section 2.1.4). Needs `starts_at`."""
    starts_at = occasion.starts_at
    assert starts_at is not None
    entry = Event()
    entry.add("uid", f"{occasion.id}@seatledger")
    entry.add("sequence", min(max(int((made_at - _FIRST_SEQUENCE).total_seconds()), 0), _GREATEST_SEQUENCE))
    entry.add("dtstamp", made_at.astimezone(UTC))
    entry.add("summary", occasion.name)
    entry.add("dtstart", starts_at.astimezone(UTC))
    if occasion.ends_at is None:
        entry.add("duration", _USUAL_LENGTH)
    else:
        entry.add("dtend", occasion.ends_at.astimezone(UTC))
    entry.add("location", occasion.venue)
    entry.add("url", url)
    entry.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    entry.add("transp", "TRANSPARENT" if is_cancelled else "OPAQUE")
    entry.add("x-microsoft-cdo-busystatus", "FREE" if is_cancelled else "BUSY")
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "seatledger")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())
