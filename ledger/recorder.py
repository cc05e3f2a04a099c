"""How entries get into the ledger's table, by one SQL function, `ledger_append`, in two colours:

- `LedgerRecorder` is the `eventsourcing` library's recorder. Whatever is not on the event loop of an API process writes and reads
  through it: workers, the demo, `projections`.
- `LedgerConnection` is its asynchronous twin for the appender: a batch in one round trip, or under the ordering lock.

The function takes the ordering lock, so that commit order is position order; each row carries a MAC.
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

#: The advisory lock that everything which writes entries takes, so that commit order is position order ("Seatledg" in ASCII).
#: Not the library's LOCK TABLE, which conflicts with VACUUM and ANALYZE.
ORDERING_LOCK = 0x536561746C656467

_APPEND = "SELECT * FROM ledger_append(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[]) AS position"

# --- the library's recorder

#: The library's pipeline was seen to hang for good with 3,000 entries, and with 800 of some 640 bytes: 600 of them went well.
MAX_APPEND, MAX_APPEND_BYTES = 2_000, 256 * 1024
#: How often a subscription looks for new entries.
POLL_SECONDS = 0.2

_TAKE_IN = """
    INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac, notification_id)
    SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::bigint[])
    RETURNING notification_id AS position"""
_FIRST_POSITION = "SELECT notification_id FROM ledger_entries WHERE originator_id = %s AND originator_version = 1"


class ImportedPosition(NamedTuple):
    """Where an exported entry stood, and the MAC that it carried."""

    position: int
    mac: bytes | None


class LedgerRecorder(PostgresApplicationRecorder):
    """Writes by `ledger_append`, without the library's NOTIFY (which takes one lock for the whole server at commit)."""

    def __init__(self, datastore: PostgresDatastore, macs: Macs | None) -> None:
        """Without `macs` it only reads."""
        super().__init__(datastore, events_table_name="ledger_entries")
        self._macs = macs

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, imported: Sequence[ImportedPosition] | None = None, **more: Any
    ) -> Sequence[int] | None:
        """Appends all or none and returns their positions: the next ones, or those of `places`.

        Raises the library's IntegrityError where a version or position is taken, ValueError past MAX_APPEND entries or
        MAX_APPEND_BYTES: appends in parts are the caller's to make, who knows what belongs together."""
        if len(stored_events) > MAX_APPEND:
            raise ValueError(f"{len(stored_events)} entries at once; at most {MAX_APPEND}.")
        size = sum(len(one.state) for one in stored_events)
        if size > MAX_APPEND_BYTES and len(stored_events) > 1:
            raise ValueError(f"{len(stored_events)} entries of {size} bytes at once; at most {MAX_APPEND_BYTES} bytes.")
        positions: Sequence[int] | None = super().insert_events(stored_events, imported=imported, **more)
        return positions

    def _insert_stored_events(
        self, curs: Any, stored_events: Sequence[StoredEvent], *, imported: Sequence[ImportedPosition] | None = None, **_: Any
    ) -> None:
        rows = [(cast(UUID, one.originator_id), one.originator_version, one.topic, one.state) for one in stored_events]
        columns = [list(column) for column in zip(*rows, strict=True)]
        if imported is None:
            assert self._macs is not None, "who appends has the keys"
            curs.execute(_APPEND, (*columns, [self._macs.compute(*row) for row in rows]), prepare=True)
        else:
            curs.execute(_TAKE_IN, (*columns, [at.mac for at in imported], [at.position for at in imported]), prepare=True)

    def _fetch_ids_after_insert_events(self, curs: Any, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        return [row["position"] for row in curs.fetchall()]

    def select_events(self, originator_id: UUID | str, **bounds: Any) -> Sequence[StoredEvent]:
        """As the library does; but the first entry of a stream comes with its position, which is its Event's number."""
        found = list(super().select_events(originator_id, **bounds))
        place = next((place for place in (0, -1) if found and found[place].originator_version == 1), None)
        if place is not None:
            with self.datastore.get_connection() as connection:
                row = connection.execute(_FIRST_POSITION, (originator_id,), prepare=True).fetchone()
            assert row is not None, "entries are never removed"
            first = found[place]
            found[place] = Notification(originator_id, 1, first.topic, first.state, row["notification_id"])
        return found

    @contextmanager
    def import_transaction(self) -> Iterator[Connection[DictRow]]:
        """All that is inserted meanwhile becomes true at once, or nothing of it: one transaction, which holds the ordering lock."""
        datastore = self.datastore
        with datastore.get_connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
            for bound in ("statement_timeout", "idle_in_transaction_session_timeout"):  # what comes may come slowly
                connection.execute(SQL("SET LOCAL {} = 0").format(SQL(bound)))
            self.datastore = cast(PostgresDatastore, _OneConnection(connection))
            try:
                yield connection
            finally:
                self.datastore = datastore

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        return PollingSubscription(self, gt, topics)


class _OneConnection:
    """Stands in for a recorder's datastore: gives out one connection, whose transaction is somebody else's."""

    enable_db_functions = False

    def __init__(self, connection: Connection[DictRow]) -> None:
        self._connection = connection

    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        yield self._connection


class PollingSubscription(ListenNotifySubscription[LedgerRecorder]):
    """The library's subscription, which looks every POLL_SECONDS instead of waiting for NOTIFY, and outlives a database that is
    away for a while."""

    def _loop_on_pull(self) -> None:
        is_away = False
        try:
            while not self._has_been_stopped:
                try:
                    self._pull()
                    is_away = False
                except (OperationalError, InterfaceError) as error:
                    if not is_away:  # once, not at every look
                        log.warning("The ledger can't be read at the moment: %s", error)
                    is_away = True
                self._has_been_notified.wait(POLL_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised where the entries are taken
            self._thread_error = error
            self.stop()

    def _pull(self) -> None:
        """All topics, a run at a time, and those asked for are picked here: so the position goes on past all others, and what is
        rare costs no search through the rest of the ledger at each look."""
        while not self._has_been_stopped:
            self._has_been_notified.clear()
            last = self._last_notification_id or 0
            found = self._recorder.select_notifications(last, self._select_limit, inclusive_of_start=False)
            if wanted := [one for one in found if not self._topics or one.topic in self._topics]:
                with suppress(ShutDown):
                    self._notifications_queue.put(wanted)
            if found:
                self._last_notification_id = found[-1].id
            if len(found) < self._select_limit:
                return


class SnapshotRecorder(PostgresAggregateRecorder):
    """Passes over snapshots of later releases."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="ledger_snapshots")
        known = SQL(", ").join(map(Literal, snapshots.TOPICS))
        self.select_events_statement = SQL("SELECT * FROM ledger_snapshots WHERE topic IN ({known}) AND originator_id = %s").format(
            known=known
        )


# --- its asynchronous twin

#: The server gives up on a statement, or on a transaction left open, after this long; the lock is free again at most then.
SERVER_TIMEOUT_MS = 2_000
#: Entries of one stream fetched under the lock. Who is further behind loads first (appender.py).
MISSED_LIMIT = 1_000

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


class VersionConflict(Exception):
    """Another process wrote to one of the streams first. Nothing was appended."""


class DataRefused(Exception):
    """The database won't take this data. Nothing was appended."""


class LockTimeout(Exception):
    """The ordering lock, or the server, kept us waiting too long. Nothing was appended."""


class StreamTooNew(Exception):
    """A stream holds an entry of a newer Seatledger than this process is."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(f"Event {stream} holds entries of a newer version: upgrade this process.")
        self.stream = stream


class LedgerConnection:
    """Errors come out as four kinds: `VersionConflict` (a version is taken), `DataRefused` (the database won't have this data),
    `LockTimeout` (nothing happened), and everything else that psycopg raises: the connection is done for and what was in flight is
    unknown."""

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

    async def append(self, run: Sequence[RecordedEntry]) -> list[int]:
        """Appends these entries, all or none, and returns their positions."""
        arrays = self._arrays(run)
        with _kinds():
            await self._cursor.execute(_APPEND, arrays, prepare=True)
            return [row[0] for row in await self._cursor.fetchall()]

    async def append_and_commit(self, run: Sequence[RecordedEntry]) -> list[int]:
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

    async def missed(self, known: Mapping[UUID, int]) -> list[RecordedEntry]:
        """Entries past the known version of each stream, in order: MISSED_LIMIT of each at most. Raises StreamTooNew."""
        with _kinds():
            await self._cursor.execute(_MISSED, (list(known), list(known.values()), MISSED_LIMIT), prepare=True)
            return _recorded(await self._cursor.fetchall())

    @asynccontextmanager
    async def locked(self, known: Mapping[UUID, int]) -> AsyncIterator[list[RecordedEntry]]:
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
        """Break the connection under whatever waits on it. (To cancel a psycopg call may take ten seconds.)"""
        with suppress(psycopg.Error, OSError), socket.socket(fileno=dup(self._connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        await self._connection.close()

    def _arrays(self, run: Sequence[RecordedEntry]) -> tuple[list[UUID], list[int], list[str], list[bytes], list[bytes]]:
        try:
            rows = [(one.stream, one.version, topic_of(one.entry), encode(one.entry)) for one in run]
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:  # what JSON or our table of topics can't hold
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


class _kinds:  # noqa: N801 - reads as a statement
    """Turns psycopg's errors into the four kinds."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        while isinstance(error, errors.PipelineAborted) and error.__context__ is not None:
            error = error.__context__  # what it was aborted by
        if isinstance(error, errors.UniqueViolation):
            raise VersionConflict from error
        if isinstance(error, errors.QueryCanceled | errors.LockNotAvailable):
            raise LockTimeout from error
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError | errors.ProgramLimitExceeded):
            raise DataRefused(str(error)) from error
