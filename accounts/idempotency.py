"""Idempotency of commands about accounts: each has a row with its result, whose primary key prevents a second execution."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
from psycopg.types.json import Jsonb

from accounts.database import Cursor, Pool, one_statement, transaction
from ledger.deadline import remaining_seconds
from ledger.errors import Busy, IdempotencyKeyReused

#: How long a retry waits for the first try in this process.
WAIT_SECONDS = 2.5

Result = TypeVar("Result", bound=msgspec.Struct)
Prepared = TypeVar("Prepared")
_encoder = msgspec.json.Encoder(order="sorted")


class IdempotentExecutor:
    """Executes each command once and returns its first result to every retry.

    `key` is a secret that is not in the database: a body may contain a password, which could be guessed from a digest without
    key."""

    def __init__(self, pool: Pool, key: bytes) -> None:
        self._pool = pool
        self._key = key
        # One try of a command at a time in this process: of fifty concurrent tries one hashes the password and takes a connection.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def execute(
        self,
        command_id: UUID,
        account_id: UUID,
        body: Mapping[str, Any],
        result_type: type[Result],
        prepare: Callable[[], Awaitable[Prepared]],
        act: Callable[[Cursor, Prepared], Awaitable[Result]],
    ) -> Result:
        """The first result of this command. `prepare` runs before the transaction, `act` in the one that stores the result.

        Raises IdempotencyKeyReused for another body; Busy if the same command is still executed after WAIT_SECONDS."""
        digest = blake2b(_encoder.encode(body), key=self._key, digest_size=32, salt=command_id.bytes).digest()
        lock = self._locks.setdefault(command_id, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), remaining_seconds(WAIT_SECONDS))
        except TimeoutError:
            raise Busy from None
        try:
            async with one_statement(self._pool) as cursor:
                first = await _first_result(cursor, command_id, digest, result_type)
            if first is not None:
                return first
            prepared = await prepare()
            async with transaction(self._pool) as cursor:
                await cursor.execute(
                    "INSERT INTO account_commands (command_id, account_id, digest, answer) VALUES (%s, %s, %s, '{}')"
                    " ON CONFLICT DO NOTHING",
                    (command_id, account_id, digest),
                )
                if cursor.rowcount == 0:  # another process has executed it and committed
                    first = await _first_result(cursor, command_id, digest, result_type)
                    if first is None:
                        raise Busy  # and the account was erased since
                    return first
                result = await act(cursor, prepared)
                stored = Jsonb(msgspec.to_builtins(result))
                await cursor.execute("UPDATE account_commands SET answer = %s WHERE command_id = %s", (stored, command_id))
            return result
        finally:
            lock.release()


async def _first_result(cursor: Cursor, command_id: UUID, digest: bytes, result_type: type[Result]) -> Result | None:
    await cursor.execute("SELECT digest, answer FROM account_commands WHERE command_id = %s", (command_id,))
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[0] != digest:
        raise IdempotencyKeyReused
    return msgspec.convert(row[1], result_type)
