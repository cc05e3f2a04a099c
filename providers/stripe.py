"""Stripe: cards, in its own form on our page, by payment intents.

An intent is made once for a payment, and named in `stripe_payments` before the customer can pay. What it has received is told by
the webhook `payment_intent.succeeded`, and asked for. A refund is made under its own id, and looked up before.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import stripe
from sqlalchemy import Engine, text

from ledger.details import OnlineMethod
from ledger.payment_errors import PaymentRefused, ProviderUnavailable, WebhookRefused
from ledger.settings import Settings
from providers.interface import CardForm, FailedRefund, NewPayment, NewRefund, PaidRefund, PendingRefund, Receipt
from providers.stripe_amounts import from_stripe, to_stripe

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, RefundCreateParams

log = logging.getLogger(__name__)
logging.getLogger("stripe").setLevel(logging.WARNING)  # else each request is two lines

SIGNATURE = "stripe-signature"
#: How long one request to Stripe may take to connect, and to answer; it is tried twice.
TIMEOUT_SECONDS = (2.0, 5.0)
TRIES_AGAIN = 1
#: How old a webhook's signature may be. Each delivery has a new one.
SIGNED_SECONDS = 300
#: Reasons for which Stripe will never pay a refund of a payment.
NEVER_PAID_BACK = frozenset({"charge_already_refunded", "charge_disputed", "charge_not_refundable", "refund_disputed_payment"})
#: Longer ones Stripe does not take.
MAX_DESCRIPTION = 1_000

_NAME = text("""
    INSERT INTO stripe_payments (payment_id, intent_id, payable_until) VALUES (:payment_id, :intent_id, :payable_until)
    ON CONFLICT DO NOTHING""")
_NAMED = text("SELECT intent_id, payable_until FROM stripe_payments WHERE payment_id = :payment_id")


class _Ids(msgspec.Struct, frozen=True):
    """The metadata of an intent of ours."""

    payment_id: UUID
    event_id: UUID
    hold_id: UUID


class _Intent(msgspec.Struct, frozen=True):
    id: str
    status: str
    currency: str
    client_secret: str = ""
    amount_received: int = 0
    metadata: dict[str, str] = {}


class _EventData(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class _Event(msgspec.Struct, frozen=True):
    """`account`: of which it is, if that is not ours, but one that is connected to it."""

    type: str
    livemode: bool
    data: _EventData
    account: str | None = None


class StripeProvider:
    name: OnlineMethod = "stripe"

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._publishable_key, self._webhook_secret = settings.stripe_publishable_key, settings.stripe_webhook_secret
        self._takes_money, base = not settings.stripe_test, settings.stripe_api_base
        self._script_url = f"{base}/js.stripe.com/v3/" if base else None
        self._api = stripe.StripeClient(
            settings.stripe_api_key,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=TRIES_AGAIN,
            base_addresses={"api": base} if base else {},
        ).v1

    def start(self, payment: NewPayment) -> CardForm:
        """Raises PaymentRefused, too."""
        intent = self._find(payment.id) or self._make(payment)
        return CardForm(self._publishable_key, intent.client_secret, self._script_url)

    def received(self, payment_id: UUID) -> Receipt | None:
        """Of a payment whose time is over, no money is taken any more."""
        intent = self._find(payment_id)
        if intent is None:
            return None
        if intent.status.startswith("requires_") and self._is_over(payment_id):
            with _answers():
                self._api.payment_intents.cancel(intent.id)
        return self._receipt(intent)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Receipt | None:
        try:
            stripe.WebhookSignature.verify_header(body, headers.get(SIGNATURE), self._webhook_secret, SIGNED_SECONDS)
        except (stripe.SignatureVerificationError, ValueError, TypeError):  # the latter for text that is not ASCII or UTF-8
            raise WebhookRefused("The signature is wrong, or too old.") from None
        try:
            event = msgspec.json.decode(body, type=_Event)
            if event.livemode != self._takes_money:
                raise WebhookRefused("It is of the other mode: live or test.")
            if event.account is not None:
                raise WebhookRefused("It is of another account.")
            if event.type != "payment_intent.succeeded":
                return None
            return self._receipt(msgspec.json.decode(event.data.object, type=_Intent))
        except msgspec.DecodeError as error:
            raise WebhookRefused("The body is not one of Stripe's.") from error

    def refund(self, refund: NewRefund) -> PaidRefund | PendingRefund | FailedRefund:
        intent = self._find(refund.payment_id)
        if intent is None:
            raise RuntimeError(f"payment {refund.payment_id} has no intent: it is of another database")
        made = self._made_refund(intent, refund)
        if made is None:
            params: RefundCreateParams = {
                "payment_intent": intent.id, "amount": to_stripe(refund.amount, refund.currency),
                "metadata": {"refund_id": str(refund.id)},
            }  # fmt: skip
            try:
                with _answers():
                    made = self._api.refunds.create(params, {"idempotency_key": f"refund {refund.id}"})
            except stripe.InvalidRequestError as refused:
                if refused.code not in NEVER_PAID_BACK:
                    raise
                return FailedRefund(str(refused.code).replace("_", "-"))
        if made.status == "succeeded":
            return PaidRefund(from_stripe(made.amount, refund.currency), made.id)
        if made.status in ("failed", "canceled"):
            return FailedRefund((made.failure_reason or made.status).replace("_", "-"))
        return PendingRefund()

    def _find(self, payment_id: UUID) -> _Intent | None:
        with self._engine.connect() as connection:
            intent_id = connection.execute(_NAMED, {"payment_id": payment_id}).scalar()
        if intent_id is None:
            return None
        with _answers():
            return _intent(self._api.payment_intents.retrieve(intent_id))

    def _is_over(self, payment_id: UUID) -> bool:
        with self._engine.connect() as connection:
            until: datetime = connection.execute(_NAMED, {"payment_id": payment_id}).one().payable_until
        return until < datetime.now(UTC)

    def _make(self, payment: NewPayment) -> _Intent:
        """An intent that nobody can pay before it is named. So another that was made for the payment at the same time, or before a
        crash, is forgotten, and needs no key of ours: Stripe would repeat an error under it for a day."""
        ids = {"payment_id": str(payment.id), "event_id": str(payment.event_id), "hold_id": str(payment.hold_id)}
        try:
            params: PaymentIntentCreateParams = {
                "amount": to_stripe(payment.amount, payment.currency), "currency": payment.currency.lower(),
                "allowed_payment_method_types": ["card"], "metadata": ids, "description": payment.description[:MAX_DESCRIPTION],
            }  # fmt: skip
            with _answers():
                made = self._api.payment_intents.create(params)
        except (stripe.InvalidRequestError, ValueError) as refused:
            log.warning("Stripe refuses a payment of %s %s: %s", payment.amount, payment.currency, refused)
            raise PaymentRefused from refused
        with self._engine.begin() as connection:
            values = {"payment_id": payment.id, "intent_id": made.id, "payable_until": payment.payable_until}
            connection.execute(_NAME, values)
        named = self._find(payment.id)
        assert named is not None
        return named

    def _made_refund(self, intent: _Intent, refund: NewRefund) -> stripe.Refund | None:
        with _answers():
            refunds = self._api.refunds.list({"payment_intent": intent.id, "limit": 100}).auto_paging_iter()
            return next((made for made in refunds if made.to_dict()["metadata"].get("refund_id") == str(refund.id)), None)

    def _receipt(self, intent: _Intent) -> Receipt | None:
        """None: nothing was received, or the intent is none of ours. Raises WebhookRefused for an impossible amount."""
        try:
            ids = msgspec.convert(intent.metadata, _Ids)
        except msgspec.ValidationError:
            return None
        if intent.status != "succeeded":
            return None
        currency = intent.currency.upper()
        try:
            amount = from_stripe(intent.amount_received, currency)
        except ValueError as error:
            raise WebhookRefused(f"The amount is impossible: {error}.") from None
        return Receipt("stripe", intent.id, ids.payment_id, ids.event_id, ids.hold_id, amount, currency)


def _intent(told: stripe.PaymentIntent) -> _Intent:
    fields: dict[str, Any] = told.to_dict()
    return msgspec.convert({name: value for name, value in fields.items() if value is not None}, _Intent)


@contextmanager
def _answers() -> Iterator[None]:
    """Raises ProviderUnavailable where Stripe gives no answer, or none to us."""
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("Stripe does not accept STRIPE_API_KEY: %s", error.code or error.http_status)  # noqa: TRY400 - it names the key
        raise ProviderUnavailable from None
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        raise ProviderUnavailable from error
    except stripe.APIError as error:  # its own errors, or those of a proxy
        raise ProviderUnavailable from error
