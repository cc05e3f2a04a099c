"""The MAC of each entry in the database. Its key is kept outside of the database, so that an administrator of the database can
neither change an entry nor forge one.

    key version (1 byte) | HMAC-SHA-256 of (stream, version, length of topic, topic, state) truncated to 16

It does not cover the position, which is not known yet when an entry is written. The Merkle tree does (projections/merkle.py).
"""

import hmac
from pathlib import Path
from struct import Struct
from typing import Self
from uuid import UUID

from ledger.keys import Keyring

_HEADER = Struct(">16sQI")
_MAC_BYTES = 16


class Macs:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        number, self._newest = keys.newest
        self._number = bytes([number])

    @classmethod
    def open(cls, directory: Path) -> Self:
        """With the keyring in KEYS_DIR, which is created if there is none. Raises KeysError."""
        return cls(Keyring.open(directory, "ledger"))

    def compute(self, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
        """The MAC of an entry under the newest key."""
        return self._number + _digest(self._newest, stream, version, topic, state)

    def verify(self, mac: bytes, stream: UUID, version: int, topic: str, state: bytes) -> bool:
        """Whether the MAC is that of this entry under any key of the keyring."""
        key = self._keys.get(mac[0]) if mac else None
        return key is not None and hmac.compare_digest(mac[1:], _digest(key, stream, version, topic, state))


def _digest(key: bytes, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
    name = topic.encode()
    return hmac.digest(key, _HEADER.pack(stream.bytes, version, len(name)) + name + state, "sha256")[:_MAC_BYTES]
