"""What a manage link opens: a booking that was made without an account. GET changes nothing."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from ledger.errors import BookingNotFound, EventNotFound, OpenDate
from ledger.settings import Settings
from ledger.views import BookingView
from notifications.mail.calendar_file import make_calendar_file
from notifications.mail.letters import Occasion
from notifications.manage_links import Managed, ManagedBooking
from query_api import queries
from query_api.read_side import Reader, RequestReader
from query_api.recent_bookings import ShownBooking
from query_api.responses.http import JSON, headers_of, json_response
from query_api.responses.views import ManagedBookingView
from query_api.routes.proofs import receipt_response

router = APIRouter(prefix="/api/manage", tags=["bookings"])

_CALENDAR = "text/calendar; charset=utf-8; method=PUBLISH"


class _Event(msgspec.Struct, frozen=True):
    """What of the event's JSON is needed here."""

    id: UUID
    name: str
    venue: str
    status: str
    starts_at: datetime | None
    ends_at: datetime | None
    show_at: datetime | None
    timezone: str
    past_at: datetime | None
    sales_close_at: datetime | None

    def lets_cancel(self, booking: BookingView, now: datetime) -> bool:
        """As the rules do (`ledger/decide.py`), at this moment."""
        until = self.sales_close_at if self.starts_at is None else self.past_at
        is_in_time = self.status == "active" and (until is None or now < until)
        return is_in_time and any(ticket.status == "active" for ticket in booking.tickets)


@router.get("", operation_id="get_managed_booking", response_model=ManagedBookingView, responses=JSON)
async def get_managed_booking(managed: Managed, reader: Reader) -> Response:
    """The booking with its tickets and their codes, and its event."""
    booking, event_json, position = await _read(managed, reader)
    event = msgspec.json.decode(event_json, type=_Event)
    view = {
        "booking": booking.view, "event": msgspec.Raw(event_json), "name": managed.name, "email": managed.email,
        "can_cancel": event.lets_cancel(booking.view, reader.side.clock()),
    }  # fmt: skip
    return json_response(view, position)


@router.get("/receipt", operation_id="get_managed_receipt", response_class=PlainTextResponse, responses=JSON)
async def get_managed_receipt(managed: Managed, reader: Reader) -> Response:
    """A file that proves the booking as of the newest checkpoint, for the offline verifier (`seatledger-verify`)."""
    shown = await reader.side.booking(managed.booking_id, reader.at_least)
    if shown is None:
        raise BookingNotFound
    reader = reader._replace(at_least=max(shown.view.number, reader.at_least or 0))
    _, rows = await reader.fetch(queries.booking_by_id(managed.booking_id))
    return await receipt_response(reader, rows[0])


@router.get(
    "/calendar", operation_id="get_managed_calendar", response_class=Response,
    responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}, **JSON[200]}},
)  # fmt: skip
async def get_managed_calendar(request: Request, managed: Managed, reader: Reader) -> Response:
    """The event as a calendar file, without the link: others may see a calendar."""
    booking, event_json, position = await _read(managed, reader)
    event = msgspec.json.decode(event_json, type=_Event)
    if event.starts_at is None:
        raise OpenDate
    settings: Settings = request.app.state.settings
    url = f"{settings.server_url}/events/{event.id}"
    occasion = Occasion(
        event.id, event.name, event.venue, event.starts_at, event.ends_at, event.show_at, event.timezone, url
    )  # fmt: skip
    is_cancelled = event.status == "cancelled" or booking.view.status == "cancelled"
    file = make_calendar_file(occasion, url, datetime.now(UTC), is_cancelled=is_cancelled)
    name = {"Content-Disposition": f'attachment; filename="booking-{booking.view.number}.ics"'}
    return Response(file, headers=headers_of(position) | name, media_type=_CALENDAR)


async def _read(managed: ManagedBooking, reader: RequestReader) -> tuple[ShownBooking, bytes, int]:
    """The booking, its event as JSON, and the position that both have reached."""
    booking = await reader.side.booking(managed.booking_id, reader.at_least)
    if booking is None:
        raise BookingNotFound
    event = await reader.side.event(managed.event_id, max(booking.view.number, reader.at_least or 0))
    if event is None:
        raise EventNotFound
    return booking, event.made.body, min(booking.position, event.position)
