"""What is due is delivered to a real SMTP server, at least once, in order, under the same id; what the server says is obeyed."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.commands import Actor, Role
from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.ticket_codes import TicketCodes
from notifications import delivery
from notifications.delivery import GIVES_UP, PAUSES, deliver
from notifications.mail.facts import Facts, Recipient
from notifications.mail.letters import Mail
from notifications.mail.message import Refused
from notifications.mail.smtp import ServerUnavailable, Smtp
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking

SENDER = "Seatledger <tickets@seats.test>"


class Office:
    """Follows and delivers."""

    def __init__(self, shop: Shop, server: MailServer, keys: Path) -> None:
        self.shop, self.outcomes = shop, list[str]()
        self.transport = Smtp(server.url, SENDER)
        self.facts = Facts("https://seats.test", TicketCodes(Keyring.open(keys, "tickets")), MailTokens(Keyring.open(keys, "mail")))

    def deliver(self, **more: int) -> int:
        self.shop.follow()
        return deliver(self.shop.engine, self.facts, self.transport, per_second=1_000, count=self.outcomes.append, **more)

    def deliver_all(self) -> None:
        while self.deliver():
            pass

    def pass_time(self, pause: timedelta) -> None:
        with self.shop.engine.begin() as connection:
            connection.execute(
                text("UPDATE outbox SET due_at = due_at - :pause, created_at = created_at - :pause"), {"pause": pause}
            )

    def state(self) -> list[tuple[object, ...]]:
        return self.shop.rows("state, tries, error")


@pytest.fixture
def office(shop: Shop, mail_server: MailServer, tmp_path: Path) -> Iterator[Office]:
    office = Office(shop, mail_server, tmp_path / "keys")
    yield office
    office.transport.close()


def test_mail_names_its_message(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking(quantity=2))
    office.deliver_all()
    [(id_,)] = office.shop.rows("id")
    (mail,) = mail_server.mails()
    assert (mail["to"], mail["header_to"]) == ("alice@example.test", "Alice <alice@example.test>")
    assert (mail["from"], mail["id"]) == (SENDER, f"<{id_}@seats.test>")
    assert office.state() == [("sent", 1, None)]


def test_messages_about_one_event_arrive_in_order(office: Office, mail_server: MailServer) -> None:
    """Also where the first of them has to wait; those to others do not wait for it."""
    office.shop.add_account(later := uuid4(), "later@example.test", "Later")
    booking = s.booked(Actor(later, Role.CUSTOMER), s.general(2), booking=uuid4())
    cancelled = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=booking.command)
    office.shop.append(booking, cancelled, a_booking())
    office.deliver_all()
    assert [mail["to"] for mail in mail_server.mails()] == ["alice@example.test"]
    assert office.state()[:2] == [("due", 1, "451 Try again later"), ("due", 0, None)]
    office.pass_time(PAUSES[0])
    office.deliver_all()
    assert [mail["to"] for mail in mail_server.mails()][1:] == ["later@example.test"] * 2
    ids = [f"<{id_}@seats.test>" for (id_,) in office.shop.rows("id")]
    assert [mail["id"] for mail in mail_server.mails()][1:] == ids[:2]


@pytest.mark.parametrize(("is_paid", "refund"), [(True, "To be refunded: 50.00 EUR"), (False, "There is nothing to refund.")])
def test_mail_about_cancelled_tickets_says_what_is_owed(
    office: Office, mail_server: MailServer, is_paid: bool, refund: str
) -> None:
    """Of a booking that is paid at the box office, or not yet."""
    booking = s.payable(a_booking(quantity=2))
    about: dict[str, Any] = {"booking": booking.command}
    cancelled = s.less_to_pay(s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, **about), 5_000)
    paid = [s.received(10_000, **about)] if is_paid else []
    owed = [s.owed(5_000, cancelled.command, **about)] if is_paid else []
    office.shop.append(booking, *paid, cancelled, *owed)
    office.deliver_all()
    confirmation, about_cancellation = (mail["text"] for mail in mail_server.mails())
    assert ("Due at the box office: 50.00 EUR" in confirmation) == (not is_paid)
    assert refund in about_cancellation


def test_mail_that_is_refused_is_not_sent_again(office: Office, mail_server: MailServer) -> None:
    office.shop.add_account(nobody := uuid4(), "refused@example.test")
    office.shop.append(s.booked(Actor(nobody, Role.CUSTOMER), s.general(1), booking=uuid4()), a_booking())
    office.deliver_all()
    assert office.state() == [("failed", 1, "550 <…> is unknown here"), ("sent", 1, None)]
    assert sorted(office.outcomes) == ["failed", "sent"]


def test_connection_that_is_cut_is_replaced(office: Office, mail_server: MailServer) -> None:
    office.shop.add_account(dropped := uuid4(), "dropped@example.test")
    office.shop.append(s.booked(Actor(dropped, Role.CUSTOMER), s.general(1), booking=uuid4()), a_booking())
    office.deliver_all()
    assert [row[0] for row in office.state()] == ["due", "sent"]
    office.pass_time(PAUSES[0])
    office.deliver_all()
    assert [row[0] for row in office.state()] == ["sent", "sent"]


def test_server_that_is_away_costs_no_try(shop: Shop, mail_server: MailServer, tmp_path: Path) -> None:
    away = MailServer(tmp_path / "later")
    office = Office(shop, away, tmp_path / "keys")
    shop.append(a_booking(), a_booking(s.BOB))
    for _ in range(3):
        with pytest.raises(ServerUnavailable, match="can't be reached"):
            office.deliver()
        office.pass_time(delivery.SERVER_PAUSE)
    assert [row[:2] for row in office.state()] == [("due", 0), ("due", 0)]
    with away.running():
        office.deliver_all()
        office.transport.close()
        assert len(away.mails()) == 2


def test_sender_that_is_refused_costs_no_mail(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking())
    office.transport = Smtp(mail_server.url, "unwanted@seats.test")
    with pytest.raises(ServerUnavailable, match="MAIL_FROM is refused: 553"):
        office.deliver()
    assert [row[:2] for row in office.state()] == [("due", 0)]
    office.transport = Smtp(mail_server.url, SENDER)
    office.pass_time(delivery.SERVER_PAUSE)
    office.deliver_all()
    assert [row[:2] for row in office.state()] == [("sent", 1)]


def test_mail_that_is_too_large_holds_up_no_other(office: Office, mail_server: MailServer) -> None:
    office.transport = Smtp(mail_server.url, "small@seats.test")
    office.shop.append(s.capacity_changed(1, 1_000))
    office.shop.append(a_booking(s.ALICE, 150))
    office.shop.append(a_booking(s.BOB))
    office.deliver_all()
    assert sorted(row[:2] for row in office.state()) == [("failed", 1), ("sent", 1)]
    assert [mail["to"] for mail in mail_server.mails()] == ["bob@example.test"]


def test_message_is_given_up_in_the_end(shop: Shop, tmp_path: Path) -> None:
    office = Office(shop, MailServer(tmp_path / "never"), tmp_path / "keys")
    shop.append(a_booking())
    with pytest.raises(ServerUnavailable):
        office.deliver()
    office.pass_time(GIVES_UP)
    with pytest.raises(ServerUnavailable):
        office.deliver()
    ((state, _, error),) = office.state()
    assert state == "failed"
    assert "can't be reached" in str(error)


def test_erased_person_gets_none(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking())
    office.shop.follow()
    office.shop.erase(s.ALICE.id)
    office.deliver_all()
    assert office.state() == [("skipped", 1, "The recipient was erased.")]
    assert mail_server.mails() == []


def test_stranger_can_not_flood_an_address(office: Office, mail_server: MailServer) -> None:
    """Nor anybody else's mails: what is too much for one waits, and is no try."""
    crowd, others = delivery.UNPROVEN_MAILS_AN_HOUR + 15, 5
    unproven = uuid4()
    office.shop.add_account(unproven, "victim@example.test")
    with office.shop.engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET email_proven_at = NULL WHERE id = :id"), {"id": unproven})
    office.shop.append(*(a_booking(Actor(unproven, Role.CUSTOMER)) for _ in range(crowd)), *(a_booking() for _ in range(others)))
    office.deliver_all()
    to = Counter(mail["to"] for mail in mail_server.mails())
    assert to.pop("victim@example.test") == delivery.UNPROVEN_MAILS_AN_HOUR
    assert to.total() == others
    waiting = [row for row in office.shop.rows("state, tries, error, due_at > now()") if row[0] == "due"]
    assert waiting == [("due", 0, "The address has got many mails within an hour: this one waits.", True)] * 15
    with office.shop.engine.begin() as connection:
        connection.execute(text("UPDATE mail_counts SET hour = hour - interval '1 hour'"))
    office.pass_time(delivery.CROWDED_PAUSE)
    office.deliver_all()
    assert len(mail_server.mails()) == others + 2 * delivery.UNPROVEN_MAILS_AN_HOUR


def test_one_address_is_counted_over_all_who_have_it(office: Office, mail_server: MailServer) -> None:
    guests = [uuid4() for _ in range(delivery.UNPROVEN_MAILS_AN_HOUR + 5)]
    with office.shop.engine.begin() as connection:
        for id_ in guests:
            connection.execute(
                text(
                    "INSERT INTO accounts (id, name, contact_email, contact_of, role)"
                    " VALUES (:id, 'V', 'v@example.test', :id, 'customer')"
                ),
                {"id": id_},
            )
    office.shop.append(*(a_booking(Actor(id_, Role.CUSTOMER)) for id_ in guests))
    office.deliver_all()
    assert len(mail_server.mails()) == delivery.UNPROVEN_MAILS_AN_HOUR


@pytest.mark.parametrize("name", ["You won! See https://evil.test/prize", "evil.test", "me@evil.test", "www.evil.test now"])
def test_link_in_a_name_greets_nobody(office: Office, mail_server: MailServer, name: str) -> None:
    office.shop.add_account(eve := uuid4(), "eve@example.test", name)
    office.shop.append(a_booking(Actor(eve, Role.CUSTOMER)))
    office.deliver_all()
    (mail,) = mail_server.mails()
    assert mail["text"].startswith("Hello,")
    assert "evil" not in mail["text"]


def test_booking_that_is_gone_is_not_confirmed(office: Office, mail_server: MailServer) -> None:
    booked = a_booking()
    office.shop.append(booked, s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=True, booking=booked.command))
    office.deliver_all()
    assert [mail["subject"] for mail in mail_server.mails()] == ["Booking cancelled: Concert"]
    assert [row[0] for row in office.state()] == ["skipped", "sent"]


def test_what_a_killed_process_took_is_delivered_later(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking())
    office.shop.follow()
    with office.shop.engine.begin() as connection:
        assert len(delivery._take(connection, 10)) == 1  # and dies
    assert office.deliver() == 0
    office.pass_time(delivery.LEASE)
    office.deliver_all()
    assert office.state() == [("sent", 2, None)]


def test_mails_leave_at_a_bounded_rate(office: Office) -> None:
    people = [uuid4() for _ in range(5)]
    for number, person in enumerate(people):
        office.shop.add_account(person, f"{number}@example.test")
    office.shop.append(*(a_booking(Actor(person, Role.CUSTOMER)) for person in people))
    office.shop.follow()
    sent = list[float]()

    class Clocked:
        def send(self, id_: UUID, recipient: Recipient, mail: Mail) -> None:
            sent.append(time.monotonic())

    began = time.monotonic()
    assert deliver(office.shop.engine, office.facts, Clocked(), per_second=20) == 5
    assert sent[-1] - began >= 0.19


def test_settled_rows_are_deleted_after_their_time(office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking())
    office.deliver_all()
    delivery.clean(office.shop.engine)
    assert len(office.state()) == 1
    with office.shop.engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET settled_at = settled_at - :kept"), {"kept": delivery.KEPT})
    delivery.clean(office.shop.engine)
    assert office.state() == []


@pytest.mark.parametrize("address", ["no-address", "two@at@example.test", "a\nb@example.test", "@example.test"])
def test_address_that_is_none_is_refused(address: str, mail_server: MailServer) -> None:
    transport = Smtp(mail_server.url, SENDER)
    with pytest.raises(Refused):
        transport.send(uuid4(), Recipient("Somebody", address), Mail("Subject", "text", "<p>text</p>"))
    transport.close()
    assert mail_server.mails() == []


def test_line_breaks_begin_no_header(mail_server: MailServer) -> None:
    transport = Smtp(mail_server.url, SENDER)
    recipient = Recipient('Eve"\r\nBcc: all@example.test', "eve@example.test")
    transport.send(uuid4(), recipient, Mail("Hello\r\nBcc: all@example.test", "text", "<p>text</p>"))
    transport.close()
    (mail,) = mail_server.mails()
    assert mail["subject"] == "Hello Bcc: all@example.test"
    assert mail["to"] == "eve@example.test"


def test_names_and_addresses_in_any_script_arrive(mail_server: MailServer) -> None:
    transport = Smtp(mail_server.url, SENDER)
    transport.send(uuid4(), Recipient("Ærøskøbing, Žofie", "žofie@example.test"), Mail("Überraschung 中", "中", "<p>中</p>"))
    transport.close()
    (mail,) = mail_server.mails()
    assert (mail["to"], mail["subject"], mail["text"].strip()) == ("žofie@example.test", "Überraschung 中", "中")
