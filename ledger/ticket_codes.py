"""Ticket codes: derived, never stored. A code contains the location of its ticket in a stream, and a MAC of that: so every rebuild
gives the same codes, a reader of the database can't forge one, and a check-in finds and verifies a ticket without a read table.

    key version (1 byte) | event tag (2) | version in the stream (4) | ticket (2) | HMAC-SHA-256 of (event id, all of these)
    truncated to 10

19 bytes are 31 characters of Crockford's base 32 (no I, L, O, U), in groups of four. The event tag distinguishes another event's
ticket from a forgery; only the MAC, 80 bits over the whole event id, makes a code valid.
"""

import hmac
from base64 import b32decode
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from ledger.errors import InvalidCode, WrongEvent
from ledger.keys import Keyring, KeysError

_HEADER = Struct(">B2sIH")
_MAC_BYTES = 10
_LENGTH = ((_HEADER.size + _MAC_BYTES) * 8 + 4) // 5
_GROUP = 4
_CROCKFORD, _RFC_4648 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#: The two characters of each ten bits. Codes are made for every ticket sold, and this table halves their cost.
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_SHIFTS = range(20 * (_LENGTH // _GROUP), -1, -20)
_CANONICAL = str.maketrans("OIL", "011")
_FROM_CROCKFORD = str.maketrans(_CROCKFORD + "OIL", _RFC_4648 + "ABB")
_ALPHABET = frozenset(_CROCKFORD + "OIL")


class TicketLocation(NamedTuple):
    """The version of the entry that booked the ticket, and the ticket's number in that booking, from 0."""

    version: int
    ticket: int


class TicketCodes:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self.newest_key = keys.newest[0]

    def code(self, event_id: UUID, location: TicketLocation, key_version: int) -> str:
        """The code of a ticket. Raises KeysError if the key of this version is missing."""
        key = self._keys.get(key_version)
        if key is None:
            raise KeysError(f"The tickets key of version {key_version} is missing from KEYS_DIR: restore it from your backup.")
        raw = _HEADER.pack(key_version, event_id.bytes[-2:], *location)
        return _to_base32(raw + self._mac(key, event_id, raw))

    def read(self, event_id: UUID, code: str) -> TicketLocation:
        """The location of a code's ticket. Ignores blanks, hyphens and case; reads O as 0, I and L as 1.

        Raises InvalidCode for a code that was never made, WrongEvent for another event's code."""
        raw = _from_base32("".join(code.upper().replace("-", "").split()))
        header, mac = raw[: _HEADER.size], raw[_HEADER.size :]
        key_version, tag, version, ticket = _HEADER.unpack(header)
        key = self._keys.get(key_version)
        if key is None:
            raise InvalidCode
        if not hmac.compare_digest(mac, self._mac(key, event_id, header)):
            raise WrongEvent if tag != event_id.bytes[-2:] else InvalidCode
        return TicketLocation(version, ticket)

    @staticmethod
    def _mac(key: bytes, event_id: UUID, header: bytes) -> bytes:
        return hmac.digest(key, event_id.bytes + header, "sha256")[:_MAC_BYTES]


def _to_base32(raw: bytes) -> str:
    """Crockford's base 32, in groups of four. The bytes are padded to whole groups; the characters of the padding are cut off."""
    number = int.from_bytes(raw, "big") << (20 * len(_SHIFTS) - 8 * len(raw))
    text = "-".join([_PAIRS[number >> shift + 10 & 1023] + _PAIRS[number >> shift & 1023] for shift in _SHIFTS])
    return text[: _LENGTH + len(_SHIFTS) - 1]


def _from_base32(text: str) -> bytes:
    if len(text) != _LENGTH or not set(text) <= _ALPHABET:
        raise InvalidCode
    raw = b32decode(text.translate(_FROM_CROCKFORD) + "=" * (-_LENGTH % 8))
    if _to_base32(raw).replace("-", "") != text.translate(_CANONICAL):  # the last character has unused bits, which must be 0
        raise InvalidCode
    return raw
