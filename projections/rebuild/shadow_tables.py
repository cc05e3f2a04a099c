"""Shadow tables: tables with the names of a projection's, in another schema, at first empty, filled by the same engine.

A rebuild fills them and swaps them in; a verification fills and compares them; time travel fills them up to a position and queries
them. The same code fills them all: each projector's `fold` finds its tables by the search path.
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
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from ledger.entries import RecordedEntry
from ledger.store import Ledger
from projections.engine import Projector
from projections.tables import Model, Progress, SetAside, table_of


class TableKind(StrEnum):
    """How long the tables last: permanent ones will be served, unlogged ones outlive the connection, temporary ones do not."""

    PERMANENT = ""
    UNLOGGED = "UNLOGGED"
    TEMPORARY = "TEMPORARY"


def make(connection: Connection, projectors: Sequence[Projector], kind: TableKind) -> None:
    """Makes the projectors' tables, and their rows in `projections` at position 0, in the first schema of the search path. The
    tables have only primary keys, which is what folding needs: `finish` adds other indexes and foreign keys, faster at the end."""
    metadata = _metadata(projectors)
    for table in metadata.sorted_tables:
        table._prefixes = [kind.value] if kind.value else []
        connection.execute(CreateTable(table, include_foreign_key_constraints=()))
        for column, storage in connection.execute(_STORAGE, {"served": f"public.{table.name}", "made": table.name}):
            connection.execute(text(f"ALTER TABLE {table.name} ALTER COLUMN {column} SET STORAGE {storage}"))
    rows = [
        {"name": projector.name, "version": projector.version, "position": 0, "updated_at": datetime.now(UTC)}
        for projector in projectors
    ]
    connection.execute(insert(metadata.tables[Progress.__tablename__]), rows)


#: The columns to which a migration gave another storage than their type's default.
_STORAGE = text("""
    SELECT served.attname,
        CASE served.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
    FROM pg_attribute AS served JOIN pg_attribute AS made USING (attname)
    WHERE served.attrelid = to_regclass(:served) AND made.attrelid = to_regclass(:made) AND served.attnum > 0
        AND served.attstorage <> made.attstorage""")


def finish(connection: Connection, schema: str, projectors: Sequence[Projector]) -> None:
    """Adds the indexes and foreign keys that `make` left out, unless they exist."""
    existing = set(connection.scalars(_CONSTRAINTS, {"schema": schema}))
    connection.execute(text(f"SET LOCAL search_path = {schema}, public"))
    for table in _metadata(projectors).sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index, if_not_exists=True))
        for constraint in sorted(table.foreign_key_constraints, key=lambda constraint: str(constraint.name)):
            if constraint.name not in existing:
                connection.execute(AddConstraint(constraint))
        connection.execute(text(f"ANALYZE {table.name}"))


_CONSTRAINTS = text("SELECT conname FROM pg_constraint WHERE connamespace = CAST(:schema AS regnamespace)")


def _metadata(projectors: Sequence[Projector]) -> MetaData:
    """The metadata of the projectors' tables, of `projections`, and of `set_aside`."""
    metadata = MetaData(naming_convention=Model.metadata.naming_convention)
    models: list[type[Model]] = [*(model for projector in projectors for model in projector.tables), Progress, SetAside]
    for model in models:
        table_of(model).to_metadata(metadata)
    return metadata


def engine_in(url: URL, schema: str, **options: Any) -> Engine:
    """An engine whose statements find the tables of this schema first."""
    configured = url.query.get("options", "")
    path = f"{configured} -c search_path={schema},public"  # the last search_path in the options counts
    return create_engine(url, connect_args={"application_name": f"seatledger-{schema}", "options": path}, **options)


@contextmanager
def temporary(url: URL, *projectors: Projector) -> Iterator[Engine]:
    """An engine of one connection, with temporary tables, which are dropped with it."""
    engine = engine_in(url, "pg_temp", poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            make(connection, projectors, TableKind.TEMPORARY)
        yield engine
    finally:
        engine.dispose()


def make_schema(connection: Connection, schema: str, projectors: Sequence[Projector], kind: TableKind) -> None:
    """Makes the schema and its tables; an existing one is dropped."""
    connection.execute(text("SELECT public.shadow_schema(:schema)"), {"schema": schema})
    connection.execute(text(f"SET LOCAL search_path = {schema}, public"))
    make(connection, projectors, kind)


class TruncatedLedger:
    """The ledger as if it ended at `position`."""

    def __init__(self, ledger: Ledger, position: int) -> None:
        self._ledger, self.position = ledger, position

    def read(self, after: int, limit: int) -> list[RecordedEntry]:
        batch = self._ledger.read(after, limit) if after < self.position else []
        return batch[: bisect_right(batch, self.position, key=attrgetter("position"))]

    def next_position(self, after: int) -> int | None:
        position = self._ledger.next_position(after)
        return position if position is not None and position <= self.position else None
