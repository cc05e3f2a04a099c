"""All projections, by name. A new one is a new file and a line here."""

from projections.audit import Audit
from projections.availability import Availability
from projections.bookings import Bookings
from projections.catalogue import Catalogue
from projections.engine import Projector
from projections.revenue import Revenue

PROJECTORS: dict[str, Projector] = {
    projector.name: projector for projector in (Catalogue(), Availability(), Bookings(), Revenue(), Audit())
}
