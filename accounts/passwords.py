"""Passwords: hashed and verified by Argon2id, in a bounded number of threads."""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import perf_counter
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.concurrency import BackgroundTasks, FairLimiter
from ledger.request_trace import add_phase, current_trace

MIN_LENGTH = 8
MAX_LENGTH = 200
#: Threads that hash for log-ins. Where they take every core, bookings wait, and not more people log in: on two cores one is enough.
#: Sign-ups have a thread of their own.
THREADS, SIGN_UP_THREADS = (2 if (os.cpu_count() or 1) >= 4 else 1), 1
MAX_WAITING = 16
#: Added to the process's niceness, so that bookings go before log-ins, and log-ins before sign-ups, where they want the same
#: core: a hash takes it for 20 ms at a time. Log-ins still get a quarter of a core that a booking wants, sign-ups a thirtieth.
LOG_IN_NICENESS, SIGN_UP_NICENESS = 5, 15

#: OWASP's parameters for Argon2id: 19 MiB, 2 passes, one lane: some 20 ms of one core. With RFC 9106's 64 MiB and four lanes each
#: log-in would keep every core of a small machine from booking seats.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

T = TypeVar("T")


class _Threads:
    """Threads that hash: `count` at a time, while MAX_WAITING more wait, in turns by client."""

    def __init__(self, what: str, count: int, niceness: int) -> None:
        self._limiter = FairLimiter(what, count, MAX_WAITING)
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=f"argon2 {what}", initializer=_be_nice, initargs=(niceness,))

    def check_room(self) -> None:
        """Raises Busy if there is no room to wait for the client of this request."""
        self._limiter.check_room(_client())

    async def run(self, work: Callable[[], T], client: str) -> T:
        async with self._limiter.slot(client):
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _client() -> str:
    """Of the request that is being handled."""
    trace = current_trace()
    return "" if trace is None else trace.client


def _be_nice(niceness: int) -> None:
    """Lowers the priority of this thread. Linux alone has one for each thread; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it: the hash is the same
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)


class Passwords:
    """Hashes and verifies passwords: THREADS at a time, while MAX_WAITING more wait, in turns by client; past that the client with
    the most waiting requests gets Busy. Sign-ups have SIGN_UP_THREADS and a queue of their own."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._threads = _Threads("log-ins", THREADS, LOG_IN_NICENESS)
        self._sign_up_threads = _Threads("sign-ups", SIGN_UP_THREADS, SIGN_UP_NICENESS)
        self._tasks = BackgroundTasks()
        # Verified if there is no hash, so that the time does not tell whether an account exists.
        self._decoy = hasher.hash("nobody has this password")

    def check_room(self, *, for_sign_up: bool = False) -> None:
        """Raises Busy where a password would be refused now, before anything else is done for it."""
        (self._sign_up_threads if for_sign_up else self._threads).check_room()

    async def hash(self, password: str) -> str:
        return await self._run(self._threads, lambda: self._hasher.hash(_canonical(password)))

    async def hash_for_sign_up(self, password: str) -> str:
        """As `hash`, for strangers: however many they are, log-ins find a thread."""
        return await self._run(self._sign_up_threads, lambda: self._hasher.hash(_canonical(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Without a hash (no such account, or one without a password) the result is False, after the same work."""
        matches = await self._run(self._threads, lambda: self._matches(password_hash or self._decoy, password))
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's: hash the password again while it is known."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.close()
        self._sign_up_threads.close()

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _canonical(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, threads: _Threads, work: Callable[[], T]) -> T:
        began = perf_counter()
        try:
            return await self._tasks.finish(threads.run(work, _client()))  # the slot is taken until the thread is done
        finally:
            add_phase("password", perf_counter() - began)


def _canonical(password: str) -> str:
    """One spelling (Unicode NFKC) of a password that keyboards encode in several (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
