"""What all SELECTs share: they are compiled once, and anchored to the position of the projections that they read."""

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Text,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from projections.tables import Progress
from query_api.database import Query, Row

EVENTS, BOOKINGS, REVENUE, AVAILABILITY = ("catalogue", "availability"), ("bookings",), ("revenue",), ("availability",)
AUDIT = ("audit",)
Statement = Select[*tuple[Any, ...]]
R = TypeVar("R", bound=Row)


class Compiled(NamedTuple, Generic[R]):
    """The SQL text of a statement, and its parameters with their defaults."""

    sql: str
    parameters: dict[str, Any]
    row_type: type[R]


def compile_rows(statement: Statement, row_type: type[R]) -> Compiled[R]:
    """A SELECT of rows alone. Raises TypeError where its column labels are not the row type's fields."""
    return _compile(statement, row_type, row_type.__struct_fields__)


def compile_anchored(statement: Statement, row_type: type[R]) -> Compiled[R]:
    """As `compile_rows`, for a SELECT whose first column is the position."""
    return _compile(statement, row_type, ("position", *row_type.__struct_fields__))


def _compile(statement: Statement, row_type: type[R], fields: tuple[str, ...]) -> Compiled[R]:
    _check_labels(statement.selected_columns, row_type, fields)
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    return Compiled(str(compiled), dict(compiled.params), row_type)


def _check_labels(columns: Iterable[Any], row_type: type[Row], fields: tuple[str, ...]) -> None:
    labels = tuple(column.key for column in columns)
    if labels != fields:
        raise TypeError(f"the columns {labels} are not the fields {fields} of {row_type.__name__}")


def query_of(
    compiled: Compiled[R], projections: tuple[str, ...], *, replan: bool = False, shared: bool = False, **values: Any
) -> Query[R]:
    parameters = {name: values.get(name, default) for name, default in compiled.parameters.items()}
    return Query(compiled.sql, parameters, projections, compiled.row_type, replan, shared)


def select_list(row_type: type[Row], *expressions: str) -> str:
    """The select list of a statement that is written as SQL text: each expression, labelled with the row type's field."""
    return ", ".join(f"{sql} AS {name}" for sql, name in zip(expressions, row_type.__struct_fields__, strict=True))


def as_text(value: str) -> ColumnElement[str]:
    """A constant, written into the SQL."""
    return literal_column(f"'{value}'", Text)


def reached_by(projections: Iterable[str]) -> Subquery:
    """The lowest position of these projections, as one row."""
    lowest = func.min(Progress.position).label("position")
    return select(lowest).where(or_(*(Progress.name == as_text(name) for name in projections))).subquery("reached")


def anchored(projections: tuple[str, ...], rows: Statement, *order: str, descending: bool = False) -> Statement:
    """The rows behind the position of these projections; one row of nulls behind it where there is none."""
    reached, result = reached_by(projections), rows.subquery("q")
    keys = (result.c[name].desc() if descending else result.c[name] for name in order)
    return select(reached.c.position, *result.c).select_from(reached.outerjoin(result, true())).order_by(*keys)


def json_rows(row_type: type[Row], order: ColumnElement[Any], *columns: Any) -> ColumnElement[str]:
    """A group of rows as one JSON array of arrays, as text; msgspec decodes it into a list of `row_type`, which is `array_like`."""
    _check_labels((getattr(column, "expression", column) for column in columns), row_type, row_type.__struct_fields__)
    return cast(func.json_agg(aggregate_order_by(func.json_build_array(*columns), order)), Text)


def literal_pattern(text: str) -> str:
    """The pattern of LIKE that finds this text, anywhere in a value."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


PATTERN = func.lower(bindparam("pattern", type_=Text))
LIMIT = bindparam("limit", type_=Integer)
VIEWER = bindparam("viewer", type_=Uuid)
EVENT_ID = bindparam("event_id", type_=Uuid)
FROM, TO = bindparam("from_", type_=DateTime(timezone=True)), bindparam("to", type_=DateTime(timezone=True))


def choice_flag(name: str, value: str | None) -> dict[str, Any]:
    """The filter `name:value`, for a filter with a condition for each value; none without a value."""
    return {f"{name}:{value}": True} if value else {}


def flags_of(**filters: Any) -> frozenset[str]:
    """The names of the filters that are set."""
    return frozenset(name for name, value in filters.items() if value is not None)
