"""The rows of accounts: how they are read, locked and changed within a transaction of the caller."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec
import psycopg

from accounts import claims, errors, mailed_tokens, second_factor, tokens
from accounts.database import Cursor
from accounts.guests import DEFAULT_ORGANIZER
from accounts.origin import Origin
from accounts.trail import AccountAction, record
from ledger.commands import Role
from ledger.mail_choices import ACCOUNT_BOUNCES, ACCOUNT_WANTS, FORGET_BOUNCES, OPT_IN, OPT_OUT
from ledger.mail_tokens import SIGN_IN, VERIFY_EMAIL
from ledger.outbox import MAIL

ERASED_NAME = "erased"


class Account(msgspec.Struct, frozen=True):
    """An account or contact without its secrets. `email` is normalized (`ledger.field_types.Email`). `is_contact`: who bought at
    the box office or booked as a guest, and can't log in. `has_second_factor`: log-ins need a code. `is_email_proven`: its owner
    has opened a link that was mailed there. `wants_organizer_mail`: reminders, and what organizers write. `is_email_bouncing`: the
    address's server says that there is none."""

    COLUMNS = (
        "id, name, coalesce(email, contact_email), phone, role, disabled, created_at, email IS NULL,"
        " EXISTS (SELECT FROM second_factors f WHERE f.account_id = accounts.id AND f.confirmed_at IS NOT NULL),"
        f" email_proven_at IS NOT NULL, {ACCOUNT_WANTS}, {ACCOUNT_BOUNCES}"
    )

    id: UUID
    name: str
    email: str
    phone: str | None
    role: Role
    disabled: bool
    created_at: datetime
    is_contact: bool = False
    has_second_factor: bool = False
    is_email_proven: bool = False
    wants_organizer_mail: bool = True
    is_email_bouncing: bool = False

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Self:
        id_, name, email, phone, role, disabled, created_at, *flags = row
        return cls(id_, name, email, phone, Role(role), disabled, created_at.astimezone(UTC), *flags)


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    email: str
    password: str
    phone: str | None = None
    role: Role = Role.CUSTOMER


async def read(cursor: Cursor, account_id: UUID) -> Account:
    await cursor.execute(f"SELECT {Account.COLUMNS} FROM accounts WHERE id = %s AND email IS NOT NULL", (account_id,))
    row = await cursor.fetchone()
    if row is None:
        raise errors.AccountNotFound
    return Account.from_row(row)


async def insert(cursor: Cursor, account_id: UUID, new: NewAccount, password_hash: str) -> Account:
    await cursor.execute(
        "INSERT INTO accounts (id, name, email, phone, role, password_hash) VALUES (%s, %s, %s, %s, %s, %s)"
        f" ON CONFLICT DO NOTHING RETURNING {Account.COLUMNS}",
        (account_id, new.name, new.email, new.phone, new.role, password_hash),
    )
    row = await cursor.fetchone()
    if row is not None:
        return Account.from_row(row)
    await cursor.execute("SELECT FROM accounts WHERE id = %s", (account_id,))
    # The id exists, but not its command: the same command has created this account, and it was erased. It is not created again.
    raise errors.AccountNotFound if cursor.rowcount else errors.EmailTaken


async def lock_actor(cursor: Cursor, actor_id: UUID | None) -> None:
    """Locks the admin who acts, until the transaction ends: a concurrent removal comes wholly before or after it. Raises Forbidden
    if the actor is no enabled admin any more: the cache of tokens may not know yet."""
    if actor_id is None:
        return
    await cursor.execute("SELECT FROM accounts WHERE id = %s AND role = 'admin' AND NOT disabled FOR SHARE", (actor_id,))
    if not cursor.rowcount:
        raise errors.Forbidden


async def lock_admins(cursor: Cursor, account_id: UUID, *, stays: bool, actor_id: UUID | None = None) -> None:
    """Locks this account and every enabled admin, in the order of their ids, until the transaction ends.

    Raises Forbidden if the actor is no enabled admin any more; AccountNotFound; LastAdmin if this is the only enabled admin and
    does not remain one."""
    await cursor.execute(
        "SELECT id, role = 'admin' AND NOT disabled FROM accounts"
        " WHERE (id = %s AND coalesce(email, contact_email) IS NOT NULL) OR (role = 'admin' AND NOT disabled)"
        " ORDER BY id FOR NO KEY UPDATE",
        (account_id,),
    )
    is_admin: dict[UUID, bool] = dict(await cursor.fetchall())
    if actor_id is not None and not is_admin.get(actor_id):
        raise errors.Forbidden
    if account_id not in is_admin:
        raise errors.AccountNotFound
    if is_admin[account_id] and sum(is_admin.values()) == 1 and not stays:
        raise errors.LastAdmin


async def erase(cursor: Cursor, account_id: UUID) -> UUID | None:
    """Erases the personal data of an account and of the contacts that it has claimed, or of a contact. Returns the account that had
    claimed this contact."""
    for table in ("mail_opt_outs", "mail_bounces"):
        await cursor.execute(
            f"DELETE FROM {table} USING accounts WHERE accounts.id = account_id AND (id = %s OR claimed_by = %s)",
            (account_id, account_id),
        )
    await cursor.execute("DELETE FROM announcements WHERE sender_id = %s", (account_id,))
    await cursor.execute("SELECT claimed_by FROM accounts WHERE id = %s", (account_id,))
    owner_id: UUID | None
    (owner_id,) = await cursor.fetchone() or (None,)
    await cursor.execute(
        "UPDATE accounts SET name = %s, email = NULL, contact_email = NULL, contact_of = NULL, guest_of = NULL, claimed_by = NULL,"
        " phone = NULL, password_hash = NULL, disabled = true, access_changed_at = clock_timestamp()"
        " WHERE id = %s OR claimed_by = %s",
        (ERASED_NAME, account_id, account_id),
    )
    await cursor.execute("UPDATE accounts SET access_changed_at = clock_timestamp() WHERE id = %s", (owner_id,))
    return owner_id


async def erase_guest(cursor: Cursor, guest_id: UUID) -> None:
    """Erases the person of a guest of another API. Raises AccountNotFound."""
    await cursor.execute(
        "UPDATE guests SET name = %s, handle = NULL, email = NULL, phone = NULL, password_hash = NULL, erased_at = now()"
        " WHERE id = %s AND erased_at IS NULL AND handle IS DISTINCT FROM %s",
        (ERASED_NAME, guest_id, DEFAULT_ORGANIZER),
    )
    if not cursor.rowcount:
        raise errors.AccountNotFound
    await cursor.execute("DELETE FROM guest_tokens WHERE guest_id = %s", (guest_id,))


async def change(
    cursor: Cursor, account_id: UUID, changes: Mapping[str, Any], origin: Origin, *, keep_token: bytes | None = None
) -> Account:
    """Updates an account, whose row the caller has locked, and revokes its tokens if a change requires that."""
    before = await read(cursor, account_id)
    after = msgspec.structs.replace(before, **{name: value for name, value in changes.items() if name != "password_hash"})
    has_new_email = after.email != before.email
    if has_new_email:
        after = msgspec.structs.replace(after, is_email_proven=False, is_email_bouncing=False)
        # Checked first: the database would write the address into its log if the constraint refused it.
        await cursor.execute("SELECT FROM accounts WHERE email = %s", (after.email,))
        if cursor.rowcount:
            raise errors.EmailTaken
    password_hash = changes.get("password_hash")
    ends_sessions = password_hash is not None or has_new_email or (after.disabled and not before.disabled)
    access_changes = ends_sessions or (after.role, after.disabled) != (before.role, before.disabled)
    try:
        await cursor.execute(
            "UPDATE accounts SET name = %s, email = %s, phone = %s, role = %s, disabled = %s,"
            " password_hash = coalesce(%s, password_hash), email_proven_at = CASE WHEN %s THEN NULL ELSE email_proven_at END,"
            " access_changed_at = CASE WHEN %s THEN clock_timestamp() ELSE access_changed_at END WHERE id = %s",
            (
                after.name, after.email, after.phone, after.role, after.disabled, password_hash, has_new_email, access_changes,
                account_id,
            ),
        )  # fmt: skip
    except psycopg.errors.UniqueViolation:  # another account has taken the address at the same time
        raise errors.EmailTaken from None
    if after.wants_organizer_mail != before.wants_organizer_mail:
        await cursor.execute(OPT_IN if after.wants_organizer_mail else OPT_OUT, (account_id,))
    if has_new_email:
        await cursor.execute("DELETE FROM mail_bounces WHERE account_id = %s", (account_id,))
    if ends_sessions:
        await tokens.revoke(cursor, account_id, keep=keep_token)
        await mailed_tokens.void(cursor, account_id)
    former_address = await _replace_address(cursor, before) if has_new_email else None
    for action in _actions(before, after, has_new_password=password_hash is not None):
        roles = (before.role, after.role) if action == AccountAction.ROLE_CHANGED else (None, None)
        former = former_address if action == AccountAction.EMAIL_CHANGED else None
        await record(cursor, action, account_id, origin, roles=roles, former_address=former)
    return after


async def prove_email(cursor: Cursor, account_id: UUID, origin: Origin, *, keeps_access: bool = False) -> None:
    """Whoever owns the account has opened a mail to its address, and gets what was booked under it. `keeps_access`: they also had a
    session of it. Else whoever set its password before may be somebody else, who typed in this address: that ends."""
    await cursor.execute(
        "UPDATE accounts SET email_proven_at = now() WHERE id = %s AND email_proven_at IS NULL AND email IS NOT NULL", (account_id,)
    )
    if cursor.rowcount:
        await record(cursor, AccountAction.EMAIL_PROVEN, account_id, origin)
        if not keeps_access:
            await _end_access(cursor, account_id, origin)
    await cursor.execute(FORGET_BOUNCES, (account_id,))
    await claims.claim(cursor, account_id, origin)


async def hand_over_unproven(cursor: Cursor, account_id: UUID, origin: Origin) -> None:
    """Before a customer gets another role. If nobody has confirmed the account's address, a stranger may have set the password:
    then all access ends, and a link to sign in is mailed to the address. Changes nothing where no mail is sent."""
    await cursor.execute(
        "SELECT role FROM accounts WHERE id = %s AND email IS NOT NULL AND email_proven_at IS NULL"
        " AND EXISTS (SELECT FROM subscriptions WHERE name = %s)",
        (account_id, MAIL),
    )
    if await cursor.fetchone() == (Role.CUSTOMER,):
        await _end_access(cursor, account_id, origin)
        await mailed_tokens.ask(cursor, SIGN_IN, account_id)


async def _end_access(cursor: Cursor, account_id: UUID, origin: Origin) -> None:
    """Password, sessions and links end. The second factor of staff stays: somebody has given them their role."""
    await cursor.execute(
        "UPDATE accounts SET password_hash = NULL, access_changed_at = clock_timestamp() WHERE id = %s RETURNING role",
        (account_id,),
    )
    row = await cursor.fetchone()
    await tokens.revoke(cursor, account_id)
    await mailed_tokens.void(cursor, account_id)
    if row == (Role.CUSTOMER,) and await second_factor.delete(cursor, account_id):
        await record(cursor, AccountAction.SECOND_FACTOR_REMOVED, account_id, origin)


async def ask_to_prove_email(cursor: Cursor, account_id: UUID) -> None:
    """Mails a link to a new address, where mail is sent."""
    await cursor.execute("SELECT FROM subscriptions WHERE name = %s", (MAIL,))
    if cursor.rowcount:
        await mailed_tokens.ask(cursor, VERIFY_EMAIL, account_id)


async def _replace_address(cursor: Cursor, before: Account) -> UUID:
    """Keeps the address that the account had, to tell it; returns its id. The new one is to be proven."""
    former = uuid4()
    await cursor.execute(
        "INSERT INTO former_addresses (id, account_id, email) VALUES (%s, %s, %s)", (former, before.id, before.email)
    )
    await ask_to_prove_email(cursor, before.id)
    return former


def _actions(before: Account, after: Account, *, has_new_password: bool) -> list[AccountAction]:
    """What the trail says about a change. Names and phone numbers change unnoticed."""
    happened = {
        AccountAction.ROLE_CHANGED: after.role != before.role,
        AccountAction.DISABLED: after.disabled and not before.disabled,
        AccountAction.ENABLED: before.disabled and not after.disabled,
        AccountAction.PASSWORD_CHANGED: has_new_password,
        AccountAction.EMAIL_CHANGED: after.email != before.email,
    }
    return [action for action, did in happened.items() if did]
