"""Looking people up: for admins, for the box office, and for the read side, which itself knows ids only."""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from accounts.account_service import Account
from accounts.database import Pool, transaction
from ledger.commands import Role
from ledger.errors import Busy, Malformed

MAX_CURSOR = 200


class Directory:
    """Raises Busy where the database is at its bounds. Erased people are not in it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get_users(self, q: str = "", cursor: str | None = None, limit: int = 50) -> tuple[list[Account], str | None]:
        """Oldest first, with the cursor of the next page. `q` is looked for in names and e-mail addresses, literally, in any case.

        Raises Malformed for a cursor that is not of here."""
        after_time, after_id = _decode(cursor) if cursor is not None else (None, None)
        pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        async with transaction(self._pool, reads=True) as reading:
            await reading.execute(
                f"SELECT {Account.COLUMNS} FROM accounts WHERE email IS NOT NULL"
                " AND (name ILIKE %(pattern)s OR email ILIKE %(pattern)s)"
                " AND (%(time)s::timestamptz IS NULL OR (created_at, id) > (%(time)s, %(id)s::uuid))"
                " ORDER BY created_at, id LIMIT %(limit)s",
                {"pattern": pattern, "time": after_time, "id": after_id, "limit": limit + 1},
            )
            found = [Account.from_row(row) for row in await reading.fetchall()]
        page = found[:limit]
        return page, _encode(page[-1]) if len(found) > limit else None

    async def find_or_make_customer(self, name: str, email: str) -> UUID:
        """The account of this e-mail address, whatever its role. One that is made has no password: nobody can log in to it until an
        admin sets one on the command line. Two at once make one."""
        async with transaction(self._pool) as writing:
            for _ in range(2):  # found nobody and made nobody: somebody else made it in between, and the second look finds it
                await writing.execute("SELECT id FROM accounts WHERE email = %s", (email,))
                found = await writing.fetchone()
                if found is None:
                    await writing.execute(
                        "INSERT INTO accounts (id, name, email, role) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
                        (uuid4(), name, email, Role.CUSTOMER),
                    )
                    found = await writing.fetchone()
                if found is not None:
                    account_id: UUID = found[0]
                    return account_id
        raise Busy


def _encode(last: Account) -> str:
    place = json.dumps([last.created_at.isoformat(), str(last.id)])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, UUID]:
    """A cursor comes from outside: whatever it holds, the database gets a time and an id, or nothing."""
    try:
        padded = cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4)
        time, account_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return datetime.fromisoformat(time).astimezone(UTC), UUID(account_id)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Malformed("This cursor is not one of this list.", errors=[{"path": "cursor", "message": "unknown"}]) from None
