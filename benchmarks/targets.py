"""The targets of the hot-Event load: Seatledger with workers projecting or paused, and each peer. Consistency is checked after each
load."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

import psycopg

from benchmarks import lag, peers
from benchmarks.consistency import ConsistencyCheck, count_mismatch
from benchmarks.deployment import Deployment, start_peer_with_database
from benchmarks.history import PRICE
from benchmarks.load import CATEGORY, LoadResult, book
from benchmarks.processes import Process
from ledger.changing import MAX_CAPACITY


class TargetResult(NamedTuple):
    """What wrk counted, inconsistencies afterwards, and the projections' lags where they were sampled."""

    run: LoadResult
    wrong: list[str]
    lags: dict[str, list[float]]


@dataclass(frozen=True)
class Target:
    """`load`: books with this number of connections for this number of seconds."""

    name: str
    process: Process
    load: Callable[[int, int], TargetResult]


class HotEvent:
    """Seatledger under load; `event_id` is the hot Event of the current round."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.event_id = deployment.schedule_event()

    def with_workers(self, connections: int, seconds: int) -> TargetResult:
        """Loads while the workers project, and samples their lag."""
        consistency = ConsistencyCheck(self._deployment, [self.event_id])
        with lag.LagSampler.open(self._deployment.settings.database_url) as sampler:
            run = self._book(connections, seconds)
        return TargetResult(run, consistency.violations(run, connections), lag.lags(sampler.samples))

    def without_workers(self, connections: int, seconds: int) -> TargetResult:
        """Loads while the workers are paused."""
        consistency = ConsistencyCheck(self._deployment, [self.event_id])
        with self._deployment.paused_workers():
            run = self._book(connections, seconds)
        return TargetResult(run, consistency.violations(run, connections), {})

    def _book(self, connections: int, seconds: int) -> LoadResult:
        return book([self._deployment.api], [self.event_id], self._deployment.tokens, connections=connections, seconds=seconds)


@contextmanager
def peer_target(deployment: Deployment, name: str) -> Iterator[Target]:
    """A running peer with a hot event. Our own workers are paused while it is under load."""
    with start_peer_with_database(deployment, name) as (server, url):
        event_id = uuid4()
        if url:
            with psycopg.connect(url) as connection:
                connection.execute(peers.NEW_EVENT, (event_id, "Hot event", CATEGORY, PRICE, "EUR", MAX_CAPACITY))

        def load(connections: int, seconds: int) -> TargetResult:
            _, before = _counts(url)
            with deployment.paused_workers():
                run = book([server], [event_id], deployment.tokens, connections=connections, seconds=seconds)
            taken, booked = _counts(url)
            wrong = [] if taken == booked else [f"{taken} seats taken, {booked} booked"]
            return TargetResult(run, wrong + (count_mismatch(booked - before, run, connections, "bookings") if url else []), {})

        yield Target(name, server.process, load)


def _counts(url: str) -> tuple[int, int]:
    """A peer's seats taken and seats booked, which must be equal."""
    if not url:
        return 0, 0
    with psycopg.connect(url) as connection:
        row = connection.execute(peers.COUNT).fetchone()
    assert row
    return int(row[0]), int(row[1])
