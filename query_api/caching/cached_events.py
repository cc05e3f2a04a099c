"""Cached events and pages of events, exact as of one ledger position.

A CachedEvent or CachedPage is *current* if it was read at or before `position`. It may also be ahead: it was read at a later
position than the changes that were applied. Then it is stored, but not returned, until `apply` has caught up with it. So a result
never mixes two moments.

    start(n)                       apply(changes up to m ≥ n)
  ───────────▶ position = n ─────────────────────────────────▶ position = m: what changed is updated or dropped
                   ▲  store what was read at n or later                │
                   └───────────────────────────────────────────────────┘
    stop(), or apply() with m < n, as after a projection was reset: everything is dropped
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from cachetools import LRUCache

from ledger.views import EventView
from query_api import queries
from query_api.queries import CategorySeatsRow, EventRow, EventSearch
from query_api.responses import mapping

KEPT_BYTES = 32 * 1024 * 1024
KEPT_PAGES = 300

_encode = msgspec.json.Encoder().encode


class CachedResponse(NamedTuple):
    """The body of a response, and the ledger position that it shows."""

    position: int
    body: bytes
    etag: str = ""


class CachedEvent:
    """An event as it was read at `position`; `set_seats` keeps its seats up to date."""

    __slots__ = ("body", "etag", "position", "view")

    def __init__(self, position: int, view: EventView) -> None:
        self.position, self.view, self.body, self.etag = position, view, _encode(view), f'"{view.details_version}"'

    def response(self) -> CachedResponse:
        return CachedResponse(self.position, self.body, self.etag)

    def size_bytes(self) -> int:
        return 2 * len(self.body) + 500

    def set_seats(self, rows: list[CategorySeatsRow]) -> bool:
        """Sets the seats of each category. False where its categories are others: then the event's details have changed, too."""
        view = self.view
        if [category.name for category in view.categories] != [row.name for row in rows]:
            return False
        for category, row in zip(view.categories, rows, strict=True):
            category.capacity, category.taken, category.available = row.capacity, row.taken, row.available
        view.capacity = sum(category.capacity for category in view.categories)
        view.available = sum(category.available for category in view.categories)
        self.body = _encode(view)
        return True


class CachedPage(NamedTuple):
    """The events of a page, in order, as it was read at `position`. A page of upcoming events is valid `until` its first event is
    past."""

    position: int
    event_ids: list[UUID]
    next_cursor: str | None
    until: datetime | None


class ChangedEvents:
    """The events that changed after a position, and how."""

    def __init__(self) -> None:
        #: The newest seats of each event, as a JSON array of CategorySeatsRow.
        self.seats: dict[UUID, str] = {}
        #: Events whose details changed.
        self.details: set[UUID] = set()

    def add(self, row: queries.ChangedEventRow) -> None:
        if row.categories is None:
            self.details.add(row.event_id)
        else:
            self.seats[row.event_id] = row.categories


class CachedEvents:
    """The events and pages of one process, all as of `position`."""

    def __init__(self) -> None:
        #: The position up to which all changes are applied; None while stopped.
        self.position: int | None = None
        self.events: LRUCache[UUID, CachedEvent] = LRUCache(KEPT_BYTES, getsizeof=CachedEvent.size_bytes)
        self.pages: LRUCache[EventSearch, CachedPage] = LRUCache(KEPT_PAGES)

    def start(self, position: int) -> None:
        self.position = position

    def stop(self) -> None:
        self.position = None
        self.clear()

    def clear(self) -> None:
        """Drops what is stored; the position stays."""
        self.events.clear()
        self.pages.clear()

    # --- results

    def event(self, event_id: UUID) -> CachedResponse | None:
        event = self._current(event_id)
        return None if event is None or self.position is None else CachedResponse(self.position, event.body, event.etag)

    def page(self, search: EventSearch, now: datetime) -> CachedResponse | None:
        page = self.pages.get(search)
        if page is None or self.position is None or page.position > self.position or (page.until is not None and page.until <= now):
            return None
        events = [self._current(event_id) for event_id in page.event_ids]
        bodies = [event.body for event in events if event is not None]
        return page_response(self.position, bodies, page.next_cursor) if len(bodies) == len(events) else None

    def _current(self, event_id: UUID) -> CachedEvent | None:
        event = self.events.get(event_id)
        return event if event is not None and self.position is not None and event.position <= self.position else None

    # --- storing

    def store_event(self, position: int, row: EventRow) -> CachedEvent:
        event = CachedEvent(position, mapping.event_view(row))
        if self._may_store(position) and event.size_bytes() < KEPT_BYTES:
            self.events[event.view.id] = event
        return event

    def store_page(self, search: EventSearch, position: int, events: list[CachedEvent], next_cursor: str | None) -> None:
        if self._may_store(position):
            until = min(filter(None, (event.view.past_at for event in events)), default=None) if search.upcoming else None
            self.pages[search] = CachedPage(position, [event.view.id for event in events], next_cursor, until)

    def _may_store(self, position: int) -> bool:
        """What was read before `position` may have changed since, by a change that was applied already and will not come again."""
        return self.position is not None and position >= self.position

    def apply(self, changes: ChangedEvents, position: int) -> None:
        """Applies all changes up to `position` at once."""
        for event_id, categories in changes.seats.items():
            event = self.events.get(event_id)
            if event is not None and not event.set_seats(mapping.decode_seats(categories)):
                changes.details.add(event_id)
        for event_id in changes.details:
            self.events.pop(event_id, None)
        if changes.details:
            self.pages.clear()
        if self.position is not None and position < self.position:  # a projection was reset
            self.clear()
        self.position = position


def page_response(position: int, items: list[bytes], next_cursor: str | None) -> CachedResponse:
    return CachedResponse(position, b'{"items":[' + b",".join(items) + b'],"next_cursor":' + _encode(next_cursor) + b"}")
