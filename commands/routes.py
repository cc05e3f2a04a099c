"""The HTTP routes of the write side: each makes a command from the request, executes it and responds. They contain no rules."""

import re
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from accounts.access import FOR_GUESTS, Buyer, BuyerOrGuest, IdempotencyKey, Organizer, SignedIn, command_id_of
from accounts.guest_secret import GuestSecretHeader
from commands.bodies import Cancellation, EventChanges, NewEvent, TicketCode, TicketIds
from commands.code_guesses import code_guesses_of
from commands.exact_numbers import ExactNumbersRoute
from commands.guest_orders import guest_orders_of
from commands.online_payments import online_payments_of
from commands.order_bodies import NewBooking, body_of, read_booking
from commands.orders import book
from commands.result import CommandResult
from commands.service import CommandService
from commands.write_side import WriteSide, view_response, with_field, write_side_of
from ledger.client_address import client_of
from ledger.commands import Actor, BookSeats, CancelBooking, CancelEvent, ChangeEvent, CheckIn, CompleteEvent, Role, ScheduleEvent
from ledger.errors import EventNotFound, InvalidCode, NotYourEvent, PreconditionRequired, TicketAlreadyUsed
from ledger.idempotency import command_id
from ledger.rules import is_box_office
from ledger.selling import MAX_TICKETS_PER_BOOKING
from ledger.views import BookingView, EventView, MadeBookingView, TicketView, ticket_id
from notifications.manage_links import Managed, manage_links_of

router = APIRouter(prefix="/api", route_class=ExactNumbersRoute)


def _event_response(result: CommandResult, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    assert isinstance(result.view, EventView)
    return view_response(result.view, result.position, status, {"ETag": f'"{result.view.details_version}"', **headers})


# --- events


@router.post("/events", status_code=201, tags=["events"], operation_id="create_event", response_model=EventView)
async def create_event(body: NewEvent, request: Request, principal: Organizer, key: IdempotencyKey = None) -> Response:
    """Creates an event; without `starts_at` it has an open date. Sales to customers end at `sales_close_at`; without it at the
    start, or never for an open date. The box office sells until `past_at`."""
    write_side = write_side_of(request)
    if body.pools or body.payment is not None:
        write_side.check_holds_on()
    online_payments_of(request).check_offered(body.payment)
    id_ = command_id_of(request, principal, key)
    currency = body.currency or await _default_currency(write_side, id_, key)
    command = ScheduleEvent(
        id=id_, actor=principal.actor, event_id=id_, details=body.details(), currency=currency,
        categories=body.numbered_categories(currency), pools=body.numbered_pools(),
        has_default_guests=body.guest_checkout is None,
    )  # fmt: skip
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return _event_response(result, 201, {"Location": f"/api/events/{result.view.id}"})


async def _default_currency(write_side: WriteSide, id_: UUID, key: str | None) -> str:
    """The currency setting; for a retry the currency of the first try, so that a changed setting does not make it another
    request."""
    event = await write_side.command_service.last_seen_event(id_) if key is not None else None
    return write_side.currency if event is None else event.currency


IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the event that you read")]


@router.patch("/events/{event_id}", tags=["events"], operation_id="update_event", response_model=EventView)
async def update_event(
    event_id: UUID, body: EventChanges, request: Request, principal: Organizer, if_match: IfMatch = None, key: IdempotencyKey = None
) -> Response:
    """Changes details, categories and pools; `categories` and `pools` are the whole new lists."""
    write_side = write_side_of(request)
    event = await write_side.command_service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    if body.pools or body.payment is not None:
        write_side.check_holds_on()
    online_payments_of(request).check_offered(body.payment)
    command = ChangeEvent(
        id=command_id_of(request, principal, key), actor=principal.actor, event_id=event_id,
        changes=body.changes(event.details.timezone), categories=body.category_changes(event.currency),
        pools=body.pool_changes(),
        expected_details_version=_expected_version(if_match),
    )  # fmt: skip
    return _event_response(await write_side.command_service.execute(command, request.is_disconnected))


@router.post("/events/{event_id}/cancel", tags=["events"], operation_id="cancel_event", response_model=EventView)
async def cancel_event(
    event_id: UUID, request: Request, principal: Organizer, body: Cancellation | None = None, key: IdempotencyKey = None
) -> Response:
    """Cancels the event; all of its bookings are owed a refund."""
    id_ = command_id_of(request, principal, key)
    command = CancelEvent(id=id_, actor=principal.actor, event_id=event_id, reason=body.reason if body else "")
    return _event_response(await write_side_of(request).command_service.execute(command, request.is_disconnected))


@router.post("/events/{event_id}/complete", tags=["events"], operation_id="complete_event", response_model=EventView)
async def complete_event(event_id: UUID, request: Request, principal: Organizer, key: IdempotencyKey = None) -> Response:
    """Completes the event, for good: nothing is booked, checked in or cancelled by customers afterwards. It need not be past."""
    command = CompleteEvent(id=command_id_of(request, principal, key), actor=principal.actor, event_id=event_id)
    return _event_response(await write_side_of(request).command_service.execute(command, request.is_disconnected))


@router.post("/events/{event_id}/check-ins", tags=["tickets"], operation_id="check_in_ticket", response_model=TicketView)
async def check_in_ticket(
    event_id: UUID, body: TicketCode, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Checks a ticket in by its code: once."""
    command_service = write_side_of(request).command_service
    event = await command_service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    if not is_box_office(event, principal.actor):
        raise NotYourEvent
    code = command_service.codes.read(event_id, body.code)
    location = code.location
    booked = await command_service.find_booking(event_id, location.version)
    if booked is None:
        raise InvalidCode
    booking_id = booked.booking_id
    command_service.codes.check(event_id, booking_id, booked.ticket_key, code)
    id_ = command_id_of(request, principal, key)
    command = CheckIn(id=id_, actor=principal.actor, event_id=event_id, booking_id=booking_id, ticket=location.ticket)
    try:
        result = await command_service.execute(command, request.is_disconnected)
    except TicketAlreadyUsed:  # the staff at the entrance need to know when
        used_at = await command_service.used_at(event_id, booking_id, location.ticket)
        raise TicketAlreadyUsed(**({"used_at": used_at.isoformat()} if used_at else {})) from None
    assert isinstance(result.view, BookingView)
    return view_response(result.view.tickets[location.ticket], result.position)


# --- bookings


@router.post(
    "/events/{event_id}/bookings", status_code=201, tags=["bookings"], operation_id="book_tickets", response_model=MadeBookingView,
    openapi_extra={**body_of(NewBooking), FOR_GUESTS: True},
)  # fmt: skip
async def book_tickets(
    event_id: UUID, request: Request, principal: BuyerOrGuest, key: IdempotencyKey = None, guest_secret: GuestSecretHeader = None
) -> Response:
    """Books tickets by category and quantity; at the box office for a `customer` or a walk-in; without a log-in for a `contact`, as
    the event's `guest_checkout` permits. With `expected_total`, nothing is booked at another price."""
    body = read_booking(await request.body(), request.headers.get("content-type", ""))
    with code_guesses_of(request).watched(client_of(request.scope), body.code):
        if principal is None:
            result = await guest_orders_of(request).order(BookSeats, event_id, body, request, key, guest_secret)
            view: object = with_field(result.view, "manage_url", manage_links_of(request).urls.make(result.view.id))
        else:
            id_ = command_id_of(request, principal, key)
            result = await book(write_side_of(request), event_id, body, principal.actor, id_, request.is_disconnected)
            view = result.view
    return view_response(view, result.position, 201, {"Location": f"/api/bookings/{result.view.id}"})


@router.delete("/bookings/{booking_id}", tags=["bookings"], operation_id="cancel_booking", response_model=BookingView)
async def cancel_booking(booking_id: UUID, request: Request, principal: Buyer, key: IdempotencyKey = None) -> Response:
    """Cancels the whole booking. A customer can do so until the event's `past_at`; for an open date until `sales_close_at`."""
    return await _cancel(booking_id, None, request, principal, key)


@router.post("/bookings/{booking_id}/cancel", tags=["bookings"], operation_id="cancel_tickets", response_model=BookingView)
async def cancel_tickets(
    booking_id: UUID, body: TicketIds, request: Request, principal: Buyer, key: IdempotencyKey = None
) -> Response:
    """Cancels some tickets of a booking."""
    return await _cancel(booking_id, body.tickets, request, principal, key)


@router.post("/manage/cancel", tags=["bookings"], operation_id="cancel_managed_tickets", response_model=BookingView)
async def cancel_managed_tickets(body: TicketIds, request: Request, managed: Managed, key: IdempotencyKey = None) -> Response:
    """Cancels tickets of the booking whose manage link this is, as a customer with an account can."""
    write_side = write_side_of(request)
    booking_id, event_id = managed.booking_id, managed.event_id
    numbers = await _ticket_numbers(write_side.command_service, event_id, booking_id, body.tickets)
    id_, actor = command_id(booking_id, request.method, request.scope["path"], key), Actor(managed.contact_id, Role.CUSTOMER)
    command = CancelBooking(id=id_, actor=actor, event_id=event_id, booking_id=booking_id, tickets=numbers)
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return view_response(result.view, result.position)


async def _cancel(booking_id: UUID, tickets: list[UUID] | None, request: Request, principal: SignedIn, key: str | None) -> Response:
    write_side = write_side_of(request)
    event_id = await write_side.find_event_id(booking_id)
    numbers = None if tickets is None else await _ticket_numbers(write_side.command_service, event_id, booking_id, tickets)
    id_ = command_id_of(request, principal, key)
    command = CancelBooking(id=id_, actor=principal.actor, event_id=event_id, booking_id=booking_id, tickets=numbers)
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return view_response(result.view, result.position)


async def _ticket_numbers(
    command_service: CommandService, event_id: UUID, booking_id: UUID, tickets: list[UUID]
) -> tuple[int, ...]:
    """The numbers of tickets by their ids, which are derived from the booking's id and these numbers. An id that is not one of the
    booking gets a number that does not exist, either: the rules refuse it, after they have checked that the actor may see the
    booking."""
    event = await command_service.last_seen_event(event_id)
    seats = event.bookings.get(booking_id.bytes) if event else None
    count = len(seats[1]) if seats else MAX_TICKETS_PER_BOOKING
    numbers = {ticket_id(booking_id, number): number for number in range(count)}
    return tuple(sorted({numbers.get(ticket, MAX_TICKETS_PER_BOOKING) for ticket in tickets}))


#: After the version of the details follow, for caches, a hash of the body and its encoding.
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})(?:-[0-9a-z-]+)?"')


def _expected_version(if_match: str | None) -> int:
    """The details version that If-Match names; 0, which never exists, for an ETag of another form. Raises PreconditionRequired."""
    if if_match is None:
        raise PreconditionRequired
    match = _ETAG.fullmatch(if_match.strip())
    return int(match[1]) if match else 0
