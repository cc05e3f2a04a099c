"""accounts/second_factor.py, over HTTP: time steps and recovery codes, each once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from pyotp import TOTP

from accounts.__main__ import main
from accounts.access import Access
from accounts.database import Pool, one_statement
from accounts.passwords import Passwords
from accounts.second_factor import RECOVERY_CODES, STEP_SECONDS
from ledger.commands import Role
from ledger.settings import Settings
from tests.accounts.conftest import KEY, make_app

Person = Callable[..., Awaitable[dict[str, Any]]]
PASSWORD = "correct horse battery"


async def set_factor(client: httpx.AsyncClient, headers: dict[str, str]) -> tuple[TOTP, list[str]]:
    begun = (await client.post("/api/me/second-factor", headers=headers)).json()
    totp = TOTP(begun["secret"])
    assert begun["uri"].startswith("otpauth://totp/Seatledger:")
    assert begun["secret"] in begun["uri"]
    confirmed = await client.post("/api/me/second-factor/confirm", json={"code": totp.now()}, headers=headers)
    return totp, confirmed.json()["recovery_codes"]


def code_after(totp: TOTP, steps: int) -> str:
    """The code of a later time step: each step's is accepted once, and the present one's was."""
    return totp.generate_otp(int(time.time()) // STEP_SECONDS + steps)


async def log_in(client: httpx.AsyncClient, email: str, code: str | None = None, password: str = PASSWORD) -> tuple[int, str]:
    body = {"email": email, "password": password, **({} if code is None else {"code": code})}
    response = await client.post("/api/login", json=body)
    client.cookies.clear()
    return response.status_code, response.json().get("type", "")


async def test_a_log_in_needs_a_code_that_was_not_used(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    email, required = alice["email"], (401, "/problems/second-factor-required")
    wrong = await client.post("/api/me/second-factor/confirm", json={"code": "123456"}, headers=alice["headers"])
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/wrong-code")
    assert await log_in(client, email) == (200, "")
    totp, _ = await set_factor(client, alice["headers"])
    assert (await client.get("/api/me", headers=alice["headers"])).json()["has_second_factor"] is True
    assert await log_in(client, email) == required
    assert await log_in(client, email, code_after(totp, 0)) == required, "it was used to confirm"
    code = code_after(totp, 1)
    assert await log_in(client, email, f"{code[:3]} {code[3:]}") == (200, "")
    assert await log_in(client, email, code) == required
    assert await log_in(client, email, code_after(totp, 5)) == required, "of a later time"
    assert await log_in(client, email, code, "wrong password") == (401, "/problems/wrong-credentials")


async def test_a_new_factor_ends_the_other_sessions(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    other = (await client.post("/api/login", json={"email": alice["email"], "password": PASSWORD})).json()["access_token"]
    client.cookies.clear()
    elsewhere = {"Authorization": f"Bearer {other}"}
    assert (await client.get("/api/me", headers=elsewhere)).status_code == 200
    await set_factor(client, alice["headers"])
    assert (await client.get("/api/me", headers=elsewhere)).status_code == 401
    assert (await client.get("/api/me", headers=alice["headers"])).status_code == 200


@pytest.mark.parametrize(
    "change", [{"email": "new@example.test"}, {"password": "another good passphrase"}], ids=["e-mail", "password"]
)
async def test_a_new_email_or_password_needs_the_factor(
    client: httpx.AsyncClient, person: Person, pool: Pool, change: dict[str, str]
) -> None:
    """In a session whose password was given long ago, as removing the factor does; without one, the old password is enough."""
    alice, bob = await person(name="alice"), await person(name="bob")
    totp, _ = await set_factor(client, alice["headers"])
    async with one_statement(pool, changes=True) as cursor:
        await cursor.execute("UPDATE tokens SET created_at = now() - interval '16 minutes', authenticated_at = NULL")
    body = {**change, "old_password": PASSWORD}
    refused = await client.patch("/api/me", json=body, headers=alice["headers"])
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/reauthentication-required")
    assert (await client.patch("/api/me", json={"name": "Al"}, headers=alice["headers"])).status_code == 200
    assert (await client.patch("/api/me", json={**body, "old_password": "wrong"}, headers=bob["headers"])).status_code == 422
    given = {"password": PASSWORD, "code": code_after(totp, 1)}
    assert (await client.post("/api/me/reauthenticate", json=given, headers=alice["headers"])).status_code == 204
    assert (await client.patch("/api/me", json=body, headers=alice["headers"])).status_code == 200
    other = {"email": "b@example.test"} if "email" in change else change
    changed = await client.patch("/api/me", json={**other, "old_password": PASSWORD}, headers=bob["headers"])
    assert changed.status_code == 200


async def test_one_code_is_one_log_in(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    totp, recovery = await set_factor(client, alice["headers"])
    for code in (code_after(totp, 1), recovery[0]):
        results = await asyncio.gather(*(log_in(client, alice["email"], code) for _ in range(5)))
        assert sorted(status for status, _ in results) == [200, 401, 401, 401, 401], code


async def test_recovery_codes_are_used_once_in_any_spelling(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    _, recovery = await set_factor(client, alice["headers"])
    assert len(set(recovery)) == RECOVERY_CODES
    assert await log_in(client, alice["email"], recovery[0].lower().replace("-", " ")) == (200, "")
    assert (await log_in(client, alice["email"], recovery[0]))[0] == 401
    assert await log_in(client, alice["email"], recovery[1]) == (200, "")


async def test_codes_are_guessed_no_faster_than_passwords(client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    await set_factor(client, alice["headers"])
    assert {(await log_in(client, alice["email"]))[0] for _ in range(15)} == {401}, "asking for the code counts as no attempt"
    statuses = [(await log_in(client, alice["email"], f"{number:06}"))[0] for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2


async def test_a_second_factor_is_removed_by_its_owner_or_the_operator(
    client: httpx.AsyncClient, person: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await person(name="alice")
    await set_factor(client, alice["headers"])
    again = await client.post("/api/me/second-factor", headers=alice["headers"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/second-factor-exists")
    assert (await client.delete("/api/me/second-factor", headers=alice["headers"])).status_code == 204
    assert await log_in(client, alice["email"]) == (200, "")
    await set_factor(client, alice["headers"])
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    assert await asyncio.to_thread(main, ["remove-second-factor", "--email", alice["email"]]) == 0
    assert await log_in(client, alice["email"]) == (200, "")
    assert await asyncio.to_thread(main, ["remove-second-factor", "--email", alice["email"]]) == 1


async def test_the_database_holds_no_secret_in_clear(client: httpx.AsyncClient, person: Person, database_url: str) -> None:
    alice = await person(name="alice")
    totp, recovery = await set_factor(client, alice["headers"])
    with psycopg.connect(database_url) as connection:
        rows = [
            row for table in ("second_factors", "recovery_codes", "account_trail", "account_commands")
            for row in connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
        ]  # fmt: skip
    assert len(rows) > RECOVERY_CODES
    for secret in (totp.secret, totp.secret.encode().hex(), *recovery):
        assert secret not in str(rows)


async def test_an_admin_who_must_have_one_can_only_set_it(
    settings: Settings, pool: Pool, quick_passwords: Passwords, person: Person
) -> None:
    admin, customer = await person(Role.ADMIN), await person()
    strict = Access(replace(settings, require_second_factor="admin"), pool, key=KEY, passwords=quick_passwords)
    async with strict, httpx.AsyncClient(transport=httpx.ASGITransport(make_app(strict)), base_url="http://test") as client:
        for method, path in (("GET", "/api/users"), ("PATCH", "/api/me"), ("GET", "/api/me/sessions"), ("DELETE", "/api/me")):
            response = await client.request(method, path, json={}, headers=admin["headers"])
            assert (response.status_code, response.json()["type"]) == (403, "/problems/second-factor-missing"), path
        assert (await client.get("/api/me", headers=admin["headers"])).status_code == 200
        assert (await client.get("/api/me/sessions", headers=customer["headers"])).status_code == 200
        await set_factor(client, admin["headers"])
        assert (await client.get("/api/users", headers=admin["headers"])).status_code == 200
        await client.delete("/api/me/second-factor", headers=admin["headers"])
        assert (await client.get("/api/users", headers=admin["headers"])).status_code == 403


async def test_a_factor_survives_a_new_key(settings: Settings, pool: Pool, client: httpx.AsyncClient, person: Person) -> None:
    alice = await person(name="alice")
    totp, _ = await set_factor(client, alice["headers"])
    async with Access(settings, pool, key=bytes(32), older_keys=[KEY]) as later:
        assert (await later.accounts.log_in(alice["email"], PASSWORD, code_after(totp, 1))).account.has_second_factor
