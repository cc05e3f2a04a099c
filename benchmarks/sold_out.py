"""Sold-out storm: some 20,000 requests for 100 seats. Rejected requests must write nothing to the database."""

from statistics import median

from benchmarks.bench import Bench
from benchmarks.consistency import ConsistencyCheck
from benchmarks.deployment import Deployment, start_peer
from benchmarks.load import LoadResult, Server, book, load_row
from benchmarks.metrics import metric
from benchmarks.results import Row, at_least, goal, ratios

NAME = "sold-out storm"
CONNECTIONS, SEATS, OF_EMPTY = 64, 100, 0.85
#: wrk takes seconds, not requests: long enough for REQUESTS at any acceptable rate.
SECONDS = {False: 5, True: 1}
REQUESTS = 20_000
#: PostgreSQL's checkpoints and the tick always write a little; a booking writes some 1,000 bytes.
WAL_BYTES = 5


def run(bench: Bench) -> None:
    deployment, options = bench.deployment, bench.options
    ours, empties, written, appended = list[LoadResult](), list[LoadResult](), list[float](), 0
    with start_peer(deployment, "empty", "") as empty:
        for number in range(1, options.rounds + 1):
            for storm in (True, False) if number % 2 else (False, True):
                if storm:
                    result, wal_bytes, appends = _storm(bench, number)
                    ours.append(result)
                    written.append(wal_bytes)
                    appended += appends
                else:
                    empties.append(_empty(bench, empty, number))
    bench.results.rows += [load_row(NAME, "seatledger", ours, "answers/s"), load_row(NAME, "empty", empties, "answers/s")]
    of_empty = ratios((run.requests_per_second for run in ours), (run.requests_per_second for run in empties))
    bench.results.rows += [
        at_least(OF_EMPTY, NAME, "seatledger / empty", of_empty),
        Row(
            benchmark=NAME, what="rejections of a sold-out event", value=appended, unit="appends",
            goal=goal("none", appended == 0),
        ),
        Row(
            benchmark=NAME, what="written to PostgreSQL's log meanwhile", value=median(written), unit="bytes/rejection",
            goal=goal(f"under {WAL_BYTES}", median(written) < WAL_BYTES),
        ),
    ]  # fmt: skip


def _storm(bench: Bench, number: int) -> tuple[LoadResult, float, int]:
    """A complete storm; then WAL bytes and appends during another second of it, with nothing left to sell or project."""
    deployment = bench.deployment
    event_id = deployment.schedule_event(seats=SEATS)
    consistency = ConsistencyCheck(deployment, [event_id])
    result = book([deployment.api], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick])
    wrong = consistency.violations(result, CONNECTIONS)
    if not consistency.seats_sold() == result.answered == SEATS:
        wrong.append(f"{result.answered} bookings were confirmed and {consistency.seats_sold()} sold of {SEATS} seats")
    if result.lost:
        wrong.append(f"{result.lost} responses were lost or late")
    bench.record(NAME, "seatledger", number, result, wrong)
    if not bench.options.quick and result.answered + result.refused < REQUESTS:
        bench.results.remarks.append(f"A sold-out storm had {result.answered + result.refused:,} requests, not {REQUESTS:,}.")
    with deployment.paused_workers():
        log_before, appends_before = _log_bytes(deployment), _appends(deployment)
        more = book([deployment.api], [event_id], deployment.tokens, connections=CONNECTIONS, seconds=1)
        written, appends = _log_bytes(deployment) - log_before, _appends(deployment) - appends_before
    return result, written / max(more.refused, 1), appends


def _empty(bench: Bench, empty: Server, number: int) -> LoadResult:
    deployment = bench.deployment
    with deployment.paused_workers():
        result = book(
            [empty], [deployment.organizer_id], deployment.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick]
        )
    bench.record(NAME, "empty", number, result)
    return result


def _log_bytes(deployment: Deployment) -> int:
    with deployment.connect() as connection:
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row
    return int(row[0])


def _appends(deployment: Deployment) -> int:
    return int(metric(deployment.settings.port, "seatledger_appends_total"))
