"""Mails to customers without an account carry the link to manage the booking; mails to others, the booking's page."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from ledger import entries as e
from ledger.commands import Actor
from ledger.keys import Keyring
from ledger.mail_tokens import Issued, MailTokens
from ledger.outbox import MAIL, Message, message_id
from ledger.outbox import insert as insert_messages
from ledger.ticket_codes import TicketCodes
from notifications.delivery import deliver
from notifications.mail.facts import Facts
from notifications.mail.smtp import Smtp
from notifications.manage_urls import ManageUrls
from notifications.messages import LINK_RENEWED
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking

LINK = re.compile(r"https://seats\.test/manage#([A-Za-z0-9_-]{50})\s")


class Office:
    def __init__(self, shop: Shop, server: MailServer, keys: Path) -> None:
        self.shop, self._server, self._transport = shop, server, Smtp(server.url, "tickets@seats.test")
        tokens = MailTokens(Keyring.open(keys, "mail"))
        self.urls = ManageUrls("https://seats.test", tokens)
        self._facts = Facts("https://seats.test", TicketCodes(Keyring.open(keys, "tickets")), tokens)

    def deliver(self) -> list[dict[str, str]]:
        """The mails that it sends."""
        before = len(self._server.mails())
        self.shop.follow()
        while deliver(self.shop.engine, self._facts, self._transport, per_second=1_000):
            pass
        return self._server.mails()[before:]

    def close(self) -> None:
        self._transport.close()

    def revoke(self, booking_id: UUID, issue: int) -> None:
        with self.shop.engine.begin() as connection:
            sql = text("INSERT INTO manage_links (booking_id, issue) VALUES (:booking_id, :issue)")
            connection.execute(sql, {"booking_id": booking_id, "issue": issue})


@pytest.fixture
def office(shop: Shop, mail_server: MailServer, tmp_path: Path) -> Iterator[Office]:
    office = Office(shop, mail_server, tmp_path / "keys")
    yield office
    office.close()


def links(office: Office, mail: dict[str, str]) -> list[Issued]:
    return [office.urls.read(token) for token in LINK.findall(mail["text"])]


@pytest.mark.parametrize("last", [s.details_changed(venue="Elsewhere"), s.event_cancelled("Rain")])
def test_contact_s_mails_carry_a_link(office: Office, last: e.Entry) -> None:
    contact = office.shop.add_contact("wanda@example.test")
    booking = a_booking(contact, 2)
    cancelled = s.cancelled(0, lines=(e.CancelledLine(1, 1, 5_000),), whole=False, booking=booking.command)
    office.shop.append(booking)
    mails = office.deliver()
    office.shop.append(cancelled, last)
    mails += office.deliver()
    assert [mail["to"] for mail in mails] == ["wanda@example.test"] * 3
    assert [links(office, mail) for mail in mails] == [[(booking.command, 0)]] * 3


def test_account_s_mails_carry_the_booking_s_page(office: Office) -> None:
    office.shop.append(booking := a_booking(s.ALICE))
    (mail,) = office.deliver()
    assert links(office, mail) == []
    assert f"https://seats.test/bookings/{booking.command}" in mail["text"]


def test_mails_carry_the_newest_link(office: Office) -> None:
    booking = a_booking(office.shop.add_contact("wanda@example.test"))
    office.revoke(booking.command, 3)
    office.shop.append(booking)
    (mail,) = office.deliver()
    assert links(office, mail) == [(booking.command, 3)]


def test_claimed_booking_s_mails_go_to_the_account(office: Office) -> None:
    """Also where the account has another address by now, which alone is its owner's."""
    contact = office.shop.add_contact("before@example.test")
    office.shop.claim(contact, s.ALICE)
    office.shop.append(booking := a_booking(contact))
    (mail,) = office.deliver()
    assert (mail["to"], mail["header_to"]) == ("alice@example.test", "Alice <alice@example.test>")
    assert links(office, mail) == []
    assert f"https://seats.test/bookings/{booking.command}" in mail["text"]


def test_new_link_is_mailed(office: Office) -> None:
    contact = office.shop.add_contact("wanda@example.test")
    office.shop.append(booking := a_booking(contact))
    office.deliver()
    office.revoke(booking.command, 1)
    request(office, contact, booking.command)
    (mail,) = office.deliver()
    assert mail["subject"] == "New link to your booking: Concert"
    assert links(office, mail) == [(booking.command, 1)]


def request(office: Office, contact: Actor, booking_id: UUID) -> None:
    assert contact.id is not None
    message = Message(
        id=message_id(b"asked for", LINK_RENEWED, contact.id), channel=MAIL, kind=LINK_RENEWED, recipient_id=contact.id,
        event_id=s.EVENT, booking_id=booking_id,
    )  # fmt: skip
    with office.shop.engine.begin() as connection:
        insert_messages(connection, [message])
