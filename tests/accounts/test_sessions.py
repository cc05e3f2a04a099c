"""accounts/session_routes.py, accounts/sessions.py: what the owner of an account sees of its sessions, and fresh log-ins."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pyotp import TOTP

from accounts.access import Access
from accounts.account_rows import NewAccount
from accounts.database import Pool, one_statement
from accounts.errors import NotSignedIn
from accounts.origin import OPERATOR, describe_client, network_of
from accounts.sessions import FRESH_MINUTES
from accounts.tokens import hash_of
from ledger.commands import Role

Person = Callable[..., Awaitable[dict[str, Any]]]
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def log_in(client: httpx.AsyncClient, email: str, user_agent: str = FIREFOX) -> dict[str, str]:
    headers = {"User-Agent": user_agent}
    response = await client.post("/api/login", json={"email": email, "password": PASSWORD}, headers=headers)
    client.cookies.clear()
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def age(pool: Pool, minutes: int) -> None:
    async with one_statement(pool, changes=True) as cursor:
        await cursor.execute(
            "UPDATE tokens SET created_at = now() - make_interval(mins => %s), authenticated_at = NULL", (minutes,)
        )


async def test_an_account_lists_and_ends_its_sessions(client: httpx.AsyncClient, person: Person) -> None:
    alice, bob = await person(name="alice"), await person(name="bob")
    here, there = await log_in(client, alice["email"]), await log_in(client, alice["email"], "curl/8.5.0")
    sessions = (await client.get("/api/me/sessions", headers=here)).json()["items"]
    assert [(one["client"], one["is_current"]) for one in sessions] == [
        ("curl", False), ("Firefox on Linux", True), (None, False),
    ]  # fmt: skip
    assert sessions[0]["network"] == "127.0.0.0/24"
    for secret in (here, there):
        token = secret["Authorization"].removeprefix("Bearer ")
        assert token not in str(sessions)
        assert hash_of(token).hex() not in str(sessions)
    other = f"/api/me/sessions/{sessions[0]['id']}"
    assert (await client.delete(other, headers=bob["headers"])).status_code == 404
    assert (await client.delete(other, headers=here)).status_code == 204
    assert (await client.get("/api/me", headers=there)).status_code == 401
    assert (await client.delete(other, headers=here)).status_code == 404
    assert (await client.delete("/api/me/sessions", headers=here)).status_code == 204
    assert (await client.get("/api/me", headers=alice["headers"])).status_code == 401
    assert [one["is_current"] for one in (await client.get("/api/me/sessions", headers=here)).json()["items"]] == [True]
    assert (await client.get("/api/me", headers=bob["headers"])).status_code == 200


async def test_a_log_in_ends_the_session_that_the_browser_had(client: httpx.AsyncClient, person: Person) -> None:
    """Of the same account or of another; a wrong password ends none."""
    alice, bob = await person(name="alice"), await person(name="bob")

    async def in_browser(who: dict[str, Any], password: str = PASSWORD) -> dict[str, str]:
        from_page = {"X-CSRF-Token": client.cookies.get("seatledger_csrf") or ""}
        response = await client.post("/api/login", json={"email": who["email"], "password": password}, headers=from_page)
        return {"Authorization": f"Bearer {response.json().get('access_token')}"}

    async def status(headers: dict[str, str]) -> int:
        return (await client.get("/api/me", headers=headers)).status_code

    first = await in_browser(alice)
    assert await status(first) == 200
    await in_browser(alice, "a wrong password")
    assert await status(first) == 200
    second = await in_browser(bob)
    assert (await status(first), await status(second)) == (401, 200)
    third = await in_browser(bob)
    assert (await status(second), await status(third)) == (401, 200)
    assert await status(bob["headers"]) == 200, "elsewhere it goes on"
    await client.post("/api/login", json={"email": alice["email"], "password": PASSWORD})
    assert await status(third) == 200, "a program keeps the tokens of all its people"
    client.cookies.clear()
    await in_browser(alice)
    assert await status(third) == 200, "another browser's"


@pytest.mark.parametrize("change", [{"email": "new@example.test"}, {"password": "another password"}], ids=["e-mail", "password"])
async def test_a_new_email_or_password_ends_other_sessions(
    client: httpx.AsyncClient, person: Person, change: dict[str, str]
) -> None:
    alice = await person(name="alice")
    here = await log_in(client, alice["email"])
    assert (await client.patch("/api/me", json={"name": "Al"}, headers=here)).status_code == 200
    assert (await client.get("/api/me", headers=alice["headers"])).status_code == 200
    assert (await client.patch("/api/me", json={**change, "old_password": PASSWORD}, headers=here)).status_code == 200
    assert (await client.get("/api/me", headers=here)).status_code == 200
    assert (await client.get("/api/me", headers=alice["headers"])).status_code == 401


async def test_the_use_of_a_session_is_stored_seldom(access: Access, client: httpx.AsyncClient, person: Person, pool: Pool) -> None:
    alice = await person(name="alice")

    async def seen() -> tuple[Any, ...]:
        async with one_statement(pool) as cursor:
            await cursor.execute("SELECT last_seen_at, xmin FROM tokens")
            return await cursor.fetchone() or ()

    await client.get("/api/me", headers=alice["headers"])
    await access.tokens.note_seen()
    assert (await seen())[0] is None, "it was made within the last minutes"
    await age(pool, 6)
    await access.tokens.note_seen()
    assert (await seen())[0] is None, "it was not used since"
    await client.get("/api/me", headers=alice["headers"])
    await access.tokens.note_seen()
    first = await seen()
    assert first[0] is not None
    await client.get("/api/me", headers=alice["headers"])
    await access.tokens.note_seen()
    assert await seen() == first, "no second write within five minutes"


async def test_what_changes_rights_needs_a_fresh_log_in(
    client: httpx.AsyncClient, access: Access, person: Person, pool: Pool
) -> None:
    admin, customer = await person(Role.ADMIN), await person()
    new = {"name": "N", "email": "n@example.test", "password": PASSWORD, "role": "customer"}
    asked: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/api/users", new), ("PATCH", f"/api/users/{customer['id']}", {"role": "organizer"}),
        ("POST", "/api/me/second-factor", None), ("POST", "/api/me/second-factor/confirm", {"code": "123456"}),
        ("DELETE", "/api/me/second-factor", None), ("DELETE", f"/api/users/{customer['id']}", None), ("DELETE", "/api/me", None),
    ]  # fmt: skip
    await age(pool, FRESH_MINUTES + 1)
    for method, path, body in asked:
        response = await client.request(method, path, json=body, headers=admin["headers"])
        assert (response.status_code, response.json()["type"]) == (403, "/problems/reauthentication-required"), path
    assert (await client.get("/api/users", headers=admin["headers"])).status_code == 200
    wrong = await client.post("/api/me/reauthenticate", json={"password": "wrong password"}, headers=admin["headers"])
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "password")
    assert (await client.post("/api/users", json=new, headers=admin["headers"])).status_code == 403
    right = await client.post("/api/me/reauthenticate", json={"password": PASSWORD}, headers=admin["headers"])
    assert right.status_code == 204
    assert (await client.post("/api/users", json=new, headers=admin["headers"])).status_code == 201
    other = await log_in(client, customer["email"])
    assert (await client.delete("/api/me", headers=customer["headers"])).status_code == 403, "not by another session's log-in"
    assert (await client.delete("/api/me", headers=other)).status_code == 204


async def test_passwords_are_not_guessed_by_reauthentication(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    codes = [
        (await client.post("/api/me/reauthenticate", json={"password": "wrong"}, headers=alice["headers"])).status_code
        for _ in range(12)
    ]
    assert codes == [422] * 10 + [429] * 2
    other = await log_in(client, alice["email"])
    assert (await client.post("/api/me/reauthenticate", json={"password": PASSWORD}, headers=other)).status_code == 204


@pytest.mark.parametrize(
    ("user_agent", "client"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1", "Safari on iOS"),
        ("python-httpx/0.28", "python-httpx"), ("", None), ("<script>", None), ("\x00", None), ("a" * 9_000, "a" * 30),
    ],
)  # fmt: skip
def test_clients_are_named_without_versions(user_agent: str, client: str | None) -> None:
    assert describe_client(user_agent) == client


def test_networks_are_coarse() -> None:
    assert network_of("203.0.113.77") == network_of("::ffff:203.0.113.5") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2::1") == "2001:db8:1::/48"
    assert network_of("unknown") is None


async def test_sessions_of_somebody_else_stay(access: Access, person: Person) -> None:
    alice = await person(name="alice")
    new = NewAccount(name="b", email="b@example.test", password=PASSWORD)
    bob = await access.accounts.create_user(new, uuid4())
    session = await access.accounts.log_in(new.email, PASSWORD)
    await access.accounts.update_user(bob.id, {"disabled": True}, uuid4())
    assert await access.tokens.find(hash_of(session.token)) is None
    assert await access.tokens.find(hash_of(alice["token"])) is not None


async def test_session_that_another_process_ended_changes_nothing_of_weight(
    processes: Callable[[], Awaitable[Access]], pool: Pool
) -> None:
    """Reads go on for up to 2 s. What would outlast the session does not."""
    access = await processes()
    new = NewAccount(name="alice", email="alice@example.test", password=PASSWORD)
    account = await access.accounts.create_user(new, uuid4())
    thief, owner = [(await access.accounts.log_in(new.email, PASSWORD)).token for _ in range(2)]
    begun = await access.second_factors.begin(account.id, new.email)
    async with one_statement(pool, changes=True) as cursor:  # in another process: this one does not know
        await cursor.execute("UPDATE tokens SET revoked_at = now() WHERE token_hash = %s", (hash_of(thief),))
    code = TOTP(begun.secret).now()
    with pytest.raises(NotSignedIn):
        await access.sessions.check_fresh(hash_of(thief))
    with pytest.raises(NotSignedIn):
        await access.second_factors.confirm(account.id, code, OPERATOR, keep_token=hash_of(thief))
    with pytest.raises(NotSignedIn):
        await access.accounts.erase(account.id, OPERATOR, token_hash=hash_of(thief))
    assert not (await access.accounts.get(account.id)).has_second_factor
    await access.sessions.check_fresh(hash_of(owner))
    assert await access.second_factors.confirm(account.id, code, OPERATOR, keep_token=hash_of(owner))
