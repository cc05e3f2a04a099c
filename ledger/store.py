"""The ledger as an application of the `eventsourcing` library: its repository with `evolve`, its event and snapshot stores and its
notification log over PostgreSQL, with our mapper, topics and ordering lock (`ledger/recorder.py`).

It is synchronous: workers and command lines use it, an API process never does on its event loop.
"""

import logging
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from threading import Lock
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    InfrastructureFactory,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import ConnectionPool, PostgresAggregateRecorder, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from sqlalchemy import URL

from ledger.anchor import LedgerWentBack
from ledger.commands import Command
from ledger.decide import decide
from ledger.entries import RecordedEntry, StreamEnd
from ledger.errors import Busy, EventSealed, IdempotencyKeyReused
from ledger.event import Event
from ledger.evolve import evolve
from ledger.macs import MacCheck, Macs
from ledger.mapper import EntryMapper, StoredEntry, decode_or_unreadable, forged
from ledger.postgres_connections import CONNECT_SECONDS, GRACE_SECONDS, BoundedConnection, connection_parameters
from ledger.recorder import LedgerRecorder, SnapshotRecorder, StoredRow
from ledger.settings import Settings
from ledger.snapshots import Snapshot, restore_synchronously

STATEMENT_TIMEOUT_MS = 7_000
LOCK_TIMEOUT_MS = 5_000
#: The most connections of one Ledger. One suffices unless several threads use it.
CONNECTIONS = 4
#: Decoded entries that are kept, the newest ones: some 6 MB; as many as the longest batch (projections/rebuild).
KEPT = 8_000
#: Entries of one stream that are read by one statement.
PAGE = 5_000
#: Tries of a command after version conflicts, and by how much longer each waits than the one before.
TRIES, PAUSE_SECONDS = 10, 0.01

_position = attrgetter("position")
log = logging.getLogger(__name__)


class LedgerUnavailable(Exception):
    """The database is unavailable: the ledger can't be read or a snapshot written at the moment. No entry is the cause."""


@contextmanager
def _database_errors() -> Iterator[None]:
    """Translates the library's errors for an unavailable database, which are neither SQLAlchemy's nor psycopg's."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise LedgerUnavailable(str(error)) from error


def sqlalchemy_url(database_url: str) -> URL:
    """DATABASE_URL (`postgresql://` or `postgres://`, as libpq reads it: with several hosts and all its parameters) for SQLAlchemy
    over psycopg. Raises ValueError for another scheme, or what libpq refuses."""
    if database_url.partition("://")[0] not in ("postgres", "postgresql"):
        raise ValueError("DATABASE_URL does not start with postgresql://")
    try:
        parameters: dict[str, Any] = dict(conninfo_to_dict(database_url))
    except psycopg.ProgrammingError as error:
        raise ValueError(f"DATABASE_URL is not a URL of PostgreSQL: {error}") from None
    user, password, database = (parameters.pop(name, None) for name in ("user", "password", "dbname"))
    return URL.create("postgresql+psycopg", user, password, database=database, query={k: str(v) for k, v in parameters.items()})


def project(event: Event | None, stored: Iterable[RecordedEntry | Snapshot]) -> Event | None:
    """The library's projector function: applies a snapshot, if there is one, and entries. It changes `event`."""
    for item in stored:
        event = restore_synchronously(item) if isinstance(item, Snapshot) else evolve(event, item)
    return event


class EntryStore(EventStore[UUID]):
    """Reads a stream in pages, so that a long stream needs no more memory than a page."""

    def get(self, originator_id: UUID, *, gt: int | None = None, lte: int | None = None, **more: Any) -> Iterator[Any]:
        if more:
            yield from super().get(originator_id, gt=gt, lte=lte, **more)
            return
        while page := list(super().get(originator_id, gt=gt, lte=lte, limit=PAGE)):
            yield from page
            if len(page) < PAGE:
                break
            gt = page[-1].originator_version


class LedgerFactory(PostgresFactory):
    """Uses our tables, and connects with all of DATABASE_URL: the library would drop sslmode, options and others."""

    def __init__(self, database_url: str, check: MacCheck | None) -> None:
        self._check = check
        parameters = cast(dict[str, Any], conninfo_to_dict(database_url))
        super().__init__(
            Environment(
                "ledger",
                {
                    "POSTGRES_DBNAME": parameters.get("dbname", ""),
                    "POSTGRES_HOST": parameters.get("host", ""),
                    "POSTGRES_PORT": str(parameters.get("port", 5432)),
                    "POSTGRES_USER": parameters.get("user", ""),
                    "POSTGRES_PASSWORD": parameters.get("password", ""),
                    "POSTGRES_LOCK_TIMEOUT": str(LOCK_TIMEOUT_MS // 1000),
                    "CREATE_TABLE": "no",
                    "IS_SNAPSHOTTING_ENABLED": "yes",
                },
            )
        )
        timeouts = {"statement_timeout": STATEMENT_TIMEOUT_MS, "lock_timeout": LOCK_TIMEOUT_MS}
        bounded = connection_parameters(database_url, "seatledger-store", **timeouts)
        configure = self.datastore.after_connect_func()

        def bound_and_configure(connection: BoundedConnection[DictRow]) -> None:
            connection.wait_seconds = STATEMENT_TIMEOUT_MS / 1000 + GRACE_SECONDS
            configure(connection)

        # The library's own pool neither bounds a wait for the server nor replaces what an outage has left of it soon enough.
        self.datastore.pool = ConnectionPool[Any](
            connection_class=BoundedConnection[DictRow],
            kwargs={**bounded, "row_factory": dict_row},
            configure=bound_and_configure,
            check=BoundedConnection[DictRow].check,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,
            open=False,
        )

    def application_recorder(self) -> ApplicationRecorder:
        return LedgerRecorder(self.datastore, self._check)

    def aggregate_recorder(self, purpose: str = "events") -> PostgresAggregateRecorder:
        assert purpose == "snapshots"
        return SnapshotRecorder(self.datastore, self._check.macs if self._check is not None else None)


class Ledger(Application[UUID]):
    """Close it when done: it holds connections. Methods that read raise LedgerUnavailable if the database is out of reach or does
    not respond in time, and UnknownTopic for an entry of a later release; those that read one stream, EventSealed for an entry that
    Seatledger did not write."""

    is_snapshotting_enabled = True
    log_section_size = 10_000  # the most entries that one read asks for

    def __init__(
        self,
        database_url: str | Mapping[str, str] | None,
        macs: Macs | None = None,
        on_forged: Callable[[int], None] = lambda position: None,
    ) -> None:
        """Without `macs` it can only read, and checks nothing. Instead of a URL, the library's runners pass an environment, or None
        for that of the process: then the URL is its DATABASE_URL, else that of a running `make run`. `on_forged` is called with the
        position of each entry that Seatledger did not write."""
        if not isinstance(database_url, str):
            database_url = Settings.of_running({**os.environ, **(database_url or {})}).database_url
        self._database_url = database_url
        self._check = MacCheck(macs, on_forged) if macs is not None else None
        self._reading = Lock()
        self._kept: list[RecordedEntry] = []
        self._kept_after = 0
        super().__init__()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return LedgerFactory(self._database_url, self._check)

    def construct_mapper(self) -> EntryMapper:
        return EntryMapper(self._check)

    def construct_event_store(self) -> EntryStore:
        return EntryStore(self.mapper, self.recorder)

    # --- commands

    def execute(self, command: Command, now: datetime) -> list[RecordedEntry]:
        """Decides a command on the current Event and appends its entries, which are returned; none if it was executed before.

        Raises the SeatledgerError of the rule that it breaks; IdempotencyKeyReused if its id was used with another body; Busy after
        TRIES version conflicts; LedgerUnavailable, after which the outcome is unknown: a retry of the same command tells."""
        for tries in range(TRIES):
            time.sleep(tries * PAUSE_SECONDS)
            event = self.current_event(command.event_id)
            version = event.version_of(command.id) if event is not None else None
            if version is not None:
                (recorded,) = self.stream(command.event_id, after=version - 1, until=version)
                if recorded.entry.digest != command.digest():
                    raise IdempotencyKeyReused
                return []
            first = event.version + 1 if event else 1
            made = [
                RecordedEntry(command.event_id, version, entry) for version, entry in enumerate(decide(event, command, now), first)
            ]
            try:
                with _database_errors():
                    saved = self.save(*made, built_on={} if event is None else {event.id: event.end})
            except IntegrityError:  # another process was first, or the ledger went back, or the reply to the commit was lost
                continue
            return [
                RecordedEntry(recorded.stream, recorded.version, recorded.entry, recording.notification.id)
                for recorded, recording in zip(made, saved, strict=True)
            ]
        raise Busy

    @_database_errors()
    def append(self, made: Sequence[RecordedEntry], built_on: StreamEnd) -> None:
        """Appends entries of one stream. Raises the library's IntegrityError unless the stream ends with `built_on`."""
        self.save(*made, built_on={made[0].stream: built_on} if built_on.version else {})

    @contextmanager
    def ordering_lock(self) -> Iterator[None]:
        """What is read and appended in the block is one transaction, which holds the ordering lock: no other process appends in
        between. For one thread."""
        with _database_errors(), cast(LedgerRecorder, self.recorder).locked_transaction():
            yield

    @contextmanager
    def import_transaction(self) -> Iterator[tuple[LedgerRecorder, Connection[Any]]]:
        """A recorder whose inserts are committed together at the end of the block, or not at all; and the connection of that
        transaction."""
        recorder = cast(LedgerRecorder, self.recorder)
        with _database_errors(), recorder.import_transaction() as connection:
            yield recorder, connection

    # --- Events

    @_database_errors()
    def current_event(self, stream: UUID) -> Event | None:
        """The Event after its newest entry. None: there is no such stream."""
        end: StreamEnd = cast(LedgerRecorder, self.recorder).end(stream)
        if not end.version:
            return None
        try:
            event: Event = self.repository.get(stream, version=end.version, projector_func=project)
        except AggregateNotFoundError:
            raise LedgerUnavailable(f"The ledger went back while event {stream} was read.") from None
        if event.version != end.version:
            raise LedgerUnavailable(f"The ledger went back while event {stream} was read.")
        if not event.number:  # restored from a snapshot of the first format
            event.number = next(self.stream(stream, until=1)).position
        if event.at == event.created_at and event.version > 1:  # restored from a snapshot, without later entries
            event.at = next(self.stream(stream, after=event.version - 1, until=event.version)).entry.at
        event.mac = end.mac  # read before the entries: if those are of another history, nothing can be built on this Event
        return event

    def stream(self, stream: UUID, after: int = 0, until: int | None = None) -> Iterator[RecordedEntry]:
        """Entries of one stream after version `after`, up to version `until`, in order."""
        with _database_errors():
            yield from cast(Iterator[RecordedEntry], self.events.get(stream, gt=after, lte=until))

    @_database_errors()
    def read_stream(self, stream: UUID, after: int, limit: int) -> list[RecordedEntry]:
        """The next `limit` entries of one stream after version `after`; with `Unreadable` and `Forged` as `read`."""
        return self._to_recorded(self.recorder.select_events(stream, gt=after, limit=limit))

    @_database_errors()
    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Does nothing if the ledger does not have the entry that the snapshot is as of."""
        assert self.snapshots is not None
        self.snapshots.put([cast(Any, snapshot)], mac=snapshot.mac)

    # --- the log

    @_database_errors()
    def read(self, after: int, limit: int) -> list[RecordedEntry]:
        """The next `limit` entries after position `after`, in order; fewer at the head of the ledger. `Unreadable` stands for one
        whose bytes can't be decoded, `Forged` for one that Seatledger did not write.

        The entries that were read last are kept: the projectors of a worker read the same entries in turn, and decoding is half of
        their cost. Entries never change, and none is inserted before another one, so the kept entries are outdated only where the
        ledger went back. So the last of them is read again, each time: if it is another one, what is kept is dropped."""
        with self._reading:
            if not self._kept_after <= after <= (self._kept[-1].position if self._kept else self._kept_after):
                self._kept_after, self._kept = after, []
            first = bisect_right(self._kept, after, key=_position)
            try:
                self._kept += self._select_next(after, max(0, limit - (len(self._kept) - first)))
            except LedgerWentBack as error:
                log.critical("%s", error)
                self._kept_after, self._kept, first = after, self._select(after + 1, limit), 0
            batch = self._kept[first : first + limit]
            if len(self._kept) > KEPT:
                self._kept_after = self._kept[-KEPT - 1].position
                self._kept = self._kept[-KEPT:]
        return batch

    @_database_errors()
    def read_past(self, after: int, limit: int) -> list[RecordedEntry]:
        """As `read`, for entries that no projector reads at the same time: it keeps none, and drops none that is kept."""
        return self._select(after + 1, limit)

    @_database_errors()
    def read_stored(self, after: int, limit: int) -> list[StoredRow]:
        """As `read_past`, as they are stored, also those of later releases. Raises EventSealed at an entry that Seatledger did not
        write."""
        assert self._check is not None, "checking needs the keys"
        rows = cast(LedgerRecorder, self.recorder).select_rows(after, limit)
        for row in rows:
            if not self._check.holds(*row):
                raise EventSealed(row[4])
        return rows

    def _select_next(self, after: int, limit: int) -> list[RecordedEntry]:
        """The entries after the kept ones. Raises LedgerWentBack if the last of those is not in the ledger any more."""
        if not self._kept:
            return self._select(after + 1, limit)
        entries = self._select(self._kept[-1].position, limit + 1)
        if entries[:1] != self._kept[-1:]:
            raise LedgerWentBack(f"the entry at position {self._kept[-1].position}")
        return entries[1:]

    def _select(self, start: int, limit: int) -> list[RecordedEntry]:
        return self._to_recorded(self.notification_log.select(start, limit))

    def _to_recorded(self, entries: Sequence[StoredEvent]) -> list[RecordedEntry]:
        to_recorded = cast("Callable[[StoredEvent], RecordedEntry]", self.mapper.to_domain_event)
        try:
            return list(map(to_recorded, entries))
        except (msgspec.MsgspecError, ValueError, EventSealed):  # one of them, at least
            return [self._to_recorded_or_unreadable(cast(StoredEntry, stored)) for stored in entries]

    def _to_recorded_or_unreadable(self, stored: StoredEntry) -> RecordedEntry:
        stream, version, topic, state = cast(UUID, stored.originator_id), stored.originator_version, stored.topic, stored.state
        is_ours = self._check is None or self._check.holds(stream, version, topic, state, stored.id, stored.mac)
        return RecordedEntry(stream, version, decode_or_unreadable(topic, state) if is_ours else forged(), stored.id, stored.mac)

    def forget(self) -> None:
        """Drops the entries that `read` keeps."""
        with self._reading:
            self._kept_after, self._kept = 0, []

    @_database_errors()
    def next_position(self, after: int) -> int | None:
        """The position of the first entry after position `after`, even if this release can't read that entry."""
        notifications = self.notification_log.select(after, 1, inclusive_of_start=False)
        return notifications[0].id if notifications else None

    @_database_errors()
    def head(self) -> int:
        """The position of the newest entry, 0 in an empty ledger."""
        return self.recorder.max_notification_id() or 0
