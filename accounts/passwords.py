"""Passwords: Argon2id, in threads of their own, so many at once and no more."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.errors import Busy

MIN_LENGTH = 8
MAX_LENGTH = 200
THREADS = 2
MAX_WAITING = 16

#: OWASP's parameters for Argon2id: 19 MiB, 2 passes, one lane: some 20 ms of one core. RFC 9106's 64 MiB and four lanes would take
#: every core of a small machine away from the booking of seats for each log-in.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

T = TypeVar("T")


class Passwords:
    """Hashes and verifies. At most THREADS are worked on and MAX_WAITING wait; past that each method raises Busy at once."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._at_work = 0
        # Verified in place of a hash that is not there, so that the time tells nothing.
        self._nobody = hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_canonical(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """No hash (nobody, or an account without a password) is False, after the same work."""
        return await self._run(lambda: self._matches(password_hash or self._nobody, password)) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Made with other parameters than today's: hash the password anew while it is at hand."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _canonical(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._at_work >= THREADS + MAX_WAITING:
            raise Busy("Too many log-ins at the moment; nothing happened. Try again.")
        self._at_work += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        # Counted until the thread is done with it, not until the caller has gone.
        running.add_done_callback(self._done)
        return await asyncio.shield(running)

    def _done(self, running: asyncio.Future[T]) -> None:
        self._at_work -= 1
        if not running.cancelled():
            running.exception()  # retrieved, for a caller who has gone


def _canonical(password: str) -> str:
    """One spelling of what keyboards spell in several (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
