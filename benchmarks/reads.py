"""Reads: an Event, the list of 10,000 (and searched), my bookings, statistics, each while its server takes 500 bookings a second.

Peers: an empty endpoint with bodies of the same shape and length, and the same SELECTs over the same rows on plain asyncpg. A peer
takes the bookings itself, as we do, so that each has a process for all that it does; nobody projects for a peer.
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
from ledger.decide import MAX_CAPACITY

NAME = "reads"
CONNECTIONS, WRITES_PER_SECOND = 64, 500
EVENTS = {False: 10_000, True: 1_000}
#: Of the Events, one in so many has the organizer who looks at statistics, and the bookings of those who look at theirs.
KINDS = 100
READERS, BOOKINGS_EACH = 1_000, 10
SECONDS = {False: 2, True: 1}
LEAST = {
    "event": ("empty", 0.7), "list": ("empty", 0.7), "list, searched": ("empty", 0.7), "my bookings": ("plain asyncpg", 0.9),
    "statistics, summary": ("plain asyncpg", 0.9), "statistics, by event": ("plain asyncpg", 0.9),
}  # fmt: skip
OURS, EMPTY, PLAIN = "seatledger", "empty", "plain asyncpg"
_Runs = dict[tuple[str, str], list[LoadResult]]


class Read(NamedTuple):
    """Paths, and the tokens that go with them, one each."""

    paths: list[str]
    tokens: Path | None = None


def run(bench: Bench) -> None:
    deployment, options = bench.deployment, bench.options
    events = [*_written(bench)]
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


def _written(bench: Bench) -> Iterator[UUID]:
    """Events of KINDS kinds; those of the first kind are sold to the readers, a round robin."""
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
    """Who reads is in the query string too, for the peer that knows no tokens."""
    organizer_id, organizer = (deployment.directory / "organizer_id").read_text().strip(), deployment.directory / "organizer"
    readers = deployment.directory / "readers"
    readers.write_text("".join(f"{token}\n" for token in deployment.tokens.read_text().split()[:READERS]))
    return {
        "event": Read([f"/api/events/{event_id}" for event_id in zipf(events, SEQUENCE)]),
        "list": Read(["/api/events"]),
        "list, searched": Read([f"/api/events?q=kind%20{kind:02}" for kind in range(1, KINDS)]),
        "my bookings": Read([f"/api/bookings?customer_id={one}" for one in deployment.customers()[:READERS]], readers),
        "statistics, summary": Read([f"/api/stats/summary?organizer_id={organizer_id}"], organizer),
        "statistics, by event": Read([f"/api/stats/events?organizer_id={organizer_id}"], organizer),
    }


@contextmanager
def _plain(deployment: Deployment, events: Sequence[UUID]) -> Iterator[Server]:
    """Its tables for selling are in a schema of its own; what it reads is ours."""
    url = deployment.settings.database_url
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA peer; SET LOCAL search_path = peer")
        cursor.execute(peers.SCHEMA)
        cursor.executemany(peers.NEW_EVENT, [(one, "Hot event", CATEGORY, PRICE, "EUR", MAX_CAPACITY) for one in events])
    with start_peer(deployment, peers.READS, url) as server:
        yield server
    with deployment.connect() as connection:
        connection.execute("DROP SCHEMA peer CASCADE")


def _round(bench: Bench, number: int, name: str, server: Server, reads: dict[str, Read], runs: _Runs) -> None:
    """Every read in turn, of one server, while it sells. Round 0 is for warming up."""
    deployment, quick = bench.deployment, bench.options.quick
    events = [UUID(path.rsplit("/", 1)[1]) for path in reads["event"].paths]
    offer = OpenLoopLoad([server.port], booking_paths(events), str(deployment.tokens), WRITES_PER_SECOND, 600)
    seconds = SECONDS[quick] if number else 1
    mine = {what: read for what, read in reads.items() if (name, what) in _measured(quick)}
    with (
        nullcontext() if name == OURS else deployment.paused_workers(),
        running_load(deployment.directory, offer, until_complete=False) as writes,
    ):
        for what, (paths, tokens) in mine.items():
            found = get(server, paths, tokens, directory=deployment.directory, connections=CONNECTIONS, seconds=seconds)
            if number:
                runs.setdefault((name, what), []).append(found)
                bench.record(NAME, f"{what}, {name}", number, found, failures(found))
    offered = writes.result
    bench.results.remarks += [f"Reads, {name}, round {number}: {one}." for one in offered.failures()]
    if number and not offered.was_reached:
        bench.results.remarks.append(f"Reads, {name}: {offered.per_second:.0f} bookings a second, not {WRITES_PER_SECOND}.")


def _measured(quick: bool) -> list[tuple[str, str]]:
    """All that goals are about, and of plain asyncpg the others too; a quick run has one read against each peer."""
    if quick:
        return [(name, what) for what in ("event", "my bookings") for name in (OURS, LEAST[what][0])]
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


# --- that they answer the same


def _compare(reads: dict[str, Read], servers: dict[str, Server]) -> None:
    """Raises BenchError where a peer's answer is not ours (but for what it makes of nothing), or an empty one's not of our size."""
    for what, (paths, tokens) in reads.items():
        token = tokens.read_text().split()[0] if tokens else None
        ours, plain = (_body(servers[name], paths[0], token) for name in (OURS, PLAIN))
        if _common(json.loads(ours)) != _common(json.loads(plain)):
            raise BenchError(f"Plain asyncpg answers {what} otherwise than Seatledger: {plain[:300]!r}, {ours[:300]!r}")
        if LEAST[what][0] == EMPTY and what != "list, searched":
            empty = len(_body(servers[EMPTY], paths[0], token))
            if not 0.9 < empty / len(ours) < 1.1:
                raise BenchError(f"The empty endpoint answers {what} with {empty} bytes and Seatledger with {len(ours)}.")


def _body(server: Server, path: str, token: str | None) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(f"http://{HOST}:{server.port}{path}", headers=headers), timeout=10) as answer:
        body: bytes = answer.read()
    return body


def _common(answer: Any) -> Any:
    """Without ids and codes that a peer makes of nothing, nor times, which are written in two ways."""
    if isinstance(answer, dict):
        left_out = ("code", "created_at", "starts_at", "booked_at", "updated_at")
        inner = "available" in answer and "venue" not in answer  # a category
        ticket = "code" in answer
        return {
            name: _common(value)
            for name, value in answer.items()
            if name not in left_out and not (name == "id" and (inner or ticket))
        }
    return [_common(one) for one in answer] if isinstance(answer, list) else answer
