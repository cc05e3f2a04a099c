"""Appends entries to a ledger in PostgreSQL without the appender, and reads what is stored there."""

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg

from ledger import entries as e
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.snapshots import Snapshot
from ledger.store import Ledger

#: For tests that append without a process that has keys of its own.
MACS = Macs(Keyring({1: bytes(32)}))


def append(ledger: Ledger, run: Sequence[e.RecordedEntry]) -> list[int]:
    """Appends the entries in one transaction, by the library; returns the positions."""
    return [saved.notification.id for saved in ledger.save(*run)]


def store(connection: psycopg.Connection[Any], stream: UUID, version: int, topic: str, state: bytes, macs: Macs = MACS) -> int:
    """Stores any bytes as an entry, with their MAC; returns the position."""
    sql = "INSERT INTO ledger_entries (originator_id, originator_version, topic, state, mac) VALUES (%s, %s, %s, %s, %s)"
    mac = macs.compute(stream, version, topic, state)
    [(position,)] = connection.execute(f"{sql} RETURNING notification_id", (stream, version, topic, state, mac)).fetchall()
    return int(position)


def without_macs(run: Iterable[e.RecordedEntry]) -> list[e.RecordedEntry]:
    return [msgspec.structs.replace(recorded, mac=None) for recorded in run]


def latest_snapshot(ledger: Ledger, stream: UUID) -> Snapshot | None:
    assert ledger.snapshots is not None
    return next((cast(Snapshot, snapshot) for snapshot in ledger.snapshots.get(stream, desc=True, limit=1)), None)
