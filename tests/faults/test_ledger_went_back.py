"""A backup is restored under the running system (R16): what was booked after it is lost, and nothing else."""

import time
from collections import Counter

import psycopg

from tests.conftest import PostgresServer
from tests.faults.sale import Sale
from tests.running_system import Stack
from tests.soak import rounds


def _streams(url: str) -> dict[str, list[int]]:
    """The versions of each stream."""
    query = "SELECT originator_id::text, array_agg(originator_version ORDER BY originator_version) FROM ledger_entries GROUP BY 1"
    with psycopg.connect(url) as connection:
        return dict(connection.execute(query).fetchall())


def test_backup_is_restored_under_the_running_system(own_stack: Stack, postgres_server: PostgresServer) -> None:
    stack, url = own_stack, own_stack.settings.database_url
    sale, seconds = Sale(stack, stack.person("organizer")), []
    for _ in range(rounds(2, 20)):
        sale.wait_for(3)
        backup = postgres_server.back_up(url)
        sale.wait_for(5)
        postgres_server.restore(url, backup)
        restored = time.monotonic()
        sale.wait_for(1)
        seconds.append(time.monotonic() - restored)
    sale.end()
    streams, stand = _streams(url), sale.booked_in(url)
    for event_id, versions in streams.items():
        assert versions == list(range(1, len(versions) + 1)), f"a gap in {event_id}"
    assert set(sale.statuses) <= {201, 503}, sale.statuses
    lost = [booking for booking in sale.booked if booking["id"] not in stand]
    assert lost, "the restore lost nothing: then this test shows nothing"
    codes = Counter(ticket["code"] for booking in sale.booked for ticket in booking["tickets"])
    assert max(codes.values()) == 1, "a ticket code was given out twice"
    _check_read_tables(stack, sale, stand)
    print(
        f"R16: {len(sale.booked)} bookings, {len(lost)} of them lost with the database; {len(streams)} streams without a gap;"
        f" all sold again {max(seconds):.1f} s after a restore at the latest; {dict(sale.statuses)}"
    )


def _check_read_tables(stack: Stack, sale: Sale, stand: set[str]) -> None:
    """What the page shows is what the ledger has."""
    stack.settle()
    for event_id in sale.events:
        booked = sum(2 for booking in sale.booked if booking["event_id"] == event_id and booking["id"] in stand)
        category = stack.admin.ok("GET", f"/api/events/{event_id}")["categories"][0]
        assert category["capacity"] - category["available"] == booked
    projections = stack.admin.ok("GET", "/api/projections")["items"]
    assert {projection["state"] for projection in projections} == {"running"}, projections
