"""The second factor of a log-in: six digits of an authenticator app (TOTP, RFC 6238), or a recovery code. Each is used once.

The secret is encrypted with a key of KEYS_DIR, and bound to its account.
"""

import secrets
import time
from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from uuid import UUID

import msgspec
import pyotp

from accounts import errors, tokens
from accounts.database import Cursor, Pool, transaction
from accounts.origin import Origin
from accounts.trail import AccountAction, record
from ledger.sealing import Sealer

ISSUER = "Seatledger"
STEP_SECONDS = 30
#: Clocks may differ by as many steps.
TOLERANCE = 1
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


class NewSecondFactor(msgspec.Struct, frozen=True):
    """What an authenticator app needs, as text and as the content of a QR code."""

    secret: str
    uri: str


class SecondFactors:
    def __init__(self, pool: Pool, keys: Sequence[bytes]) -> None:
        """`keys`, of 32 bytes: the first encrypts, all decrypt."""
        self._pool = pool
        self._sealer = Sealer(keys)

    async def begin(self, account_id: UUID, email: str) -> NewSecondFactor:
        """A new secret, which counts once it is confirmed. Raises SecondFactorExists."""
        secret = pyotp.random_base32()
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "INSERT INTO second_factors AS f (account_id, secret) VALUES (%s, %s) ON CONFLICT (account_id)"
                " DO UPDATE SET secret = excluded.secret, created_at = now() WHERE f.confirmed_at IS NULL",
                (account_id, self._sealer.seal(account_id.bytes, secret.encode())),
            )
            if not cursor.rowcount:
                raise errors.SecondFactorExists
        return NewSecondFactor(secret, pyotp.TOTP(secret, name=email, issuer=ISSUER).provisioning_uri())

    async def confirm(self, account_id: UUID, code: str, origin: Origin, *, keep_token: bytes | None = None) -> list[str]:
        """Confirms the secret that was begun, and ends all sessions but that of `keep_token`, which began without it. Returns the
        recovery codes, which are readable here only.

        Raises SecondFactorExists, WrongCode (also if nothing was begun); NotSignedIn if that session was ended meanwhile."""
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        async with transaction(self._pool) as cursor:
            # The account first: whoever changes an account locks it before anything else.
            await cursor.execute(
                "UPDATE accounts SET access_changed_at = clock_timestamp() WHERE id = %s AND NOT disabled", (account_id,)
            )
            if keep_token is not None:
                await tokens.check_open(cursor, keep_token)
            await cursor.execute("SELECT secret, confirmed_at FROM second_factors WHERE account_id = %s FOR UPDATE", (account_id,))
            encrypted, confirmed_at = await cursor.fetchone() or (None, None)
            if confirmed_at is not None:
                raise errors.SecondFactorExists
            step = None if encrypted is None else self._step_of(account_id, encrypted, code)
            if step is None:
                raise errors.WrongCode
            await cursor.execute(
                "UPDATE second_factors SET confirmed_at = now(), last_step = %s WHERE account_id = %s", (step, account_id)
            )
            await cursor.execute("DELETE FROM recovery_codes WHERE account_id = %s", (account_id,))
            await cursor.execute(
                "INSERT INTO recovery_codes (account_id, code_hash) SELECT %s, unnest(%s::bytea[])",
                (account_id, [_hash(code) for code in codes]),
            )
            await tokens.revoke(cursor, account_id, keep=keep_token)
            await record(cursor, AccountAction.SECOND_FACTOR_SET, account_id, origin)
        return codes

    async def remove(self, account_id: UUID, origin: Origin) -> None:
        """Raises SecondFactorNotFound."""
        async with transaction(self._pool) as cursor:
            await cursor.execute("UPDATE accounts SET access_changed_at = clock_timestamp() WHERE id = %s", (account_id,))
            was_set = await delete(cursor, account_id)
            if not was_set:
                raise errors.SecondFactorNotFound
            await record(cursor, AccountAction.SECOND_FACTOR_REMOVED, account_id, origin)

    async def use(self, account_id: UUID, code: str, origin: Origin) -> bool:
        """Whether the code is valid for the account; from then on it is used."""
        async with transaction(self._pool) as cursor:
            await cursor.execute(
                "SELECT secret FROM second_factors WHERE account_id = %s AND confirmed_at IS NOT NULL", (account_id,)
            )
            (encrypted,) = await cursor.fetchone() or (None,)
            step = None if encrypted is None else self._step_of(account_id, encrypted, code)
            if step is not None:
                await cursor.execute(
                    "UPDATE second_factors SET last_step = %s WHERE account_id = %s AND secret = %s AND last_step < %s",
                    (step, account_id, encrypted, step),
                )
                return cursor.rowcount == 1
            await cursor.execute(
                "UPDATE recovery_codes SET used_at = now() WHERE account_id = %s AND code_hash = %s AND used_at IS NULL",
                (account_id, _hash(code)),
            )
            if cursor.rowcount != 1:
                return False
            await record(cursor, AccountAction.RECOVERY_CODE_USED, account_id, origin)
            return True

    def _step_of(self, account_id: UUID, encrypted: bytes, code: str) -> int | None:
        """The time step, of those near now, that has this code."""
        digits = code.replace(" ", "")
        totp, now = (
            pyotp.TOTP(self._sealer.open(account_id.bytes, encrypted).decode(), interval=STEP_SECONDS),
            int(time.time()) // STEP_SECONDS,
        )
        steps = range(now - TOLERANCE, now + TOLERANCE + 1)
        return next((step for step in steps if compare_digest(totp.generate_otp(step).encode(), digits.encode())), None)


async def delete(cursor: Cursor, account_id: UUID) -> bool:
    """Deletes the second factor and the recovery codes; whether log-ins needed them."""
    await cursor.execute("DELETE FROM recovery_codes WHERE account_id = %s", (account_id,))
    await cursor.execute("DELETE FROM second_factors WHERE account_id = %s RETURNING confirmed_at", (account_id,))
    (confirmed_at,) = await cursor.fetchone() or (None,)
    return confirmed_at is not None


def _new_recovery_code() -> str:
    """16 letters and digits, in groups of four."""
    text = b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(recovery_code: str) -> bytes:
    return sha256(recovery_code.upper().replace("-", "").replace(" ", "").encode()).digest()
