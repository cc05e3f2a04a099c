"""The ledger as an application of the `eventsourcing` library: its repository with `evolve`, its event and snapshot stores, its
notification log, over PostgreSQL, with our own mapper, topics and ordering lock (`ledger/recorder.py`).

It is synchronous and retries: workers and command lines use it, the API process never does on its event loop.
"""

import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from threading import Lock
from typing import Any, cast
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    InfrastructureFactory,
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from sqlalchemy import URL, make_url

from ledger.commands import Command
from ledger.decide import decide
from ledger.entries import RecordedEntry
from ledger.errors import Busy, IdempotencyKeyReused
from ledger.event import Event, evolve
from ledger.macs import Macs
from ledger.mapper import EntryMapper
from ledger.recorder import LedgerRecorder, SnapshotRecorder
from ledger.settings import Settings
from ledger.snapshots import Snapshot, restore_at_once

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
#: Decoded entries that a reader of the log keeps, the newest: some 6 MB, for the largest batch
#: (projections/rebuild/shadow_copies.py).
KEPT = 8_000
#: Entries of one stream read at once.
PAGE = 5_000
#: Tries of a command, since another process wrote to its Event first, and what each waits longer than the one before.
TRIES, PAUSE_SECONDS = 10, 0.01

_position = attrgetter("position")


class LedgerUnavailable(Exception):
    """The ledger can't be read or its snapshots written at the moment: no entry is to blame. Nothing happened; try again later."""


@contextmanager
def _reaching() -> Iterator[None]:
    """The library's errors for a database that is out of reach are neither SQLAlchemy's nor psycopg's: they end here."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise LedgerUnavailable(str(error)) from error


def sqlalchemy_url(database_url: str) -> URL:
    """DATABASE_URL, as people write it (`postgresql://` or `postgres://`), for SQLAlchemy over psycopg.

    ValueError where it starts with something else."""
    scheme, _, rest = database_url.partition("://")
    if scheme not in ("postgres", "postgresql"):
        raise ValueError("DATABASE_URL does not start with postgresql://")
    return make_url(f"postgresql+psycopg://{rest}")


def project(event: Event | None, stored: Iterable[RecordedEntry | Snapshot]) -> Event | None:
    """The library's projector function: `evolve` over entries, from a snapshot on where there is one. It changes `event`."""
    for one in stored:
        event = restore_at_once(one) if isinstance(one, Snapshot) else evolve(event, one)
    return event


class EntryStore(EventStore[UUID]):
    """Reads a long stream a page at a time: a stream has no bound, what is held of it at once has."""

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
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} {given.get('options', '')}",
        }

    def application_recorder(self) -> ApplicationRecorder:
        return LedgerRecorder(self.datastore, self._macs)

    def aggregate_recorder(self, purpose: str = "events") -> PostgresAggregateRecorder:
        assert purpose == "snapshots"
        return SnapshotRecorder(self.datastore)


class Ledger(Application[UUID]):
    """Close it when done: it holds connections. Methods that read raise LedgerUnavailable if the database is out of reach or does
    not respond in time, and UnknownTopic for an entry of a later release."""

    is_snapshotting_enabled = True
    log_section_size = 10_000  # the most that one read asks for

    def __init__(self, database_url: str | Mapping[str, str] | None, macs: Macs | None = None) -> None:
        """Without `macs` it only reads. Instead of a URL: an environment, or None for the process's own, as the library's runners
        have it: DATABASE_URL is looked for there, else a running `make run`."""
        if not isinstance(database_url, str):
            database_url = Settings.of_running({**os.environ, **(database_url or {})}).database_url
        self._database_url, self._macs = database_url, macs
        self._reading = Lock()
        self._kept: list[RecordedEntry] = []
        self._kept_after = 0
        super().__init__()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return LedgerFactory(self._database_url, self._macs)

    def construct_mapper(self) -> EntryMapper:
        return EntryMapper()

    def construct_event_store(self) -> EntryStore:
        return EntryStore(self.mapper, self.recorder)

    # --- commands

    def execute(self, command: Command, now: datetime) -> list[RecordedEntry]:
        """Decides a command on its Event as it stands, and saves what it makes. Nothing where it was carried out before.

        Raises the SeatledgerError of the rule that it breaks; IdempotencyKeyReused where its id was used with another body; Busy
        where others kept writing to the Event; LedgerUnavailable, after which nobody knows: the same command again finds out."""
        for tried in range(TRIES):
            time.sleep(tried * PAUSE_SECONDS)
            event = self.current_event(command.event_id)
            version = event.version_of(command.id) if event is not None else None
            if version is not None:
                (found,) = self.stream(command.event_id, after=version - 1, until=version)
                if found.entry.digest != command.digest():
                    raise IdempotencyKeyReused
                return []
            first = event.version + 1 if event else 1
            made = [RecordedEntry(command.event_id, version, one) for version, one in enumerate(decide(event, command, now), first)]
            try:
                with _reaching():
                    saved = self.save(*made)
            except IntegrityError:  # another was first; or this was saved, and the answer got lost
                continue
            return [
                RecordedEntry(one.stream, one.version, one.entry, its.notification.id) for one, its in zip(made, saved, strict=True)
            ]
        raise Busy

    @contextmanager
    def import_transaction(self) -> Iterator[tuple[LedgerRecorder, Connection[Any]]]:
        """A recorder whose inserts become true at once at the end, or not at all, and the connection of that transaction."""
        recorder = cast(LedgerRecorder, self.recorder)
        with _reaching(), recorder.import_transaction() as connection:
            yield recorder, connection

    # --- Events

    @_reaching()
    def current_event(self, stream: UUID) -> Event | None:
        """The Event as it stands. None: there is no such stream."""
        try:
            event: Event = self.repository.get(stream, projector_func=project)
        except AggregateNotFoundError:
            return None
        if not event.number and event.version:  # from a snapshot of the first format
            event.number = next(self.stream(stream, until=1)).position
        return event

    def stream(self, stream: UUID, after: int = 0, until: int | None = None) -> Iterator[RecordedEntry]:
        """Entries of one stream past version `after`, up to version `until`, in order. Only a stream's first has its position."""
        with _reaching():
            yield from cast(Iterator[RecordedEntry], self.events.get(stream, gt=after, lte=until))

    @_reaching()
    def save_snapshot(self, snapshot: Snapshot) -> None:
        assert self.snapshots is not None
        self.snapshots.put([cast(Any, snapshot)])

    # --- the log

    @_reaching()
    def read(self, after: int, limit: int) -> list[RecordedEntry]:
        """The next `limit` entries past position `after`, in order: fewer where there are no more.

        What was read last is kept: the projectors of one worker come for the same entries in turn, and decoding them once is
        half of their cost. Entries never change and none appears before another, so what is kept is never wrong."""
        with self._reading:
            if not self._kept_after <= after <= (self._kept[-1].position if self._kept else self._kept_after):
                self._kept_after, self._kept = after, []
            first = bisect_right(self._kept, after, key=_position)
            missing = limit - (len(self._kept) - first)
            if missing > 0:
                last = self._kept[-1].position if self._kept else after
                found = self.notification_log.select(last, missing, inclusive_of_start=False)
                recorded = cast("Callable[[Notification], RecordedEntry]", self.mapper.to_domain_event)
                self._kept += map(recorded, found)
            run = self._kept[first : first + limit]
            if len(self._kept) > KEPT:
                self._kept_after = self._kept[-KEPT - 1].position
                self._kept = self._kept[-KEPT:]
        return run

    @_reaching()
    def next_position(self, after: int) -> int | None:
        """Of the first entry past position `after`, whether this code can read that entry or not."""
        found = self.notification_log.select(after, 1, inclusive_of_start=False)
        return found[0].id if found else None

    @_reaching()
    def head(self) -> int:
        """The position of the newest entry, 0 in an empty ledger."""
        return self.recorder.max_notification_id() or 0
