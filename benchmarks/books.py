"""The books after a load: an entry for each 201, a seat and a ticket for each entry, and never a seat that there was not."""

from collections.abc import Sequence
from uuid import UUID

from benchmarks.load import Run
from benchmarks.stage import Stage

_SOLD = """
    SELECT coalesce(sum(newest.originator_version - 1), 0) FROM unnest(%s::uuid[]) AS event (id), LATERAL (
        SELECT originator_version FROM ledger_entries WHERE originator_id = event.id ORDER BY originator_version DESC LIMIT 1
    ) AS newest"""
_READ_TABLES = """
    SELECT (SELECT sum(taken) FROM availability_categories WHERE event_id = ANY(%(events)s)),
           (SELECT count(*) FROM tickets JOIN bookings USING (booking_id) WHERE event_id = ANY(%(events)s))"""


class Books:
    """Of these Events, which have nothing but bookings of one seat. Settled when it is made; ask `wrong` after one load."""

    def __init__(self, stage: Stage, events: Sequence[UUID]) -> None:
        self._stage, self._events = stage, list(set(events))
        stage.settle()
        self.before = self.sold()

    def sold(self) -> int:
        return sold(self._stage, self._events)

    def wrong(self, run: Run, connections: int) -> list[str]:
        """Once all is projected."""
        self._stage.settle()
        sold = self.sold()
        found = against_answers(sold - self.before, run, connections, "entries")
        with self._stage.connect() as connection:
            taken, tickets = connection.execute(_READ_TABLES, {"events": self._events}).fetchone() or (None, None)
        if not taken == tickets == sold:
            found.append(f"{sold} bookings in the ledger, {taken} seats sold and {tickets} tickets in the read tables")
        return found


def sold(stage: Stage, events: Sequence[UUID]) -> int:
    """Seats, by the ledger: its streams have no gaps, and their first entry schedules the Event."""
    with stage.connect() as connection:
        row = connection.execute(_SOLD, (list(events),)).fetchone()
    assert row
    return int(row[0])


def against_answers(made: int, run: Run, connections: int, what: str) -> list[str]:
    """Those on their way when the load ended, and those whose answer was not a 201, may be there or not."""
    if run.answered <= made <= run.answered + connections + run.refused + run.lost:
        return []
    return [f"{run.answered} 201s were answered and {made} {what} made"]


def failures(run: Run) -> list[str]:
    """Of a load that nothing stands in the way of."""
    if run.refused or run.lost:
        return [f"{run.refused} answers were no 201 or 200 and {run.lost} were lost or late"]
    return []
