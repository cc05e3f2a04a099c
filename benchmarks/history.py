"""Creates a long history quickly: Events are scheduled by the event store, bookings are written by COPY in the store's encoding.

It holds the ordering lock, and all triggers and indexes are active, so the result is the same as after years of selling.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from os import urandom
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from benchmarks.load import CATEGORY
from ledger.changing import MAX_CAPACITY
from ledger.details import Category, Details
from ledger.entries import EventScheduled, Line, RecordedEntry, SeatsBooked
from ledger.macs import Macs
from ledger.mapper import encode
from ledger.recorder import ORDERING_LOCK
from ledger.store import Ledger

PRICE = 5_000
#: Bookings of the history are of this category, so the category that loads book from has all its seats.
SOLD_CATEGORY = Category(2, "Early", PRICE, MAX_CAPACITY)
_COPY = "COPY ledger_entries (originator_id, originator_version, topic, state, mac) FROM STDIN (FORMAT BINARY)"
_COPY_BEGIN, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_CHUNK = 2_000
#: Events appended at once. The library's pipeline hung with 1,200 of them (700 kB).
BATCH_SIZE = 250


class Sales(NamedTuple):
    """Bookings of one seat each, from `version` on: 2 for an Event that was only scheduled."""

    event_id: UUID
    version: int
    bookings: int


def schedule(ledger: Ledger, organizer_id: UUID, names: Sequence[str], *, seats: int = MAX_CAPACITY) -> list[UUID]:
    """Schedules Events that start in a month, a minute apart. Each has `seats` seats for loads, and others for `sell`."""
    now = datetime.now(UTC)
    starts_at = now + timedelta(days=30)
    scheduled = []
    for number, name in enumerate(names):
        event_id = uuid4()
        entry = EventScheduled(
            at=now, actor=organizer_id, command=event_id, digest=bytes(16), currency="EUR", organizer_id=organizer_id,
            details=Details(name=name, starts_at=starts_at + timedelta(minutes=number), venue="Main hall"),
            categories=(Category(1, CATEGORY, PRICE, seats), SOLD_CATEGORY),
        )  # fmt: skip
        scheduled.append(RecordedEntry(event_id, 1, entry))
    for start in range(0, len(scheduled), BATCH_SIZE):
        ledger.save(*scheduled[start : start + BATCH_SIZE])
    return [recorded.stream for recorded in scheduled]


def sell(connection: psycopg.Connection, macs: Macs, sales: Sequence[Sales], customers: Sequence[UUID]) -> None:
    """Appends the bookings in one transaction, one Event after the other, for all customers in turn."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
        with cursor.copy(_COPY) as copy:
            copy.write(_COPY_BEGIN)
            buyers = cycle([str(customer).encode() for customer in customers])
            for sale in sales:
                rows = _rows(sale, buyers, macs)
                while chunk := b"".join(islice(rows, _CHUNK)):
                    copy.write(chunk)
            copy.write(_COPY_END)


def _rows(sales: Sales, buyers: Iterator[bytes], macs: Macs) -> Iterator[bytes]:
    """Rows in PostgreSQL's binary COPY format: each field is preceded by its length."""
    before, between, after = _around_ids()
    topic = "seats-booked/1"
    start = (5).to_bytes(2, "big") + _field(sales.event_id.bytes)
    middle = _field(topic.encode())
    for version, command, buyer in zip(count(sales.version), _ids(sales.bookings), buyers, strict=False):
        state = b"".join((before, buyer, between[0], command, between[1], buyer, after))
        mac = macs.compute(sales.event_id, version, topic, state)
        yield b"".join((start, _field(version.to_bytes(8, "big")), middle, _field(state), _field(mac)))


def _field(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _around_ids() -> tuple[bytes, tuple[bytes, bytes], bytes]:
    """An encoded entry, split at the ids of customer, command, and customer. Joining it takes a fifth of the time of encoding."""
    customer, command = uuid4(), uuid4()
    entry = SeatsBooked(
        at=datetime.now(UTC), actor=customer, command=command, digest=bytes(16), customer_id=customer,
        lines=(Line(SOLD_CATEGORY.number, SOLD_CATEGORY.name, 1, SOLD_CATEGORY.price),), details_version=1,
    )  # fmt: skip
    before, between, after = encode(entry).split(str(customer).encode())
    first, second = between.split(str(command).encode())
    return before, (first, second), after


def _ids(number: int) -> Iterator[bytes]:
    """Random ids: consecutive ones would be unrealistically cheap for indexes."""
    for start in range(0, number, _CHUNK):
        digits = urandom(16 * _CHUNK).hex().encode()
        for offset in range(0, 32 * min(_CHUNK, number - start), 32):
            digest = digits[offset : offset + 32]
            yield b"%b-%b-4%b-8%b-%b" % (digest[:8], digest[8:12], digest[13:16], digest[17:20], digest[20:])
