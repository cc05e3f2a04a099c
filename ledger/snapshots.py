"""How a long stream is shortened: an Event as bytes, in frames of a thousand bookings, so that reading one back can stop for
breath between frames (`restore` is a generator: the appender's loader gives the event loop a turn at each step).

The topic is the version of the format. A snapshot is taken in the oldest that says all of it, so that processes of the last
release read it. A topic that is not in `TOPICS` is of a later release, and is passed over: a stream can always be read from its
beginning."""

from collections.abc import Generator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from ledger.entries import Details
from ledger.event import CategoryState, Event

FIRST, OPEN_DATES = "event-snapshot/1", "event-snapshot/2"
#: All that this release reads, the newest last. The first says 0 for the Event's number: whoever restores it looks that up.
TOPICS = (FIRST, OPEN_DATES)
#: The name of the work of taking them: of its task, and of its row among the projections' positions.
SNAPSHOTS = "snapshots"
FRAME = 1_000
#: A snapshot is taken when a stream has grown by a twentieth, and by so many entries at least, since the last: linear cost in all.
MIN_GROWTH = 1_000


def is_later(topic: str) -> bool:
    """Is this the topic of a snapshot that a later release has taken?"""
    kind, _, version = topic.partition("/")
    newest_kind, _, newest = TOPICS[-1].partition("/")
    return kind == newest_kind and version.isascii() and version.isdigit() and int(version) > int(newest)


class Snapshot(msgspec.Struct, frozen=True):
    """The Event of stream `originator_id` as of `originator_version` (the `eventsourcing` library's names)."""

    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes


class _Head(msgspec.Struct):
    number: int
    created_at: datetime
    details: Details
    details_set: tuple[int, ...]
    details_version: int
    currency: str
    organizer_id: UUID
    status: str
    categories: list[CategoryState]
    last_category: int


class _State(msgspec.Struct):
    head: _Head
    frames: list[tuple[str, msgspec.Raw]]


_VALUES: dict[str, Any] = {
    "bookings": dict[bytes, tuple[bytes, bytes, int]],
    "touched": dict[bytes, tuple[bytes, tuple[int, ...]]],
    "customers": dict[bytes, int],
    "commands": dict[bytes, int],
}
_DECODERS = {name: msgspec.msgpack.Decoder(type_) for name, type_ in _VALUES.items()}


def is_due(version: int, last: int) -> bool:
    """Has a stream grown enough since its last snapshot (0: none) to take another?"""
    return version - last >= max(MIN_GROWTH, last // 20)


def take(event: Event, topic: str = "") -> Snapshot:
    """In the oldest format that says all of it, or in one of `TOPICS`: to compare with."""
    topic = topic or (FIRST if event.details.is_first_shape else OPEN_DATES)
    number = 0 if topic == FIRST else event.number
    head = _Head(
        number, event.created_at, event.details, event.details_set, event.details_version, event.currency,
        event.organizer_id, event.status, list(event.categories.values()), event.last_category,
    )  # fmt: skip
    frames = []
    for name in _VALUES:
        items = iter(getattr(event, name).items())
        while chunk := dict(islice(items, FRAME)):
            frames.append((name, msgspec.Raw(msgspec.msgpack.encode(chunk))))
    return Snapshot(event.id, event.version, topic, msgspec.msgpack.encode(_State(head, frames)))


def restore(snapshot: Snapshot) -> Generator[None, None, Event]:
    """Yields after each frame; its return value is the Event, whose number is 0 where the snapshot is of the first format."""
    state = msgspec.msgpack.decode(snapshot.state, type=_State)
    event = Event()
    event.id, event.version = snapshot.originator_id, snapshot.originator_version
    for name in _Head.__struct_fields__:
        setattr(event, name, getattr(state.head, name))
    event.categories = {seats.number: seats for seats in state.head.categories}
    for name in _VALUES:
        setattr(event, name, {})
    for name, frame in state.frames:
        getattr(event, name).update(_DECODERS[name].decode(frame))
        yield
    return event


def restore_at_once(snapshot: Snapshot) -> Event:
    """For those who have no loop to give turns to."""
    steps = restore(snapshot)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            event: Event = end.value
            return event
