"""The HTTP routes of the write side: each makes a command from the request, executes it and responds. They contain no rules."""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Request, Response

from accounts.access import FOR_GUESTS, Buyer, BuyerOrGuest, IdempotencyKey, Organizer, SignedIn, command_id_of
from accounts.directory import Contact
from accounts.errors import NotSignedIn
from accounts.guest_secret import GuestSecretHeader
from commands.appender.pending import DisconnectCheck
from commands.bodies import (
    BOOKING_SCHEMA,
    BoxOfficeCustomer,
    Cancellation,
    EventChanges,
    NewBooking,
    NewEvent,
    TicketCode,
    TicketIds,
    read_booking,
    read_person,
)
from commands.exact_numbers import ExactNumbersRoute
from commands.guest_bookings import GuestBookings
from commands.result import CommandResult
from commands.service import CommandService
from ledger.commands import Actor, BookSeats, CancelBooking, CancelEvent, ChangeEvent, CheckIn, CompleteEvent, Role, ScheduleEvent
from ledger.errors import (
    BookingNotFound,
    EventNotFound,
    InvalidCode,
    Malformed,
    NotYourEvent,
    PreconditionRequired,
    TicketAlreadyUsed,
)
from ledger.idempotency import command_id
from ledger.rules import is_box_office
from ledger.selling import MAX_TICKETS_PER_BOOKING
from ledger.views import BookingView, EventView, MadeBookingView, TicketView, ticket_id
from notifications.manage_links import Managed, manage_links_of

router = APIRouter(prefix="/api", route_class=ExactNumbersRoute)
_encode = msgspec.json.Encoder().encode


class WriteSide:
    """The services that the routes use, in `app.state.write_side`. `find_event` finds the event of a booking;
    `find_contact` finds or creates the organizer's contact with a name and an e-mail address; `key` is 32 secret bytes."""

    def __init__(
        self,
        command_service: CommandService,
        *,
        currency: str,
        find_event: Callable[[UUID], Awaitable[UUID | None]],
        find_contact: Callable[[UUID, str, str], Awaitable[Contact]],
        key: bytes,
    ) -> None:
        self.command_service, self.currency, self._key = command_service, currency, key
        self._find_event, self.find_contact = find_event, find_contact

    def customer_proof(self, customer: BoxOfficeCustomer) -> bytes:
        """A keyed digest of the name and e-mail address of a customer in a request. Its digest is stored in the ledger, and reveals
        nothing without the key."""
        return blake2b(_encode([customer.name, customer.email]), key=self._key, digest_size=16, person=b"box office").digest()

    async def find_event_id(self, booking_id: UUID) -> UUID:
        event_id = await self._find_event(booking_id)
        if event_id is None:
            raise BookingNotFound
        return event_id


def _write_side(request: Request) -> WriteSide:
    write_side: WriteSide = request.app.state.write_side
    return write_side


def _response(view: object, position: int, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    """The view of a command's result as JSON, with its ledger position; no cache may store it."""
    head = {"Ledger-Position": str(position), "Cache-Control": "no-store", **headers}
    return Response(_encode(view), status, head, "application/json")


def _event_response(result: CommandResult, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    assert isinstance(result.view, EventView)
    return _response(result.view, result.position, status, {"ETag": f'"{result.view.details_version}"', **headers})


# --- events


@router.post("/events", status_code=201, tags=["events"], operation_id="create_event", response_model=EventView)
async def create_event(body: NewEvent, request: Request, principal: Organizer, key: IdempotencyKey = None) -> Response:
    """Creates an event; without `starts_at` it has an open date. Sales to customers end at `sales_close_at`; without it at the
    start, or never for an open date. The box office sells until `past_at`."""
    write_side = _write_side(request)
    id_ = command_id_of(request, principal, key)
    currency = body.currency or await _default_currency(write_side, id_, key)
    command = ScheduleEvent(
        id=id_, actor=principal.actor, event_id=id_, details=body.details(), currency=currency,
        categories=body.numbered_categories(currency), has_default_guests=body.guest_checkout is None,
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
    """Changes details and categories; `categories` is the whole new list."""
    write_side = _write_side(request)
    event = await write_side.command_service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    command = ChangeEvent(
        id=command_id_of(request, principal, key), actor=principal.actor, event_id=event_id,
        changes=body.changes(event.details.timezone), categories=body.category_changes(event.currency),
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
    return _event_response(await _write_side(request).command_service.execute(command, request.is_disconnected))


@router.post("/events/{event_id}/complete", tags=["events"], operation_id="complete_event", response_model=EventView)
async def complete_event(event_id: UUID, request: Request, principal: Organizer, key: IdempotencyKey = None) -> Response:
    """Completes the event, for good: nothing is booked or checked in afterwards. It need not be past."""
    command = CompleteEvent(id=command_id_of(request, principal, key), actor=principal.actor, event_id=event_id)
    return _event_response(await _write_side(request).command_service.execute(command, request.is_disconnected))


@router.post("/events/{event_id}/check-ins", tags=["tickets"], operation_id="check_in_ticket", response_model=TicketView)
async def check_in_ticket(
    event_id: UUID, body: TicketCode, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Checks a ticket in by its code: once."""
    command_service = _write_side(request).command_service
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
    return _response(result.view.tickets[location.ticket], result.position)


# --- bookings


@router.post(
    "/events/{event_id}/bookings", status_code=201, tags=["bookings"], operation_id="book_tickets", response_model=MadeBookingView,
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": BOOKING_SCHEMA}}}, FOR_GUESTS: True,
    },
)  # fmt: skip
async def book_tickets(
    event_id: UUID, request: Request, principal: BuyerOrGuest, key: IdempotencyKey = None, guest_secret: GuestSecretHeader = None
) -> Response:
    """Books tickets by category and quantity; at the box office for a `customer` or a walk-in; without a log-in for a `contact`, as
    the event's `guest_checkout` permits. With `expected_total`, nothing is booked at another price."""
    body = read_booking(await request.body(), request.headers.get("content-type", ""))
    if principal is None:
        if body.contact is None:
            raise NotSignedIn
        guest_bookings: GuestBookings = request.app.state.guest_bookings
        result = await guest_bookings.book(event_id, body, request, key, guest_secret)
        manage_url = manage_links_of(request).urls.make(result.view.id)
        return _response(_with_link(result.view, manage_url), result.position, 201, {"Location": f"/api/bookings/{result.view.id}"})
    id_ = command_id_of(request, principal, key)
    result = await book(_write_side(request), event_id, body, principal.actor, id_, request.is_disconnected)
    return _response(result.view, result.position, 201, {"Location": f"/api/bookings/{result.view.id}"})


def _with_link(view: object, manage_url: str) -> msgspec.Raw:
    """The view of a booking, with the link to manage it."""
    return msgspec.Raw(_encode(view)[:-1] + b',"manage_url":' + _encode(manage_url) + b"}")


async def book(
    write_side: WriteSide, event_id: UUID, body: NewBooking, actor: Actor, id_: UUID, is_disconnected: DisconnectCheck
) -> CommandResult:
    """Books seats for a request. Most calls come from `app/fast_path/booking_route.py`, which bypasses the router."""
    if body.contact is not None or body.proof is not None:
        wrong = {"path": "contact" if body.contact is not None else "proof", "message": "is for bookings without a log-in"}
        raise Malformed("The booking is your account's: leave out contact and proof.", errors=[wrong])
    customer, proof = None, b""
    if body.customer is not None:
        customer, proof = await _box_office_customer(write_side, event_id, id_, actor, body.customer)
    command = BookSeats(
        id=id_, actor=actor, event_id=event_id, tickets=body.wanted(), customer_id=customer and customer.id, customer_proof=proof,
        same_person=customer.same_person if customer else frozenset(),
        ticket_key=write_side.command_service.codes.newest_key, expected_total=body.total(),
    )  # fmt: skip
    return await write_side.command_service.execute(command, is_disconnected)


async def _box_office_customer(
    write_side: WriteSide, event_id: UUID, command_id: UUID, actor: Actor, body: dict[str, Any]
) -> tuple[Contact | None, bytes]:
    """The contact and the proof of a box-office customer. It is found or created, but only after the check that the actor may sell
    for this event, so that others can't create contacts, and not for a retry, since it may have been erased."""
    customer = read_person(BoxOfficeCustomer, "customer", body)
    event = await write_side.command_service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    if not is_box_office(event, actor):
        raise NotYourEvent
    proof = write_side.customer_proof(customer)
    if event.version_of(command_id) is not None:
        return None, proof
    return await write_side.find_contact(event.organizer_id, customer.name, customer.email), proof


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
    write_side = _write_side(request)
    booking_id, event_id = managed.booking_id, managed.event_id
    numbers = await _ticket_numbers(write_side.command_service, event_id, booking_id, body.tickets)
    id_, actor = command_id(booking_id, request.method, request.scope["path"], key), Actor(managed.contact_id, Role.CUSTOMER)
    command = CancelBooking(id=id_, actor=actor, event_id=event_id, booking_id=booking_id, tickets=numbers)
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return _response(result.view, result.position)


async def _cancel(booking_id: UUID, tickets: list[UUID] | None, request: Request, principal: SignedIn, key: str | None) -> Response:
    write_side = _write_side(request)
    event_id = await write_side.find_event_id(booking_id)
    numbers = None if tickets is None else await _ticket_numbers(write_side.command_service, event_id, booking_id, tickets)
    id_ = command_id_of(request, principal, key)
    command = CancelBooking(id=id_, actor=principal.actor, event_id=event_id, booking_id=booking_id, tickets=numbers)
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return _response(result.view, result.position)


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
