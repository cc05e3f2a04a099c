"""Finding accounts and contacts: for admins, and for the box office."""

import base64
import json
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from accounts import claims
from accounts.account_rows import Account
from accounts.database import Pool, one_statement, transaction
from ledger.commands import Role
from ledger.errors import Busy, Malformed

MAX_CURSOR = 200


class Contact(NamedTuple):
    """A customer of the box office. `same_person`: all ids of the person, if an account has claimed the contact; else none."""

    id: UUID
    same_person: frozenset[UUID] = frozenset()


class Directory:
    """Finds accounts and contacts, without erased ones. Methods raise Busy if the database is overloaded."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def is_known(self, id_: UUID) -> bool:
        """Whether there is an account, or a contact, with this id."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute("SELECT FROM accounts WHERE id = %s", (id_,))
            return await cursor.fetchone() is not None

    async def get_users(self, q: str = "", cursor: str | None = None, limit: int = 50) -> tuple[list[Account], str | None]:
        """A page of accounts, oldest first, and the cursor of the next page. `q` is searched in names and e-mail addresses,
        literally, case-insensitively.

        Raises Malformed for a cursor that is not one of this list."""
        after_time, after_id = _decode(cursor) if cursor is not None else (None, None)
        pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        async with one_statement(self._pool) as database_cursor:
            await database_cursor.execute(
                f"SELECT {Account.COLUMNS} FROM accounts WHERE coalesce(email, contact_email) IS NOT NULL"
                " AND (name ILIKE %(pattern)s OR coalesce(email, contact_email) ILIKE %(pattern)s)"
                " AND (%(time)s::timestamptz IS NULL OR (created_at, id) > (%(time)s, %(id)s::uuid))"
                " ORDER BY created_at, id LIMIT %(limit)s",
                {"pattern": pattern, "time": after_time, "id": after_id, "limit": limit + 1},
            )
            accounts = [Account.from_row(row) for row in await database_cursor.fetchall()]
        page = accounts[:limit]
        return page, _encode(page[-1]) if len(accounts) > limit else None

    async def find_or_create_contact(self, organizer_id: UUID, name: str, email: str) -> Contact:
        """The organizer's contact with this e-mail address, who keeps the name of the first call. Never an account, nor another
        organizer's contact: the seller must not learn whose address it is. If an account has proved the address, it claims the
        contact at once; a contact that was claimed by who has the address no more is not found. Concurrent calls create one
        contact."""
        async with transaction(self._pool) as cursor:
            owner_id = await claims.lock_owner(cursor, email)
            for _ in range(2):  # neither found nor created: a concurrent call has created it, and the second try finds it
                await cursor.execute(
                    "SELECT id FROM accounts WHERE contact_of = %s AND contact_email = %s"
                    " AND (claimed_by IS NULL OR claimed_by = %s) ORDER BY claimed_by LIMIT 1",
                    (organizer_id, email, owner_id),
                )
                row = await cursor.fetchone()
                if row is None:
                    await cursor.execute(
                        "INSERT INTO accounts (id, name, contact_of, contact_email, role) VALUES (%s, %s, %s, %s, %s)"
                        " ON CONFLICT DO NOTHING RETURNING id",
                        (uuid4(), name, organizer_id, email, Role.CUSTOMER),
                    )
                    row = await cursor.fetchone()
                if row is not None:
                    return Contact(row[0], await claims.join(cursor, owner_id, row[0]))
        raise Busy


def _encode(last: Account) -> str:
    key = json.dumps([last.created_at.isoformat(), str(last.id)])
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    """The time and id of a cursor. Raises Malformed if it does not contain them: it comes from a client."""
    try:
        padded = cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4)
        time, account_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return datetime.fromisoformat(time).astimezone(UTC), UUID(account_id)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Malformed("This cursor is not one of this list.", errors=[{"path": "cursor", "message": "unknown"}]) from None
