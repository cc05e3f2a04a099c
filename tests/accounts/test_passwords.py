"""accounts/passwords.py"""

import asyncio
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from accounts.passwords import HASHER, MAX_WAITING, THREADS, Passwords
from ledger.errors import Busy


@pytest.fixture
def passwords(quick_passwords: Passwords) -> Iterator[Passwords]:
    yield quick_passwords
    quick_passwords.close()


async def test_a_hash_matches_its_own_password_only(passwords: Passwords) -> None:
    password_hash = await passwords.hash("a password")
    assert password_hash.startswith("$argon2id$")
    assert await passwords.verify(password_hash, "a password")
    assert not await passwords.verify(password_hash, "b password")
    assert not await passwords.verify("nonsense", "a password")


async def test_passwords_are_normalized(passwords: Passwords) -> None:
    assert await passwords.verify(await passwords.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


async def test_verifying_costs_the_same_without_a_hash() -> None:
    """The same work with the same parameters, with and without a hash."""
    hasher = Mock(wraps=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    hasher.verify.side_effect = VerifyMismatchError
    passwords = Passwords(hasher)
    assert not await passwords.verify(None, "a password")
    assert not await passwords.verify(await passwords.hash("another"), "a password")
    hashes = [call.args[0] for call in hasher.verify.call_args_list]
    assert len(hashes) == 2
    assert not any(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).check_needs_rehash(known) for known in hashes)
    passwords.close()


async def test_the_decoys_password_is_not_accepted(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "nobody has this password")


def test_the_parameters_are_owasps() -> None:
    assert (HASHER.memory_cost, HASHER.time_cost, HASHER.parallelism, HASHER.type.name) == (19 * 1024, 2, 1, "ID")


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords) -> None:
    assert not passwords.is_outdated(await passwords.hash("a password"))
    assert passwords.is_outdated(HASHER.hash("a password"))


async def test_hashing_past_its_bound_is_busy_at_once() -> None:
    passwords = Passwords()
    results = await asyncio.gather(*(passwords.hash("a password") for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == THREADS + MAX_WAITING
    assert sum(isinstance(result, Busy) for result in results) == 50 - THREADS - MAX_WAITING
    assert await passwords.hash("a password"), "a slot is free again afterwards"
    passwords.close()


async def test_a_cancelled_caller_keeps_its_slot_until_the_thread_is_done() -> None:
    passwords = Passwords()
    for _ in range(3):
        tasks = [asyncio.create_task(passwords.hash("a password")) for _ in range(THREADS + MAX_WAITING)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(Busy):
            await passwords.hash("the threads are still at work")
        async with asyncio.timeout(10):
            while len(passwords._tasks):  # noqa: ASYNC110 - nothing tells when a thread is done
                await asyncio.sleep(0.01)
    passwords.close()
