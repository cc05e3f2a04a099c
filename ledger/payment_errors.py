"""The errors of commands about payments: problems, as those of `errors.py`."""

from collections.abc import Iterable
from uuid import UUID

from ledger.errors import NotFound, RetryableError, RuleBroken, SeatledgerError


class PaymentElsewhere(RuleBroken, title="Payment is taken elsewhere"):
    """This booking is not paid through Seatledger: it costs nothing, or the event's payment was taken elsewhere when it was
    booked."""

    def __init__(self) -> None:
        super().__init__("This booking is not paid through Seatledger.")


class PaymentDue(RuleBroken):
    """The booking of this ticket is not paid: see `due_amount`, a decimal string. Take the payment first."""

    def __init__(self, due_amount: str, currency: str) -> None:
        super().__init__(f"This ticket is not paid: {due_amount} {currency} are due for its booking.", due_amount=due_amount)


class AlreadyPaid(RuleBroken):
    """Nothing is due for this booking: it was paid, or cancelled."""

    def __init__(self) -> None:
        super().__init__("Nothing is due for this booking.")


class AmountDiffers(RuleBroken):
    """Another amount is due for this booking: see `due_amount`, a decimal string. Nothing was recorded."""

    def __init__(self, due_amount: str, currency: str) -> None:
        super().__init__(f"{due_amount} {currency} are due for this booking.", due_amount=due_amount)


class RefundExceeds(RuleBroken, title="Refund exceeds what was paid"):
    """Less than that is owed for this booking: see `refundable_amount`, a decimal string; with `goodwill`, what was paid and not
    paid back yet. Nothing was recorded."""

    def __init__(self, refundable_amount: str, currency: str) -> None:
        detail = f"At most {refundable_amount} {currency} can be paid back for this booking."
        super().__init__(detail, refundable_amount=refundable_amount)


class RefundLimit(RuleBroken, title="Too many refunds"):
    """Money was paid back for this booking `limit` times: pay what is left in another way."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Money was paid back for this booking {limit} times: there can't be more refunds.", limit=limit)


class PaymentRequired(RuleBroken):
    """These seats are booked once they are paid: hold them, and start a payment by one of the `methods` for the hold. `due_amount`:
    what they cost, a decimal string. Nothing was booked."""

    def __init__(self, due_amount: str, currency: str, methods: Iterable[str]) -> None:
        super().__init__(f"{due_amount} {currency} have to be paid first.", due_amount=due_amount, methods=list(methods))


class PaymentMethodOff(RuleBroken, title="Not with this method"):
    """The event, or any event of this installation, can't be paid by this method: see `methods`."""

    def __init__(self, methods: Iterable[str]) -> None:
        super().__init__("It can't be paid by this method.", methods=list(methods))


class PaymentRefused(RuleBroken):
    """The payment provider does not take this payment, such as one below its least amount. Your seats are still held."""

    def __init__(self) -> None:
        super().__init__("The payment provider does not take this payment.")


class PaymentUnderWay(RuleBroken):
    """A payment by this method was started for the hold before. No client sees it: the payment is the response."""

    def __init__(self, payment_id: UUID) -> None:
        super().__init__("A payment by this method was started already.", payment_id=str(payment_id))


class PaymentNotFound(NotFound, title="No such payment"):
    """No payment has this id, or it is not yours."""

    def __init__(self) -> None:
        super().__init__("There is no payment with this id, or it is not yours.")


class ProviderUnavailable(RetryableError, status=503):
    """The payment provider does not answer. Your seats are still held: try again after `Retry-After` seconds."""

    def __init__(self) -> None:
        super().__init__("The payment provider does not answer at the moment.")


class ProviderUnknown(NotFound, title="No such payment provider"):
    """This installation has no payment provider of this name."""

    def __init__(self) -> None:
        super().__init__("This installation has no payment provider of this name.")


class WebhookRefused(SeatledgerError, status=400):
    """The webhook is not from this installation's account at the payment provider. Nothing was recorded."""


class RefundNotOwed(SeatledgerError, status=409):
    """This refund is not owed, or not that much of it. No client sees it."""

    def __init__(self) -> None:
        super().__init__("This refund is not owed.")
