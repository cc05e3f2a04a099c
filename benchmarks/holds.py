"""Booking in two steps: customers hold a seat of one Event and confirm it, through one API process, beside an empty endpoint.

Each confirmation is sent DISTANCE requests after its hold, when that has been answered. A hold's id follows from its
Idempotency-Key, so that the load need not read responses.
"""

from collections.abc import Iterator
from itertools import cycle, islice
from uuid import UUID, uuid4

from benchmarks.bench import Bench
from benchmarks.consistency import failures
from benchmarks.deployment import Deployment, start_peer
from benchmarks.load import BODY, LoadResult, Server, book, load_row, send
from benchmarks.processes import HOST
from benchmarks.results import at_least, ratios
from ledger.idempotency import command_id

NAME = "holds"
CONNECTIONS, OF_EMPTY = 64, 0.45
#: More than any load sends in a second.
MOST_PER_SECOND = 8_000
#: Requests between a hold and its confirmation: many times as many as are under way.
DISTANCE = 1_024


def run(bench: Bench) -> None:
    deployment, options = bench.deployment, bench.options
    pairs, empties = list[LoadResult](), list[LoadResult]()
    with start_peer(deployment, "empty", "") as empty:
        for number in range(1, options.rounds + 1):
            for is_ours in (True, False) if number % 2 else (False, True):
                if is_ours:
                    pairs.append(_pairs(bench, number))
                else:
                    empties.append(_empty(bench, empty, number))
    bench.results.rows += [load_row(NAME, "hold, then confirm", pairs, "requests/s"), load_row(NAME, "empty", empties, "answers/s")]
    of_empty = ratios((run.per_second / 2 for run in pairs), (run.per_second for run in empties))
    bench.results.rows.append(at_least(OF_EMPTY, NAME, "seats held and booked / empty", of_empty))


def _pairs(bench: Bench, number: int) -> LoadResult:
    deployment, seconds = bench.deployment, bench.options.seconds
    event_id = deployment.schedule_event()
    requests = islice(in_two_steps(deployment, event_id), DISTANCE + MOST_PER_SECOND * seconds)
    with deployment.paused_workers():
        run = send(deployment.api, requests, directory=deployment.directory, connections=CONNECTIONS, seconds=seconds)
    deployment.wait_until_projected()
    bench.record(NAME, "hold, then confirm", number, run, failures(run) + _wrong(deployment, event_id, run))
    return run


def _empty(bench: Bench, empty: Server, number: int) -> LoadResult:
    deployment = bench.deployment
    with deployment.paused_workers():
        run = book([empty], [deployment.organizer_id], deployment.tokens, connections=CONNECTIONS, seconds=bench.options.seconds)
    bench.record(NAME, "empty", number, run)
    return run


def in_two_steps(deployment: Deployment, event_id: UUID) -> Iterator[str]:
    """Requests without end: a hold of the next customer, then the confirmation of an earlier one."""
    path, key, waiting = f"/api/events/{event_id}/holds", uuid4(), list[str]()
    for number, (customer_id, token) in enumerate(cycle(zip(deployment.customers(), deployment.token_list(), strict=True))):
        hold_key = f"{key}-{number}"
        yield _request(path, token, hold_key, BODY)
        waiting.append(_request(f"/api/holds/{command_id(customer_id, 'POST', path, hold_key)}/confirm", token, f"{key}-c{number}"))
        if len(waiting) > DISTANCE:
            yield waiting[number - DISTANCE]


def _request(path: str, token: str, key: str, body: str = "") -> str:
    lines = [
        f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}", f"Idempotency-Key: {key}",
        "Content-Type: application/json", f"Content-Length: {len(body)}", "", body,
    ]  # fmt: skip
    return "\r\n".join(lines)


_COUNTS = """
    SELECT (SELECT count(*) FROM bookings WHERE event_id = %(id)s), sum(taken), sum(held),
           (SELECT count(*) FROM holds WHERE event_id = %(id)s AND status = 'open')
    FROM availability_categories WHERE event_id = %(id)s"""


def _wrong(deployment: Deployment, event_id: UUID, run: LoadResult) -> list[str]:
    with deployment.connect() as connection:
        bookings, taken, held, open_holds = connection.execute(_COUNTS, {"id": event_id}).fetchone() or (0, 0, 0, 0)
    made, wrong = 2 * bookings + open_holds, list[str]()
    if (bookings, open_holds) != (taken, held):
        wrong.append(f"{bookings} bookings and {open_holds} holds, but {taken} seats taken and {held} held")
    if not run.answered <= made <= run.answered + CONNECTIONS:
        wrong.append(f"{run.answered} requests got a 201, and {made} entries were made")
    return wrong
