"""Projection: the lag of the read tables at fixed rates of bookings; and how many entries per second they catch up after a pause,
compared to a COPY of the resulting rows into equal tables.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, MetaData, Table, create_engine, text

from benchmarks import history, lag
from benchmarks.bench import Bench
from benchmarks.consistency import ConsistencyCheck
from benchmarks.deployment import Deployment
from benchmarks.history import Sales
from benchmarks.load import booking_paths
from benchmarks.open_loop import OpenLoopLoad, OpenLoopResult, running_load
from benchmarks.results import Row, goal, percentile, ratios, spread
from ledger.store import sqlalchemy_url
from projections.audit import AuditProjector
from projections.registry import PROJECTORS
from projections.tables import Model, table_of
from projections.wake_ups import WakeUps

NAME = "projection"
RATES = {False: (500, 1_000, 2_000), True: (1_000,)}
SECONDS = {False: 5, True: 2}
GOAL_RATE, GOAL_MS = 1_000, 250
ENTRIES, EVENTS = {False: 100_000, True: 10_000}, 100
ENTRIES_PER_SECOND = 25_000
#: Selects the rows of some Events from a read table. Tickets belong to an Event by their booking.
_OF_EVENTS = sql.SQL("event_id = ANY({})")
#: Of tables without the event: by the id that leads to it.
_OF_THEIRS = {
    "booking_id": sql.SQL("booking_id IN (SELECT booking_id FROM bookings WHERE event_id = ANY({}))"),
    "hold_id": sql.SQL("hold_id IN (SELECT hold_id FROM holds WHERE event_id = ANY({}))"),
}


def run(bench: Bench) -> None:
    for rate in RATES[bench.options.quick]:
        bench.results.rows.append(_lag(bench, rate))
    caught_up, by_copy = list[float](), list[float]()
    for number in range(1, bench.options.rounds + 1):
        events = _sell_while_paused(bench)
        caught_up.append(_catch_up(bench, events))
        by_copy.append(ENTRIES[bench.options.quick] / copied(bench.deployment, events))
        bench.log(f"{NAME}, round {number}: {caught_up[-1]:,.0f} entries/s catching up, {by_copy[-1]:,.0f} by COPY")
    bench.results.samples.append({"benchmark": NAME, "caught_up_per_second": caught_up, "copied_per_second": by_copy})
    value = median(caught_up)
    bench.results.rows += [
        Row(
            benchmark=NAME, what=f"catching up, from {ENTRIES[bench.options.quick]:,} behind", value=value, unit="entries/s",
            spread=spread(caught_up), goal=goal(f"at least {ENTRIES_PER_SECOND:,}", value >= ENTRIES_PER_SECOND),
        ),
        Row(benchmark=NAME, what="COPY of the finished rows", value=median(by_copy), unit="entries/s", spread=spread(by_copy)),
        Row(benchmark=NAME, what="catching up / COPY", value=median(ratios(caught_up, by_copy)), unit="ratio"),
    ]  # fmt: skip


# --- lag


def _lag(bench: Bench, rate: int) -> Row:
    """The lag of the slowest projection, over all rounds."""
    lags: defaultdict[str, list[float]] = defaultdict(list)
    reached = []
    for number in range(1, bench.options.rounds + 1):
        offered, seconds_by_projection = _offered(bench, rate)
        reached.append(offered.per_second)
        for name, seconds in seconds_by_projection.items():
            lags[name] += [1000 * lag_seconds for lag_seconds in seconds]
        bench.log(f"{NAME}, {rate:,}/s planned, {offered.per_second:,.0f} reached, round {number}")
        if not offered.was_reached:
            bench.results.remarks.append(f"Projection: {offered.per_second:,.0f} bookings per second were made, not {rate:,}.")
    bench.results.samples.append({"benchmark": NAME, "rate": rate, "reached": reached, "lags_ms": dict(lags)})
    slowest = max(lags, key=lambda name: percentile(lags[name], 99))
    p99 = percentile(lags[slowest], 99)
    return Row(
        benchmark=NAME, what=f"lag of {slowest}, the slowest, at {median(reached):,.0f}/s", value=p99, unit="ms (p99)",
        p50_ms=percentile(lags[slowest], 50), p99_ms=p99,
        goal=goal(f"at most {GOAL_MS} ms", p99 <= GOAL_MS) if rate == GOAL_RATE else "",
    )  # fmt: skip


def _offered(bench: Bench, rate: int) -> tuple[OpenLoopResult, dict[str, list[float]]]:
    deployment = bench.deployment
    event_id = deployment.schedule_event()
    consistency = ConsistencyCheck(deployment, [event_id])
    load = OpenLoopLoad(
        [deployment.settings.port], booking_paths([event_id]), str(deployment.tokens), rate, SECONDS[bench.options.quick]
    )
    with lag.LagSampler.open(deployment.settings.database_url) as sampler, running_load(deployment.directory, load) as running:
        pass
    offered = running.result
    deployment.wait_until_projected()
    wrong = offered.failures()
    if consistency.seats_sold() != offered.statuses.get(201, 0):
        wrong.append(f"{offered.statuses} responses by status, and {consistency.seats_sold()} bookings made")
    bench.results.wrong += [f"{NAME}, {rate:,}/s: {violation}." for violation in wrong]
    return offered, lag.lags(sampler.samples)


# --- catching up


def _sell_while_paused(bench: Bench) -> list[UUID]:
    """Sells Events while the workers are paused."""
    deployment, entries = bench.deployment, ENTRIES[bench.options.quick]
    deployment.wait_until_projected()
    for name in ("worker", "tick"):
        deployment.processes[name].pause()
    names = [f"Event {number}" for number in range(EVENTS)]
    events = history.schedule(deployment.ledger, deployment.organizer_id, names)
    with deployment.connect() as connection:
        history.sell(
            connection, deployment.macs, [Sales(event_id, 2, entries // EVENTS) for event_id in events], deployment.customers()
        )
    return events


def _catch_up(bench: Bench, events: Sequence[UUID]) -> float:
    """Entries per second until the last projection has caught up. The worker receives a wake-up for each projection at once."""
    deployment = bench.deployment
    wake_ups = WakeUps(deployment.settings)
    with deployment.connect() as connection:
        head = lag.take_sample(connection).head
        wake_ups.send(PROJECTORS)
        began = time.monotonic()
        for name in ("worker", "tick"):
            deployment.processes[name].resume()
        while min((sample := lag.take_sample(connection)).positions.values()) < head:
            deployment.check()
            time.sleep(lag.INTERVAL_SECONDS)
    entries = ENTRIES[bench.options.quick]
    wrong = ConsistencyCheck(deployment, events).seats_sold() != entries
    bench.results.wrong += [f"{NAME}: {entries:,} entries were appended, but the ledger has another number."] if wrong else []
    return (entries + len(events)) / (sample.at - began)


def copied(deployment: Deployment, events: Sequence[UUID]) -> float:
    """Seconds for a COPY of all rows of these Events into equal tables."""
    with _copies(deployment) as tables:
        return _copy(deployment, tables, events)


@contextmanager
def _copies(deployment: Deployment) -> Iterator[list[Table]]:
    """Empty copies of the read tables, with keys, indexes and constraints, in a schema of their own. Without the hash tree's table,
    whose rows don't belong to an Event."""
    engine, metadata = create_engine(sqlalchemy_url(deployment.settings.database_url)), MetaData()
    projectors = [projector for projector in PROJECTORS.values() if projector.name != AuditProjector.name]
    models: list[type[Model]] = [model for projector in projectors for model in projector.tables]
    copies = [table_of(model).to_metadata(metadata, schema="copied") for model in models]

    def drop(connection: Connection) -> None:
        connection.execute(text("DROP SCHEMA IF EXISTS copied CASCADE"))

    with engine.begin() as connection:
        drop(connection)
        connection.execute(text("CREATE SCHEMA copied"))
        metadata.create_all(connection)
    yield copies
    with engine.begin() as connection:
        drop(connection)
    engine.dispose()


def _copy(deployment: Deployment, tables: Sequence[Table], events: Sequence[UUID]) -> float:
    """Seconds to copy all rows of these Events, with one transaction per table."""
    with deployment.connect() as connection:
        rows = {table: _rows_of(connection, table, events) for table in tables}
        began = time.monotonic()
        for table, chunks in rows.items():
            into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier("copied", table.name), _columns(table))
            with connection.cursor() as cursor, cursor.copy(into) as copy:
                for chunk in chunks:
                    copy.write(chunk)
        return time.monotonic() - began


def _rows_of(connection: psycopg.Connection, table: Table, events: Sequence[UUID]) -> list[bytes]:
    by = _OF_EVENTS if "event_id" in table.c else next(sql_ for name, sql_ in _OF_THEIRS.items() if name in table.c)
    of_these = by.format(sql.Literal(list(events)))
    rows = sql.SQL("SELECT {} FROM {} WHERE {}").format(_columns(table), sql.Identifier(table.name), of_these)
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(rows)) as copy:
        return [bytes(chunk) for chunk in copy]


def _columns(table: Table) -> sql.Composed:
    """The columns that are not computed by PostgreSQL."""
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns if column.computed is None)
