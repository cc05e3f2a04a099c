"""All projections, by name. A new projection is a new file and a line here."""

from projections.audit import AuditProjector
from projections.availability import AvailabilityProjector
from projections.bookings import BookingsProjector
from projections.catalogue import CatalogueProjector
from projections.engine import Projector
from projections.revenue import RevenueProjector

#: The most expensive ones come first: where several are folded concurrently, the longest must not begin last.
PROJECTORS: dict[str, Projector] = {
    projector.name: projector
    for projector in (BookingsProjector(), AuditProjector(), RevenueProjector(), AvailabilityProjector(), CatalogueProjector())
}
