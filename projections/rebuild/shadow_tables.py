"""A projection beside the one that is served: tables of the same names in another schema, empty, folded by the same engine.

Rebuilding fills them and puts them in the place of the served ones; verifying fills them and compares; looking back fills them up
to some position and asks them. There is one set of rules: each projector's `fold` finds its tables by the search path.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, insert, text
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateSchema, CreateTable, DropSchema

from ledger.entries import RecordedEntry
from ledger.store import Ledger
from projections.engine import Projector
from projections.tables import Model, Progress, table_of


class TableKind(StrEnum):
    """How lasting the tables are: to be served one day, to outlive a connection, or not even that."""

    PERMANENT = ""
    UNLOGGED = "UNLOGGED"
    TEMPORARY = "TEMPORARY"


def make(connection: Connection, projectors: Sequence[Projector], kind: TableKind) -> None:
    """Their tables and their rows of progress, at position 0, where the connection's search path begins. Without indexes beyond
    their keys, and without foreign keys: folding a long ledger goes by keys alone, and `finish` makes the rest at once."""
    metadata = _metadata(projectors)
    for table in metadata.sorted_tables:
        table._prefixes = [kind.value] if kind.value else []
        connection.execute(CreateTable(table, include_foreign_key_constraints=()))
        for column, storage in connection.execute(_STORAGE, {"served": f"public.{table.name}", "made": table.name}):
            connection.execute(text(f"ALTER TABLE {table.name} ALTER COLUMN {column} SET STORAGE {storage}"))
    rows = [{"name": one.name, "version": one.version, "position": 0, "updated_at": datetime.now(UTC)} for one in projectors]
    connection.execute(insert(metadata.tables[Progress.__tablename__]), rows)


#: The columns that a migration has stored in another way than their type asks for.
_STORAGE = text("""
    SELECT served.attname,
        CASE served.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
    FROM pg_attribute AS served JOIN pg_attribute AS made USING (attname)
    WHERE served.attrelid = to_regclass(:served) AND made.attrelid = to_regclass(:made) AND served.attnum > 0
        AND served.attstorage <> made.attstorage""")


def finish(connection: Connection, schema: str, projectors: Sequence[Projector]) -> None:
    """What `make` left out, unless it is there."""
    there = set(connection.scalars(_CONSTRAINTS, {"schema": schema}))
    connection.execute(text(f"SET LOCAL search_path = {schema}, public"))
    for table in _metadata(projectors).sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index, if_not_exists=True))
        for constraint in sorted(table.foreign_key_constraints, key=lambda constraint: str(constraint.name)):
            if constraint.name not in there:
                connection.execute(AddConstraint(constraint))
        connection.execute(text(f"ANALYZE {table.name}"))


_CONSTRAINTS = text("SELECT conname FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace)")


def _metadata(projectors: Sequence[Projector]) -> MetaData:
    """Of their tables, and of how far they are."""
    metadata = MetaData(naming_convention=Model.metadata.naming_convention)
    models: list[type[Model]] = [*(model for projector in projectors for model in projector.tables), Progress]
    for model in models:
        table_of(model).to_metadata(metadata)
    return metadata


def engine_in(url: URL, schema: str, **options: Any) -> Engine:
    """Whatever goes over it finds the tables of this schema first."""
    given = url.query.get("options", "")
    path = f"{given} -c search_path={schema},public"  # the last one counts
    return create_engine(url, connect_args={"application_name": f"seatledger-{schema}", "options": path}, **options)


@contextmanager
def temporary(url: URL, *projectors: Projector) -> Iterator[Engine]:
    """An engine of one connection, with tables that are gone when it ends."""
    engine = engine_in(url, "pg_temp", poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            make(connection, projectors, TableKind.TEMPORARY)
        yield engine
    finally:
        engine.dispose()


def make_schema(connection: Connection, schema: str, projectors: Sequence[Projector], kind: TableKind) -> None:
    """Anew, whatever was there."""
    connection.execute(DropSchema(schema, cascade=True, if_exists=True))
    connection.execute(CreateSchema(schema))
    connection.execute(text(f"SET LOCAL search_path = {schema}, public"))
    make(connection, projectors, kind)


class TruncatedLedger:
    """The ledger as if it ended at that position."""

    def __init__(self, ledger: Ledger, position: int) -> None:
        self._ledger, self.position = ledger, position

    def read(self, after: int, limit: int) -> list[RecordedEntry]:
        run = self._ledger.read(after, limit) if after < self.position else []
        return run[: bisect_right(run, self.position, key=attrgetter("position"))]

    def next_position(self, after: int) -> int | None:
        found = self._ledger.next_position(after)
        return found if found is not None and found <= self.position else None
