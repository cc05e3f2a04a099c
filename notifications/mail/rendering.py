"""Makes a mail of a letter: words, and files to keep. Pure: it asks nobody, and reads no clock."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from notifications.mail.account_words import LINKS, NOTICES
from notifications.mail.calendar_file import make_calendar_file
from notifications.mail.formatting import (
    format_date_time,
    format_money,
    format_numbers,
    format_price,
    format_tickets,
    format_times,
    is_money,
    lines,
    one_line,
    paragraphs,
    shorten,
    sum_amounts,
)
from notifications.mail.letters import (
    Announcement,
    Attachment,
    BookingConfirmed,
    CodeLetter,
    EventCancelled,
    EventChanged,
    EventLetter,
    Letter,
    LinkLetter,
    LinkRenewed,
    Mail,
    NoticeLetter,
    Occasion,
    OptionalLetter,
    PaymentNotBooked,
    Purchase,
    Reminder,
    Ticket,
    TicketsCancelled,
)

#: Of characters. Mail programs show some 60; a header line ends at 998.
LONGEST_SUBJECT = 150
_NOT_GIVEN = "Not given"


class Fact(NamedTuple):
    label: str
    lines: list[str]


class Change(NamedTuple):
    label: str
    before: str
    now: str


class Line(NamedTuple):
    """Tickets of one category and price."""

    category: str
    price: str
    numbers: list[int]

    @property
    def quantity(self) -> int:
        return len(self.numbers)

    @property
    def amount(self) -> str:
        return sum_amounts([self.price] * self.quantity)


class _Words(NamedTuple):
    """What templates need besides the letter. `subject` of a letter about an event has its name at `{}`."""

    template: str
    subject: str
    values: dict[str, Any]
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None


def render(letter: Letter) -> Mail:
    """Any text of the letter may come from a stranger: it appears as text, on one line, whatever it holds."""
    letter = _clean(letter)
    words = _WORDS[type(letter)](letter)
    subject, values = words.subject, {"letter": letter, **words.values}
    if isinstance(letter, EventLetter):
        if not isinstance(letter, Announcement):
            room = LONGEST_SUBJECT - len(subject) + len("{}")
            subject = subject.replace("{}", shorten(letter.occasion.name, room))
        values |= {"occasion": letter.occasion, "facts": _facts(letter.occasion)}
    values["subject"] = subject
    text, html = (_templates.get_template(f"{words.template}.{kind}").render(values) for kind in ("txt", "html"))
    optional = {"reply_to": words.reply_to, "unsubscribe_url": letter.unsubscribe_url} if isinstance(letter, OptionalLetter) else {}
    return Mail(subject=subject, text=text, html=html, attachments=words.attachments, **optional)


def _link(letter: LinkLetter) -> _Words:
    words = LINKS[letter.purpose]
    until = format_date_time(letter.expires_at, "UTC")
    return _Words("account", words.title, {"words": words, "url": letter.url, "facts": [], "until": until})


def _code(letter: CodeLetter) -> _Words:
    """The code is not in the subject, which servers write into their logs."""
    until = format_date_time(letter.expires_at, "UTC")
    return _Words("contact_code", "Your code to book tickets", {"code": letter.code, "until": until})


def _notice(letter: NoticeLetter) -> _Words:
    words = NOTICES[letter.what]
    facts = [Fact("When", [format_date_time(letter.at, "UTC")])]
    if letter.address is not None:
        facts.append(Fact("Address", [letter.address]))
    if letter.role is not None:
        facts.append(Fact("New role", [letter.role]))
    if origin := " from ".join(part for part in (letter.client, letter.network) if part):
        facts.append(Fact("By", [origin]))
    return _Words("account", words.title, {"words": words, "url": letter.url, "facts": facts, "until": None})


def _booking_confirmed(letter: BookingConfirmed) -> _Words:
    booking = letter.booking
    values = {"booking": booking, "lines": _lines(booking.tickets)}
    if not booking.active:
        return _Words("booking_confirmed", f"Booking no. {booking.number}: {{}}", values)
    # Only who sends mail draws tickets: the API renders previews, and would load the fonts in vain.
    from notifications.mail.ticket_sheet import draw_tickets  # noqa: PLC0415

    sheet = draw_tickets(booking, letter.occasion, letter.to_name, letter.made_at)
    attached = (
        Attachment(f"tickets-{booking.number}.pdf", "application/pdf", sheet),
        *_calendar_files(letter, [booking]),
    )
    tickets = "ticket" if len(booking.active) == 1 else format_tickets(len(booking.active))
    return _Words("booking_confirmed", f"Your {tickets} for {{}}", values, attached)


def _tickets_cancelled(letter: TicketsCancelled) -> _Words:
    booking, numbers = letter.booking, frozenset(letter.numbers)
    cancelled = [ticket for ticket in booking.tickets if ticket.number in numbers]
    values = {"booking": booking, "cancelled": _lines(cancelled), "left": _lines(booking.active), "quantity": len(numbers)}
    subject = f"{format_tickets(len(numbers))} cancelled: {{}}" if booking.active else "Booking cancelled: {}"
    return _Words("tickets_cancelled", subject, values)


def _event_changed(letter: EventChanged) -> _Words:
    values = {"changes": _changes(letter.before, letter.occasion), "bookings": letter.bookings, "more": letter.more_bookings}
    attached = _calendar_files(letter, letter.bookings)
    if not attached:  # an open date now: the entry that calendars have is wrong
        attached = _calendar_files(letter, letter.bookings, of=letter.before, is_cancelled=True)
    return _Words("event_changed", "Event changed: {}", values, attached)


def _payment_not_booked(letter: PaymentNotBooked) -> _Words:
    return _Words("payment_not_booked", "Nothing was booked: {}", {})


def _event_cancelled(letter: EventCancelled) -> _Words:
    refund = sum_amounts(booking.refund for booking in letter.bookings)
    values = {"reason": lines(letter.reason), "bookings": letter.bookings, "more": letter.more_bookings, "refund": refund}
    return _Words("event_cancelled", "Event cancelled: {}", values, _calendar_files(letter, letter.bookings, is_cancelled=True))


def _link_renewed(letter: LinkRenewed) -> _Words:
    return _Words("link_renewed", "New link to your booking: {}", {"booking": letter.booking})


def _reminder(letter: Reminder) -> _Words:
    return _Words("reminder", "Reminder: {}", {"bookings": letter.bookings, "more": letter.more_bookings})


def _announcement(letter: Announcement) -> _Words:
    """The subject is the sender's alone."""
    values = {"paragraphs": paragraphs(letter.text), "sender": letter.from_name}
    subject = shorten(letter.subject, LONGEST_SUBJECT)
    return _Words("announcement", subject, values, reply_to=letter.reply_to)


_WORDS: dict[type[Letter], Callable[[Any], _Words]] = {
    LinkLetter: _link,
    CodeLetter: _code,
    NoticeLetter: _notice,
    BookingConfirmed: _booking_confirmed,
    TicketsCancelled: _tickets_cancelled,
    EventChanged: _event_changed,
    PaymentNotBooked: _payment_not_booked,
    EventCancelled: _event_cancelled,
    LinkRenewed: _link_renewed,
    Reminder: _reminder,
    Announcement: _announcement,
}


def _clean(letter: Letter) -> Letter:
    """With each text as one line, but a reason and what somebody has written, which may have several."""
    several: dict[str, Any] = {}
    if isinstance(letter, EventCancelled):
        several = {"reason": letter.reason}
    elif isinstance(letter, Announcement):
        several = {"text": letter.text}
    return msgspec.structs.replace(cast("Letter", _cleaned(letter)), **several)


def _cleaned(value: object) -> object:
    match value:
        case str():
            return one_line(value)
        case tuple():
            return tuple(map(_cleaned, value))
        case msgspec.Struct():
            return type(value)(**{name: _cleaned(field) for name, field in msgspec.structs.asdict(value).items()})
    return value


def _facts(occasion: Occasion) -> list[Fact]:
    return [Fact("When", format_times(occasion)), Fact("Where", [occasion.venue])]


def _lines(tickets: Iterable[Ticket]) -> list[Line]:
    """By category and price, in the order of the first tickets."""
    found: dict[tuple[str, str], Line] = {}
    for ticket in tickets:
        line = found.setdefault((ticket.category, ticket.price), Line(ticket.category, ticket.price, []))
        line.numbers.append(ticket.number)
    return list(found.values())


def _changes(before: Occasion, now: Occasion) -> list[Change]:
    """What differs as a customer reads it; the times also if only the time zone does."""
    both = [dict(_described(before)), dict(_described(now))]
    return [Change(label, both[0][label], both[1][label]) for label in both[0] if both[0][label] != both[1][label]]


def _described(occasion: Occasion) -> Iterable[tuple[str, str]]:
    yield "Name", occasion.name
    yield "Start", format_date_time(occasion.starts_at, occasion.timezone)
    for label, at in (("Show", occasion.show_at), ("End", occasion.ends_at)):
        yield label, _NOT_GIVEN if at is None else format_date_time(at, occasion.timezone)
    yield "Where", occasion.venue


def _calendar_files(
    letter: EventLetter, bookings: Iterable[Purchase], *, of: Occasion | None = None, is_cancelled: bool = False
) -> tuple[Attachment, ...]:
    """None for an open date. Its link is the booking's page where there is one booking, as in the page's file; never one that lets
    others cancel, who may see the calendar."""
    occasion = of or letter.occasion
    if occasion.starts_at is None:
        return ()
    urls = [booking.url for booking in bookings if not booking.is_secret]
    content = make_calendar_file(occasion, urls[0] if len(urls) == 1 else occasion.url, letter.made_at, is_cancelled=is_cancelled)
    return (Attachment("event.ics", "text/calendar; charset=utf-8; method=PUBLISH", content),)


def _make_templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters |= {"money": format_money, "numbers": format_numbers, "price": format_price, "tickets": format_tickets}
    made.tests |= {"money": is_money}
    return made


_templates = _make_templates()
