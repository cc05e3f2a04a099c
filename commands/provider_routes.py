"""The HTTP routes of payment providers: what they tell, and the page of the demo's provider."""

import asyncio
import logging
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from commands.bodies import Body
from commands.online_payments import OnlinePayments, online_payments_of
from ledger.money import to_text
from ledger.payment_errors import ProviderUnknown
from ledger.views import Money
from providers.demo import DemoPayment, DemoProvider, DemoState

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api", tags=["payments"])

#: How long the demo's provider is slow, and how long its webhook may take.
SLOW_SECONDS, WEBHOOK_SECONDS = 20.0, 5.0


@router.post("/payment-providers/{name}/webhook", status_code=204, operation_id="receive_provider_webhook")
async def receive_webhook(name: str, request: Request) -> Response:
    """Takes what a payment provider tells, under its signature. The response is successful only once it is recorded; told twice, it
    is recorded once."""
    await online_payments_of(request).receive(name, request.headers, await request.body())
    return Response(status_code=204)


@dataclass(slots=True, kw_only=True)
class DemoPaymentView:
    """What the demo's provider knows of a payment."""

    id: UUID
    hold_id: UUID
    event_id: UUID
    description: str
    amount: Money
    currency: str
    state: DemoState


class DemoOutcome(Body):
    """What the customer does: pays; pays, and the webhook comes twice; pays, and the money arrives later, without a webhook; pays
    with a card that takes no refunds; or has the card refused."""

    outcome: Literal["pay", "pay-twice-told", "pay-slowly", "pay-without-refunds", "decline"]


@router.get("/demo-provider/payments/{payment_id}", include_in_schema=False)
async def get_demo_payment(payment_id: UUID, request: Request, response: Response) -> DemoPaymentView:
    response.headers["Cache-Control"] = "no-store"
    payments = online_payments_of(request)
    provider = _demo(payments)
    return _view(await payments.call(lambda: provider.find(payment_id)))


@router.post("/demo-provider/payments/{payment_id}", include_in_schema=False)
async def pay_demo_payment(payment_id: UUID, body: DemoOutcome, request: Request) -> DemoPaymentView:
    """Does what the customer of the demo's provider has chosen, and tells it as other providers do: by a webhook over HTTP."""
    payments = online_payments_of(request)
    provider = _demo(payments)
    if body.outcome == "decline":
        await payments.call(lambda: provider.decline(payment_id))
    else:
        seconds = SLOW_SECONDS if body.outcome == "pay-slowly" else 0.0
        takes_refunds = body.outcome != "pay-without-refunds"
        await payments.call(lambda: provider.pay(payment_id, seconds=seconds, takes_refunds=takes_refunds))
    payment = await payments.call(lambda: provider.find(payment_id))
    if payment.has_arrived:
        times = 2 if body.outcome == "pay-twice-told" else 1
        address = request.scope.get("server")  # where this process listens: the provider of the demo is part of it
        await asyncio.gather(*(asyncio.to_thread(_tell, provider, payment, address) for _ in range(times)))
    return _view(payment)


def _demo(payments: OnlinePayments) -> DemoProvider:
    provider = payments.provider("demo")
    if not isinstance(provider, DemoProvider):
        raise ProviderUnknown
    return provider


def _tell(provider: DemoProvider, payment: DemoPayment, address: tuple[str, int] | None) -> None:
    """Nothing is lost if it fails: workers ask the provider, too."""
    if address is None:
        return
    headers, body = provider.webhook(payment)
    try:
        with closing(HTTPConnection(*address, timeout=WEBHOOK_SECONDS)) as connection:
            connection.request("POST", "/api/payment-providers/demo/webhook", body, headers)
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        log.warning("The webhook of the demo's provider has failed: %s", error)
    else:
        log.log(logging.INFO if status == 204 else logging.WARNING, "The webhook of the demo's provider: %s", status)


def _view(payment: DemoPayment) -> DemoPaymentView:
    return DemoPaymentView(
        id=payment.payment_id, hold_id=payment.hold_id, event_id=payment.event_id, description=payment.description,
        amount=to_text(payment.amount, payment.currency), currency=payment.currency, state=payment.state,
    )  # fmt: skip
