"""A dump restored without executing, as the owner, what somebody may have left in it as the runtime role.

The runtime role owns the read tables, so it can give them constraints, indexes and triggers of its own, and pg_restore would
execute them with the rights of the owner, perhaps a superuser's. What the runtime role owns is therefore not taken from the dump:
the migrations make the read tables, and the dump gives their rows alone (docs/decisions/0059).
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from alembic.util import CommandError
from psycopg.sql import SQL, Identifier

import migrations
from migrations.roles import READ_TABLES
from projections.proof import postgres_programs
from projections.proof.postgres_programs import BackupError

_PLAIN = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
#: A line of a dump's table of contents: the name of a table, and its owner.
_TABLE = re.compile(r"\d+; \d+ \d+ TABLE public (\S+) (.+)").fullmatch
_ROWS = re.compile(r"\d+; \d+ \d+ TABLE DATA public (\S+) .+").fullmatch
#: Seatledger has none, but the runtime role may make some. Not all lines of them name their owner.
_LARGE_OBJECTS = re.compile(r"\d+; \d+ \d+ BLOB").match
_READ_TABLES = SQL(", ").join(map(Identifier, sorted(READ_TABLES)))


def restore_dump(database_url: str, dump: Path, revision: str, version: int, say: Callable[[str], None]) -> None:
    """Restores the dump of a database of that revision into an empty one, whose server has that version. Raises BackupError;
    psycopg's and SQLAlchemy's errors."""
    lines = postgres_programs.contents_of(dump, version)
    owners = {table[1]: table[2] for table in map(_TABLE, lines) if table}
    strangers = {owner for name, owner in owners.items() if name in READ_TABLES and owner != owners.get("ledger_entries")}

    def restore(source: Path, *arguments: str) -> None:
        postgres_programs.run("pg_restore", version, database_url, *_PLAIN, *arguments, source)

    if not strangers:
        restore(dump)
        return
    with TemporaryDirectory(prefix="seatledger-restore-") as folder:
        definitions = Path(folder) / "definitions"
        _make_definitions(database_url, revision, version, definitions)
        others = [line for line in lines if not _LARGE_OBJECTS(line) and not line.endswith(tuple(f" {name}" for name in strangers))]
        rows = [line for line in lines if (table := _ROWS(line)) and table[1] in READ_TABLES]
        restore(definitions, "--section=pre-data")
        restore(dump, _list(Path(folder) / "others", others))
        try:
            restore(dump, _list(Path(folder) / "rows", rows))
            restore(definitions, "--section=post-data")
        except BackupError as error:
            say(f"The read tables of the backup are not as the migrations make them ({error}). A worker rebuilds them.")
            _leave_to_rebuild(database_url)
            restore(definitions, "--section=post-data")


def _list(file: Path, lines: Iterable[str]) -> str:
    file.write_text("".join(f"{line}\n" for line in lines))
    return f"--use-list={file}"


def _make_definitions(database_url: str, revision: str, version: int, file: Path) -> None:
    """Writes the read tables without rows, as the migrations make them. The database is empty before and after."""
    try:
        migrations.upgrade(database_url, revision)
        tables = (f"--table=public.{name}" for name in sorted(READ_TABLES))
        how = ("--format=custom", "--schema-only", *tables, f"--file={file}")
        postgres_programs.run("pg_dump", version, database_url, *how)
        migrations.downgrade(database_url, "base")
    except CommandError as error:
        raise BackupError(str(error)) from error
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE alembic_version")


def _leave_to_rebuild(database_url: str) -> None:
    """Empty, and of no version that a release has."""
    with psycopg.connect(database_url) as connection:
        connection.execute(SQL("TRUNCATE {}").format(_READ_TABLES))
        connection.execute("UPDATE projections SET version = 0 WHERE name <> 'snapshots'")
