"""The synchronous standby was lost: what waits for it is not acknowledged, also not to whoever repeats the command."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.server_files import temporary_directory
from tests.faults.clusters import Primary, primary
from tests.running_system import Person, Stack, system_settings, tickets


@pytest.fixture
def server() -> Iterator[Primary]:
    with temporary_directory("seatledger-test-") as directory, primary(directory / "own") as server:
        yield server


@pytest.fixture
def stack(server: Primary, redis_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(system_settings(server.url, redis_url, tmp_path))
    yield stack
    server.set("synchronous_standby_names", "")
    stack.stop()


def test_repeated_command_waits_for_the_standby_too(server: Primary, stack: Stack) -> None:
    """A booking that is committed on the primary alone would be lost with it."""
    customer = stack.person()
    path = f"/api/events/{stack.event(stack.person('organizer'))['id']}/bookings"

    def book(key: str) -> tuple[int, Any]:
        response = Person(stack.http, token=customer.token).do("POST", path, tickets(1), key=key)
        return response.status_code, response.json()

    acknowledged = book("before")
    server.set("synchronous_standby_names", "gone")
    status, problem = book("during")
    assert (status, problem["type"]) == (503, "/problems/outcome-unknown")
    # The server ends the session that waits, as a restart does: its transaction is committed there.
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
    [(stored,)] = server.sql("SELECT count(*) FROM ledger_entries WHERE topic LIKE 'seats-booked/%'")
    assert stored == 2
    for key in ("during", "before"):
        status, problem = book(key)
        assert (status, problem["type"]) == (503, "/problems/outcome-unknown"), key
    server.set("synchronous_standby_names", "")
    status, booking = book("during")
    assert status == 201
    assert book("during") == (201, booking)
    assert book("before") == acknowledged
