"""Holds seats of the event with this name, and books them once it is known whose they are. Needs a running `make run`:

python examples/held_booking.py "Midsummer Jazz in the Park" gus@example.test [http://localhost:8000]
"""

import sys

from event_sdk import BookingsApi, Contact, EventsApi, HoldConfirmation, NewBooking, WantedTickets
from event_sdk_extras import Client, HoldGone, every


def main(name: str, email: str, host: str | None = None) -> None:
    client = Client(host)
    bookings_api = BookingsApi(client)
    event = next(every(EventsApi(client).get_events, q=name))

    wanted = NewBooking(tickets=[WantedTickets(category=event.categories[0].name, quantity=2)])
    hold = bookings_api.hold_tickets(event.id, wanted)
    bearer = {"Authorization": f"Bearer {hold.token}"}  # of a hold without a log-in
    print(f"Held for {hold.total_amount} {hold.currency} until {hold.expires_at:%H:%M}: nobody else gets these seats")

    extended = bookings_api.extend_hold(hold.id, _headers=bearer)
    print(f"More time: until {extended.expires_at:%H:%M}")
    confirmation = HoldConfirmation(expected_total=str(hold.total_amount), contact=Contact(name="Gus Guest", email=email))
    try:
        booking = bookings_api.confirm_hold(hold.id, hold_confirmation=confirmation, _headers=bearer)
    except HoldGone as error:  # only if it comes too late, and others have the seats
        print("Nothing was booked. Seats left:", error.problem.available)
    else:
        print("Booked:", ", ".join(ticket.code for ticket in booking.tickets))


if __name__ == "__main__":
    main(*sys.argv[1:])
