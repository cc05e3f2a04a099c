"""The types of what a webhook is told: one for each class of entries."""

from typing import Literal, get_args

from typing_extensions import TypeAliasType

from ledger import entries as e
from ledger.entries import Entry

TYPES: dict[type[Entry], str] = {
    e.EventScheduled: "event.created",
    e.EventDetailsChanged: "event.changed",
    e.EventCancelled: "event.cancelled",
    e.EventCompleted: "event.completed",
    e.CategoryAdded: "category.added",
    e.CategoryRenamed: "category.renamed",
    e.CategoryRemoved: "category.removed",
    e.PriceChanged: "category.price_changed",
    e.CapacityChanged: "category.capacity_changed",
    e.PoolsSet: "pools.set",
    e.CodesMade: "codes.made",
    e.CodesWithdrawn: "codes.withdrawn",
    e.SeatsHeld: "hold.created",
    e.HoldExtended: "hold.extended",
    e.HoldReleased: "hold.released",
    e.HoldsLapsed: "holds.lapsed",
    e.SeatsBooked: "booking.created",
    e.BookingCancelled: "booking.cancelled",
    e.TicketUsed: "ticket.used",
    e.PaymentStarted: "payment.started",
    e.PaymentReceived: "payment.received",
    e.RefundOwed: "refund.owed",
    e.RefundPaid: "refund.paid",
    e.RefundFailed: "refund.failed",
}
ALL = "*"
#: Sent when its owner asks for it; about no entry.
TEST = "webhook.test"

WebhookType = TypeAliasType(
    "WebhookType",
    Literal[
        "*", "event.created", "event.changed", "event.cancelled", "event.completed", "category.added", "category.renamed",
        "category.removed", "category.price_changed", "category.capacity_changed", "pools.set", "codes.made",
        "codes.withdrawn", "hold.created", "hold.extended", "hold.released", "holds.lapsed", "booking.created",
        "booking.cancelled", "ticket.used", "payment.started", "payment.received", "refund.owed", "refund.paid", "refund.failed",
    ],
)  # fmt: skip
NAMES: tuple[str, ...] = get_args(WebhookType.__value__)
