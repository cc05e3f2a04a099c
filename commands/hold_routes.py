"""The HTTP routes of holds, but for reading one (`query_api/routes/holds.py`). The rules: `ledger/selling.py`."""

from contextlib import suppress
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request, Response

from accounts.access import FOR_GUESTS, BuyerOrGuest, IdempotencyKey, command_id_of
from accounts.guest_secret import GuestSecretHeader
from commands.code_guesses import code_guesses_of
from commands.guest_orders import guest_orders_of
from commands.holds import holds_of, seats_of
from commands.online_payments import StartedPaymentView, online_payments_of
from commands.order_bodies import (
    Contact,
    HoldConfirmation,
    NewBooking,
    NewHoldPayment,
    body_of,
    read_booking,
    read_confirmation,
    read_hold_payment,
    read_person,
)
from commands.result import CommandResult
from commands.write_side import view_response, with_field
from ledger.client_address import client_of
from ledger.hold_views import HoldView, MadeHoldView
from ledger.payment_errors import PaymentUnderWay
from ledger.views import MadeBookingView
from notifications.hold_access import BY_TOKEN, OfHold
from notifications.manage_links import manage_links_of

router = APIRouter(prefix="/api", tags=["bookings"])


@router.post(
    "/events/{event_id}/holds", status_code=201, operation_id="hold_tickets", response_model=MadeHoldView,
    openapi_extra={**body_of(NewBooking), FOR_GUESTS: True},
)  # fmt: skip
async def hold_tickets(
    event_id: UUID, request: Request, principal: BuyerOrGuest, key: IdempotencyKey = None, guest_secret: GuestSecretHeader = None
) -> Response:
    """Holds the seats of a booking for `hold_minutes` of the event: nobody else gets them. A hold costs nothing and ends by itself.
    Who may hold what is as for a booking. Confirm it to book the seats, at the price that they have now."""
    body = read_booking(await request.body(), request.headers.get("content-type", ""))
    holds, client = holds_of(request), client_of(request.scope)
    with code_guesses_of(request).watched(client, body.code):
        if principal is None:
            held = partial(guest_orders_of(request).hold, event_id, body, request, key, guest_secret)
            result = await holds.hold_for_guest(client, seats_of(body), held)
            view: object = with_field(result.view, "token", manage_links_of(request).urls.token(result.view.id))
        else:
            id_ = command_id_of(request, principal, key)
            result = await holds.hold(event_id, body, principal, client, id_, request.is_disconnected)
            view = result.view
    return view_response(view, result.position, 201, {"Location": f"/api/holds/{result.view.id}"})


@router.post(
    "/holds/{hold_id}/confirm", status_code=201, operation_id="confirm_hold", response_model=MadeBookingView,
    openapi_extra={**body_of(HoldConfirmation, required=False), **BY_TOKEN},
)  # fmt: skip
async def confirm_hold(
    request: Request, user: OfHold, key: IdempotencyKey = None, guest_secret: GuestSecretHeader = None
) -> Response:
    """Books the held seats, at the price at which they were held; the booking has the hold's `id`. In time it always succeeds,
    while the event is active; later it is as an order that is made now, whose price has to be the `expected_total` if it has
    changed. A hold that was made without a log-in and without a
    `contact` needs one now; or an account confirms it, with its `token`."""
    body = read_confirmation(await request.body(), request.headers.get("content-type", ""))
    result = await _order_held(request, user, body, user.command_id(request, key), guest_secret)
    view: object = result.view
    if user.principal is None:
        view = with_field(view, "manage_url", manage_links_of(request).urls.make(user.hold_id))
    return view_response(view, result.position, 201, {"Location": f"/api/bookings/{user.hold_id}"})


async def _order_held(request: Request, user: OfHold, body: HoldConfirmation, id_: UUID, guest_secret: str | None) -> CommandResult:
    holds = holds_of(request)
    if user.principal is None and body.contact is not None:
        return await holds.confirmed(user, guest_orders_of(request).confirm(user, body, request, id_, guest_secret))
    return await holds.confirm(user, body, id_, request.is_disconnected)


@router.post(
    "/holds/{hold_id}/payments", status_code=201, operation_id="pay_hold", response_model=StartedPaymentView,
    openapi_extra={**body_of(NewHoldPayment), **BY_TOKEN},
)  # fmt: skip
async def pay_hold(request: Request, user: OfHold, key: IdempotencyKey = None, guest_secret: GuestSecretHeader = None) -> Response:
    """Starts to pay for the held seats, by a method that the event offers: once the money is received, they are booked, and the
    booking has the hold's `id`. Until then read the hold. It lasts as long as it takes to pay. Asked for again, the payment is the
    same. Who may pay is as for `confirm`."""
    body = read_hold_payment(await request.body(), request.headers.get("content-type", ""))
    id_ = user.command_id(request, key)
    if body.contact is not None:
        read_person(Contact, "contact", body.contact)  # the faults of the request first
    payments = online_payments_of(request)
    payments.provider(body.method)
    position = None
    with suppress(PaymentUnderWay):
        position = (await _order_held(request, user, body, id_, guest_secret)).position
    view = await payments.begin(user.held_by.event_id, user.hold_id, body.method)
    return view_response(view, position, 201, {"Location": f"/api/holds/{user.hold_id}"})


@router.post("/holds/{hold_id}/extend", operation_id="extend_hold", response_model=HoldView, openapi_extra=BY_TOKEN)
async def extend_hold(request: Request, user: OfHold, key: IdempotencyKey = None) -> Response:
    """Asks for more time: `hold_minutes` of the event from now on, three times at most."""
    result = await holds_of(request).extend(user, user.command_id(request, key), request.is_disconnected)
    return view_response(result.view, result.position)


@router.delete("/holds/{hold_id}", operation_id="release_hold", response_model=HoldView, openapi_extra=BY_TOKEN)
async def release_hold(request: Request, user: OfHold, key: IdempotencyKey = None) -> Response:
    """Gives the held seats back."""
    result = await holds_of(request).release(user, user.command_id(request, key), request.is_disconnected)
    return view_response(result.view, result.position)
