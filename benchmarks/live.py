"""Live: 1,000 clients receive the hot Event's availability (server-sent events) while it is sold, in turn with no client.

A booking's delay for a client is the time from its decision until that client received a position that includes it.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable
from statistics import quantiles
from uuid import UUID

import psycopg

from benchmarks.bench import Bench
from benchmarks.consistency import ConsistencyCheck, failures
from benchmarks.deployment import Deployment
from benchmarks.live_subscribers import Deliveries, SubscriberLoad, running_subscribers
from benchmarks.load import LoadResult, book, load_row
from benchmarks.machine import BenchError
from benchmarks.metrics import metric
from benchmarks.results import Row, percentile, ratios, spread
from devstack.readiness import wait_until

NAME = "live"
CONNECTIONS = 64
READERS = {False: 1_000, True: 100}
CONNECT_SECONDS = 30.0
#: Bookings of a load whose delays are measured, evenly distributed over it.
SAMPLE = 200
_BOOKED = """
    SELECT notification_id, extract(epoch FROM (convert_from(state, 'UTF8')::json ->> 'at')::timestamptz)::float8
    FROM ledger_entries WHERE originator_id = %s AND originator_version > 1 ORDER BY originator_version"""


def run(bench: Bench) -> None:
    options = bench.options
    readers = READERS[options.quick]
    watched, alone, delays_ms = list[LoadResult](), list[LoadResult](), list[list[float]]()
    for number in range(1, options.rounds + 1):
        for is_watched in (True, False) if number % 2 else (False, True):
            if is_watched:
                result, delays = _watched(bench, number, readers)
                watched.append(result)
                delays_ms.append(delays)
            else:
                alone.append(_sold(bench, bench.deployment.schedule_event(), "nobody watching", number))
    bench.results.samples.append({"benchmark": NAME, "delays_ms_in_hundredths": [quantiles(delays, n=100) for delays in delays_ms]})
    every, p99 = [delay for delays in delays_ms for delay in delays], [percentile(delays, 99) for delays in delays_ms]
    cost = ratios((run.per_second for run in watched), (run.per_second for run in alone))
    bench.results.rows += [
        load_row(NAME, f"{CONNECTIONS} conn., {readers:,} readers", watched, "bookings/s"),
        load_row(NAME, f"{CONNECTIONS} conn., nobody watching", alone, "bookings/s"),
        Row(benchmark=NAME, what=f"{readers:,} readers / nobody", value=percentile(cost, 50), unit="ratio"),
        Row(
            benchmark=NAME, what="from a booking to a reader", value=percentile(p99, 50), unit="ms (p99)", spread=spread(p99),
            p50_ms=percentile(every, 50), p99_ms=percentile(every, 99),
        ),
    ]  # fmt: skip


def _watched(bench: Bench, number: int, readers: int) -> tuple[LoadResult, list[float]]:
    deployment = bench.deployment
    event_id = deployment.schedule_event()
    deployment.wait_until_projected()  # so that the live feed knows the Event
    with running_subscribers(
        deployment.directory, SubscriberLoad(deployment.settings.port, f"/api/live?event_id={event_id}", readers)
    ) as subscribers:
        _wait_for_readers(deployment, readers)
        result = _sold(bench, event_id, f"{readers:,} readers", number)
        time.sleep(1)  # for the last deliveries
    deliveries = subscribers.deliveries
    with deployment.connect() as connection:
        delays = list(delays_ms(_sample(connection, event_id), deliveries))
    missing = SAMPLE * readers - len(delays)
    if missing > 0 and result.answered >= SAMPLE:
        bench.results.wrong.append(f"Live, round {number}: {missing} deliveries of bookings are missing.")
    return result, delays


def _sold(bench: Bench, event_id: UUID, what: str, number: int) -> LoadResult:
    deployment = bench.deployment
    consistency = ConsistencyCheck(deployment, [event_id])
    result = book([deployment.api], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=bench.options.seconds)
    bench.record(NAME, what, number, result, failures(result) + consistency.violations(result, CONNECTIONS))
    return result


def _wait_for_readers(deployment: Deployment, readers: int) -> None:
    def are_connected() -> bool:
        deployment.check()
        return _streams(deployment) >= readers

    if not wait_until(are_connected, CONNECT_SECONDS, poll_seconds=0.2):
        raise BenchError(f"Only {_streams(deployment)} of {readers} live streams are open after {CONNECT_SECONDS:.0f} s.")


def _streams(deployment: Deployment) -> int:
    return int(metric(deployment.settings.port, "seatledger_live_streams"))


def _sample(connection: psycopg.Connection, event_id: UUID) -> list[tuple[int, float]]:
    """Position and time of decision of SAMPLE bookings, or of all if there are fewer."""
    booked = connection.execute(_BOOKED, (event_id,)).fetchall()
    return [booked[len(booked) * index // SAMPLE] for index in range(SAMPLE)] if len(booked) >= SAMPLE else booked


def delays_ms(booked: Iterable[tuple[int, float]], deliveries: Deliveries) -> Iterable[float]:
    """The delay of each booking to each client that received it."""
    for position, at in booked:
        for received in deliveries:
            index = bisect_left(received, (position, 0.0))
            if index < len(received):
                yield 1000 * (received[index][1] - at)
