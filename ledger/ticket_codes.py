"""Ticket codes: derived, never stored. A code contains the location of its ticket in a stream, and a MAC of that and of its
booking: so every rebuild gives the same codes, a reader of the database can't forge one, and a check-in finds and verifies a ticket
without a read table.

    key (1 byte) | event tag (2) | version in the stream (4) | ticket (2) | HMAC-SHA-256 of (event id, booking id, all of these)
    truncated to 10

19 bytes are 31 characters of Crockford's base 32 (no I, L, O, U), in groups of four. The event tag distinguishes another event's
ticket from a forgery; only the MAC, 80 bits over the whole ids, makes a code valid.

The booking is covered because a location may recur: after a backup was restored, another booking gets the version of a lost one.
`key` is the version of the key, plus COVERS_BOOKING. The codes of earlier bookings lack that and do not cover it; they stay valid.
"""

import hmac
from base64 import b32decode
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from ledger.errors import InvalidCode, WrongEvent
from ledger.keys import Keyring, KeysError

COVERS_BOOKING = 128
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


class TicketCode(NamedTuple):
    """A code as it was read: the location of its ticket, and what `TicketCodes.check` needs."""

    location: TicketLocation
    header: bytes
    mac: bytes


class TicketCodes:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        #: For new bookings.
        self.newest_key = keys.newest[0] | COVERS_BOOKING

    def code(self, event_id: UUID, booking_id: UUID, location: TicketLocation, key: int) -> str:
        """The code of a ticket. `key`: that of its booking's entry. Raises KeysError if it is missing."""
        secret = self._secret(key)
        if secret is None:
            version = key & ~COVERS_BOOKING
            raise KeysError(f"The tickets key of version {version} is missing from KEYS_DIR: restore it from your backup.")
        header = _HEADER.pack(key, event_id.bytes[-2:], *location)
        return _to_base32(header + _mac(secret, event_id, booking_id, header))

    def read(self, event_id: UUID, code: str) -> TicketCode:
        """Where to find a code's ticket; `check` tells whether it is valid. Ignores blanks, hyphens and case; reads O as 0, I and L
        as 1.

        Raises InvalidCode for a text that is no code of this database, WrongEvent for another event's code."""
        raw = _from_base32("".join(code.upper().replace("-", "").split()))
        header, mac = raw[: _HEADER.size], raw[_HEADER.size :]
        key, tag, version, ticket = _HEADER.unpack(header)
        if self._secret(key) is None:
            raise InvalidCode
        if tag != event_id.bytes[-2:]:
            raise WrongEvent
        return TicketCode(TicketLocation(version, ticket), header, mac)

    def check(self, event_id: UUID, booking_id: UUID, key: int, code: TicketCode) -> None:
        """Raises InvalidCode unless the code was made for a ticket of this booking, which is the one at its location. `key`: that
        of the booking's entry, so that a code that does not cover its booking is not accepted for one whose codes do."""
        secret = self._secret(key)
        if code.header[0] != key or secret is None:
            raise InvalidCode
        if not hmac.compare_digest(code.mac, _mac(secret, event_id, booking_id, code.header)):
            raise InvalidCode

    def _secret(self, key: int) -> bytes | None:
        return self._keys.get(key & ~COVERS_BOOKING)


def _mac(secret: bytes, event_id: UUID, booking_id: UUID, header: bytes) -> bytes:
    covered = event_id.bytes + (booking_id.bytes if header[0] & COVERS_BOOKING else b"") + header
    return hmac.digest(secret, covered, "sha256")[:_MAC_BYTES]


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
