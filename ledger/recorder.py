"""Appends entries to the ledger's table, by one SQL function, `ledger_append`. Two classes call it:

- `LedgerRecorder`, the synchronous recorder of the `eventsourcing` library: for workers, the demo and `projections`, which do not
run on the event loop of an API process. - `LedgerConnection`, asynchronous, for the appender: a batch in one round trip, or under
the ordering lock.

The function takes the ordering lock, so that commit order is position order. Each row has a MAC.
"""

import logging
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from os import dup
from typing import Any, NamedTuple, Self, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    InterfaceError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    ShutDown,
    StoredEvent,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresApplicationRecorder, PostgresDatastore
from psycopg import AsyncConnection, Connection, errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow
from psycopg.sql import SQL, Literal

from ledger import snapshots
from ledger.entries import RecordedEntry, topic_of
from ledger.macs import Macs
from ledger.mapper import UnknownTopic, decode, encode

log = logging.getLogger(__name__)

#: The advisory lock that every writer of entries takes, so that commit order is position order ("Seatledg" in ASCII). It replaces
#: the library's LOCK TABLE, which conflicts with VACUUM and ANALYZE.
ORDERING_LOCK = 0x536561746C656467

_APPEND = "SELECT * FROM ledger_append(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[]) AS position"

# --- the library's recorder

#: Bounds of one append: the library's pipeline was seen to hang forever with 3,000 entries, and with 800 of some 640 bytes; 600 of
#: these succeeded.
MAX_APPEND, MAX_APPEND_BYTES = 2_000, 256 * 1024
#: Interval at which a subscription reads new entries.
POLL_SECONDS = 0.2

_IMPORT = """
    INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac, notification_id)
    SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::bigint[])
    RETURNING notification_id AS position"""
_FIRST_POSITION = "SELECT notification_id FROM ledger_entries WHERE originator_id = %s AND originator_version = 1"


class ImportedPosition(NamedTuple):
    """The position and the MAC that an exported entry had."""

    position: int
    mac: bytes | None


class LedgerRecorder(PostgresApplicationRecorder):
    """Appends by `ledger_append`, without the library's NOTIFY, which takes a server-wide lock at commit."""

    def __init__(self, datastore: PostgresDatastore, macs: Macs | None) -> None:
        """Without `macs` it can only read."""
        super().__init__(datastore, events_table_name="ledger_entries")
        self._macs = macs

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, imported: Sequence[ImportedPosition] | None = None, **more: Any
    ) -> Sequence[int] | None:
        """Appends all entries or none and returns their positions: the next ones, or those of `imported`.

        Raises the library's IntegrityError if a version or position exists already, ValueError past MAX_APPEND entries or
        MAX_APPEND_BYTES: the caller splits larger appends, since it knows which entries belong together."""
        if len(stored_events) > MAX_APPEND:
            raise ValueError(f"{len(stored_events)} entries at once; at most {MAX_APPEND}.")
        size = sum(len(stored.state) for stored in stored_events)
        if size > MAX_APPEND_BYTES and len(stored_events) > 1:
            raise ValueError(f"{len(stored_events)} entries of {size} bytes at once; at most {MAX_APPEND_BYTES} bytes.")
        positions: Sequence[int] | None = super().insert_events(stored_events, imported=imported, **more)
        return positions

    def _insert_stored_events(
        self, curs: Any, stored_events: Sequence[StoredEvent], *, imported: Sequence[ImportedPosition] | None = None, **_: Any
    ) -> None:
        rows = [
            (cast(UUID, stored.originator_id), stored.originator_version, stored.topic, stored.state) for stored in stored_events
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        if imported is None:
            assert self._macs is not None, "appending needs the keys"
            curs.execute(_APPEND, (*columns, [self._macs.compute(*row) for row in rows]), prepare=True)
        else:
            curs.execute(
                _IMPORT,
                (*columns, [original.mac for original in imported], [original.position for original in imported]),
                prepare=True,
            )

    def _fetch_ids_after_insert_events(self, curs: Any, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        return [row["position"] for row in curs.fetchall()]

    def select_events(self, originator_id: UUID | str, **bounds: Any) -> Sequence[StoredEvent]:
        """As in the library, but the first entry of a stream is a Notification, with its position: that is the Event's number."""
        found = list(super().select_events(originator_id, **bounds))
        index = next((index for index in (0, -1) if found and found[index].originator_version == 1), None)
        if index is not None:
            with self.datastore.get_connection() as connection:
                row = connection.execute(_FIRST_POSITION, (originator_id,), prepare=True).fetchone()
            assert row is not None, "entries are never removed"
            first = found[index]
            found[index] = Notification(originator_id, 1, first.topic, first.state, row["notification_id"])
        return found

    @contextmanager
    def import_transaction(self) -> Iterator[Connection[DictRow]]:
        """One transaction, which holds the ordering lock: everything that is inserted in the block is committed at its end, or
        nothing."""
        datastore = self.datastore
        with datastore.get_connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
            for bound in ("statement_timeout", "idle_in_transaction_session_timeout"):  # the imported file may be read slowly
                connection.execute(SQL("SET LOCAL {} = 0").format(SQL(bound)))
            self.datastore = cast(PostgresDatastore, _OneConnection(connection))
            try:
                yield connection
            finally:
                self.datastore = datastore

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        return PollingSubscription(self, gt, topics)


class _OneConnection:
    """Replaces a recorder's datastore: it always returns the same connection, whose transaction the caller controls."""

    enable_db_functions = False

    def __init__(self, connection: Connection[DictRow]) -> None:
        self._connection = connection

    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        yield self._connection


class PollingSubscription(ListenNotifySubscription[LedgerRecorder]):
    """The library's subscription, but it polls every POLL_SECONDS instead of waiting for NOTIFY, and continues after an outage of
    the database."""

    def _loop_on_pull(self) -> None:
        is_unavailable = False
        try:
            while not self._has_been_stopped:
                try:
                    self._pull()
                    is_unavailable = False
                except (OperationalError, InterfaceError) as error:
                    if not is_unavailable:  # log it once, not at every poll
                        log.warning("The ledger can't be read at the moment: %s", error)
                    is_unavailable = True
                self._has_been_notified.wait(POLL_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that takes the entries
            self._thread_error = error
            self.stop()

    def _pull(self) -> None:
        """Reads all topics in batches and selects the wanted ones here: so the position moves past all others, and a rare topic
        costs no search through the rest of the ledger at each poll."""
        while not self._has_been_stopped:
            self._has_been_notified.clear()
            last = self._last_notification_id or 0
            found = self._recorder.select_notifications(last, self._select_limit, inclusive_of_start=False)
            if wanted := [stored for stored in found if not self._topics or stored.topic in self._topics]:
                with suppress(ShutDown):
                    self._notifications_queue.put(wanted)
            if found:
                self._last_notification_id = found[-1].id
            if len(found) < self._select_limit:
                return


class SnapshotRecorder(PostgresAggregateRecorder):
    """Ignores snapshots of later releases."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="ledger_snapshots")
        known = SQL(", ").join(map(Literal, snapshots.TOPICS))
        self.select_events_statement = SQL("SELECT * FROM ledger_snapshots WHERE topic IN ({known}) AND originator_id = %s").format(
            known=known
        )


# --- the appender's connection

#: The server cancels a statement, and ends a transaction left open, after this time: then the lock is released at the latest.
SERVER_TIMEOUT_MS = 2_000
#: Entries of one stream that are read under the lock. An Event that is further behind is loaded first (appender/event_memory.py).
MISSED_LIMIT = 1_000

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
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

    async def append(self, batch: Sequence[RecordedEntry]) -> list[int]:
        """Appends all these entries or none, and returns their positions."""
        arrays = self._arrays(batch)
        with _translated_errors():
            await self._cursor.execute(_APPEND, arrays, prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def append_and_commit(self, batch: Sequence[RecordedEntry]) -> list[int]:
        """As `append`, in a transaction that holds the lock: with the COMMIT that releases it, in one round trip."""
        arrays = self._arrays(batch)
        with _translated_errors():
            async with self._connection.pipeline():
                await self._cursor.execute(_APPEND, arrays, prepare=True)
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
    found = []
    for stream, version, topic, state, position in rows:
        try:
            found.append(RecordedEntry(stream, version, decode(topic, state), position))
        except UnknownTopic as unknown:
            raise StreamTooNew(stream) from unknown
    return found


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
