"""Books a ticket without an account, for the event with this name: at once where the event permits it, else after the code that is
mailed was typed in. Needs a running `make run`, which shows the mail at http://localhost:8000/mailbox:

python examples/guest_booking.py "Late Night at the Museum" gus@example.test [http://localhost:8000]
"""

import sys

from event_sdk import BookingsApi, ConfirmContact, Contact, EventsApi, NewBooking, VerifyContact, WantedTickets
from event_sdk_extras import Client, EmailUnverified, every


def main(name: str, email: str, host: str | None = None) -> None:
    client = Client(host)
    bookings_api = BookingsApi(client)
    event = next(every(EventsApi(client).get_events, q=name))
    print(f"{event.name}: guests book {event.guest_checkout.value}")

    wanted = NewBooking(
        tickets=[WantedTickets(category=event.categories[0].name, quantity=1)],
        contact=Contact(name="Gus Guest", email=email),
    )
    try:
        booking = bookings_api.book_tickets(event.id, wanted)
    except EmailUnverified:
        bookings_api.verify_contact(VerifyContact(email=email))
        code = input(f"Code that was sent to {email}: ")
        wanted.proof = bookings_api.confirm_contact(ConfirmContact(email=email, code=code)).proof
        booking = bookings_api.book_tickets(event.id, wanted)
    print(f"Booked for {booking.total_amount} {booking.currency}:", ", ".join(ticket.code for ticket in booking.tickets))


if __name__ == "__main__":
    main(*sys.argv[1:])
