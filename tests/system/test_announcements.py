"""An organizer writes to the attendees of an event: on the running system, whose other API process has mail."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import NullPool, create_engine

from ledger.store import sqlalchemy_url
from notifications import audiences
from tests.running_system import JSON, Person, Stack, tickets

BODY = {"audience": "all", "subject": "Doors open earlier", "text": "At six.\n\nBring a coat."}


@pytest.fixture(scope="module")
def mailing(stack: Stack) -> Iterator[httpx.Client]:
    """An API process of an installation that sends mail. No worker delivers it."""
    with (
        stack.another_api(MAIL_URL="smtp://127.0.0.1:9", MAIL_FROM="tickets@seats.test", PUBLIC_URL="https://seats.test") as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


class Writer:
    """An organizer of an event with two attendees, at the API with mail."""

    def __init__(self, stack: Stack, mailing: httpx.Client) -> None:
        self.stack, self.mailing = stack, mailing
        self.organizer = stack.person("organizer")
        self.event = stack.event(self.organizer)
        self.path = f"/api/events/{self.event['id']}/messages"
        self.attendees = [stack.person(), stack.person()]
        for person in self.attendees:
            person.ok("POST", f"/api/events/{self.event['id']}/bookings", tickets())
        stack.settle()

    def post(self, body: JSON = BODY, query: str = "", key: str | None = None, person: Person | None = None) -> httpx.Response:
        at = Person(self.mailing, token=(person or self.organizer).token)
        return at.do("POST", self.path + query, body, key=key)

    def ok(self, body: JSON = BODY, query: str = "", key: str | None = None) -> Any:
        response = self.post(body, query, key)
        assert response.is_success, response.text
        written = response.json()
        assert response.status_code == (202 if written["preview"] is None else 200)
        return written["preview"] or written["message"]

    def sent(self) -> list[JSON]:
        items: list[JSON] = Person(self.mailing, token=self.organizer.token).ok("GET", self.path)["items"]
        return items

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.stack.settings.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def work(self) -> None:
        engine = create_engine(sqlalchemy_url(self.stack.settings.database_url), poolclass=NullPool)
        audiences.write_messages(engine)


@pytest.fixture
def writer(stack: Stack, mailing: httpx.Client) -> Writer:
    return Writer(stack, mailing)


def problem(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return response.status_code, response.json()["type"].rpartition("/")[2]


def test_preview_sends_nothing_and_shows_all(writer: Writer) -> None:
    shown = writer.ok(query="?preview=true")
    assert (shown["recipients"], shown["subject"], shown["reply_to"]) == (2, "Doors open earlier", None)
    assert "> At six.\n>\n> Bring a coat.\n\nA organizer, organizer of\n\nConcert\n" in shown["text"]
    assert "<bdi>Bring a coat.</bdi>" in shown["html"]
    assert "https://seats.test/unsubscribe/" in shown["text"]
    assert writer.sent() == []


def test_message_is_sent_once_for_a_key(writer: Writer) -> None:
    sent = writer.ok(key=(key := uuid4().hex))
    assert (sent["recipients"], sent["sender"], sent["subject"]) == (None, "A organizer", BODY["subject"])
    assert writer.ok(key=key)["id"] == sent["id"]
    assert problem(writer.post({**BODY, "text": "Other"}, key=key)) == (422, "idempotency-key-reused")
    writer.work()
    (listed,) = writer.sent()
    assert listed["id"] == sent["id"]
    assert [listed[name] for name in ("recipients", "sent", "waiting", "failed", "skipped")] == [2, 0, 2, 0, 0]
    assert writer.ok(key=key)["waiting"] == 2
    told = writer.sql("SELECT recipient_id::text, state FROM outbox WHERE details ->> 'announcement' = %s", sent["id"])
    assert sorted(told) == sorted((person.id, "due") for person in writer.attendees)
    assert problem(writer.post(person=writer.attendees[0])) == (403, "forbidden")


def test_counts_follow_the_messages(writer: Writer) -> None:
    sent = writer.ok()
    writer.work()
    first, second = writer.sql("SELECT id FROM outbox WHERE details ->> 'announcement' = %s", sent["id"])
    writer.sql("UPDATE outbox SET state = 'sent' WHERE id = %s", *first)
    writer.sql("UPDATE outbox SET state = 'failed' WHERE id = %s", *second)
    (listed,) = writer.sent()
    assert [listed[name] for name in ("recipients", "sent", "waiting", "failed", "skipped")] == [2, 1, 0, 1, 0]
    again = Person(writer.mailing, token=writer.organizer.token).do("POST", f"/api/notifications/{first[0]}/resend")
    assert again.status_code == 202, again.text
    assert writer.sent() == [listed], "what is sent again is no further mail"


def test_category_and_check_in_choose_the_audience(writer: Writer) -> None:
    general, vip = writer.event["categories"]
    assert writer.ok({**BODY, "category": vip["id"]}, "?preview=true")["recipients"] == 0
    assert writer.ok({**BODY, "category": "General"}, "?preview=true")["recipients"] == 2
    assert writer.ok({**BODY, "audience": "checked-in"}, "?preview=true")["recipients"] == 0
    assert writer.ok({**BODY, "audience": "not-checked-in", "category": general["id"]})["category"] == "General"
    assert problem(writer.post({**BODY, "category": "Balcony"})) == (422, "malformed")
    assert problem(writer.post({**BODY, "audience": "checked-in"})) == (409, "audience-empty")


def test_a_day_has_five_messages_and_twenty_tests(writer: Writer) -> None:
    for number in range(5):
        writer.ok({**BODY, "subject": f"Number {number}"})
    refused = writer.post()
    assert problem(refused) == (409, "too-many-announcements")
    assert refused.json()["limit"] == 5
    assert refused.json()["next_at"]
    for _ in range(20):
        writer.ok({**BODY, "audience": "myself"})
    assert problem(writer.post({**BODY, "audience": "myself"})) == (409, "too-many-announcements")
    writer.sql("UPDATE announcements SET created_at = created_at - interval '1 day' WHERE event_id = %s", writer.event["id"])
    writer.ok()
    assert len(writer.sent()) == 20


def test_list_has_pages(writer: Writer) -> None:
    subjects = [writer.ok({**BODY, "subject": f"Number {number}"})["subject"] for number in range(3)]
    person = Person(writer.mailing, token=writer.organizer.token)
    first = person.ok("GET", f"{writer.path}?limit=2")
    second = person.ok("GET", f"{writer.path}?limit=2&cursor={first['next_cursor']}")
    assert [one["subject"] for one in first["items"] + second["items"]] == subjects[::-1]
    assert second["next_cursor"] is None


def test_answers_need_a_proven_address(writer: Writer) -> None:
    body = {**BODY, "has_reply_to": True}
    writer.sql("UPDATE accounts SET email_proven_at = NULL WHERE id = %s", writer.organizer.id)
    assert problem(writer.post(body)) == (403, "account-unverified")
    writer.sql("UPDATE accounts SET email_proven_at = now() WHERE id = %s", writer.organizer.id)
    assert writer.ok(body, "?preview=true")["reply_to"] == writer.organizer.email
    assert writer.ok(body)["has_reply_to"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "a" * 151}, {"subject": "a\nBcc: b@c.test"}, {"subject": " "}, {"text": ""}, {"text": "a" * 10_001},
        {"text": "a\x00"}, {"audience": "everybody"}, {"has_reply_to": "yes"}, {"subject": "a\u202eb"}, {"text": "a\u2066b"},
        {"category": ""},
    ],
)  # fmt: skip
def test_bounds_hold(wrong: JSON, writer: Writer) -> None:
    assert problem(writer.post({**BODY, **wrong})) == (422, "malformed")
    assert problem(writer.post({**BODY, **wrong}, "?preview=true")) == (422, "malformed")
    assert writer.sent() == []


def test_only_the_organizer_and_admins_write(stack: Stack, writer: Writer) -> None:
    stranger = stack.person("organizer")
    assert problem(writer.post(person=stranger)) == (403, "not-your-event")
    assert problem(stranger.do("GET", writer.path)) == (403, "not-your-event")
    assert problem(Person(writer.mailing, token=stack.admin.token).do("GET", f"/api/events/{uuid4()}/messages")) == (
        404,
        "event-not-found",
    )
    assert writer.post(person=stack.admin).status_code == 202
    assert writer.sent()[0]["sender"] == stack.admin.ok("GET", "/api/me")["name"]


def test_without_mail_nothing_is_written(writer: Writer) -> None:
    assert problem(writer.organizer.do("POST", writer.path, BODY)) == (409, "mail-off")
    assert problem(writer.organizer.do("POST", f"{writer.path}?preview=true", BODY)) == (409, "mail-off")
    assert writer.organizer.ok("GET", writer.path) == {"items": [], "next_cursor": None}
