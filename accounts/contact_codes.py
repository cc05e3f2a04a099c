"""Codes that prove an e-mail address without an account, and the proofs that they are exchanged for.

A code is mailed to the address and typed into the browser that asked for it. It is derived (`ledger/mail_tokens.py`), never stored.
It is void after MAX_TRIES wrong ones, after LIFETIME, once it was used, and when the same browser asks again for the same address.
Whether there is an account with the address makes no difference: nothing here looks at accounts.
"""

import base64
import binascii
import time
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple
from uuid import uuid4

from accounts import errors
from accounts.database import Pool, one_statement, transaction
from ledger.mail_tokens import MailTokens
from ledger.outbox import CONTACT_CODE, MAIL

LIFETIME = timedelta(minutes=20)
MAX_TRIES = 5
#: How long a proof holds: a purchase, or several.
PROOF_SECONDS = 3_600
#: How long a row is kept after its code has expired: addresses are personal data.
KEPT = timedelta(hours=1)
CLEANING_BATCH = 5_000

_TIME_BYTES, _MAC_BYTES = 5, 16

#: The row of the code, and its message. Asked again by the same browser for the same address: the code before is void.
_ASK = """
    WITH asked AS (
        INSERT INTO contact_codes (id, email, browser_hash, issue, expires_at)
        VALUES (%(id)s, %(email)s, %(browser)s, 1, now() + %(lifetime)s)
        ON CONFLICT (browser_hash, email) DO UPDATE SET issue = contact_codes.issue + 1, tries = 0, created_at = now(),
            expires_at = excluded.expires_at, used_at = NULL
        RETURNING id, issue
    )
    INSERT INTO outbox (id, channel, kind, recipient_id, details)
    SELECT %(message)s, %(channel)s, %(kind)s, id, jsonb_build_object('issue', issue) FROM asked"""
_TRY = """
    UPDATE contact_codes SET tries = tries + 1
    WHERE browser_hash = %s AND email = %s AND used_at IS NULL AND expires_at > now() AND tries < %s RETURNING id, issue"""


class Proof(NamedTuple):
    proof: str
    expires_at: datetime


class ContactCodes:
    """`browser` is the hash of the secret of a browser or program (`accounts/guest_secret.py`). Methods raise Busy or
    OutcomeUnknown if the database is overloaded."""

    def __init__(self, pool: Pool, tokens: MailTokens | None, key: bytes) -> None:
        """`tokens`: None where no mail is sent. `key`: of the proofs."""
        self._pool, self._tokens, self._key = pool, tokens, key

    async def ask(self, email: str, browser: bytes) -> None:
        """Mails a code to this address. Raises MailOff."""
        self.check_mail()
        parameters = {
            "id": uuid4(), "message": uuid4(), "email": email, "browser": browser, "lifetime": LIFETIME, "channel": MAIL,
            "kind": CONTACT_CODE,
        }  # fmt: skip
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(_ASK, parameters)

    async def confirm(self, email: str, code: str, browser: bytes) -> Proof:
        """Exchanges the code for a proof: once. Raises MailOff; TokenExpired if this browser has no valid code for the address;
        WrongMailedCode."""
        tokens = self.check_mail()
        async with transaction(self._pool) as cursor:
            await cursor.execute(_TRY, (browser, email, MAX_TRIES))
            if (row := await cursor.fetchone()) is None:
                raise errors.TokenExpired
            id_, issue = row
            is_right = compare_digest(tokens.code(CONTACT_CODE, id_, issue).encode(), code.encode())
            if is_right:
                await cursor.execute("UPDATE contact_codes SET used_at = now() WHERE id = %s", (id_,))
        if not is_right:  # only now: the try must count
            raise errors.WrongMailedCode
        return self._prove(email, browser)

    def is_proven(self, email: str, proof: str, browser: bytes) -> bool:
        """Whether this is a proof for this address and browser that still holds."""
        try:
            raw = base64.b64decode(proof, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        until, mac = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
        return compare_digest(mac, self._mac(until, email, browser)) and time.time() < int.from_bytes(until, "big")

    async def clean(self) -> None:
        """Deletes rows whose codes expired a while ago, some at a time."""
        async with one_statement(self._pool, changes=True) as cursor:
            await cursor.execute(
                "DELETE FROM contact_codes WHERE id IN"
                " (SELECT id FROM contact_codes WHERE expires_at < now() - %s::interval LIMIT %s)",
                (KEPT, CLEANING_BATCH),
            )

    def check_mail(self) -> MailTokens:
        """Raises MailOff."""
        if self._tokens is None:
            raise errors.MailOff
        return self._tokens

    def _prove(self, email: str, browser: bytes) -> Proof:
        """The proof: 28 characters."""
        expires = int(time.time()) + PROOF_SECONDS
        until = expires.to_bytes(_TIME_BYTES, "big")
        text = base64.urlsafe_b64encode(until + self._mac(until, email, browser)).decode()
        return Proof(text, datetime.fromtimestamp(expires, UTC))

    def _mac(self, until: bytes, email: str, browser: bytes) -> bytes:
        covered = until + browser + email.encode()
        return blake2b(covered, key=self._key, digest_size=_MAC_BYTES, person=b"contact proof").digest()
