"""Rebuilding projections while the old ones serve and keep being updated: into tables beside them, which take their place in one
short transaction once they are where those are. Killed at any moment, it goes on from where it was.

Nobody is told anything by a rebuild: what is published is where the served projection stands.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine, delete, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import CreateSchema, DropSchema

from ledger.store import Ledger, sqlalchemy_url
from projections import comparison, shadow
from projections.engine import RUN, Projector, catch_up
from projections.tables import Model, Moment, Position, Progress, Words, upsert

#: The swap asks for the served tables so long, lets those through who read them meanwhile, and asks again.
LOCK_MS, BETWEEN_SECONDS, SWAP_TRIES = 200, 0.1, 600
#: How often a rebuild notes how far it is.
NOTE_SECONDS = 0.5
_LOCK_NOT_AVAILABLE = "55P03"
SERVED = "public"


class Rebuild(Model):
    """One that is going on, or was broken off: where it is, and where it is to get."""

    __tablename__ = "rebuilds"

    name: Mapped[Words] = mapped_column(primary_key=True)
    position: Mapped[Position]
    target: Mapped[Position]
    started_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class RebuildRefused(Exception):
    """One sentence, for the terminal."""


class Rebuilt(NamedTuple):
    """Where the new tables stood when they took over. `difference`: the first one between the old ones and them; not `compared`
    where the old ones are of another version or stood still."""

    name: str
    position: int
    compared: bool
    difference: comparison.Difference | None


class _State(NamedTuple):
    position: int
    version: int
    failed_position: int | None


#: Told how far all of it is, and how far it is to get.
Told = Callable[[int, int], None]


def schema_of(name: str) -> str:
    return f"rebuild_{name}"


class Rebuilder:
    def __init__(self, database_url: str, ledger: Ledger) -> None:
        self._url = sqlalchemy_url(database_url)
        self._ledger = ledger
        self._engine = create_engine(self._url, pool_size=2, connect_args={"application_name": "seatledger-rebuild"})

    def close(self) -> None:
        self._engine.dispose()

    def rebuild(self, projectors: Sequence[Projector], told: Told = lambda position, target: None) -> list[Rebuilt]:
        """Raises RebuildRefused where another is at one of them or a swap finds no gap between long reads; Stalled; LedgerAway."""
        with ExitStack() as stack:
            for projector in projectors:
                stack.enter_context(self._alone(projector.name))
            beside = [stack.enter_context(self._beside(projector)) for projector in projectors]
            self._fill(projectors, beside, told)
            return [self._finish(projector, engine) for projector, engine in zip(projectors, beside, strict=True)]

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        lock = func.hashtextextended(f"rebuild {name}", 0)
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as guard:
            if not guard.scalar(select(func.pg_try_advisory_lock(lock))):
                raise RebuildRefused(f"{name} is being rebuilt already.")
            try:
                yield
            finally:
                guard.execute(select(func.pg_advisory_unlock(lock)))

    @contextmanager
    def _beside(self, projector: Projector) -> Iterator[Engine]:
        """An engine that finds the new tables: as a rebuild of this version has left them, else empty ones."""
        schema = schema_of(projector.name)
        with self._engine.begin() as connection:
            left = _state(connection, projector, schema) if _is_there(connection, schema) else None
            if left is None or left.version != projector.version or left.failed_position is not None:
                shadow.make_schema(connection, schema, [projector], shadow.Kind.LASTING)
        engine = shadow.engine_in(self._url, schema)
        try:
            yield engine
        finally:
            engine.dispose()

    def _fill(self, projectors: Sequence[Projector], beside: Sequence[Engine], told: Told) -> None:
        """All of them step by step together, so that the entries of a step are read and decoded once, and one folds while the
        database writes for another."""
        note = _Notes(self._engine, [projector.name for projector in projectors], told)
        ends = [self._end_of(projector) for projector in projectors]
        places = [self._reached(projector, engine) for projector, engine in zip(projectors, beside, strict=True)]
        with ThreadPoolExecutor(len(projectors), thread_name_prefix="rebuild") as threads:
            while any(place < end for place, end in zip(places, ends, strict=True)):
                front = min(place for place, end in zip(places, ends, strict=True) if place < end)
                step = self._ledger.read(front, RUN)
                until = step[-1].position if step else max(ends)

                def fold(projector: Projector, engine: Engine, place: int, end: int, until: int = until) -> int:
                    if place < min(until, end):
                        catch_up(engine, shadow.UpTo(self._ledger, min(until, end)), projector)
                    return max(place, min(until, end))

                places = list(threads.map(fold, projectors, beside, places, ends))
                note(min(places), max(ends))
                ends = [self._end_of(projector) for projector in projectors]

    def _end_of(self, projector: Projector) -> int:
        """Where the served one is: only there they can be compared. The ledger's end where they can't be."""
        with self._engine.connect() as connection:
            served = _state(connection, projector, SERVED)
        return served.position if _comparable(served, projector) else self._ledger.head()

    def _reached(self, projector: Projector, engine: Engine) -> int:
        with engine.connect() as connection:
            return _state(connection, projector, schema_of(projector.name)).position

    def _finish(self, projector: Projector, beside: Engine) -> Rebuilt:
        compared, difference = self._compare(projector, beside)
        position = self._swap(projector, beside)
        return Rebuilt(projector.name, position, compared, difference)

    def _compare(self, projector: Projector, beside: Engine) -> tuple[bool, comparison.Difference | None]:
        """As of one moment, at which both stand at one position; the served one goes on meanwhile."""
        with self._engine.connect() as reader:
            with self._engine.begin() as holder:
                served = _state(holder, projector, SERVED, lock=True)
                if not _comparable(served, projector) or self._reached(projector, beside) > served.position:
                    return False, None
                catch_up(beside, shadow.UpTo(self._ledger, served.position), projector)
                reader.execution_options(isolation_level="REPEATABLE READ")
                reader.execute(select(1))  # from here on it sees this moment
            return True, comparison.first_difference(reader, projector.tables, SERVED, schema_of(projector.name))

    def _swap(self, projector: Projector, beside: Engine) -> int:
        for _ in range(SWAP_TRIES):
            try:
                with self._engine.begin() as connection:
                    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
                    position = self._take_over(connection, projector, beside)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                time.sleep(BETWEEN_SECONDS)
            else:
                self._clear(projector)
                return position
        raise RebuildRefused(f"{projector.name} is rebuilt, but is being read all the time: begin again, it only has to take over.")

    def _take_over(self, connection: Connection, projector: Projector, beside: Engine) -> int:
        """The served tables move away, the new ones into their place."""
        new, old = schema_of(projector.name), f"retired_{projector.name}"
        served = _state(connection, projector, SERVED, lock=True)
        catch_up(beside, shadow.UpTo(self._ledger, served.position), projector)
        position = self._reached(projector, beside)
        connection.execute(DropSchema(old, cascade=True, if_exists=True))
        connection.execute(CreateSchema(old))
        names = [model.__tablename__ for model in projector.tables]
        for name in names:
            connection.execute(text(f"ALTER TABLE {SERVED}.{name} SET SCHEMA {old}"))
        for name in names:
            connection.execute(text(f"ALTER TABLE {new}.{name} SET SCHEMA {SERVED}"))
        taken = {"position": position, "version": projector.version, "failed_position": None, "error": None}
        own_row = Progress.name == projector.name
        connection.execute(update(Progress).where(own_row).values(**taken, updated_at=func.now()))
        return position

    def _clear(self, projector: Projector) -> None:
        for schema in (f"retired_{projector.name}", schema_of(projector.name)):
            with self._engine.begin() as connection:
                connection.execute(DropSchema(schema, cascade=True, if_exists=True))
        with self._engine.begin() as connection:
            connection.execute(delete(Rebuild).where(Rebuild.name == projector.name))


class _Notes:
    """Notes how far they are, for all to see, now and then."""

    def __init__(self, engine: Engine, names: Sequence[str], told: Told) -> None:
        self._engine, self._names, self._told = engine, names, told
        self._started_at, self._last = datetime.now(UTC), 0.0

    def __call__(self, position: int, target: int) -> None:
        self._told(position, target)
        if time.monotonic() - self._last >= NOTE_SECONDS:
            self._last = time.monotonic()
            row = {"position": position, "target": target, "started_at": self._started_at, "updated_at": datetime.now(UTC)}
            with self._engine.begin() as connection:
                upsert(connection, Rebuild, [{"name": name, **row} for name in self._names])


def _comparable(served: _State, projector: Projector) -> bool:
    return served.version == projector.version and served.failed_position is None


def _is_there(connection: Connection, schema: str) -> bool:
    return connection.scalar(select(func.to_regclass(f"{schema}.{Progress.__tablename__}"))) is not None


def _state(connection: Connection, projector: Projector, schema: str, *, lock: bool = False) -> _State:
    query = select(Progress.position, Progress.version, Progress.failed_position).where(Progress.name == projector.name)
    found = connection.execute(
        query.with_for_update() if lock else query, execution_options={"schema_translate_map": {None: schema}}
    ).one()
    return _State(*found)
