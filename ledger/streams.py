"""Reading streams on the event loop: pages of entries over a connection pool, applied in small portions.

Applying a stream of 100,000 bookings takes half a second, so the event loop gets control every few hundred entries: other Events go
on selling meanwhile. Each statement takes a connection of its own and is bounded, however long the whole takes: so a silent server
is Busy in time, and no connection is idle while entries are applied."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from ledger import snapshots
from ledger.anchor import Anchor, LedgerWentBack
from ledger.entries import RecordedEntry
from ledger.errors import EventSealed
from ledger.event import Event
from ledger.evolve import evolve
from ledger.macs import MAY_LACK_MAC, MacCheck
from ledger.mapper import decode_or_refuse
from ledger.pool import Pool, connection

log = logging.getLogger(__name__)

PAGE = 2_000
#: A stream with at most this many entries is short: one statement reads many of them.
SHORT = 200
#: Entries that are applied before the event loop gets control: about a millisecond.
YIELD_EVERY = 200
#: For one statement, including the wait for its connection: a client gets 503 within 3 s.
STATEMENT_SECONDS = 2.0

#: From the entry on that the Event is as of, to see whether the stream still has it.
_PAGE = """
    SELECT originator_version, topic, state, notification_id, mac FROM ledger_entries
    WHERE originator_id = %s AND originator_version >= %s AND originator_version <= %s
    ORDER BY originator_version LIMIT %s"""
_SNAPSHOT = """
    SELECT originator_version, snapshot.topic, snapshot.state, snapshot.mac, entry.topic, entry.state, notification_id, entry.mac
    FROM ledger_snapshots AS snapshot JOIN ledger_entries AS entry USING (originator_id, originator_version)
    WHERE originator_id = %s AND originator_version <= %s AND snapshot.topic = ANY(%s) AND snapshot.mac IS NOT NULL
    ORDER BY originator_version DESC LIMIT 1"""
_FIRST_ENTRIES = """
    SELECT wanted.stream, first.* FROM unnest(%s::uuid[]) AS wanted (stream), LATERAL (
        SELECT originator_version, topic, state, notification_id, mac FROM ledger_entries WHERE originator_id = wanted.stream
        ORDER BY originator_version LIMIT %s) AS first"""
_ENTRIES = """
    SELECT originator_version, topic, state, notification_id, mac FROM ledger_entries
    WHERE originator_id = %s AND originator_version = ANY(%s) ORDER BY originator_version"""
_ENTRY_AT = """
    SELECT originator_id, originator_version, topic, state, notification_id, mac FROM ledger_entries WHERE notification_id = %s"""
_POSITION = "SELECT notification_id FROM ledger_entries WHERE originator_id = %s AND originator_version = %s"
_VERSION = "SELECT coalesce(max(originator_version), 0) FROM ledger_entries WHERE originator_id = %s"
_HEAD = "SELECT max(notification_id) FROM ledger_entries"
_NO_END = 2**62


class Streams:
    """Reads streams. All methods raise Busy if the database does not reply in time; EventUnreadable; and EventSealed for an entry
    that Seatledger did not write. `anchor`: of the entries that were read."""

    def __init__(self, pool: Pool, check: MacCheck) -> None:
        self._pool, self._check = pool, check
        self.anchor = Anchor()

    @property
    def forged_entries_read(self) -> int:
        """How often an entry was read that Seatledger did not write."""
        return self._check.failures

    async def load(self, stream: UUID, *, since: Event | None = None, until: int = _NO_END) -> Event | None:
        """The Event as of version `until`; None if the stream is empty. `since`: an older state of it, which is changed.

        Raises LedgerWentBack where the stream does not have the entries any more that were read before: the pages would be of two
        histories."""
        event = await self._from_snapshot(stream, until) if since is None else since
        while True:
            rows = await self._fetch(_PAGE, (stream, event.version if event else 0, until, PAGE))
            is_last = len(rows) < PAGE
            if event is not None:
                if not rows or (rows[0][0], rows[0][-1]) != event.end:
                    raise LedgerWentBack(f"entry {event.version} of event {stream}")
                del rows[0]
            self._move_anchor(rows)
            await self._ask_what_may_lack_a_mac(rows)
            for index, row in enumerate(rows):
                event = evolve(event, self._recorded(stream, *row))
                if index % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
            if is_last:
                return event

    async def load_short(self, streams: Collection[UUID]) -> dict[UUID, Event | None]:
        """Reads many streams in one statement: the Events of the short ones, None for the empty ones. The others, which are long
        or can't be read, are left out and have to be loaded alone."""
        events: dict[UUID, Event | None] = dict.fromkeys(streams)
        rows = await self._fetch(_FIRST_ENTRIES, (list(streams), SHORT + 1))
        self._move_anchor(rows)
        await self._ask_what_may_lack_a_mac(rows)
        for index, (stream, *row) in enumerate(rows):
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            if stream not in events:
                continue
            try:
                event = events[stream] = evolve(events[stream], self._recorded(stream, *row))
            except Exception:  # noqa: BLE001 - it will be loaded alone, and fail alone
                del events[stream]
                continue
            if event.version > SHORT:
                del events[stream]
        return events

    def _move_anchor(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The rows end with position and MAC."""
        if rows:
            self.anchor.move(*max(row[-2:] for row in rows))

    async def _from_snapshot(self, stream: UUID, until: int) -> Event | None:
        rows = await self._fetch(_SNAPSHOT, (stream, until, list(snapshots.TOPICS)))
        if not rows:
            return None
        [(version, topic, state, mac, *entry)] = rows
        if not self._check.macs.verify(mac, stream, version, topic, state):
            log.error("The snapshot of event %s as of version %s was not written by Seatledger: it is ignored.", stream, version)
            return None
        await self._ask_what_may_lack_a_mac(rows)
        newest = self._recorded(stream, version, *entry)
        steps = snapshots.restore(snapshots.Snapshot(stream, version, topic, state))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                event: Event = end.value
                break
            await asyncio.sleep(0)
        event.at, event.mac = newest.entry.at, newest.mac
        if not event.number:
            [(event.number,)] = await self._fetch(_POSITION, (stream, 1))
        return event

    async def entries(self, stream: UUID, versions: Sequence[int]) -> list[RecordedEntry]:
        """The entries of a stream with these versions, in order, without versions that do not exist."""
        rows = await self._fetch(_ENTRIES, (stream, list(versions)))
        await self._ask_what_may_lack_a_mac(rows)
        return [self._recorded(stream, *row) for row in rows]

    async def entry_at(self, position: int) -> RecordedEntry | None:
        """The entry at this position of the ledger; None: there is none."""
        rows = await self._fetch(_ENTRY_AT, (position,))
        await self._ask_what_may_lack_a_mac(rows)
        return next((self._recorded(*row) for row in rows), None)

    async def version_at(self, stream: UUID, position: int) -> int:
        """The version of a stream as of this position of the ledger; 0 before its first entry."""
        [(last,)] = await self._fetch(_VERSION, (stream,))
        return await self._bisect(stream, position, 0, last)

    async def _bisect(self, stream: UUID, position: int, low: int, high: int) -> int:
        """The greatest version whose entry is at or before that position. It is between `low` and `high`."""
        while low < high:
            middle = (low + high + 1) // 2
            [(entry_position,)] = await self._fetch(_POSITION, (stream, middle))
            low, high = (middle, high) if entry_position <= position else (low, middle - 1)
        return low

    async def head(self) -> int:
        """The position of the newest entry, 0 in an empty ledger."""
        [(position,)] = await self._fetch(_HEAD, ())
        return position or 0

    async def _fetch(self, statement: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        async with connection(self._pool, STATEMENT_SECONDS) as acquired:
            cursor = await acquired.execute(statement, parameters, prepare=True, binary=True)
            return await cursor.fetchall()

    async def _ask_what_may_lack_a_mac(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Before `_recorded`. The rows end with position and MAC."""
        newest = max((row[-2] for row in rows if row[-1] is None), default=None)
        if newest is not None and (accepted := self._check.must_ask(newest)) is not None:
            [row] = await self._fetch(MAY_LACK_MAC, (accepted,))
            self._check.set(accepted, row)

    def _recorded(self, stream: UUID, version: int, topic: str, state: bytes, position: int, mac: bytes | None) -> RecordedEntry:
        if not self._check.holds(stream, version, topic, state, position, mac):
            raise EventSealed(position)
        return RecordedEntry(stream, version, decode_or_refuse(topic, state, position), position, mac)
