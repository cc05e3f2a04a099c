"""accounts/mailed_links.py over HTTP, with the mails that a worker makes of the outbox."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pyotp
import pytest

from accounts.access import Access
from accounts.known_devices import DEVICE_COOKIE
from accounts.rate_limiters import MAILS_TO_EMAIL
from ledger.commands import Role
from ledger.mail_tokens import PURPOSES
from ledger.outbox import NOTICES
from notifications.mail.account_words import LINKS
from notifications.mail.account_words import NOTICES as NOTICE_WORDS
from notifications.mail.facts import NobodyToTell
from notifications.mail.letters import NoticeLetter
from tests.accounts.conftest import MAIL_TOKENS, PASSWORD
from tests.accounts.post import NEW, Person, Post, log_in, refused

PATHS = {
    "reset-password": "/api/password-reset/confirm", "sign-in": "/api/sign-in-link/confirm", "verify-email": "/api/email/confirm",
}  # fmt: skip


async def test_forgotten_password_is_set_anew(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    alice = await person(name="alice")
    post.clear()
    assert (await client.post("/api/password-reset", json={"email": "ALICE@example.test "})).status_code == 202
    assert post.last("reset-password").recipient[:3] == ("alice", "alice@example.test", False)
    token = post.token("reset-password")
    done = await client.post("/api/password-reset/confirm", json={"token": token, "password": NEW})
    assert done.status_code == 204
    assert DEVICE_COOKIE in done.cookies
    client.cookies.clear()
    assert (await client.get("/api/me", headers=alice["headers"])).status_code == 401
    assert await log_in(client, alice["email"], PASSWORD) == 401
    assert await log_in(client, alice["email"], NEW) == 200
    assert (await client.get("/api/me")).json()["is_email_proven"] is True
    assert post.kinds() == ["reset-password", "password-changed"]
    assert await refused(client, "/api/password-reset/confirm", token=token, password=NEW) == (410, "token-used")


async def test_weak_password_leaves_the_link_as_it_was(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    await person(name="alice")
    await client.post("/api/password-reset", json={"email": "alice@example.test"})
    token = post.token("reset-password")
    assert await refused(client, "/api/password-reset/confirm", token=token, password="password1") == (422, "weak-password")
    assert (await client.post("/api/password-reset/confirm", json={"token": token, "password": NEW})).status_code == 204


async def test_of_two_requests_with_one_link_one_comes_through(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    await person(name="alice")
    await client.post("/api/password-reset", json={"email": "alice@example.test"})
    token = post.token("reset-password")
    bodies = [{"token": token, "password": f"{NEW} {number}"} for number in range(6)]
    answers = await asyncio.gather(*(client.post("/api/password-reset/confirm", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410, 410, 410]
    (winner,) = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 204]
    assert await log_in(client, "alice@example.test", winner["password"]) == 200


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_links_die(client: httpx.AsyncClient, person: Person, access: Access, post: Post, purpose: str) -> None:
    """In time, by a new password, a new address, a disabled account and an erased one; each as if it had expired."""
    more: dict[str, Any] = {"password": NEW} if purpose == "reset-password" else {}
    if purpose == "verify-email":  # which needs a session
        more["headers"] = (await person(name="bob"))["headers"]
    for number, end in enumerate(("time", "password", "email", "disabled", "erased")):
        alice = await person(name=f"alice-{number}")
        await access.mailed_links.ask(purpose, alice["id"])
        token = post.token(purpose)
        match end:
            case "time":
                post.execute("UPDATE mailed_tokens SET expires_at = now() - interval '1 second'")
            case "password" | "email":
                value = NEW if end == "password" else f"new-{number}@example.test"
                body = {end: value, "old_password": PASSWORD}
                assert (await client.patch("/api/me", json=body, headers=alice["headers"])).status_code == 200
            case "disabled":
                await access.accounts.update_user(alice["id"], {"disabled": True}, uuid4())
            case "erased":
                await access.accounts.erase(alice["id"])
        assert await refused(client, PATHS[purpose], token=token, **more) == (410, "token-expired"), end


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_tokens_that_are_none(client: httpx.AsyncClient, person: Person, post: Post, access: Access, purpose: str) -> None:
    alice, path = await person(name="alice"), PATHS[purpose]
    more: dict[str, Any] = {"headers": alice["headers"]} | ({"password": NEW} if purpose == "reset-password" else {})
    for each in PURPOSES:
        await access.mailed_links.ask(each, alice["id"])
    others = [post.token(other) for other in PURPOSES if other != purpose]
    token = post.token(purpose)
    for wrong in (*others, token[:-1], token[:-1] + "_", "A" * 50, MAIL_TOKENS.token("", alice["id"])):
        assert await refused(client, path, token=wrong, **more) == (422, "token-unknown")
    unknown = MAIL_TOKENS.token(purpose, uuid4())
    assert await refused(client, path, token=unknown, **more) == (410, "token-expired")


async def test_link_signs_in_once_and_asks_for_the_second_factor(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    alice = await person(name="alice")
    secret = (await client.post("/api/me/second-factor", headers=alice["headers"])).json()["secret"]
    totp = pyotp.TOTP(secret)
    await client.post("/api/me/second-factor/confirm", json={"code": totp.now()}, headers=alice["headers"])
    post.execute("UPDATE second_factors SET last_step = 0")
    post.execute("UPDATE accounts SET email_proven_at = now()")
    await client.post("/api/sign-in-link", json={"email": alice["email"]})
    token = post.token("sign-in")
    assert await refused(client, "/api/sign-in-link/confirm", token=token) == (401, "second-factor-required")
    assert await refused(client, "/api/sign-in-link/confirm", token=token, code="000000x") == (401, "second-factor-required")
    session = await client.post("/api/sign-in-link/confirm", json={"token": token, "code": totp.now()})
    assert session.json()["account"]["email"] == alice["email"]
    assert (await client.get("/api/me")).json()["is_email_proven"] is True
    assert await refused(client, "/api/sign-in-link/confirm", token=token, code=totp.now()) == (410, "token-used")


async def test_address_is_proven_and_a_new_one_is_not(client: httpx.AsyncClient, post: Post) -> None:
    await client.post("/api/signup", json={"name": "Alice", "email": "alice@example.test", "password": PASSWORD})
    await log_in(client, "alice@example.test", PASSWORD)
    client.headers["X-CSRF-Token"] = client.cookies["seatledger_csrf"]
    assert post.kinds() == ["verify-email"]
    assert (await client.get("/api/me")).json()["is_email_proven"] is False
    first = post.token("verify-email")
    assert (await client.post("/api/me/email/verify")).status_code == 202
    assert (await client.post("/api/email/confirm", json={"token": post.token("verify-email")})).status_code == 204
    assert (await client.get("/api/me")).json()["is_email_proven"] is True
    post.execute(
        "INSERT INTO mail_bounces (account_id, reply) SELECT id, '550 5.1.1' FROM accounts WHERE email = 'alice@example.test'"
    )
    assert (await client.get("/api/me")).json()["is_email_bouncing"] is True
    assert (await client.post("/api/email/confirm", json={"token": first})).status_code == 204  # a double click changes nothing
    assert (await client.get("/api/me")).json()["is_email_bouncing"] is False  # a mail has arrived
    post.clear()
    changed = await client.patch("/api/me", json={"email": "alice@elsewhere.test", "old_password": PASSWORD})
    assert changed.json()["is_email_proven"] is False
    assert post.kinds() == ["verify-email", "email-changed"]
    assert post.last("verify-email").recipient.address == "alice@elsewhere.test"
    assert post.last("email-changed").recipient.address == "alice@example.test"


async def test_former_address_is_told_for_some_days_and_forgotten_with_its_owner(
    client: httpx.AsyncClient, person: Person, post: Post, access: Access
) -> None:
    alice = await person(name="alice")
    body = {"email": "alice@elsewhere.test", "old_password": PASSWORD}
    await client.patch("/api/me", json=body, headers=alice["headers"])
    await access.mailed_links.clean()
    assert post.last("email-changed").recipient.address == "alice@example.test"
    post.execute("UPDATE former_addresses SET replaced_at = now() - interval '8 days'")
    await access.mailed_links.clean()
    with pytest.raises(NobodyToTell):
        post.last("email-changed")
    await client.patch("/api/me", json={**body, "email": "alice@third.test"}, headers=alice["headers"])
    await access.accounts.erase(alice["id"])
    assert post.execute("SELECT * FROM former_addresses") == []
    assert post.execute("SELECT * FROM mailed_tokens") == []


async def test_owner_is_told_of_what_a_thief_might_do(
    client: httpx.AsyncClient, person: Person, post: Post, access: Access
) -> None:
    alice, root = await person(name="alice"), await person(Role.ADMIN)
    post.execute("UPDATE accounts SET email_proven_at = now()")
    post.clear()
    headers = {**alice["headers"], "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}
    await client.patch("/api/me", json={"password": NEW, "old_password": PASSWORD}, headers=headers)
    told = post.last("password-changed")
    assert told.recipient.address == alice["email"]
    assert isinstance(told.letter, NoticeLetter)
    assert (told.letter.client, told.letter.network) == ("Firefox on Linux", "127.0.0.0/24")
    await client.patch(f"/api/users/{alice['id']}", json={"role": "organizer"}, headers=root["headers"])
    letter = post.last("role-changed").letter
    assert isinstance(letter, NoticeLetter)
    assert letter.role == "organizer"
    await client.patch("/api/me", json={"name": "Alicia", "phone": "1"}, headers=alice["headers"])
    assert post.kinds() == ["password-changed", "role-changed"]
    await access.accounts.set_password(alice["email"], PASSWORD)
    assert post.kinds() == ["password-changed", "role-changed", "password-changed"]


def test_each_mail_about_an_account_has_words() -> None:
    assert LINKS.keys() == set(PURPOSES)
    assert NOTICE_WORDS.keys() == NOTICES


async def test_nobody_is_mailed_before_mail_was_on(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    post.execute("DELETE FROM subscriptions")
    alice = await person(name="alice")
    await client.patch("/api/me", json={"password": NEW, "old_password": PASSWORD}, headers=alice["headers"])
    assert post.kinds() == []


async def test_admin_sends_a_link_and_learns_no_password(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    alice, root = await person(name="alice"), await person(Role.ADMIN)
    path = f"/api/users/{alice['id']}/reset-password"
    assert (await client.post(path, headers=alice["headers"])).status_code == 403
    sent = await client.post(path, headers=root["headers"])
    assert (sent.status_code, sent.content) == (202, b"")
    assert (
        await client.post("/api/password-reset/confirm", json={"token": post.token("reset-password"), "password": NEW})
    ).is_success
    unknown = await client.post(f"/api/users/{uuid4()}/reset-password", headers=root["headers"])
    assert unknown.status_code == 404


async def test_mails_to_one_address_are_limited_whether_or_not_there_is_an_account(
    client: httpx.AsyncClient, person: Person
) -> None:
    await person(name="alice")
    for email in ("alice@example.test", "nobody@example.test"):
        paths = ("/api/password-reset", "/api/sign-in-link")
        statuses = [
            (await client.post(paths[number % 2], json={"email": email})).status_code for number in range(MAILS_TO_EMAIL + 1)
        ]
        assert statuses == [*[202] * MAILS_TO_EMAIL, 429]


async def test_unknown_address_leaves_as_many_rows(
    client: httpx.AsyncClient, person: Person, post: Post, database_url: str
) -> None:
    await person(name="alice")
    written = []
    for email in ("alice@example.test", "nobody@example.test"):
        with psycopg.connect(database_url) as connection:
            connection.execute("TRUNCATE outbox, mailed_tokens")
        answer = await client.post("/api/password-reset", json={"email": email})
        counts = [post.execute(f"SELECT count(*) FROM {table}")[0][0] for table in ("outbox", "mailed_tokens")]
        written.append((answer.status_code, answer.content, counts))
    assert written[0] == written[1] == (202, b"", [1, 1])
    assert post.kinds() == []  # nobody gets the second one


async def test_links_to_confirm_new_addresses_are_counted(client: httpx.AsyncClient, person: Person) -> None:
    mallory = await person(name="mallory")
    statuses = []
    for turn in range(2 * MAILS_TO_EMAIL + 2):
        email = "victim@example.test" if turn % 2 == 0 else f"mallory{turn}@example.test"
        changed = await client.patch("/api/me", json={"email": email, "old_password": PASSWORD}, headers=mallory["headers"])
        statuses.append(changed.status_code)
    assert statuses == [200] * 2 * MAILS_TO_EMAIL + [429, 200]


async def test_signing_up_again_and_again_mails_no_more_links_than_asking(client: httpx.AsyncClient, post: Post) -> None:
    body = {"name": "Alice", "email": "alice@example.test", "password": PASSWORD}
    for _ in range(MAILS_TO_EMAIL + 3):
        assert (await client.post("/api/signup", json=body)).status_code == 201
        assert (await client.post("/api/signup", json=body)).status_code == 409, "a refused one counts nothing"
        login = (await client.post("/api/login", json={"email": body["email"], "password": PASSWORD})).json()
        client.cookies.clear()
        erased = await client.delete("/api/me", headers={"Authorization": f"Bearer {login['access_token']}"})
        assert erased.status_code == 204, erased.text
    sent = post.execute("SELECT count(*) FROM outbox WHERE kind = 'verify-email'")
    assert sent == [(MAILS_TO_EMAIL,)]
