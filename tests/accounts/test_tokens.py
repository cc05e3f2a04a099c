"""accounts/tokens.py: a revocation takes effect in every process in time, whatever the database does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from accounts import tokens
from accounts.access import Access
from accounts.database import Pool, transaction
from accounts.tokens import AccessCache, Principal, _Principals, hash_of
from ledger.commands import Role
from ledger.errors import Busy

Processes = Callable[[], Awaitable[Access]]
Person = Callable[..., Awaitable[dict[str, Any]]]


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float) -> float:
    """The seconds that it took."""
    began = time.monotonic()
    while not await condition():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def count_look_ups(cache: AccessCache, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets the number of tokens of each statement."""
    batches: list[int] = []
    select = cache._select

    async def counting(token_hashes: list[bytes]) -> dict[bytes, Principal]:
        batches.append(len(token_hashes))
        return await select(token_hashes)

    monkeypatch.setattr(cache, "_select", counting)
    return batches


async def test_a_principal_contains_no_personal_data(access: Access, person: Person) -> None:
    alice = await person(Role.ORGANIZER)
    principal = await access.tokens.find(hash_of(alice["token"]))
    assert principal is not None
    assert (principal.id, principal.role) == (alice["id"], Role.ORGANIZER)
    assert principal.actor.id == alice["id"]
    assert await access.tokens.find(hash_of("x" * 43)) is None


async def test_only_the_hash_of_a_token_is_stored(person: Person, database_url: str) -> None:
    alice = await person()
    with psycopg.connect(database_url) as connection:
        (stored,) = connection.execute("SELECT string_agg(t::text, '') FROM tokens t").fetchone() or ("",)
    assert hash_of(alice["token"]).hex() in stored
    assert alice["token"] not in stored
    assert alice["token"].encode().hex() not in stored


async def test_cached_tokens_cost_no_statement(access: Access, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token_hash = hash_of((await person())["token"])
    await access.tokens.poll()
    batches = count_look_ups(access.tokens, monkeypatch)
    for _ in range(100):
        assert await access.tokens.find(token_hash) is not None
    assert batches == [1]


async def test_concurrent_misses_share_a_statement(access: Access, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token_hash = hash_of((await person())["token"])
    await access.tokens.poll()
    batches = count_look_ups(access.tokens, monkeypatch)
    wanted = [token_hash, *(hash_of(str(number)) for number in range(200))] * 3
    principals = await asyncio.gather(*map(access.tokens.find, wanted))
    assert [principal is not None for principal in principals] == ([True] + [False] * 200) * 3
    assert len(batches) <= 2
    assert sum(batches) <= 202


@pytest.mark.parametrize("how", ["log out", "disable", "erase", "new password"])
async def test_a_revocation_takes_effect_in_every_process(processes: Processes, person: Person, access: Access, how: str) -> None:
    other, alice = await processes(), await person()
    await person(Role.ADMIN)
    token_hash = hash_of(alice["token"])
    for process in (access, other):
        await process.tokens.poll()
        assert await process.tokens.find(token_hash) is not None
    ways: dict[str, Callable[[], Awaitable[Any]]] = {
        "log out": lambda: access.accounts.log_out(token_hash),
        "disable": lambda: access.accounts.update_user(alice["id"], {"disabled": True}, uuid4()),
        "erase": lambda: access.accounts.erase(alice["id"]),
        "new password": lambda: access.accounts.set_password(alice["email"], "another password"),
    }
    await ways[how]()
    assert await access.tokens.find(token_hash) is None

    async def dead() -> bool:
        return await other.tokens.find(token_hash) is None

    await wait_until(dead, seconds=2)


async def test_a_new_role_takes_effect_in_every_process(processes: Processes, person: Person, access: Access) -> None:
    other, alice = await processes(), await person()
    await other.tokens.poll()
    await other.tokens.find(hash_of(alice["token"]))
    await access.accounts.update_user(alice["id"], {"role": Role.AUDITOR}, uuid4())

    async def promoted() -> bool:
        principal = await other.tokens.find(hash_of(alice["token"]))
        assert principal is not None, "the session goes on"
        return principal.role == Role.AUDITOR

    await wait_until(promoted, seconds=2)


async def test_a_cache_that_cannot_poll_is_not_used(access: Access, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    token_hash = hash_of((await person())["token"])
    await access.tokens.poll()
    batches = count_look_ups(access.tokens, monkeypatch)

    async def broken() -> None:
        raise RuntimeError("the poll fails, in a way that nobody thought of")

    with monkeypatch.context() as patch:
        patch.setattr(access.tokens, "poll", broken)
        await asyncio.sleep(tokens.TRUST_SECONDS + 0.1)
        del batches[:]
        for _ in range(3):
            assert await access.tokens.find(token_hash) is not None
        assert batches == [1, 1, 1]
        assert len(access.tokens._known) <= 1

    async def believed_again() -> bool:
        before = len(batches)
        await access.tokens.find(token_hash)
        return len(batches) == before

    await wait_until(believed_again, seconds=2)


async def test_a_revocation_between_distant_polls_is_not_missed(pool: Pool, access: Access, person: Person) -> None:
    """As after a process was suspended for longer than the window."""
    token_hash = hash_of((await person())["token"])
    cache = AccessCache(pool)
    await cache.poll()
    assert await cache.find(token_hash) is not None
    async with transaction(pool) as cursor:
        await cursor.execute("UPDATE tokens SET revoked_at = now() - interval '20 s'")
    cache._trusted_until = time.monotonic() - 20
    await cache.poll()
    assert await cache.find(token_hash) is None


async def test_a_database_clock_that_steps_empties_the_cache(pool: Pool, access: Access, person: Person) -> None:
    token_hash = hash_of((await person())["token"])
    cache = AccessCache(pool)
    await cache.poll()
    assert await cache.find(token_hash) is not None
    assert cache._clock_offset is not None
    cache._clock_offset -= 3600
    await cache.poll()
    assert len(cache._known) == 0


async def test_tokens_are_busy_in_time_without_a_database(access: Access, person: Person, pool: Pool) -> None:
    token_hash = hash_of((await person())["token"])
    await pool.close()
    await asyncio.sleep(tokens.TRUST_SECONDS + 0.1)
    began = time.monotonic()
    with pytest.raises(Busy):
        await access.tokens.find(token_hash)
    assert time.monotonic() - began < 3


async def test_a_silent_database_is_disconnected(pool: Pool) -> None:
    began = time.monotonic()
    with pytest.raises(Busy):
        async with transaction(pool, seconds=0.5) as cursor:
            await cursor.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - began < 10
    async with transaction(pool) as cursor:
        await cursor.execute("SELECT 1")


async def test_a_full_pool_is_busy_and_loses_no_connection(database_url: str) -> None:
    async with AsyncConnectionPool(database_url, kwargs={"autocommit": True}, min_size=2, max_size=2, open=False) as pool:
        async with transaction(pool), transaction(pool):
            with pytest.raises(Busy):
                async with transaction(pool, seconds=0.2):
                    pass
        for _ in range(3):
            async with transaction(pool, seconds=0.5), transaction(pool, seconds=0.5):
                pass


async def test_an_expired_token_is_never_accepted(access: Access, person: Person, pool: Pool) -> None:
    token_hash = hash_of((await person())["token"])
    async with transaction(pool) as cursor:
        await cursor.execute("UPDATE tokens SET expires_at = now() + interval '1 s'")
    await access.tokens.poll()
    assert await access.tokens.find(token_hash) is not None
    await asyncio.sleep(1.1)
    assert await access.tokens.find(token_hash) is None


async def test_invalid_tokens_are_deleted_after_a_day(access: Access, person: Person, pool: Pool) -> None:
    alice = await person()
    async with transaction(pool) as cursor:
        await cursor.executemany(
            "INSERT INTO tokens (token_hash, account_id, expires_at, revoked_at)"
            " VALUES (%s, %s, now() - make_interval(hours => %s), now() - make_interval(hours => %s))",
            [(b"expired", alice["id"], 25, None), (b"revoked", alice["id"], -1, 25), (b"lately", alice["id"], 1, 1)],
        )
    assert await access.tokens.clean() == 2
    async with transaction(pool) as cursor:
        await cursor.execute("SELECT token_hash FROM tokens")
        assert {row[0] for row in await cursor.fetchall()} == {b"lately", hash_of(alice["token"])}


async def test_an_account_is_bounded_in_sessions(access: Access, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 3)
    alice = await person()
    sessions = [await access.accounts.log_in(alice["email"], "correct horse battery") for _ in range(3)]
    assert await access.tokens.find(hash_of(alice["token"])) is None
    assert await access.tokens.find(hash_of(sessions[0].token)) is not None


def test_the_cache_and_its_index_are_bounded() -> None:
    cache = _Principals(100)
    for number in range(1000):
        key = number.to_bytes(32, "big")
        cache[key] = Principal(UUID(int=number % 7), Role.CUSTOMER, key, 0.0)
    assert len(cache) == sum(map(len, cache._hashes.values())) == 100
    for key in list(cache.hashes_of(UUID(int=3))):
        del cache[key]
    assert list(cache.hashes_of(UUID(int=3))) == []
    assert len(cache) == sum(map(len, cache._hashes.values()))
