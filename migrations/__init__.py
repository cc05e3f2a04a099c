"""Migrations of the database schema, by Alembic without an alembic.ini.

If two processes migrate at the same time, one waits for the other. `versions/` has one file per migration, each with its downgrade.

Revisions are numbers of four digits, so that a process can tell an older database from a newer one whose revision it does not know.
Processes of the last release run while and after a database is upgraded, so a migration takes away only what the last release no
longer used.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine

from ledger.store import sqlalchemy_url

#: The advisory lock of a process that migrates a database.
MIGRATION_LOCK = 0x6D69677261746521
#: How long a migration waits for the lock of a table at a time, the pause before it tries again, and how long it goes on trying.
LOCK_SECONDS, PAUSE_SECONDS, PATIENCE_SECONDS = 1.0, 2.0, 300.0
#: The objects that the migrations make, one a line, as `pg_restore --list` names them. Made by `make sql`: not edited by hand.
OBJECTS = Path(__file__).parent / "objects.txt"


def upgrade(database_url: str, revision: str = "head", *, runtime_database_url: str = "") -> None:
    """Upgrades the database, as its owner. `runtime_database_url`: the address of processes, whose role gets its rights, and is
    made if there is none (migrations/roles.py); "": they use the owner's, or the role that the database has already.

    Raises CommandError, with a sentence, if there is no such revision or the database has one of a later release; RoleMissing;
    OperationalError where a table is in use for more than PATIENCE_SECONDS."""
    try:
        config = _config(database_url)
        config.attributes |= {"sets_up_roles": revision == "head", "runtime_database_url": runtime_database_url}
        command.upgrade(config, revision)
    except CommandError as error:
        present = current(database_url)
        if present is None or present in {script.revision for script in _scripts().walk_revisions()}:
            raise
        raise CommandError(
            f"It is at step {present}, which this Seatledger does not know: start the newer one that made it, "
            "or set DATA_DIR (or DATABASE_URL) to another."
        ) from error


def downgrade(database_url: str, revision: str) -> None:
    """Downgrades the database to a revision; `base` removes everything."""
    command.downgrade(_config(database_url), revision)


def current(database_url: str) -> str | None:
    """The revision of the database; None before the first migration."""
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision that this release requires."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(""))


def _config(database_url: str) -> Config:
    config = Config(attributes={"database_url": database_url, "sets_up_roles": False})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
