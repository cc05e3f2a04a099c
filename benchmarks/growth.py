"""Growth: latency and rate of bookings with 1,000 to 1,000,000 bookings in their stream, and with 10,000,000 entries in the ledger;
loading the longest stream in a new process that sells another Event; memory and bytes.

Uses a database of its own, without projecting. Snapshots are taken by a worker; the longest stream's is as old as a snapshot gets
(snapshots.is_due): by a twentieth. Event caches hold CACHE_BYTES, or the longest stream would be evicted when another Event sells.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

from benchmarks import history
from benchmarks.bench import Bench
from benchmarks.client import Client
from benchmarks.consistency import count_mismatch, failures, seats_sold
from benchmarks.deployment import Deployment, additional_api, separate_database, start_process
from benchmarks.history import Sales
from benchmarks.load import BODY, LoadResult, Server, book, booking_paths, load_row
from benchmarks.machine import BenchError
from benchmarks.open_loop import OpenLoopLoad, running_load
from benchmarks.results import Row, at_most, goal, ratios, spread
from ledger.snapshots import SNAPSHOTS
from projections.wake_ups import WakeUps

NAME = "growth"
SIZES = {False: (1_000, 10_000, 100_000, 1_000_000), True: (1_000, 10_000)}
ENTRIES = {False: 10_000_000, True: 0}
#: Bookings of each Event that fills the ledger, and entries of a transaction.
FILLER, TRANSACTION = 50_000, 500_000
CONNECTIONS, SECONDS = 16, {False: 2, True: 1}
CACHE_BYTES = 400 * 1024 * 1024
#: The part of the longest stream that its snapshot covers.
IN_SNAPSHOT = 0.953
SNAPSHOT_SECONDS, FIRST_BOOKING_SECONDS = 120.0, 30.0
P50_RATIO, COLD_SECONDS, API_MEGABYTES = 1.25, 2.0, 500
OTHER_PER_SECOND, OTHER_SECONDS = 500, {False: 6, True: 3}


class Cold(NamedTuple):
    """Seconds until the first booking in the longest stream, p99 of another Event meanwhile, and memory afterwards."""

    seconds: float
    other_p99_ms: float
    megabytes: float


def run(bench: Bench) -> None:
    sizes, entries = SIZES[bench.options.quick], ENTRIES[bench.options.quick]
    with separate_database(bench.deployment, "growth", event_cache_bytes=CACHE_BYTES) as deployment:
        longest = _longest(bench, deployment, sizes[-1])
        runs = _loads(bench, deployment, sizes, longest, "")
        bench.results.rows += _rows(runs, sizes, "")
        cold = [_cold_start(bench, deployment, longest, number) for number in range(1, bench.options.rounds + 1)]
        bench.results.samples.append({"benchmark": NAME, "cold starts": [start._asdict() for start in cold]})
        bench.results.rows += _cold_rows(cold, sizes[-1])
        if entries:
            _fill(bench, deployment, entries)
            filled = f", {entries:,} entries in the ledger"
            ends = (sizes[0], sizes[-1])
            bench.results.rows += _rows(_loads(bench, deployment, ends, longest, filled), ends, filled)
        bench.results.rows += _bytes(deployment)


# --- streams


def _longest(bench: Bench, deployment: Deployment, size: int) -> UUID:
    """A stream of `size` bookings, the last of them after its snapshot."""
    (event_id,) = history.schedule(deployment.ledger, deployment.organizer_id, ["Longest"])
    early = int(size * IN_SNAPSHOT)
    with deployment.connect() as connection:
        bench.log(f"{NAME}: {size:,} bookings in one stream")
        history.sell(connection, deployment.macs, [Sales(event_id, 2, early)], deployment.customers())
        bench.log(f"{NAME}: its snapshot")
        _take_snapshots(deployment)
        history.sell(connection, deployment.macs, [Sales(event_id, 2 + early, size - early)], deployment.customers())
    bench.log(f"{NAME}: other streams and their snapshots")
    return event_id


def _sold(deployment: Deployment, sizes: Iterable[int]) -> list[UUID]:
    """New streams of these sizes, with snapshots where a worker takes them."""
    sizes = list(sizes)
    events = history.schedule(deployment.ledger, deployment.organizer_id, [f"{size:,}" for size in sizes])
    sales = [Sales(event_id, 2, size) for event_id, size in zip(events, sizes, strict=True)]
    with deployment.connect() as connection:
        history.sell(connection, deployment.macs, sales, deployment.customers())
    _take_snapshots(deployment)
    return events


def _take_snapshots(deployment: Deployment) -> None:
    """Has a worker take snapshots, as the tick does."""
    log = deployment.directory / "snapshots.log"
    with start_process(deployment.settings, "worker", log) as worker, deployment.connect() as connection:
        WakeUps(deployment.settings).send([SNAPSHOTS])
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        while connection.execute(_BEHIND, (SNAPSHOTS,)).fetchone() != (False,):
            worker.check()
            if time.monotonic() > deadline:
                raise BenchError(f"The worker has not taken all snapshots within {SNAPSHOT_SECONDS:.0f} s.")
            time.sleep(0.05)


_BEHIND = "SELECT position < (SELECT max(notification_id) FROM ledger_entries) FROM projections WHERE name = %s"


def _fill(bench: Bench, deployment: Deployment, entries: int) -> None:
    """Adds Events of FILLER bookings. They need no snapshots, because they are not sold afterwards."""
    missing = entries - _entries(deployment)
    with deployment.connect() as connection:
        for left in range(missing, 0, -TRANSACTION):
            bench.log(f"{NAME}: filling the ledger, {left:,} entries to go")
            names = ["Filler"] * -(-min(left, TRANSACTION) // FILLER)
            events = history.schedule(deployment.ledger, deployment.organizer_id, names)
            history.sell(connection, deployment.macs, [Sales(event_id, 2, FILLER) for event_id in events], deployment.customers())
        connection.execute("UPDATE projections SET position = (SELECT max(notification_id) FROM ledger_entries)")
        connection.execute("VACUUM ANALYZE ledger_entries")  # as autovacuum would have done in production
        connection.execute("CHECKPOINT")


def _entries(deployment: Deployment) -> int:
    with deployment.connect() as connection:
        row = connection.execute("SELECT count(*) FROM ledger_entries").fetchone()
    assert row
    return int(row[0])


# --- loads


def _loads(bench: Bench, deployment: Deployment, sizes: Sequence[int], longest: UUID, where: str) -> dict[int, list[LoadResult]]:
    """New streams in each round, except the longest. Each is in memory before its load begins."""
    runs: dict[int, list[LoadResult]] = {size: [] for size in sizes}
    rounds = range(1, bench.options.rounds + 1)
    shorter = {number: _sold(deployment, sizes[:-1]) for number in rounds}
    with additional_api(deployment.settings) as server:
        warm_up = history.schedule(deployment.ledger, deployment.organizer_id, ["Warm-up"])  # caches all tokens
        book([server], warm_up, deployment.tokens, connections=CONNECTIONS, seconds=bench.options.warm_up)
        for number in rounds:
            for size, event_id in list(zip(sizes, [*shorter[number], longest], strict=True))[:: 1 if number % 2 else -1]:
                _first_booking(deployment, server, event_id)
                before = seats_sold(deployment, [event_id])
                result = book(
                    [server], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick]
                )
                wrong = failures(result) + count_mismatch(
                    seats_sold(deployment, [event_id]) - before, result, CONNECTIONS, "entries"
                )
                bench.record(NAME, _what(size, where), number, result, wrong)
                runs[size].append(result)
    return runs


def _what(size: int, where: str) -> str:
    return f"{CONNECTIONS} conn., a stream of {size:,}{where}"


def _rows(runs: dict[int, list[LoadResult]], sizes: Sequence[int], where: str) -> Iterator[Row]:
    yield from (load_row(NAME, _what(size, where), runs[size], "bookings/s") for size in sizes)
    longest, shortest = ([run.p50_ms for run in runs[size]] for size in (sizes[-1], sizes[0]))
    yield at_most(P50_RATIO, NAME, f"p50: a stream of {sizes[-1]:,} / of {sizes[0]:,}{where}", ratios(longest, shortest))


# --- cold start


def _cold_start(bench: Bench, deployment: Deployment, longest: UUID, number: int) -> Cold:
    """Loads the longest stream in a new process that sells another Event meanwhile."""
    (other,) = history.schedule(deployment.ledger, deployment.organizer_id, ["Another"])
    with additional_api(deployment.settings) as server:
        seconds = OTHER_SECONDS[bench.options.quick]
        offer = OpenLoopLoad([server.port], booking_paths([other]), str(deployment.tokens), OTHER_PER_SECOND, seconds)
        with running_load(deployment.directory, offer) as others:
            time.sleep(seconds / 3)
            began = time.monotonic()
            took = _first_booking(deployment, server, longest)
        megabytes = server.process.rss_bytes() / 1e6
    p99 = others.result.percentile_ms(99, began, began + took)
    if failed := others.result.failures():
        bench.results.remarks.append(f"Cold start, round {number}: {'; '.join(failed)}.")
    bench.log(f"{NAME}, cold start, round {number}: {took:.2f} s, another event's p99 {p99:.1f} ms, then {megabytes:.0f} MB")
    return Cold(took, p99, megabytes)


def _first_booking(deployment: Deployment, server: Server, event_id: UUID) -> float:
    """Seconds until a booking is made, with retries while the server is busy, as clients should do."""
    with deployment.tokens.open() as tokens:
        token = tokens.readline().strip()
    client, began = Client(server.port), time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    while True:
        status, _ = client.request("POST", f"/api/events/{event_id}/bookings", headers, BODY)
        took = time.monotonic() - began
        if status == HTTPStatus.CREATED:
            return took
        if status != HTTPStatus.SERVICE_UNAVAILABLE or took > FIRST_BOOKING_SECONDS:
            raise BenchError(f"A booking got the status {status} after {took:.1f} s.")


def _cold_rows(cold: Sequence[Cold], size: int) -> Iterator[Row]:
    seconds, other, megabytes = ([start[index] for start in cold] for index in range(3))
    value, memory = median(seconds), median(megabytes)
    row = Row(benchmark=NAME, what=f"a process meets a stream of {size:,}", value=value, unit="s to its booking")
    yield dataclasses.replace(row, spread=spread(seconds), goal=goal(f"at most {COLD_SECONDS} s", value <= COLD_SECONDS))
    yield Row(benchmark=NAME, what=f"another event's {OTHER_PER_SECOND}/s meanwhile", value=median(other), unit="ms (p99)")
    row = Row(benchmark=NAME, what=f"memory of the API with a stream of {size:,}", value=memory, unit="MB")
    yield dataclasses.replace(row, goal=goal(f"at most {API_MEGABYTES} MB", memory <= API_MEGABYTES))


_BYTES = "SELECT pg_total_relation_size('ledger_entries'), max(length(state)) FROM ledger_snapshots"


def _bytes(deployment: Deployment) -> Iterator[Row]:
    with deployment.connect() as connection:
        row = connection.execute(_BYTES).fetchone()
    assert row
    entries = _entries(deployment)
    yield Row(benchmark=NAME, what=f"ledger of {entries:,}, indexes included", value=row[0] / entries, unit="bytes/entry")
    yield Row(benchmark=NAME, what="the longest stream's snapshot", value=row[1] / 1e6, unit="MB")
