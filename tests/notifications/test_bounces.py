"""Where a server says that there is no such address, only mails about the account go on being tried, until it works again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from ledger import outbox
from ledger.commands import Actor, Role
from ledger.mail_choices import FORGET_BOUNCES
from ledger.outbox import MAIL, Message
from notifications.delivery import BOUNCING, PAUSES
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop, a_booking
from tests.notifications.test_delivery import Office


@pytest.fixture
def office(shop: Shop, mail_server: MailServer, tmp_path: Path) -> Iterator[Office]:
    office = Office(shop, mail_server, tmp_path / "keys")
    yield office
    office.transport.close()


def somebody(shop: Shop, email: str) -> Actor:
    shop.add_account(id_ := uuid4(), email)
    return Actor(id_, Role.CUSTOMER)


def sql(shop: Shop, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(shop.url) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def notify(shop: Shop, id_: UUID | None) -> None:
    assert id_ is not None
    details = {"at": "2026-11-23T12:00:00+00:00"}
    with shop.engine.begin() as connection:
        outbox.insert(connection, [Message(id=uuid4(), channel=MAIL, kind="password-changed", recipient_id=id_, details=details)])


def test_address_that_does_not_exist_gets_no_more(office: Office) -> None:
    gone = somebody(office.shop, "gone@example.test")
    office.shop.append(a_booking(gone))
    office.deliver_all()
    assert office.state() == [("failed", 1, "550 5.1.1 <…> does not exist")]
    assert sql(office.shop, "SELECT account_id, reply FROM mail_bounces") == [(gone.id, "550 5.1.1 <…> does not exist")]
    office.shop.append(a_booking(gone), s.details_changed(venue="Elsewhere"))
    office.deliver_all()
    assert set(office.state()[1:]) == {("failed", 1, BOUNCING)}, "not even tried"


def test_notices_about_the_account_are_still_tried(office: Office) -> None:
    gone = somebody(office.shop, "gone@example.test")
    office.shop.append(a_booking(gone))
    office.deliver_all()
    notify(office.shop, gone.id)
    office.deliver_all()
    assert office.state()[-1] == ("failed", 1, "550 5.1.1 <…> does not exist")


def test_others_with_the_address_are_not_tried_either(office: Office) -> None:
    """A guest has a new contact for each booking."""
    office.shop.append(a_booking(somebody(office.shop, "gone@example.test")))
    office.deliver_all()
    contact = office.shop.add_contact("gone@example.test")
    office.shop.append(a_booking(contact))
    office.deliver_all()
    assert office.state()[-1] == ("failed", 1, BOUNCING)


@pytest.mark.parametrize(
    ("email", "state"),
    [("policy@example.test", "failed"), ("refused@example.test", "failed"), ("full@example.test", "due")],
)
def test_other_refusals_say_nothing_about_the_address(email: str, state: str, office: Office, mail_server: MailServer) -> None:
    office.shop.append(a_booking(somebody(office.shop, email)))
    office.deliver_all()
    assert [row[0] for row in office.state()] == [state]
    assert sql(office.shop, "SELECT FROM mail_bounces") == []
    office.pass_time(PAUSES[0])
    office.deliver_all()
    assert sql(office.shop, "SELECT FROM mail_bounces") == []


def test_changed_address_gets_mail(office: Office, mail_server: MailServer) -> None:
    """That it was the account's before does not matter; that another has it does."""
    gone = somebody(office.shop, "gone@example.test")
    office.shop.append(a_booking(gone))
    office.deliver_all()
    sql(office.shop, "DELETE FROM mail_bounces")
    sql(office.shop, "UPDATE accounts SET email = 'new@example.test' WHERE id = %s", gone.id)
    office.shop.append(a_booking(gone))
    office.deliver_all()
    assert mail_server.mails()[-1]["to"] == "new@example.test"


def test_bounce_of_a_former_address_is_not_the_new_one_s(office: Office, mail_server: MailServer) -> None:
    gone = somebody(office.shop, "gone@example.test")
    office.shop.append(a_booking(gone))
    office.shop.follow()
    with psycopg.connect(office.shop.url) as connection:
        connection.execute("UPDATE accounts SET email = 'new@example.test' WHERE id = %s", (gone.id,))
    office.deliver_all()
    assert sql(office.shop, "SELECT FROM mail_bounces") == []
    assert mail_server.mails()[-1]["to"] == "new@example.test"


def test_proven_address_works_again_for_all(office: Office) -> None:
    gone = somebody(office.shop, "gone@example.test")
    contact = office.shop.add_contact("gone@example.test")
    office.shop.append(a_booking(contact))
    office.deliver_all()
    assert sql(office.shop, "SELECT account_id FROM mail_bounces") == [(contact.id,)]
    sql(office.shop, FORGET_BOUNCES, gone.id)
    office.shop.append(a_booking(gone))
    office.deliver_all()
    assert office.state()[-1][2] != BOUNCING, "it is tried"
