"""Creates an event, books all seats, tries to book more, cancels, and watches the availability. Needs a running `make run`:

python examples/house_concert.py [http://localhost:8000]
"""

import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from event_sdk import BookingsApi, Event, EventsApi, NewBooking, NewCategory, NewEvent, WantedTickets
from event_sdk_extras import Availability, Client, SoldOut, availability, every

PASSWORD = "demo-password"  # noqa: S105 - the demo's published password


def main(host: str | None = None) -> None:
    organizer, alice = Client(host), Client(host)
    print("Organizer:", organizer.log_in("organizer@example.test", PASSWORD).name)
    print("Customer:", alice.log_in("alice@example.test", PASSWORD).name)

    chairs = NewCategory(name="Chair", price=Decimal(12), capacity=2)
    starts_at = datetime.now(UTC) + timedelta(days=30)
    event = EventsApi(organizer).create_event(NewEvent(name="House concert", starts_at=starts_at, categories=[chairs]))
    print(f"Created {event.name!r}: {event.available} chairs at {event.categories[0].price} {event.currency}, {event.status.value}")

    watch = AvailabilityWatch(host, event)
    two = NewBooking(tickets=[WantedTickets(category="Chair", quantity=2)])
    booking = BookingsApi(alice).book_tickets(event.id, two)
    codes = ", ".join(ticket.code for ticket in booking.tickets)
    print(f"Booked {len(booking.tickets)} tickets for {booking.total_amount}: {codes}")
    watch.wait_for(0)

    try:
        BookingsApi(alice).book_tickets(event.id, two)
    except SoldOut as error:
        print(f"Booked too many: {error} (available: {error.problem.available})")

    cancelled = BookingsApi(alice).cancel_booking(booking.id)
    print(f"Cancelled: {cancelled.status.value}, {cancelled.refunded_amount} {cancelled.currency} back")
    watch.wait_for(2)

    statuses = [booking.status.value for booking in every(BookingsApi(alice).get_bookings, event_id=event.id)]
    print(f"Alice's bookings of it: {statuses}; seats left: {EventsApi(alice).get_event(event.id).available}")


class AvailabilityWatch:
    """Prints the seats left, in a thread of its own."""

    def __init__(self, host: str | None, event: Event) -> None:
        self._seen: list[int] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._watch, args=(Client(host), event), daemon=True).start()
        self.wait_for(2)

    def _watch(self, client: Client, event: Event) -> None:
        for now in availability(client, event.id):
            self._note(now)

    def _note(self, now: Availability) -> None:
        print(f"  live: {now.available} left {now.categories}")
        with self._changed:
            self._seen.append(now.available)
            self._changed.notify()

    def wait_for(self, available: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen[-1:] == [available], timeout=20):
                raise TimeoutError(f"The live stream did not say {available}.")


if __name__ == "__main__":
    main(*sys.argv[1:2])
