"""Snapshots: an Event as bytes, from which it is restored without reading the beginning of its stream. The bytes are in frames of a
thousand bookings; `restore` is a generator that yields after each of them, so that the event loader can let the event loop go on.

The topic is the version of the format. A snapshot is taken in the oldest format that can represent the Event, so that processes of
the last release can read it. A topic that is not in `TOPICS` is of a later release and is ignored: a stream can always be read from
its beginning."""

from collections.abc import Generator
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from ledger.booking_money import BookingMoney
from ledger.code_batches import CodeBatch
from ledger.concurrency import at_once
from ledger.details import Details, Pool
from ledger.event import CategoryState, Event
from ledger.holds import Hold, HoldEnds

FIRST, OPEN_DATES, GUESTS, HOLDS, SHARED, PAYMENTS = (f"event-snapshot/{number}" for number in (1, 2, 3, 4, 5, 6))
#: The formats that this release reads, the newest last. The first does not have the Event's number: it is 0 after `restore`.
TOPICS = (FIRST, OPEN_DATES, GUESTS, HOLDS, SHARED, PAYMENTS)
#: The name of the task that takes snapshots, and of its row among the projections' positions.
SNAPSHOTS = "snapshots"
FRAME = 1_000
#: A snapshot is taken when a stream has grown by a twentieth since the last one, and by at least this many entries: so the total
#: cost is linear.
MIN_GROWTH = 1_000


def is_later(topic: str) -> bool:
    """Whether this is the topic of a snapshot that a later release has taken."""
    kind, _, version = topic.partition("/")
    newest_kind, _, newest = TOPICS[-1].partition("/")
    return kind == newest_kind and version.isascii() and version.isdigit() and int(version) > int(newest)


class Snapshot(msgspec.Struct, frozen=True):
    """The Event of stream `originator_id` as of `originator_version` (the `eventsourcing` library's names). `mac`: that of its
    newest entry, which is not stored; None: unknown."""

    originator_id: UUID
    originator_version: int
    topic: str
    state: bytes
    mac: bytes | None = None


class _Head(msgspec.Struct, omit_defaults=True):
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
    pools: tuple[Pool, ...] = ()
    last_pool: int = 0
    batches: tuple[CodeBatch, ...] = ()
    withdrawn: tuple[int, ...] = ()


class _State(msgspec.Struct):
    head: _Head
    frames: list[tuple[str, msgspec.Raw]]


_VALUES: dict[str, Any] = {
    "bookings": dict[bytes, tuple[bytes, bytes, int]],
    "touched": dict[bytes, tuple[bytes, tuple[int, ...]]],
    "customers": dict[bytes, int],
    "commands": dict[bytes, int],
    "holds": dict[bytes, Hold],
    "released": dict[bytes, bytes],
    "amounts": dict[bytes, tuple[int, ...]],
    "code_uses": dict[bytes, int],
    "booking_codes": dict[bytes, bytes],
    "money": dict[bytes, BookingMoney],
}
_DECODERS = {name: msgspec.msgpack.Decoder(type_) for name, type_ in _VALUES.items()}


def is_due(version: int, last: int) -> bool:
    """Whether a stream has grown enough since the version of its last snapshot (0: none) to take another."""
    return version - last >= max(MIN_GROWTH, last // 20)


def take(event: Event, topic: str = "") -> Snapshot:
    """A snapshot in the oldest format that can represent the Event; or in that of `topic`, to compare with another one."""
    topic = topic or _oldest_topic(event)
    number = 0 if topic == FIRST else event.number
    head = _Head(
        number, event.created_at, event.details, event.details_set, event.details_version, event.currency,
        event.organizer_id, event.status, list(event.categories.values()), event.last_category,
        event.pools, event.last_pool, event.batches, event.withdrawn,
    )  # fmt: skip
    frames = []
    for name in _VALUES:
        items = iter(getattr(event, name).items())
        while chunk := dict(islice(items, FRAME)):
            frames.append((name, msgspec.Raw(msgspec.msgpack.encode(chunk))))
    return Snapshot(event.id, event.version, topic, msgspec.msgpack.encode(_State(head, frames)), event.mac)


def _oldest_topic(event: Event) -> str:
    if event.money or event.details.payment_methods:
        return PAYMENTS
    if event.last_pool or event.batches:
        return SHARED
    has_held = event.holds or event.released or event.amounts
    return HOLDS if has_held else TOPICS[event.details.shape - 1]


def restore(snapshot: Snapshot) -> Generator[None, None, Event]:
    """Yields after each frame and returns the Event. A snapshot does not have the time and the MAC of its newest entry: `at` is
    when the Event was created, `mac` None. Nor has the first format the Event's number: it is 0."""
    state = msgspec.msgpack.decode(snapshot.state, type=_State)
    event = Event()
    event.id, event.version, event.mac = snapshot.originator_id, snapshot.originator_version, None
    for name in _Head.__struct_fields__:
        setattr(event, name, getattr(state.head, name))
    event.at = event.created_at
    event.categories = {seats.number: seats for seats in state.head.categories}
    for name in _VALUES:
        setattr(event, name, {})
    for name, frame in state.frames:
        getattr(event, name).update(_DECODERS[name].decode(frame))
        yield
    assert isinstance(event.holds, dict)
    event.hold_ends = HoldEnds(event.holds.items())
    return event


def restore_synchronously(snapshot: Snapshot) -> Event:
    """As `restore`, for callers without an event loop."""
    return at_once(restore(snapshot))
