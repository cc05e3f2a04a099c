"""What a stranger has set up under an unproven address ends once its owner proves it, or an admin gives it a role."""

import httpx
import pyotp
import pytest
from fastapi import Request

from accounts.access import Access
from accounts.known_devices import DEVICE_COOKIE
from ledger.commands import Role
from tests.accounts.conftest import PASSWORD
from tests.accounts.post import NEW, Person, Post, log_in, refused


async def test_who_typed_in_the_address_of_somebody_else_loses_the_account_to_them(
    client: httpx.AsyncClient, person: Person, post: Post
) -> None:
    """By a sign-in link: password, sessions and second factor of who made the account end. A confirmation needs a session."""
    mallory = await person(name="alice")
    secret = (await client.post("/api/me/second-factor", headers=mallory["headers"])).json()["secret"]
    done = await client.post("/api/me/second-factor/confirm", json={"code": pyotp.TOTP(secret).now()}, headers=mallory["headers"])
    assert done.status_code == 200
    await client.post("/api/me/email/verify", headers=mallory["headers"])
    client.cookies.clear()
    assert await refused(client, "/api/email/confirm", token=post.token("verify-email")) == (401, "not-signed-in")
    await client.post("/api/sign-in-link", json={"email": mallory["email"]})
    session = await client.post("/api/sign-in-link/confirm", json={"token": post.token("sign-in")})
    assert session.status_code == 200
    alice = {"Authorization": f"Bearer {session.json()['access_token']}"}
    client.cookies.clear()
    me = (await client.get("/api/me", headers=alice)).json()
    assert (me["is_email_proven"], me["has_second_factor"]) == (True, False)
    assert (await client.get("/api/me", headers=mallory["headers"])).status_code == 401
    assert await refused(client, "/api/login", email=mallory["email"], password=PASSWORD) == (401, "wrong-credentials")


async def test_new_password_removes_a_second_factor_that_was_set_before_the_address_was_proven(
    client: httpx.AsyncClient, person: Person, post: Post
) -> None:
    mallory = await person(name="alice")
    secret = (await client.post("/api/me/second-factor", headers=mallory["headers"])).json()["secret"]
    await client.post("/api/me/second-factor/confirm", json={"code": pyotp.TOTP(secret).now()}, headers=mallory["headers"])
    client.cookies.clear()
    await client.post("/api/password-reset", json={"email": mallory["email"]})
    body = {"token": post.token("reset-password"), "password": NEW}
    assert (await client.post("/api/password-reset/confirm", json=body)).status_code == 204
    assert (await client.get("/api/me", headers=mallory["headers"])).status_code == 401
    assert (await client.post("/api/login", json={"email": mallory["email"], "password": NEW})).status_code == 200


@pytest.mark.parametrize("sends_mail", [True, False])
async def test_role_under_an_unproven_address_ends_the_access_of_who_signed_up(
    client: httpx.AsyncClient, person: Person, post: Post, *, sends_mail: bool
) -> None:
    """Somebody signs up with a colleague's address, sets a second factor, and waits until an admin gives the account a role."""
    admin, stranger = await person(Role.ADMIN), await person(name="boss")
    begun = (await client.post("/api/me/second-factor", headers=stranger["headers"])).json()
    body = {"code": pyotp.TOTP(begun["secret"]).now()}
    assert (await client.post("/api/me/second-factor/confirm", json=body, headers=stranger["headers"])).status_code == 200
    post.clear()
    if not sends_mail:
        post.execute("DELETE FROM subscriptions")
    path = f"/api/users/{stranger['id']}"
    assert (await client.patch(path, json={"role": "admin"}, headers=admin["headers"])).status_code == 200
    assert (await client.get("/api/users", headers=stranger["headers"])).status_code == (401 if sends_mail else 200)
    assert post.kinds() == (["second-factor-removed", "sign-in", "role-changed"] if sends_mail else [])
    if sends_mail:
        assert await log_in(client, stranger["email"], PASSWORD) == 401
        signed_in = await client.post("/api/sign-in-link/confirm", json={"token": post.token("sign-in")})
        assert signed_in.json()["account"]["role"] == "admin"
        assert signed_in.json()["account"]["has_second_factor"] is False


async def test_role_of_a_proven_account_leaves_its_sessions(client: httpx.AsyncClient, person: Person, post: Post) -> None:
    admin, alice = await person(Role.ADMIN), await person(name="alice")
    post.execute("UPDATE accounts SET email_proven_at = now()")
    path = f"/api/users/{alice['id']}"
    assert (await client.patch(path, json={"role": "organizer"}, headers=admin["headers"])).status_code == 200
    assert (await client.get("/api/me", headers=alice["headers"])).json()["role"] == "organizer"


async def test_browsers_from_before_an_address_was_proven_are_known_no_more(
    client: httpx.AsyncClient, person: Person, post: Post, access: Access
) -> None:
    await person(name="alice")
    stranger = await client.post("/api/login", json={"email": "alice@example.test", "password": PASSWORD})
    cookie = f"{DEVICE_COOKIE}={stranger.cookies[DEVICE_COOKIE]}"
    client.cookies.clear()

    def request(cookie: str) -> Request:
        return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})

    assert await access.known_device(request(cookie), "alice@example.test") is not None
    await client.post("/api/password-reset", json={"email": "alice@example.test"})
    done = await client.post("/api/password-reset/confirm", json={"token": post.token("reset-password"), "password": NEW})
    assert await access.known_device(request(cookie), "alice@example.test") is None
    owner = f"{DEVICE_COOKIE}={done.cookies[DEVICE_COOKIE]}"
    assert await access.known_device(request(owner), "alice@example.test") is not None
