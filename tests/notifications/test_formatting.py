from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from notifications.mail.formatting import format_date_time, format_numbers, format_times, lines, one_line, shorten
from tests.notifications.example_letters import CONCERT


@pytest.mark.parametrize(
    ("at", "timezone", "expected"),
    [
        (datetime(2026, 7, 1, 18, tzinfo=UTC), "Europe/Berlin", "Wed, 1 Jul 2026, 20:00 CEST"),
        (datetime(2026, 7, 1, 18, tzinfo=UTC), "America/New_York", "Wed, 1 Jul 2026, 14:00 EDT"),
        (datetime(2026, 7, 1, 18, 30, tzinfo=UTC), "Asia/Kathmandu", "Thu, 2 Jul 2026, 00:15 GMT+5:45"),
        (datetime(2026, 7, 1, 18, tzinfo=UTC), "America/Sao_Paulo", "Wed, 1 Jul 2026, 15:00 GMT-3"),
        (datetime(2026, 7, 1, 18, tzinfo=UTC), "UTC", "Wed, 1 Jul 2026, 18:00 UTC"),
        (None, "UTC", "Open date"),
    ],
)
def test_a_time_is_in_the_events_time_zone(at: datetime | None, timezone: str, expected: str) -> None:
    assert format_date_time(at, timezone) == expected


def times(start: datetime, end: datetime | None = None, show: datetime | None = None) -> list[str]:
    written = format_times(replace(CONCERT, starts_at=start, ends_at=end, show_at=show))
    return [line.replace("\N{EN DASH}", "-") for line in written]


def test_start_and_end_share_a_date_and_the_time_zone() -> None:
    start = datetime(2026, 11, 28, 18, tzinfo=UTC)
    assert times(start) == ["Sat, 28 Nov 2026, 19:00 CET"]
    assert times(start, datetime(2026, 11, 28, 21, tzinfo=UTC)) == ["Sat, 28 Nov 2026, 19:00-22:00 CET"]
    assert times(start, datetime(2026, 11, 29, 1, tzinfo=UTC)) == ["Sat, 28 Nov 2026, 19:00 - Sun, 29 Nov 2026, 02:00 CET"]


def test_both_time_zones_are_named_where_the_clocks_change_in_between() -> None:
    start, end = datetime(2026, 10, 24, 23, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert times(start, end) == ["Sun, 25 Oct 2026, 01:30 CEST-02:30 CET"]


def test_the_show_is_named_if_it_starts_later() -> None:
    doors, show = datetime(2026, 11, 28, 18, tzinfo=UTC), datetime(2026, 11, 28, 19, tzinfo=UTC)
    assert times(doors, show=show)[1:] == ["Doors 19:00, show 20:00"]
    assert times(doors, show=doors)[1:] == []
    next_day = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
    assert times(doors, show=next_day)[1:] == ["Doors Sat, 28 Nov 2026, 19:00, show Sun, 29 Nov 2026, 00:30"]


def test_a_line_has_no_breaks_and_no_characters_that_reorder_it() -> None:
    assert one_line(" a\r\nb\x00\u2028c  d\u202e\u2069 ") == "a b c d"
    assert one_line("plain") == "plain"
    assert one_line("\ud800") == "\ufffd"
    assert lines("a\r\n\r\n b \u2028c") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345", "12345"),
        ("123456", "1234…"),
        ("123 56", "123…"),
        ("1234e\u0301", "1234…"),
        ("123e\u03016", "123…"),
        ("12👩\u200d👩\u200d👧", "12…"),
    ],
)
def test_a_text_is_cut_between_characters_as_a_reader_counts(text: str, expected: str) -> None:
    assert shorten(text, 5) == expected


def test_runs_of_numbers_are_ranges() -> None:
    assert format_numbers([3, 1, 2, 5, 5, 8, 7]) == "1\N{EN DASH}3, 5, 7\N{EN DASH}8"
