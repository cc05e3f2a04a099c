"""Compares two copies of a projection's tables, row by row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from projections.tables import Model, table_of


class Difference(NamedTuple):
    """A value that is found in a table, and the one that is expected. `column` None: a whole row is missing or should not exist."""

    table: str
    key: str
    column: str | None
    found: Any
    expected: Any

    def __str__(self) -> str:
        if self.column is None:
            fault = "is missing" if self.found is None else "should not be there"
            return f"{self.table}: the row {self.key} {fault}"
        return f"{self.table}: in the row {self.key}, {self.column} is {self.found!r} and should be {self.expected!r}"


def first_difference(connection: Connection, models: Sequence[type[Model]], served: str, expected: str) -> Difference | None:
    """The first difference between the tables in the schemas `served` and `expected`, in the order of tables and keys."""
    connection.execute(text("SET LOCAL enable_mergejoin = off"))  # it would read rows in the order of an index: a page for each row
    return next(
        (difference for model in models if (difference := _in_table(connection, model, served, expected)) is not None), None
    )


def _in_table(connection: Connection, model: type[Model], served: str, expected: str) -> Difference | None:
    table = table_of(model)
    keys = [column.name for column in table.primary_key]
    match = " AND ".join(f"served.{key} = expected.{key}" for key in keys)
    names = [column.name for column in table.columns]
    left, right = (f"ROW({', '.join(f'{side}.{name}' for name in names)})::record" for side in ("served", "expected"))
    order = ", ".join(f"coalesce(served.{key}, expected.{key})" for key in keys)
    row = connection.execute(
        text(f"""SELECT to_json(served), to_json(expected) FROM {served}.{table.name} AS served
            FULL JOIN {expected}.{table.name} AS expected ON {match}
            WHERE {left} *<> {right} ORDER BY {order} LIMIT 1""")  # compares bytes: a collation may call different texts equal
    ).one_or_none()
    return _in_count(connection, table.name, served, expected) if row is None else _difference(table.name, keys, *row)


def _in_count(connection: Connection, table: str, served: str, expected: str) -> Difference | None:
    """Two equal rows on one side are both joined with the same row of the other: only the counts differ."""
    count = "SELECT count(*) FROM {}." + table
    served_count, expected_count = (connection.scalar(text(count.format(schema))) for schema in (served, expected))
    return None if served_count == expected_count else Difference(table, "all", "count(*)", served_count, expected_count)


def _difference(table: str, keys: Sequence[str], found: dict[str, Any] | None, expected: dict[str, Any] | None) -> Difference:
    row = found or expected
    assert row is not None, "a full join has one side at least"
    key = ", ".join(f"{name} {row[name]}" for name in keys)
    if found is None or expected is None:
        return Difference(table, key, None, found, expected)
    column = next((name for name in expected if found.get(name) != expected[name]), None)
    return Difference(table, key, column, found.get(column or ""), expected.get(column or ""))
