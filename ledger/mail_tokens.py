"""Tokens that people get by mail: derived, never stored, so neither the database nor the outbox contains one.

    key (1 byte) | id (16) | issue (4) | HMAC-SHA-256 of (purpose, all of these), truncated to 16

37 bytes are 50 characters of base64url. The id is that of the row that says what the token is good for, until when, and whether it
was used; the issue, which of several tokens for that row this is: a row that counts them can void the earlier ones.
"""

import base64
import binascii
import hmac
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from ledger.errors import TokenUnknown
from ledger.keys import Keyring

#: What links in mails are good for; each is the path of its page, too.
RESET_PASSWORD, SIGN_IN, VERIFY_EMAIL = PURPOSES = ("reset-password", "sign-in", "verify-email")

_CONTENT = Struct(">B16sI")
_MAC_BYTES = 16
#: Of characters.
LENGTH = ((_CONTENT.size + _MAC_BYTES) * 8 + 5) // 6
CODE_DIGITS = 6


class Issued(NamedTuple):
    """What a token says: the id of its row, and which one for it this is."""

    id: UUID
    issue: int


class MailTokens:
    """A token of one purpose is none of another."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

    def token(self, purpose: str, id_: UUID, issue: int = 0) -> str:
        version, key = self._keys.newest
        content = _CONTENT.pack(version, id_.bytes, issue)
        return _to_text(content + _mac(key, purpose, content))

    def read(self, purpose: str, token: str) -> Issued:
        """Raises TokenUnknown for what is no token of this purpose: mistyped, cut off, forged."""
        try:
            raw = base64.b64decode(token + "=" * (-LENGTH % 4), altchars=b"-_", validate=True) if len(token) == LENGTH else b""
        except (binascii.Error, ValueError):
            raw = b""
        if not raw or _to_text(raw) != token:  # the last character has unused bits, which must be 0
            raise TokenUnknown
        content, mac = raw[: _CONTENT.size], raw[_CONTENT.size :]
        version, id_, issue = _CONTENT.unpack(content)
        key = self._keys.get(version)
        if key is None or not hmac.compare_digest(mac, _mac(key, purpose, content)):
            raise TokenUnknown
        return Issued(UUID(bytes=id_), issue)

    def digest(self, purpose: str, text: str) -> bytes:
        """A keyed digest, for counting by something that must not be stored. A new key begins a new count."""
        return hmac.digest(self._keys.newest[1], b"digest %s %s" % (purpose.encode(), text.encode()), "sha256")[:_MAC_BYTES]

    def code(self, purpose: str, id_: UUID, issue: int = 0) -> str:
        """Digits to type, for the same row: whoever checks them has to count the attempts."""
        digest = hmac.digest(self._keys.newest[1], b"code %s %s %d" % (purpose.encode(), id_.bytes, issue), "sha256")
        return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def _mac(key: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.digest(key, b"token %s %s" % (purpose.encode(), content), "sha256")[:_MAC_BYTES]


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
