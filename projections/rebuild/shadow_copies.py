"""Shadow copies: a projection's tables a second time, in a schema of their own, folded from the ledger while the served tables are
read and kept up to date.

                 anew, or of another version, or faulty
               ┌───────────────────────────────────────────┐
               ▼                                           │
    EMPTY ───────▶ BEHIND ──── fill, step by step ───▶ LEVEL with the served tables ──┬── compare ──▶ a difference, or none
                   ▲    │                                                             ├── drop
                   └────┘ killed: the next `copy` of the same purpose continues       └── finish, then swapped in (rebuilder.py)

A copy's position is in the `projections` table of its own schema and moves with its rows, so that a killed process loses nothing.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.schema import DropSchema

from ledger.store import Ledger, sqlalchemy_url
from projections.engine import Projector, catch_up
from projections.rebuild import comparison, shadow_tables
from projections.tables import Model, Progress, SetAside

SERVED = "public"
#: Projectors that fold concurrently: one computes while the database writes for the others.
FOLD_THREADS = 3
#: Entries folded in one transaction. It is larger than a worker's, since no request waits for a shadow copy.
BATCH_SIZE = 8_000
#: Above this number of new entries a second, seats are being sold, which has priority: filling pauses after each step, for
#: PAUSE_FACTOR times as long as the step took, at most MAX_PAUSE_SECONDS.
BUSY_PER_SECOND, PAUSE_FACTOR, MAX_PAUSE_SECONDS = 100, 1.5, 2.0

#: Called with the position that all copies have reached, and the position to reach.
ProgressCallback = Callable[[int, int], None]


class ShadowCopyError(Exception):
    """One sentence, for the terminal."""


class ShadowCopy(NamedTuple):
    projector: Projector
    schema: str
    engine: Engine


class ProjectionStatus(NamedTuple):
    """`set_aside`: how many Events are."""

    position: int
    version: int
    failed_position: int | None
    set_aside: int

    @property
    def is_faulty(self) -> bool:
        """Whether there are entries that could not be folded."""
        return self.failed_position is not None or self.set_aside > 0


class ComparisonResult(NamedTuple):
    """As of `position`, which both tables had. `difference`: the first one; None where they are equal."""

    position: int
    difference: comparison.Difference | None


class ShadowCopies:
    """`purpose`: the prefix of the schemas' names. Close it when done."""

    def __init__(self, database_url: str, ledger: Ledger, purpose: str, kind: shadow_tables.TableKind) -> None:
        self.engine = create_engine(
            sqlalchemy_url(database_url), pool_size=2, connect_args={"application_name": f"seatledger-{purpose}"}
        )
        self._ledger, self._purpose, self._kind = ledger, purpose, kind

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Raises ShadowCopyError where another process holds the lock of this purpose and name."""
        key = func.hashtextextended(f"{self._purpose} {name}", 0)
        # A transaction's lock is released with it. A session's would stay with a pooled connection if its release failed.
        with self.engine.begin() as guard:
            if not guard.scalar(select(func.pg_try_advisory_xact_lock(key))):
                raise ShadowCopyError(f"Another {self._purpose} of {name} is under way.")
            yield

    @contextmanager
    def copy(self, projector: Projector, *, anew: bool) -> Iterator[ShadowCopy]:
        """The copy that an earlier process of this purpose left, if it can be continued and is not to be made `anew`; else an empty
        one."""
        schema = f"{self._purpose}_{projector.name}"
        with self.engine.begin() as connection:
            status = status_of(connection, projector, schema) if not anew and _is_complete(connection, projector, schema) else None
            if status is None or status.version != projector.version or status.is_faulty:
                shadow_tables.make_schema(connection, schema, [projector], self._kind)
        engine = shadow_tables.engine_in(self.engine.url, schema)
        try:
            yield ShadowCopy(projector, schema, engine)
        finally:
            engine.dispose()

    def drop(self, copy: ShadowCopy) -> None:
        with self.engine.begin() as connection:
            connection.execute(DropSchema(copy.schema, cascade=True, if_exists=True))

    def fill(
        self,
        copies: Sequence[ShadowCopy],
        end_of: Callable[[Projector], int],
        on_progress: ProgressCallback,
        stops: Mapping[int, Callable[[], object]] = {},
    ) -> None:
        """Folds each copy up to the position that `end_of` returns, which is called again at each step. All copies take each step
        together, so that its entries are read and decoded once, and one folds while the database writes for another. `stops`: at
        each of these positions all copies wait while its function is called."""
        positions, throttle = [self.position_of(copy) for copy in copies], _Throttle()
        with ThreadPoolExecutor(FOLD_THREADS, thread_name_prefix=self._purpose) as threads:
            while True:
                ends = [end_of(copy.projector) for copy in copies]
                start = first_behind(positions, ends)
                if start is None:
                    return
                throttle.begin_step(max(ends))
                batch = self._ledger.read(start, BATCH_SIZE)
                step = next_step(positions, ends, batch[-1].position if batch else max(ends), stops)
                positions = list(threads.map(self._fold_step, copies, positions, step.targets))
                stops.get(step.until, _do_nothing)()
                on_progress(min(positions), max(ends))

    def _fold_step(self, copy: ShadowCopy, position: int, target: int) -> int:
        if target > position:
            self.fold(copy, target)
        return target

    def finish(self, copy: ShadowCopy) -> None:
        """Adds all indexes and foreign keys, as the served tables have them."""
        with self.engine.begin() as connection:
            shadow_tables.finish(connection, copy.schema, [copy.projector])

    def fold(self, copy: ShadowCopy, until: int) -> None:
        """Folds all entries up to that position."""
        catch_up(copy.engine, shadow_tables.TruncatedLedger(self._ledger, until), copy.projector, batch_size=BATCH_SIZE)

    def compare(self, copy: ShadowCopy, is_comparable: Callable[[ProjectionStatus], bool]) -> ComparisonResult | None:
        """Compares the copy with the served tables as of one moment, at which both have the same position; afterwards the served
        tables are updated again. None where the served projection is not comparable, or is behind the copy."""
        # Fold most entries before the served position is locked, so that it is locked only briefly.
        self.fold(copy, max(self.served_status(copy.projector).position, self.position_of(copy)))
        with self.engine.connect() as reader:
            with self.engine.begin() as holder:
                served = status_of(holder, copy.projector, SERVED, lock=True)
                if not is_comparable(served) or self.position_of(copy) > served.position:
                    return None
                self.fold(copy, served.position)
                reader.execution_options(isolation_level="REPEATABLE READ")
                names = ", ".join(f"{SERVED}.{model.__tablename__}" for model in copy.projector.tables)
                reader.execute(text(f"LOCK TABLE {names} IN ACCESS SHARE MODE"))  # so that no rebuild swaps them
                reader.execute(select(1))  # begins the reader's view, while the position is locked
            difference = comparison.first_difference(reader, copy.projector.tables, SERVED, copy.schema)
            return ComparisonResult(served.position, difference)

    def served_status(self, projector: Projector) -> ProjectionStatus:
        with self.engine.connect() as connection:
            return status_of(connection, projector, SERVED)

    def position_of(self, copy: ShadowCopy) -> int:
        with self.engine.connect() as connection:
            return status_of(connection, copy.projector, copy.schema).position


class Step(NamedTuple):
    """The next step of a fill: it ends at position `until`; `targets` are the positions of the copies then."""

    until: int
    targets: list[int]


def first_behind(positions: Sequence[int], ends: Sequence[int]) -> int | None:
    """The lowest position of a copy that has not reached its end; None: all have."""
    return min((position for position, end in zip(positions, ends, strict=True) if position < end), default=None)


def next_step(positions: Sequence[int], ends: Sequence[int], batch_end: int, stops: Collection[int]) -> Step:
    """Ends at the end of the batch, or at the first stop before it. No copy goes back, and none goes past its end."""
    start = first_behind(positions, ends)
    assert start is not None, "a copy is behind"
    until = min((stop for stop in stops if start < stop < batch_end), default=batch_end)
    return Step(until, [max(position, min(until, end)) for position, end in zip(positions, ends, strict=True)])


class _Throttle:
    """Pauses before a step if many entries were appended during the one before."""

    def __init__(self) -> None:
        self._began, self._end = 0.0, 0

    def begin_step(self, end: int) -> None:
        """`end`: the position of the ledger's newest entry."""
        seconds = time.monotonic() - self._began
        if self._began and end - self._end > seconds * BUSY_PER_SECOND:
            time.sleep(min(PAUSE_FACTOR * seconds, MAX_PAUSE_SECONDS))
        self._began, self._end = time.monotonic(), end


def _do_nothing() -> None:
    pass


def _is_complete(connection: Connection, projector: Projector, schema: str) -> bool:
    """Whether the schema has all tables. If it lacked one, folding would write to the served table of that name."""
    models: list[type[Model]] = [*projector.tables, Progress, SetAside]
    names = [model.__tablename__ for model in models]
    return all(connection.scalar(select(func.to_regclass(f"{schema}.{name}"))) is not None for name in names)


def status_of(connection: Connection, projector: Projector, schema: str, *, lock: bool = False) -> ProjectionStatus:
    set_aside = select(func.count()).where(SetAside.name == Progress.name).scalar_subquery()
    columns = (Progress.position, Progress.version, Progress.failed_position, set_aside)
    query = select(*columns).where(Progress.name == projector.name)
    return ProjectionStatus(
        *connection.execute(
            query.with_for_update(of=Progress) if lock else query, execution_options={"schema_translate_map": {None: schema}}
        ).one()
    )
