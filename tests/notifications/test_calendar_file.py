from datetime import UTC, datetime, timedelta
from typing import Any

from icalendar import Calendar
from msgspec.structs import replace

from notifications.mail.calendar_file import make_calendar_file
from notifications.mail.rendering import render
from tests.notifications.example_letters import (
    BOOKING_URL,
    CONCERT,
    MADE_AT,
    booking,
    changed,
    confirmed,
    event_cancelled,
    without,
)


def entry_of(file: bytes) -> Any:
    (entry,) = Calendar.from_ical(file).events
    return entry


def test_a_file_has_the_fields_of_the_pages() -> None:
    file = make_calendar_file(CONCERT, BOOKING_URL, MADE_AT)
    calendar, entry = Calendar.from_ical(file), entry_of(file)
    assert (calendar["version"], calendar["prodid"], calendar["method"]) == ("2.0", "seatledger", "PUBLISH")
    assert (entry.start, entry.end) == (CONCERT.starts_at, CONCERT.ends_at)
    assert (entry["summary"], entry["location"], entry["url"]) == ("Concert", "City Hall", BOOKING_URL)
    assert (entry["status"], entry["x-microsoft-cdo-busystatus"]) == ("CONFIRMED", "BUSY")
    assert entry["dtstamp"].dt == MADE_AT
    assert b"DTSTART:20261128T180000Z\r\nDTEND:20261128T213000Z\r\n" in file


def test_an_event_without_an_end_lasts_two_hours() -> None:
    entry = entry_of(make_calendar_file(replace(CONCERT, ends_at=None), BOOKING_URL, MADE_AT))
    assert entry.end - entry.start == timedelta(hours=2)


def test_a_strangers_text_stays_in_its_field() -> None:
    name = "A; B, C\\n\r\nEND:VEVENT\r\nBEGIN:VEVENT\nSTATUS:CANCELLED " + "ü" * 200
    file = make_calendar_file(replace(CONCERT, name=name), BOOKING_URL, MADE_AT)
    assert entry_of(file)["summary"] == name.replace("\r\n", "\n")
    assert entry_of(file)["status"] == "CONFIRMED"
    assert max(map(len, file.split(b"\r\n"))) <= 75


def test_later_files_of_an_event_replace_earlier_ones() -> None:
    moved = replace(CONCERT, starts_at=datetime(2026, 11, 29, 18, tzinfo=UTC), ends_at=None)
    gone = without(booking(), 1, 2, refund="50.00")
    later = [MADE_AT + timedelta(seconds=seconds) for seconds in (0, 1, 2)]
    letters = [confirmed(), changed(CONCERT, moved), event_cancelled("", gone, occasion=moved)]
    mails = [render(replace(letter, made_at=at)) for letter, at in zip(letters, later, strict=True)]
    entries = [entry_of(mail.attachments[-1].content) for mail in mails]
    assert len({entry["uid"] for entry in entries}) == 1
    assert [entry["sequence"] - entries[0]["sequence"] for entry in entries] == [0, 1, 2]
    assert [entry["status"] for entry in entries] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert {mail.attachments[-1].content_type for mail in mails} == {"text/calendar; charset=utf-8; method=PUBLISH"}


def test_two_events_are_two_entries() -> None:
    other = replace(CONCERT, id=type(CONCERT.id)(int=1))
    first, second = (entry_of(make_calendar_file(occasion, BOOKING_URL, MADE_AT)) for occasion in (CONCERT, other))
    assert first["uid"] != second["uid"]


def test_the_link_is_the_booking_where_there_is_one() -> None:
    one = render(changed(CONCERT, CONCERT, booking()))
    two = render(changed(CONCERT, CONCERT, booking(), booking(number=8)))
    assert [entry_of(mail.attachments[-1].content)["url"] for mail in (one, two)] == [BOOKING_URL, CONCERT.url]
