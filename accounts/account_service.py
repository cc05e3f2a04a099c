"""Commands about accounts, by their owners and by admins: sign up, log in, change, erase."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from accounts import account_rows, claims, errors, password_rules, second_factor, tokens
from accounts.account_rows import Account, NewAccount
from accounts.database import Cursor, Pool, one_statement, transaction
from accounts.idempotency import IdempotentExecutor
from accounts.origin import OPERATOR, Origin
from accounts.passwords import Passwords
from accounts.second_factor import SecondFactors
from accounts.tokens import AccessCache
from accounts.trail import AccountAction, Trail, record
from ledger import webhooks
from ledger.commands import Role

#: Returns a sentence that says why an account can't be erased yet (upcoming bookings, active events), or None.
FindErasureObstacle = Callable[[UUID], Awaitable[str | None]]


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
            return await account_rows.read(cursor, account_id)

    async def find(self, email: str) -> Account | None:
        """The account that has this address."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(f"SELECT {Account.COLUMNS} FROM accounts WHERE email = %s", (email,))
            row = await cursor.fetchone()
        return None if row is None else Account.from_row(row)

    async def sign_up(self, new: NewAccount, origin: Origin = OPERATOR, *, mails_link: bool = True) -> Account:
        """Creates an account. `mails_link`: where mail is sent, a link to confirm the address goes there. What a contact with this
        e-mail address booked at the box office stays the contact's: the caller has not proved that the address is
        theirs. Raises EmailTaken, WeakPassword."""
        password_rules.check(new.password, email=new.email, name=new.name)
        password_hash = await self._passwords.hash_for_sign_up(new.password)
        async with transaction(self._pool) as cursor:
            account = await account_rows.insert(cursor, uuid4(), new, password_hash)
            await record(cursor, AccountAction.SIGNED_UP, account.id, _by(account.id, origin), roles=(None, account.role))
            if mails_link:
                await account_rows.ask_to_prove_email(cursor, account.id)
            return account

    async def log_in(
        self, email: str, password: str, code: str | None = None, origin: Origin = OPERATOR, *, replaces: bytes | None = None
    ) -> NewSession:
        """A new session. `code`: of the second factor, if the account has one. `replaces`: the hash of the token that the browser
        had, of whatever account; it is revoked. What was booked under a proved address since is claimed.

        Raises WrongCredentials, after the same work whatever the cause is; SecondFactorRequired."""
        async with one_statement(self._pool) as cursor:
            await cursor.execute(
                f"SELECT password_hash, {claims.HAS_NEW}, {Account.COLUMNS} FROM accounts WHERE email = %s", (email,)
            )
            row = await cursor.fetchone() or (None, False)
        password_hash, has_new_claims, *columns = row
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
        if has_new_claims:
            with suppress(errors.AccountUnverified):  # the address was changed in the meantime
                await self.claim(account.id, _by(account.id, origin))
        if self._passwords.is_outdated(password_hash):
            password_hash = await self._renew_hash(account.id, password_hash, password)
        return await self.open_session(account, password_hash, origin, replaces=replaces)

    async def _renew_hash(self, account_id: UUID, outdated: str, password: str) -> str:
        """Returns the hash of the password with the parameters of today. Raises WrongCredentials if it was changed since."""
        renewed = await self._passwords.hash(password)
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(
                "UPDATE accounts SET password_hash = %s WHERE id = %s AND password_hash = %s", (renewed, account_id, outdated)
            )
            if cursor.rowcount:
                return renewed
        async with one_statement(self._pool) as cursor:  # another log-in may have renewed it
            await cursor.execute("SELECT password_hash FROM accounts WHERE id = %s", (account_id,))
            (password_hash,) = await cursor.fetchone() or (None,)
        if password_hash is None or not await self._passwords.verify(password_hash, password):
            raise errors.WrongCredentials
        return str(password_hash)

    async def open_session(
        self, account: Account, password_hash: str | None, origin: Origin, *, replaces: bytes | None = None
    ) -> NewSession:
        """A new session of somebody who has proved to be the account's owner. `password_hash`: as it was then. Raises
        WrongCredentials if the account has changed since."""
        token, token_hash = tokens.new_token()
        parameters = {
            "id": account.id, "password_hash": password_hash, "hours": self._policy.session_hours, "token_hash": token_hash,
            "replaces": replaces, "others": tokens.MAX_TOKENS - 1, "network": origin.network, "client": origin.client,
        }  # fmt: skip
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(_LOG_IN, parameters)
            expires = await cursor.fetchone()
        if expires is None:
            raise errors.WrongCredentials
        if replaces is not None:
            self._cache.forget(replaces)
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

    async def claim(self, account_id: UUID, origin: Origin = OPERATOR) -> int:
        """Claims the contacts that have the account's proved address (`accounts/claims.py`). Returns how many. Raises
        AccountUnverified."""
        async with transaction(self._pool) as cursor:
            count = await claims.claim(cursor, account_id, origin)
        if count is None:
            raise errors.AccountUnverified
        if count:
            self._cache.forget_account(account_id)
        return count

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
            await account_rows.lock_actor(cursor, origin.actor_id)
            account = await account_rows.insert(cursor, command_id, new, password_hash)
            await record(cursor, AccountAction.CREATED, account.id, origin, roles=(None, account.role))
            await account_rows.ask_to_prove_email(cursor, account.id)
            return account

        body = {"create_user": msgspec.to_builtins(new)}
        return await self._executor.execute(command_id, command_id, body, Account, prepare, act)

    async def update_user(
        self, account_id: UUID, changes: Mapping[str, Any], command_id: UUID, origin: Origin = OPERATOR
    ) -> Account:
        """Changes `role` and `disabled`. A disabled account is logged out; a new role takes effect in every process within 2 s. As
        for a customer whose address is not confirmed, see `account_rows.hand_over_unproven`.

        Raises AccountNotFound; LastAdmin; Forbidden if the actor is no enabled admin any more."""

        async def act(cursor: Cursor, _: None) -> Account:
            await account_rows.lock_admins(cursor, account_id, stays=_stays_admin(changes), actor_id=origin.actor_id)
            if changes.get("role", Role.CUSTOMER) != Role.CUSTOMER:
                await account_rows.hand_over_unproven(cursor, account_id, origin)
            return await account_rows.change(cursor, account_id, changes, origin)

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
            return await account_rows.change(
                cursor, account_id, {**columns, **password}, _by(account_id, origin), keep_token=keep_token
            )

        body = {"update_me": dict(changes), "old_password": old_password}
        account = await self._executor.execute(command_id, account_id, body, Account, prepare, act)
        if {"password", "email"} & changes.keys():
            self._cache.forget_account(account_id)
        return account

    async def erase(self, account_id: UUID, origin: Origin = OPERATOR, *, token_hash: bytes | None = None) -> None:
        """Erases all personal data and the tokens of an account with the contacts that it has claimed, of a contact or a guest; the
        ids remain, since the ledger contains them. The actor is an admin, or the person. `token_hash`: of the session that asks.

        Raises AccountNotFound; ErasureRefused while something prevents it; LastAdmin; Forbidden if the actor is no enabled admin
        any more; NotSignedIn if the session was ended meanwhile. What prevents it is checked before the transaction: a booking that
        is made at the same time remains, with an id without a name."""
        if (obstacle := await self._policy.find_erasure_obstacle(account_id)) is not None:
            raise errors.ErasureRefused(obstacle)
        async with transaction(self._pool) as cursor:
            actor_id = origin.actor_id if origin.actor_id != account_id else None
            await record(cursor, AccountAction.ERASED, account_id, origin)
            try:
                await account_rows.lock_admins(cursor, account_id, stays=False, actor_id=actor_id)
            except errors.AccountNotFound:
                await account_rows.erase_guest(cursor, account_id)
                return
            if token_hash is not None:
                await tokens.check_open(cursor, token_hash)
            owner_id = await account_rows.erase(cursor, account_id)
            await cursor.execute("DELETE FROM tokens WHERE account_id = %s", (account_id,))
            for table in ("account_commands", "mailed_tokens", "former_addresses"):
                await cursor.execute(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))
            await cursor.execute(webhooks.FORGET, (account_id,))
            await second_factor.delete(cursor, account_id)
        self._cache.forget_account(account_id)
        if owner_id is not None:
            self._cache.forget_account(owner_id)

    def forget(self, account_id: UUID) -> None:
        """What this process remembers of its sessions: the account has changed."""
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
            account = await account_rows.change(cursor, row[0], {"password_hash": password_hash}, OPERATOR)
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


#: Stores a new token, and revokes the oldest ones past MAX_TOKENS and the one that it replaces. If the account is being disabled or
#: its password changed, the statement waits for that, and then changes nothing: then there is no row.
_LOG_IN = """
    WITH account AS (
        SELECT id, now() + make_interval(hours => %(hours)s) AS expires_at FROM accounts
        WHERE id = %(id)s AND password_hash IS NOT DISTINCT FROM %(password_hash)s AND NOT disabled FOR NO KEY UPDATE
    ), revoked AS (
        UPDATE tokens SET revoked_at = clock_timestamp() WHERE token_hash IN (
            (SELECT token_hash FROM tokens WHERE account_id = (SELECT id FROM account) AND revoked_at IS NULL
            ORDER BY created_at DESC OFFSET %(others)s)
            UNION ALL SELECT token_hash FROM tokens, account WHERE token_hash = %(replaces)s AND revoked_at IS NULL)
    )
    INSERT INTO tokens (token_hash, account_id, expires_at, network, client)
    SELECT %(token_hash)s, id, expires_at, %(network)s, %(client)s FROM account RETURNING expires_at"""
