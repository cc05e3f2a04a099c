"""Every SELECT of the read side. Written as SQLAlchemy Core on the models, made into SQL text once, executed by `database.py`.

Each is one statement, so that its rows are of one snapshot, and says in its first column how far the projections that it reads had
come: `SELECT reached.position, q.* FROM reached LEFT JOIN (…) AS q ON true`. What belongs to a row (categories, tickets) comes
with it, as JSON. A filter that is not asked for is not in the SQL, so that every statement finds its index.
"""

from query_api.queries.booking_queries import (
    TICKETS_PER_PAGE,
    BookingSearch,
    all_event_bookings,
    booking_by_id,
    customer_bookings,
    event_bookings,
    event_of_booking,
    obligations,
)
from query_api.queries.compose import AUDIT, AVAILABILITY, BOOKINGS, EVENTS, REVENUE, literally
from query_api.queries.entry_queries import (
    WINDOW,
    EntrySearch,
    entries,
    first_entry,
    first_later,
    first_later_tile,
    last_place,
    newest_entry,
)
from query_api.queries.event_queries import EventKey, EventSearch, event_by_id, event_page
from query_api.queries.guest_queries import guests_bookings, guests_events
from query_api.queries.position_queries import (
    MAX_LAG,
    availability_changes,
    event_changes,
    positions,
    progress,
    projections_position,
    verification,
)
from query_api.queries.proof_queries import amendments, leaf_count, leaves_of, newest_checkpoint, signing, stored_entries, tiles
from query_api.queries.statistics_queries import MAX_BUCKETS, Interval, all_event_totals, event_totals, sales, summary

__all__ = [
    "AUDIT",
    "AVAILABILITY",
    "BOOKINGS",
    "EVENTS",
    "MAX_BUCKETS",
    "MAX_LAG",
    "REVENUE",
    "TICKETS_PER_PAGE",
    "WINDOW",
    "BookingSearch",
    "EntrySearch",
    "EventKey",
    "EventSearch",
    "Interval",
    "all_event_bookings",
    "all_event_totals",
    "amendments",
    "availability_changes",
    "booking_by_id",
    "customer_bookings",
    "entries",
    "event_bookings",
    "event_by_id",
    "event_changes",
    "event_of_booking",
    "event_page",
    "event_totals",
    "first_entry",
    "first_later",
    "first_later_tile",
    "guests_bookings",
    "guests_events",
    "last_place",
    "leaf_count",
    "leaves_of",
    "literally",
    "newest_checkpoint",
    "newest_entry",
    "obligations",
    "positions",
    "progress",
    "projections_position",
    "sales",
    "signing",
    "stored_entries",
    "summary",
    "tiles",
    "verification",
]
