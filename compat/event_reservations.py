"""Specification 5, event reservations: users log in with tokens, organize their own events, and reserve one seat at others'."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from accounts.errors import NotSignedIn, WrongCredentials
from accounts.guests import Guest
from compat.application import ErrorContent, ErrorFormat, Service, SpecificationError, json_array
from compat.application import make as make_application
from compat.form_route import FORM_BODY, FormRoute
from compat.reservation_bodies import Event, EventChanges, LogIn, NewEvent, NewReservation, Reservation, SignUp, Token, User
from compat.service import BookingLocation, CompatService, GuestBooking, single_category
from ledger.details import Details
from ledger.errors import AlreadyCancelled, BookingNotFound, CustomerLimit, EventNotBookable, EventNotFound, NotYourEvent, SoldOut
from ledger.settings import Settings
from ledger.views import BookingView, EventView
from query_api.queries import GuestEventRow
from query_api.responses.mapping import event_view

API = "event-reservations"
_NO_FIELD = "non_field_errors"


def _in_fields(content: ErrorContent) -> object:
    """`{"field": ["…"]}`; an error that concerns no field is `{"detail": "…"}`."""
    return {"detail": content.text} if "" in content.messages else dict(content.messages)


def _malformed(errors: Sequence[Mapping[str, Any]]) -> tuple[int, object]:
    """400 with errors by field; 404 for a malformed id in the path."""
    messages: dict[str, list[str]] = {}
    for error in errors:
        if error["loc"][0] == "path":
            return 404, {"detail": "There is nothing at this address."}
        if error["type"] == "json_invalid" or error["loc"] == ["body"]:
            return 400, {"detail": "The body is not a JSON object."}
        messages.setdefault(str(error["loc"][1]), []).append(error["msg"])
    return 400, messages


ERROR_FORMAT = ErrorFormat(
    field_names={"starts_at": "start_time", "ends_at": "end_time", "capacity": "capacity"},
    to_body=_in_fields,
    malformed=_malformed,
    auth_scheme="Token",
    body_schema={
        "type": "object",
        "description": "Errors by field; an error that concerns no field is `detail`, a sentence",
        "additionalProperties": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]},
    },
)


_token = APIKeyHeader(name="Authorization", scheme_name="Token", auto_error=False, description="`Token <value>`")


async def _signed_in(service: Service, authorization: Annotated[str | None, Security(_token)]) -> Guest:
    scheme, _, token = (authorization or "").partition(" ")
    guest = await service.guests.find_by_token(token.strip()) if scheme.lower() == "token" else None
    if guest is None:
        raise NotSignedIn
    return guest


Me = Annotated[Guest, Depends(_signed_in)]


async def _own_event(event_id: int, service: Service, me: Me) -> EventView:
    """The event, if the user organizes it, else 403; 404 for one that does not exist or was deleted."""
    event = await service.get_event(number=event_id, only="not_cancelled")
    if event.organizer_id != me.id:
        raise NotYourEvent
    return event


async def _own_reservation(reservation_id: int, service: Service, me: Me) -> BookingLocation:
    """The reservation, if it is the user's, else 404. It may be cancelled."""
    location = await service.locate_booking(reservation_id)
    if location.guest.id != me.id:
        raise BookingNotFound
    return location


MyEvent = Annotated[EventView, Depends(_own_event)]
MyReservation = Annotated[BookingLocation, Depends(_own_reservation)]

people = APIRouter(tags=["authentication"], route_class=FormRoute)
events = APIRouter(tags=["events"])
single_event = APIRouter(tags=["events"])
reservations = APIRouter(tags=["reservations"])


def make(settings: Settings) -> FastAPI:
    app = make_application(
        API, settings, ERROR_FORMAT, title="Event Management Backend", description=__doc__, second_docs_path="/docs/swagger/"
    )
    # The specification has two tables of paths: both work.
    for router, first, second in (
        (people, "/api", "/api/authentication"),
        (events, "/api/events", "/api/event/events"),
        (reservations, "/api/reservations", "/api/reservation/reservations"),
    ):
        app.include_router(router, prefix=first)
        app.include_router(router, prefix=second, generate_unique_id_function=_id_in_second_table)
    # They disagree about who may see one event: the first requires a token, the second does not.
    app.include_router(single_event, prefix="/api/events", dependencies=[Depends(_signed_in)])
    app.include_router(single_event, prefix="/api/event/events", generate_unique_id_function=_id_in_second_table)
    return app


def _id_in_second_table(route: APIRoute) -> str:
    """`event_get_event` at /api/event/…, because operation ids must be unique."""
    return f"{route.path.split('/')[2]}_{route.name}"


# --- people


@people.post("/signup/", status_code=201, openapi_extra=FORM_BODY)
async def sign_up(body: SignUp, request: Request, service: Service) -> User:
    async with service.access.sign_up_rate_limiter.attempt(_address(request)):
        made = await service.guests.sign_up(body.username, body.email, body.password)
    if made is None:
        raise SpecificationError(400, "This username is already taken.", "username")
    return User(id=made.number, username=made.name, email=made.email or "")


@people.post("/login/", openapi_extra=FORM_BODY)
async def log_in(body: LogIn, request: Request, service: Service) -> Token:
    """Send the token in the header `Authorization: Token <value>`."""
    if body.username is None and body.email is None:
        raise SpecificationError(400, "This field is required.", "username")
    try:
        # Attempts by name and by e-mail of one user count together. An unknown e-mail address is counted by itself.
        name = body.username or await service.guests.handle_of(body.email or "")
        async with service.access.login_rate_limiter.attempt(f"{API} {name or body.email}", _address(request)):
            return Token(token=await service.guests.log_in(name or "", body.password))
    except WrongCredentials:
        raise SpecificationError(400, "The username or the password is wrong.", _NO_FIELD) from None


# --- events


@events.get("/", response_model=list[Event])
async def list_events(service: Service) -> Response:
    """All events that were not deleted."""
    return await json_array(service.list_events(only="not_cancelled"), _event_from_row)


@events.post("/", status_code=201)
async def create_event(body: NewEvent, me: Me, service: Service) -> Event:
    """The user who creates the event is its organizer."""
    view = await service.schedule_event(_details(body), single_category(body.capacity), organizer=me)
    return _event(view, me.number)


@single_event.get("/{event_id}/")
async def get_event(event_id: int, service: Service) -> Event:
    return _event_from_row(await service.get_event_row(number=event_id, only="not_cancelled"))


@events.put("/{event_id}/")
async def replace_event(event_id: int, body: NewEvent, event: MyEvent, me: Me, service: Service) -> Event:
    return await _change(service, event, body.model_dump(), me)


@events.patch("/{event_id}/")
async def change_event(event_id: int, body: EventChanges, event: MyEvent, me: Me, service: Service) -> Event:
    return await _change(service, event, body.model_dump(exclude_unset=True), me)


@events.delete("/{event_id}/", status_code=204)
async def delete_event(event_id: int, event: MyEvent, service: Service) -> None:
    """Cancels the event's reservations too."""
    try:
        await service.cancel_event(event)
    except AlreadyCancelled:
        raise EventNotFound from None


@events.get("/{event_id}/reservations/", response_model=list[Reservation])
@events.get("/{event_id}/total-reservations/", response_model=list[Reservation], name="list_total_reservations")
async def list_event_reservations(event_id: int, event: MyEvent, service: Service) -> Response:
    return await json_array(service.list_bookings(event_id=event.id, confirmed_only=True), _reservation_of)


# --- reservations


@reservations.get("/", response_model=list[Reservation])
async def list_reservations(me: Me, service: Service) -> Response:
    """The user's own reservations."""
    return await json_array(service.list_bookings(customer_id=me.id, confirmed_only=True), _reservation_of)


@reservations.post("/", status_code=201)
async def reserve(body: NewReservation, me: Me, service: Service) -> Reservation:
    """Reserves one seat. A user can have one reservation per event."""
    try:
        event = await service.load_event(body.event)
        return _reservation(await service.book(event, 1, me, as_guest=True), me.number, event.number)
    except EventNotFound:
        raise SpecificationError(400, "There is no event with this id.", "event") from None
    except CustomerLimit:
        raise SpecificationError(400, "You have reserved this event already.", "event") from None
    except SoldOut:
        raise SpecificationError(400, "No seats are left.", "event") from None
    except EventNotBookable as error:
        raise SpecificationError(400, error.detail, "event") from None


@reservations.get("/{reservation_id}/")
async def get_reservation(reservation_id: int, reservation: MyReservation, service: Service) -> Reservation:
    return _reservation_of(await service.get_booking(booking_id=reservation.booking_id, confirmed_only=True))


@reservations.delete("/{reservation_id}/", status_code=204)
async def cancel_reservation(reservation_id: int, reservation: MyReservation, service: Service) -> None:
    """The seat becomes available again."""
    try:
        try:
            await service.cancel_booking(reservation, as_guest=True)
        except EventNotBookable:  # The event has begun: our customers can't cancel then, users of this specification can.
            await service.cancel_booking(reservation)
    except AlreadyCancelled:
        raise BookingNotFound from None


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _details(body: NewEvent) -> Details:
    return Details(
        name=body.title, description=body.description, starts_at=body.start_time, ends_at=body.end_time, show_at=body.show_time,
        max_tickets_per_customer=1,
    )  # fmt: skip


async def _change(service: CompatService, event: EventView, body: dict[str, Any], organizer: Guest) -> Event:
    names = {
        "title": "name", "description": "description", "start_time": "starts_at", "end_time": "ends_at", "show_time": "show_at",
    }  # fmt: skip
    changes = {ours: body[theirs] for theirs, ours in names.items() if theirs in body}
    return _event(await service.change_event(event, changes, capacity=body.get("capacity")), organizer.number)


def _event_from_row(row: GuestEventRow) -> Event:
    return _event(event_view(row), row.guest_number)


def _event(view: EventView, organizer: int) -> Event:
    return Event(
        id=view.number, title=view.name, description=view.description, start_time=view.starts_at, end_time=view.ends_at,
        show_time=view.show_at or view.starts_at, capacity=view.capacity, seats_remaining=view.available, organizer=organizer,
        organizer_id=organizer,
    )  # fmt: skip


def _reservation_of(booking: GuestBooking) -> Reservation:
    return _reservation(booking.booking, booking.guest_number, booking.event_number)


def _reservation(view: BookingView, user: int, event: int) -> Reservation:
    return Reservation(id=view.number, user=user, event=event, user_id=user, event_id=event, created_at=view.booked_at)
