"""How mails and tickets write texts, amounts and times: in English, as the page does."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from notifications.mail.letters import Occasion

OPEN_DATE = "Open date"
#: Characters that would show a text in another order than it is written in: what follows them could be made to look like ours.
#: Left-to-right and right-to-left marks are not among them; names in Hebrew or Arabic need them.
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NOT_OF_ONE_LINE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE_BREAK = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ELLIPSIS = "…"
_DASH = "\N{EN DASH}"


def one_line(text: str) -> str:
    """The text without line breaks, other controls, and repeated blanks."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _NOT_OF_ONE_LINE.sub(" ", _LONE_SURROGATE.sub("\ufffd", _REORDERING.sub("", text))).strip()


def lines(text: str) -> list[str]:
    """The lines of a text, each as `one_line`, without empty lines."""
    return [line for line in map(one_line, _LINE_BREAK.split(text)) if line]


def paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph, each as `one_line`. Empty lines separate paragraphs."""
    found: list[list[str]] = [[]]
    for line in map(one_line, _LINE_BREAK.split(text)):
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [paragraph for paragraph in found if paragraph]


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, with "…" where some are cut off. No accent or part of an emoji is left behind."""
    if len(text) <= limit:
        return text
    end = limit - len(_ELLIPSIS)
    while end > 0 and (_joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + _ELLIPSIS


def _joins(character: str) -> bool:
    return character == "\u200d" or unicodedata.category(character) in ("Mn", "Me", "Mc", "Sk")


def format_tickets(quantity: int) -> str:
    return "1 ticket" if quantity == 1 else f"{quantity:,} tickets"


def format_money(amount: str, currency: str) -> str:
    """`1,250.00 EUR`, with the decimals of `amount`."""
    return f"{Decimal(amount):,f} {currency}"


def format_price(amount: str, currency: str) -> str:
    """Like `format_money`, or "Free"."""
    return format_money(amount, currency) if is_money(amount) else "Free"


def is_money(amount: str) -> bool:
    return Decimal(amount) != 0


def sum_amounts(amounts: Iterable[str]) -> str:
    """The sum, of one currency and with its decimals; `0` for no amounts."""
    return f"{sum(map(Decimal, amounts), Decimal(0)):f}"


def format_numbers(numbers: Iterable[int]) -> str:
    """`1-3, 5`, with an en dash."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(_DASH.join(map(str, run)) for run in runs)


def format_date_time(at: datetime | None, timezone: str) -> str:
    """`Sat, 21 Nov 2026, 20:00 CET`, or "Open date"."""
    if at is None:
        return OPEN_DATE
    local = at.astimezone(ZoneInfo(timezone))
    return f"{_day(local)}, {_time(local)} {_zone(local)}"


def format_times(occasion: Occasion) -> list[str]:
    """Start and end, with one date if both are on the same day, and the time zone once; a second line if the show starts at another
    time than the event."""
    if occasion.starts_at is None:
        return [OPEN_DATE]
    zone = ZoneInfo(occasion.timezone)
    start = occasion.starts_at.astimezone(zone)
    times = [_range(start, occasion.ends_at.astimezone(zone) if occasion.ends_at else None)]
    if occasion.show_at is not None and occasion.show_at != occasion.starts_at:
        times.append(_doors_and_show(start, occasion.show_at.astimezone(zone)))
    return times


def _range(start: datetime, end: datetime | None) -> str:
    if end is None:
        return f"{_day(start)}, {_time(start)} {_zone(start)}"
    first = f"{_day(start)}, {_time(start)}"
    if _zone(start) != _zone(end):  # the clocks change in between: 02:30 alone could be either
        first += f" {_zone(start)}"
    if start.date() == end.date():
        return f"{first}{_DASH}{_time(end)} {_zone(end)}"
    return f"{first} {_DASH} {_day(end)}, {_time(end)} {_zone(end)}"


def _doors_and_show(doors: datetime, show: datetime) -> str:
    if doors.date() == show.date():
        return f"Doors {_time(doors)}, show {_time(show)}"
    return f"Doors {_day(doors)}, {_time(doors)}, show {_day(show)}, {_time(show)}"


def _day(local: datetime) -> str:
    return f"{local:%a}, {local.day} {local:%b %Y}"


def _time(local: datetime) -> str:
    return f"{local:%H:%M}"


def _zone(local: datetime) -> str:
    """`CET`; `GMT+5:30` or `GMT` where a zone has no letters of its own."""
    name = local.tzname() or ""
    if name[:1].isalpha():
        return name
    sign, hours, minutes = f"{local:%z}"[0], int(f"{local:%z}"[1:3]), f"{local:%z}"[3:5]
    if hours == 0 and minutes == "00":
        return "GMT"
    return f"GMT{sign}{hours}" + ("" if minutes == "00" else f":{minutes}")
