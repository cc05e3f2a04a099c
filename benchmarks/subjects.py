"""Who is put under load: Seatledger, workers at work or standing still, and each peer. After each load the books are checked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from benchmarks import lag, peers
from benchmarks.load import CATEGORY, Run, book
from benchmarks.processes import Process
from benchmarks.stage import PRICE, Stage, peer
from ledger.decide import MAX_CAPACITY


class Load(NamedTuple):
    """What wrk counted, what is wrong with the books afterwards, and the projections' lags, where they were watched."""

    run: Run
    wrong: list[str]
    lags: dict[str, list[float]]


@dataclass(frozen=True)
class Subject:
    """`load` books at that many connections for so many seconds."""

    name: str
    process: Process
    load: Callable[[int, int], Load]


class HotEvent:
    """Seatledger's hot Event of the moment."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.event_id = stage.schedule_event()

    def projecting(self, connections: int, seconds: int) -> Load:
        """With the workers projecting meanwhile, and their lag watched."""
        before = self._settled()
        with lag.Watch.open(self._stage.settings.database_url) as watch:
            run = self._book(connections, seconds)
        return Load(run, self._wrong(before, run, connections), lag.lags(watch.looks))

    def paused(self, connections: int, seconds: int) -> Load:
        """With the workers standing still."""
        before = self._settled()
        with self._stage.quiet():
            run = self._book(connections, seconds)
        return Load(run, self._wrong(before, run, connections), {})

    def _settled(self) -> int:
        self._stage.settle()
        return _entries(self._stage, self.event_id)

    def _book(self, connections: int, seconds: int) -> Run:
        stage = self._stage
        api, port = stage.processes["api"], stage.settings.port
        return book(api, port, self.event_id, stage.tokens, connections=connections, seconds=seconds)

    def _wrong(self, before: int, run: Run, connections: int) -> list[str]:
        """Once all is projected: an entry for each 201, a seat and a ticket for each entry."""
        self._stage.settle()
        entries = _entries(self._stage, self.event_id)
        wrong = _against_answers(entries - before, run, connections, "entries")
        with self._stage.connect() as connection:
            sold, tickets = connection.execute(_READ_TABLES, {"event_id": self.event_id}).fetchone() or (None, None)
        if not sold == tickets == entries - 1:  # the first entry scheduled the Event
            wrong.append(f"{entries - 1} bookings in the ledger, {sold} seats sold and {tickets} tickets in the read tables")
        return wrong


@contextmanager
def peer_subject(stage: Stage, name: str) -> Iterator[Subject]:
    """A peer, running, with its hot event. Our own workers stand still while it is under load."""
    with peer(stage, name) as (process, port, url):
        event_id = uuid4()
        if url:
            with psycopg.connect(url) as connection:
                connection.execute(peers.NEW_EVENT, (event_id, "Hot event", CATEGORY, PRICE, "EUR", MAX_CAPACITY))

        def load(connections: int, seconds: int) -> Load:
            _, before = _counts(url)
            with stage.quiet():
                run = book(process, port, event_id, stage.tokens, connections=connections, seconds=seconds)
            taken, booked = _counts(url)
            wrong = [] if taken == booked else [f"{taken} seats taken, {booked} booked"]
            return Load(run, wrong + (_against_answers(booked - before, run, connections, "bookings") if url else []), {})

        yield Subject(name, process, load)


_READ_TABLES = """
    SELECT (SELECT sum(taken) FROM availability_categories WHERE event_id = %(event_id)s),
           (SELECT count(*) FROM tickets JOIN bookings USING (booking_id) WHERE event_id = %(event_id)s)"""


def _entries(stage: Stage, event_id: UUID) -> int:
    """The stream's version: there are no gaps in a stream."""
    query = "SELECT max(originator_version) FROM ledger_entries WHERE originator_id = %s"
    with stage.connect() as connection:
        row = connection.execute(query, (event_id,)).fetchone()
    assert row
    return int(row[0])


def _counts(url: str) -> tuple[int, int]:
    """A peer's seats taken and seats booked."""
    if not url:
        return 0, 0
    with psycopg.connect(url) as connection:
        row = connection.execute(peers.COUNT).fetchone()
    assert row
    return int(row[0]), int(row[1])


def _against_answers(made: int, run: Run, connections: int, what: str) -> list[str]:
    """Those on their way when the load ended, and those whose answer was not a 201, may be there or not."""
    if run.answered <= made <= run.answered + connections + run.refused + run.lost:
        return []
    return [f"{run.answered} 201s were answered and {made} {what} made"]
