"""The limits of failed log-ins and of sign-ups.

A log-in counts against the limits of its address, of the account from that address, and of the account from all addresses of
strangers. A stranger can exhaust all of them; so a known device (`accounts/known_devices.py`), from which the account has logged in
before, has limits of its own, and its owner is never kept out. An account is a normalized e-mail address, whether or not it exists;
an IPv6 address counts as its /64 network. With n = `login_attempts_per_minute`:

| what | a minute | an hour |
|---|---|---|
| an address, over all accounts: a whole office may share it | 10 n | 100 n |
| an account from one address | n | 3 n |
| an account from all addresses of strangers: what bounds guessing by many | | 10 n |
| an account from one known device | n | 3 n |

An attempt counts before the password is checked, so that concurrent attempts can't exceed the limit; if it succeeds, it is
subtracted.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from accounts.attempt_counts import AttemptCounts, Limited
from accounts.errors import SecondFactorRequired
from ledger.client_address import client_key
from ledger.errors import Busy

ADDRESS_FACTOR, ADDRESS_HOUR_FACTOR = 10, 100
HOUR_FACTOR, STRANGERS_HOUR_FACTOR = 3, 10


class LoginRateLimiter:
    def __init__(self, counts: AttemptCounts, per_minute: int) -> None:
        self._counts = counts
        self._of_address = _both("address", per_minute * ADDRESS_FACTOR, per_minute * ADDRESS_HOUR_FACTOR)
        self._of_account_here = _both("account-here", per_minute, per_minute * HOUR_FACTOR)
        self._of_account = RateLimitItemPerHour(per_minute * STRANGERS_HOUR_FACTOR, namespace="log-in-account")
        self._of_device = _both("device", per_minute, per_minute * HOUR_FACTOR)

    @asynccontextmanager
    async def attempt(self, account: str, address: str, device: str | None = None) -> AsyncIterator[None]:
        """Counts one attempt, whose password is checked in the block. `device`: the id of a device that the account knows.

        Raises TooManyAttempts. The attempt is subtracted if the block succeeds, or asks for the code of a second factor, or raises
        Busy: then no password was checked."""
        counted = await self._counts.count(self._limits(account, client_key(address), device))
        try:
            yield
        except (Busy, SecondFactorRequired) as error:
            if not getattr(error, "is_wrong", False):
                await self._counts.take_back(counted)
            raise
        await self._counts.take_back(counted)

    def _limits(self, account: str, block: str, device: str | None) -> list[Limited]:
        if device is not None:
            return [Limited(limit, f"{account} {device}") for limit in self._of_device]
        return [
            *(Limited(limit, block) for limit in self._of_address),
            *(Limited(limit, f"{account} {block}") for limit in self._of_account_here),
            Limited(self._of_account, account),
        ]


class SignUpRateLimiter:
    def __init__(self, counts: AttemptCounts, per_minute: int) -> None:
        """`per_minute`: of one address; 0: without a limit."""
        self._counts = counts
        self._of_address = RateLimitItemPerMinute(per_minute, namespace="sign-up-address") if per_minute else None

    @asynccontextmanager
    async def attempt(self, address: str) -> AsyncIterator[None]:
        """Counts one sign-up, which is made in the block: whether it succeeds or not, but not one that is refused as Busy. Raises
        TooManyAttempts."""
        limits = [] if self._of_address is None else [Limited(self._of_address, client_key(address))]
        counted = await self._counts.count(limits)
        try:
            yield
        except Busy:
            await self._counts.take_back(counted)
            raise


def _both(what: str, a_minute: int, an_hour: int) -> tuple[RateLimitItem, RateLimitItem]:
    namespace = f"log-in-{what}"
    return RateLimitItemPerMinute(a_minute, namespace=namespace), RateLimitItemPerHour(an_hour, namespace=namespace)
