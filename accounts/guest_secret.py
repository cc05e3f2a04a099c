"""The secret of a browser, or of a program, that books without an account: it identifies nobody, and tells one from all others.

What belongs to a guest alone, the results of their `Idempotency-Key`s and their proofs, is bound to it. The server sets it as a
cookie that no script reads; a program sends one of its own as `Guest-Secret`. Only its hash is used: it is stored nowhere.
"""

import re
import secrets
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Request, Response

from ledger.errors import Malformed

GUEST_COOKIE = "seatledger_guest"
#: How long after a booking a retry in the same browser gets its result.
DAYS = 30
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,128}")

GuestSecretHeader = Annotated[
    str | None,
    Header(
        alias="Guest-Secret",
        description="Instead of the cookie `seatledger_guest`, for programs: 32 or more random characters, which nobody else knows",
        json_schema_extra={"minLength": 32, "maxLength": 128, "pattern": "^[A-Za-z0-9_-]+$"},
    ),
]


class GuestSecrets:
    def __init__(self, cookie_prefix: str, *, is_secure: bool) -> None:
        self._cookie, self._is_secure = cookie_prefix + GUEST_COOKIE, is_secure

    def hash_of(self, request: Request, header: str | None) -> bytes | None:
        """The hash of the request's secret; None: it has none. Raises Malformed for a header that is none."""
        if header is not None and not _SECRET.fullmatch(header):
            message = "must be 32 to 128 random characters of A-Z, a-z, 0-9, _ and -"
            raise Malformed(f"Guest-Secret {message}.", errors=[{"path": "Guest-Secret", "message": message}])
        secret = header or request.cookies.get(self._cookie, "")
        return _hash(secret) if _SECRET.fullmatch(secret) else None

    def set_cookie(self, response: Response) -> bytes:
        """Gives the browser a new secret, and returns its hash."""
        secret = secrets.token_urlsafe(32)
        seconds = DAYS * 86_400
        response.set_cookie(self._cookie, secret, max_age=seconds, secure=self._is_secure, httponly=True, samesite="strict")
        return _hash(secret)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
