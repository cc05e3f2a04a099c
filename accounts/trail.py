"""The trail of accounts: who changed which account or its webhooks, and how often log-ins failed. Without names, addresses or
secrets, so that it need not be changed when a person is erased."""

import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec
from psycopg.types.json import Jsonb

from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.origin import Origin
from ledger.commands import Role
from ledger.outbox import MAIL, NOTICES

FLUSH_SECONDS = 60.0
#: Accounts whose failed log-ins are summed up one by one in each period; the others are summed up together.
MAX_ACCOUNTS = 1_000
CLEANING_BATCH = 5_000

_log = logging.getLogger(__name__)


class AccountAction(StrEnum):
    SIGNED_UP = "signed-up"
    CREATED = "created"
    ROLE_CHANGED = "role-changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of a change
    EMAIL_CHANGED = "email-changed"
    EMAIL_PROVEN = "email-proven"
    SECOND_FACTOR_SET = "second-factor-set"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    RECOVERY_CODE_USED = "recovery-code-used"
    SESSION_ENDED = "session-ended"
    SESSIONS_ENDED = "sessions-ended"
    WEBHOOK_CREATED = "webhook-created"
    WEBHOOK_CHANGED = "webhook-changed"
    WEBHOOK_DELETED = "webhook-deleted"
    WEBHOOK_SECRET_ROTATED = "webhook-secret-rotated"  # noqa: S105 - the name of a change
    CONTACTS_CLAIMED = "contacts-claimed"
    ERASED = "erased"
    LOG_INS_FAILED = "log-ins-failed"


class TrailEntry(msgspec.Struct, frozen=True):
    COLUMNS = "id, at, action, account_id, actor_id, network, role_before, role_after, count"

    id: int
    at: datetime
    action: AccountAction
    account_id: UUID | None
    actor_id: UUID | None
    network: str | None
    role_before: Role | None
    role_after: Role | None
    count: int | None

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, at, action, account_id, actor_id, network, before, after, count = row
        roles = (before and Role(before), after and Role(after))
        return cls(id_, at.astimezone(UTC), AccountAction(action), account_id, actor_id, network, *roles, count)


async def record(
    cursor: Cursor,
    action: AccountAction,
    account_id: UUID,
    origin: Origin,
    *,
    roles: tuple[Role | None, Role | None] = (None, None),
    former_address: UUID | None = None,
) -> None:
    """Records a change in the transaction that makes it, and has the account's owner told of what may be a thief's doing. `roles`:
    before and after. `former_address`: the id of the address that is told, in place of the account's."""
    await cursor.execute(
        "INSERT INTO account_trail (action, account_id, actor_id, network, role_before, role_after)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (action, account_id, origin.actor_id, origin.network, *roles),
    )
    if action in NOTICES:
        details = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"), "role": roles[1], "former_address": former_address,
            "network": origin.network, "client": origin.client,
        }  # fmt: skip
        told = {name: str(value) for name, value in details.items() if value is not None}
        await cursor.execute(
            "INSERT INTO outbox (id, channel, kind, recipient_id, details)"
            " SELECT %s, name, %s, %s, %s FROM subscriptions WHERE name = %s",
            (uuid4(), action, account_id, Jsonb(told), MAIL),
        )


class Trail:
    """Failed log-ins of this process, which are stored once a minute; and reading. `flush` and `clean` are called by `Access`."""

    def __init__(self, pool: Pool, days: int) -> None:
        """`days`: how long entries are kept; 0: for ever."""
        self._pool, self._days = pool, days
        self._failed: dict[UUID | None, tuple[int, str | None]] = {}

    def log_in_failed(self, account_id: UUID | None, origin: Origin) -> None:
        """Counts a failed log-in. `account_id`: None for an e-mail address that no account has."""
        if account_id not in self._failed and len(self._failed) >= MAX_ACCOUNTS:
            account_id = None
        count, _ = self._failed.get(account_id, (0, None))
        self._failed[account_id] = count + 1, origin.network

    async def flush(self) -> None:
        """Stores the failed log-ins since the last time: one entry an account."""
        if not self._failed:
            return
        failed, self._failed = self._failed, {}
        rows = [(account_id, count, network) for account_id, (count, network) in failed.items()]
        try:
            async with one_statement(self._pool, changes=True) as cursor:
                await cursor.execute(
                    "INSERT INTO account_trail (action, account_id, count, network)"
                    " SELECT %s, * FROM unnest(%s::uuid[], %s::integer[], %s::text[])",
                    (AccountAction.LOG_INS_FAILED, *(list(column) for column in zip(*rows, strict=True))),
                )
        except BaseException:
            for account_id, (count, network) in failed.items():
                more, latest = self._failed.get(account_id, (0, None))
                self._failed[account_id] = count + more, latest or network
            raise

    async def clean(self) -> int:
        """Deletes at most CLEANING_BATCH entries past their days. Returns their number."""
        if not self._days:
            return 0
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "DELETE FROM account_trail WHERE id IN (SELECT id FROM account_trail WHERE at < now() - make_interval(days => %s)"
                " ORDER BY at LIMIT %s)",
                (self._days, CLEANING_BATCH),
            )
            return cursor.rowcount

    async def page(self, account_id: UUID | None, before: int | None, limit: int) -> tuple[list[TrailEntry], int | None]:
        """Entries, newest first, and the id before which the next page begins. `account_id`: only those of or by this account."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT {TrailEntry.COLUMNS} FROM account_trail"
                " WHERE (%(account)s::uuid IS NULL OR account_id = %(account)s OR actor_id = %(account)s)"
                " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
                {"account": account_id, "before": before, "limit": limit + 1},
            )
            entries = [TrailEntry.from_row(row) for row in await cursor.fetchall()]
        return entries[:limit], entries[limit - 1].id if len(entries) > limit else None
