"""ShadowCopies of projections, folded anew from the ledger into schemas of their own, while those that are served go on."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.schema import DropSchema

from ledger.store import Ledger, sqlalchemy_url
from projections.engine import Projector, catch_up
from projections.rebuild import comparison, shadow_tables
from projections.tables import Model, Progress

SERVED = "public"
#: Projectors that are folded at a time: some work while the database writes for the others. And entries folded in one transaction:
#: nobody waits for the end of one, as for a worker's.
FOLD_THREADS, BATCH_SIZE = 3, 8_000
#: Where more entries a second come in than this, seats are being sold, and that goes before: who fills copies rests after each
#: step, so many times as long as the step took, and so long at most.
BUSY_PER_SECOND, REST, REST_SECONDS = 100, 1.5, 2.0

#: ProgressCallback how far all of it is, and how far it is to get, in positions.
ProgressCallback = Callable[[int, int], None]


class ShadowCopyError(Exception):
    """One sentence, for the terminal."""


class ShadowCopy(NamedTuple):
    projector: Projector
    schema: str
    engine: Engine


class ProjectionStatus(NamedTuple):
    position: int
    version: int
    failed_position: int | None


class ComparisonResult(NamedTuple):
    """As of `position`, where both stood. `difference`: the first; None where they are equal."""

    position: int
    difference: comparison.Difference | None


class ShadowCopies:
    """`purpose` begins the names of the schemas. Close it when done."""

    def __init__(self, database_url: str, ledger: Ledger, purpose: str, kind: shadow_tables.TableKind) -> None:
        self.engine = create_engine(
            sqlalchemy_url(database_url), pool_size=2, connect_args={"application_name": f"seatledger-{purpose}"}
        )
        self._ledger, self._purpose, self._kind = ledger, purpose, kind

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Raises ShadowCopyError where another has a copy for the same purpose in hand."""
        lock = func.hashtextextended(f"{self._purpose} {name}", 0)
        # A transaction's lock ends with it; a session's would stay with a pooled connection if its release failed.
        with self.engine.begin() as guard:
            if not guard.scalar(select(func.pg_try_advisory_xact_lock(lock))):
                raise ShadowCopyError(f"Another {self._purpose} of {name} is under way.")
            yield

    @contextmanager
    def copy(self, projector: Projector, *, anew: bool) -> Iterator[ShadowCopy]:
        """As one of this version was left, unless it is to be made `anew`; else empty."""
        schema = f"{self._purpose}_{projector.name}"
        with self.engine.begin() as connection:
            left = state_of(connection, projector, schema) if not anew and _is_whole(connection, projector, schema) else None
            if left is None or left.version != projector.version or left.failed_position is not None:
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
        told: ProgressCallback,
        stops: Mapping[int, Callable[[], object]] = {},
    ) -> None:
        """Each up to the position that `end_of` says, asked again at each step. Step by step together, so that the entries of a
        step are read and decoded once, and one folds while the database writes for another. At each of the `stops`, which are
        positions, all of them stand while it is called."""
        places, pace = [self.reached(copy) for copy in copies], _Throttle()
        with ThreadPoolExecutor(FOLD_THREADS, thread_name_prefix=self._purpose) as threads:
            while True:
                ends = [end_of(copy.projector) for copy in copies]
                behind = [place for place, end in zip(places, ends, strict=True) if place < end]
                if not behind:
                    return
                pace.step(max(ends))
                step = self._ledger.read(min(behind), BATCH_SIZE)
                until = step[-1].position if step else max(ends)
                until = min((stop for stop in stops if min(behind) < stop < until), default=until)
                targets = [max(place, min(until, end)) for place, end in zip(places, ends, strict=True)]
                places = list(threads.map(self._step, copies, places, targets))
                stops.get(until, _go_on)()
                told(min(places), max(ends))

    def _step(self, copy: ShadowCopy, place: int, until: int) -> int:
        if until > place:
            self.fold(copy, until)
        return until

    def finish(self, copy: ShadowCopy) -> None:
        """Makes the copy whole, with every index: it is as good as the served one then."""
        with self.engine.begin() as connection:
            shadow_tables.finish(connection, copy.schema, [copy.projector])

    def fold(self, copy: ShadowCopy, until: int) -> None:
        """All entries up to that position."""
        catch_up(copy.engine, shadow_tables.TruncatedLedger(self._ledger, until), copy.projector, batch_size=BATCH_SIZE)

    def compare(self, copy: ShadowCopy, comparable: Callable[[ProjectionStatus], bool]) -> ComparisonResult | None:
        """With what is served, as of one moment, at which both stand at one position; the served one goes on meanwhile. None where
        the served one is not `comparable`, or behind."""
        self.fold(copy, max(self.served(copy.projector).position, self.reached(copy)))  # what little is left then holds nobody up
        with self.engine.connect() as reader:
            with self.engine.begin() as holder:
                served = state_of(holder, copy.projector, SERVED, lock=True)
                if not comparable(served) or self.reached(copy) > served.position:
                    return None
                self.fold(copy, served.position)
                reader.execution_options(isolation_level="REPEATABLE READ")
                names = ", ".join(f"{SERVED}.{model.__tablename__}" for model in copy.projector.tables)
                reader.execute(text(f"LOCK TABLE {names} IN ACCESS SHARE MODE"))  # no rebuild swaps them under it
                reader.execute(select(1))  # from here on it sees this moment
            found = comparison.first_difference(reader, copy.projector.tables, SERVED, copy.schema)
            return ComparisonResult(served.position, found)

    def served(self, projector: Projector) -> ProjectionStatus:
        with self.engine.connect() as connection:
            return state_of(connection, projector, SERVED)

    def reached(self, copy: ShadowCopy) -> int:
        with self.engine.connect() as connection:
            return state_of(connection, copy.projector, copy.schema).position


class _Throttle:
    def __init__(self) -> None:
        self._began, self._end = 0.0, 0

    def step(self, end: int) -> None:
        """A step more, where entries up to that position are there. Rests first, if many came in during the last one."""
        took = time.monotonic() - self._began
        if self._began and end - self._end > took * BUSY_PER_SECOND:
            time.sleep(min(REST * took, REST_SECONDS))
        self._began, self._end = time.monotonic(), end


def _go_on() -> None:
    pass


def _is_whole(connection: Connection, projector: Projector, schema: str) -> bool:
    """Without one of its tables, folding would find the served one of that name."""
    models: list[type[Model]] = [*projector.tables, Progress]
    names = [model.__tablename__ for model in models]
    return all(connection.scalar(select(func.to_regclass(f"{schema}.{name}"))) is not None for name in names)


def state_of(connection: Connection, projector: Projector, schema: str, *, lock: bool = False) -> ProjectionStatus:
    query = select(Progress.position, Progress.version, Progress.failed_position).where(Progress.name == projector.name)
    return ProjectionStatus(
        *connection.execute(
            query.with_for_update() if lock else query, execution_options={"schema_translate_map": {None: schema}}
        ).one()
    )
