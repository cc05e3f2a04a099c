"""Claims: a person who has proved an e-mail address gets what was booked under it.

A contact is claimed by the account with its address, once that address is proved: its bookings are the account's, too, and stay so
if the account changes its address later. It is done when the address is proved, when the account logs in, when the box office
sells to the address, and on request.
"""

from uuid import UUID

from accounts.database import Cursor
from accounts.origin import OPERATOR, Origin
from accounts.trail import AccountAction, record

#: Contacts that one account claims: each of its commands looks at all of them, and anybody can book under any address.
MAX_CLAIMED = 1_000

#: Whether the address is proved is read after the lock was acquired: a proof comes wholly before or after.
_LOCK = """
    SELECT id, email_proven_at IS NOT NULL AND NOT disabled FROM accounts WHERE email IS NOT NULL AND {} = %s FOR NO KEY UPDATE"""
#: Whether `claim` would claim something for a row of `accounts`.
HAS_NEW = """(accounts.email_proven_at IS NOT NULL AND EXISTS (
    SELECT FROM accounts AS contacts WHERE contacts.contact_email = accounts.email AND contacts.claimed_by IS NULL))"""
_CLAIM = """
    WITH claimed AS (
        UPDATE accounts SET claimed_by = %(owner)s WHERE id IN (
            SELECT id FROM accounts
            WHERE claimed_by IS NULL AND contact_email = (SELECT email FROM accounts WHERE id = %(owner)s)
            ORDER BY created_at, id
            LIMIT greatest(0, %(most)s - (SELECT count(*) FROM accounts WHERE claimed_by = %(owner)s)) FOR NO KEY UPDATE)
        RETURNING 1
    ), changed AS (
        UPDATE accounts SET access_changed_at = clock_timestamp() WHERE id = %(owner)s AND EXISTS (SELECT FROM claimed)
    )
    SELECT count(*) FROM claimed"""


async def claim(cursor: Cursor, account_id: UUID, origin: Origin = OPERATOR) -> int | None:
    """Claims the contacts with the account's address, the oldest first, in the transaction of the caller, which locks the account.
    Returns how many; None: the account has not proved its address. Each process knows of it within 2 s (`accounts/tokens.py`);
    this one, once the caller has called `AccessCache.forget_account`."""
    if await _lock(cursor, "id", account_id) is None:
        return None
    await cursor.execute(_CLAIM, {"owner": account_id, "most": MAX_CLAIMED})
    (count,) = await cursor.fetchone() or (0,)
    if count:
        await record(cursor, AccountAction.CONTACTS_CLAIMED, account_id, origin)
    return int(count)


async def lock_owner(cursor: Cursor, email: str) -> UUID | None:
    """The account that has proved this address. It is locked until the transaction ends, proved or not: so no contact that is made
    in it escapes a claim at the same time."""
    return await _lock(cursor, "email", email)


async def _lock(cursor: Cursor, column: str, value: UUID | str) -> UUID | None:
    await cursor.execute(_LOCK.format(column), (value,))
    id_, is_proven = await cursor.fetchone() or (None, False)
    return id_ if is_proven else None


async def join(cursor: Cursor, owner_id: UUID | None, contact_id: UUID) -> frozenset[UUID]:
    """Claims a contact that was just found or made for the address of this account, as `lock_owner` returned it. Returns all ids of
    the person; none if the contact is nobody's."""
    if owner_id is None:
        return frozenset()
    await claim(cursor, owner_id)
    await cursor.execute("SELECT id FROM accounts WHERE claimed_by = %s", (owner_id,))
    claimed = {id_ for (id_,) in await cursor.fetchall()}
    return frozenset((owner_id, *claimed)) if contact_id in claimed else frozenset()
