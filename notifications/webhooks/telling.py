"""Writes the deliveries about entries: as the ledger grows, and again for a replay."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, text

from ledger.entries import RecordedEntry
from ledger.errors import EventSealed
from ledger.mapper import Forged, UnknownTopic, Unreadable
from ledger.outbox import cause_of, message_id
from ledger.store import Ledger
from ledger.webhooks import WEBHOOKS
from notifications.follower import BATCH_SIZE, NotTellable
from notifications.webhooks.bodies import FactReader, body_of, data_of
from notifications.webhooks.types import ALL, TYPES
from projections.engine import describe

log = logging.getLogger(__name__)

#: A replay writes no more while so many deliveries of its webhook wait.
REPLAY_WAITING = 1_000

#: A webhook is told what its owner may see: an organizer, of their own events; an admin, of all; who is neither any more, nothing.
_LISTENER = """
    SELECT w.id, w.owner_id, w.event_id, w.types, w.begins_after, w.last_position, a.role = 'admin' AS sees_all,
        w.state = 'active' AND NOT a.disabled AND a.role IN ('organizer', 'admin') AS is_active,
        w.replay_from, w.replay_until, w.replay_previous
    FROM webhooks AS w JOIN accounts AS a ON a.id = w.owner_id"""
_LISTENERS = text(f"{_LISTENER} WHERE w.state <> 'deleted'")
_EXISTS = text("SELECT EXISTS (SELECT FROM webhooks WHERE state <> 'deleted')")
_ROWS = """
    INSERT INTO webhook_deliveries (id, webhook_id, type, position, body)
    SELECT d.id, d.webhook_id, d.type, d.position, d.body
    FROM ROWS FROM (json_to_recordset(%s::json) AS (id uuid, webhook_id uuid, type text, position bigint, body text))
        WITH ORDINALITY AS d (id, webhook_id, type, position, body, place)
    ORDER BY d.place ON CONFLICT (id) """
_INSERT = _ROWS + "DO NOTHING"
_INSERT_AGAIN = f"""{_ROWS}
    DO UPDATE SET state = 'due', tries = 0, created_at = now(), due_at = now(), settled_at = NULL, error = NULL"""
_PASSED = text("UPDATE webhooks SET last_position = :position WHERE id = :id")
#: Any of them, so that one that is asked for again and again delays others, and keeps none back.
_REPLAYED = text(f"""{_LISTENER}
    WHERE w.state = 'active' AND NOT a.disabled AND a.role IN ('organizer', 'admin') AND w.replay_from IS NOT NULL AND (
        SELECT count(*) FROM (
            SELECT FROM webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'due' LIMIT {REPLAY_WAITING}) AS due
    ) < {REPLAY_WAITING} ORDER BY random() LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED""")
_REACHED = text("SELECT position FROM subscriptions WHERE name = :name")
_REPLAY_ON = text("UPDATE webhooks SET replay_from = :replay_from, replay_previous = :previous WHERE id = :id")


class Delivery(NamedTuple):
    """A row to be."""

    id: UUID
    webhook_id: UUID
    type: str
    position: int
    body: str


class Listener(NamedTuple):
    """A webhook, as far as it decides about entries."""

    id: UUID
    owner_id: UUID
    event_id: UUID | None
    types: Sequence[str]
    sees_all: bool

    def concerns(self, recorded: RecordedEntry) -> bool:
        """As far as that follows from the entry alone."""
        return self.event_id in (None, recorded.stream) and (self.types == [ALL] or TYPES[type(recorded.entry)] in self.types)

    def may_hear(self, organizer_id: UUID) -> bool:
        return self.sees_all or organizer_id == self.owner_id


def _listener(row: Any) -> Listener:
    return Listener(row.id, row.owner_id, row.event_id, list(row.types), row.sees_all)


class WebhookFollower:
    """See `follower.Follower`. Its teller writes no row for a paused webhook, but remembers the position: when it is resumed,
    its receiver sees a gap."""

    name = WEBHOOKS
    noun = "webhooks"
    #: So that a receiver that asks the API finds what it was told about.
    follows: tuple[str, ...] = ("bookings", "catalogue", "availability")

    def __init__(self, reader: FactReader) -> None:
        self._reader = reader

    def has_listeners(self, connection: Connection) -> bool:
        return bool(connection.scalar(_EXISTS))

    def teller(self, connection: Connection, ledger: Ledger, batch: Collection[RecordedEntry], now: datetime) -> "_DeliveryWriter":
        return _DeliveryWriter(connection, self._reader)


class _Passage:
    """What one webhook is told of a batch."""

    def __init__(self, row: Any) -> None:
        self.listener, self.is_active, self.begins_after = _listener(row), row.is_active, row.begins_after
        self.first = self.last = row.last_position


class _DeliveryWriter:
    def __init__(self, connection: Connection, reader: FactReader) -> None:
        self._connection, self._reader = connection, reader
        self._passages = [_Passage(row) for row in connection.execute(_LISTENERS)]
        self._rows = list[Delivery]()

    def tell(self, recorded: RecordedEntry) -> None:
        for passage, data in self._data(recorded):
            if passage.is_active:
                self._rows.append(_delivery(passage.listener, recorded, data, passage.last))
            passage.last = recorded.position

    def _data(self, recorded: RecordedEntry) -> list[tuple[_Passage, msgspec.Raw]]:
        concerned = [one for one in self._passages if recorded.position > one.begins_after and one.listener.concerns(recorded)]
        data = _read(recorded, [one.listener for one in concerned], self._reader, self._connection)
        return [(one, data[one.listener.id]) for one in concerned if one.listener.id in data]

    def write(self) -> None:
        _insert(self._connection, _INSERT, self._rows)
        moved = [{"id": one.listener.id, "position": one.last} for one in self._passages if one.last != one.first]
        if moved:
            self._connection.execute(_PASSED, sorted(moved, key=lambda row: row["id"]))


def _read(
    recorded: RecordedEntry, listeners: Sequence[Listener], reader: FactReader, connection: Connection
) -> dict[UUID, msgspec.Raw]:
    """What those of the webhooks are told that may hear of the entry, by id. Raises NotTellable."""
    if not listeners:
        return {}
    try:
        organizer_id = reader.of_event(recorded.stream).organizer_id
        told = [listener for listener in listeners if listener.may_hear(organizer_id)]
        return dict.fromkeys([listener.id for listener in told], data_of(recorded, reader, connection)) if told else {}
    except EventSealed as error:
        log.warning("No webhook is told of the entry at position %s: %s", recorded.position, error)
        return {}
    except (UnknownTopic, msgspec.MsgspecError) as error:
        raise NotTellable(describe(error)) from error


def _delivery(listener: Listener, recorded: RecordedEntry, data: msgspec.Raw, previous: int | None) -> Delivery:
    id_ = message_id(cause_of(recorded), "webhook", listener.id)
    return Delivery(id_, listener.id, TYPES[type(recorded.entry)], recorded.position, body_of(recorded, data, previous))


def _insert(connection: Connection, statement: str, rows: Sequence[Delivery]) -> None:
    if rows:
        connection.exec_driver_sql(statement, (msgspec.json.encode([row._asdict() for row in rows]).decode(),))


def replay(engine: Engine, ledger: Ledger, reader: FactReader, *, batch_size: int = BATCH_SIZE) -> int:
    """Makes the deliveries about the next entries of one replay due again, under the ids that they had. Returns how many entries it
    passed; 0: there is nothing to replay now. Raises LedgerUnavailable, LedgerWentBack."""
    with engine.begin() as connection:
        row = connection.execute(_REPLAYED).one_or_none()
        if row is None:
            return 0
        until = min(row.replay_until, connection.scalar(_REACHED, {"name": WEBHOOKS}) or 0)
        batch = [one for one in _read_ledger(ledger, row.replay_from - 1, batch_size) if one.position <= until]
        rows, previous = _replayed(connection, reader, _listener(row), batch, row.replay_previous)
        _insert(connection, _INSERT_AGAIN, rows)
        ends = not batch or batch[-1].position >= row.replay_until
        next_ = None if ends else batch[-1].position + 1
        connection.execute(_REPLAY_ON, {"id": row.id, "replay_from": next_, "previous": previous})
        return len(batch)


def _read_ledger(ledger: Ledger, after: int, limit: int) -> Sequence[RecordedEntry]:
    try:
        return ledger.read_past(after, limit)
    except UnknownTopic as error:
        log.warning("A replay ends after position %s: %s", after, describe(error))
        return ()


def _replayed(
    connection: Connection, reader: FactReader, listener: Listener, batch: Sequence[RecordedEntry], previous: int | None
) -> tuple[list[Delivery], int | None]:
    rows = list[Delivery]()
    for recorded in batch:
        if isinstance(recorded.entry, Unreadable | Forged) or not listener.concerns(recorded):
            continue
        try:
            data = _read(recorded, [listener], reader, connection).get(listener.id)
        except NotTellable as error:
            log.warning("A replay passes over the entry at position %s: %s", recorded.position, error)
            continue
        if data is not None:
            rows.append(_delivery(listener, recorded, data, previous))
            previous = recorded.position
    return rows, previous
