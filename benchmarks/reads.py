"""Reads: an Event, a list of 10,000 (and a search in it), own bookings, statistics; each during 500 bookings per second.

Peers: an empty endpoint with responses of the same structure and length, and plain asyncpg with the same SELECTs over the same
rows. A peer takes the bookings itself, as Seatledger does, so each uses one process for all work; nothing is projected for a peer.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen
from uuid import UUID

import psycopg

from benchmarks import history, peers
from benchmarks.bench import Bench
from benchmarks.consistency import failures
from benchmarks.deployment import Deployment, start_peer
from benchmarks.history import PRICE, Sales
from benchmarks.load import CATEGORY, LoadResult, Server, booking_paths, get, load_row
from benchmarks.machine import BenchError
from benchmarks.many_events import SEQUENCE, zipf
from benchmarks.open_loop import OpenLoopLoad, running_load
from benchmarks.processes import HOST
from benchmarks.results import Row, at_least, ratios
from ledger.changing import MAX_CAPACITY

NAME = "reads"
CONNECTIONS, WRITES_PER_SECOND = 64, 500
EVENTS = {False: 10_000, True: 1_000}
#: One in KINDS Events has the organizer whose statistics are read, and the bookings of the customers who read theirs.
KINDS = 100
READERS, BOOKINGS_EACH = 1_000, 10
SECONDS = {False: 2, True: 1}
LEAST = {
    "event": ("empty", 0.7), "event, not modified": ("empty", 1.0), "list": ("empty", 0.7), "list, searched": ("empty", 0.7),
    "my bookings": ("plain asyncpg", 0.9), "statistics, summary": ("plain asyncpg", 0.9),
    "statistics, by event": ("plain asyncpg", 0.9),
}  # fmt: skip
OURS, EMPTY, PLAIN = "seatledger", "empty", "plain asyncpg"
_Runs = dict[tuple[str, str], list[LoadResult]]


class Read(NamedTuple):
    """The paths to read, a file with the tokens for them, one for each, and one more header."""

    paths: list[str]
    tokens: Path | None = None
    header: str = ""


def run(bench: Bench) -> None:
    deployment, options = bench.deployment, bench.options
    events = [*_schedule_and_sell(bench)]
    with ExitStack() as stack:
        servers = {OURS: deployment.api, PLAIN: stack.enter_context(_plain(deployment, events))}
        servers[EMPTY] = stack.enter_context(start_peer(deployment, "empty", ""))
        reads = _reads(deployment, events)
        _compare(reads, servers)
        runs: _Runs = {}
        for number in range(1 if options.quick else 0, options.rounds + 1):
            for name in list(servers)[:: 1 if number % 2 else -1]:
                _round(bench, number, name, servers[name], reads, runs)
    bench.results.rows += _rows(runs)


def _schedule_and_sell(bench: Bench) -> Iterator[UUID]:
    """Schedules Events of KINDS kinds, and sells those of the first kind to the READERS in turn."""
    deployment, number_of = bench.deployment, EVENTS[bench.options.quick]
    bench.log(f"{NAME}: {number_of:,} events, {READERS * BOOKINGS_EACH:,} bookings")
    organizer_id, token = deployment.organizer()
    for name, text in (("organizer_id", str(organizer_id)), ("organizer", token)):
        (deployment.directory / name).write_text(f"{text}\n")
    names = [f"Kind {number % KINDS:02} of night {number}" for number in range(number_of)]
    first = history.schedule(deployment.ledger, organizer_id, names[::KINDS])
    others = [name for number, name in enumerate(names) if number % KINDS]
    with deployment.connect() as connection:
        each = READERS * BOOKINGS_EACH // len(first)
        history.sell(
            connection, deployment.macs, [Sales(event_id, 2, each) for event_id in first], deployment.customers()[:READERS]
        )
    yield from first
    yield from history.schedule(deployment.ledger, deployment.organizer_id, others)
    deployment.wait_until_projected()


def _reads(deployment: Deployment, events: Sequence[UUID]) -> dict[str, Read]:
    """The requests. The user is in the query string too, for the peer without log-in."""
    organizer_id, organizer = (deployment.directory / "organizer_id").read_text().strip(), deployment.directory / "organizer"
    readers = deployment.directory / "readers"
    readers.write_text("".join(f"{token}\n" for token in deployment.tokens.read_text().split()[:READERS]))
    of_events = [f"/api/events/{event_id}" for event_id in zipf(events, SEQUENCE)]
    return {
        "event": Read(of_events),
        "event, not modified": Read(of_events, header="If-None-Match: *"),
        "list": Read(["/api/events"]),
        "list, searched": Read([f"/api/events?q=kind%20{kind:02}" for kind in range(1, KINDS)]),
        "my bookings": Read([f"/api/bookings?customer_id={customer}" for customer in deployment.customers()[:READERS]], readers),
        "statistics, summary": Read([f"/api/stats/summary?organizer_id={organizer_id}"], organizer),
        "statistics, by event": Read([f"/api/stats/events?organizer_id={organizer_id}"], organizer),
    }


@contextmanager
def _plain(deployment: Deployment, events: Sequence[UUID]) -> Iterator[Server]:
    """Starts the plain asyncpg peer. It writes to tables in a schema of its own, and reads Seatledger's tables."""
    url = deployment.settings.database_url
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA peer; SET LOCAL search_path = peer")
        cursor.execute(peers.SCHEMA)
        cursor.executemany(peers.NEW_EVENT, [(event_id, "Hot event", CATEGORY, PRICE, "EUR", MAX_CAPACITY) for event_id in events])
    with start_peer(deployment, peers.READS, url) as server:
        yield server
    with deployment.connect() as connection:
        connection.execute("DROP SCHEMA peer CASCADE")


def _round(bench: Bench, number: int, name: str, server: Server, reads: dict[str, Read], runs: _Runs) -> None:
    """All reads of one server in turn, while it takes bookings. Round 0 is the warm-up."""
    deployment, quick = bench.deployment, bench.options.quick
    events = [UUID(path.rsplit("/", 1)[1]) for path in reads["event"].paths]
    load = OpenLoopLoad([server.port], booking_paths(events), str(deployment.tokens), WRITES_PER_SECOND, 600)
    seconds = SECONDS[quick] if number else 1
    mine = {what: read for what, read in reads.items() if (name, what) in _measured(quick)}
    with (
        nullcontext() if name == OURS else deployment.paused_workers(),
        running_load(deployment.directory, load, until_complete=False) as writes,
    ):
        for what, read in mine.items():
            result = get(
                server, read.paths, read.tokens, header=read.header,
                directory=deployment.directory, connections=CONNECTIONS, seconds=seconds,
            )  # fmt: skip
            if number:
                runs.setdefault((name, what), []).append(result)
                bench.record(NAME, f"{what}, {name}", number, result, failures(result))
    offered = writes.result
    bench.results.remarks += [f"Reads, {name}, round {number}: {failure}." for failure in offered.failures()]
    if number and not offered.was_reached:
        bench.results.remarks.append(f"Reads, {name}: {offered.per_second:.0f} bookings per second, not {WRITES_PER_SECOND}.")


def _measured(quick: bool) -> list[tuple[str, str]]:
    """What to measure: all reads that have goals, and all of plain asyncpg. A quick run has one read for each peer."""
    if quick:
        return [(name, what) for what in ("event", "event, not modified", "my bookings") for name in (OURS, LEAST[what][0])]
    each = [(name, what) for what in LEAST for name in (OURS, PLAIN)]
    return [*each, *((EMPTY, what) for what in LEAST if LEAST[what][0] == EMPTY)]


def _rows(runs: _Runs) -> Iterator[Row]:
    names = [what for what in LEAST if (OURS, what) in runs]
    for what in names:
        for name in (OURS, PLAIN, EMPTY):
            if (name, what) in runs:
                yield load_row(NAME, f"{what}, {name}", runs[name, what], "answers/s")
    for what in names:
        peer, least = LEAST[what]
        rates, others = ([run.per_second for run in runs[name, what]] for name in (OURS, peer))
        yield at_least(least, NAME, f"{what}: seatledger / {peer}", ratios(rates, others))


# --- comparing responses


def _compare(reads: dict[str, Read], servers: dict[str, Server]) -> None:
    """Raises BenchError if plain asyncpg's response differs from ours in more than generated ids, or an empty one's size does."""
    for what, (paths, tokens, _) in reads.items():
        token = tokens.read_text().split()[0] if tokens else None
        ours, plain = (_body(servers[name], paths[0], token) for name in (OURS, PLAIN))
        if _common(json.loads(ours)) != _common(json.loads(plain)):
            raise BenchError(f"Plain asyncpg responds to {what} differently: {plain[:300]!r}, Seatledger: {ours[:300]!r}")
        if LEAST[what][0] == EMPTY and what != "list, searched":
            empty = len(_body(servers[EMPTY], paths[0], token))
            if not 0.9 < empty / len(ours) < 1.1:
                raise BenchError(f"The empty endpoint responds to {what} with {empty} bytes, Seatledger with {len(ours)}.")


def _body(server: Server, path: str, token: str | None) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(f"http://{HOST}:{server.port}{path}", headers=headers), timeout=10) as response:
        body: bytes = response.read()
    return body


def _common(response: Any) -> Any:
    """A response without ids and codes, which a peer makes up, and without times, which have two formats."""
    if isinstance(response, dict):
        omitted = ("code", "created_at", "starts_at", "booked_at", "updated_at")
        inner = "available" in response and "venue" not in response  # a category
        ticket = "code" in response
        return {
            name: _common(value)
            for name, value in response.items()
            if name not in omitted and not (name == "id" and (inner or ticket))
        }
    return [_common(item) for item in response] if isinstance(response, list) else response
