"""Holds that lapse: what they cost those who book the same Event meanwhile, and how soon they are gone.

A storm: STORM holds of one Event are due within the same second, while others book it at a fixed rate. A stream: holds of it are
due all the time, while others book it as fast as they can. The past: the pure core books on an Event that had PAST holds.
"""

import gc
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

from benchmarks import history
from benchmarks.bench import Bench
from benchmarks.consistency import failures
from benchmarks.deployment import Deployment
from benchmarks.load import CATEGORY, LoadResult, book, booking_paths, load_row
from benchmarks.open_loop import OpenLoopLoad, OpenLoopResult, running_load
from benchmarks.results import Row, at_least, at_most, goal, ratios, spread
from ledger.changing import MAX_CAPACITY
from ledger.commands import Actor, BookSeats, Role, WantedSeats
from ledger.decide import decide
from ledger.details import Category, Details
from ledger.entries import Entry, EventScheduled, HoldsLapsed, Line, RecordedEntry, SeatsHeld
from ledger.event import Event
from ledger.evolve import evolve

NAME = "due holds"
STORM, STORM_RATE, LEAD_SECONDS, STORM_SECONDS = 10_000, 1_000, 6.0, 12.0
DELAY_MS, LAPSE_SECONDS = 100.0, 5.0
STREAM_PER_SECOND, CONNECTIONS, OF_IDLE = 200, 64, 0.95
PAST, PAST_BOOKINGS, OF_NEW = 100_000, 5_000, 1.1
_OPEN = "SELECT count(*) FROM holds WHERE event_id = %s AND status = 'open'"


class Storm(NamedTuple):
    """p99 of bookings in the LAPSE_SECONDS from the end of the holds on, and before; seconds until all had lapsed."""

    result: OpenLoopResult
    before_ms: float
    during_ms: float
    lapsed_seconds: float


def run(bench: Bench) -> None:
    storms = [_storm(bench) for _ in range(bench.options.rounds)]
    delays = [storm.during_ms - storm.before_ms for storm in storms]
    lapsed = [storm.lapsed_seconds for storm in storms]
    what = f"{STORM:,} due at once, beside {STORM_RATE:,} bookings/s"
    bench.results.rows += [
        Row(
            benchmark=NAME, what=f"{what}: p99 later by", value=median(delays), unit="ms",
            goal=goal(f"at most {DELAY_MS:.0f} ms", median(delays) <= DELAY_MS),
        ),
        Row(
            benchmark=NAME, what=f"{what}: all have lapsed after", value=median(lapsed), unit="s", spread=spread(lapsed),
            goal=goal(f"at most {LAPSE_SECONDS:.0f} s", max(lapsed) <= LAPSE_SECONDS),
        ),
    ]  # fmt: skip
    beside, alone = list[LoadResult](), list[LoadResult]()
    for number in range(1, bench.options.rounds + 1):
        for has_holds in (True, False) if number % 2 else (False, True):
            (beside if has_holds else alone).append(_stream(bench, number, has_holds=has_holds))
    rows = (("beside holds that are due", beside), ("without holds", alone))
    bench.results.rows += [load_row(NAME, what, runs, "bookings/s") for what, runs in rows]
    of_idle = ratios((run.per_second for run in beside), (run.per_second for run in alone))
    bench.results.rows.append(at_least(OF_IDLE, NAME, f"beside {STREAM_PER_SECOND} due holds a second / without", of_idle))
    pasts = [(_cost(PAST), _cost(0)) for _ in range(bench.options.rounds)]
    of_new = [past / new for past, new in pasts]
    bench.results.rows.append(at_most(OF_NEW, NAME, f"a booking after {PAST:,} holds / after none, the core alone", of_new))


def hold(deployment: Deployment, event_id: UUID, ends: list[datetime]) -> None:
    """Seats of the Event, which was only scheduled, are held until these times: one for each customer in turn."""
    now, customers = datetime.now(UTC), cycle(deployment.customers())
    line = Line(1, CATEGORY, 1, history.PRICE)
    holds = [
        RecordedEntry(event_id, version, SeatsHeld(
            at=now, actor=customer, command=uuid4(), digest=bytes(16), customer_id=customer, lines=(line,), details_version=1,
            expires_at=expires_at,
        ))
        for version, (customer, expires_at) in enumerate(zip(customers, ends, strict=False), start=2)
    ]  # fmt: skip
    for start in range(0, len(holds), history.BATCH_SIZE):
        deployment.ledger.save(*holds[start : start + history.BATCH_SIZE])


def _storm(bench: Bench) -> Storm:
    deployment = bench.deployment
    event_id = deployment.schedule_event()
    ends_at = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
    hold(deployment, event_id, [ends_at] * STORM)
    deployment.wait_until_projected()
    due_at = time.monotonic() + (ends_at - datetime.now(UTC)).total_seconds()
    load = OpenLoopLoad([deployment.api.port], booking_paths([event_id]), str(deployment.tokens), STORM_RATE, STORM_SECONDS)
    with running_load(deployment.directory, load) as running, deployment.connect() as connection:
        time.sleep(max(0.0, due_at - time.monotonic()))
        while (connection.execute(_OPEN, (event_id,)).fetchone() or (0,))[0] and time.monotonic() < due_at + 3 * LAPSE_SECONDS:
            time.sleep(0.05)
        lapsed_seconds = time.monotonic() - due_at
    result = running.result
    began = min(due for due, _ in result.responses)
    before_ms, during_ms = result.percentile_ms(99, began + 1, due_at), result.percentile_ms(99, due_at, due_at + LAPSE_SECONDS)
    bench.results.wrong += result.failures()
    bench.log(f"due holds: p99 {before_ms:.1f} ms before, {during_ms:.1f} ms after their end; lapsed in {lapsed_seconds:.1f} s")
    return Storm(result, before_ms, during_ms, lapsed_seconds)


def _stream(bench: Bench, number: int, *, has_holds: bool) -> LoadResult:
    deployment, seconds = bench.deployment, max(bench.options.seconds, 3)
    event_id = deployment.schedule_event()
    if has_holds:
        first = datetime.now(UTC) + timedelta(seconds=1)
        count = STREAM_PER_SECOND * (seconds + 1)
        hold(deployment, event_id, [first + timedelta(seconds=place / STREAM_PER_SECOND) for place in range(count)])
    deployment.wait_until_projected()
    run = book([deployment.api], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=seconds)
    what = "beside holds that are due" if has_holds else "without holds"
    bench.record(NAME, what, number, run, failures(run))
    deployment.wait_until_projected()
    return run


def _cost(past_holds: int) -> float:
    """Seconds of PAST_BOOKINGS bookings, decided and evolved, on an Event that had this number of holds, all of which lapsed."""
    event: Event | None = None
    event_id, now = uuid4(), datetime.now(UTC)
    for version, entry in enumerate(_past(now, past_holds), start=1):
        event = evolve(event, RecordedEntry(event_id, version, entry))
    assert event is not None
    commands = [
        BookSeats(id=uuid4(), actor=Actor(uuid4(), Role.CUSTOMER), event_id=event_id, tickets=(WantedSeats(CATEGORY, 1),))
        for _ in range(PAST_BOOKINGS)
    ]
    gc.collect()
    began = time.process_time()
    for command in commands:
        for entry in decide(event, command, now):
            evolve(event, RecordedEntry(event_id, event.version + 1, entry))
    return time.process_time() - began


def _past(now: datetime, holds: int) -> Iterator[Entry]:
    yield EventScheduled(
        at=now, digest=bytes(16), actor=uuid4(), command=uuid4(), currency="EUR", organizer_id=uuid4(),
        details=Details(name="Past", starts_at=None),
        categories=(Category(1, CATEGORY, history.PRICE, MAX_CAPACITY),),
    )  # fmt: skip
    ids = (uuid4() for _ in range(holds))
    line = Line(1, CATEGORY, 1, history.PRICE)
    while some := tuple(islice(ids, 1_000)):
        for id_ in some:
            customer = uuid4()
            yield SeatsHeld(
                at=now,
                digest=bytes(16),
                actor=customer,
                command=id_,
                customer_id=customer,
                lines=(line,),
                details_version=1,
                expires_at=now,
            )
        yield HoldsLapsed(at=now, digest=bytes(16), actor=None, command=uuid4(), hold_ids=some)
