"""The appender's asynchronous connection to the ledger.

Every append takes the ordering lock until it is committed. `append` does so in one round trip, after the batch was decided;
`locked` takes the lock before, so that the batch is decided under it. Both use the SQL function of the synchronous recorder
(`ledger/recorder.py`).
"""

import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from os import dup
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from ledger.entries import RecordedEntry, topic_of
from ledger.macs import Macs
from ledger.mapper import UnknownTopic, decode, encode
from ledger.recorder import APPEND

#: The server cancels a statement, and ends a transaction left open, after this time: then the lock is released at the latest.
SERVER_TIMEOUT_MS = 2_000
#: Entries of one stream that are read under the lock. An Event that is further behind is loaded first (appender/event_memory.py).
MISSED_LIMIT = 1_000

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
#: `ledger_look` takes the ordering lock, which is held until the transaction ends, then reads the missed entries.
_LOCK_AND_READ = "SELECT * FROM ledger_look(%b::uuid[], %b::bigint[], %b::integer)"
_MISSED = """
    SELECT known.stream, missed.* FROM unnest(%b::uuid[], %b::bigint[]) AS known (stream, version), LATERAL (
        SELECT originator_version, topic, state, notification_id FROM ledger_entries
        WHERE originator_id = known.stream AND originator_version > known.version
        ORDER BY originator_version LIMIT %s) AS missed"""
_VERSIONS = """
    SELECT known.stream, newest.originator_version FROM unnest(%b::uuid[]) AS known (stream), LATERAL (
        SELECT originator_version FROM ledger_entries WHERE originator_id = known.stream
        ORDER BY originator_version DESC LIMIT 1) AS newest"""


class VersionConflict(Exception):
    """Another process has appended to one of the streams first. Nothing was appended."""


class DataRefused(Exception):
    """The database can't store this data. Nothing was appended."""


class LockTimeout(Exception):
    """Waiting for the ordering lock or the server took too long. Nothing was appended."""


class StreamTooNew(Exception):
    """A stream has an entry of a later release than that of this process."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(f"Event {stream} holds entries of a newer version: upgrade this process.")
        self.stream = stream


class LedgerConnection:
    """The appender's connection. Methods raise `VersionConflict`, `DataRefused` or `LockTimeout`, after which nothing was
    appended; after every other error of psycopg the connection is unusable, and it is unknown whether an append in flight was
    committed."""

    def __init__(self, connection: AsyncConnection[Any], macs: Macs) -> None:
        self._connection, self._macs = connection, macs
        self._cursor = connection.cursor(binary=True)
        self._transaction_cursor = connection.cursor()  # for BEGIN and COMMIT: they must not replace the other one's result

    @classmethod
    async def connect(cls, database_url: str, macs: Macs) -> Self:
        options = conninfo_to_dict(database_url).get("options") or ""
        timeouts = f"-c statement_timeout={SERVER_TIMEOUT_MS} -c idle_in_transaction_session_timeout={SERVER_TIMEOUT_MS}"
        connection = await AsyncConnection.connect(
            database_url,
            autocommit=True,
            connect_timeout=2,
            application_name="seatledger-appender",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=2,
            options=f"{timeouts} {options}",
        )
        return cls(connection, macs)

    async def append(self, batch: Sequence[RecordedEntry]) -> list[int]:
        """Appends all these entries or none, and returns their positions."""
        arrays = self._arrays(batch)
        with _translated_errors():
            await self._cursor.execute(APPEND, arrays, prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def append_and_commit(self, batch: Sequence[RecordedEntry]) -> list[int]:
        """As `append`, in a transaction that holds the lock: with the COMMIT that releases it, in one round trip."""
        arrays = self._arrays(batch)
        with _translated_errors():
            async with self._connection.pipeline():
                await self._cursor.execute(APPEND, arrays, prepare=True)
                await self._transaction_cursor.execute("COMMIT", prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def versions(self, streams: Sequence[UUID]) -> dict[UUID, int]:
        """The version of each stream, without those that have no entries."""
        with _translated_errors():
            await self._cursor.execute(_VERSIONS, (list(streams),), prepare=True)
            return dict(await self._cursor.fetchall())

    async def missed(self, known: Mapping[UUID, int]) -> list[RecordedEntry]:
        """The entries after the known version of each stream, in order, at most MISSED_LIMIT of each. Raises StreamTooNew."""
        with _translated_errors():
            await self._cursor.execute(_MISSED, (list(known), list(known.values()), MISSED_LIMIT), prepare=True)
            return _recorded(await self._cursor.fetchall())

    @asynccontextmanager
    async def locked(self, known: Mapping[UUID, int]) -> AsyncIterator[list[RecordedEntry]]:
        """A transaction that holds the ordering lock, so that no other process appends until it ends. Yields the `missed` entries
        as of then. It ends with `append_and_commit`, and is rolled back otherwise."""
        with _translated_errors():
            try:
                async with self._connection.pipeline():
                    await self._transaction_cursor.execute(_BEGIN, prepare=True)
                    await self._cursor.execute(_LOCK_AND_READ, (list(known), list(known.values()), MISSED_LIMIT), prepare=True)
                yield _recorded(await self._cursor.fetchall())
            finally:
                if self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                    await self._connection.rollback()

    def cut(self) -> None:
        """Shuts the socket down, so that a call that waits for the server fails. Cancelling a psycopg call may take ten seconds."""
        with suppress(psycopg.Error, OSError), socket.socket(fileno=dup(self._connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._connection.close()

    def _arrays(self, batch: Sequence[RecordedEntry]) -> tuple[list[UUID], list[int], list[str], list[bytes], list[bytes]]:
        try:
            rows = [(recorded.stream, recorded.version, topic_of(recorded.entry), encode(recorded.entry)) for recorded in batch]
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:  # JSON or the table of topics can't represent it
            raise DataRefused(str(error)) from error
        streams, versions, topics, states = map(list, zip(*rows, strict=True))
        return streams, versions, topics, states, [self._macs.compute(*row) for row in rows]


def _recorded(rows: Iterable[tuple[UUID, int, str, bytes, int]]) -> list[RecordedEntry]:
    entries = []
    for stream, version, topic, state, position in rows:
        try:
            entries.append(RecordedEntry(stream, version, decode(topic, state), position))
        except UnknownTopic as unknown:
            raise StreamTooNew(stream) from unknown
    return entries


class _translated_errors:  # noqa: N801 - reads as a statement
    """Raises VersionConflict, DataRefused or LockTimeout for psycopg's errors of these meanings."""

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
