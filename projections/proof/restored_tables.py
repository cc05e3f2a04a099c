"""A dump restored without executing, as the owner, what somebody may have left in it as the runtime role.

The runtime role owns the read tables, so it can give them constraints, indexes and triggers of its own, or put something else in
their place, and it can make casts; pg_restore would execute all that with the rights of the owner, perhaps a superuser's. So no
definition is taken from the dump: the migrations make every object, and the dump gives rows (docs/decisions/0059).
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from alembic.util import CommandError
from psycopg.sql import SQL, Identifier

import migrations
from migrations.roles import READ_TABLES
from projections.proof import dump_contents, postgres_programs
from projections.proof.postgres_programs import BackupError

_IN_ONE = ("--no-owner", "--exit-on-error", "--single-transaction")


def restore_dump(database_url: str, dump: Path, revision: str, version: int, say: Callable[[str], None]) -> None:
    """Restores the rows in the dump of a database of that revision into an empty one, whose server has that version. Raises
    BackupError; psycopg's and SQLAlchemy's errors."""

    def restore(source: Path, *arguments: str) -> None:
        postgres_programs.run("pg_restore", version, database_url, *_IN_ONE, *arguments, source)

    lines = dump_contents.lines_of(dump, version)
    with TemporaryDirectory(prefix="seatledger-restore-") as folder:
        definitions = Path(folder) / "definitions"
        _make_definitions(database_url, revision, version, definitions)
        made = dump_contents.objects_in(dump_contents.lines_of(definitions, version))
        dump_contents.name_others(lines, made, "Left out, since no migration makes it: {}", say)
        rows = dump_contents.rows_of(made)
        read_rows = [name for name in rows if name.rsplit(" ", 1)[1] in READ_TABLES]
        other_rows = [name for name in rows if name not in read_rows]
        _check_complete(other_rows, lines)
        restore(definitions, "--section=pre-data")
        restore(dump, _list(Path(folder) / "others", other_rows, lines))
        try:
            _check_complete(read_rows, lines)
            restore(dump, _list(Path(folder) / "read", read_rows, lines))
            restore(definitions, "--section=post-data")
        except BackupError as error:
            say(f"The read tables of the backup are not as the migrations make them ({error}). A worker rebuilds them.")
            _leave_to_rebuild(database_url, [name.rsplit(" ", 1)[1] for name in read_rows])
            restore(definitions, "--section=post-data")


def _check_complete(rows: Iterable[str], lines: dict[str, str]) -> None:
    missing = [name for name in rows if name not in lines]
    if missing:
        raise BackupError(f"The backup lacks {', '.join(missing)}, or it is something else there.")


def _list(file: Path, rows: Iterable[str], lines: dict[str, str]) -> str:
    file.write_text("".join(f"{lines[name]}\n" for name in rows))
    return f"--use-list={file}"


def _make_definitions(database_url: str, revision: str, version: int, file: Path) -> None:
    """Writes what the migrations make, without rows. The database is empty before and after."""
    try:
        migrations.upgrade(database_url, revision)
        how = ("--format=custom", "--schema-only", "--no-comments", f"--file={file}")
        postgres_programs.run("pg_dump", version, database_url, *how)
        migrations.downgrade(database_url, "base")
    except CommandError as error:
        raise BackupError(str(error)) from error
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP TABLE alembic_version")


def _leave_to_rebuild(database_url: str, tables: Iterable[str]) -> None:
    """Empty, and of no version that a release has."""
    with psycopg.connect(database_url) as connection:
        connection.execute(SQL("TRUNCATE {}").format(SQL(", ").join(map(Identifier, tables))))
        connection.execute("UPDATE projections SET version = 0 WHERE name <> 'snapshots'")
