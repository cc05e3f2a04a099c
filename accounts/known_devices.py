"""Known devices: a browser that has logged in to an account keeps a signed cookie, which gives it limits of its own there.

Strangers can then use up all log-ins that they are allowed, without keeping the owner out. The cookie is no credential: it names a
random device and proves that somebody logged in there, and nothing is stored for it.
"""

import base64
import binascii
import secrets
import time
from collections.abc import Iterator
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

DEVICE_COOKIE = "seatledger_device"
DAYS = 365
#: Accounts that one browser is known to: the last ones.
MAX_ACCOUNTS = 4

_ID_BYTES, _DAY_BYTES, _MAC_BYTES = 9, 3, 15
_DAY_SECONDS = 86_400


class KnownDevices:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def device_of(self, cookie: str, account: UUID) -> str | None:
        """The id of the device that sends this cookie, if the account has logged in there within DAYS. `account`: its id, since an
        address may have been somebody else's before."""
        return next((device.hex() for _, device in self._entries_of(cookie, account)), None)

    def remember(self, cookie: str, account: UUID) -> str:
        """The cookie after a log-in. A device that the account knows keeps its id, and its count of attempts."""
        known = list(self._entries_of(cookie, account))
        device = known[0][1] if known else secrets.token_bytes(_ID_BYTES)
        content = device + (self._today()).to_bytes(_DAY_BYTES, "big")
        entry = base64.urlsafe_b64encode(content + self._mac(content, account)).decode()
        others = [other for other in _split(cookie) if other not in [text for text, _ in known]]
        return ".".join([entry, *others][:MAX_ACCOUNTS])

    def _entries_of(self, cookie: str, account: UUID) -> Iterator[tuple[str, bytes]]:
        """The entries of this account, and their devices."""
        for text in _split(cookie):
            try:
                entry = base64.b64decode(text, altchars=b"-_", validate=True)
            except (binascii.Error, ValueError):
                continue
            content, mac = entry[:-_MAC_BYTES], entry[-_MAC_BYTES:]
            day = int.from_bytes(content[_ID_BYTES:], "big")
            if compare_digest(mac, self._mac(content, account)) and 0 <= self._today() - day <= DAYS:
                yield text, content[:_ID_BYTES]

    def _mac(self, content: bytes, account: UUID) -> bytes:
        return blake2b(content + account.bytes, key=self._key, digest_size=_MAC_BYTES, person=b"known device").digest()

    @staticmethod
    def _today() -> int:
        return int(time.time()) // _DAY_SECONDS


def _split(cookie: str) -> list[str]:
    """Its entries, which are all of one length."""
    length = (_ID_BYTES + _DAY_BYTES + _MAC_BYTES) // 3 * 4
    return [text for text in cookie[: (length + 1) * MAX_ACCOUNTS].split(".") if len(text) == length]
