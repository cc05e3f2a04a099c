"""The script that Alembic runs for each command: one connection, one lock, one transaction for all migrations."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from ledger.store import sqlalchemy_url
from migrations import MIGRATION_LOCK


def migrate() -> None:
    engine = create_engine(sqlalchemy_url(context.config.attributes["database_url"]), poolclass=NullPool)
    with engine.connect() as connection:
        # A lock of the session, not of the transaction: a migration that builds an index concurrently commits in between.
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


migrate()
