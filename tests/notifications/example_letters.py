"""Letters to make mails of."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from ledger.mail_tokens import LENGTH, PURPOSES
from ledger.outbox import NOTICES, WEBHOOK_PAUSED
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

MADE_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNSUBSCRIBE_URL = "https://seats.test/unsubscribe/AQ"
BOOKING_URL = "https://seats.test/bookings/7d0c"
CONCERT = Occasion(
    id=UUID("5b1c2f4e-8a57-4c3e-9a9b-0d9d8a1f7c11"),
    name="Concert",
    venue="City Hall",
    starts_at=datetime(2026, 11, 28, 18, tzinfo=UTC),
    ends_at=datetime(2026, 11, 28, 21, 30, tzinfo=UTC),
    show_at=None,
    timezone="Europe/Berlin",
    url="https://seats.test/events/5b1c",
)


def ticket(number: int, category: str = "General", price: str = "25.00") -> Ticket:
    code = "-".join(f"{number * 7919 * position % 65_521:04X}" for position in range(1, 9))[:38]
    return Ticket(number=number, category=category, price=price, status="active", code=code)


def booking(
    *tickets: Ticket, currency: str = "EUR", total: str = "50.00", refund: str = "0.00", number: int = 7, due: str = "0"
) -> Purchase:
    return Purchase(
        number=number,
        currency=currency,
        total=total,
        refund=refund,
        due=due,
        booked_at=MADE_AT,
        tickets=tickets or (ticket(1), ticket(2)),
        url=BOOKING_URL,
    )


def without(of: Purchase, *numbers: int, refund: str) -> Purchase:
    """The booking after these tickets were cancelled."""
    tickets = tuple(replace(one, status="cancelled") if one.number in numbers else one for one in of.tickets)
    return replace(of, tickets=tickets, refund=refund)


def confirmed(of: Purchase | None = None, occasion: Occasion = CONCERT, to_name: str = "Alice") -> BookingConfirmed:
    return BookingConfirmed(to_name=to_name, occasion=occasion, made_at=MADE_AT, booking=of or booking())


def tickets_cancelled(of: Purchase, *numbers: int, refund: str, occasion: Occasion = CONCERT) -> TicketsCancelled:
    return TicketsCancelled(to_name="Alice", occasion=occasion, made_at=MADE_AT, booking=of, numbers=numbers, refund=refund)


def changed(before: Occasion, now: Occasion = CONCERT, *bookings: Purchase) -> EventChanged:
    return EventChanged(to_name="Alice", occasion=now, made_at=MADE_AT, before=before, bookings=bookings or (booking(),))


def event_cancelled(reason: str, *bookings: Purchase, occasion: Occasion = CONCERT) -> EventCancelled:
    return EventCancelled(to_name="Alice", occasion=occasion, made_at=MADE_AT, reason=reason, bookings=bookings)


def link(purpose: str, to_name: str = "Alice") -> LinkLetter:
    url = f"https://seats.test/{purpose}#{'A' * LENGTH}"
    return LinkLetter(to_name=to_name, made_at=MADE_AT, purpose=purpose, url=url, expires_at=MADE_AT + timedelta(minutes=30))  # type: ignore[arg-type]


def code() -> CodeLetter:
    return CodeLetter(to_name="", made_at=MADE_AT, code="042137", expires_at=MADE_AT + timedelta(minutes=20))


def notice(what: str, to_name: str = "Alice", client: str | None = "Firefox on Windows") -> NoticeLetter:
    role = "organizer" if what == "role-changed" else None
    url = "https://seats.test/account"
    if what == WEBHOOK_PAUSED:
        return NoticeLetter(to_name=to_name, made_at=MADE_AT, what=what, at=MADE_AT, address=client, url=url)
    return NoticeLetter(
        to_name=to_name, made_at=MADE_AT, what=what, at=MADE_AT, role=role, network="192.0.2.0/24", client=client, url=url
    )


def payment_not_booked(amount: str = "100.00", occasion: Occasion = CONCERT) -> PaymentNotBooked:
    return PaymentNotBooked(to_name="Alice", occasion=occasion, made_at=MADE_AT, amount=amount, currency="EUR")


def link_renewed(of: Purchase | None = None, occasion: Occasion = CONCERT) -> LinkRenewed:
    return LinkRenewed(to_name="Alice", occasion=occasion, made_at=MADE_AT, booking=of or booking())


def announcement(text: str, subject: str = "Doors open earlier", from_name: str = "Olga", **more: Any) -> Announcement:
    return Announcement(
        to_name="Alice", occasion=more.pop("occasion", CONCERT), made_at=MADE_AT, subject=subject, text=text, from_name=from_name,
        unsubscribe_url=UNSUBSCRIBE_URL, **more,
    )  # fmt: skip


def reminder(*bookings: Purchase, occasion: Occasion = CONCERT, more: int = 0) -> Reminder:
    return Reminder(
        to_name="Alice", occasion=occasion, made_at=MADE_AT, bookings=bookings or (booking(),), more_bookings=more,
        unsubscribe_url=UNSUBSCRIBE_URL,
    )  # fmt: skip


def one_of_each(text: str) -> list[Letter]:
    """Letters in which each text that somebody typed in is this one."""
    occasion = replace(CONCERT, name=text, venue=text)
    bought = booking(ticket(1, category=text), ticket(2, category=text))
    partly, gone = without(bought, 1, refund="25.00"), without(bought, 1, 2, refund="50.00")
    letters: list[Letter] = [
        *(link(purpose, to_name=text) for purpose in PURPOSES),
        code(),
        *(notice(what, to_name=text, client=text) for what in sorted(NOTICES)),
        confirmed(bought, occasion),
        confirmed(gone, occasion),
        tickets_cancelled(partly, 1, refund="25.00", occasion=occasion),
        tickets_cancelled(gone, 1, 2, refund="50.00", occasion=occasion),
        changed(CONCERT, occasion, bought, replace(bought, number=8)),
        event_cancelled(text, gone, replace(gone, number=8), occasion=occasion),
        link_renewed(bought, occasion),
        payment_not_booked(occasion=occasion),
        reminder(bought, replace(bought, number=8), occasion=occasion),
        announcement(text, text, text, occasion=occasion),
    ]
    return [replace(letter, to_name=text) for letter in letters]
