"""An example projection: the number of tickets of each event that were sold and not cancelled, in the file tickets.sqlite.

`.venv/bin/python -m docs.examples.own_projection` follows the ledger of a running `make run`, or of DATABASE_URL: see
docs/own-projections.md.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder

from ledger.entries import BookingCancelled, SeatsBooked
from ledger.store import Ledger


class Tickets(SQLiteTrackingRecorder):
    """The read table `tickets`, and the projection's position in a second table."""

    def construct_create_table_statements(self) -> list[str]:
        table = "CREATE TABLE IF NOT EXISTS tickets (event_id TEXT PRIMARY KEY, sold INTEGER NOT NULL)"
        return [*super().construct_create_table_statements(), table]

    def add(self, event_id: UUID, sold: int, tracking: Tracking) -> None:
        upsert = "INSERT INTO tickets VALUES (?, ?) ON CONFLICT DO UPDATE SET sold = sold + excluded.sold"
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(upsert, (str(event_id), sold))


class TicketsSold(Projection[Tickets]):
    """Adds the tickets of each booking to its event, and subtracts the cancelled ones."""

    name = "tickets-sold"
    topics = ("seats-booked/1", "booking-cancelled/1")

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        match domain_event.entry:
            case SeatsBooked(lines=lines):
                self.view.add(domain_event.stream, sum(line.quantity for line in lines), tracking)
            case BookingCancelled(tickets=tickets):
                self.view.add(domain_event.stream, -len(tickets), tracking)


if __name__ == "__main__":
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": "tickets.sqlite"}
    runner = ProjectionRunner(application_class=Ledger, projection_class=TicketsSold, view_class=Tickets, env=environment)
    with suppress(KeyboardInterrupt), runner:
        runner.run_forever()
