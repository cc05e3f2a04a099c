"""All projections, by name. A new one is a new file and a line here."""

from projections.audit import Audit
from projections.availability import Availability
from projections.bookings import Bookings
from projections.catalogue import Catalogue
from projections.engine import Projector
from projections.revenue import Revenue

#: Those that cost most come first: where some are folded at a time, nobody waits for a long one that began last.
PROJECTORS: dict[str, Projector] = {
    projector.name: projector for projector in (Bookings(), Audit(), Revenue(), Availability(), Catalogue())
}
