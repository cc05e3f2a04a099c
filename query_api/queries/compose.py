"""How every SELECT is made: compiled once, and anchored to the position that its projections had reached."""

from collections.abc import Iterable
from typing import Any

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
)  # fmt: skip
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from projections.tables import Progress
from query_api.database import Query

EVENTS, BOOKINGS, REVENUE, AVAILABILITY = ("catalogue", "availability"), ("bookings",), ("revenue",), ("availability",)
AUDIT = ("audit",)
Compiled = tuple[str, dict[str, Any]]
Rows = Select[*tuple[Any, ...]]


def compiled_once(statement: Rows) -> Compiled:
    compiled = statement.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]
    return str(compiled), dict(compiled.params)


def query_of(compiled: Compiled, reads: tuple[str, ...], *, replan: bool = False, shared: bool = False, **given: Any) -> Query:
    sql, parameters = compiled
    return Query(sql, {name: given.get(name, value) for name, value in parameters.items()}, reads, replan, shared)


def as_text(value: str) -> ColumnElement[str]:
    """A constant that stands in the SQL."""
    return literal_column(f"'{value}'", Text)


def reached_by(reads: Iterable[str]) -> Subquery:
    lowest = func.min(Progress.position).label("position")
    return select(lowest).where(or_(*(Progress.name == as_text(name) for name in reads))).subquery("reached")


def anchored(reads: tuple[str, ...], rows: Rows, *order: str, descending: bool = False) -> Rows:
    reached, found = reached_by(reads), rows.subquery("q")
    keys = (found.c[name].desc() if descending else found.c[name] for name in order)
    return select(reached.c.position, *found.c).select_from(reached.outerjoin(found, true())).order_by(*keys)


def json_rows(order: ColumnElement[Any], *columns: Any) -> ColumnElement[str]:
    """Of a group of rows one JSON array of arrays, as text: msgspec reads it."""
    return cast(func.json_agg(aggregate_order_by(func.json_build_array(*columns), order)), Text)


def literally(text: str) -> str:
    """The pattern of LIKE that finds just this, anywhere."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


PATTERN = func.lower(bindparam("pattern", type_=Text))
LIMIT = bindparam("limit", type_=Integer)
VIEWER = bindparam("viewer", type_=Uuid)
EVENT_ID = bindparam("event_id", type_=Uuid)
FROM, TO = bindparam("from_", type_=DateTime(timezone=True)), bindparam("to", type_=DateTime(timezone=True))


def flags_of(**given: Any) -> frozenset[str]:
    """The filters that are asked for."""
    return frozenset(name for name, value in given.items() if value is not None)
