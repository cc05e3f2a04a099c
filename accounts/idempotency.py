"""Commands about accounts never act twice: the command's row is written first, and its primary key arbitrates."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from psycopg.types.json import Jsonb

from accounts.database import Cursor, Pool, transaction
from ledger.errors import Busy, IdempotencyKeyReused

WAIT_SECONDS = 2.5

Result = TypeVar("Result", bound=msgspec.Struct)
Prepared = TypeVar("Prepared")
_encoder = msgspec.json.Encoder(order="sorted")


class IdempotentExecutor:
    """`key` is a secret from outside the database: a body may hold a password, and its digest must not let anybody try some."""

    def __init__(self, pool: Pool, key: bytes) -> None:
        self._pool = pool
        self._key = key
        # One try of a command at a time in this process: fifty at once prepare once (a password is hashed) and hold one connection.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def execute(
        self,
        command_id: UUID,
        account_id: UUID,
        body: Mapping[str, Any],
        answer_type: type[Result],
        prepare: Callable[[], Awaitable[Prepared]],
        act: Callable[[Cursor, Prepared], Awaitable[Result]],
    ) -> Result:
        """The first answer of this command. `act` runs in the transaction that remembers it, `prepare` before it.

        Raises IdempotencyKeyReused for another body, Busy after WAIT_SECONDS behind the same command."""
        digest = blake2b(_encoder.encode(body), key=self._key, digest_size=32, salt=command_id.bytes).digest()
        lock = self._locks.setdefault(command_id, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), WAIT_SECONDS)
        except TimeoutError:
            raise Busy from None
        try:
            async with transaction(self._pool, reads=True) as cursor:
                first = await _first_answer(cursor, command_id, digest, answer_type)
            if first is not None:
                return first
            prepared = await prepare()
            async with transaction(self._pool) as cursor:
                await cursor.execute(
                    "INSERT INTO account_commands (command_id, account_id, digest, answer) VALUES (%s, %s, %s, '{}')"
                    " ON CONFLICT DO NOTHING",
                    (command_id, account_id, digest),
                )
                if cursor.rowcount == 0:  # another process was first, and has committed
                    first = await _first_answer(cursor, command_id, digest, answer_type)
                    if first is None:
                        raise Busy  # and somebody erased it since
                    return first
                answer = await act(cursor, prepared)
                remembered = Jsonb(msgspec.to_builtins(answer))
                await cursor.execute("UPDATE account_commands SET answer = %s WHERE command_id = %s", (remembered, command_id))
            return answer
        finally:
            lock.release()


async def _first_answer(cursor: Cursor, command_id: UUID, digest: bytes, answer_type: type[Result]) -> Result | None:
    await cursor.execute("SELECT digest, answer FROM account_commands WHERE command_id = %s", (command_id,))
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise IdempotencyKeyReused
    return msgspec.convert(row[1], answer_type)
