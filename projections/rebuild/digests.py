"""All that a projection says, now and then, as one text: looking back begins at the nearest one and folds what came after.

Only of small projections, whose rows count events and not bookings. One is made when the ledger has grown by a tenth, and by
50,000 entries at least, since the last: what they cost in all grows with the ledger alone.
"""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, Engine, Text, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from projections.engine import Projector
from projections.registry import PROJECTORS
from projections.tables import Model, Position, Progress, String, table_of

#: The projections that one may look back at.
DIGESTED_PROJECTIONS: tuple[str, ...] = ("revenue",)
MIN_GROWTH = 50_000


class Digest(Model):
    """Of one version of a projection at one position: its tables as a JSON object of arrays of rows."""

    __tablename__ = "projection_digests"

    name: Mapped[String] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[Position] = mapped_column(primary_key=True)
    rows: Mapped[str] = mapped_column(Text)


def take_if_due(engine: Engine) -> int:
    """How many were taken. Of what a projection says at one moment, by one statement."""
    return sum(_take(engine, PROJECTORS[name]) for name in DIGESTED_PROJECTIONS)


def stops(engine: Engine, projector: Projector, head: int) -> dict[int, Callable[[], int]]:
    """Where a copy of the projector's, which this engine finds, is to be digested on its way to the head, and how."""
    found: dict[int, Callable[[], int]] = {}
    position = MIN_GROWTH
    while projector.name in DIGESTED_PROJECTIONS and position < head:
        found[position] = partial(_take, engine, projector)
        position += max(MIN_GROWTH, position // 10)
    return found


def _take(engine: Engine, projector: Projector) -> int:
    given = {"name": projector.name, "version": projector.version, "growth": MIN_GROWTH}
    with engine.begin() as connection:
        return connection.execute(text(_insert(projector)), given).rowcount


def _insert(projector: Projector) -> str:
    return f"""
        INSERT INTO projection_digests (name, version, position, rows)
        SELECT name, version, position, ({rows_of(projector)})::text FROM projections, LATERAL (
            SELECT coalesce(max(position), 0) FROM projection_digests
            WHERE name = :name AND version = :version) AS last (last_position)
        WHERE name = :name AND version = :version AND failed_position IS NULL
            AND position - last_position >= greatest(:growth, last_position / 10)
        ON CONFLICT DO NOTHING"""


def rows_of(projector: Projector) -> str:
    """SQL of what a digest holds of the tables that the connection finds. The same rows are the same text."""
    return "SELECT json_build_object(" + ", ".join(f"'{_name(model)}', {_array(model)}" for model in projector.tables) + ")"


def _array(model: type[Model]) -> str:
    keys = ", ".join(f"one.{column.name}" for column in table_of(model).primary_key)
    return f"(SELECT coalesce(json_agg(one ORDER BY {keys}), '[]') FROM {_name(model)} AS one)"


def _name(model: type[Model]) -> str:
    return table_of(model).name


def load(connection: Connection, projector: Projector, until: int) -> int:
    """Fills empty tables of the projector, those that the connection finds, with its last digest up to that position; returns the
    position where they stand then: 0 where there is none."""
    d = Digest
    own = (d.name == projector.name, d.version == projector.version, d.position <= until)
    found = connection.execute(select(d.position, d.rows).where(*own).order_by(d.position.desc()).limit(1)).one_or_none()
    if found is None:
        return 0
    for model in projector.tables:
        columns = ", ".join(column.name for column in table_of(model).columns if column.computed is None)
        rows = f"json_populate_recordset(NULL::{_name(model)}, CAST(:rows AS json) -> '{_name(model)}')"
        connection.execute(text(f"INSERT INTO {_name(model)} ({columns}) SELECT {columns} FROM {rows}"), {"rows": found.rows})
    own_row = Progress.name == projector.name
    connection.execute(update(Progress).where(own_row).values(position=found.position, updated_at=func.now()))
    return int(found.position)
