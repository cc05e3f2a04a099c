"""Sold-out storm: 100 seats and some 20,000 requests for them. Who comes too late is told so, and nothing is written."""

from statistics import median

from benchmarks.bench import Bench
from benchmarks.books import Books
from benchmarks.load import Run, Server, book, load_row
from benchmarks.metrics import metric
from benchmarks.results import Row, at_least, goal, ratios
from benchmarks.stage import Stage, serving_peer

NAME = "sold-out storm"
CONNECTIONS, SEATS, OF_EMPTY = 64, 100, 0.85
#: wrk counts seconds, not requests: so many of them that there are REQUESTS at any rate worth the name.
SECONDS = {False: 5, True: 1}
REQUESTS = 20_000
#: The server's own housekeeping (checkpoints, the tick) writes a little whatever happens; a booking is some 1,000 bytes.
WAL_BYTES = 5


def run(bench: Bench) -> None:
    stage, options = bench.stage, bench.options
    ours, empties, written, appended = list[Run](), list[Run](), list[float](), 0
    with serving_peer(stage, "empty", "") as empty:
        for number in range(1, options.rounds + 1):
            for storm in (True, False) if number % 2 else (False, True):
                if storm:
                    found, wal_bytes, appends = _storm(bench, number)
                    ours.append(found)
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


def _storm(bench: Bench, number: int) -> tuple[Run, float, int]:
    """A whole storm; and then, with nothing left to sell or to project, bytes of log and appends by a second more of it."""
    stage = bench.stage
    event_id = stage.schedule_event(seats=SEATS)
    books = Books(stage, [event_id])
    found = book([stage.api], [event_id], stage.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick])
    wrong = books.wrong(found, CONNECTIONS)
    if not books.sold() == found.answered == SEATS:
        wrong.append(f"{found.answered} bookings were confirmed and {books.sold()} sold of {SEATS} seats")
    if found.lost:
        wrong.append(f"{found.lost} answers were lost or late")
    bench.note(NAME, "seatledger", number, found, wrong)
    if not bench.options.quick and found.answered + found.refused < REQUESTS:
        bench.results.remarks.append(f"A sold-out storm had {found.answered + found.refused:,} requests, not {REQUESTS:,}.")
    with stage.quiet():
        log_before, appends_before = _log_bytes(stage), _appends(stage)
        more = book([stage.api], [event_id], stage.tokens, connections=CONNECTIONS, seconds=1)
        written, appends = _log_bytes(stage) - log_before, _appends(stage) - appends_before
    return found, written / max(more.refused, 1), appends


def _empty(bench: Bench, empty: Server, number: int) -> Run:
    stage = bench.stage
    with stage.quiet():
        found = book([empty], [stage.organizer_id], stage.tokens, connections=CONNECTIONS, seconds=SECONDS[bench.options.quick])
    bench.note(NAME, "empty", number, found)
    return found


def _log_bytes(stage: Stage) -> int:
    with stage.connect() as connection:
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row
    return int(row[0])


def _appends(stage: Stage) -> int:
    return int(metric(stage.settings.port, "seatledger_appends_total"))
