"""What Seatledger asks of a payment provider, and what it is told by it. Amounts are in minor units of `currency`.

All calls block, and are bounded by a deadline of their own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from ledger.commands import Actor, ReceivePayment, Role
from ledger.derived_ids import derived_id
from ledger.details import OnlineMethod

#: Nobody: a provider has no account.
NOBODY = Actor(None, Role.ADMIN)


class NewPayment(NamedTuple):
    """A payment that was started. `description`: what the customer pays for."""

    id: UUID
    event_id: UUID
    hold_id: UUID
    amount: int
    currency: str
    description: str
    payable_until: datetime


class PaymentPage(NamedTuple):
    """The customer pays on this page, of ours or the provider's."""

    url: str


class CardForm(NamedTuple):
    """The customer pays in the provider's own form on our page, which takes these to open it."""

    publishable_key: str
    client_secret: str
    #: Of a stand-in for the provider; None: its own.
    script_url: str | None = None


Payable = PaymentPage | CardForm


class Receipt(NamedTuple):
    """Money that a provider has received. `object`: its own name for it, which identifies it for ever. The ids are those that it
    was given with the payment."""

    method: OnlineMethod
    object: str
    payment_id: UUID
    event_id: UUID
    hold_id: UUID
    amount: int
    currency: str

    def command(self, ticket_key: int) -> ReceivePayment:
        """Its command. The id is that of the provider's object, so that it is recorded once, however often it is told."""
        id_ = derived_id(self.payment_id, f"received {self.method} {self.object}".encode())
        return ReceivePayment(
            id=id_, actor=NOBODY, event_id=self.event_id, hold_id=self.hold_id, payment_id=self.payment_id, amount=self.amount,
            currency=self.currency, ticket_key=ticket_key, reference="" if self.object == str(self.payment_id) else self.object,
        )  # fmt: skip


class NewRefund(NamedTuple):
    """A refund that is owed of a payment, all that is left of it."""

    id: UUID
    payment_id: UUID
    amount: int
    currency: str


class PaidRefund(NamedTuple):
    """The provider has paid a refund. `reference`: its name for it."""

    amount: int
    reference: str


class PendingRefund(NamedTuple):
    """The provider is paying a refund: it has to be asked again."""


class FailedRefund(NamedTuple):
    """The provider can't pay a refund, and never will. `reason`: its word for why."""

    reason: str


class Provider(Protocol):
    """Every method raises ProviderUnavailable where the provider does not answer in time."""

    name: OnlineMethod

    def start(self, payment: NewPayment) -> Payable:
        """How the customer pays. Started again, a payment is the same."""

    def received(self, payment_id: UUID) -> Receipt | None:
        """What it has received for a payment; None: nothing yet."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Receipt | None:
        """What a webhook tells; None: nothing that matters. Raises WebhookRefused unless it is the provider's."""

    def refund(self, refund: NewRefund) -> PaidRefund | PendingRefund | FailedRefund:
        """Pays a refund. It is looked up first: paid before, it is not paid again."""
