"""Guests: the users of the other APIs on the same ledger (`compat/`), each known to one API only.

The ledger contains their ids, like those of accounts; their names are stored here. They have no account, so their tokens are not
valid for `/api`.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4, uuid5

import msgspec

from accounts import errors, tokens
from accounts.database import Pool, one_statement, transaction
from accounts.passwords import Passwords
from ledger.errors import Busy, RuleBroken

#: The namespace of fixed ids. The ledger contains ids for ever, so those of people are random: an id must not tell the name.
_GUESTS = UUID("6f1c1d0e-5f0b-4a57-9d0a-5ea71ed6e501")
#: The handle of the organizer of all events of an API without organizers. No guest has it: guests' handles are not empty.
DEFAULT_ORGANIZER = ""
#: Tokens of one guest that are valid at the same time; past it the oldest is deleted.
MAX_TOKENS = 100
#: Guests without a handle that one API may create: its list of guests has all of them.
MAX_WITHOUT_HANDLE = 10_000
#: Guests of that list that one statement reads.
PAGE = 500
MAX_NUMBER = 2**63 - 1

_encode = msgspec.json.Encoder().encode


class TooManyGuests(RuleBroken):
    """The one API that creates guests without a handle responds with a 400 of its own."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit:,} users already: no more are made.")


class Guest(msgspec.Struct, frozen=True):
    COLUMNS = "id, number, handle, name, email, phone, role, created_at"

    id: UUID
    number: int
    handle: str | None
    name: str
    email: str | None
    phone: str | None
    role: str | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, number, handle, name, email, phone, role, created_at = row
        return cls(id_, number, handle, name, email, phone, role, created_at.astimezone(UTC))


def fixed_id(api: str, what: str) -> UUID:
    """The id of what is no person: the default organizer of an API, and its sample users."""
    return uuid5(_GUESTS, _encode([api, what]).decode())


class Guests:
    """The guests of one API. Methods raise Busy or OutcomeUnknown if the database is overloaded."""

    def __init__(self, api: str, pool: Pool, passwords: Passwords) -> None:
        self.api, self._pool, self._passwords = api, pool, passwords
        self.default_organizer_id = fixed_id(api, DEFAULT_ORGANIZER)

    async def find_or_create(self, handle: str) -> Guest:
        """The guest with this handle. Concurrent calls create one guest."""
        for _ in range(2):  # a concurrent call has created it: the second try finds it
            guest = await self._find("handle = %(handle)s", handle=handle)
            if guest is None:
                id_ = self.default_organizer_id if handle == DEFAULT_ORGANIZER else uuid4()
                guest = await self._insert(id_, handle=handle, name=handle)
            if guest is not None:
                return guest
        raise Busy

    async def create(
        self, name: str, *, phone: str | None = None, role: str | None = None, id_: UUID | None = None
    ) -> Guest | None:
        """A new guest without a handle. None: a guest with this id exists already. Raises TooManyGuests past MAX_WITHOUT_HANDLE."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute("SELECT count(*) FROM guests WHERE api = %s AND handle IS NULL AND erased_at IS NULL", (self.api,))
            (count,) = await cursor.fetchone() or (0,)
        if count >= MAX_WITHOUT_HANDLE:
            raise TooManyGuests(MAX_WITHOUT_HANDLE)
        return await self._insert(id_ or uuid4(), name=name, phone=phone, role=role)

    async def sign_up(self, handle: str, email: str | None, password: str) -> Guest | None:
        """A new guest with a password. None: the handle is taken."""
        password_hash = await self._passwords.hash_for_sign_up(password)
        return await self._insert(uuid4(), handle=handle, name=handle, email=email, password_hash=password_hash)

    async def log_in(self, handle: str, password: str) -> str:
        """A new token, which is readable here only. Raises WrongCredentials, after the same work whatever the cause is."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute("SELECT id, password_hash FROM guests WHERE api = %s AND handle = %s", (self.api, handle))
            id_, password_hash = await cursor.fetchone() or (None, None)
        if not await self._passwords.verify(password_hash, password):
            raise errors.WrongCredentials
        token, token_hash = tokens.new_token()
        async with transaction(self._pool) as cursor:
            await cursor.execute("INSERT INTO guest_tokens (token_hash, guest_id) VALUES (%s, %s)", (token_hash, id_))
            await cursor.execute(
                "DELETE FROM guest_tokens WHERE token_hash IN"
                " (SELECT token_hash FROM guest_tokens WHERE guest_id = %s ORDER BY created_at DESC OFFSET %s)",
                (id_, MAX_TOKENS),
            )
        return token

    async def handle_of(self, email: str) -> str | None:
        """The handle of the oldest guest with this e-mail address."""
        guest = await self._find("email = %(email)s ORDER BY number LIMIT 1", email=email)
        return None if guest is None else guest.handle

    async def find_by_token(self, token: str) -> Guest | None:
        return await self._find(
            "id = (SELECT guest_id FROM guest_tokens WHERE token_hash = %(token_hash)s)", token_hash=tokens.hash_of(token)
        )

    async def get(self, id_: UUID) -> Guest | None:
        return await self._find("id = %(id)s", id=id_)

    async def find_by_number(self, number: int) -> Guest | None:
        return await self._find("number = %(number)s AND erased_at IS NULL", number=number) if 0 < number <= MAX_NUMBER else None

    async def pages(self) -> AsyncIterator[list[Guest]]:
        """All guests except the default organizer and erased ones, oldest first, in pages."""
        after = 0
        condition = f"id <> %(default_organizer)s AND erased_at IS NULL AND number > %(after)s ORDER BY number LIMIT {PAGE}"
        while page := await self._select(condition, default_organizer=self.default_organizer_id, after=after):
            yield page
            after = page[-1].number

    async def _find(self, condition: str, **parameters: Any) -> Guest | None:
        guests = await self._select(condition, **parameters)
        return guests[0] if guests else None

    async def _select(self, condition: str, **parameters: Any) -> list[Guest]:
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT {Guest.COLUMNS} FROM guests WHERE api = %(api)s AND {condition}", {"api": self.api, **parameters}
            )
            return [Guest.from_row(row) for row in await cursor.fetchall()]

    async def _insert(self, id_: UUID, **columns: Any) -> Guest | None:
        row = {"id": id_, "api": self.api, **columns}
        names, placeholders = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                f"INSERT INTO guests ({names}) VALUES ({placeholders}) ON CONFLICT DO NOTHING RETURNING {Guest.COLUMNS}", row
            )
            created = await cursor.fetchone()
        return None if created is None else Guest.from_row(created)
