"""Passwords: hashed and verified by Argon2id, in a bounded number of threads."""

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from time import perf_counter
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.concurrency import BackgroundTasks, ConcurrencyLimiter
from ledger.request_trace import add_phase

MIN_LENGTH = 8
MAX_LENGTH = 200
THREADS = 2
MAX_WAITING = 16
#: Of the threads, as many may hash the passwords of sign-ups: the others are always left to log-ins.
SIGN_UP_THREADS = 1

#: OWASP's parameters for Argon2id: 19 MiB, 2 passes, one lane: some 20 ms of one core. With RFC 9106's 64 MiB and four lanes each
#: log-in would keep every core of a small machine from booking seats.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

T = TypeVar("T")


class Passwords:
    """Hashes and verifies passwords: THREADS at a time, while MAX_WAITING more wait; past that each method raises Busy at once.
    Those of sign-ups wait in a queue of their own, as long."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._limiter = ConcurrencyLimiter("log-ins", THREADS, MAX_WAITING, wait_seconds=None)
        self._sign_ups = ConcurrencyLimiter("sign-ups", SIGN_UP_THREADS, MAX_WAITING, wait_seconds=None)
        self._tasks = BackgroundTasks()
        # Verified if there is no hash, so that the time does not tell whether an account exists.
        self._decoy = hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_canonical(password)))

    async def hash_of_sign_up(self, password: str) -> str:
        """As `hash`, for strangers: however many they are, log-ins find a thread."""
        return await self._run(lambda: self._hasher.hash(_canonical(password)), self._sign_ups)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Without a hash (no such account, or one without a password) the result is False, after the same work."""
        return await self._run(lambda: self._matches(password_hash or self._decoy, password)) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's: hash the password again while it is known."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _canonical(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], *first: ConcurrencyLimiter) -> T:
        """`first`: the limiters that admit it to the common one."""
        began = perf_counter()
        try:
            return await self._tasks.finish(self._in_thread(work, first))  # the slot is taken until the thread is done
        finally:
            add_phase("password", perf_counter() - began)

    async def _in_thread(self, work: Callable[[], T], first: Sequence[ConcurrencyLimiter]) -> T:
        async with AsyncExitStack() as slots:
            for limiter in (*first, self._limiter):
                await slots.enter_async_context(limiter.slot())
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _canonical(password: str) -> str:
    """One spelling (Unicode NFKC) of a password that keyboards encode in several (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
