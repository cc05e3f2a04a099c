"""The books after a load: an entry for each 201, a seat and a ticket for each entry, and never a seat that there was not."""

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
    """Of these Events, which have nothing but bookings of one seat. Settled when it is made; ask `wrong` after one load."""

    def __init__(self, deployment: Deployment, events: Sequence[UUID]) -> None:
        self._deployment, self._events = deployment, list(set(events))
        deployment.wait_until_projected()
        self.before = self.seats_sold()

    def seats_sold(self) -> int:
        return seats_sold(self._deployment, self._events)

    def violations(self, result: LoadResult, connections: int) -> list[str]:
        """Once all is projected."""
        self._deployment.wait_until_projected()
        sold = self.seats_sold()
        found = count_mismatch(sold - self.before, result, connections, "entries")
        with self._deployment.connect() as connection:
            taken, tickets = connection.execute(_READ_TABLES, {"events": self._events}).fetchone() or (None, None)
        if not taken == tickets == sold:
            found.append(f"{sold} bookings in the ledger, {taken} seats sold and {tickets} tickets in the read tables")
        return found


def seats_sold(deployment: Deployment, events: Sequence[UUID]) -> int:
    """Seats, by the ledger: its streams have no gaps, and their first entry schedules the Event."""
    with deployment.connect() as connection:
        row = connection.execute(_SOLD, (list(events),)).fetchone()
    assert row
    return int(row[0])


def count_mismatch(made: int, run: LoadResult, connections: int, what: str) -> list[str]:
    """Those on their way when the load ended, and those whose answer was not a 201, may be there or not."""
    if run.answered <= made <= run.answered + connections + run.refused + run.lost:
        return []
    return [f"{run.answered} 201s were answered and {made} {what} made"]


def failures(run: LoadResult) -> list[str]:
    """Of a load that nothing stands in the way of."""
    if run.refused or run.lost:
        return [f"{run.refused} answers were no 201 or 200 and {run.lost} were lost or late"]
    return []
