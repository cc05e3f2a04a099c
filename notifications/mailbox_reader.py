"""The demo's mailbox, read by the API."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from accounts.database import Pool, one_statement
from notifications.mail.mailbox import KEPT


class StoredMail(NamedTuple):
    """`recipient`: the address. `content`: empty in a list."""

    id: UUID
    received_at: datetime
    recipient: str
    subject: str
    content: bytes


class MailboxReader:
    """Methods raise Busy if the database is overloaded."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self) -> list[StoredMail]:
        return await self._select("''", "ORDER BY received_at DESC LIMIT %s", KEPT)

    async def find(self, id_: UUID) -> StoredMail | None:
        mails = await self._select("content", "WHERE id = %s", id_)
        return mails[0] if mails else None

    async def _select(self, content: str, condition: str, parameter: object) -> list[StoredMail]:
        async with one_statement(self._pool) as cursor:
            await cursor.execute(f"SELECT id, received_at, recipient, subject, {content} FROM mailbox {condition}", (parameter,))
            return [StoredMail(id_, at.astimezone(UTC), *rest) for id_, at, *rest in await cursor.fetchall()]
