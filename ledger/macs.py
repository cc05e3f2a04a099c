"""The MAC that each entry carries in the database: under a key that lives outside it, so that who owns the database can neither
change an entry nor make one up.

    key version (1 byte) | HMAC-SHA-256 of (stream, version, length of topic, topic, state) cut to 16

The position is not in it: it is not known yet when an entry is written. The Merkle tree (projections/merkle.py) holds that.
"""

import hmac
from pathlib import Path
from struct import Struct
from typing import Self
from uuid import UUID

from ledger.keys import Keyring

_PLACE = Struct(">16sQI")
_MAC_BYTES = 16


class Macs:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        number, self._newest = keys.newest
        self._number = bytes([number])

    @classmethod
    def open(cls, directory: Path) -> Self:
        """By the keys in KEYS_DIR, made where there are none. Raises KeysError."""
        return cls(Keyring.open(directory, "ledger"))

    def compute(self, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
        return self._number + _digest(self._newest, stream, version, topic, state)

    def verify(self, mac: bytes, stream: UUID, version: int, topic: str, state: bytes) -> bool:
        """Whether the MAC was made for just this entry, with any key of the ring."""
        key = self._keys.get(mac[0]) if mac else None
        return key is not None and hmac.compare_digest(mac[1:], _digest(key, stream, version, topic, state))


def _digest(key: bytes, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
    name = topic.encode()
    return hmac.digest(key, _PLACE.pack(stream.bytes, version, len(name)) + name + state, "sha256")[:_MAC_BYTES]
