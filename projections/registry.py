"""All projections, by name, and what each ignores. For a new projection here: a line in each of the two
tables."""

from collections.abc import Mapping

from ledger import entries as e
from projections.audit import AuditProjector
from projections.availability import AvailabilityProjector
from projections.bookings import BookingsProjector
from projections.catalogue import CatalogueProjector
from projections.codes import CodesProjector
from projections.engine import Projector
from projections.payments import PaymentsProjector
from projections.postings import PostingsProjector
from projections.revenue import RevenueProjector

#: The most expensive ones come first: where several are folded concurrently, the longest must not begin last.
PROJECTORS: dict[str, Projector] = {
    projector.name: projector
    for projector in (
        BookingsProjector(),
        AuditProjector(),
        RevenueProjector(),
        AvailabilityProjector(),
        CatalogueProjector(),
        CodesProjector(),
        PaymentsProjector(),
        PostingsProjector(),
    )
}

_HELD = frozenset[type[e.Entry]]((e.SeatsHeld, e.HoldExtended, e.HoldReleased, e.HoldsLapsed))
_HOLDS = _HELD | {e.PaymentStarted}
_CODES = frozenset[type[e.Entry]]((e.CodesMade, e.CodesWithdrawn))
_MONEY = frozenset[type[e.Entry]]((e.PaymentReceived, e.RefundOwed, e.RefundPaid, e.RefundFailed))
_CATEGORIES = frozenset[type[e.Entry]]((e.CategoryAdded, e.CategoryRenamed, e.CategoryRemoved, e.CapacityChanged))
_EVENT = frozenset[type[e.Entry]]((e.EventScheduled, e.EventDetailsChanged, e.PriceChanged, e.PoolsSet))

#: The entry classes that a projector does not handle, by the projector's name. A test demands that it handles all others, so that
#: nobody overlooks a new class.
IGNORED: Mapping[str, frozenset[type[e.Entry]]] = {
    "audit": frozenset(),
    "availability": _CODES | _MONEY | {e.EventDetailsChanged, e.PriceChanged, e.TicketUsed},
    "bookings": _CATEGORIES | _HOLDS | _CODES | {e.PoolsSet, e.PriceChanged, e.RefundFailed},
    "catalogue": _HOLDS | _MONEY | {e.SeatsBooked, e.BookingCancelled, e.TicketUsed},
    "codes": _CATEGORIES
    | _MONEY
    | {e.EventScheduled, e.EventDetailsChanged, e.PriceChanged, e.PoolsSet, e.HoldExtended, e.PaymentStarted, e.TicketUsed},
    "payments": _EVENT | _CATEGORIES | _HELD | _CODES | {e.EventCompleted, e.SeatsBooked, e.BookingCancelled, e.TicketUsed},
    "postings": _EVENT | _CATEGORIES | _HOLDS | _CODES | {e.TicketUsed, e.RefundFailed},
    "revenue": _HOLDS | _CODES | {e.PriceChanged, e.TicketUsed, e.RefundFailed},
}
