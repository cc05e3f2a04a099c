"""Many Events: 1,000 Events with Zipf-distributed popularity, and one hot Event, each with one API process and with two.

wrk distributes the load over the ports of both processes: each Event to both, or, as nginx does, to one of them. At the end two
processes sell out one small Event together, and must not sell a seat twice.
"""

import random
from collections.abc import Sequence
from uuid import UUID

from benchmarks import history
from benchmarks.bench import Bench
from benchmarks.consistency import ConsistencyCheck, failures
from benchmarks.deployment import additional_api
from benchmarks.load import LoadResult, Server, book, load_row
from benchmarks.results import Row, at_least, goal, ratios

NAME = "many events"
EVENTS, CONNECTIONS = 1_000, 64
#: Length of the sequence of Events to book. It is a prime, so that each customer books different Events.
SEQUENCE = 20_011
#: Few enough that two processes compete for the last ones, enough for conflicts before.
SEATS = 500
OF_ONE_PROCESS = 1.0
_ONE, _TWO, _HOT_ONE, _HOT_TWO = "Zipf, 1 process", "Zipf, 2 processes", "hot event, 1 process", "hot event, 2 processes"
_APART = "Zipf, 2 processes, each Event at one of them"


def run(bench: Bench) -> None:
    """Workers project meanwhile. A quick run has only the hot Event. wrk uses two threads, for one process too."""
    deployment, options = bench.deployment, bench.options
    events = zipf(
        history.schedule(deployment.ledger, deployment.organizer_id, [f"Event {number}" for number in range(EVENTS)]), SEQUENCE
    )
    runs: dict[str, list[LoadResult]] = {}
    with additional_api(deployment.settings) as second:
        one, two = [deployment.api, deployment.api], [deployment.api, second]
        bench.log(f"{NAME}: warming up {options.warm_up} s")
        book(two, [*events, deployment.schedule_event()], deployment.tokens, connections=CONNECTIONS, seconds=options.warm_up)
        for number in range(1, options.rounds + 1):
            loads = {_ONE: (one, events), _TWO: (two, events), _APART: (two, events)}
            loads |= {_HOT_ONE: (one, [deployment.schedule_event()]), _HOT_TWO: (two, [deployment.schedule_event()])}
            if options.quick:
                loads = {what: loads[what] for what in (_HOT_ONE, _HOT_TWO)}
            for what, (servers, among) in list(loads.items())[:: 1 if number % 2 else -1]:
                runs.setdefault(what, []).append(_measured(bench, what, number, servers, among))
        last_seat = _sell_out(bench, two)
    bench.results.rows += [load_row(NAME, f"{CONNECTIONS} conn., {what}", runs[what], "bookings/s") for what in sorted(runs)]
    for what, one_of, two_of in (
        ("Zipf", _ONE, _TWO),
        ("Zipf, each Event at one", _ONE, _APART),
        ("hot event", _HOT_ONE, _HOT_TWO),
    ):
        if one_of in runs:
            of_one = ratios((run.per_second for run in runs[two_of]), (run.per_second for run in runs[one_of]))
            bench.results.rows.append(at_least(OF_ONE_PROCESS, NAME, f"{what}: 2 processes / 1", of_one))
    bench.results.rows.append(last_seat)


def zipf(events: Sequence[UUID], length: int) -> list[UUID]:
    """Draws Events; the n-th has a weight of 1/n. The same sequence at each call."""
    weights = [1 / rank for rank in range(1, len(events) + 1)]
    return random.Random(3).choices(events, weights, k=length)  # noqa: S311 - no secret


def _measured(bench: Bench, what: str, number: int, servers: Sequence[Server], events: Sequence[UUID]) -> LoadResult:
    consistency = ConsistencyCheck(bench.deployment, events)
    seconds, partitioned = bench.options.seconds, what == _APART
    result = book(servers, events, bench.deployment.tokens, connections=CONNECTIONS, seconds=seconds, partitioned=partitioned)
    bench.record(NAME, what, number, result, failures(result) + consistency.violations(result, CONNECTIONS))
    return result


def _sell_out(bench: Bench, two: Sequence[Server]) -> Row:
    """Two processes sell out an Event. Requests go on long after the last seat was sold."""
    deployment = bench.deployment
    event_id = deployment.schedule_event(seats=SEATS)
    consistency = ConsistencyCheck(deployment, [event_id])
    result = book(two, [event_id], deployment.tokens, connections=CONNECTIONS, seconds=bench.options.seconds)
    wrong = consistency.violations(result, CONNECTIONS)
    sold = consistency.seats_sold()
    if not sold == result.answered == SEATS:
        wrong.append(f"{result.answered} bookings were confirmed and {sold} sold of {SEATS} seats")
    bench.record(NAME, "sold out by 2 processes", 1, result, wrong)
    return Row(
        benchmark=NAME, what=f"{SEATS} seats, {result.answered + result.refused:,} requests, 2 processes", value=sold,
        unit="seats sold", goal=goal(f"{SEATS}, never an oversell", sold == SEATS),
    )  # fmt: skip
