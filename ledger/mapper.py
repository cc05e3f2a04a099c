"""Mapping between entries and the bytes that the database stores: `encode`, `decode`, and the `eventsourcing` library's Mapper."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, Notification, StoredEvent

from ledger import snapshots
from ledger.entries import TOPICS, UPCASTERS, Entry, RecordedEntry, topic_of
from ledger.errors import Busy, EventSealed, EventUnreadable
from ledger.macs import MacCheck
from ledger.snapshots import Snapshot

_encode = msgspec.json.Encoder().encode
_DECODERS: dict[str, msgspec.json.Decoder[Entry]] = {topic: msgspec.json.Decoder(entry) for topic, entry in TOPICS.items()}


class UnknownTopic(KeyError):
    """An entry of a later release: this process was not upgraded yet."""


class Unreadable(Entry, frozen=True, gc=False, kw_only=True):
    """Stands for an entry whose stored bytes can't be decoded, so that the entries after it can be read. No time is before its."""

    reason: str


U = TypeVar("U", bound=Unreadable)


class Forged(Unreadable, frozen=True, gc=False, kw_only=True):
    """Stands for an entry that Seatledger did not write: it has no valid MAC."""


@dataclass(frozen=True)
class StoredEntry(Notification):
    """A stored entry with its position and its MAC."""

    mac: bytes | None


def encode(entry: Entry) -> bytes:
    return _encode(entry)


def decode(topic: str, state: bytes) -> Entry:
    """The entry that was encoded; upcast if its topic is an old one. Raises UnknownTopic for an entry of a later release."""
    if topic in UPCASTERS:
        body = msgspec.json.decode(state)
        while topic in UPCASTERS:
            topic, upcast = UPCASTERS[topic]
            body = upcast(body)
        return msgspec.convert(body, TOPICS[topic])
    if topic not in _DECODERS:
        raise UnknownTopic(topic)
    return _DECODERS[topic].decode(state)


def decode_or_unreadable(topic: str, state: bytes) -> Entry:
    """The entry that was encoded, or Unreadable. Raises UnknownTopic."""
    try:
        return decode(topic, state)
    except (msgspec.MsgspecError, ValueError) as error:
        return _standing_for(Unreadable, f"{type(error).__name__}: {error}")


def forged() -> Forged:
    return _standing_for(Forged, "it has no valid MAC, so Seatledger did not write it")


def _standing_for(kind: type[U], reason: str) -> U:
    return kind(at=datetime.min.replace(tzinfo=UTC), actor=None, command=UUID(int=0), digest=b"", reason=reason)


def decode_or_refuse(topic: str, state: bytes, position: int) -> Entry:
    """The entry that was encoded, for commands. Raises EventUnreadable; Busy for an entry of a later release, which another process
    can read during an upgrade."""
    try:
        return decode(topic, state)
    except UnknownTopic as error:
        raise Busy("A newer release wrote an entry of this event; nothing happened. Try again.") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise EventUnreadable(position) from error


class EntryMapper(Mapper[UUID]):
    """Maps between `RecordedEntry` (or `Snapshot`) and the library's StoredEvent. msgspec replaces transcoder, compressor and
    cipher."""

    def __init__(self, check: MacCheck | None) -> None:
        """Without a `check` no MAC is looked at."""
        self._holds = check.holds if check is not None else _always

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        if isinstance(domain_event, Snapshot):
            return StoredEvent(domain_event.originator_id, domain_event.originator_version, domain_event.topic, domain_event.state)
        entry: Entry = domain_event.entry
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic_of(entry), encode(entry))

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Raises EventSealed for an entry without a valid MAC; MsgspecError, ValueError or UnknownTopic as `decode`."""
        topic, state, stream = stored_event.topic, stored_event.state, cast("UUID", stored_event.originator_id)
        if topic in snapshots.TOPICS:
            return Snapshot(stream, stored_event.originator_version, topic, state)
        assert isinstance(stored_event, StoredEntry)
        version, position, mac = stored_event.originator_version, stored_event.id, stored_event.mac
        if not self._holds(stream, version, topic, state, position, mac):
            raise EventSealed(position)
        decoder = _DECODERS.get(topic)  # most topics need no upcaster, and a projection reads millions of entries
        entry = decoder.decode(state) if decoder is not None else decode(topic, state)
        return RecordedEntry(stream, version, entry, position, mac)


def _always(*_: object) -> bool:
    return True
