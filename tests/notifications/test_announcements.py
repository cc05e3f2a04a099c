"""What organizers write reaches each attendee once, at one address once, and nobody who does not want it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from ledger import entries as e
from ledger.commands import Actor, Role
from ledger.outbox import AUDIENCES, PROMPT, TO_MANY
from notifications import audiences
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking
from tests.notifications.test_delivery import Office

TEXT = "Doors open at six.\n\nBring a coat: <b>https://cold.test</b>"


@pytest.fixture
def office(shop: Shop, mail_server: MailServer, tmp_path: Path) -> Iterator[Office]:
    shop.add_account(s.ORGANIZER.id, "olga@example.test", "Olga")
    office = Office(shop, mail_server, tmp_path / "keys")
    yield office
    office.transport.close()


def announce(shop: Shop, audience: str = "all", **more: Any) -> UUID:
    """Stores an announcement, as the API does."""
    id_ = uuid4()
    row = {
        "id": id_, "event_id": s.EVENT, "sender_id": s.ORGANIZER.id, "audience": audience, "category": None,
        "subject": "Doors open earlier", "text": TEXT, "has_reply_to": False, **more,
    }  # fmt: skip
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    with psycopg.connect(shop.url) as connection:
        connection.execute(f"INSERT INTO announcements ({names}) VALUES ({places})", list(row.values()))
    return id_


def recipients(shop: Shop) -> set[UUID]:
    assert audiences.write_messages(shop.engine) == 1
    return {id_ for (id_,) in shop.rows("recipient_id") if id_}


def somebody(shop: Shop, email: str) -> Actor:
    shop.add_account(id_ := uuid4(), email, "Somebody")
    return Actor(id_, Role.CUSTOMER)


def opt_out(shop: Shop, id_: UUID | None) -> None:
    with psycopg.connect(shop.url) as connection:
        connection.execute("INSERT INTO mail_opt_outs (account_id) VALUES (%s)", (id_,))


def used(booking: e.SeatsBooked, ticket: int = 0) -> e.TicketUsed:
    return s.used(ticket, booking=booking.command)


def test_attendees_are_those_with_valid_tickets(shop: Shop) -> None:
    carol = somebody(shop, "carol@example.test")
    gone, walk_in = a_booking(carol), a_booking(Actor(None, Role.CUSTOMER))
    shop.append(a_booking(s.ALICE), a_booking(s.ALICE), a_booking(s.BOB, 2), walk_in, gone)
    shop.append(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=gone.command))
    announce(shop)
    assert recipients(shop) == {s.ALICE.id, s.BOB.id}


def test_check_in_tells_audiences_apart(shop: Shop) -> None:
    carol = somebody(shop, "carol@example.test")
    inside, half = a_booking(s.ALICE), a_booking(s.BOB, 2)
    shop.append(inside, half, a_booking(carol), used(inside), used(half))
    announce(shop, "checked-in")
    assert recipients(shop) == {s.ALICE.id, s.BOB.id}
    announce(shop, "not-checked-in")
    assert audiences.write_messages(shop.engine) == 1
    assert [id_ for (id_,) in shop.rows("recipient_id")][2:] in ([s.BOB.id, carol.id], [carol.id, s.BOB.id])


def test_category_narrows_the_audience(shop: Shop) -> None:
    shop.append(a_booking(s.ALICE), s.booked(s.BOB, s.vip(1), booking=uuid4()))
    announce(shop, category=2)
    assert recipients(shop) == {s.BOB.id}


def test_one_person_and_one_address_get_one(shop: Shop) -> None:
    """A claimed contact is its account; contacts with one address are one reader."""
    claimed, first, second = (shop.add_contact(email) for email in ("old@example.test", "w1@example.test", "w2@example.test"))
    shop.claim(claimed, s.ALICE)
    with psycopg.connect(shop.url) as connection:
        connection.execute(
            "UPDATE accounts SET contact_email = 'w@example.test', contact_of = NULL WHERE id = ANY(%s)", ([first.id, second.id],)
        )
    shop.append(a_booking(s.ALICE), a_booking(claimed), a_booking(first), a_booking(second))
    announce(shop)
    assert recipients(shop) == {s.ALICE.id, min(id_ for id_ in (first.id, second.id) if id_)}


def test_who_wants_none_gets_none_at_any_of_their_contacts(shop: Shop) -> None:
    contact, other = shop.add_contact("alice@example.test"), shop.add_contact("wanda@example.test")
    shop.append(a_booking(s.ALICE), a_booking(contact), a_booking(s.BOB), a_booking(other))
    opt_out(shop, s.ALICE.id)
    opt_out(shop, other.id)
    announce(shop)
    assert recipients(shop) == {s.BOB.id}


def test_unproven_account_speaks_for_itself_alone(shop: Shop) -> None:
    """Somebody signs up with another's address: that must not keep mail from them."""
    contact = shop.add_contact("alice@example.test")
    with psycopg.connect(shop.url) as connection:
        connection.execute("UPDATE accounts SET email_proven_at = NULL WHERE id = %s", (s.ALICE.id,))
    opt_out(shop, s.ALICE.id)
    shop.append(a_booking(contact), a_booking(s.ALICE))
    announce(shop)
    assert recipients(shop) == {contact.id}


def test_messages_are_written_once_and_go_after_others(shop: Shop) -> None:
    shop.append(a_booking(s.ALICE), a_booking(s.BOB))
    id_ = announce(shop)
    test = announce(shop, "myself")
    assert audiences.write_messages(shop.engine) == 2
    assert audiences.write_messages(shop.engine) == 0
    shop.add_account(s.ORGANIZER.id, "olga@example.test")
    rows = shop.rows("kind, event_id, priority, details ->> 'announcement'")
    assert rows == [("announcement", s.EVENT, TO_MANY, str(id_))] * 2
    with psycopg.connect(shop.url) as connection:
        counts: dict[UUID, int] = dict(connection.execute("SELECT id, recipients FROM announcements").fetchall())
        ids = {row[0] for row in connection.execute("SELECT id FROM outbox").fetchall()}
        connection.execute("DELETE FROM outbox")
        connection.execute("UPDATE announcements SET written_at = NULL, recipients = NULL")
    assert counts == {id_: 2, test: 0}
    assert audiences.write_messages(shop.engine) == 2
    assert ids < {row[0] for row in shop.rows("id")}, "a message has the same id each time"
    assert (s.ORGANIZER.id, PROMPT) in shop.rows("recipient_id, priority")


def test_letter_quotes_the_organizer(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking(s.ALICE))
    office.deliver_all()
    announce(office.shop)
    audiences.write_messages(office.shop.engine)
    office.deliver_all()
    mail = mail_server.mails()[-1]
    mail["text"] = mail["text"].replace("\r\n", "\n")
    assert (mail["to"], mail["subject"], mail["reply_to"]) == ("alice@example.test", "Doors open earlier", None)
    assert "Hello Alice,\n\nOlga writes to you about an event you have tickets for:\n\n" in mail["text"]
    assert "> Doors open at six.\n>\n> Bring a coat: <b>https://cold.test</b>\n\nOlga, organizer of\n\nConcert\n" in mail["text"]
    url, one_click = mail["unsubscribe"]
    assert url.startswith("<https://seats.test/unsubscribe/")
    assert one_click == "List-Unsubscribe=One-Click"
    assert f"No more reminders and messages from organizers: {url[1:-1]}" in mail["text"]
    assert mail_server.mails()[0]["unsubscribe"] == [None, None], "a confirmation is no such mail"


def test_answers_go_to_a_proven_address_alone(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking(s.ALICE))
    office.deliver_all()
    announce(office.shop, has_reply_to=True)
    audiences.write_messages(office.shop.engine)
    office.deliver_all()
    assert mail_server.mails()[-1]["reply_to"] == "olga@example.test"
    with psycopg.connect(office.shop.url) as connection:
        connection.execute("UPDATE accounts SET email_proven_at = NULL WHERE id = %s", (s.ORGANIZER.id,))
    announce(office.shop, has_reply_to=True)
    audiences.write_messages(office.shop.engine)
    office.deliver_all()
    assert mail_server.mails()[-1]["reply_to"] is None


def test_who_unsubscribes_before_delivery_gets_none(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking(s.ALICE))
    announce(office.shop)
    announce(office.shop, "myself")
    audiences.write_messages(office.shop.engine)
    opt_out(office.shop, s.ALICE.id)
    opt_out(office.shop, s.ORGANIZER.id)
    office.deliver_all()
    assert [(mail["to"], mail["subject"]) for mail in mail_server.mails() if mail["subject"].startswith("Doors")] == [
        ("olga@example.test", "Doors open earlier")
    ], "a test of one's own message arrives"
    assert ("skipped", "The recipient wants no messages from organizers any more.") in office.shop.rows("state, error")


def test_a_cancelled_event_s_attendees_can_be_told_more(shop: Shop) -> None:
    shop.append(a_booking(s.ALICE), s.event_cancelled("Rain"))
    announce(shop)
    assert recipients(shop) == {s.ALICE.id}


@pytest.mark.parametrize("audience", AUDIENCES)
def test_nobody_is_an_audience_too(audience: str, shop: Shop) -> None:
    announce(shop, audience)
    assert recipients(shop) == set()


def test_fifty_thousand_messages_are_one_statement(shop: Shop) -> None:
    shop.append(a_booking(s.ALICE))
    with psycopg.connect(shop.url) as connection:
        connection.execute("""
            WITH people AS (
                INSERT INTO accounts (id, name, email, role)
                SELECT gen_random_uuid(), 'P', 'p' || n || '@example.test', 'customer' FROM generate_series(1, 50000) AS n
                RETURNING id
            )
            INSERT INTO bookings (booking_id, number, event_id, version, ticket_key, customer_id, status, quantity, total, refunded,
                booked_at, updated_at)
            SELECT gen_random_uuid(), 1000000 + row_number() OVER (), event_id, version, ticket_key, people.id, status, quantity,
                total, refunded, booked_at, updated_at FROM bookings, people""")
    announce(shop)
    assert audiences.write_messages(shop.engine) == 1
    assert shop.rows("1") == [(1,)] * 50_001
