"""The rows of tokens that people get by mail (`ledger/mail_tokens.py`), within a transaction of the caller.

Whoever asks for one by an address causes the same writes, whether or not an account has it: rows for nobody.
"""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from accounts import errors
from accounts.database import Cursor
from ledger.mail_tokens import RESET_PASSWORD, SIGN_IN, VERIFY_EMAIL
from ledger.outbox import MAIL, NOBODY

#: A stolen link to a password or a session is worth most; a new address is often confirmed a day later.
LIFETIME = {RESET_PASSWORD: timedelta(minutes=30), SIGN_IN: timedelta(minutes=30), VERIFY_EMAIL: timedelta(days=1)}
#: How long rows are kept after they have expired, and former addresses.
KEPT = timedelta(days=7)
CLEANING_BATCH = 5_000

#: The row of the token, and the message, which has the same id.
_ASK = """
    WITH asked AS (
        SELECT coalesce(
            (SELECT id FROM accounts WHERE {whose} = %(whose)s AND email IS NOT NULL AND NOT disabled AND id <> ALL(%(closed)s)),
            %(nobody)s) AS account_id
    ), token AS (
        INSERT INTO mailed_tokens (id, purpose, account_id, expires_at)
        SELECT %(id)s, %(purpose)s, account_id, now() + %(lifetime)s FROM asked
    )
    INSERT INTO outbox (id, channel, kind, recipient_id, details, state, settled_at)
    SELECT %(id)s, %(channel)s, %(purpose)s, account_id, jsonb_build_object('token', %(id)s::text),
        CASE account_id WHEN %(nobody)s THEN 'skipped' ELSE 'due' END, CASE account_id WHEN %(nobody)s THEN now() END
    FROM asked RETURNING recipient_id"""
_BY_EMAIL, _BY_ID = _ASK.format(whose="email"), _ASK.format(whose="id")


class Found(NamedTuple):
    """A token that may be used, and its account."""

    id: UUID
    account_id: UUID


async def ask_by_email(cursor: Cursor, purpose: str, email: str, closed: list[UUID]) -> None:
    """For the account with this address, or for nobody. `closed`: accounts that can't be used here."""
    await cursor.execute(_BY_EMAIL, _parameters(purpose, email, closed))


async def ask(cursor: Cursor, purpose: str, account_id: UUID, closed: list[UUID] | None = None) -> bool:
    """For an account. False: there is none that may log in."""
    await cursor.execute(_BY_ID, _parameters(purpose, account_id, closed or []))
    return await cursor.fetchone() != (NOBODY,)


async def find(cursor: Cursor, id_: UUID) -> Found:
    """Raises TokenExpired, TokenUsed."""
    await cursor.execute(
        "SELECT t.used_at IS NOT NULL, t.expires_at > now(), a.id FROM mailed_tokens t"
        " JOIN accounts a ON a.id = t.account_id AND a.email IS NOT NULL AND NOT a.disabled WHERE t.id = %s",
        (id_,),
    )
    was_used, is_in_time, account_id = await cursor.fetchone() or (False, False, None)
    if was_used:
        raise errors.TokenUsed
    if not is_in_time:
        raise errors.TokenExpired
    return Found(id_, account_id)


async def use(cursor: Cursor, found: Found) -> None:
    """Locks the account, as all do that change it, and spends the token: of two requests at once, one comes through. Raises
    TokenExpired, TokenUsed."""
    await cursor.execute("SELECT FROM accounts WHERE id = %s FOR NO KEY UPDATE", (found.account_id,))
    await find(cursor, found.id)
    await cursor.execute("UPDATE mailed_tokens SET used_at = now() WHERE id = %s", (found.id,))


async def void(cursor: Cursor, account_id: UUID) -> None:
    """The account has changed, so that its open tokens are worth nothing. What was used stays, to say so."""
    await cursor.execute("DELETE FROM mailed_tokens WHERE account_id = %s AND used_at IS NULL", (account_id,))


async def clean(cursor: Cursor) -> None:
    """Deletes what is past its days, some at a time."""
    for table, column in (("mailed_tokens", "expires_at"), ("former_addresses", "replaced_at")):
        await cursor.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < now() - %s::interval LIMIT %s)",
            (KEPT, CLEANING_BATCH),
        )


def _parameters(purpose: str, whose: str | UUID, closed: list[UUID]) -> dict[str, Any]:
    return {
        "id": uuid4(), "whose": whose, "purpose": purpose, "nobody": NOBODY, "channel": MAIL, "lifetime": LIFETIME[purpose],
        "closed": closed,
    }  # fmt: skip
