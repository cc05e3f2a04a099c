"""Ticket codes: derived, never stored. A code names its place in a stream and carries a MAC of it, so that any rebuild gives
the same codes, who reads the database cannot forge one, and a check-in finds and verifies a ticket without a read table.

    key version (1 byte) | event tag (2) | version in the stream (4) | ticket (2) | HMAC-SHA-256 of (event id, those) cut to 10

19 bytes are 31 characters of Crockford's base 32 (no I, L, O, U), shown in groups. The tag tells another event's ticket from
a forgery; only the MAC, 80 bits over the whole event id, makes a code good.
"""

import hmac
from base64 import b32decode
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from ledger.errors import InvalidCode, WrongEvent
from ledger.keys import Keyring, KeysError

_PLACE = Struct(">B2sIH")
_MAC_BYTES = 10
_LENGTH = ((_PLACE.size + _MAC_BYTES) * 8 + 4) // 5
_GROUP = 4
_CROCKFORD, _RFC_4648 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#: Two characters for each ten bits: codes are made for every ticket sold, and a table halves their cost.
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_SHIFTS = range(20 * (_LENGTH // _GROUP), -1, -20)
_AS_SHOWN = str.maketrans("OIL", "011")
_FROM_CROCKFORD = str.maketrans(_CROCKFORD + "OIL", _RFC_4648 + "ABB")
_TYPED = frozenset(_CROCKFORD + "OIL")


class TicketLocation(NamedTuple):
    """The `version`-th entry of the stream booked it; `ticket` is its number in that booking, from 0."""

    version: int
    ticket: int


class TicketCodes:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys

        self.newest_key = keys.newest[0]

    def code(self, event_id: UUID, place: TicketLocation, key_version: int) -> str:
        """Raises KeysError where that key is gone."""
        key = self._keys.get(key_version)
        if key is None:
            raise KeysError(f"The tickets key of version {key_version} is missing from KEYS_DIR: restore it from your backup.")
        raw = _PLACE.pack(key_version, event_id.bytes[-2:], *place)
        return _shown(raw + self._mac(key, event_id, raw))

    def read(self, event_id: UUID, code: str) -> TicketLocation:
        """Where a code's ticket was booked. Blanks, hyphens and case do not matter, nor O for 0, I or L for 1.

        Raises InvalidCode for what no ticket ever carried, WrongEvent for another event's."""
        raw = _from_base32("".join(code.upper().replace("-", "").split()))
        place, mac = raw[: _PLACE.size], raw[_PLACE.size :]
        key_version, tag, version, ticket = _PLACE.unpack(place)
        key = self._keys.get(key_version)
        if key is None:
            raise InvalidCode
        if not hmac.compare_digest(mac, self._mac(key, event_id, place)):
            raise WrongEvent if tag != event_id.bytes[-2:] else InvalidCode
        return TicketLocation(version, ticket)

    @staticmethod
    def _mac(key: bytes, event_id: UUID, place: bytes) -> bytes:
        return hmac.digest(key, event_id.bytes + place, "sha256")[:_MAC_BYTES]


def _shown(raw: bytes) -> str:
    """Crockford's base 32, in groups of four. The bytes are filled up to whole groups, and what only filling made is cut off."""
    number = int.from_bytes(raw, "big") << (20 * len(_SHIFTS) - 8 * len(raw))
    text = "-".join([_PAIRS[number >> shift + 10 & 1023] + _PAIRS[number >> shift & 1023] for shift in _SHIFTS])
    return text[: _LENGTH + len(_SHIFTS) - 1]


def _from_base32(text: str) -> bytes:
    if len(text) != _LENGTH or not set(text) <= _TYPED:
        raise InvalidCode
    raw = b32decode(text.translate(_FROM_CROCKFORD) + "=" * (-_LENGTH % 8))
    if _shown(raw).replace("-", "") != text.translate(_AS_SHOWN):  # the last character has bits to spare
        raise InvalidCode
    return raw
