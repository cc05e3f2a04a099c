"""The MAC of each entry in the database. Its key is kept outside of the database, so that an administrator of the database can
neither change an entry nor forge one.

    key version (1 byte) | HMAC-SHA-256 of (stream, version, length of topic, topic, state) truncated to 16

It does not cover the position, which is not known yet when an entry is written. The Merkle tree does (projections/merkle.py). A
snapshot has a MAC of the same form: its topic is none of an entry.

What is read is checked before it is used: an entry without a valid MAC was not written by Seatledger, and its Event is refused
(`EventSealed`). Entries may lack a MAC where all entries before them do, since they are older than MACs or were loaded by `psql`
into an empty ledger; and where an operator has accepted them (`python -m projections accept`).
"""

import hmac
import logging
import time
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple, Self
from uuid import UUID

from ledger.keys import Keyring, KeysError

log = logging.getLogger(__name__)

_HEADER = Struct(">16sQI")
_MAC_BYTES = 16
#: The least time between two readings of the keyring for keys that other processes use already.
_REOPEN_SECONDS = 1.0
#: The least time between two log messages about the same entry, and the most entries that are remembered for it.
_REPEAT_SECONDS, _MAX_REMEMBERED = 60.0, 1_000

#: The file beside the keys with the number of entries, from the first, that an operator accepted without a MAC.
ACCEPTED_FILE = "accepted-without-mac"

#: The position up to which no entry has a MAC, and whether a later one has; the position of the last accepted entry. The parameter:
#: the number of accepted ones.
MAY_LACK_MAC = """
    SELECT coalesce(first.position - 1, newest.position, 0), first.position IS NOT NULL,
        CASE WHEN accepted.entries > 0 THEN coalesce(last.position, newest.position, 0) ELSE 0 END
    FROM (VALUES (%s::bigint)) AS accepted (entries)
    CROSS JOIN (SELECT max(notification_id) AS position FROM ledger_entries) AS newest
    LEFT JOIN LATERAL (
        SELECT notification_id AS position FROM ledger_entries WHERE mac IS NOT NULL ORDER BY notification_id LIMIT 1
    ) AS first ON true
    LEFT JOIN LATERAL (
        SELECT notification_id AS position FROM ledger_entries ORDER BY notification_id OFFSET greatest(entries - 1, 0) LIMIT 1
    ) AS last ON accepted.entries > 0"""


class Macs:
    def __init__(self, keys: Keyring, directory: Path | None = None) -> None:
        """`directory`: of the keyring, to look there for keys that other processes use already, and for what was accepted."""
        self._keys, self._directory = keys, directory
        number, newest = keys.newest
        self._number, self._newest = bytes([number]), _keyed(newest)
        self._known = {number: self._newest}
        self._reopened_at = time.monotonic()

    @classmethod
    def open(cls, directory: Path) -> Self:
        """With the keyring in KEYS_DIR, which is created if there is none. Raises KeysError."""
        return cls(Keyring.open(directory, "ledger"), directory)

    def compute(self, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
        """The MAC of an entry under the newest key."""
        return self._number + _digest(self._newest, stream, version, topic, state)

    def verify(self, mac: bytes, stream: UUID, version: int, topic: str, state: bytes) -> bool:
        """Whether the MAC is that of this entry under any key of the keyring."""
        key = (self._known.get(mac[0]) or self._key(mac[0])) if mac else None
        return key is not None and hmac.compare_digest(mac[1:], _digest(key, stream, version, topic, state))

    def accepted(self) -> int:
        """The number of entries, from the first, that an operator accepted without a MAC. Raises ValueError, OSError."""
        return read_accepted(self._directory) if self._directory is not None else 0

    def _key(self, number: int) -> "hmac.HMAC | None":
        """An older key, or one that was added to the keyring after this process has read it."""
        key, now = self._keys.get(number), time.monotonic()
        if key is None and self._directory is not None and now - self._reopened_at >= _REOPEN_SECONDS:
            self._reopened_at = now
            try:
                self._keys = Keyring.open(self._directory, "ledger")
            except KeysError as error:
                log.warning("%s", error)
            key = self._keys.get(number)
        if key is None:
            return None
        self._known[number] = _keyed(key)
        return self._known[number]


class _MayLackMac(NamedTuple):
    """The result of MAY_LACK_MAC, for that number of accepted entries."""

    until: int
    is_final: bool
    accepted_until: int
    accepted: int


class MacCheck:
    """Whether Seatledger wrote the entries that a process reads."""

    def __init__(self, macs: Macs, on_failure: Callable[[int], None] = lambda position: None) -> None:
        """`on_failure` is called with the position of each entry that it did not write; `failures` counts them."""
        self.macs, self._on_failure = macs, on_failure
        self.failures = 0
        self._may_lack = _MayLackMac(0, False, 0, 0)
        self._logged: dict[int, float] = {}

    def must_ask(self, position: int) -> int | None:
        """The parameter of MAY_LACK_MAC, where that has to be asked and its row `set` before an entry without a MAC can be judged;
        None: it need not be."""
        may_lack = self._may_lack
        if position <= max(may_lack.until, may_lack.accepted_until):
            return None
        try:
            accepted = self.macs.accepted()
        except (OSError, ValueError) as error:
            log.error("%s in KEYS_DIR can't be read: %s", ACCEPTED_FILE, error)  # noqa: TRY400 - the trace says nothing more
            accepted = 0
        return None if may_lack.is_final and accepted == may_lack.accepted else accepted

    def set(self, accepted: int, row: tuple[Any, ...]) -> None:
        until, is_final, accepted_until = row
        self._may_lack = _MayLackMac(until, is_final, accepted_until, accepted)

    def holds(self, stream: UUID, version: int, topic: str, state: bytes, position: int, mac: bytes | None) -> bool:
        """Whether Seatledger wrote the entry. If not, that is logged: it is an alarm."""
        if mac is not None:
            is_ours = self.macs.verify(mac, stream, version, topic, state)
        else:
            is_ours = 0 < position <= max(self._may_lack.until, self._may_lack.accepted_until)
        if not is_ours:
            self._report(stream, position)
        return is_ours

    def _report(self, stream: UUID, position: int) -> None:
        self.failures += 1
        self._on_failure(position)
        now = time.monotonic()
        if now - self._logged.get(position, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        if len(self._logged) >= _MAX_REMEMBERED:
            self._logged.clear()
        self._logged[position] = now
        log.error(
            "The entry at position %s was not written by Seatledger: it has no valid MAC. Event %s is sealed. Was the database"
            " written to by somebody else, or does KEYS_DIR lack a key?", position, stream,
        )  # fmt: skip


def read_accepted(directory: Path) -> int:
    """The number of entries, from the first, that an operator accepted without a MAC. Raises ValueError, OSError."""
    path = directory / ACCEPTED_FILE
    if not path.exists():
        return 0
    text = path.read_text().strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{ACCEPTED_FILE} holds no number.")
    return int(text)


def _keyed(key: bytes) -> hmac.HMAC:
    """To copy it costs two thirds of `hmac.digest` with the key."""
    return hmac.new(key, digestmod="sha256")


def _digest(key: hmac.HMAC, stream: UUID, version: int, topic: str, state: bytes) -> bytes:
    name = topic.encode()
    digest = key.copy()
    digest.update(_HEADER.pack(stream.bytes, version, len(name)) + name + state)
    return digest.digest()[:_MAC_BYTES]
