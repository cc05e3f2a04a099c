"""The appender's asynchronous connection to the ledger.

Every append takes the ordering lock until it is committed. `append` does so in one round trip, after the batch was decided;
`locked` takes the lock before, so that the batch is decided under it. Both use the SQL function of the synchronous recorder
(`ledger/recorder.py`).
"""

import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from os import dup
from typing import Any, NamedTuple, Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from ledger.anchor import Anchor, LedgerWentBack
from ledger.durability import UNSAFE_SETTINGS, describe
from ledger.entries import RecordedEntry, StreamEnd, topic_of
from ledger.errors import Busy, EventSealed, EventUnreadable, SeatledgerError
from ledger.macs import Macs
from ledger.mapper import decode_or_refuse, encode
from ledger.postgres_connections import SEARCH_PATH, options_of
from ledger.recorder import APPEND

#: The server cancels a statement, and ends a transaction left open, after this time: then the lock is released at the latest.
SERVER_TIMEOUT_MS = 2_000
#: Entries of one stream that are read under the lock. An Event that is further behind is loaded first (appender/event_memory.py).
MISSED_LIMIT = 1_000

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
#: Takes the ordering lock, which is held until the transaction ends, then reads as _MISSED does.
_LOCK_AND_READ = "SELECT * FROM ledger_lock_and_read(%b::uuid[], %b::bigint[], %b::integer)"
#: From the known entry on, to see whether the stream still has it.
_MISSED = """
    SELECT known.stream, later.* FROM unnest(%b::uuid[], %b::bigint[]) AS known (stream, version), LATERAL (
        SELECT originator_version, topic, state, mac, notification_id FROM ledger_entries
        WHERE originator_id = known.stream AND originator_version >= known.version
        ORDER BY originator_version LIMIT %s) AS later"""
_ENDS = """
    SELECT known.stream, newest.* FROM unnest(%b::uuid[]) AS known (stream), LATERAL (
        SELECT originator_version, mac FROM ledger_entries WHERE originator_id = known.stream
        ORDER BY originator_version DESC LIMIT 1) AS newest"""
#: Into the write-ahead log, and nowhere else.
_CONFIRM = "SELECT pg_logical_emit_message(true, 'seatledger-confirm', '')"
_HOLDS = f"""
    SELECT pg_is_in_recovery(), {UNSAFE_SETTINGS}, EXISTS (
        SELECT FROM ledger_entries WHERE notification_id = %b AND mac IS NOT DISTINCT FROM %b)"""


#: Streams and the ends that somebody knows of them.
Ends = Mapping[UUID, StreamEnd]


class Appended(NamedTuple):
    """An entry in the ledger: its position and its MAC."""

    position: int
    mac: bytes


class VersionConflict(Exception):
    """One of the streams does not end with the entry that was built upon: another process has appended to it first, or the ledger
    went back. Nothing was appended."""


class DataRefused(Exception):
    """The database can't store this data. Nothing was appended."""


class LockTimeout(Exception):
    """Waiting for the ordering lock or the server took too long. Nothing was appended."""


class DatabaseRefused(Exception):
    """The database said that it does not do this: its disk is full, it is read-only, and so on. Nothing was appended."""


class StreamUnreadable(Exception):
    """An entry of a stream can't be decoded, or was not written by Seatledger. `refusal`: of each command for this Event."""

    def __init__(self, stream: UUID, refusal: SeatledgerError) -> None:
        super().__init__(f"Event {stream}: {refusal}")
        self.stream, self.refusal = stream, refusal


class LedgerConnection:
    """The appender's connection. Methods raise `VersionConflict`, `DataRefused`, `DatabaseRefused` or `LockTimeout`, after which
    nothing was appended; after every other error of psycopg the connection is unusable, and it is unknown whether an append in
    flight was committed."""

    def __init__(self, connection: AsyncConnection[Any], macs: Macs, *, must_be_durable: bool = False) -> None:
        self._connection, self._macs, self._must_be_durable = connection, macs, must_be_durable
        self._cursor = connection.cursor(binary=True)
        self._transaction_cursor = connection.cursor()  # for BEGIN and COMMIT: they must not replace the other one's result

    @classmethod
    async def connect(cls, database_url: str, macs: Macs, *, must_be_durable: bool = False) -> Self:
        """`must_be_durable`: `check` refuses a server that may lose what it has acknowledged."""
        options = conninfo_to_dict(database_url).get("options") or ""
        timeouts = {"statement_timeout": SERVER_TIMEOUT_MS, "idle_in_transaction_session_timeout": SERVER_TIMEOUT_MS}
        connection = await AsyncConnection.connect(
            database_url,
            autocommit=True,
            connect_timeout=2,
            application_name="seatledger-appender",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=2,
            options=f"{options_of(**timeouts, **SEARCH_PATH)} {options}",
        )
        return cls(connection, macs, must_be_durable=must_be_durable)

    async def append(self, batch: Sequence[RecordedEntry], built_on: Ends) -> list[Appended]:
        """Appends all these entries or none. `built_on`: the ends of the streams when the batch was decided. Raises VersionConflict
        if one of them has another end."""
        parameters, macs = self._parameters(batch, built_on)
        with _TranslatedErrors():
            await self._cursor.execute(APPEND, parameters, prepare=True)
            return _appended(await self._cursor.fetchall(), macs)

    async def append_and_commit(self, batch: Sequence[RecordedEntry], built_on: Ends) -> list[Appended]:
        """As `append`, in a transaction that holds the lock: with the COMMIT that releases it, in one round trip."""
        parameters, macs = self._parameters(batch, built_on)
        with _TranslatedErrors():
            async with self._connection.pipeline():
                await self._cursor.execute(APPEND, parameters, prepare=True)
                await self._transaction_cursor.execute("COMMIT", prepare=True)
            return _appended(await self._cursor.fetchall(), macs)

    async def confirm(self) -> None:
        """Commits after all entries that this connection can see: it returns once they are where an append is waited for, on the
        disk and on synchronous standbys. They may have been committed on this server alone, before it was restarted, say."""
        with _TranslatedErrors():
            await self._cursor.execute(_CONFIRM, prepare=True)

    async def ends(self, streams: Sequence[UUID]) -> dict[UUID, StreamEnd]:
        """The end of each stream, without those that have no entries."""
        with _TranslatedErrors():
            await self._cursor.execute(_ENDS, (list(streams),), prepare=True)
            return {stream: StreamEnd(version, mac) for stream, version, mac in await self._cursor.fetchall()}

    async def check(self, anchor: Anchor) -> None:
        """Raises LedgerWentBack unless the ledger has the anchor; DatabaseRefused if the server is a standby, which may lag, or not
        durable."""
        with _TranslatedErrors():
            await self._cursor.execute(_HOLDS, (anchor.position, anchor.mac), prepare=True)
            [(is_standby, unsafe_settings, is_held)] = await self._cursor.fetchall()
        if is_standby:
            raise DatabaseRefused("it is a standby")
        if unsafe_settings and self._must_be_durable:
            raise DatabaseRefused(describe(unsafe_settings))
        if anchor.position and not is_held:
            raise LedgerWentBack(f"the entry at position {anchor.position}")

    async def missed(self, known: Ends) -> list[RecordedEntry]:
        """The entries after the known end of each stream, in order, at most MISSED_LIMIT of each. Raises StreamUnreadable, and
        LedgerWentBack where a stream does not have the known entry any more."""
        with _TranslatedErrors():
            await self._cursor.execute(_MISSED, _bounds(known), prepare=True)
            return self._missed(known, await self._cursor.fetchall())

    @asynccontextmanager
    async def locked(self, known: Ends) -> AsyncIterator[list[RecordedEntry]]:
        """A transaction that holds the ordering lock, so that no other process appends until it ends. Yields the `missed` entries
        as of then. It ends with `append_and_commit`, and is rolled back otherwise."""
        with _TranslatedErrors():
            try:
                async with self._connection.pipeline():
                    await self._transaction_cursor.execute(_BEGIN, prepare=True)
                    await self._cursor.execute(_LOCK_AND_READ, _bounds(known), prepare=True)
                yield self._missed(known, await self._cursor.fetchall())
            finally:
                if self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                    await self._connection.rollback()

    def cut(self) -> None:
        """Shuts the socket down, so that a call that waits for the server fails. Cancelling a psycopg call may take ten seconds."""
        with suppress(psycopg.Error, OSError), socket.socket(fileno=dup(self._connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._connection.close()

    def _parameters(self, batch: Sequence[RecordedEntry], built_on: Ends) -> tuple[tuple[Sequence[Any], ...], list[bytes]]:
        """The parameters of APPEND, and the MACs of the entries."""
        try:
            rows = [(recorded.stream, recorded.version, topic_of(recorded.entry), encode(recorded.entry)) for recorded in batch]
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:  # JSON or the table of topics can't represent it
            raise DataRefused(str(error)) from error
        macs = [self._macs.compute(*row) for row in rows]
        columns = map(list, zip(*rows, strict=True))
        return (*columns, macs, list(built_on), [end.mac or b"" for end in built_on.values()]), macs

    def _missed(self, known: Ends, rows: Iterable[tuple[UUID, int, str, bytes, bytes | None, int]]) -> list[RecordedEntry]:
        entries, unseen = [], {stream: end for stream, end in known.items() if end.version}
        for stream, version, topic, state, mac, position in rows:
            if (end := unseen.pop(stream, None)) is not None:
                if (version, mac) != end:
                    raise LedgerWentBack(f"entry {end.version} of event {stream}")
                continue
            if not (mac and self._macs.verify(mac, stream, version, topic, state)):  # the Event is loaded next, and may be readable
                raise StreamUnreadable(stream, EventSealed(position))
            try:
                entries.append(RecordedEntry(stream, version, decode_or_refuse(topic, state, position), position, mac))
            except (Busy, EventUnreadable) as refusal:
                raise StreamUnreadable(stream, refusal) from refusal
        for stream, end in unseen.items():
            raise LedgerWentBack(f"entry {end.version} of event {stream}")
        return entries


def _appended(rows: Iterable[tuple[int]], macs: Iterable[bytes]) -> list[Appended]:
    return [Appended(position, mac) for (position,), mac in zip(rows, macs, strict=True)]


def _bounds(known: Ends) -> tuple[list[UUID], list[int], int]:
    """The parameters of _MISSED: one more than the limit, since the known entry is read, too."""
    return list(known), [end.version for end in known.values()], MISSED_LIMIT + 1


class _TranslatedErrors:
    """Raises VersionConflict, LockTimeout, DataRefused or DatabaseRefused for psycopg's errors of these meanings."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        while isinstance(error, errors.PipelineAborted) and error.__context__ is not None:
            error = error.__context__  # the error that aborted the pipeline
        if isinstance(error, errors.UniqueViolation):
            raise VersionConflict from error
        if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
            raise LockTimeout from error
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError | errors.ProgramLimitExceeded):
            raise DataRefused(str(error)) from error
        if isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized == "ERROR":  # FATAL says nothing of the commit
            raise DatabaseRefused(error.diag.message_primary) from error
