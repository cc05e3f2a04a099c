"""Commands about accounts, by their owners and by admins: sign up, log in, change, erase."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec
import psycopg

from accounts import errors, password_rules, second_factor, tokens
from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.guests import DEFAULT_ORGANIZER
from accounts.idempotency import IdempotentExecutor
from accounts.origin import OPERATOR, Origin
from accounts.passwords import Passwords
from accounts.second_factor import SecondFactors
from accounts.tokens import AccessCache
from accounts.trail import AccountAction, Trail, record
from ledger.commands import Role

#: Returns a sentence that says why an account can't be erased yet (upcoming bookings, active events), or None.
FindErasureObstacle = Callable[[UUID], Awaitable[str | None]]
ERASED_NAME = "erased"


class Account(msgspec.Struct, frozen=True):
    """An account or contact without its secrets. `email` is normalized (`ledger.field_types.Email`). `is_contact`: a customer of
    the box office, for whom nobody logs in. `has_second_factor`: log-ins need a code."""

    COLUMNS = (
        "id, name, coalesce(email, contact_email), phone, role, disabled, created_at, email IS NULL,"
        " EXISTS (SELECT FROM second_factors f WHERE f.account_id = accounts.id AND f.confirmed_at IS NOT NULL)"
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


class NewSession(msgspec.Struct, frozen=True):
    """The result of a log-in. The token is readable here only; the database stores its hash."""

    token: str
    expires_at: datetime
    account: Account


class AccountPolicy(msgspec.Struct, frozen=True):
    """`closed_accounts`: nobody can log in to them."""

    session_hours: int
    find_erasure_obstacle: FindErasureObstacle
    closed_accounts: frozenset[UUID] = frozenset()


class AccountService:
    """Methods raise errors of `accounts.errors`; Busy or OutcomeUnknown if the database or the hasher is overloaded."""

    def __init__(
        self,
        pool: Pool,
        passwords: Passwords,
        cache: AccessCache,
        second_factors: SecondFactors,
        trail: Trail,
        *,
        key: bytes,
        policy: AccountPolicy,
    ) -> None:
        self._pool = pool
        self._passwords = passwords
        self._cache = cache
        self._second_factors = second_factors
        self._trail = trail
        self._executor = IdempotentExecutor(pool, key)
        self._policy = policy

    async def get(self, account_id: UUID) -> Account:
        async with one_statement(self._pool) as cursor:
            return await _read(cursor, account_id)

    async def sign_up(self, new: NewAccount, origin: Origin = OPERATOR) -> Account:
        """Creates an account. What a contact with this e-mail address booked at the box office stays the contact's: the caller has
        not proved that the address is theirs. Raises EmailTaken, WeakPassword."""
        password_rules.check(new.password, email=new.email, name=new.name)
        password_hash = await self._passwords.hash_of_sign_up(new.password)
        async with transaction(self._pool) as cursor:
            account = await _insert(cursor, uuid4(), new, password_hash)
            await record(cursor, AccountAction.SIGNED_UP, account.id, _by(account.id, origin), roles=(None, account.role))
            return account

    async def log_in(self, email: str, password: str, code: str | None = None, origin: Origin = OPERATOR) -> NewSession:
        """A new session. `code`: of the second factor, if the account has one.

        Raises WrongCredentials, after the same work whatever the cause is; SecondFactorRequired."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(f"SELECT password_hash, {Account.COLUMNS} FROM accounts WHERE email = %s", (email,))
            row = await cursor.fetchone() or (None,)
        password_hash, *columns = row
        account = Account.from_row(tuple(columns)) if columns else None
        is_right = await self._passwords.verify(password_hash, password)
        if not is_right or account is None or account.disabled or account.id in self._policy.closed_accounts:
            self._trail.log_in_failed(None if account is None else account.id, origin)
            raise errors.WrongCredentials
        if account.has_second_factor:
            if code is None:
                raise errors.SecondFactorRequired
            if not await self._second_factors.use(account.id, code, _by(account.id, origin)):
                self._trail.log_in_failed(account.id, origin)
                raise errors.SecondFactorRequired(is_wrong=True)
        fresh = await self._passwords.hash(password) if self._passwords.is_outdated(password_hash) else password_hash
        token, token_hash = tokens.new_token()
        parameters = {
            "id": account.id, "password_hash": password_hash, "fresh": fresh, "hours": self._policy.session_hours,
            "token_hash": token_hash, "others": tokens.MAX_TOKENS - 1, "network": origin.network, "client": origin.client,
        }  # fmt: skip
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(_LOG_IN, parameters)
            expires = await cursor.fetchone()
        if expires is None:
            raise errors.WrongCredentials
        return NewSession(token, expires[0].astimezone(UTC), account)

    async def reauthenticate(self, account_id: UUID, token_hash: bytes, password: str, code: str | None, origin: Origin) -> None:
        """The password was given again in this session. Raises WrongPassword; WrongCode if the account has a second factor."""
        account = await self.get(account_id)
        async with one_statement(self._pool) as cursor:
            await cursor.execute("SELECT password_hash FROM accounts WHERE id = %s", (account_id,))
            (password_hash,) = await cursor.fetchone() or (None,)
        is_right = await self._passwords.verify(password_hash, password)
        if not is_right:
            self._trail.log_in_failed(account_id, origin)
            raise errors.WrongPassword("password")
        if account.has_second_factor and (code is None or not await self._second_factors.use(account_id, code, origin)):
            raise errors.WrongCode
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(
                "UPDATE tokens SET authenticated_at = now() FROM accounts a"
                " WHERE token_hash = %s AND revoked_at IS NULL AND a.id = account_id AND a.password_hash = %s",
                (token_hash, password_hash),
            )
            if not cursor.rowcount:  # the session was ended, or the password changed, in the meantime
                raise errors.WrongPassword("password")

    async def log_out(self, token_hash: bytes) -> None:
        """Revokes a token. It takes effect in every process within 2 s."""
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "UPDATE tokens SET revoked_at = clock_timestamp() WHERE token_hash = %s AND revoked_at IS NULL", (token_hash,)
            )
        self._cache.forget(token_hash)

    async def create_user(self, new: NewAccount, command_id: UUID, origin: Origin = OPERATOR) -> Account:
        """Creates an account, whose id is that of the command.

        Raises EmailTaken, WeakPassword; Forbidden if the actor is no enabled admin any more."""

        async def prepare() -> str:
            password_rules.check(new.password, email=new.email, name=new.name)
            return await self._passwords.hash(new.password)

        async def act(cursor: Cursor, password_hash: str) -> Account:
            await _lock_actor(cursor, origin.actor_id)
            account = await _insert(cursor, command_id, new, password_hash)
            await record(cursor, AccountAction.CREATED, account.id, origin, roles=(None, account.role))
            return account

        body = {"create_user": msgspec.to_builtins(new)}
        return await self._executor.execute(command_id, command_id, body, Account, prepare, act)

    async def update_user(
        self, account_id: UUID, changes: Mapping[str, Any], command_id: UUID, origin: Origin = OPERATOR
    ) -> Account:
        """Changes `role` and `disabled`. A disabled account is logged out; a new role takes effect in every process within 2 s.

        Raises AccountNotFound; LastAdmin; Forbidden if the actor is no enabled admin any more."""

        async def act(cursor: Cursor, _: None) -> Account:
            await _lock_admins(cursor, account_id, stays=_stays_admin(changes), actor_id=origin.actor_id)
            return await _change(cursor, account_id, changes, origin)

        account = await self._executor.execute(command_id, account_id, {"update_user": dict(changes)}, Account, _nothing, act)
        self._cache.forget_account(account_id)
        return account

    async def update_me(
        self,
        account_id: UUID,
        changes: Mapping[str, Any],
        command_id: UUID,
        *,
        old_password: str | None = None,
        keep_token: bytes | None = None,
        origin: Origin = OPERATOR,
    ) -> Account:
        """Changes `name`, `phone`, `email` and `password`. The last two need the old password, and revoke all tokens except
        `keep_token`.

        Raises WrongPassword, WeakPassword, EmailTaken, AccountNotFound."""
        columns = {name: value for name, value in changes.items() if name != "password"}

        async def prepare() -> tuple[str | None, str | None]:
            if not {"password", "email"} & changes.keys():
                return None, None
            async with one_statement(self._pool) as cursor:
                await cursor.execute("SELECT password_hash, email, name FROM accounts WHERE id = %s", (account_id,))
                old_hash, email, name = await cursor.fetchone() or (None, "", "")
            if old_password is None or not await self._passwords.verify(old_hash, old_password):
                raise errors.WrongPassword
            if "password" in changes:
                own = {"email": changes.get("email", email), "name": changes.get("name", name)}
                password_rules.check(changes["password"], **own)
            return old_hash, await self._passwords.hash(changes["password"]) if "password" in changes else None

        async def act(cursor: Cursor, hashes: tuple[str | None, str | None]) -> Account:
            old_hash, new_hash = hashes
            await cursor.execute("SELECT password_hash FROM accounts WHERE id = %s FOR NO KEY UPDATE", (account_id,))
            if old_hash is not None and await cursor.fetchone() != (old_hash,):
                raise errors.WrongPassword  # it was changed in the meantime
            password = {"password_hash": new_hash} if new_hash is not None else {}
            return await _change(cursor, account_id, {**columns, **password}, _by(account_id, origin), keep_token=keep_token)

        body = {"update_me": dict(changes), "old_password": old_password}
        account = await self._executor.execute(command_id, account_id, body, Account, prepare, act)
        if {"password", "email"} & changes.keys():
            self._cache.forget_account(account_id)
        return account

    async def erase(self, account_id: UUID, origin: Origin = OPERATOR) -> None:
        """Erases all personal data and the tokens of an account, a contact or a guest; the id remains, since the ledger contains
        it. The actor is an admin, or the person.

        Raises AccountNotFound; ErasureRefused while something prevents it; LastAdmin; Forbidden if the actor is no enabled admin
        any more. What prevents it is checked before the transaction: a booking that is made at the same time remains, with an id
        without a name."""
        if (obstacle := await self._policy.find_erasure_obstacle(account_id)) is not None:
            raise errors.ErasureRefused(obstacle)
        async with transaction(self._pool) as cursor:
            actor_id = origin.actor_id if origin.actor_id != account_id else None
            await record(cursor, AccountAction.ERASED, account_id, origin)
            try:
                await _lock_admins(cursor, account_id, stays=False, actor_id=actor_id)
            except errors.AccountNotFound:
                await _erase_guest(cursor, account_id)
                return
            await cursor.execute(
                "UPDATE accounts SET name = %s, email = NULL, contact_email = NULL, contact_of = NULL, phone = NULL,"
                " password_hash = NULL, disabled = true, access_changed_at = clock_timestamp() WHERE id = %s",
                (ERASED_NAME, account_id),
            )
            await cursor.execute("DELETE FROM tokens WHERE account_id = %s", (account_id,))
            await cursor.execute("DELETE FROM account_commands WHERE account_id = %s", (account_id,))
            await second_factor.delete(cursor, account_id)
        self._cache.forget_account(account_id)

    async def set_password(self, email: str, password: str) -> Account:
        """Sets a password for the operator CLI: without the old password, and revoking all tokens. Raises AccountNotFound,
        WeakPassword."""
        password_rules.check(password, email=email, name="")
        password_hash = await self._passwords.hash(password)
        async with transaction(self._pool) as cursor:
            await cursor.execute("SELECT id FROM accounts WHERE email = %s FOR NO KEY UPDATE", (email,))
            row = await cursor.fetchone()
            if row is None:
                raise errors.AccountNotFound
            account = await _change(cursor, row[0], {"password_hash": password_hash}, OPERATOR)
        self._cache.forget_account(account.id)
        return account

    async def remove_second_factor(self, email: str) -> Account:
        """For the operator CLI: somebody has lost it, and the recovery codes. Raises AccountNotFound, SecondFactorNotFound."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(f"SELECT {Account.COLUMNS} FROM accounts WHERE email = %s", (email,))
            row = await cursor.fetchone()
        if row is None:
            raise errors.AccountNotFound
        account = Account.from_row(row)
        await self._second_factors.remove(account.id, OPERATOR)
        return account


def _by(account_id: UUID, origin: Origin) -> Origin:
    """The same origin, of somebody who is the account itself."""
    return msgspec.structs.replace(origin, actor_id=account_id)


async def _nothing() -> None:
    return None


def _stays_admin(changes: Mapping[str, Any]) -> bool:
    """Whether an enabled admin remains one after these changes."""
    return changes.get("role", Role.ADMIN) == Role.ADMIN and not changes.get("disabled", False)


async def _read(cursor: Cursor, account_id: UUID) -> Account:
    await cursor.execute(f"SELECT {Account.COLUMNS} FROM accounts WHERE id = %s AND email IS NOT NULL", (account_id,))
    row = await cursor.fetchone()
    if row is None:
        raise errors.AccountNotFound
    return Account.from_row(row)


async def _insert(cursor: Cursor, account_id: UUID, new: NewAccount, password_hash: str) -> Account:
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


async def _lock_actor(cursor: Cursor, actor_id: UUID | None) -> None:
    """Locks the admin who acts, until the transaction ends: a concurrent removal comes wholly before or after it. Raises Forbidden
    if the actor is no enabled admin any more: the cache of tokens may not know yet."""
    if actor_id is None:
        return
    await cursor.execute("SELECT FROM accounts WHERE id = %s AND role = 'admin' AND NOT disabled FOR SHARE", (actor_id,))
    if not cursor.rowcount:
        raise errors.Forbidden


async def _lock_admins(cursor: Cursor, account_id: UUID, *, stays: bool, actor_id: UUID | None = None) -> None:
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


async def _erase_guest(cursor: Cursor, guest_id: UUID) -> None:
    """Erases the person of a guest of another API. Raises AccountNotFound."""
    await cursor.execute(
        "UPDATE guests SET name = %s, handle = NULL, email = NULL, phone = NULL, password_hash = NULL, erased_at = now()"
        " WHERE id = %s AND erased_at IS NULL AND handle IS DISTINCT FROM %s",
        (ERASED_NAME, guest_id, DEFAULT_ORGANIZER),
    )
    if not cursor.rowcount:
        raise errors.AccountNotFound
    await cursor.execute("DELETE FROM guest_tokens WHERE guest_id = %s", (guest_id,))


async def _change(
    cursor: Cursor, account_id: UUID, changes: Mapping[str, Any], origin: Origin, *, keep_token: bytes | None = None
) -> Account:
    """Updates an account, whose row the caller has locked, and revokes its tokens if a change requires that."""
    before = await _read(cursor, account_id)
    after = msgspec.structs.replace(before, **{name: value for name, value in changes.items() if name != "password_hash"})
    if after.email != before.email:
        # Checked first: the database would write the address into its log if the constraint refused it.
        await cursor.execute("SELECT FROM accounts WHERE email = %s", (after.email,))
        if cursor.rowcount:
            raise errors.EmailTaken
    password_hash = changes.get("password_hash")
    ends_sessions = password_hash is not None or after.email != before.email or (after.disabled and not before.disabled)
    access_changes = ends_sessions or (after.role, after.disabled) != (before.role, before.disabled)
    try:
        await cursor.execute(
            "UPDATE accounts SET name = %s, email = %s, phone = %s, role = %s, disabled = %s,"
            " password_hash = coalesce(%s, password_hash),"
            " access_changed_at = CASE WHEN %s THEN clock_timestamp() ELSE access_changed_at END WHERE id = %s",
            (after.name, after.email, after.phone, after.role, after.disabled, password_hash, access_changes, account_id),
        )
    except psycopg.errors.UniqueViolation:  # another account has taken the address at the same time
        raise errors.EmailTaken from None
    if ends_sessions:
        await tokens.revoke(cursor, account_id, keep=keep_token)
    for action in _actions(before, after, has_new_password=password_hash is not None):
        roles = (before.role, after.role) if action == AccountAction.ROLE_CHANGED else (None, None)
        await record(cursor, action, account_id, origin, roles=roles)
    return after


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


#: Stores a new token, and revokes the oldest ones past MAX_TOKENS. If the account is being disabled or its password changed, the
#: statement waits for that, and then changes nothing: then there is no row.
_LOG_IN = """
    WITH account AS (
        UPDATE accounts SET password_hash = %(fresh)s WHERE id = %(id)s AND password_hash = %(password_hash)s AND NOT disabled
        RETURNING id, now() + make_interval(hours => %(hours)s) AS expires_at
    ), revoked AS (
        UPDATE tokens SET revoked_at = clock_timestamp() WHERE token_hash IN (
            SELECT token_hash FROM tokens WHERE account_id = (SELECT id FROM account) AND revoked_at IS NULL
            ORDER BY created_at DESC OFFSET %(others)s)
    )
    INSERT INTO tokens (token_hash, account_id, expires_at, network, client)
    SELECT %(token_hash)s, id, expires_at, %(network)s, %(client)s FROM account RETURNING expires_at"""
