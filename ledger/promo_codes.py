"""Promo codes: derived, never stored, but for words that an organizer has chosen. So the database does not give them away.

    batch (8 bits) | number in the batch (14) | HMAC-SHA-256 of (event id, these) truncated to 38

60 bits are 12 characters of Crockford's base 32 (no I, L, O, U), in groups of four, behind the prefix of their batch:
`SPRING-0G03-9KQ2-7XVN`.
"""

import hmac
from collections.abc import Generator
from uuid import UUID

from ledger.code_batches import CodeBatch, canonical
from ledger.commands import CodePlace, WantedCode
from ledger.keys import Keyring, KeysError

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_CROCKFORD)}
_CHARACTERS, _GROUP = 12, 4
#: Codes that are made before the event loop gets control: each takes some 4 µs.
CODES_AT_ONCE = 250
_NUMBER_BITS, _MAC_BITS = 14, 38


class PromoCodes:
    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        #: For new batches.
        self.newest_key = keys.newest[0]

    def codes(self, event_id: UUID, batch: CodeBatch) -> Generator[None, None, list[str]]:
        """The codes of a batch, as their buyers write them. Yields after each CODES_AT_ONCE (see `Portions`). Raises KeysError if
        its key is missing."""
        if batch.word:
            return [batch.word]
        secret = self._keys.get(batch.key)
        if secret is None:
            raise KeysError(f"The tickets key of version {batch.key} is missing from KEYS_DIR: restore it from your backup.")
        prefix = f"{batch.prefix}-" if batch.prefix else ""
        codes = list[str]()
        for number in range(batch.count):
            codes.append(prefix + _code(secret, event_id, batch.number, number))
            if len(codes) % CODES_AT_ONCE == 0:
                yield
        return codes

    def wanted(self, event_id: UUID, text: str | None) -> WantedCode | None:
        """The code of an order, if it has one."""
        return None if text is None else self.read(event_id, text)

    def read(self, event_id: UUID, text: str) -> WantedCode:
        """Which derived code of this event a text is, if any. Whether there is such a batch, or such a word, the rules say."""
        spelled = canonical(text)
        derived = spelled[-_CHARACTERS:]
        if len(derived) < _CHARACTERS or not set(derived) <= _VALUES.keys():
            return WantedCode(spelled)
        bits = 0
        for character in derived:
            bits = bits << 5 | _VALUES[character]
        place = bits >> _MAC_BITS
        batch, number = place >> _NUMBER_BITS, place & (1 << _NUMBER_BITS) - 1
        for key, secret in self._keys.all:
            if hmac.compare_digest(_code(secret, event_id, batch, number).replace("-", ""), derived):
                # Without the text: the command's digest, which has no key, would let the keyed part be found.
                return WantedCode("", CodePlace(canonical(spelled[:-_CHARACTERS]), key, batch, number))
        return WantedCode(spelled)


def _code(secret: bytes, event_id: UUID, batch: int, number: int) -> str:
    place = batch << _NUMBER_BITS | number
    mac = hmac.digest(secret, b"promo code" + event_id.bytes + place.to_bytes(3, "big"), "sha256")
    bits = place << _MAC_BITS | int.from_bytes(mac, "big") >> 8 * len(mac) - _MAC_BITS
    characters = [_CROCKFORD[bits >> shift & 31] for shift in range(5 * (_CHARACTERS - 1), -1, -5)]
    return "-".join("".join(characters[start : start + _GROUP]) for start in range(0, _CHARACTERS, _GROUP))
