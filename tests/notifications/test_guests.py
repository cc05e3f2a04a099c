"""Mail to people without an account: codes, to an address alone, and confirmations, to a contact."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from accounts.contact_codes import ContactCodes
from accounts.errors import WrongMailedCode
from accounts.guest_contacts import GuestContacts
from ledger.commands import Actor, Role
from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.ticket_codes import TicketCodes
from notifications.delivery import deliver
from notifications.mail.facts import Facts
from notifications.mail.smtp import Smtp
from tests.ledger import scenario as s
from tests.notifications.conftest import MailServer, Shop

EMAIL, BROWSER = "gus@example.test", bytes(range(32))


class Post:
    """What a worker does for mail."""

    def __init__(self, shop: Shop, server: MailServer, tokens: MailTokens, keys: Path) -> None:
        self._shop, self._server = shop, server
        self.transport = Smtp(server.url, "tickets@seats.test")
        self._facts = Facts("https://seats.test", TicketCodes(Keyring.open(keys, "tickets")), tokens)

    def mails(self) -> list[dict[str, str]]:
        """All that have arrived, once what is due was delivered."""
        self._shop.follow()
        while deliver(self._shop.engine, self._facts, self.transport, per_second=1_000, count=lambda _: None):
            pass
        return self._server.mails()


@pytest.fixture
def tokens(tmp_path: Path) -> MailTokens:
    return MailTokens(Keyring.open(tmp_path / "keys", "mail"))


@pytest.fixture
def post(shop: Shop, mail_server: MailServer, tokens: MailTokens, tmp_path: Path) -> Iterator[Post]:
    post = Post(shop, mail_server, tokens, tmp_path / "keys")
    yield post
    post.transport.close()


@pytest.fixture
async def pool(shop: Shop) -> AsyncIterator[AsyncConnectionPool]:
    async with AsyncConnectionPool(shop.url, kwargs={"autocommit": True}, min_size=1, open=False) as pool:
        yield pool


@pytest.fixture
def codes(pool: AsyncConnectionPool, tokens: MailTokens) -> ContactCodes:
    return ContactCodes(pool, tokens, bytes(32))


def _code_in(text: str) -> str:
    (code,) = (line.strip() for line in text.splitlines() if line.strip().isdigit())
    return code


async def test_the_code_that_arrives_proves_the_address(post: Post, codes: ContactCodes) -> None:
    await codes.ask(EMAIL, BROWSER)
    (mail,) = post.mails()
    assert (mail["to"], mail["subject"]) == (EMAIL, "Your code to book tickets")
    proof = (await codes.confirm(EMAIL, _code_in(mail["text"]), BROWSER)).proof
    assert codes.is_proven(EMAIL, proof, BROWSER)
    assert not codes.is_proven("other@example.test", proof, BROWSER)
    assert not codes.is_proven(EMAIL, proof, bytes(32))


async def test_only_the_newest_code_is_sent_and_valid(post: Post, codes: ContactCodes, shop: Shop) -> None:
    await codes.ask(EMAIL, BROWSER)
    (first,) = post.mails()
    await codes.ask(EMAIL, BROWSER)
    await codes.ask(EMAIL, BROWSER)
    _, newest = post.mails()
    assert shop.rows("state") == [("sent",), ("skipped",), ("sent",)]
    with pytest.raises(WrongMailedCode):
        await codes.confirm(EMAIL, _code_in(first["text"]), BROWSER)
    await codes.confirm(EMAIL, _code_in(newest["text"]), BROWSER)


async def test_a_used_or_late_code_is_not_sent(post: Post, codes: ContactCodes, tokens: MailTokens, shop: Shop) -> None:
    await codes.ask(EMAIL, BROWSER)
    with psycopg.connect(shop.url) as connection:
        connection.execute("UPDATE contact_codes SET expires_at = now()")
    assert post.mails() == []
    assert shop.rows("state") == [("skipped",)]


async def test_neither_outbox_nor_codes_hold_a_code(post: Post, codes: ContactCodes, shop: Shop) -> None:
    await codes.ask(EMAIL, BROWSER)
    code = _code_in(post.mails()[0]["text"])
    with psycopg.connect(shop.url) as connection:
        for table in ("outbox", "contact_codes"):
            rows = connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t").fetchall()
            assert rows
            assert all(f'"{code}"' not in text for (text,) in rows)
        (outbox,) = connection.execute("SELECT to_jsonb(t)::text FROM outbox t").fetchall()
    assert EMAIL not in outbox[0]


async def test_void_codes_are_deleted_and_their_addresses_with_them(codes: ContactCodes, shop: Shop) -> None:
    await codes.ask(EMAIL, BROWSER)
    await codes.clean()
    with psycopg.connect(shop.url, autocommit=True) as connection:
        count = "SELECT count(*) FROM contact_codes"
        assert connection.execute(count).fetchone() == (1,)
        connection.execute("UPDATE contact_codes SET expires_at = now() - interval '2 hours'")
        await codes.clean()
        assert connection.execute(count).fetchone() == (0,)


async def test_a_guest_gets_the_tickets(post: Post, pool: AsyncConnectionPool, shop: Shop) -> None:
    contact = await GuestContacts(pool).create(s.ORGANIZER.id or uuid4(), "Gus", EMAIL)
    shop.append(s.booked(Actor(contact, Role.CUSTOMER), s.general(2), booking=uuid4()))
    (mail,) = post.mails()
    assert (mail["to"], mail["header_to"]) == (EMAIL, f"Gus <{EMAIL}>")
    assert "2 tickets" in mail["subject"]
