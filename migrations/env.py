"""The script that Alembic runs for each command: one connection, one lock, one transaction for all migrations.

A statement that waits for the lock of a table blocks all who come after it, bookings too. So it waits LOCK_SECONDS at most; then
all is rolled back, those who waited behind it proceed, and it is tried again, for PATIENCE_SECONDS.
"""

import sys
import time

from alembic import context
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

import migrations
from ledger.store import sqlalchemy_url
from migrations import roles

_IN_THE_WAY = text("""
    SELECT pid, application_name, round(extract(epoch FROM now() - xact_start)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - :age * interval '1 second'
    ORDER BY xact_start LIMIT 3""")


def migrate() -> None:
    engine = create_engine(sqlalchemy_url(context.config.attributes["database_url"]), poolclass=NullPool)
    with engine.connect() as connection:
        # A lock of the session, not of the transaction: a migration that builds an index concurrently commits in between.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": migrations.MIGRATION_LOCK})
        connection.execute(text(f"SET lock_timeout = {round(migrations.LOCK_SECONDS * 1000)}"))
        connection.commit()
        context.configure(connection=connection)
        gives_up_at = time.monotonic() + migrations.PATIENCE_SECONDS
        while True:
            try:
                with context.begin_transaction():
                    context.run_migrations()
                    if context.config.attributes["sets_up_roles"]:
                        roles.set_up(connection, context.config.attributes["runtime_database_url"])
                return
            except OperationalError as error:
                if not isinstance(error.orig, LockNotAvailable) or time.monotonic() > gives_up_at:
                    raise
            connection.rollback()
            print(f"Waiting for a table that is in use{_in_the_way(connection)}.", file=sys.stderr, flush=True)
            time.sleep(migrations.PAUSE_SECONDS)


def _in_the_way(connection: Connection) -> str:
    """The oldest transactions, which most likely are what a migration waits for."""
    rows = connection.execute(_IN_THE_WAY, {"age": migrations.LOCK_SECONDS}).all()
    connection.rollback()
    named = [f"process {pid} ({application or 'no name'}), for {seconds:.0f} s" for pid, application, seconds in rows]
    return f"; open transactions: {'; '.join(named)}" if named else ""


migrate()
