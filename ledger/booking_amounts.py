"""What a booking costs, and what was paid, is due and is owed back, as its entries say: for the views of the write side and of the
read side alike. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import TypeAliasType

from ledger import entries as e
from ledger.money import to_text

PaymentStatus = TypeAliasType("PaymentStatus", Literal["none-due", "due", "paid", "refund-due", "refunded", "part-refunded"])


@dataclass(slots=True)
class BookingAmounts:
    """In minor units. `cancelled`: what the cancelled tickets cost. `to_pay`: what the others cost; None: payment is taken
    elsewhere. `received`: all payments; `paid_back`: all refunds that were paid. What exceeds `to_pay` of what was received and not
    paid back is owed: the entries that say so repeat what follows from the others, but for goodwill, which lowers `to_pay`.
    `is_event_cancelled`: then nothing is to be paid, and all that was received is owed back."""

    total: int
    cancelled: int = 0
    to_pay: int | None = None
    received: int = 0
    paid_back: int = 0
    is_event_cancelled: bool = False

    @classmethod
    def of(cls, entry: e.SeatsBooked) -> "BookingAmounts":
        total = sum(entry.line_amounts)
        return cls(total, to_pay=total if entry.is_payable else None)

    def apply(self, entry: e.Entry) -> None:
        """Applies a later entry about the booking."""
        match entry:
            case e.BookingCancelled():
                self.cancelled += sum(line.refund for line in entry.lines)
                self._pay_less(entry.less_to_pay or 0)
            case e.PaymentReceived():
                self.received += entry.amount
            case e.RefundOwed(reason="goodwill"):
                self._pay_less(entry.amount)
            case e.RefundPaid():
                self.paid_back += entry.amount
            case e.EventCancelled():
                self.is_event_cancelled = True

    def _pay_less(self, amount: int) -> None:
        if self.to_pay is not None:
            self.to_pay -= amount

    @property
    def _balance(self) -> int:
        """What was received and not paid back, less what is to be paid."""
        return self.received - self.paid_back - (0 if self.is_event_cancelled else self.to_pay or 0)

    @property
    def due(self) -> int:
        return max(-self._balance, 0)

    @property
    def refund_due(self) -> int:
        return max(self._balance, 0)

    @property
    def refunded(self) -> int:
        """What was paid back; where payment is taken elsewhere, what has to be."""
        if self.to_pay is not None:
            return self.paid_back
        return self.total if self.is_event_cancelled else self.cancelled

    @property
    def status(self) -> PaymentStatus:
        balance = self._balance
        if balance:
            return "due" if balance < 0 else "refund-due"
        if self.paid_back:
            return "refunded" if self.paid_back == self.received else "part-refunded"
        return "paid" if self.received else "none-due"

    def fields(self, currency: str) -> dict[str, Any]:
        """The fields of a view of the booking; amounts are decimal strings."""
        nothing, balance = to_text(0, currency), self._balance
        return {
            "total_amount": to_text(self.total, currency),
            "refunded_amount": to_text(self.refunded, currency),
            "payment_status": self.status,
            "paid_amount": to_text(self.received, currency),
            "due_amount": to_text(-balance, currency) if balance < 0 else nothing,
            "refund_due_amount": to_text(balance, currency) if balance > 0 else nothing,
        }
