"""The HTTP routes by which the box office takes and gives back money; `query_api/routes/payments.py` shows it. The rules:
`ledger/paying.py`."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from accounts.access import IdempotencyKey, Organizer, command_id_of
from accounts.tokens import Principal
from commands.exact_numbers import ExactNumbersRoute
from commands.payment_bodies import BoxOfficeMoney, NewPayment, NewRefund
from commands.write_side import view_response, write_side_of
from ledger.commands import GiveRefund, TakePayment
from ledger.errors import BookingNotFound, EventNotFound
from ledger.event import Event
from ledger.payment_errors import PaymentNotFound
from ledger.views import BookingView

router = APIRouter(prefix="/api", tags=["payments"], route_class=ExactNumbersRoute)


@router.post("/bookings/{booking_id}/payments", status_code=201, operation_id="take_payment", response_model=BookingView)
async def take_payment(
    booking_id: UUID, body: NewPayment, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Records that the box office took the `due_amount` of a booking."""
    return await _record(TakePayment, booking_id, body, request, principal, key, method=body.kind)


@router.post("/bookings/{booking_id}/refunds", status_code=201, operation_id="give_refund", response_model=BookingView)
async def give_refund(
    booking_id: UUID, body: NewRefund, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Records that the box office gave money back: what is owed, the `refund_due_amount`, or a part of it; with `goodwill` also
    more, which lowers the price of the booking. What was paid online the provider gives back by itself; with `kind` `original`
    it gives back more, out of goodwill."""
    return await _record(GiveRefund, booking_id, body, request, principal, key, method=body.kind, goodwill=body.goodwill)


@router.post("/events/{event_id}/payments/{payment_id}/refunds", status_code=204, operation_id="give_unbooked_refund")
async def give_unbooked_refund(
    event_id: UUID, payment_id: UUID, body: NewRefund, request: Request, principal: Organizer, key: IdempotencyKey = None
) -> Response:
    """Records that the box office gave back money for which nothing could be booked, and which the provider can't pay back."""
    service = write_side_of(request).command_service
    event = await service.last_seen_event(event_id)
    if event is None:
        raise EventNotFound
    by = {"method": body.kind, "goodwill": body.goodwill}
    command = _command(GiveRefund, event, payment_id, body, command_id_of(request, principal, key), principal, by)
    if payment_id.bytes not in event.money or payment_id.bytes in event.bookings:
        raise PaymentNotFound
    result = await service.execute(command, request.is_disconnected)
    return Response(status_code=204, headers={"Ledger-Position": str(result.position)})


async def _record(
    kind: type[TakePayment] | type[GiveRefund], booking_id: UUID, body: BoxOfficeMoney, request: Request, principal: Principal,
    key: str | None, **more: Any,
) -> Response:  # fmt: skip
    write_side = write_side_of(request)
    event = await write_side.command_service.last_seen_event(await write_side.find_event_id(booking_id))
    if event is None:
        raise BookingNotFound
    command = _command(kind, event, booking_id, body, command_id_of(request, principal, key), principal, more)
    result = await write_side.command_service.execute(command, request.is_disconnected)
    return view_response(result.view, result.position, 201, {"Location": f"/api/bookings/{booking_id}/payments"})


def _command(
    kind: type[TakePayment] | type[GiveRefund], event: Event, booking_id: UUID, body: BoxOfficeMoney, id_: UUID,
    principal: Principal, more: dict[str, Any],
) -> TakePayment | GiveRefund:  # fmt: skip
    """Raises Malformed."""
    amount = body.minor_units(event.currency)
    return kind(
        id=id_, actor=principal.actor, event_id=event.id, booking_id=booking_id, amount=amount, reference=body.reference, **more
    )
