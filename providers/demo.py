"""The provider of the demo: it takes no money. Its page asks what should happen, and what it knows is in tables of its own."""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError

from ledger.details import OnlineMethod
from ledger.money import MAX_AMOUNT
from ledger.payment_errors import PaymentNotFound, ProviderUnavailable, WebhookRefused
from providers.interface import FailedRefund, NewPayment, NewRefund, PaidRefund, PaymentPage, Receipt

SIGNATURE = "demo-signature"
DemoState = Literal["open", "declined", "paid"]

_START = text("""
    INSERT INTO demo_payments (payment_id, event_id, hold_id, description, amount, currency, state, takes_refunds)
    VALUES (:id, :event_id, :hold_id, :description, :amount, :currency, 'open', true) ON CONFLICT DO NOTHING""")
_READ = text("""
    SELECT payment_id, event_id, hold_id, description, amount, currency, state, coalesce(paid_at <= now(), false) AS has_arrived
    FROM demo_payments WHERE payment_id = :id""")
_PAY = text("""
    UPDATE demo_payments SET state = 'paid', paid_at = now() + make_interval(secs => :seconds), takes_refunds = :takes_refunds
    WHERE payment_id = :id AND state <> 'paid'""")
_DECLINE = text("UPDATE demo_payments SET state = 'declined' WHERE payment_id = :id AND state <> 'paid'")
_REFUND = text("""
    INSERT INTO demo_refunds (refund_id, payment_id, amount, paid_at)
    SELECT :id, payment_id, :amount, now() FROM demo_payments WHERE payment_id = :payment_id AND takes_refunds
    ON CONFLICT DO NOTHING""")
_REFUNDED = text("SELECT amount FROM demo_refunds WHERE refund_id = :id")


class DemoPayment(NamedTuple):
    """`has_arrived`: it was paid, and the money has arrived."""

    payment_id: UUID
    event_id: UUID
    hold_id: UUID
    description: str
    amount: int
    currency: str
    state: DemoState
    has_arrived: bool


class _Webhook(msgspec.Struct, frozen=True):
    payment_id: UUID
    event_id: UUID
    hold_id: UUID
    amount: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]


class DemoProvider:
    name: OnlineMethod = "demo"

    def __init__(self, engine: Engine, key: bytes) -> None:
        """`key`: with which its webhooks are signed."""
        self._engine, self._key = engine, key

    def start(self, payment: NewPayment) -> PaymentPage:
        values = payment._asdict()
        del values["payable_until"]
        with self._transaction() as connection:
            connection.execute(_START, values)
        return PaymentPage(f"/pay/demo/{payment.id}")

    def find(self, payment_id: UUID) -> DemoPayment:
        """Raises PaymentNotFound."""
        with self._transaction() as connection:
            row = connection.execute(_READ, {"id": payment_id}).one_or_none()
        if row is None:
            raise PaymentNotFound
        return DemoPayment(*row)

    def pay(self, payment_id: UUID, *, seconds: float, takes_refunds: bool = True) -> None:
        """The customer pays; the money arrives after so many seconds. Once it is paid, nothing more happens."""
        with self._transaction() as connection:
            connection.execute(_PAY, {"id": payment_id, "seconds": seconds, "takes_refunds": takes_refunds})

    def decline(self, payment_id: UUID) -> None:
        """The customer's card is refused; another try may succeed."""
        with self._transaction() as connection:
            connection.execute(_DECLINE, {"id": payment_id})

    def received(self, payment_id: UUID) -> Receipt | None:
        try:
            payment = self.find(payment_id)
        except PaymentNotFound:
            return None
        return _receipt(_Webhook(*_ids_and_amount(payment))) if payment.has_arrived else None

    def webhook(self, payment: DemoPayment) -> tuple[dict[str, str], bytes]:
        """The headers and the body by which it tells that the money of this payment has arrived."""
        body = msgspec.json.encode(_Webhook(*_ids_and_amount(payment)))
        return {SIGNATURE: self._sign(body), "content-type": "application/json"}, body

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Receipt | None:
        if not hmac.compare_digest(headers.get(SIGNATURE, "").encode(), self._sign(body).encode()):
            raise WebhookRefused("The signature is wrong.")
        try:
            return _receipt(msgspec.json.decode(body, type=_Webhook))
        except msgspec.DecodeError:
            raise WebhookRefused("The body is not one of ours.") from None

    def refund(self, refund: NewRefund) -> PaidRefund | FailedRefund:
        with self._transaction() as connection:
            values = {"id": refund.id, "payment_id": refund.payment_id, "amount": refund.amount}
            connection.execute(_REFUND, values)
            amount = connection.execute(_REFUNDED, values).scalar_one_or_none()
        return FailedRefund("refunds-refused") if amount is None else PaidRefund(amount, f"demo-{refund.id.hex[:8]}")

    def _sign(self, body: bytes) -> str:
        return hmac.new(self._key, body, sha256).hexdigest()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Raises ProviderUnavailable."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            raise ProviderUnavailable from error


def _ids_and_amount(payment: DemoPayment) -> tuple[UUID, UUID, UUID, int, str]:
    return payment.payment_id, payment.event_id, payment.hold_id, payment.amount, payment.currency


def _receipt(told: _Webhook) -> Receipt:
    return Receipt("demo", str(told.payment_id), told.payment_id, told.event_id, told.hold_id, told.amount, told.currency)
