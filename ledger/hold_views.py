"""Views of holds, as the API shows them, made from their entries; as `views.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypeAliasType

from ledger import details
from ledger import entries as e
from ledger.money import to_text
from ledger.views import LineView, Money, PricedLine, line_views

HoldStatus = TypeAliasType("HoldStatus", Literal["open", "confirmed", "released", "lapsed"])
OnlineMethod = TypeAliasType("OnlineMethod", details.OnlineMethod)


@dataclass(slots=True, kw_only=True)
class HoldPaymentView:
    """A payment that was started for a hold. The provider takes the money until `payable_until`."""

    id: UUID
    method: OnlineMethod
    payable_until: datetime


@dataclass(slots=True, kw_only=True)
class HoldView:
    """Seats that are held until `expires_at`. A booking that confirms the hold has its `id`. `status`: `lapsed` once its time is
    over; then it can still be confirmed, as long as nobody else has its seats. `customer_id`: null for a walk-in. `total_amount`:
    what the booking will cost, whatever prices do meanwhile. `payment`: that was started for it; once it is received, the seats are
    booked."""

    id: UUID
    event_id: UUID
    event_name: str
    customer_id: UUID | None
    status: HoldStatus
    lines: list[LineView]
    total_amount: Money
    currency: str
    held_at: datetime
    expires_at: datetime
    payment: HoldPaymentView | None = None


@dataclass(slots=True, kw_only=True)
class MadeHoldView(HoldView):
    """A new hold. `token`, of one without an account: send it as `Authorization: Bearer` with requests about this hold."""

    token: str | None = None


def held_line_views(lines: Sequence[PricedLine], amounts: Sequence[int], currency: str) -> tuple[list[LineView], Money]:
    """The lines of a hold, and what they cost together. `amounts`: what each line costs, in minor units."""
    return line_views(lines, amounts, currency), to_text(sum(amounts), currency)


def hold_view(entries: Sequence[e.RecordedEntry], event_name: str, currency: str) -> HoldView:
    """A hold as its `SeatsHeld`, the first of the entries, and later ones about it made it."""
    held = entries[0].entry
    assert isinstance(held, e.SeatsHeld)
    lines, total = held_line_views(held.lines, held.line_amounts, currency)
    view = HoldView(
        id=held.command, event_id=entries[0].stream, event_name=event_name, customer_id=held.customer_id, status="open",
        lines=lines, total_amount=total, currency=currency,
        held_at=held.at, expires_at=held.expires_at,
    )  # fmt: skip
    apply_to_hold(view, entries[1:])
    return view


def apply_to_hold(view: HoldView, entries: Iterable[e.RecordedEntry]) -> None:
    """Applies later entries about a hold to its view."""
    for recorded in entries:
        match recorded.entry:
            case e.HoldExtended(expires_at=expires_at):
                view.expires_at = expires_at
            case e.PaymentStarted() as started:
                view.customer_id, view.expires_at = started.customer_id, started.expires_at
                view.payment = HoldPaymentView(id=started.command, method=started.method, payable_until=started.payable_until)
            case e.HoldReleased():
                view.status = "released"
            case e.HoldsLapsed():
                view.status = "lapsed"
            case e.SeatsBooked():
                view.status = "confirmed"
