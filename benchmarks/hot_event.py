"""Hot Event: all customers book the same Event, through one API process and through each peer, in turn.

Each round has a new Event and another order. Seatledger is measured twice: with its workers projecting, where their lag is measured
too, and with its workers paused. Each load includes two full garbage collections of its server (gc_on_signal.py).
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from benchmarks import peers, size
from benchmarks.bench import Bench
from benchmarks.consistency import failures
from benchmarks.gc_on_signal import FULL_COLLECTIONS
from benchmarks.load import LoadResult, load_row
from benchmarks.machine import has_async_orm
from benchmarks.results import Row, at_least, at_most, goal, percentile, ratios
from benchmarks.targets import HotEvent, Target, peer_target

NAME = "hot event"
LEDGER, PAUSED = "seatledger", "seatledger, workers paused"
#: Most goals are for this number of connections.
GOAL_CONNECTIONS, LAG_MS = 64, 1000
STRONGEST = ("empty", "plain_sql")
#: Minimum rate as a ratio to the peer's in the same round: with the workers projecting, and paused.
LEAST = {
    LEDGER: {"empty": 0.75, "plain_sql": 2.5, "orm_for_update": 20.0, "orm_conditional_update": 20.0},
    PAUSED: {"empty": 1.0, "plain_sql": 3.5},
}
P99_OF_EMPTY, ALONE_OF_PLAIN_SQL, MANY_OF_GOAL_CONNECTIONS = 2.0, 1.0, 1.0
_Runs = dict[tuple[str, int], list[LoadResult]]
_Lags = defaultdict[str, list[float]]


def run(bench: Bench) -> None:
    deployment, options = bench.deployment, bench.options
    runs, lags = _Runs(), _Lags(list)
    hot = HotEvent(deployment)
    ours = deployment.processes["api"]
    with ExitStack() as stack:
        targets = [Target(LEDGER, ours, hot.with_workers), Target(PAUSED, ours, hot.without_workers)]
        targets += [stack.enter_context(peer_target(deployment, name)) for name in _peers(bench)]
        bench.log(f"hot event: warming up peers, {options.warm_up} s each")
        for target in targets[2:]:
            target.load(GOAL_CONNECTIONS, options.warm_up)
        collections_before = size.full_collections(deployment)
        for number in range(options.rounds):
            hot.event_id = deployment.schedule_event()
            first = number % len(targets)
            for connections in options.connections:
                for target in targets[first:] + targets[:first]:
                    result = _measured(bench, target, number + 1, connections, lags)
                    runs.setdefault((target.name, connections), []).append(result)
    bench.results.rows += [_row(runs, *key) for key in sorted(runs, key=lambda key: key[1])]
    bench.results.rows += _goals(runs)
    bench.results.rows += [_lag_row(name, seconds) for name, seconds in lags.items()]
    bench.results.samples.append({"benchmark": "projection lag", "connections": GOAL_CONNECTIONS, "seconds": dict(lags)})
    _add_collections(bench, size.full_collections(deployment) - collections_before)
    bench.results.rows += size.rows(deployment)


def _measured(bench: Bench, target: Target, number: int, connections: int, lags: _Lags) -> LoadResult:
    result, wrong, lags_by_name = target.load(connections, bench.options.seconds)
    target.process.check()
    if connections == GOAL_CONNECTIONS:
        for name, seconds in lags_by_name.items():
            lags[name] += seconds
    what = f"{connections} conn., {target.name}"
    bench.record(NAME, what, number, result, failures(result) + wrong, connections=connections)
    return result


def _peers(bench: Bench) -> tuple[str, ...]:
    """The peers to measure. A quick run has the two strongest."""
    if bench.options.quick:
        return STRONGEST
    if has_async_orm():
        return peers.PEERS
    bench.results.incomplete.append("SQLAlchemy's async ORM needs greenlet (sqlalchemy[asyncio]), so the ORM peers are missing")
    return tuple(name for name in peers.PEERS if not name.startswith("orm"))


def _row(runs: _Runs, name: str, connections: int) -> Row:
    mine = runs[name, connections]
    rates = _rates(mine)
    of_empty, of_plain_sql = (median(ratios(rates, _rates(runs[other, connections]))) for other in STRONGEST)
    row = load_row(NAME, f"{connections:>3} conn., {name}", mine, "bookings/s")
    return dataclasses.replace(row, of_empty=of_empty, of_plain_sql=of_plain_sql)


def _goals(runs: _Runs) -> Iterator[Row]:
    """One row per goal, without goals for connections or peers that were not measured."""
    at, most = GOAL_CONNECTIONS, 256
    for name, peers_of_it in LEAST.items():
        for peer, least in peers_of_it.items():
            if (peer, at) in runs:
                of_peer = ratios(_rates(runs[name, at]), _rates(runs[peer, at]))
                yield at_least(least, NAME, f"{at:>3} conn., {name} / {peer}", of_peer)
    p99 = ratios((run.p99_ms for run in runs[LEDGER, at]), (run.p99_ms for run in runs["empty", at]))
    yield at_most(P99_OF_EMPTY, NAME, f"{at:>3} conn., p99: {LEDGER} / empty", p99)
    for name in LEAST:
        if (name, most) in runs:
            of_fewer = ratios(_rates(runs[name, most]), _rates(runs[name, at]))
            yield at_least(MANY_OF_GOAL_CONNECTIONS, NAME, f"{most:>3} conn. / {at} conn., {name}", of_fewer)
        if (name, 1) in runs:
            alone = ratios((run.p50_ms for run in runs[name, 1]), (run.p50_ms for run in runs["plain_sql", 1]))
            yield at_most(ALONE_OF_PLAIN_SQL, NAME, f"  1 conn., p50: {name} / plain_sql", alone)


def _rates(runs: list[LoadResult]) -> list[float]:
    return [run.per_second for run in runs]


def _lag_row(name: str, seconds: list[float]) -> Row:
    milliseconds = [1000 * lag for lag in seconds]
    p99 = percentile(milliseconds, 99)
    return Row(
        benchmark="projection lag", what=f"{GOAL_CONNECTIONS:>3} conn., {name}", value=p99, unit="ms (p99)",
        p50_ms=percentile(milliseconds, 50), p99_ms=p99, goal=goal(f"p99 under {LAG_MS} ms", p99 < LAG_MS),
    )  # fmt: skip


def _add_collections(bench: Bench, times: int) -> None:
    bench.results.rows.append(Row(benchmark=NAME, what="full garbage collections of the API", value=times, unit="times"))
    loads = 2 * bench.options.rounds * len(bench.options.connections)  # workers projecting, and paused
    if times < FULL_COLLECTIONS * loads:
        bench.results.remarks.append(
            f"The API process had {times} full garbage collections in {loads} loads, not {FULL_COLLECTIONS} in each."
        )
