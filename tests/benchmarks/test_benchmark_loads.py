"""The parts of benchmark loads: fast histories, fixed rates, delays, and peers with the same read models."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from pydantic import BaseModel

from benchmarks import history, results
from benchmarks.live import delays_ms
from benchmarks.many_events import zipf
from benchmarks.open_loop import OpenLoopLoad, OpenLoopResult, running_load
from benchmarks.peers import __main__ as peers_command
from benchmarks.peers import read_bodies
from benchmarks.peers.plain_reads import Statement
from benchmarks.processes import clean_environment, running_process, wait_until_responding
from devstack.readiness import free_port
from ledger.entries import SeatsBooked
from ledger.event import Event
from ledger.evolve import evolve
from ledger.snapshots import restore_synchronously, take
from ledger.store import Ledger
from ledger.views import EventView
from query_api import queries
from query_api.responses.statistics_views import EventStatsPage, EventStatsView, SummaryView
from query_api.responses.views import BookingPage, EventPage
from tests.ledger import storage


def _event(ledger: Ledger, event_id: UUID) -> Event:
    event = None
    for recorded in ledger.stream(event_id):
        event = evolve(event, recorded)
    assert event is not None
    return event


def test_fast_history_equals_a_real_one(database_url: str) -> None:
    customers = [uuid4() for _ in range(3)]
    with closing(Ledger(database_url, storage.MACS)) as ledger, psycopg.connect(database_url) as connection:
        first, second = history.schedule(ledger, uuid4(), ["First", "Second"], seats=7)
        history.sell(connection, storage.MACS, [history.Sales(first, 2, 2_500), history.Sales(second, 2, 2)], customers)
        history.sell(connection, storage.MACS, [history.Sales(second, 4, 1)], customers)
        event, entry = _event(ledger, first), list(ledger.stream(first))[1].entry
        assert [(seats.taken, seats.available) for seats in event.categories.values()] == [(0, 7), (2_500, 997_500)]
        assert (event.version, len(event.bookings), len(event.customers)) == (2_501, 2_500, 3)
        assert restore_synchronously(take(event)).bookings == event.bookings
        assert isinstance(entry, SeatsBooked)
        assert (entry.customer_id, entry.actor) == (customers[0], customers[0])
        assert _event(ledger, second).version == 4
        assert ledger.head() == 2 + 2_502 + 1


def test_zipf_is_steep_and_deterministic() -> None:
    events = [uuid4() for _ in range(100)]
    drawn = Counter(zipf(events, 10_000))
    assert zipf(events, 10) == zipf(events, 10)
    assert drawn[events[0]] > 1.6 * drawn[events[1]] > 10 * drawn[events[50]]


def test_goal_has_its_own_row() -> None:
    rows = [results.at_least(2.5, "reads", "ours / theirs", [2.4, 2.6, 9.0]), results.at_most(1.0, "reads", "p50", [1.1])]
    assert [(row.value, row.goal) for row in rows] == [(2.6, "at least 2.5: met"), (1.1, "at most 1.0: MISSED")]
    assert results.ratios([1, 4], [2, 2]) == [0.5, 2.0]


def test_delay_ends_at_the_delivery_of_the_position_or_a_later_one() -> None:
    told = [[(10, 1.0), (30, 3.0)], [(20, 2.5)]]
    assert list(delays_ms([(10, 0.5), (15, 1.5), (25, 2.0)], told)) == pytest.approx([500, 2000, 1500, 1000, 1000])


def test_open_loop_result_computes_rate_and_failures() -> None:
    offered = OpenLoopResult(
        rate=100, seconds=2, statuses={201: 190, 503: 10}, lost=1, responses=[(1.0, 0.002), (2.0, 0.004), (3.0, 0.1)]
    )
    assert (offered.per_second, offered.was_reached, offered.percentile_ms(99), offered.percentile_ms(99, 1, 2)) == (
        95,
        False,
        100,
        4,
    )
    assert offered.failures() == ["of the bookings sent, {503: 10} got another status and 1 were lost"]
    assert OpenLoopResult(rate=100, seconds=2, statuses={201: 200}, lost=0, responses=[]).failures() == []


@contextmanager
def _empty(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    environment = {**clean_environment(), "PORT": str(port)}
    with running_process("empty", ["-m", "benchmarks.peers", "empty"], environment, tmp_path / "log") as process:
        wait_until_responding(process, port, "/openapi.json")
        yield port


def test_open_loop_load_keeps_its_rate(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("one\ntwo\n")
    with _empty(tmp_path) as port:
        offer = OpenLoopLoad([port], [f"/api/events/{uuid4()}/bookings"], str(tokens), rate=200, seconds=0.5)
        with running_load(tmp_path, offer) as under_way:
            pass
    offered = under_way.result
    assert (offered.statuses, offered.lost, len(offered.responses)) == ({201: 100}, 0, 100)
    assert 0.4 < offered.responses[-1][0] - offered.responses[0][0] < 0.6


@pytest.mark.parametrize(
    ("body", "view"),
    [
        (read_bodies.Event, EventView),
        (read_bodies.EventPage, EventPage),
        (read_bodies.BookingPage, BookingPage),
        (read_bodies.Summary, SummaryView),
        (read_bodies.EventStats, EventStatsView),
        (read_bodies.EventStatsPage, EventStatsPage),
    ],
)
def test_peers_read_models_match_ours(body: type[BaseModel], view: type) -> None:
    assert list(body.model_fields) == [field.name for field in fields(view)]


async def test_empty_peer_responds_to_reads() -> None:
    event_id = str(uuid4())
    transport = httpx.ASGITransport(peers_command.make_app("empty", ""))
    async with httpx.AsyncClient(transport=transport, base_url="http://peer") as client:
        assert (await client.get(f"/api/events/{event_id}")).json()["id"] == event_id
        assert len((await client.get("/api/events", params={"q": "kind 17", "limit": 7})).json()["items"]) == 7


def test_statement_is_converted_for_asyncpg() -> None:
    ours = queries.event_totals(viewer=UUID(int=1), q="", after=None, limit=50)
    plain = Statement.of(ours)
    assert "%(" not in plain.sql
    assert plain.values == {"viewer": UUID(int=1), "limit": 51}
    assert all(f"${number}" in plain.sql for number in (1, 2))
