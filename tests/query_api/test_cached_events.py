"""What the event read cache holds: exact as of one position."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from query_api.caching import cached_events
from query_api.caching.cached_events import CachedEvents, ChangedEvents
from query_api.queries import ChangedEventRow, EventRow, EventSearch

NOW = datetime(2031, 5, 1, tzinfo=UTC)
ID, OTHER = UUID(int=1), UUID(int=2)
UPCOMING = EventSearch(status="active", upcoming=True)


def row(id_: UUID = ID, name: str = "Concert", past_at: datetime | None = None, taken: int = 0) -> EventRow:
    return EventRow(
        event_id=id_, number=1, name=name, description="", venue="", starts_at=past_at, ends_at=None, timezone="UTC",
        sales_open_at=None, sales_close_at=None, past_at=past_at, show_at=None, currency="EUR", status="active", organizer_id=ID,
        max_tickets_per_customer=None, guest_checkout="off", hold_minutes=15, payment_methods=[],
        details_version=1, created_at=NOW,
        categories=f'[[1, "Chair", 1000, 10, {taken}, 0, {10 - taken}, null]]', pools=None, codes=None,
    )  # fmt: skip


def seats_changed(position: int, taken: int, category: str = "Chair") -> ChangedEvents:
    changes = ChangedEvents()
    changes.add(ChangedEventRow(ID, position, f'[["{category}", 10, {taken}, 0, {10 - taken}, null]]', None))
    return changes


def test_seats_of_a_pool_limit_its_categories(cached: CachedEvents) -> None:
    categories = '[[1, "Chair", 1000, 10, 2, 0, 8, 1], [2, "Bench", 500, 10, 1, 0, 9, 1], [3, "Floor", 0, 4, 0, 0, 4, null]]'
    pooled = msgspec.structs.replace(row(), categories=categories, pools='[[1, "Hall", 12, 3, 0, 9]]')
    cached.store_event(5, pooled)
    assert seen(cached) == ([8, 9, 4], 9, 13, 16)
    changes = ChangedEvents()
    seats = '[["Chair", 10, 2, 0, 8, 1], ["Bench", 10, 3, 2, 5, 1], ["Floor", 4, 4, 0, 0, null]]'
    changes.add(ChangedEventRow(ID, 7, seats, '[[1, "Hall", 12, 5, 2, 5]]'))
    cached.apply(changes, 7)
    assert seen(cached) == ([5, 5, 0], 5, 5, 16)


def test_another_pool_drops_the_event(cached: CachedEvents) -> None:
    changes = ChangedEvents()
    changes.add(ChangedEventRow(ID, 7, '[["Chair", 10, 2, 0, 8, 1]]', '[[1, "Hall", 12, 5, 2, 5]]'))
    cached.apply(changes, 7)
    assert cached.event(ID) is None


def seen(cached: CachedEvents) -> tuple[list[int], int, int, int]:
    """What is available of each category, of the pool and in all, and the capacity."""
    response = cached.event(ID)
    assert response is not None
    event = msgspec.json.decode(response.made.body)
    categories = [category["available"] for category in event["categories"]]
    return categories, event["pools"][0]["available"], event["available"], event["capacity"]


def details_changed(id_: UUID, position: int) -> ChangedEvents:
    changes = ChangedEvents()
    changes.add(ChangedEventRow(id_, position, None, None))
    return changes


@pytest.fixture
def cached() -> CachedEvents:
    """Started at position 5, with an event and a page of it."""
    cached = CachedEvents()
    cached.start(5)
    cached.store_page(UPCOMING, 5, [cached.store_event(5, row())], None)
    return cached


def available(cached: CachedEvents) -> int | None:
    response = cached.event(ID)
    return None if response is None else int(msgspec.json.decode(response.made.body)["available"])


def test_nothing_is_stored_before_the_start_or_after_the_stop(cached: CachedEvents) -> None:
    cached.stop()
    cached.store_event(5, row())
    assert (cached.event(ID), cached.page(UPCOMING, NOW), len(cached.events)) == (None, None, 0)


def test_change_of_seats_updates_the_event_and_its_pages(cached: CachedEvents) -> None:
    cached.apply(seats_changed(7, taken=3), 8)
    event, page = cached.event(ID), cached.page(UPCOMING, NOW)
    assert event is not None
    assert page is not None
    assert (available(cached), event.position, page.position) == (7, 8, 8)
    assert event.made.body in page.made.body


def test_change_of_seats_of_another_category_drops_the_event(cached: CachedEvents) -> None:
    cached.apply(seats_changed(7, taken=3, category="Box"), 7)
    assert (cached.event(ID), cached.page(UPCOMING, NOW)) == (None, None)


def test_change_of_details_drops_the_event_and_all_pages(cached: CachedEvents) -> None:
    cached.store_event(5, row(OTHER))
    cached.apply(details_changed(ID, 6), 6)
    assert (cached.event(ID), cached.page(UPCOMING, NOW)) == (None, None)
    assert cached.event(OTHER) is not None


def test_event_that_was_read_ahead_is_returned_once_changes_have_caught_up(cached: CachedEvents) -> None:
    cached.store_event(9, row(taken=4))
    assert (cached.event(ID), cached.page(UPCOMING, NOW)) == (None, None)
    cached.apply(ChangedEvents(), 8)
    assert cached.event(ID) is None
    cached.apply(seats_changed(9, taken=4), 9)
    assert available(cached) == 6


def test_event_that_was_read_earlier_is_not_stored(cached: CachedEvents) -> None:
    cached.store_event(4, row(OTHER))
    assert cached.event(OTHER) is None


def test_position_that_decreases_drops_everything(cached: CachedEvents) -> None:
    cached.apply(ChangedEvents(), 3)
    assert (cached.event(ID), len(cached.events), len(cached.pages), cached.position) == (None, 0, 0, 3)


def test_page_of_upcoming_events_ends_when_its_first_event_is_past(cached: CachedEvents) -> None:
    events = [
        cached.store_event(5, row(past_at=NOW + timedelta(hours=2))),
        cached.store_event(5, row(OTHER, past_at=NOW + timedelta(hours=1))),
    ]
    cached.store_page(UPCOMING, 5, events, None)
    cached.store_page(EventSearch(), 5, events, None)
    assert cached.page(UPCOMING, NOW) is not None
    assert cached.page(UPCOMING, NOW + timedelta(hours=1)) is None
    assert cached.page(EventSearch(), NOW + timedelta(hours=1)) is not None


def test_event_larger_than_the_cache_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_events, "KEPT_BYTES", 100)
    cached = CachedEvents()
    cached.start(5)
    assert b"Concert" in cached.store_event(5, row()).made.body
    assert cached.event(ID) is None
