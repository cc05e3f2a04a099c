"""The sessions of an account as its owner sees them, and when the password was last given in them."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from accounts import errors, tokens
from accounts.database import Pool, one_statement, transaction
from accounts.origin import Origin
from accounts.tokens import AccessCache
from accounts.trail import AccountAction, record

#: What changes who may do what needs a password that was given within this time.
FRESH_MINUTES = 15


class OpenSession(msgspec.Struct, frozen=True):
    """`last_seen_at`: exact to some minutes. `network`, `client`: of the log-in; None: not known."""

    COLUMNS = "id, created_at, coalesce(last_seen_at, created_at), expires_at, network, client"

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    network: str | None
    client: str | None
    is_current: bool

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, created_at, last_seen_at, expires_at, network, client, is_current = row
        return cls(
            id_, created_at.astimezone(UTC), last_seen_at.astimezone(UTC), expires_at.astimezone(UTC), network, client, is_current
        )


class Sessions:
    """`token_hash` is that of the session that asks."""

    def __init__(self, pool: Pool, cache: AccessCache) -> None:
        self._pool, self._cache = pool, cache

    async def open_sessions(self, account_id: UUID, token_hash: bytes) -> list[OpenSession]:
        """Newest first, at most `tokens.MAX_TOKENS`."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT {OpenSession.COLUMNS}, token_hash = %s FROM tokens WHERE account_id = %s AND revoked_at IS NULL"
                " AND expires_at > now() ORDER BY created_at DESC, id LIMIT %s",
                (token_hash, account_id, tokens.MAX_TOKENS),
            )
            return [OpenSession.from_row(row) for row in await cursor.fetchall()]

    async def end(self, account_id: UUID, session_id: UUID, origin: Origin) -> None:
        """Ends one session of the account, in every process within 2 s. Raises SessionNotFound."""
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "UPDATE tokens SET revoked_at = clock_timestamp() WHERE account_id = %s AND id = %s AND revoked_at IS NULL",
                (account_id, session_id),
            )
            if not cursor.rowcount:
                raise errors.SessionNotFound
            await record(cursor, AccountAction.SESSION_ENDED, account_id, origin)
        self._cache.forget_account(account_id)

    async def end_others(self, account_id: UUID, token_hash: bytes, origin: Origin) -> None:
        """Ends all other sessions of the account."""
        async with transaction(self._pool) as cursor:
            await tokens.revoke(cursor, account_id, keep=token_hash)
            await record(cursor, AccountAction.SESSIONS_ENDED, account_id, origin)
        self._cache.forget_account(account_id)

    async def check_fresh(self, token_hash: bytes) -> None:
        """Raises ReauthenticationRequired if the password was given more than FRESH_MINUTES ago; NotSignedIn if the session was
        ended in another process, which this one need not know yet."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                "SELECT coalesce(authenticated_at, created_at) > now() - make_interval(mins => %s)"
                " FROM tokens WHERE token_hash = %s AND revoked_at IS NULL AND expires_at > now()",
                (FRESH_MINUTES, token_hash),
            )
            row = await cursor.fetchone()
        if row is None:
            raise errors.NotSignedIn
        if row != (True,):
            raise errors.ReauthenticationRequired
