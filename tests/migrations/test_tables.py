"""The tables of accounts and of notifications, as the code describes them, against those that the migrations make."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, NullPool, create_engine

import migrations
from accounts import tables
from ledger import webhooks
from ledger.store import sqlalchemy_url

#: Everything that PostgreSQL knows about the shape of a table, by name.
CATALOGUE = """
    SELECT 'column', c.relname, a.attname,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relname = ANY(%(tables)s) AND a.attnum > 0
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
      FROM pg_constraint WHERE conrelid::regclass::text = ANY(%(tables)s)
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%(tables)s)
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with create_engine(sqlalchemy_url(database_url), poolclass=NullPool).connect() as connection:
        yield connection


EACH = pytest.mark.parametrize(
    ("metadata", "at_least"), [(tables.metadata, 27), (webhooks.metadata, 80)], ids=["accounts", "notifications"]
)


def catalogue(url: str, metadata: MetaData = tables.metadata) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute(CATALOGUE, {"tables": list(metadata.tables)}).fetchall())


@EACH
def test_the_migrations_create_the_tables_of_the_metadata(
    metadata: MetaData, at_least: int, database_url: str, empty_database_url: str
) -> None:
    engine = create_engine(sqlalchemy_url(empty_database_url), poolclass=NullPool)
    metadata.create_all(engine)
    described = catalogue(empty_database_url, metadata)
    assert len(described) > at_least
    assert described == catalogue(database_url, metadata)


@EACH
def test_alembic_sees_no_difference(metadata: MetaData, at_least: int, connection: Connection) -> None:
    ours = {"include_object": lambda _, name, kind, __, ___: kind != "table" or name in metadata.tables}
    assert compare_metadata(MigrationContext.configure(connection, opts=ours), metadata) == []


def test_the_downgrade_removes_the_tables(database_url: str) -> None:
    migrations.downgrade(database_url, "0001")
    assert catalogue(database_url) == set()
    migrations.upgrade(database_url, "0002")
    assert catalogue(database_url)


def test_the_poll_reads_indexes(connection: Connection) -> None:
    """Every process polls twice a second: the cost must not grow with the number of tokens."""
    connection.exec_driver_sql("SET enable_seqscan = off")
    for table, column in (("tokens", "revoked_at"), ("accounts", "access_changed_at")):
        plan = connection.exec_driver_sql(f"EXPLAIN SELECT FROM {table} WHERE {column} > now() - interval '10 s'").fetchall()
        assert f"ix_{table}_{column}" in str(plan)
