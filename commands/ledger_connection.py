"""The appender's own connection: append a run in one round trip, or hold the ordering lock and look first.

Errors come out as four kinds: `Conflict` (a version is taken), `DataRefused` (the database won't have this data), `LockTimeout`
(nothing happened), and everything else that psycopg raises: the connection is done for and what was in flight is unknown.
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

from ledger.entries import Recorded, topic_of
from ledger.macs import Macs
from ledger.store import UnknownTopic, decode, encode

#: The server gives up on a statement, or on a transaction left open, after this long; the lock is free again at most then.
SERVER_TIMEOUT_MS = 2_000
#: Entries of one stream fetched under the lock. Who is further behind loads first (appender.py).
MISSED_LIMIT = 1_000

_APPEND = "SELECT * FROM ledger_append(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[])"
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LOOK = "SELECT * FROM ledger_look(%b::uuid[], %b::bigint[], %b::integer)"
_MISSED = """
    SELECT known.stream, missed.* FROM unnest(%b::uuid[], %b::bigint[]) AS known (stream, version), LATERAL (
        SELECT originator_version, topic, state, notification_id FROM ledger_entries
        WHERE originator_id = known.stream AND originator_version > known.version
        ORDER BY originator_version LIMIT %s) AS missed"""
_VERSIONS = """
    SELECT known.stream, newest.originator_version FROM unnest(%b::uuid[]) AS known (stream), LATERAL (
        SELECT originator_version FROM ledger_entries WHERE originator_id = known.stream
        ORDER BY originator_version DESC LIMIT 1) AS newest"""


class Conflict(Exception):
    """Another process wrote to one of the streams first. Nothing was appended."""


class DataRefused(Exception):
    """The database won't take this data. Nothing was appended."""


class LockTimeout(Exception):
    """The ordering lock, or the server, kept us waiting too long. Nothing was appended."""


class TooNew(Exception):
    """A stream holds an entry of a newer Seatledger than this process is."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(f"Event {stream} holds entries of a newer version: upgrade this process.")
        self.stream = stream


class LedgerConnection:
    def __init__(self, connection: AsyncConnection[Any], macs: Macs) -> None:
        self._connection, self._macs = connection, macs
        self._cursor = connection.cursor(binary=True)
        self._borders = connection.cursor()  # for BEGIN and COMMIT, so that they leave alone what the other one found

    @classmethod
    async def connect(cls, database_url: str, macs: Macs) -> Self:
        given = conninfo_to_dict(database_url).get("options") or ""
        timeouts = f"-c statement_timeout={SERVER_TIMEOUT_MS} -c idle_in_transaction_session_timeout={SERVER_TIMEOUT_MS}"
        connection = await AsyncConnection.connect(
            database_url,
            autocommit=True,
            connect_timeout=2,
            application_name="seatledger-appender",
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=2,
            options=f"{timeouts} {given}",
        )
        return cls(connection, macs)

    async def append(self, run: Sequence[Recorded]) -> list[int]:
        """Appends these entries, all or none, and returns their positions."""
        arrays = self._arrays(run)
        with _kinds():
            await self._cursor.execute(_APPEND, arrays, prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def append_and_commit(self, run: Sequence[Recorded]) -> list[int]:
        """The same where the lock is held: with the COMMIT that lets it go, in one round trip."""
        arrays = self._arrays(run)
        with _kinds():
            async with self._connection.pipeline():
                await self._cursor.execute(_APPEND, arrays, prepare=True)
                await self._borders.execute("COMMIT", prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def versions(self, streams: Sequence[UUID]) -> dict[UUID, int]:
        """The version that each stream has reached; a stream without entries is left out."""
        with _kinds():
            await self._cursor.execute(_VERSIONS, (list(streams),), prepare=True)
            return dict(await self._cursor.fetchall())

    async def missed(self, known: Mapping[UUID, int]) -> list[Recorded]:
        """Entries past the known version of each stream, in order: MISSED_LIMIT of each at most. Raises TooNew."""
        with _kinds():
            await self._cursor.execute(_MISSED, (list(known), list(known.values()), MISSED_LIMIT), prepare=True)
            return _recorded(await self._cursor.fetchall())

    @asynccontextmanager
    async def locked(self, known: Mapping[UUID, int]) -> AsyncIterator[list[Recorded]]:
        """A transaction that holds the ordering lock, and what was `missed` as of then: nobody else appends until it ends.

        It ends with `append_and_commit`, and else is rolled back."""
        with _kinds():
            try:
                async with self._connection.pipeline():
                    await self._borders.execute(_BEGIN, prepare=True)
                    await self._cursor.execute(_LOOK, (list(known), list(known.values()), MISSED_LIMIT), prepare=True)
                yield _recorded(await self._cursor.fetchall())
            finally:
                if self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                    await self._connection.rollback()

    def cut(self) -> None:
        """Break the connection under whatever waits on it. (Cancelling a psycopg call may take ten seconds: PITFALLS.)"""
        with suppress(psycopg.Error, OSError), socket.socket(fileno=dup(self._connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._connection.close()

    def _arrays(self, run: Sequence[Recorded]) -> tuple[list[UUID], list[int], list[str], list[bytes], list[bytes]]:
        try:
            rows = [(one.stream, one.version, topic_of(one.entry), encode(one.entry)) for one in run]
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:  # what JSON or our table of topics can't hold
            raise DataRefused(str(error)) from error
        streams, versions, topics, states = map(list, zip(*rows, strict=True))
        return streams, versions, topics, states, [self._macs.of(*row) for row in rows]


def _recorded(rows: Iterable[tuple[UUID, int, str, bytes, int]]) -> list[Recorded]:
    found = []
    for stream, version, topic, state, position in rows:
        try:
            found.append(Recorded(stream, version, decode(topic, state), position))
        except UnknownTopic as unknown:
            raise TooNew(stream) from unknown
    return found


class _kinds:  # noqa: N801 - reads as a statement
    """Turns psycopg's errors into the four kinds."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        while isinstance(error, errors.PipelineAborted) and error.__context__ is not None:
            error = error.__context__  # what it was aborted by
        if isinstance(error, errors.UniqueViolation):
            raise Conflict from error
        if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
            raise LockTimeout from error
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError | errors.ProgramLimitExceeded):
            raise DataRefused(str(error)) from error
