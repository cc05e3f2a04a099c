"""The store: the `eventsourcing` library's Application over PostgreSQL, with our own mapper, topics and ordering lock.

It is synchronous and retries: workers use it, the API process never does on its event loop (the appender has its own way in:
`ledger_append`, a SQL function that writes the same rows under the same lock; a test reads each with the other).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from threading import Lock
from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    InterfaceError,
    Mapper,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment, retry
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row
from psycopg.sql import SQL
from sqlalchemy import URL, make_url

from ledger import snapshots
from ledger.entries import TOPICS, UPCASTERS, Entry, Recorded, topic_of
from ledger.macs import Macs
from ledger.snapshots import Snapshot

#: The advisory lock that everything which writes entries takes, so that commit order is position order ("Seatledg" in ASCII).
#: Not the library's LOCK TABLE, which conflicts with VACUUM and ANALYZE.
ORDERING_LOCK = 0x536561746C656467
STATEMENT_TIMEOUT_MS = 10_000
#: The library's pipeline was seen to hang for good with 3,000 entries, and with 800 of some 640 bytes: 600 of them went well.
MAX_APPEND, MAX_APPEND_BYTES = 2_000, 256 * 1024
#: Decoded entries that a reader of the log keeps, the newest: some 6 MB, for the longest run (projections/copies.py).
KEPT = 8_000
LOCK_TIMEOUT_MS = 5_000

_LOG = SQL(
    "SELECT originator_id, originator_version, topic, state, notification_id FROM ledger_entries"
    " WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
)
#: As the library's own, with a MAC for each.
_INSERT = SQL("""
    INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac)
    SELECT stream, version, topic, state, mac
    FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[])
        WITH ORDINALITY AS run (stream, version, topic, state, mac, place)
    ORDER BY place RETURNING notification_id""")
_position = attrgetter("position")
_encode = msgspec.json.Encoder().encode
_DECODERS: dict[str, msgspec.json.Decoder[Entry]] = {topic: msgspec.json.Decoder(entry) for topic, entry in TOPICS.items()}


class UnknownTopic(KeyError):
    """An entry of a newer Seatledger: this process was not upgraded yet."""


class LedgerAway(Exception):
    """The ledger can't be read or its snapshots written at the moment: no entry is to blame. Nothing happened; try again later."""


@contextmanager
def _reaching() -> Iterator[None]:
    """The library's errors for a database that is out of reach are neither SQLAlchemy's nor psycopg's: they end here."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise LedgerAway(str(error)) from error


def sqlalchemy_url(database_url: str) -> URL:
    """DATABASE_URL, as people write it (`postgresql://` or `postgres://`), for SQLAlchemy over psycopg.

    ValueError where it starts with something else."""
    scheme, _, rest = database_url.partition("://")
    if scheme not in ("postgres", "postgresql"):
        raise ValueError("DATABASE_URL does not start with postgresql://")
    return make_url(f"postgresql+psycopg://{rest}")


def encode(entry: Entry) -> bytes:
    return _encode(entry)


def decode(topic: str, state: bytes) -> Entry:
    """The entry that these bytes say, upcast where the topic is an old one. Raises UnknownTopic where this code is too old."""
    if topic in UPCASTERS:
        body = msgspec.json.decode(state)
        while topic in UPCASTERS:
            topic, upcast = UPCASTERS[topic]
            body = upcast(body)
        return msgspec.convert(body, TOPICS[topic])
    if topic not in _DECODERS:
        raise UnknownTopic(topic)
    return _DECODERS[topic].decode(state)


class EntryMapper(Mapper[UUID]):
    """Between `Recorded` (or a `Snapshot`) and the library's StoredEvent."""

    def __init__(self) -> None:
        pass  # no transcoder, compressor or cipher: msgspec does it all

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        if isinstance(domain_event, Snapshot):
            return StoredEvent(domain_event.originator_id, domain_event.originator_version, domain_event.topic, domain_event.state)
        entry: Entry = domain_event.entry
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic_of(entry), encode(entry))

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        stream, version = cast(UUID, stored_event.originator_id), stored_event.originator_version
        if stored_event.topic in snapshots.TOPICS or snapshots.is_later(stored_event.topic):
            return Snapshot(stream, version, stored_event.topic, stored_event.state)
        position = getattr(stored_event, "id", 0)  # a Notification has one
        return Recorded(stream, version, decode(stored_event.topic, stored_event.state), position)


class LedgerRecorder(PostgresApplicationRecorder):
    """The library's recorder under our ordering lock, with a MAC for each entry, and without its NOTIFY (which takes one lock for
    the whole server at commit)."""

    def __init__(self, datastore: PostgresDatastore, macs: Macs | None) -> None:
        super().__init__(datastore, events_table_name="ledger_entries")
        self._macs = macs
        self.lock_table_statements = [
            SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS),
            SQL("SELECT pg_advisory_xact_lock({})").format(ORDERING_LOCK),
        ]

    def _insert_stored_events(self, curs: Any, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        assert self._macs is not None, "who appends has the keys"
        rows = [(cast(UUID, one.originator_id), one.originator_version, one.topic, one.state) for one in stored_events]
        self._lock_table(curs)
        curs.execute(_INSERT, (*map(list, zip(*rows, strict=True)), [self._macs.of(*row) for row in rows]))

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_recorded(self, after: int, limit: int) -> list[Recorded]:
        """What the library's `select_notifications` finds, in one round trip and without a dict and two objects for each entry."""
        with self.datastore.get_connection() as connection, connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            cursor.execute(_LOG, (after, limit), prepare=True)
            return [Recorded(stream, version, decode(topic, state), place) for stream, version, topic, state, place in cursor]


class LedgerFactory(PostgresFactory):
    """Names our tables, and opens connections from the whole of DATABASE_URL (the library would drop sslmode, options …)."""

    def __init__(self, database_url: str, macs: Macs | None) -> None:
        self._macs = macs
        given = cast(dict[str, Any], conninfo_to_dict(database_url))
        super().__init__(
            Environment(
                "ledger",
                {
                    "POSTGRES_DBNAME": given.get("dbname", ""),
                    "POSTGRES_HOST": given.get("host", ""),
                    "POSTGRES_PORT": str(given.get("port", 5432)),
                    "POSTGRES_USER": given.get("user", ""),
                    "POSTGRES_PASSWORD": given.get("password", ""),
                    "POSTGRES_CONNECT_TIMEOUT": "3",
                    "POSTGRES_LOCK_TIMEOUT": str(LOCK_TIMEOUT_MS // 1000),
                    "POSTGRES_POOL_SIZE": "1",
                    "POSTGRES_MAX_OVERFLOW": "3",
                    "CREATE_TABLE": "no",
                    "IS_SNAPSHOTTING_ENABLED": "yes",
                },
            )
        )
        self.datastore.pool.kwargs = {
            **given,
            "row_factory": dict_row,
            "connect_timeout": 3,
            "application_name": "seatledger-store",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} {given.get('options', '')}",
        }

    def application_recorder(self) -> ApplicationRecorder:
        return LedgerRecorder(self.datastore, self._macs)

    def aggregate_recorder(self, purpose: str = "events") -> PostgresAggregateRecorder:
        return PostgresAggregateRecorder(self.datastore, events_table_name=f"ledger_{purpose}")


class Ledger(Application[UUID]):
    """Reads and appends entries. Close it when done: it holds connections. All but `append` raise LedgerAway where the database is
    out of reach or does not answer in time, and UnknownTopic where they meet an entry that this code is too old for."""

    is_snapshotting_enabled = True

    def __init__(self, database_url: str, macs: Macs | None = None) -> None:
        """Without `macs` it only reads."""
        self._database_url, self._macs = database_url, macs
        self._reading = Lock()
        self._kept: list[Recorded] = []
        self._kept_after = 0
        super().__init__()
        self._log = cast(LedgerRecorder, self.recorder)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return LedgerFactory(self._database_url, self._macs)

    def construct_mapper(self) -> EntryMapper:
        return EntryMapper()

    def append(self, recorded: Sequence[Recorded]) -> list[int]:
        """Appends in one transaction and returns the positions. Raises the library's IntegrityError where a version is taken,
        ValueError past MAX_APPEND entries or MAX_APPEND_BYTES: appends in parts are the caller's to make, who knows what belongs
        together."""
        if len(recorded) > MAX_APPEND:
            raise ValueError(f"{len(recorded)} entries at once; at most {MAX_APPEND}.")
        stored = [self.mapper.to_stored_event(cast(Any, one)) for one in recorded]
        size = sum(len(one.state) for one in stored)
        if size > MAX_APPEND_BYTES:
            raise ValueError(f"{len(recorded)} entries of {size} bytes at once; at most {MAX_APPEND_BYTES} bytes.")
        return list(self.recorder.insert_events(stored) or ())

    @_reaching()
    def read(self, after: int, limit: int) -> list[Recorded]:
        """The next `limit` entries past position `after`, in order: fewer where there are no more.

        What was read last is kept: the projectors of one worker come for the same entries in turn, and decoding them once is
        half of their cost. Entries never change and none appears before another, so what is kept is never wrong."""
        with self._reading:
            if not self._kept_after <= after <= (self._kept[-1].position if self._kept else self._kept_after):
                self._kept_after, self._kept = after, []
            first = bisect_right(self._kept, after, key=_position)
            missing = limit - (len(self._kept) - first)
            if missing > 0:
                self._kept += self._log.select_recorded(self._kept[-1].position if self._kept else after, missing)
            found = self._kept[first : first + limit]
            if len(self._kept) > KEPT:
                self._kept_after = self._kept[-KEPT - 1].position
                self._kept = self._kept[-KEPT:]
        return found

    @_reaching()
    def next_position(self, after: int) -> int | None:
        """Of the first entry past position `after`, whether this code can read that entry or not."""
        found = self.recorder.select_notifications(after, 1, inclusive_of_start=False)
        return found[0].id if found else None

    @_reaching()
    def head(self) -> int:
        """The position of the newest entry, 0 in an empty ledger."""
        return self.recorder.max_notification_id() or 0

    @_reaching()
    def stream(self, stream: UUID, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Entries of one stream past version `after`, in order; their `position` is not read (0)."""
        stored = self.recorder.select_events(stream, gt=after, limit=limit)
        return [cast(Recorded, self.mapper.to_domain_event(one)) for one in stored]

    @_reaching()
    def latest_snapshot(self, stream: UUID) -> Snapshot | None:
        """The newest that this release can read: at most a few are kept of a stream."""
        assert self.snapshots is not None
        found = (cast(Snapshot, one) for one in self.snapshots.get(stream, desc=True))
        return next((one for one in found if one.topic in snapshots.TOPICS), None)

    @_reaching()
    def save_snapshot(self, snapshot: Snapshot) -> None:
        assert self.snapshots is not None
        self.snapshots.put([cast(Any, snapshot)])
