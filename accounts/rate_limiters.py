"""The limits of failed log-ins, of sign-ups, and of mails to people without an account.

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
| an account from all its known devices: who once knew the password may have some | | 10 n |

Mails that anybody can ask for by an address are counted by that address, whether or not an account has it, in windows as long as
their links are valid: who has used up the limit has a link.

An attempt counts before the password is checked, so that concurrent attempts can't exceed the limit; if it succeeds, it is
subtracted.

Anybody can have mail sent to any address: codes, and confirmations of unproven bookings. With n = `guest_mails_per_hour`:

| what | an hour | a day |
|---|---|---|
| codes to one e-mail address; five tries each, so 4 n x 5 guesses a day | n | 4 n |
| unproven bookings for one e-mail address; past it the address must be proven | n | 4 n |
| codes that one client asks for, and unproven bookings that it makes, for all e-mail addresses | 200 n | |
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute

from accounts.attempt_counts import AttemptCounts, Counted, Limited
from accounts.errors import SecondFactorRequired, TooManyAttempts
from ledger.client_address import client_key
from ledger.errors import Busy, EmailUnverified, OutcomeUnknown, SeatledgerError

ADDRESS_FACTOR, ADDRESS_HOUR_FACTOR = 10, 100
#: Behind one client's address may be a mobile provider's customers.
DAY_FACTOR, CLIENT_FACTOR = 4, 200
HOUR_FACTOR, STRANGERS_HOUR_FACTOR = 3, 10
#: Mails to one address that anybody can ask for, in the minutes for which their links are valid.
MAILS_TO_EMAIL, LINK_MINUTES = 5, 30


class LoginRateLimiter:
    def __init__(self, counts: AttemptCounts, per_minute: int) -> None:
        self._counts = counts
        self._of_address = _both("address", per_minute * ADDRESS_FACTOR, per_minute * ADDRESS_HOUR_FACTOR)
        self._of_account_here = _both("account-here", per_minute, per_minute * HOUR_FACTOR)
        self._of_account = RateLimitItemPerHour(per_minute * STRANGERS_HOUR_FACTOR, namespace="log-in-account")
        self._of_device = _both("device", per_minute, per_minute * HOUR_FACTOR)
        self._of_devices = RateLimitItemPerHour(per_minute * STRANGERS_HOUR_FACTOR, namespace="log-in-devices")

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
            return [*(Limited(limit, f"{account} {device}") for limit in self._of_device), Limited(self._of_devices, account)]
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


class MailRateLimiter:
    def __init__(self, counts: AttemptCounts, per_minute: int) -> None:
        """`per_minute`: mails that one client's address asks for; 0: without a limit."""
        self._counts = counts
        self._of_address = RateLimitItemPerMinute(per_minute, namespace="mail-address") if per_minute else None
        self._of_email = RateLimitItemPerMinute(MAILS_TO_EMAIL, LINK_MINUTES, namespace="mail-to")

    async def count(self, email: str, address: str) -> None:
        """Raises TooManyAttempts."""
        limits = [] if self._of_address is None else [Limited(self._of_address, client_key(address))]
        await self._counts.count([*limits, Limited(self._of_email, email)])

    @asynccontextmanager
    async def link_of_sign_up(self, email: str) -> AsyncIterator[bool]:
        """Counts the link to confirm the address of the account that is made in the block, unless that is refused. False: the
        address has got its links for now, and gets no further one."""
        try:
            counted = await self._counts.count([Limited(self._of_email, email)])
        except TooManyAttempts:
            yield False
            return
        async with _taken_back_if_refused(self._counts, counted):
            yield True


class UnprovenBooking:
    """`was_made_before`: the result is that of an earlier try, which was counted."""

    was_made_before = False


class GuestMailLimiter:
    def __init__(self, counts: AttemptCounts, per_hour: int) -> None:
        """`per_hour`: of one e-mail address; 0: without a limit."""
        self._counts, self._is_on = counts, bool(per_hour)
        if self._is_on:
            self._codes, self._bookings = (
                (
                    RateLimitItemPerHour(per_hour * CLIENT_FACTOR, namespace=f"{what}-client"),
                    RateLimitItemPerHour(per_hour, namespace=f"{what}-email"),
                    RateLimitItemPerDay(per_hour * DAY_FACTOR, namespace=f"{what}-email"),
                )
                for what in ("guest-codes", "guest-bookings")
            )

    async def count_code(self, email: str, address: str) -> None:
        """Counts a code that is asked for. Raises TooManyAttempts."""
        if self._is_on:
            await self._counts.count(_limited(self._codes, email, address))

    @asynccontextmanager
    async def unproven_booking(self, email: str, address: str) -> AsyncIterator[UnprovenBooking]:
        """Counts an unproven booking, which is made in the block, unless it is refused, or was made before. Raises
        EmailUnverified."""
        booking = UnprovenBooking()
        if not self._is_on:
            yield booking
            return
        try:
            counted = await self._counts.count(_limited(self._bookings, email, address))
        except TooManyAttempts:
            raise EmailUnverified from None
        async with _taken_back_if_refused(self._counts, counted):
            yield booking
        if booking.was_made_before:
            await self._counts.take_back(counted)


@asynccontextmanager
async def _taken_back_if_refused(counts: AttemptCounts, counted: Counted) -> AsyncIterator[None]:
    """Subtracts what was counted for the block if the block has surely done nothing."""
    try:
        yield
    except SeatledgerError as error:
        if not isinstance(error, OutcomeUnknown):
            await counts.take_back(counted)
        raise


def _limited(limits: tuple[RateLimitItem, ...], email: str, address: str) -> list[Limited]:
    """The first limit is that of the client."""
    of_client, *of_email = limits
    return [Limited(of_client, client_key(address)), *(Limited(limit, email) for limit in of_email)]


def _both(what: str, a_minute: int, an_hour: int) -> tuple[RateLimitItem, RateLimitItem]:
    namespace = f"log-in-{what}"
    return RateLimitItemPerMinute(a_minute, namespace=namespace), RateLimitItemPerHour(an_hour, namespace=namespace)
