"""Growth: a booking's latency and rate at 1,000 to 1,000,000 bookings in its stream, and with 10,000,000 entries in the ledger; a
process that meets the longest stream for the first time, while it sells another; memory and bytes.

In a database of its own, where nobody projects. Snapshots are those that a worker takes; that of the longest stream is as old as
one gets (snapshots.is_due): by a twentieth. Event caches are of CACHE_BYTES, or the longest would go whenever another Event sells.
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
from benchmarks.books import against_answers, failures, sold
from benchmarks.client import Client
from benchmarks.history import Sales
from benchmarks.load import BODY, Run, Server, book, booking_paths, load_row
from benchmarks.machine import BenchError
from benchmarks.offered import Offer, offering
from benchmarks.results import Row, at_most, goal, ratios, spread
from benchmarks.stage import Stage, another_api, aside, started
from ledger.snapshots import SNAPSHOTS
from projections.wake_ups import WakeUps
from workers.app import make_app

NAME = "growth"
SIZES = {False: (1_000, 10_000, 100_000, 1_000_000), True: (1_000, 10_000)}
ENTRIES = {False: 10_000_000, True: 0}
#: Of the fillers, which bring the ledger to its size.
FILLER, TRANSACTION = 50_000, 500_000
CONNECTIONS, SECONDS = 16, {False: 2, True: 1}
CACHE_BYTES = 400 * 1024 * 1024
#: What the snapshot of the longest stream has of it.
IN_SNAPSHOT = 0.953
SNAPSHOT_SECONDS, FIRST_BOOKING_SECONDS = 120.0, 30.0
P50_RATIO, COLD_SECONDS, API_MEGABYTES = 1.25, 2.0, 500
OTHER_PER_SECOND, OTHER_SECONDS = 500, {False: 6, True: 3}


class Cold(NamedTuple):
    """Seconds until the first booking of the longest stream answered, p99 of another Event meanwhile, and memory afterwards."""

    seconds: float
    other_p99_ms: float
    megabytes: float


def run(bench: Bench) -> None:
    sizes, entries = SIZES[bench.options.quick], ENTRIES[bench.options.quick]
    with aside(bench.stage, "growth", event_cache_bytes=CACHE_BYTES) as stage:
        longest = _longest(bench, stage, sizes[-1])
        runs = _loads(bench, stage, sizes, longest, "")
        bench.results.rows += _rows(runs, sizes, "")
        cold = [_cold_start(bench, stage, longest, number) for number in range(1, bench.options.rounds + 1)]
        bench.results.samples.append({"benchmark": NAME, "cold starts": [one._asdict() for one in cold]})
        bench.results.rows += _cold_rows(cold, sizes[-1])
        if entries:
            _fill(bench, stage, entries)
            filled = f", {entries:,} entries in the ledger"
            ends = (sizes[0], sizes[-1])
            bench.results.rows += _rows(_loads(bench, stage, ends, longest, filled), ends, filled)
        bench.results.rows += _bytes(stage)


# --- streams


def _longest(bench: Bench, stage: Stage, size: int) -> UUID:
    """A stream of so many bookings, the last of them after its snapshot."""
    (event_id,) = history.schedule(stage.ledger, stage.organizer_id, ["Longest"])
    early = int(size * IN_SNAPSHOT)
    with stage.connect() as connection:
        bench.say(f"{NAME}: {size:,} bookings in one stream")
        history.sell(connection, stage.macs, [Sales(event_id, 2, early)], stage.customers())
        bench.say(f"{NAME}: its snapshot")
        _take_snapshots(stage)
        history.sell(connection, stage.macs, [Sales(event_id, 2 + early, size - early)], stage.customers())
    bench.say(f"{NAME}: other streams, and theirs")
    return event_id


def _sold(stage: Stage, sizes: Iterable[int]) -> list[UUID]:
    """A new stream of each of these sizes, with a snapshot where a worker takes one."""
    sizes = list(sizes)
    events = history.schedule(stage.ledger, stage.organizer_id, [f"{size:,}" for size in sizes])
    sales = [Sales(event_id, 2, size) for event_id, size in zip(events, sizes, strict=True)]
    with stage.connect() as connection:
        history.sell(connection, stage.macs, sales, stage.customers())
    _take_snapshots(stage)
    return events


def _take_snapshots(stage: Stage) -> None:
    """By a worker, as its tick would have it do."""
    log = stage.directory / "snapshots.log"
    with started(stage.settings, "worker", log) as worker, stage.connect() as connection:
        WakeUps(make_app(stage.settings), stage.settings.redis_url).send([SNAPSHOTS])
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        while connection.execute(_BEHIND, (SNAPSHOTS,)).fetchone() != (False,):
            worker.check()
            if time.monotonic() > deadline:
                raise BenchError(f"The worker has not taken all snapshots within {SNAPSHOT_SECONDS:.0f} s.")
            time.sleep(0.05)


_BEHIND = "SELECT position < (SELECT max(notification_id) FROM ledger_entries) FROM projections WHERE name = %s"


def _fill(bench: Bench, stage: Stage, entries: int) -> None:
    """With Events of FILLER bookings. No snapshots: they are not sold any more."""
    missing = entries - _entries(stage)
    with stage.connect() as connection:
        for left in range(missing, 0, -TRANSACTION):
            bench.say(f"{NAME}: filling the ledger, {left:,} entries to go")
            names = ["Filler"] * -(-min(left, TRANSACTION) // FILLER)
            events = history.schedule(stage.ledger, stage.organizer_id, names)
            history.sell(connection, stage.macs, [Sales(event_id, 2, FILLER) for event_id in events], stage.customers())
        connection.execute("UPDATE projections SET position = (SELECT max(notification_id) FROM ledger_entries)")
        connection.execute("VACUUM ANALYZE ledger_entries")  # as autovacuum would have done by then
        connection.execute("CHECKPOINT")


def _entries(stage: Stage) -> int:
    with stage.connect() as connection:
        row = connection.execute("SELECT count(*) FROM ledger_entries").fetchone()
    assert row
    return int(row[0])


# --- loads


def _loads(bench: Bench, stage: Stage, sizes: Sequence[int], longest: UUID, where: str) -> dict[int, list[Run]]:
    """A new stream each round, but for the longest. Each is in memory before its load begins."""
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    rounds = range(1, bench.options.rounds + 1)
    shorter = {number: _sold(stage, sizes[:-1]) for number in rounds}
    with another_api(stage.settings) as server:
        warm_up = history.schedule(stage.ledger, stage.organizer_id, ["Warm-up"])  # everybody's token, above all
        book([server], warm_up, stage.tokens, connections=CONNECTIONS, seconds=bench.options.warm_up)
        for number in rounds:
            for size, event_id in list(zip(sizes, [*shorter[number], longest], strict=True))[:: 1 if number % 2 else -1]:
                _first_booking(stage, server, event_id)
                before = sold(stage, [event_id])
                found = book([server], [event_id], stage.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick])
                wrong = failures(found) + against_answers(sold(stage, [event_id]) - before, found, CONNECTIONS, "entries")
                bench.note(NAME, _what(size, where), number, found, wrong)
                runs[size].append(found)
    return runs


def _what(size: int, where: str) -> str:
    return f"{CONNECTIONS} conn., a stream of {size:,}{where}"


def _rows(runs: dict[int, list[Run]], sizes: Sequence[int], where: str) -> Iterator[Row]:
    yield from (load_row(NAME, _what(size, where), runs[size], "bookings/s") for size in sizes)
    longest, shortest = ([run.p50_ms for run in runs[size]] for size in (sizes[-1], sizes[0]))
    yield at_most(P50_RATIO, NAME, f"p50: a stream of {sizes[-1]:,} / of {sizes[0]:,}{where}", ratios(longest, shortest))


# --- cold start


def _cold_start(bench: Bench, stage: Stage, longest: UUID, number: int) -> Cold:
    """A new process that sells another Event meets the longest stream."""
    (other,) = history.schedule(stage.ledger, stage.organizer_id, ["Another"])
    with another_api(stage.settings) as server:
        seconds = OTHER_SECONDS[bench.options.quick]
        offer = Offer([server.port], booking_paths([other]), str(stage.tokens), OTHER_PER_SECOND, seconds)
        with offering(stage.directory, offer) as others:
            time.sleep(seconds / 3)
            began = time.monotonic()
            took = _first_booking(stage, server, longest)
        megabytes = server.process.rss_bytes() / 1e6
    p99 = others.result.percentile_ms(99, began, began + took)
    if failed := others.result.failures():
        bench.results.remarks.append(f"Cold start, round {number}: {'; '.join(failed)}.")
    bench.say(f"{NAME}, cold start, round {number}: {took:.2f} s, another event's p99 {p99:.1f} ms, then {megabytes:.0f} MB")
    return Cold(took, p99, megabytes)


def _first_booking(stage: Stage, server: Server, event_id: UUID) -> float:
    """Seconds until one is made, asked for again as long as the server is busy, as clients are told to."""
    with stage.tokens.open() as tokens:
        token = tokens.readline().strip()
    client, began = Client(server.port), time.monotonic()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    while True:
        status, _ = client.ask("POST", f"/api/events/{event_id}/bookings", headers, BODY)
        took = time.monotonic() - began
        if status == HTTPStatus.CREATED:
            return took
        if status != HTTPStatus.SERVICE_UNAVAILABLE or took > FIRST_BOOKING_SECONDS:
            raise BenchError(f"A booking was answered with {status} after {took:.1f} s.")


def _cold_rows(cold: Sequence[Cold], size: int) -> Iterator[Row]:
    seconds, other, megabytes = ([one[place] for one in cold] for place in range(3))
    value, memory = median(seconds), median(megabytes)
    row = Row(benchmark=NAME, what=f"a process meets a stream of {size:,}", value=value, unit="s to its booking")
    yield dataclasses.replace(row, spread=spread(seconds), goal=goal(f"at most {COLD_SECONDS} s", value <= COLD_SECONDS))
    yield Row(benchmark=NAME, what=f"another event's {OTHER_PER_SECOND}/s meanwhile", value=median(other), unit="ms (p99)")
    row = Row(benchmark=NAME, what=f"memory of the API with a stream of {size:,}", value=memory, unit="MB")
    yield dataclasses.replace(row, goal=goal(f"at most {API_MEGABYTES} MB", memory <= API_MEGABYTES))


_BYTES = "SELECT pg_total_relation_size('ledger_entries'), max(length(state)) FROM ledger_snapshots"


def _bytes(stage: Stage) -> Iterator[Row]:
    with stage.connect() as connection:
        row = connection.execute(_BYTES).fetchone()
    assert row
    entries = _entries(stage)
    yield Row(benchmark=NAME, what=f"ledger of {entries:,}, indexes included", value=row[0] / entries, unit="bytes/entry")
    yield Row(benchmark=NAME, what="the longest stream's snapshot", value=row[1] / 1e6, unit="MB")
