"""The link that ends mail from organizers: by a button, by a mail server's POST, and back again in the account."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from notifications.manage_urls import ManageUrls
from notifications.unsubscribe_urls import UnsubscribeUrls
from tests.running_system import PASSWORD, Person, Stack

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(stack: Stack) -> Callable[[str], str]:
    urls = UnsubscribeUrls("", MailTokens(Keyring.open(stack.settings.keys, "mail")))
    return lambda id_: urls.make(UUID(id_))


def sql(stack: Stack, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def wants(person: Person) -> bool:
    return bool(person.ok("GET", "/api/me")["wants_organizer_mail"])


def test_looking_changes_nothing(stack: Stack, link: Callable[[str], str]) -> None:
    person = stack.person()
    page = stack.http.get(link(person.id))
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<button style="font: inherit; padding: .6rem 1.2rem">Unsubscribe</button>' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert wants(person)


@pytest.mark.parametrize("sent", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}, {}])
def test_one_post_unsubscribes(sent: dict[str, Any], stack: Stack, link: Callable[[str], str]) -> None:
    """RFC 8058: as a form of either kind, without cookies; twice is once."""
    person = stack.person()
    for _ in range(2):
        done = stack.http.post(link(person.id), **sent)
        assert done.status_code == 200
        assert "You are unsubscribed" in done.text
    assert not wants(person)
    assert stack.http.post(f"{link(person.id)}/undo").status_code == 200
    assert wants(person)


def test_account_has_the_choice(stack: Stack) -> None:
    person = stack.person()
    assert person.ok("PATCH", "/api/me", {"wants_organizer_mail": False})["wants_organizer_mail"] is False
    assert not wants(person)
    assert person.ok("PATCH", "/api/me", {"name": "New Name"})["wants_organizer_mail"] is False
    assert person.ok("PATCH", "/api/me", {"wants_organizer_mail": True})["wants_organizer_mail"] is True
    assert wants(person)
    assert person.do("PATCH", "/api/me", {"wants_organizer_mail": "no"}).status_code == 422


def test_choice_by_a_contact_s_mail_is_shown_and_undone_in_the_account(stack: Stack, link: Callable[[str], str]) -> None:
    """Both have the same address; who has proved it decides for it."""
    person, organizer = stack.person(), stack.person("organizer")
    body = {"tickets": [{"category": "General", "quantity": 1}], "customer": {"name": "Wanda", "email": person.email}}
    sold = organizer.ok("POST", f"/api/events/{stack.event(organizer)['id']}/bookings", body)
    stack.http.post(link(sold["customer_id"]), data=ONE_CLICK)
    assert not wants(person)
    sql(stack, "UPDATE accounts SET email_proven_at = now() WHERE id = %s", person.id)
    person.ok("PATCH", "/api/me", {"wants_organizer_mail": True})
    assert wants(person)


def test_erased_person_leaves_nothing(stack: Stack, link: Callable[[str], str]) -> None:
    person = stack.person()
    stack.http.post(link(person.id), data=ONE_CLICK)
    sql(stack, "INSERT INTO mail_bounces (account_id, reply) VALUES (%s, '550 5.1.1')", person.id)
    person.ok("DELETE", "/api/me")
    assert stack.http.post(link(person.id), data=ONE_CLICK).status_code == 200, "the link does not tell who exists"
    for table in ("mail_opt_outs", "mail_bounces"):
        assert sql(stack, f"SELECT FROM {table} WHERE account_id = %s", person.id) == []


@pytest.mark.parametrize("wrong", ["A" * 50, "x", "A" * 200, "%3Cscript%3E", "A" * 49])
def test_other_tokens_are_refused(wrong: str, stack: Stack) -> None:
    for response in (
        stack.http.get(f"/unsubscribe/{wrong}"),
        stack.http.post(f"/unsubscribe/{wrong}", data=ONE_CLICK),
        stack.http.post(f"/unsubscribe/{wrong}/undo"),
    ):
        assert (response.status_code, "No such link" in response.text) == (422, True)
    assert stack.http.get(f"/unsubscribe/{'A' * 201}").status_code == 422


def test_link_of_another_purpose_is_none(stack: Stack) -> None:
    token = ManageUrls("", MailTokens(Keyring.open(stack.settings.keys, "mail"))).make(uuid4()).partition("#")[2]
    assert stack.http.post(f"/unsubscribe/{token}").status_code == 422


def test_log_in_shows_that_mails_come_back(stack: Stack) -> None:
    person = stack.person()
    sql(stack, "INSERT INTO mail_bounces (account_id, reply) VALUES (%s, '550 5.1.1')", person.id)
    assert person.ok("GET", "/api/me")["is_email_bouncing"] is True
    new = {"email": f"{uuid4().hex[:12]}@example.test", "old_password": PASSWORD}
    assert person.ok("PATCH", "/api/me", new)["is_email_bouncing"] is False
    assert sql(stack, "SELECT FROM mail_bounces WHERE account_id = %s", person.id) == []


def test_post_needs_no_cookie_and_heeds_none(stack: Stack, link: Callable[[str], str]) -> None:
    person, other = stack.person(), stack.person()
    headers = {"Cookie": f"seatledger_session={other.token}", "Origin": "https://mail.test"}
    assert httpx.post(stack.url + link(person.id), data=ONE_CLICK, headers=headers).status_code == 200
    assert not wants(person)
    assert wants(other)
