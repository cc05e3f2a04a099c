"""Paying online: the provider is asked for a payment that was started, and what it has received is recorded."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from fastapi import Request
from sqlalchemy.exc import InterfaceError, OperationalError

from commands.bodies import NewPaymentTerms
from commands.service import CommandService
from ledger.concurrency import ConcurrencyLimiter
from ledger.details import OnlineMethod
from ledger.errors import EventNotFound, Malformed
from ledger.hold_errors import HoldNotFound
from ledger.hold_views import OnlineMethod as ShownMethod
from ledger.money import to_text
from ledger.payment_errors import AlreadyPaid, PaymentMethodOff, PaymentNotFound, ProviderUnavailable, ProviderUnknown
from ledger.views import Money
from providers.interface import CardForm, NewPayment, PaymentPage, Provider, Receipt
from providers.unplaced import UnplacedMoney

log = logging.getLogger(__name__)

#: Requests to providers at once, those that wait beside them, and for how many seconds: a slow provider must not keep all threads.
CALLS, WAITING, WAIT_SECONDS = 8, 100, 5.0

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class CardFormView:
    """What the provider's own form takes, to be opened on the page of a shop. `script_url`: of a stand-in for the provider, where
    payments are tried out; null: its own."""

    publishable_key: str
    client_secret: str
    script_url: str | None = None


@dataclass(slots=True, kw_only=True)
class StartedPaymentView:
    """A payment that was started for a hold. The customer pays until `payable_until`, as the method has it: at `redirect_url`, or
    in the provider's form, `card_form`. Then the hold's seats are booked. `amount`: all that they cost."""

    id: UUID
    hold_id: UUID
    method: ShownMethod
    amount: Money
    currency: str
    payable_until: datetime
    redirect_url: str | None = None
    card_form: CardFormView | None = None


class OnlinePayments:
    """In `app.state.online_payments`."""

    def __init__(
        self, command_service: CommandService, providers: Mapping[OnlineMethod, Provider], unplaced: UnplacedMoney
    ) -> None:
        self._command_service, self._providers, self._unplaced = command_service, providers, unplaced
        self._calls = ConcurrencyLimiter("payments", CALLS, WAITING, WAIT_SECONDS)

    @property
    def online_methods(self) -> list[OnlineMethod]:
        """Of this installation; the box office is always one, too."""
        return sorted(self._providers)

    def check_offered(self, terms: NewPaymentTerms | None) -> None:
        """Whether an event can be paid here like that. Raises PaymentMethodOff."""
        here = ["box_office", *self.online_methods]
        if terms is not None and not set(terms.methods) <= {*here}:
            raise PaymentMethodOff(here)

    def provider(self, name: str) -> Provider:
        """Raises ProviderUnknown."""
        found = next((provider for method, provider in self._providers.items() if method == name), None)
        if found is None:
            raise ProviderUnknown
        return found

    async def begin(self, event_id: UUID, hold_id: UUID, method: OnlineMethod) -> StartedPaymentView:
        """Asks the provider for the payment that was started for this hold; again, it is the same. Raises ProviderUnknown,
        ProviderUnavailable, Busy, PaymentRefused; HoldNotFound if the hold has ended meanwhile."""
        provider = self.provider(method)
        event = await self._command_service.last_seen_event(event_id)
        hold = event.holds.get(hold_id.bytes) if event is not None else None
        started = hold.payment_by(method) if hold is not None else None
        if event is None or started is None:
            raise HoldNotFound
        payment = NewPayment(
            UUID(bytes=started.id), event_id, hold_id, started.amount, event.currency, event.details.name, started.payable_until
        )
        view = StartedPaymentView(
            id=payment.id, hold_id=hold_id, method=method, amount=to_text(payment.amount, event.currency),
            currency=event.currency, payable_until=payment.payable_until,
        )  # fmt: skip
        match await self.call(lambda: provider.start(payment)):
            case PaymentPage(url):
                view.redirect_url = url
            case CardForm() as form:
                view.card_form = CardFormView(**form._asdict())
        return view

    async def receive(self, name: str, headers: Mapping[str, str], body: bytes) -> None:
        """Records what a webhook tells. Once this returns, it is in the ledger, or among the money that somebody has to place.

        Raises ProviderUnknown, WebhookRefused; as `CommandService.record`, after which the provider has to tell it again."""
        receipt = self.provider(name).read_webhook(headers, body)
        if receipt is not None:
            await self._record(receipt)

    async def _record(self, receipt: Receipt) -> None:
        try:
            await self._command_service.record(receipt.command(self._command_service.codes.newest_key))
        except (EventNotFound, PaymentNotFound, AlreadyPaid, Malformed) as refusal:
            await self._note(receipt, refusal.detail)

    async def _note(self, receipt: Receipt, reason: str) -> None:
        log.error("What provider %s has received as %s has to be placed: %s", receipt.method, receipt.object, reason)
        await self.call(lambda: self._unplaced.note(receipt, reason))

    async def call(self, ask: Callable[[], T]) -> T:
        """What a provider answers. Raises Busy; ProviderUnavailable where its tables can't be read."""
        async with self._calls.slot():
            try:
                return await asyncio.to_thread(ask)
            except (OperationalError, InterfaceError) as error:
                raise ProviderUnavailable from error


def online_payments_of(request: Request) -> OnlinePayments:
    payments: OnlinePayments = request.app.state.online_payments
    return payments
