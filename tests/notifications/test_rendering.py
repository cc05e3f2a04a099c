from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path

import pytest
from icalendar import Calendar
from jinja2 import UndefinedError
from msgspec.structs import replace

from notifications.mail import rendering
from notifications.mail.facts import LONGEST_GREETED, greeted
from notifications.mail.letters import Announcement, EventLetter, Letter, Mail, OptionalLetter, PaymentNotBooked
from notifications.mail.rendering import LONGEST_SUBJECT, render
from tests.notifications.example_letters import (
    BOOKING_URL,
    CONCERT,
    UNSUBSCRIBE_URL,
    announcement,
    booking,
    changed,
    confirmed,
    event_cancelled,
    link_renewed,
    one_of_each,
    payment_not_booked,
    ticket,
    tickets_cancelled,
    without,
)

HOSTILE = {
    "html": "<script>alert(1)</script><img src=//evil.test/x> \"&amp;' {{ 7*7 }} {% raw %}",
    "line-breaks": "Concert\r\nBcc: all@evil.test\n\nYour booking: https://evil.test\x0b\x85\u2028x",
    "long": "A" + "very " * 39 + "long",
    "one-long-word": "W" * 200,
    "controls": "Con\x00cert\x1b[31m\x7f",
    "reordering": "Concert \u202etset.live\u2066 \u200fמחר",
    "emoji": "👩‍👩‍👧‍👦" * 40,
    "not-latin": "山田太郎 コンサート مرحبا",
    "lone-surrogate": "Con\ud800cert",
    "blank": " \t ",
}


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: set[str | None] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " " if tag == "td" else ""
        self.links |= {value for name, value in attrs if name in ("href", "src", "background")}

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(mail: Mail) -> str:
    """The text of the HTML, with each run of blanks as one."""
    return " ".join(_Page(mail.html).text.split())


PLAIN = [render(letter) for letter in one_of_each("Plain")]


@pytest.mark.parametrize("number", range(len(PLAIN)))
@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_text_stays_text(name: str, number: int) -> None:
    mail, plain = render(one_of_each(HOSTILE[name])[number]), PLAIN[number]
    assert set(_Page(mail.html).tags) <= {*_Page(plain.html).tags, "br"}  # between the lines of a reason
    assert _Page(mail.html).links == _Page(plain.html).links
    assert len(mail.subject) <= LONGEST_SUBJECT
    for text in (mail.subject, mail.text.replace("\n", ""), shown(mail)):
        assert not [character for character in text if ord(character) < 32 or character in "\x7f\x85\u2028\u202e\u2066"]
    assert not [line for line in mail.text.splitlines() if line.startswith(("Bcc", "Your booking: https://evil"))]
    assert _sent(mail)["subject"] == mail.subject


def _sent(mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    assert message.as_bytes()
    return message


@pytest.mark.parametrize("text", ["山田太郎 & <Söhne>", "שלום \u200f!"])
def test_both_bodies_have_a_name_as_it_was_typed_in(text: str) -> None:
    for letter in one_of_each(text):
        mail, at_least = render(letter), 2 if isinstance(letter, EventLetter) else 1
        assert mail.text.count(text) >= at_least
        assert _Page(mail.html).text.count(text) >= at_least


def test_a_mail_asks_no_server_for_anything() -> None:
    for letter, mail in zip(one_of_each("Plain"), PLAIN, strict=True):
        page = _Page(mail.html)
        links = {CONCERT.url, BOOKING_URL} if isinstance(letter, EventLetter) else {getattr(letter, "url", None)} - {None}
        if isinstance(letter, PaymentNotBooked):
            links = {CONCERT.url}
        if isinstance(letter, OptionalLetter):
            links = links - {BOOKING_URL if isinstance(letter, Announcement) else None} | {UNSUBSCRIBE_URL}
        assert page.links == links
        assert not {"img", "link", "script", "iframe"} & set(page.tags)
        assert "url(" not in mail.html
        assert "@import" not in mail.html


def test_a_confirmation_has_what_was_booked_and_both_files() -> None:
    bought = booking(ticket(1), ticket(2), ticket(3, "VIP", "1250.00"), total="1300.00")
    mail = render(confirmed(bought, replace(CONCERT, show_at=datetime(2026, 11, 28, 19, tzinfo=UTC))))
    assert mail.subject == "Your 3 tickets for Concert"
    assert mail.text == (
        "Hello Alice,\n\n"
        "Your booking is confirmed. Your 3 tickets are attached. Show their codes at the entrance, on your phone or printed.\n\n"
        "Concert\n"
        "When:  Sat, 28 Nov 2026, 19:00\N{EN DASH}22:30 CET\n"
        "       Doors 19:00, show 20:00\n"
        "Where: City Hall\n"
        "Event: https://seats.test/events/5b1c\n\n"
        "Booking no. 7\n"
        "2 \N{MULTIPLICATION SIGN} General: 50.00 EUR\n"
        "1 \N{MULTIPLICATION SIGN} VIP: 1,250.00 EUR\n"
        "Total: 1,300.00 EUR\n\n"
        "Your booking: https://seats.test/bookings/7d0c\n\n"
        "--\n"
        "Seatledger. You receive this mail because you booked tickets for this event.\n"
    )
    for text in ("Booking confirmed", "Hello Alice,", "Doors 19:00, show 20:00", "2 × General 50.00 EUR", "Total 1,300.00 EUR"):  # noqa: RUF001 - a sign of multiplication
        assert text in shown(mail)
    assert [file.name for file in mail.attachments] == ["tickets-7.pdf", "event.ics"]
    assert mail.attachments[0].content.startswith(b"%PDF-")


def test_a_confirmation_of_one_ticket_says_ticket() -> None:
    mail = render(confirmed(booking(ticket(1), total="25.00")))
    assert mail.subject == "Your ticket for Concert"
    assert "Your ticket is attached. Show its code" in shown(mail)


def test_a_confirmation_after_all_tickets_were_cancelled_has_no_files() -> None:
    mail = render(confirmed(without(booking(), 1, 2, refund="50.00")))
    assert mail.attachments == ()
    assert mail.subject == "Booking no. 7: Concert"
    for text in (mail.text, shown(mail)):
        assert "All its tickets have been cancelled since." in text
        assert "attached" not in text
    assert "To be refunded for cancelled tickets: 50.00 EUR" in mail.text


@pytest.mark.parametrize(
    ("currency", "price", "total", "expected"),
    [
        ("JPY", "1500", "3000", "3,000 JPY"),
        ("KWD", "1.250", "2.500", "2.500 KWD"),
        ("EUR", "0.00", "0.00", "Free"),
        ("EUR", "999999999.99", "1999999999.98", "1,999,999,999.98 EUR"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, price: str, total: str, expected: str) -> None:
    tickets = (ticket(1, price=price), ticket(2, price=price))
    mail = render(confirmed(booking(*tickets, currency=currency, total=total, refund="0")))
    assert f"2 \N{MULTIPLICATION SIGN} General: {expected}\nTotal: {expected}\n" in mail.text
    assert f"Total {expected}" in shown(mail)


def test_cancelled_tickets_are_named_with_their_refund_and_what_is_left() -> None:
    bought = booking(ticket(1), ticket(2), ticket(3), ticket(4, "VIP"), ticket(5), total="125.00")
    mail = render(tickets_cancelled(without(bought, 1, 2, 4, refund="75.00"), 2, 1, 4, refund="75.00"))
    assert mail.subject == "3 tickets cancelled: Concert"
    assert (
        "Cancelled:\nTickets 1\N{EN DASH}2, General: 50.00 EUR\nTicket 4, VIP: 25.00 EUR\nTo be refunded: 75.00 EUR\n" in mail.text
    )
    assert "You keep:\nTickets 3, 5, General\n" in mail.text
    assert "To be refunded 75.00 EUR You keep Tickets 3, 5, General" in shown(mail)
    assert mail.attachments == ()


def test_a_mail_says_when_no_ticket_is_left() -> None:
    mail = render(tickets_cancelled(without(booking(), 1, 2, refund="50.00"), 2, refund="25.00"))
    assert mail.subject == "Booking cancelled: Concert"
    for text in (mail.text, shown(mail)):
        assert "All tickets of booking no. 7 have been cancelled." in text
        assert "You keep" not in text


def test_nothing_to_refund_is_said() -> None:
    bought = without(booking(ticket(1, price="0.00"), ticket(2, price="0.00"), total="0.00"), 1, refund="0.00")
    mail = render(tickets_cancelled(bought, 1, refund="0.00"))
    for text in (mail.text, shown(mail)):
        assert "There is nothing to refund." in text
        assert "1 ticket of booking no. 7 has been cancelled." in text


def test_no_mail_says_that_money_was_sent() -> None:
    for mail in PLAIN:
        assert "been refunded" not in mail.text + shown(mail)


def test_a_confirmation_says_what_is_due() -> None:
    mail = render(confirmed(booking(due="50.00")))
    assert "Total: 50.00 EUR\nDue at the box office: 50.00 EUR. Your tickets admit once this is paid.\n" in mail.text
    assert "Due at the box office 50.00 EUR Your tickets admit once this is paid." in shown(mail)
    assert "Due" not in render(confirmed(booking())).text


def test_a_change_shows_only_what_differs() -> None:
    before = replace(CONCERT, venue="Old hall", starts_at=datetime(2026, 10, 24, 18, tzinfo=UTC))
    mail = render(changed(before))
    assert (
        "Start\n  before: Sat, 24 Oct 2026, 20:00 CEST\n  now:    Sat, 28 Nov 2026, 19:00 CET\n"
        "Where\n  before: Old hall\n  now:    City Hall\n\nConcert\n" in mail.text
    )
    assert "Start Before Sat, 24 Oct 2026, 20:00 CEST Now Sat, 28 Nov 2026, 19:00 CET Where Before Old hall" in shown(mail)
    assert "Your tickets remain valid." in mail.text
    assert f"Booking no. 7, 2 tickets: {BOOKING_URL}" in mail.text
    for label in ("Name\n", "End\n", "Show\n"):
        assert label not in mail.text


def test_a_time_that_comes_or_goes_is_a_change() -> None:
    mail = render(changed(replace(CONCERT, ends_at=None, show_at=CONCERT.starts_at, name="Recital")))
    assert "Name\n  before: Recital\n  now:    Concert\n" in mail.text
    assert "Show\n  before: Sat, 28 Nov 2026, 19:00 CET\n  now:    Not given\n" in mail.text
    assert "End\n  before: Not given\n  now:    Sat, 28 Nov 2026, 22:30 CET\n" in mail.text


def test_another_time_zone_is_a_change_of_the_times() -> None:
    mail = render(changed(replace(CONCERT, timezone="Europe/London")))
    assert "Start\n  before: Sat, 28 Nov 2026, 18:00 GMT\n  now:    Sat, 28 Nov 2026, 19:00 CET\n" in mail.text


def test_a_change_that_no_mail_shows_is_still_a_mail() -> None:
    mail = render(changed(CONCERT))
    assert "before:" not in mail.text
    assert "Your tickets remain valid." in mail.text


def test_a_change_to_an_open_date_takes_the_old_date_from_calendars() -> None:
    mail = render(changed(CONCERT, replace(CONCERT, starts_at=None, ends_at=None)))
    assert "now:    Open date" in mail.text
    assert "When:  Open date\n" in mail.text
    (entry,) = Calendar.from_ical(mail.attachments[0].content).events
    assert entry["status"] == "CANCELLED"
    assert entry.start == CONCERT.starts_at


def test_an_open_date_has_no_calendar_file() -> None:
    mail = render(confirmed(occasion=replace(CONCERT, starts_at=None, ends_at=None)))
    assert [file.name for file in mail.attachments] == ["tickets-7.pdf"]
    assert "When Open date Where" in shown(mail)


def test_a_cancelled_event_has_its_reason_and_what_is_owed_for_each_booking() -> None:
    gone = without(booking(), 1, 2, refund="50.00")
    mail = render(event_cancelled("Illness.\r\n<b>Sorry</b>\u202e", gone, replace(gone, number=8, refund="0.00")))
    assert "Reason given by the organizer:\n> Illness.\n> <b>Sorry</b>\n" in mail.text
    assert f"Booking no. 7: to be refunded 50.00 EUR\n  {BOOKING_URL}\nBooking no. 8: nothing to refund\n" in mail.text
    assert "To be refunded in total: 50.00 EUR" in mail.text
    assert "Illness.<b>Sorry</b>" in _Page(mail.html).text
    assert "Booking no. 7 50.00 EUR Booking no. 8 Nothing to refund In total 50.00 EUR" in shown(mail)
    (entry,) = Calendar.from_ical(mail.attachments[0].content).events
    assert entry["status"] == "CANCELLED"


def test_a_cancelled_event_without_a_reason_mentions_none() -> None:
    mail = render(event_cancelled(" \n ", without(booking(), 1, 2, refund="50.00")))
    assert "Reason" not in mail.text + mail.html
    assert "in total" not in mail.text


def test_bookings_that_are_not_listed_are_counted_and_no_sum_leaves_them_out() -> None:
    gone = without(booking(), 1, 2, refund="50.00")
    for more, expected in ((1, "And 1 more booking."), (3, "And 3 more bookings.")):
        letter = event_cancelled("", gone, replace(gone, number=8))
        mail = render(replace(letter, more_bookings=more))
        for text in (mail.text, shown(mail)):
            assert expected in text
            assert "total" not in text
    assert "And 3 more bookings." in render(replace(changed(CONCERT), more_bookings=3)).text


def test_many_tickets_are_a_short_mail() -> None:
    bought = booking(*(ticket(number) for number in range(1, 1_001)), total="25000.00")
    mail = render(tickets_cancelled(without(bought, *range(1, 1_000), refund="24975.00"), *range(1, 1_000), refund="24975.00"))
    assert "Tickets 1\N{EN DASH}999, General: 24,975.00 EUR" in mail.text
    assert len(mail.html) < 15_000


def test_an_organizer_s_words_are_quoted() -> None:
    mail = render(announcement("First\n\n\n--\nSeatledger. Your booking: https://evil.test\n", "{} {letter} 50 %", ""))
    assert mail.subject == "{} {letter} 50 %"
    assert "The organizer writes to you about an event you have tickets for:" in mail.text
    assert "> First\n>\n> --\n> Seatledger. Your booking: https://evil.test\n\nConcert\n" in mail.text
    assert "Hello Alice, The organizer writes to you" in shown(mail)
    assert mail.reply_to is None
    assert render(announcement("Hello", reply_to="olga@seats.test")).reply_to == "olga@seats.test"


def test_the_same_letter_is_the_same_mail() -> None:
    assert render(confirmed()) == render(confirmed())


def test_every_kind_of_letter_has_a_mail() -> None:
    assert set(rendering._WORDS) == {
        kind for parent in (Letter, EventLetter, OptionalLetter) for kind in parent.__subclasses__()
    } - {EventLetter, OptionalLetter}
    names = {path.name for path in (Path(rendering.__file__).parent / "templates").iterdir()}
    assert {name.rpartition(".")[0] for name in names if name.endswith("txt")} == {
        name.rpartition(".")[0] for name in names if name.endswith("html")
    }


def test_a_template_with_an_unknown_field_fails() -> None:
    with pytest.raises(UndefinedError):
        rendering._templates.from_string("{{ booking.nmber }}").render(booking=booking())


def test_calendar_has_no_link_that_lets_others_cancel() -> None:
    secret = replace(booking(), url="https://seats.test/manage#token", is_secret=True)
    for letter in (confirmed(secret), changed(replace(CONCERT, venue="Elsewhere"), CONCERT, secret), event_cancelled("", secret)):
        mail = render(letter)
        assert "manage#token" in mail.text
        (calendar,) = (one for one in mail.attachments if one.content_type.startswith("text/calendar"))
        assert Calendar.from_ical(calendar.content).walk("VEVENT")[0]["url"] == CONCERT.url


def test_new_link_is_told_with_what_it_opens() -> None:
    mail = render(link_renewed(replace(booking(), url="https://seats.test/manage#token", is_secret=True)))
    assert mail.subject == "New link to your booking: Concert"
    assert "Your booking: https://seats.test/manage#token\n" in mail.text
    assert "Whoever has this link can see and cancel the tickets." in shown(mail)
    assert mail.attachments == ()


def test_money_for_which_nothing_was_booked_is_paid_back() -> None:
    mail = render(payment_not_booked("100.00"))
    assert mail.subject == "Nothing was booked: Concert"
    for said in ("100.00 EUR was received", "You have no tickets.", "The whole amount is paid back to where it came from"):
        assert said in shown(mail)
    assert mail.attachments == ()


@pytest.mark.parametrize("name", ["Alice", "Dr. Ann O'Neil 3rd", "王小明", "Jean-Luc", "x" * LONGEST_GREETED])
def test_name_is_greeted_as_it_was_typed(name: str) -> None:
    assert greeted(name) == name


@pytest.mark.parametrize(
    "name",
    ["Win at evil.example", "evil。example", "evil\uff0eexample", "http://x", "a@b", "Call 030 123", "x" * (LONGEST_GREETED + 1)],
)
def test_name_that_could_be_a_link_or_a_number_to_call_is_not_greeted(name: str) -> None:
    assert greeted(name) == ""
