"""A backup of everything that can't be made again: the database and the keys, as of one checkpoint, while tickets are sold.

    DIRECTORY/backup.json     what it holds; written last, so that a backup without it is incomplete
    DIRECTORY/database.dump   by pg_dump, in its custom format
    DIRECTORY/keys/           KEYS_DIR; the list of checkpoints ends with the last one that is in the dump

The dump sees the database as of a moment at which no checkpoint is signed but not stored. Signing waits only until that moment is
fixed, selling not at all. PostgreSQL's own programs do the work.
"""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

import migrations
from ledger.outbox import REMINDERS
from ledger.postgres_connections import make_engine
from ledger.settings import Settings
from projections.proof import dump_contents, postgres_programs
from projections.proof.checkpoints import paused_signing
from projections.proof.log_keys import begin_origin, read_origin
from projections.proof.postgres_programs import BackupError
from projections.proof.restored_tables import restore_dump
from projections.proof.signed_list import LIST_FILE
from projections.proof.signed_notes import VerifierKey
from projections.proof.verify import STATE_FILE

MANIFEST, DUMP, KEYS = "backup.json", "database.dump", "keys"
FORMAT = "seatledger-backup/1"
#: Waiting for the worker that signs, at most.
STATEMENT_SECONDS = 10.0
#: Schemas of rebuilds and verifications that are under way.
_PASSING_SCHEMAS = ("rebuild_*", "verification_*")


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `position`: that of its last entry. `origin`: under which its log was signed."""

    format: str
    made_at: datetime
    position: int
    entries: int
    revision: str
    postgresql: int
    origin: str


def back_up(settings: Settings, directory: Path, say: Callable[[str], None] = lambda line: None) -> Manifest:
    """Writes a backup into a new directory. Raises BackupError; KeysError; NoteError; OSError; psycopg's and SQLAlchemy's
    errors."""
    if directory.exists():
        raise BackupError(f"{directory} exists already: name a new directory.")
    aside = directory.with_name(f".{directory.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, parents=True)
    engine = make_engine(settings.database_url, "seatledger-backup", statement_seconds=STATEMENT_SECONDS, pool_size=1)
    try:
        with psycopg.connect(settings.database_url, application_name="seatledger-backup") as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with paused_signing(engine, settings.keys) as list_bytes:
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                snapshot = _scalar(connection, "SELECT pg_export_snapshot()")
                _copy_keys(settings.keys, aside / KEYS, list_bytes)
            manifest = Manifest(
                FORMAT,
                datetime.now(UTC),
                _scalar(connection, "SELECT coalesce(max(notification_id), 0) FROM ledger_entries"),
                _scalar(connection, "SELECT count(*) FROM ledger_entries"),
                _scalar(connection, "SELECT version_num FROM alembic_version"),
                connection.info.server_version // 10_000,
                read_origin(aside / KEYS),
            )
            say(f"Writing {manifest.entries} entries, and everything else, as of position {manifest.position} …")
            how = ("--format=custom", f"--snapshot={snapshot}", *(f"--exclude-schema={schema}" for schema in _PASSING_SCHEMAS))
            postgres_programs.run("pg_dump", manifest.postgresql, settings.database_url, *how, f"--file={aside / DUMP}")
        _name_others(aside / DUMP, manifest, say)
        (aside / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        aside.rename(directory)
    finally:
        engine.dispose()
        shutil.rmtree(aside, ignore_errors=True)
    return manifest


def _name_others(dump: Path, manifest: Manifest, say: Callable[[str], None]) -> None:
    """Names what a restore leaves out, before it is needed. While a database of another revision is served, nothing."""
    if manifest.revision == migrations.head():
        lines = dump_contents.lines_of(dump, manifest.postgresql)
        made = dump_contents.made_by_migrations()
        dump_contents.name_others(lines, made, "No migration makes {}: a restore leaves it out.", say)


def restore(settings: Settings, directory: Path, say: Callable[[str], None] = lambda line: None) -> tuple[Manifest, VerifierKey]:
    """Restores a backup into an empty database and an empty KEYS_DIR, and begins a new origin of the log: what was signed after the
    backup is under the old one. Returns its verifier key, which has to be published. Raises as `back_up`."""
    manifest = read_manifest(directory)
    if settings.keys.exists() and any(settings.keys.iterdir()):
        raise BackupError(f"{settings.keys} holds keys already: set KEYS_DIR to an empty directory, or move them away.")
    with psycopg.connect(settings.database_url) as connection:
        if _scalar(connection, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"):
            raise BackupError("The database is not empty: make a new one with createdb.")
        version = connection.info.server_version // 10_000
    say(f"Restoring {manifest.entries} entries, and everything else, as of position {manifest.position} …")
    restore_dump(settings.database_url, directory / DUMP, manifest.revision, version, say)
    _hold_messages(settings)
    _copy_keys(directory / KEYS, settings.keys)
    return manifest, begin_origin(settings.keys)


def _hold_messages(settings: Settings) -> None:
    """What was due when the backup was made was sent meanwhile, or is sent by the one that it was made of."""
    with psycopg.connect(settings.database_url) as connection:
        if _scalar(connection, "SELECT to_regclass('outbox') IS NOT NULL"):
            connection.execute("UPDATE outbox SET state = 'held' WHERE state = 'due'")
            connection.execute("UPDATE subscriptions SET updated_at = now() WHERE name = %s", (REMINDERS,))
        if _scalar(connection, "SELECT to_regclass('webhook_deliveries') IS NOT NULL"):
            connection.execute("UPDATE webhook_deliveries SET state = 'held' WHERE state = 'due'")
            connection.execute("UPDATE webhooks SET replay_from = NULL")


def read_manifest(directory: Path) -> Manifest:
    """Raises BackupError."""
    try:
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise BackupError(f"{directory} holds no complete backup: {MANIFEST} is missing or not readable.") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{directory} is a backup of a later release ({manifest.format}).")
    return manifest


def _copy_keys(source: Path, target: Path, list_bytes: int | None = None) -> None:
    """Copies the files of KEYS_DIR but for the state of a verification; of the list of checkpoints, the first `list_bytes`."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.name != STATE_FILE:
            content = path.read_bytes()
            copy = os.open(target / path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(copy, "wb") as file:
                file.write(content[:list_bytes] if path.name == LIST_FILE else content)
                file.flush()
                os.fsync(file.fileno())


def _scalar(connection: psycopg.Connection[Any], query: str) -> Any:
    [(value,)] = connection.execute(query).fetchall()
    return value
