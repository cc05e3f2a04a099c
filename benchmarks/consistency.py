"""Consistency after a load: one entry for each 201, one seat and one ticket for each entry, and no seat sold twice."""

from collections.abc import Sequence
from uuid import UUID

from benchmarks.deployment import Deployment
from benchmarks.load import LoadResult

_SOLD = """
    SELECT coalesce(sum(newest.originator_version - 1), 0) FROM unnest(%s::uuid[]) AS event (id), LATERAL (
        SELECT originator_version FROM ledger_entries WHERE originator_id = event.id ORDER BY originator_version DESC LIMIT 1
    ) AS newest"""
_READ_TABLES = """
    SELECT (SELECT sum(taken) FROM availability_categories WHERE event_id = ANY(%(events)s)),
           (SELECT count(*) FROM tickets JOIN bookings USING (booking_id) WHERE event_id = ANY(%(events)s))"""


class ConsistencyCheck:
    """Checks these Events, which have only bookings of one seat.

    Waits until all entries are projected when it is made. Call `violations` after one load."""

    def __init__(self, deployment: Deployment, events: Sequence[UUID]) -> None:
        self._deployment, self._events = deployment, list(set(events))
        deployment.wait_until_projected()
        self.before = self.seats_sold()

    def seats_sold(self) -> int:
        return seats_sold(self._deployment, self._events)

    def violations(self, result: LoadResult, connections: int) -> list[str]:
        """What is inconsistent, one sentence each, after all entries were projected."""
        self._deployment.wait_until_projected()
        sold = self.seats_sold()
        problems = count_mismatch(sold - self.before, result, connections, "entries")
        with self._deployment.connect() as connection:
            taken, tickets = connection.execute(_READ_TABLES, {"events": self._events}).fetchone() or (None, None)
        if not taken == tickets == sold:
            problems.append(f"{sold} bookings in the ledger, {taken} seats sold and {tickets} tickets in the read tables")
        return problems


def seats_sold(deployment: Deployment, events: Sequence[UUID]) -> int:
    """Seats sold, from the ledger: streams have no gaps, and the first entry of each schedules the Event."""
    with deployment.connect() as connection:
        row = connection.execute(_SOLD, (list(events),)).fetchone()
    assert row
    return int(row[0])


def count_mismatch(made: int, run: LoadResult, connections: int, what: str) -> list[str]:
    """Compares entries made with responses. Requests that were in progress at the end, or failed, may have made entries or not."""
    if run.answered <= made <= run.answered + connections + run.refused + run.lost:
        return []
    return [f"{run.answered} requests got a 201, and {made} {what} were made"]


def failures(run: LoadResult) -> list[str]:
    """What failed in a load in which no request should fail."""
    if run.refused or run.lost:
        return [f"{run.refused} responses were not a 201 or 200, and {run.lost} were lost or late"]
    return []
