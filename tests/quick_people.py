"""Accounts and sessions for a running system, made by its own code, but with the least work for a password that Argon2id allows.

The account routes have tests of their own, in `tests/accounts/` and `tests/abuse/`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher

from accounts.access import Access
from accounts.account_rows import NewAccount
from accounts.account_service import NewSession
from accounts.guests import Guest, Guests
from accounts.passwords import Passwords
from ledger.commands import Role
from ledger.keys import Keyring
from ledger.pool import make_pool
from ledger.settings import Settings


def quick_passwords() -> Passwords:
    """Argon2id all the same, with the least work that it allows."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class QuickPeople:
    """For tests without an event loop: it has one of its own, in a thread."""

    def __init__(self, portal: BlockingPortal, access: Access) -> None:
        self._portal, self._access = portal, access

    def account(self, name: str, role: str, email: str, password: str) -> NewSession:
        async def make() -> NewSession:
            new = NewAccount(name=name, email=email, password=password, role=Role(role))
            await self._access.accounts.create_user(new, uuid4())
            return await self._access.accounts.log_in(email, password)

        return self._portal.call(make)

    def guest(self, api: str, handle: str, email: str, password: str) -> tuple[Guest, str]:
        """A guest of that API, and a token."""

        async def make() -> tuple[Guest, str]:
            guests: Guests = self._access.guests(api)
            guest = await guests.sign_up(handle, email, password)
            assert guest is not None
            return guest, await guests.log_in(handle, password)

        return self._portal.call(make)


@contextmanager
def quick_people(settings: Settings) -> Iterator[QuickPeople]:
    """For a system that runs with these settings and has made its keys."""
    key = Keyring.open(settings.keys, "accounts").newest[1]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(make_pool(settings, size=2)) as pool:
        access = Access(settings, pool, key=key, passwords=quick_passwords())
        yield QuickPeople(portal, access)
        access.passwords.close()
