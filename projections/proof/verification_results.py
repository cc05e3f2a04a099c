"""The results of verifications: the report of one, and what is stored of each."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import create_engine, delete, insert
from sqlalchemy.orm import Mapped, mapped_column

from ledger.store import sqlalchemy_url
from projections.proof.verify_entries import Finding
from projections.tables import Model, Position, String, Timestamp

LAST_FILE = "verification-last"
PROVEN, ALTERED, FAILED = "proven", "altered", "failed"
#: How long the results of verifications are stored.
RETENTION = timedelta(days=400)


class VerificationReport(msgspec.Struct):
    """What was verified, and the first alteration that was found. `later_snapshots`: the number of snapshots in a format of a later
    release, which were skipped. `given_up`: checkpoints of earlier origins that do not match any more, as after a restored
    backup."""

    started_at: datetime
    finished_at: datetime | None = None
    entries: int = 0
    position: int = 0
    root: str = ""
    checkpoints: int = 0
    snapshots: int = 0
    later_snapshots: int = 0
    compared_at: dict[str, int] = {}
    given_up: list[str] = []
    finding: Finding | None = None


class LastVerification(msgspec.Struct):
    """When the last verification ended, and its outcome."""

    at: datetime
    outcome: str


def store_last(directory: Path, outcome: str) -> None:
    """Stored beside the keys: a result in the database could be forged by its owner."""
    with suppress(OSError):
        (directory / LAST_FILE).write_bytes(msgspec.json.encode(LastVerification(datetime.now(UTC), outcome)))


def read_last(directory: Path) -> LastVerification | None:
    try:
        return msgspec.json.decode((directory / LAST_FILE).read_bytes(), type=LastVerification)
    except (OSError, msgspec.MsgspecError):
        return None


class Verification(Model):
    """A verification that ended. `finding`: a sentence about the alteration that was found."""

    __tablename__ = "verifications"

    finished_at: Mapped[Timestamp] = mapped_column(primary_key=True)
    started_at: Mapped[Timestamp]
    position: Mapped[Position]
    entries: Mapped[Position]
    finding: Mapped[String | None]


def store_report(database_url: str, report: VerificationReport) -> None:
    """Stores the result in the database, and deletes those older than RETENTION. Raises SQLAlchemy's errors."""
    row = {
        "finished_at": report.finished_at,
        "started_at": report.started_at,
        "position": report.position,
        "entries": report.entries,
        "finding": report.finding and report.finding.sentence,
    }
    engine = create_engine(sqlalchemy_url(database_url))
    try:
        with engine.begin() as connection:
            connection.execute(insert(Verification).values(row))
            connection.execute(delete(Verification).where(Verification.finished_at < datetime.now(UTC) - RETENTION))
    finally:
        engine.dispose()
