"""The `eventsourcing` library's recorders over PostgreSQL: for workers, the demo and `projections`, which do not run on the event
loop of an API process. The appender has an asynchronous connection instead (`ledger/connection.py`).

Both append by one SQL function, `ledger_append`. It takes the ordering lock, so that commit order is position order. Each row has
a MAC.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from uuid import UUID

from eventsourcing.persistence import (
    InterfaceError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    ShutDown,
    StoredEvent,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg import Connection
from psycopg.rows import DictRow, tuple_row
from psycopg.sql import SQL, Composed, Literal

from ledger import snapshots
from ledger.entries import EMPTY_STREAM, StreamEnd
from ledger.macs import MAY_LACK_MAC, MacCheck, Macs
from ledger.mapper import StoredEntry

log = logging.getLogger(__name__)

#: The advisory lock that every writer of entries takes, so that commit order is position order ("Seatledg" in ASCII). It replaces
#: the library's LOCK TABLE, which conflicts with VACUUM and ANALYZE.
ORDERING_LOCK = 0x536561746C656467

#: The parameters are arrays: stream, version, topic, state and MAC of each entry; then the streams that the writer knew, and the
#: MAC of the entry that it built upon in each of them (b"": it has none). Nothing is appended if a stream does not end with that.
APPEND = """
    SELECT * FROM ledger_append(
        %b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::uuid[], %b::bytea[]) AS position"""

#: Bounds of one append: the library's pipeline was seen to hang forever with 3,000 entries, and with 800 of some 640 bytes; 600 of
#: these succeeded.
MAX_APPEND, MAX_APPEND_BYTES = 2_000, 256 * 1024
#: Interval at which a subscription reads new entries.
POLL_SECONDS = 0.2

#: Stream, version, topic, state, position and MAC of an entry.
StoredRow = tuple[UUID, int, str, bytes, int, bytes | None]

_IMPORT = """
    INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac, notification_id)
    SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %b::bigint[])
    RETURNING notification_id AS position"""
_OF_STREAM = SQL("""
    SELECT originator_id, originator_version, topic, state, notification_id, mac FROM ledger_entries
    WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s
    ORDER BY originator_version {order} LIMIT %s""")
_OF_LEDGER = SQL("""
    SELECT originator_id, originator_version, topic, state, notification_id, mac FROM ledger_entries
    WHERE notification_id >= %s AND notification_id <= %s {of_topics} ORDER BY notification_id LIMIT %s""")
_NO_END = 2**62
_END = """
    SELECT originator_version, mac FROM ledger_entries WHERE originator_id = %s ORDER BY originator_version DESC LIMIT 1"""


class ImportedPosition(NamedTuple):
    """The position and the MAC that an exported entry had."""

    position: int
    mac: bytes | None


class LedgerRecorder(PostgresApplicationRecorder):
    """Appends by `ledger_append`, without the library's NOTIFY, which takes a server-wide lock at commit."""

    def __init__(self, datastore: PostgresDatastore, check: MacCheck | None) -> None:
        """Without a `check` it can only read."""
        super().__init__(datastore, events_table_name="ledger_entries")
        self._check = check

    def insert_events(self, stored_events: Sequence[StoredEvent], **how: Any) -> Sequence[int] | None:
        """Appends all entries or none and returns their positions: the next ones, or those of `imported`, a list of
        ImportedPosition. `built_on`: the end of each stream that the writer knew (StreamEnd).

        Raises the library's IntegrityError if a version or position exists already, or a stream does not end with the entry that
        was built upon, or would get a gap; ValueError past MAX_APPEND entries or MAX_APPEND_BYTES: the caller splits larger
        appends, since it knows which entries belong together."""
        if len(stored_events) > MAX_APPEND:
            raise ValueError(f"{len(stored_events)} entries at once; at most {MAX_APPEND}.")
        size = sum(len(stored.state) for stored in stored_events)
        if size > MAX_APPEND_BYTES and len(stored_events) > 1:
            raise ValueError(f"{len(stored_events)} entries of {size} bytes at once; at most {MAX_APPEND_BYTES} bytes.")
        positions: Sequence[int] | None = super().insert_events(stored_events, **how)
        return positions

    def _insert_stored_events(
        self,
        curs: Any,
        stored_events: Sequence[StoredEvent],
        *,
        imported: Sequence[ImportedPosition] | None = None,
        built_on: Mapping[UUID, StreamEnd] = MappingProxyType({}),
        **_: Any,
    ) -> None:
        rows = [
            (cast(UUID, stored.originator_id), stored.originator_version, stored.topic, stored.state) for stored in stored_events
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        if imported is None:
            assert self._check is not None, "appending needs the keys"
            macs = [self._check.macs.compute(*row) for row in rows]
            known = list(built_on), [end.mac or b"" for end in built_on.values()]
            curs.execute(APPEND, (*columns, macs, *known), prepare=True)
        else:
            curs.execute(
                _IMPORT,
                (*columns, [original.mac for original in imported], [original.position for original in imported]),
                prepare=True,
            )

    def _fetch_ids_after_insert_events(self, curs: Any, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        return [row["position"] for row in curs.fetchall()]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """As in the library, with the position and the MAC of each entry."""
        order = SQL("DESC" if desc else "ASC")
        parameters = (originator_id, gt or 0, _NO_END if lte is None else lte, limit)
        rows: list[StoredRow] = self._select_rows(_OF_STREAM.format(order=order), parameters)
        return [StoredEntry(*row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """As in the library, with the MAC of each entry."""
        first = 0 if start is None else start if inclusive_of_start else start + 1
        of_topics = SQL("AND topic = ANY(%s)") if topics else SQL("")
        parameters = (first, _NO_END if stop is None else stop, *([list(topics)] if topics else []), limit)
        rows: list[StoredRow] = self._select_rows(_OF_LEDGER.format(of_topics=of_topics), parameters)
        return [StoredEntry(*row) for row in rows]

    def select_rows(self, after: int, limit: int) -> list[StoredRow]:
        """The next `limit` entries after position `after`, in order, as they are stored."""
        rows: list[StoredRow] = self._select_rows(_OF_LEDGER.format(of_topics=SQL("")), (after + 1, _NO_END, limit))
        return rows

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)  # as all reads of the library
    def _select_rows(self, statement: Composed, parameters: Sequence[Any]) -> list[StoredRow]:
        """Asks for what may lack a MAC, if one of the entries does, so that they can be checked."""
        with self.datastore.get_connection() as connection, connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            rows: list[StoredRow] = cursor.execute(statement, parameters, prepare=True).fetchall()
            newest = max((row[4] for row in rows if row[5] is None), default=None)
            if self._check is not None and newest is not None and (accepted := self._check.must_ask(newest)) is not None:
                [row] = cursor.execute(MAY_LACK_MAC, (accepted,)).fetchall()
                self._check.set(accepted, row)
        return rows

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)  # as all reads of the library
    def end(self, originator_id: UUID) -> StreamEnd:
        """The newest entry of a stream."""
        with self.datastore.get_connection() as connection:
            row = connection.execute(_END, (originator_id,), prepare=True).fetchone()
        return EMPTY_STREAM if row is None else StreamEnd(row["originator_version"], row["mac"])

    @contextmanager
    def locked_transaction(self) -> Iterator[Connection[DictRow]]:
        """One transaction, which holds the ordering lock: everything that is inserted in the block is committed at its end, or
        nothing; everything that is read is read by it. For one thread."""
        datastore = self.datastore
        with datastore.get_connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ORDERING_LOCK,))
            self.datastore = cast(PostgresDatastore, _OneConnection(connection))
            try:
                yield connection
            finally:
                self.datastore = datastore

    @contextmanager
    def import_transaction(self) -> Iterator[Connection[DictRow]]:
        """As `locked_transaction`, for as long as it takes: the imported file may be read slowly."""
        with self.locked_transaction() as connection:
            for bound in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.execute(SQL("SET LOCAL {} = 0").format(SQL(bound)))
            yield connection

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
            batch = self._recorder.select_notifications(last, self._select_limit, inclusive_of_start=False)
            if wanted := [stored for stored in batch if not self._topics or stored.topic in self._topics]:
                with suppress(ShutDown):
                    self._notifications_queue.put(wanted)
            if batch:
                self._last_notification_id = batch[-1].id
            if len(batch) < self._select_limit:
                return


#: A snapshot is stored only beside the entry that it is as of: the ledger may have gone back since the Event was read.
_INSERT_SNAPSHOT = """
    INSERT INTO ledger_snapshots (originator_id, originator_version, topic, state, mac)
    SELECT originator_id, originator_version, %s, %s, %s FROM ledger_entries
    WHERE originator_id = %s AND originator_version = %s AND coalesce(mac = %s, true)
    ON CONFLICT (originator_id, originator_version)
    DO UPDATE SET (topic, state, mac) = (excluded.topic, excluded.state, excluded.mac)"""


_SNAPSHOT_MACS = "SELECT originator_version, mac FROM ledger_snapshots WHERE originator_id = %s"


class SnapshotRecorder(PostgresAggregateRecorder):
    """Ignores snapshots of later releases and those that Seatledger did not write; stores none of a history that was lost."""

    def _insert_stored_events(self, curs: Any, stored_events: Sequence[StoredEvent], *, mac: bytes | None = None, **_: Any) -> None:
        """`mac`: of the entry that the snapshot is as of; None: unknown."""
        assert self._macs is not None, "a snapshot needs the keys"
        for stored in stored_events:
            stream, version = cast(UUID, stored.originator_id), stored.originator_version
            own_mac = self._macs.compute(stream, version, stored.topic, stored.state)
            curs.execute(_INSERT_SNAPSHOT, (stored.topic, stored.state, own_mac, stream, version, mac), prepare=True)

    def select_events(self, originator_id: UUID | str, **bounds: Any) -> Sequence[StoredEvent]:
        stored_events: Sequence[StoredEvent] = super().select_events(originator_id, **bounds)
        if self._macs is None or not stored_events:
            return stored_events
        with self.datastore.get_connection() as connection:
            rows = connection.execute(_SNAPSHOT_MACS, (originator_id,), prepare=True).fetchall()
        macs = {row["originator_version"]: row["mac"] for row in rows}
        return [stored for stored in stored_events if self._is_ours(stored, macs.get(stored.originator_version))]

    def _is_ours(self, stored: StoredEvent, mac: bytes | None) -> bool:
        assert self._macs is not None
        stream, version = cast(UUID, stored.originator_id), stored.originator_version
        if mac is not None and self._macs.verify(mac, stream, version, stored.topic, stored.state):
            return True
        log.error("The snapshot of event %s as of version %s was not written by Seatledger: it is ignored.", stream, version)
        return False

    def __init__(self, datastore: PostgresDatastore, macs: Macs | None) -> None:
        """Without `macs` it can only read, and checks nothing."""
        super().__init__(datastore, events_table_name="ledger_snapshots")
        self._macs = macs
        known = SQL(", ").join(map(Literal, snapshots.TOPICS))
        with_mac = SQL("") if macs is None else SQL("AND mac IS NOT NULL")  # those of the last release have none
        self.select_events_statement = SQL(
            "SELECT * FROM ledger_snapshots WHERE topic IN ({known}) {with_mac} AND originator_id = %s"
        ).format(known=known, with_mac=with_mac)
