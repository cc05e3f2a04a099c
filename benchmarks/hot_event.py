"""Hot Event: everybody books the same Event, through one API process and through each peer, in turn.

Each round has a new Event and another order. Seatledger runs twice: with its projections at work, where their lag is watched too,
and with its workers standing still. Every load goes on past two full garbage collections of its server (collectable.py).
"""

from collections import defaultdict
from contextlib import ExitStack
from statistics import median

from benchmarks import peers, size
from benchmarks.bench import Bench
from benchmarks.collectable import FULL_COLLECTIONS
from benchmarks.load import Run
from benchmarks.machine import has_async_orm
from benchmarks.results import Row, goal, percentile, spread
from benchmarks.subjects import HotEvent, Subject, peer_subject

NAME = "hot event"
LEDGER, PAUSED = "seatledger", "seatledger, workers paused"
#: Where the goals are. They are issue 2's; issue 3 raises them.
GOAL_CONNECTIONS, OF_EMPTY, OF_PLAIN_SQL, LAG_MS = 64, 0.6, 2.0, 1000
_Runs = dict[tuple[str, int], list[Run]]
_Lags = defaultdict[str, list[float]]


def run(bench: Bench) -> None:
    stage, options = bench.stage, bench.options
    runs, lags = _Runs(), _Lags(list)
    hot = HotEvent(stage)
    ours = stage.processes["api"]
    with ExitStack() as stack:
        subjects = [Subject(LEDGER, ours, hot.projecting), Subject(PAUSED, ours, hot.paused)]
        subjects += [stack.enter_context(peer_subject(stage, name)) for name in _peers(bench)]
        bench.say(f"hot event: warming up {options.warm_up} s each")
        for subject in subjects[1:]:
            subject.load(GOAL_CONNECTIONS, options.warm_up)
        collections_before = size.full_collections(stage)
        for number in range(options.rounds):
            hot.event_id = stage.schedule_event()
            first = number % len(subjects)
            for connections in options.connections:
                for subject in subjects[first:] + subjects[:first]:
                    found = _measured(bench, subject, number + 1, connections, lags)
                    runs.setdefault((subject.name, connections), []).append(found)
    bench.results.rows += [_row(runs, *key) for key in sorted(runs, key=lambda key: key[1])]
    bench.results.rows += [_lag_row(name, seconds) for name, seconds in lags.items()]
    bench.results.samples.append({"benchmark": "projection lag", "connections": GOAL_CONNECTIONS, "seconds": dict(lags)})
    _note_collections(bench, size.full_collections(stage) - collections_before)
    bench.results.rows += size.rows(stage)


def _measured(bench: Bench, subject: Subject, number: int, connections: int, lags: _Lags) -> Run:
    found, wrong, watched = subject.load(connections, bench.options.seconds)
    subject.process.check()
    where = f"{connections} conn., {subject.name}, round {number}"
    if found.refused or found.lost:
        wrong.append(f"{found.refused} answers were no 201 and {found.lost} were lost or late")
    if connections == GOAL_CONNECTIONS:
        for name, seconds in watched.items():
            lags[name] += seconds
    bench.results.wrong += [f"{where}: {one}." for one in wrong]
    key = {"benchmark": NAME, "subject": subject.name, "connections": connections, "round": number}
    bench.results.samples.append({**key, **found._asdict()})
    figures = f"{found.per_second:,.0f}/s, p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms"
    bench.say("; ".join([f"{where}: {figures}", *(f"WRONG: {one}" for one in wrong)]))
    return found


def _peers(bench: Bench) -> tuple[str, ...]:
    if has_async_orm():
        return peers.PEERS
    bench.results.incomplete.append("SQLAlchemy's async ORM needs greenlet (sqlalchemy[asyncio]), so the ORM peers are missing")
    return tuple(name for name in peers.PEERS if not name.startswith("orm"))


def _row(runs: _Runs, name: str, connections: int) -> Row:
    mine = runs[name, connections]
    rates = [one.per_second for one in mine]
    of_empty, of_plain_sql = (_ratio(rates, runs[other, connections]) for other in ("empty", "plain_sql"))
    at_goal = (name, connections) == (LEDGER, GOAL_CONNECTIONS)
    reached = of_empty >= OF_EMPTY and of_plain_sql >= OF_PLAIN_SQL
    return Row(
        benchmark=NAME,
        what=f"{connections:>3} conn., {name}",
        value=median(rates),
        unit="bookings/s",
        spread=spread(rates),
        p50_ms=median(one.p50_ms for one in mine),
        p99_ms=median(one.p99_ms for one in mine),
        of_empty=of_empty,
        of_plain_sql=of_plain_sql,
        goal=goal(f"{OF_EMPTY} / empty, {OF_PLAIN_SQL} / plain SQL", reached) if at_goal else "",
    )


def _ratio(rates: list[float], others: list[Run]) -> float:
    """The median of the rounds' own ratios: what changes from round to round changes both."""
    return median(rate / other.per_second for rate, other in zip(rates, others, strict=True))


def _lag_row(name: str, seconds: list[float]) -> Row:
    milliseconds = [1000 * one for one in seconds]
    p99 = percentile(milliseconds, 99)
    return Row(
        benchmark="projection lag", what=f"{GOAL_CONNECTIONS:>3} conn., {name}", value=p99, unit="ms (p99)",
        p50_ms=percentile(milliseconds, 50), p99_ms=p99, goal=goal(f"p99 under {LAG_MS} ms", p99 < LAG_MS),
    )  # fmt: skip


def _note_collections(bench: Bench, times: int) -> None:
    bench.results.rows.append(Row(benchmark=NAME, what="full garbage collections of the API", value=times, unit="times"))
    loads = 2 * bench.options.rounds * len(bench.options.connections)  # workers at work, and paused
    if times < FULL_COLLECTIONS * loads:
        bench.results.remarks.append(
            f"The API process went past {times} full garbage collections in {loads} loads, not past {FULL_COLLECTIONS} in each."
        )
