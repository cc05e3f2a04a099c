"""Projection snapshots: all rows of a projection as one text, stored from time to time in `projection_digests`. Time travel loads
the nearest one and folds only the entries after it.

Only small projections have them: those whose number of rows depends on the number of events, not of bookings. A snapshot is
taken once the ledger has grown by a tenth, and by at least 50,000 entries, so that their cost stays proportional to the ledger.
"""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, Engine, Text, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from projections.engine import Projector
from projections.registry import PROJECTORS
from projections.tables import Model, Position, Progress, String, table_of

#: The projections with time travel.
SNAPSHOT_PROJECTIONS: tuple[str, ...] = ("revenue",)
MIN_GROWTH = 50_000


class ProjectionSnapshot(Model):
    """The tables of one version of a projection at one position, as a JSON object of arrays of rows."""

    __tablename__ = "projection_digests"

    name: Mapped[String] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[Position] = mapped_column(primary_key=True)
    rows: Mapped[str] = mapped_column(Text)


def take_if_due(engine: Engine) -> int:
    """Takes each snapshot that is due, by one statement, so as of one moment. Returns their number."""
    return sum(_take(engine, PROJECTORS[name]) for name in SNAPSHOT_PROJECTIONS)


def stops_of(engine: Engine, projector: Projector, head: int) -> dict[int, Callable[[], int]]:
    """The positions up to the head at which a shadow copy, the one that `engine` finds, has to stop for a snapshot; and the
    function that takes it."""
    stops: dict[int, Callable[[], int]] = {}
    position = MIN_GROWTH
    while projector.name in SNAPSHOT_PROJECTIONS and position < head:
        stops[position] = partial(_take, engine, projector)
        position += max(MIN_GROWTH, position // 10)
    return stops


def _take(engine: Engine, projector: Projector) -> int:
    parameters = {"name": projector.name, "version": projector.version, "growth": MIN_GROWTH}
    with engine.begin() as connection:
        return connection.execute(text(_insert(projector)), parameters).rowcount


def _insert(projector: Projector) -> str:
    return f"""
        INSERT INTO projection_digests (name, version, position, rows)
        SELECT name, version, position, ({rows_of(projector)})::text FROM projections, LATERAL (
            SELECT coalesce(max(position), 0) FROM projection_digests
            WHERE name = :name AND version = :version) AS last (last_position)
        WHERE name = :name AND version = :version AND failed_position IS NULL
            AND NOT EXISTS (SELECT FROM set_aside WHERE set_aside.name = projections.name)
            AND position - last_position >= greatest(:growth, last_position / 10)
        ON CONFLICT DO NOTHING"""


def rows_of(projector: Projector) -> str:
    """SQL of a snapshot's text, for the tables that the connection finds. Equal rows make equal texts."""
    return "SELECT json_build_object(" + ", ".join(f"'{_name(model)}', {_array(model)}" for model in projector.tables) + ")"


def _array(model: type[Model]) -> str:
    keys = ", ".join(f"r.{column.name}" for column in table_of(model).primary_key)
    return f"(SELECT coalesce(json_agg(r ORDER BY {keys}), '[]') FROM {_name(model)} AS r)"


def _name(model: type[Model]) -> str:
    return table_of(model).name


def load(connection: Connection, projector: Projector, until: int) -> int:
    """Fills the projector's empty tables, those that the connection finds, with its last snapshot up to that position. Returns the
    snapshot's position; 0 where there is none."""
    p = ProjectionSnapshot
    own = (p.name == projector.name, p.version == projector.version, p.position <= until)
    stored = connection.execute(select(p.position, p.rows).where(*own).order_by(p.position.desc()).limit(1)).one_or_none()
    if stored is None:
        return 0
    for model in projector.tables:
        columns = ", ".join(column.name for column in table_of(model).columns if column.computed is None)
        rows = f"json_populate_recordset(NULL::{_name(model)}, CAST(:rows AS json) -> '{_name(model)}')"
        connection.execute(text(f"INSERT INTO {_name(model)} ({columns}) SELECT {columns} FROM {rows}"), {"rows": stored.rows})
    own_row = Progress.name == projector.name
    connection.execute(update(Progress).where(own_row).values(position=stored.position, updated_at=func.now()))
    return int(stored.position)
