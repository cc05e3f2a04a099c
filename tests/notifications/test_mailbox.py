"""The demo's mailbox: mails as they would arrive, for this machine alone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from app.main import bootstrap
from ledger.settings import Settings
from ledger.store import sqlalchemy_url
from notifications.mail.facts import Recipient
from notifications.mail.letters import Attachment, Mail
from notifications.mail.mailbox import KEPT, Mailbox

HTML = "<!doctype html><html><head><title>x</title></head><body><a href='https://seats.test/'>Tickets</a></body></html>"


@pytest.fixture
def mailbox(database_url: str) -> Iterator[Mailbox]:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    yield Mailbox(engine, "")
    engine.dispose()


@asynccontextmanager
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = bootstrap(settings)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
async def demo(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with api(replace(settings, demo=True)) as client:
        yield client


def a_mail(subject: str = "Your ticket") -> Mail:
    attachments = (Attachment("tickets 7.pdf", "application/pdf", b"%PDF-"), Attachment("event.ics", "text/calendar", b"BEGIN"))
    return Mail(subject, "See you there 中", HTML, attachments)


async def test_mail_is_shown_as_it_would_arrive(mailbox: Mailbox, demo: httpx.AsyncClient) -> None:
    mailbox.send(id_ := uuid4(), Recipient("Alice", "alice@example.test"), a_mail())
    (item,) = (await demo.get("/api/mailbox")).json()["items"]
    assert (item["id"], item["to"], item["subject"]) == (str(id_), "alice@example.test", "Your ticket")
    mail = (await demo.get(f"/api/mailbox/{id_}")).json()
    assert mail["text"].strip() == "See you there 中"
    assert [(one["name"], one["size"]) for one in mail["attachments"]] == [("tickets 7.pdf", 5), ("event.ics", 5)]


async def test_html_of_a_mail_runs_nothing_and_opens_links_elsewhere(mailbox: Mailbox, demo: httpx.AsyncClient) -> None:
    mailbox.send(id_ := uuid4(), Recipient("Alice", "alice@example.test"), a_mail())
    response = await demo.get(f"/api/mailbox/{id_}/html")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert '<base target="_blank">' in response.text


async def test_attachment_is_downloaded_under_a_plain_name(mailbox: Mailbox, demo: httpx.AsyncClient) -> None:
    mailbox.send(id_ := uuid4(), Recipient("Alice", "alice@example.test"), a_mail())
    response = await demo.get(f"/api/mailbox/{id_}/attachments/0")
    assert (response.content, response.headers["content-type"]) == (b"%PDF-", "application/pdf")
    assert response.headers["content-disposition"] == 'attachment; filename="tickets-7.pdf"'
    assert (await demo.get(f"/api/mailbox/{id_}/attachments/2")).status_code == 404


async def test_same_mail_again_is_one(mailbox: Mailbox, demo: httpx.AsyncClient) -> None:
    id_ = uuid4()
    for subject in ("First", "Second"):
        mailbox.send(id_, Recipient("Alice", "alice@example.test"), a_mail(subject))
    assert [item["subject"] for item in (await demo.get("/api/mailbox")).json()["items"]] == ["Second"]


async def test_only_the_newest_are_kept(mailbox: Mailbox, demo: httpx.AsyncClient, database_url: str) -> None:
    with mailbox._engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO mailbox SELECT gen_random_uuid(), now() - i * interval '1 s', '', 'a@b.test', 's'"
                " FROM generate_series(1, 250) AS i"
            )
        )
    mailbox.send(uuid4(), Recipient("Alice", "alice@example.test"), a_mail())
    with mailbox._engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM mailbox")).scalar_one() == KEPT


ELSEWHERE: list[dict[str, Any]] = [
    {"demo": None},
    {"demo": "public"},
    {"demo": True, "mail_url": "smtp://localhost", "mail_from": "tickets@seats.test"},
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
async def test_other_installations_have_none(elsewhere: dict[str, Any], settings: Settings, mailbox: Mailbox) -> None:
    mailbox.send(id_ := uuid4(), Recipient("Alice", "alice@example.test"), a_mail())
    async with api(replace(settings, **elsewhere)) as client:
        for path in ("", f"/{id_}", f"/{id_}/html", f"/{id_}/attachments/0"):
            response = await client.get(f"/api/mailbox{path}")
            assert (response.status_code, response.json()["type"]) == (404, "/problems/mail-not-found")
        assert (await client.get("/api/about")).json()["has_mailbox"] is False
