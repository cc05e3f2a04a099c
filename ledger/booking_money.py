"""The money of one booking, as its Event keeps it: what was received, and what is owed or was paid back. Pure.

All amounts are in minor units of the Event's currency. Only bookings that are paid through Seatledger have it."""

from typing import Self, get_args

import msgspec

from ledger.details import OnlineMethod
from ledger.entries import PaymentReceived, RefundFailed, RefundOwed, RefundPaid

ONLINE_METHODS = frozenset(get_args(OnlineMethod))


class Payment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A payment that was received. `given_back`: how much of it is owed to the customer, or was paid back."""

    id: bytes
    method: str
    amount: int
    given_back: int = 0

    @property
    def kept(self) -> int:
        return self.amount - self.given_back

    @property
    def is_online(self) -> bool:
        """Whether a provider received it, which pays it back, too."""
        return self.method in ONLINE_METHODS


class OpenRefund(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A refund that is owed. `amount`: what of it is still to be paid."""

    id: bytes
    payment: bytes
    amount: int


class BookingMoney(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`payments` and `refunds`: the oldest first. `waived`: what the organizer took off the price afterwards.
    `times_paid_back`: how often money went back. `failed_refunds`: the ids of those that the provider can't pay."""

    payments: tuple[Payment, ...] = ()
    refunds: tuple[OpenRefund, ...] = ()
    waived: int = 0
    times_paid_back: int = 0
    failed_refunds: tuple[bytes, ...] = ()

    @property
    def kept(self) -> int:
        """What was received, less all that is owed or was paid back."""
        return sum(payment.kept for payment in self.payments)

    @property
    def owed(self) -> int:
        """What is owed by refunds that are not paid yet."""
        return sum(refund.amount for refund in self.refunds)

    def received(self, entry: PaymentReceived) -> Self:
        payment = Payment(entry.payment_id.bytes, entry.method, entry.amount)
        return msgspec.structs.replace(self, payments=(*self.payments, payment))

    def owing(self, entry: RefundOwed) -> Self:
        refund = OpenRefund(entry.refund_id.bytes, entry.payment_id.bytes, entry.amount)
        waived = self.waived + (entry.amount if entry.reason == "goodwill" else 0)
        given_back = self._given_back(entry.payment_id.bytes, entry.amount)
        return msgspec.structs.replace(given_back, refunds=(*self.refunds, refund), waived=waived)

    def paid_back(self, entry: RefundPaid) -> Self:
        """A refund that is not open is one of a cancelled Event, which is itself the debt. Open ones are paid in their order."""
        key, times = entry.refund_id.bytes, self.times_paid_back + 1
        place = next((place for place, refund in enumerate(self.refunds) if refund.id == key), None)
        if place is None:
            return msgspec.structs.replace(self._given_back(entry.payment_id.bytes, entry.amount), times_paid_back=times)
        paid = self.refunds[place]
        assert 0 < entry.amount <= paid.amount, "never paid back more than is owed"
        left = msgspec.structs.replace(paid, amount=paid.amount - entry.amount)
        refunds = (*self.refunds[:place], *((left,) if left.amount else ()), *self.refunds[place + 1 :])
        return msgspec.structs.replace(self, refunds=refunds, times_paid_back=times)

    def failed(self, entry: RefundFailed) -> Self:
        return msgspec.structs.replace(self, failed_refunds=(*self.failed_refunds, entry.refund_id.bytes))

    def _given_back(self, payment_id: bytes, amount: int) -> Self:
        payments = tuple(
            msgspec.structs.replace(payment, given_back=payment.given_back + amount) if payment.id == payment_id else payment
            for payment in self.payments
        )
        assert all(0 <= payment.given_back <= payment.amount for payment in payments), "never given back more than was received"
        return msgspec.structs.replace(self, payments=payments)
