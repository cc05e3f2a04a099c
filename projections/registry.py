"""All projections, by name. A new one is a new file and a line here."""

from projections.audit import AuditProjector
from projections.availability import AvailabilityProjector
from projections.bookings import BookingsProjector
from projections.catalogue import CatalogueProjector
from projections.engine import Projector
from projections.revenue import RevenueProjector

#: Those that cost most come first: where some are folded at a time, nobody waits for a long one that began last.
PROJECTORS: dict[str, Projector] = {
    projector.name: projector
    for projector in (BookingsProjector(), AuditProjector(), RevenueProjector(), AvailabilityProjector(), CatalogueProjector())
}
