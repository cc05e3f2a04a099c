"""Links that people get by mail: to set a new password, to sign in, to confirm an e-mail address. Each works once, for a while, and
until the password or the address changes. The worker makes the token when it makes the mail; it is stored nowhere."""

from typing import NamedTuple
from uuid import UUID

import msgspec

from accounts import account_rows, errors, mailed_tokens, password_rules
from accounts.account_rows import Account
from accounts.account_service import AccountService, NewSession
from accounts.database import Pool, one_statement, transaction
from accounts.mailed_tokens import Found
from accounts.origin import Origin
from accounts.passwords import Passwords
from accounts.second_factor import SecondFactors
from ledger.commands import Role
from ledger.mail_tokens import RESET_PASSWORD, SIGN_IN, VERIFY_EMAIL, MailTokens


class _Opened(NamedTuple):
    found: Found
    account: Account
    password_hash: str | None


class MailedLinks:
    """Methods raise MailOff where no mail is sent; TokenUnknown, TokenExpired or TokenUsed for a token; Busy or OutcomeUnknown if
    the database or the hasher is overloaded."""

    def __init__(
        self,
        pool: Pool,
        tokens: MailTokens | None,
        accounts: AccountService,
        passwords: Passwords,
        second_factors: SecondFactors,
        closed_accounts: frozenset[UUID],
    ) -> None:
        """`tokens`: None where no mail is sent. `closed_accounts`: those that can't be used here."""
        self._pool, self._tokens, self._accounts = pool, tokens, accounts
        self._passwords, self._second_factors, self._closed = passwords, second_factors, list(closed_accounts)

    def check_mail(self) -> None:
        """Raises MailOff."""
        if self._tokens is None:
            raise errors.MailOff

    async def ask_by_email(self, purpose: str, email: str) -> None:
        """Mails a link to the account with this address; if there is none, nobody gets one, after the same work."""
        self.check_mail()
        async with one_statement(self._pool, changes=True) as cursor:
            await mailed_tokens.ask_by_email(cursor, purpose, email, self._closed)

    async def ask(self, purpose: str, account_id: UUID) -> None:
        """Mails a link to an account. Raises AccountNotFound: there is none that may log in."""
        self.check_mail()
        async with one_statement(self._pool, changes=True) as cursor:
            if not await mailed_tokens.ask(cursor, purpose, account_id, self._closed):
                raise errors.AccountNotFound

    async def set_password(self, token: str, password: str, origin: Origin) -> Account:
        """Sets a new password, and ends all sessions. Whoever has the mail has the address. Raises WeakPassword."""
        opened = await self._open(RESET_PASSWORD, token)
        password_rules.check(password, email=opened.account.email, name=opened.account.name)
        password_hash = await self._passwords.hash(password)
        origin = _by(opened, origin)
        async with transaction(self._pool) as cursor:
            await mailed_tokens.use(cursor, opened.found)
            await account_rows.prove_email(cursor, opened.account.id, origin)
            account = await account_rows.change(cursor, opened.account.id, {"password_hash": password_hash}, origin)
        self._accounts.forget(account.id)
        return account

    async def prove_email(self, account_id: UUID, token: str, origin: Origin) -> None:
        """The address is that of the account's owner, who has a session. Raises LinkOfAnother if it is another account's."""
        opened = await self._open(VERIFY_EMAIL, token)
        if opened.account.id != account_id:
            raise errors.LinkOfAnother
        async with transaction(self._pool) as cursor:
            await mailed_tokens.use(cursor, opened.found)
            await account_rows.prove_email(cursor, opened.account.id, _by(opened, origin), keeps_access=True)
        self._accounts.forget(opened.account.id)

    async def whom(self, token: str) -> UUID:
        """The account that a link signs in."""
        return (await self._open(SIGN_IN, token)).account.id

    async def sign_in(self, token: str, code: str | None, origin: Origin, *, replaces: bytes | None) -> NewSession:
        """A new session, as `AccountService.log_in` makes one. Raises SecondFactorRequired, which leaves the link as it was. What
        was set before the address was proven ends, a customer's second factor, too: who set it may be somebody else."""
        opened = await self._open(SIGN_IN, token)
        origin = _by(opened, origin)
        is_new = not opened.account.is_email_proven
        if opened.account.has_second_factor and not (is_new and opened.account.role == Role.CUSTOMER):
            if code is None:
                raise errors.SecondFactorRequired
            if not await self._second_factors.use(opened.account.id, code, origin):
                raise errors.SecondFactorRequired(is_wrong=True)
        async with transaction(self._pool) as cursor:
            await mailed_tokens.use(cursor, opened.found)
            await account_rows.prove_email(cursor, opened.account.id, origin)
            account = await account_rows.read(cursor, opened.account.id)
        if is_new:
            self._accounts.forget(account.id)
        password_hash = None if is_new else opened.password_hash
        return await self._accounts.open_session(account, password_hash, origin, replaces=replaces)

    async def clean(self) -> None:
        async with transaction(self._pool) as cursor:
            await mailed_tokens.clean(cursor)

    async def _open(self, purpose: str, token: str) -> _Opened:
        self.check_mail()
        assert self._tokens is not None
        id_, _ = self._tokens.read(purpose, token)
        async with transaction(self._pool) as cursor:
            found = await mailed_tokens.find(cursor, id_)
            if found.account_id in self._closed:
                raise errors.TokenExpired
            account = await account_rows.read(cursor, found.account_id)
            await cursor.execute("SELECT password_hash FROM accounts WHERE id = %s", (account.id,))
            (password_hash,) = await cursor.fetchone() or (None,)
        return _Opened(found, account, password_hash)


def _by(opened: _Opened, origin: Origin) -> Origin:
    return msgspec.structs.replace(origin, actor_id=opened.account.id)
