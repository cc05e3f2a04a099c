"""Who is put under load: Seatledger, workers at work or standing still, and each peer. After each load the books are checked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

import psycopg

from benchmarks import lag, peers
from benchmarks.books import Books, against_answers
from benchmarks.history import PRICE
from benchmarks.load import CATEGORY, Run, book
from benchmarks.processes import Process
from benchmarks.stage import Stage, peer
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
        books = Books(self._stage, [self.event_id])
        with lag.Watch.open(self._stage.settings.database_url) as watch:
            run = self._book(connections, seconds)
        return Load(run, books.wrong(run, connections), lag.lags(watch.looks))

    def paused(self, connections: int, seconds: int) -> Load:
        """With the workers standing still."""
        books = Books(self._stage, [self.event_id])
        with self._stage.quiet():
            run = self._book(connections, seconds)
        return Load(run, books.wrong(run, connections), {})

    def _book(self, connections: int, seconds: int) -> Run:
        return book([self._stage.api], [self.event_id], self._stage.tokens, connections=connections, seconds=seconds)


@contextmanager
def peer_subject(stage: Stage, name: str) -> Iterator[Subject]:
    """A peer, running, with its hot event. Our own workers stand still while it is under load."""
    with peer(stage, name) as (server, url):
        event_id = uuid4()
        if url:
            with psycopg.connect(url) as connection:
                connection.execute(peers.NEW_EVENT, (event_id, "Hot event", CATEGORY, PRICE, "EUR", MAX_CAPACITY))

        def load(connections: int, seconds: int) -> Load:
            _, before = _counts(url)
            with stage.quiet():
                run = book([server], [event_id], stage.tokens, connections=connections, seconds=seconds)
            taken, booked = _counts(url)
            wrong = [] if taken == booked else [f"{taken} seats taken, {booked} booked"]
            return Load(run, wrong + (against_answers(booked - before, run, connections, "bookings") if url else []), {})

        yield Subject(name, server.process, load)


def _counts(url: str) -> tuple[int, int]:
    """A peer's seats taken and seats booked."""
    if not url:
        return 0, 0
    with psycopg.connect(url) as connection:
        row = connection.execute(peers.COUNT).fetchone()
    assert row
    return int(row[0]), int(row[1])
