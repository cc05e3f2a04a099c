"""accounts/trail.py and its route: who changed which account."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from accounts import errors
from accounts.access import Access
from accounts.database import Pool, one_statement
from accounts.origin import Origin
from accounts.trail import MAX_ACCOUNTS, Trail
from ledger.commands import Role

Person = Callable[..., Awaitable[dict[str, Any]]]
PASSWORD = "correct horse battery"


async def entries(client: httpx.AsyncClient, headers: dict[str, str], **params: Any) -> list[dict[str, Any]]:
    """Oldest first."""
    response = await client.get("/api/audit/accounts", params=params, headers=headers)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items[::-1]


async def test_each_change_has_an_entry_with_its_actor(client: httpx.AsyncClient, access: Access, person: Person) -> None:
    admin, auditor = await person(Role.ADMIN), await person(Role.AUDITOR)
    new = {"name": "Wilhelmine", "email": "wil@example.test", "password": PASSWORD, "role": "customer"}
    made = (await client.post("/api/users", json=new, headers=admin["headers"])).json()
    user = f"/api/users/{made['id']}"
    for change in ({"role": "organizer"}, {"disabled": True}, {"disabled": True}, {"disabled": False, "role": "customer"}):
        assert (await client.patch(user, json=change, headers=admin["headers"])).status_code == 200
    for password in ("wrong password", PASSWORD):
        session = await client.post("/api/login", json={"email": new["email"], "password": password})
        client.cookies.clear()
    own = {"Authorization": f"Bearer {session.json()['access_token']}"}
    change = {"name": "Wil", "email": "wilma@example.test", "password": "another password", "old_password": PASSWORD}
    assert (await client.patch("/api/me", json=change, headers=own)).status_code == 200
    await client.delete("/api/me/sessions", headers=own)
    await access.trail.flush()
    assert (await client.delete(user, headers=admin["headers"])).status_code == 204
    found = await entries(client, auditor["headers"], account_id=made["id"])
    by_admin, by_self = str(admin["id"]), made["id"]
    assert [(one["action"], one["actor_id"], one["role_before"], one["role_after"], one["count"]) for one in found] == [
        ("created", by_admin, None, "customer", None),
        ("role-changed", by_admin, "customer", "organizer", None),
        ("disabled", by_admin, None, None, None),
        ("role-changed", by_admin, "organizer", "customer", None),
        ("enabled", by_admin, None, None, None),
        ("password-changed", by_self, None, None, None),
        ("email-changed", by_self, None, None, None),
        ("sessions-ended", by_self, None, None, None),
        ("log-ins-failed", None, None, None, 1),
        ("erased", by_admin, None, None, None),
    ]
    assert {one["network"] for one in found} == {"127.0.0.0/24"}
    for personal in ("wil", "example.test", 'password":', "127.0.0.1"):
        assert personal not in str(found).lower()


async def test_a_refused_change_has_no_entry(access: Access, client: httpx.AsyncClient, person: Person) -> None:
    admin = await person(Role.ADMIN)
    before = await entries(client, admin["headers"])
    with pytest.raises(errors.LastAdmin):
        await access.accounts.update_user(admin["id"], {"role": Role.CUSTOMER}, uuid4(), Origin(admin["id"]))
    with pytest.raises(errors.AccountNotFound):
        await access.accounts.erase(uuid4(), Origin(admin["id"]))
    command = uuid4()
    for _ in range(2):
        await access.accounts.update_user(admin["id"], {"disabled": False}, command, Origin(admin["id"]))
    assert await entries(client, admin["headers"]) == before


async def test_failed_log_ins_are_one_entry_an_account(
    access: Access, pool: Pool, client: httpx.AsyncClient, person: Person
) -> None:
    alice, auditor = await person(name="alice"), await person(Role.AUDITOR)
    for email in (alice["email"], alice["email"], "nobody@example.test", "none@example.test"):
        with pytest.raises(errors.WrongCredentials):
            await access.accounts.log_in(email, "wrong password")
    await access.trail.flush()
    await access.trail.flush()
    failed = [one for one in await entries(client, auditor["headers"]) if one["action"] == "log-ins-failed"]
    assert {(one["account_id"], one["count"]) for one in failed} == {(str(alice["id"]), 2), (None, 2)}
    assert len(failed) == 2


async def test_failed_log_ins_take_bounded_memory(pool: Pool, client: httpx.AsyncClient, access: Access, person: Person) -> None:
    for _ in range(MAX_ACCOUNTS + 500):
        access.trail.log_in_failed(uuid4(), Origin())
    await access.trail.flush()
    async with one_statement(pool) as cursor:
        await cursor.execute("SELECT count(*), sum(count) FROM account_trail WHERE action = 'log-ins-failed'")
        assert await cursor.fetchone() == (MAX_ACCOUNTS + 1, MAX_ACCOUNTS + 500)


async def test_failed_log_ins_wait_for_the_database(access: Access, pool: Pool) -> None:
    access.trail.log_in_failed(None, Origin())
    async with one_statement(pool, changes=True) as cursor:
        await cursor.execute("ALTER TABLE account_trail RENAME TO away")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await access.trail.flush()
    async with one_statement(pool, changes=True) as cursor:
        await cursor.execute("ALTER TABLE away RENAME TO account_trail")
    await access.trail.flush()
    assert [entry.count for entry in (await access.trail.page(None, None, 9))[0]] == [1]


async def test_pages_contain_each_entry_once(client: httpx.AsyncClient, access: Access, person: Person) -> None:
    admin = await person(Role.ADMIN)
    for number in range(12):
        await person(name=f"n{number}")
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/api/audit/accounts", params={"limit": 5, **cursor}, headers=admin["headers"])).json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 13
    for bad in ("x", "-1", "9" * 30, ""):
        response = await client.get("/api/audit/accounts", params={"cursor": bad}, headers=admin["headers"])
        assert response.status_code == 422, bad


async def test_old_entries_are_deleted(access: Access, pool: Pool, person: Person) -> None:
    await person()
    async with one_statement(pool, changes=True) as cursor:
        await cursor.execute("UPDATE account_trail SET at = now() - interval '31 days'")
    await person(name="later")
    assert await Trail(pool, 0).clean() == 0
    assert await Trail(pool, 32).clean() == 0
    assert await Trail(pool, 30).clean() == 1
    assert len((await access.trail.page(None, None, 9))[0]) == 1
