"""What all read tables share: metadata, column types, and statements that write many rows at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

Id = Annotated[UUID, mapped_column(Uuid)]
Position = Annotated[int, mapped_column(BigInteger)]
MinorUnits = Annotated[int, mapped_column(BigInteger)]
CategoryNumber = Annotated[int, mapped_column(SmallInteger)]
PoolNumber = Annotated[int, mapped_column(SmallInteger)]
Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
String = Annotated[str, mapped_column(Text)]


class Model(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
        }
    )


class Progress(Model):
    """The position of each projection, and that of the snapshots. While a projection is stalled, `failed_position` is that of the
    entry that can't be applied, and `error` says why. `rebuilds`: how often the tables were replaced by a rebuild."""

    __tablename__ = "projections"

    name: Mapped[String] = mapped_column(primary_key=True)
    version: Mapped[int]
    position: Mapped[Position]
    updated_at: Mapped[Timestamp]
    failed_position: Mapped[Position | None]
    error: Mapped[String | None]
    rebuilds: Mapped[Position] = mapped_column(default=0)


class SetAside(Model):
    """An Event that a projection has set aside: its rows are as of the entry before `version`, which is at `position` and can't be
    applied. `error` says why."""

    __tablename__ = "set_aside"

    name: Mapped[String] = mapped_column(primary_key=True)
    event_id: Mapped[Id] = mapped_column(primary_key=True)
    version: Mapped[Position]
    position: Mapped[Position]
    error: Mapped[String]
    set_aside_at: Mapped[Timestamp]


def table_of(model: type[Model]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def is_any_of(column: InstrumentedAttribute[UUID], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the ids in the statement's parameter of this name, which is an array."""
    return column == any_(bindparam(name, type_=postgresql.ARRAY(Uuid)))


def insert(connection: Connection, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts new rows by one COPY. A row that exists already is an error: the ledger holds every fact once."""
    if rows:
        table, names = table_of(model), tuple(rows[0])
        sql = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            with driver.cursor() as cursor, cursor.copy(sql) as copy:
                copy.set_types([_type(table, name).lower() for name in names])
                for row in rows:
                    copy.write_row(tuple(row.values()))
        except psycopg.Error as error:  # as from any other statement
            raise DBAPIError.instance(sql, None, error, psycopg.Error) from error


def upsert(connection: Connection, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows, or replaces those with the same primary key, by one statement."""
    if rows:
        table = table_of(model)
        names = tuple(rows[0])
        keys = [column.name for column in table.primary_key]
        new = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
        sql = f"{_insert_sql(table, names)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {new}"
        connection.exec_driver_sql(sql, _parameters(table, rows))


def add(connection: Connection, model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows, or adds their values to those of the rows with the same primary key, by one statement."""
    if rows:
        table = table_of(model)
        names = tuple(rows[0])
        keys = [column.name for column in table.primary_key]
        new = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in names if name not in keys)
        sql = f"{_insert_sql(table, names)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {new}"
        connection.exec_driver_sql(sql, _parameters(table, rows))


def update(connection: Connection, model: type[Model], new: str, match: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """`UPDATE … SET new FROM rows AS changed WHERE match`. Each of the rows must match one row of the table."""
    if rows:
        table = table_of(model)
        names = tuple(rows[0])
        sql = f"UPDATE {table.name} SET {new} FROM {_recordset(table, names)} WHERE {match}"
        updated = connection.exec_driver_sql(sql, _parameters(table, rows)).rowcount
        assert updated == len(rows), f"{len(rows) - updated} rows of {table.name} are missing that an entry changes"


def _parameters(table: Table, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """The rows as one JSON text: it takes a sixth of the time that psycopg takes to write arrays, and the server reads it as fast.
    Rows with bytes, whose JSON would be twice as long, are one array a column."""
    if _holds_bytes(table):
        return tuple(list(column) for column in zip(*(row.values() for row in rows), strict=True))
    return (msgspec.json.encode(rows).decode(),)


@cache
def _insert_sql(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM {_recordset(table, names)}"


def _type(table: Table, column: str) -> str:
    return table.c[column].type.compile(_DIALECT)


@cache
def _holds_bytes(table: Table) -> bool:
    return any(isinstance(column.type, LargeBinary) for column in table.columns)


@cache
def _recordset(table: Table, names: Sequence[str]) -> str:
    if _holds_bytes(table):
        return f"unnest({', '.join(f'%b::{_type(table, name)}[]' for name in names)}) AS changed ({', '.join(names)})"
    columns = ", ".join(f"{name} {_type(table, name)}" for name in names)
    return f"json_to_recordset(%s::json) AS changed ({columns})"
