"""The errors of commands about payments: problems, as those of `errors.py`."""

from ledger.errors import RuleBroken


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
