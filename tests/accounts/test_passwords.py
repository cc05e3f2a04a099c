"""accounts/passwords.py"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from accounts import password_rules
from accounts.errors import WeakPassword
from accounts.passwords import HASHER, MAX_WAITING, THREADS, Passwords
from ledger.errors import Busy
from tests.soak import rounds
from tests.waiting import until


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


async def test_a_full_queue_is_known_before_anything_is_done() -> None:
    passwords = Passwords()
    tasks = [asyncio.create_task(passwords.verify(None, "a password")) for _ in range(THREADS + MAX_WAITING)]
    passwords.check_room()
    await asyncio.sleep(0.005)
    with pytest.raises(Busy):
        passwords.check_room()
    passwords.check_room(for_sign_up=True)
    await asyncio.gather(*tasks)
    passwords.check_room()
    passwords.close()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a priority for each thread")
async def test_hashing_yields_to_bookings_and_that_of_sign_ups_to_log_ins() -> None:
    def niceness(_: str) -> str:
        return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    passwords = Passwords(Mock(hash=niceness))
    own = int(niceness(""))
    log_in, sign_up = int(await passwords.hash("a password")), int(await passwords.hash_for_sign_up("a password"))
    assert own < log_in < sign_up <= 19
    assert int(niceness("")) == own, "of these threads alone"
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
        await until(lambda: not len(passwords._tasks))
    passwords.close()


@pytest.mark.parametrize(
    "password",
    [
        "password", "12345678", "Password1", "PASSWORD123!", "iloveyou2026", "qwertyuiop", "aaaaaaaa", "abababab", "abcdefghij",
        "87654321", "alice.archer@example.test", "Alice Archer", "alicearcher1", "archerarcher", "alice.archer99",
        "Seatledger", "seat-ledger1!", "tickets2026", "event_tickets", "organizers",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
    ],
)  # fmt: skip
def test_easily_guessed_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        password_rules.check(password, email="alice.archer@example.test", name="Alice Archer")


@pytest.mark.parametrize(
    "password",
    [
        "demo-password",
        "correct horse battery",
        "x7#kQ9!w",
        "alice likes tea",
        "seatledger tea",
        "two tickets please",
        "пароль и ключ",
    ],
)
def test_other_passwords_are_accepted(password: str) -> None:
    password_rules.check(password, email="al@example.test", name="Al")


async def test_a_flood_of_sign_ups_leaves_log_ins_their_threads() -> None:
    """S18: with production's parameters. Each flooding client signs up again and again, without a limit of its address."""
    passwords, ending = Passwords(), asyncio.Event()
    password_hash, hashed = await passwords.hash("a password"), 0

    async def flood() -> None:
        nonlocal hashed
        while not ending.is_set():
            try:
                await passwords.hash_for_sign_up("another password")
                hashed += 1
            except Busy:
                await asyncio.sleep(0.005)

    async def log_in() -> list[float]:
        took = []
        for _ in range(rounds(60, 600)):
            began = time.perf_counter()
            assert await passwords.verify(password_hash, "a password")
            took.append((time.perf_counter() - began) * 1000)
        return sorted(took)

    alone = await log_in()
    flooding = [asyncio.create_task(flood()) for _ in range(40)]
    flooded = await log_in()
    ending.set()
    await asyncio.gather(*flooding)
    passwords.close()
    p99 = [took[int(len(took) * 0.99)] for took in (alone, flooded)]
    print(
        f"S18: log-in p50 {alone[len(alone) // 2]:.0f} ms, p99 {p99[0]:.0f} ms alone; p50 {flooded[len(flooded) // 2]:.0f} ms, "
        f"p99 {p99[1]:.0f} ms while {hashed} strangers sign up: {p99[1] / p99[0]:.1f} x"
    )
    assert hashed, "sign-ups go on"
    assert p99[1] < 10 * p99[0] + 100, "no log-in waits for the queue of sign-ups"
