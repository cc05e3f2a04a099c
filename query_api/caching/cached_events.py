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
from query_api.queries import CategorySeatsRow, EventRow, EventSearch, PoolRow
from query_api.responses import mapping
from query_api.responses.representation import Representation

KEPT_BYTES = 32 * 1024 * 1024
KEPT_PAGES = 300

_encode = msgspec.json.Encoder().encode


class CachedResponse(NamedTuple):
    """A response, and the ledger position that it shows."""

    position: int
    made: Representation


class CachedEvent:
    """An event as it was read at `position`; `set_seats` keeps its seats up to date."""

    __slots__ = ("made", "position", "view")

    def __init__(self, position: int, view: EventView) -> None:
        self.position, self.view = position, view
        self.made = self._make()

    def _make(self) -> Representation:
        """Its ETag begins with the version of the details, which is all that `If-Match` compares."""
        return Representation(_encode(self.view), f"{self.view.details_version}-")

    def response(self) -> CachedResponse:
        return CachedResponse(self.position, self.made)

    def size_bytes(self) -> int:
        return 3 * len(self.made.body) + 600

    def set_seats(self, rows: list[CategorySeatsRow], pools: list[PoolRow]) -> bool:
        """Sets the seats of each category and pool. False where these are others: then the event's details have changed, too."""
        view = self.view
        if [category.name for category in view.categories] != [row.name for row in rows]:
            return False
        if [pool.name for pool in view.pools] != [row.name for row in pools]:
            return False
        shared = mapping.share_rows(rows, pools)
        for category, row, available in zip(view.categories, rows, shared.available, strict=True):
            category.capacity, category.taken, category.held, category.available = row.capacity, row.taken, row.held, available
        for pool, row_of_pool in zip(view.pools, pools, strict=True):
            pool.capacity, pool.taken, pool.held = row_of_pool.capacity, row_of_pool.taken, row_of_pool.held
            pool.available = row_of_pool.available
        view.capacity, view.available = shared.total
        self.made = self._make()
        return True


class CachedPage:
    """The events of a page, in order, as it was read at `position`. A page of upcoming events is valid `until` its first event is
    past."""

    __slots__ = ("_made", "_made_of", "event_ids", "next_cursor", "position", "until")

    def __init__(self, position: int, event_ids: list[UUID], next_cursor: str | None, until: datetime | None) -> None:
        self.position, self.event_ids, self.next_cursor, self.until = position, event_ids, next_cursor, until
        self._made_of = list[Representation]()
        self._made: Representation | None = None

    def representation(self, events: list[Representation]) -> Representation:
        """Made anew only if one of the events has changed."""
        if self._made is None or any(made is not event for made, event in zip(self._made_of, events, strict=True)):
            self._made, self._made_of = page_of(events, self.next_cursor), events
        return self._made


class ChangedEvents:
    """The events that changed after a position, and how."""

    def __init__(self) -> None:
        #: The newest seats of each event: of its categories, and of its pools if it has any, as JSON.
        self.seats: dict[UUID, tuple[str, str | None]] = {}
        #: Events whose details changed.
        self.details: set[UUID] = set()

    def add(self, row: queries.ChangedEventRow) -> None:
        if row.categories is None:
            self.details.add(row.event_id)
        else:
            self.seats[row.event_id] = row.categories, row.pools


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
        return None if event is None or self.position is None else CachedResponse(self.position, event.made)

    def page(self, search: EventSearch, now: datetime) -> CachedResponse | None:
        page = self.pages.get(search)
        if page is None or self.position is None or page.position > self.position or (page.until is not None and page.until <= now):
            return None
        events = [self._current(event_id) for event_id in page.event_ids]
        made = [event.made for event in events if event is not None]
        return CachedResponse(self.position, page.representation(made)) if len(made) == len(events) else None

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
        for event_id, (categories, pools) in changes.seats.items():
            event = self.events.get(event_id)
            if event is not None and not event.set_seats(mapping.decode_seats(categories), mapping.decode_pools(pools or "[]")):
                changes.details.add(event_id)
        for event_id in changes.details:
            self.events.pop(event_id, None)
        if changes.details:
            self.pages.clear()
        if self.position is not None and position < self.position:  # a projection was reset
            self.clear()
        self.position = position


def page_of(events: list[Representation], next_cursor: str | None) -> Representation:
    items = b",".join([event.body for event in events])
    return Representation(b'{"items":[' + items + b'],"next_cursor":' + _encode(next_cursor) + b"}")
