"""Listing, searching and showing events."""

from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.commands import CategoryChange, ChangeEvent, CompleteEvent
from ledger.details import Pool
from ledger.event import Event, category_id
from ledger.settings import Settings
from ledger.views import event_view
from query_api.responses.http import _encode
from tests.query_api.world import ADMIN, NOW, ORGANIZER, OTHER, Api, CountingCursor, World, reading


async def test_event_is_shown_as_its_command_returned_it(world: World, api: Api) -> None:
    event_id = world.schedule(description="Two\nlines", venue="Hall", ends_at=NOW + timedelta(days=31), max_tickets_per_customer=4)
    world.book(event_id, General=3)
    world.project()
    response = await api.get(f"/api/events/{event_id}")
    assert response.status_code == 200
    assert response.content == _encode(event_view(world.events[event_id]))
    assert response.headers["etag"].startswith('"1-')
    assert response.headers["ledger-position"] == str(world.position)
    assert response.headers["cache-control"] == "public, max-age=1, stale-while-revalidate=10"


async def test_event_with_pools_is_shown_as_its_command_returned_it(world: World, api: Api) -> None:
    pools = (Pool(1, "Hall", 12, (1, 2)), Pool(2, "Empty", 5, ()))
    event_id = world.schedule(pools=pools, categories=[("General", 0, 10), ("VIP", 0, 10), ("Floor", 0, 4)])
    world.book(event_id, General=3, VIP=2)
    world.project()
    response = await api.get(f"/api/events/{event_id}")
    assert response.content == _encode(event_view(world.events[event_id]))
    event = response.json()
    assert [category["available"] for category in event["categories"]] == [7, 7, 4]
    assert [(pool["name"], pool["taken"], pool["available"]) for pool in event["pools"]] == [("Hall", 5, 7), ("Empty", 0, 5)]
    assert event["pools"][0]["categories"] == [category["id"] for category in event["categories"][:2]]
    assert (event["capacity"], event["available"]) == (16, 11)


async def test_list_has_active_and_upcoming_events_by_start(world: World, api: Api) -> None:
    later, sooner = world.schedule("later", starts_at=NOW + timedelta(days=9)), world.schedule("sooner")
    off, done = world.schedule("off"), world.schedule("done")
    past = world.schedule("past", starts_at=NOW - timedelta(days=1), at=NOW - timedelta(days=9))
    world.cancel_event(off)
    world.do(CompleteEvent(id=uuid4(), actor=ADMIN, event_id=done))
    world.project()

    async def listed(**params: Any) -> list[str]:
        return [item["id"] for item in await api.items("/api/events", **params)]

    assert await listed() == [str(later), str(sooner)]
    assert await listed(status="active") == [str(past), str(later), str(sooner)]
    assert await listed(status="cancelled") == [str(off)]
    assert await listed(status="completed") == [str(done)]
    assert set(await listed(status="all")) == {str(event_id) for event_id in (later, sooner, off, done, past)}
    assert await listed(from_=(NOW + timedelta(days=10)).isoformat()) == [str(sooner)]
    assert await listed(to=(NOW + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%S")) == [str(later)]
    assert await listed(organizer_id=str(OTHER.id)) == []
    assert await listed(organizer_id=str(ORGANIZER.id), status="all", limit=1) == [str(past)]


async def test_event_sold_after_its_start_is_upcoming_and_open_dates_come_last(world: World, api: Api) -> None:
    begun, long_ago = NOW - timedelta(days=2), NOW - timedelta(days=9)
    made = [
        world.schedule("exhibition", starts_at=begun, sales_close_at=NOW + timedelta(days=9), at=long_ago),
        world.schedule("for ever", starts_at=NOW - timedelta(days=1), sells_after_start=True, at=long_ago),
        world.schedule("soon", starts_at=NOW + timedelta(days=1)),
        world.schedule("open", starts_at=None),
        world.schedule("open, too", starts_at=None, sales_close_at=NOW + timedelta(days=1)),
    ]
    world.schedule("over", starts_at=begun, sales_close_at=NOW - timedelta(days=1), at=long_ago)
    world.schedule("past", starts_at=begun, at=long_ago)
    world.project()
    expected = [str(event_id) for event_id in (*made[:3], *sorted(made[3:]))]
    assert [item["id"] for item in await api.items("/api/events")] == expected
    for limit in (1, 2, 4):
        assert [item["id"] for page in await api.every_page("/api/events", limit=limit) for item in page] == expected
    shown = {item["name"]: (item["starts_at"], item["past_at"]) for item in await api.items("/api/events")}
    assert shown["open"] == (None, None)
    assert shown["for ever"][1] is None
    assert shown["exhibition"][1] == (NOW + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    bounded = await api.items("/api/events", from_=NOW.isoformat(), to=(NOW + timedelta(days=99)).isoformat())
    assert [item["name"] for item in bounded] == ["soon"]
    assert [item["name"] for item in await api.items("/api/events", from_=begun.isoformat())] == ["exhibition", "for ever", "soon"]


async def test_pages_have_no_gaps_and_no_repeats(world: World, api: Api) -> None:
    made = [str(world.schedule(f"no {n}", starts_at=NOW + timedelta(days=1 + n % 3))) for n in range(13)]
    world.project()
    pages = await api.every_page("/api/events", limit=4)
    items = [item for page in pages for item in page]
    assert [len(page) for page in pages] == [4, 4, 4, 1]
    assert sorted(item["id"] for item in items) == sorted(made)
    assert [item["starts_at"] for item in items] == sorted(item["starts_at"] for item in items)


@pytest.mark.parametrize("text", ["100% a_b", "a\\b", "Ünïcode", 'it\'s "so"', "-- ;"])
async def test_search_is_literal_and_ignores_case(world: World, api: Api, text: str) -> None:
    by_name, by_venue = world.schedule(f"The {text} show"), world.schedule("x", venue=f"in {text}")
    world.schedule("100x aXb ab ")
    world.project()
    for q in (text, text.upper(), f"  {text} "):
        assert {item["id"] for item in await api.items("/api/events", q=q)} == {str(by_name), str(by_venue)}


async def test_search_does_not_span_name_and_venue(world: World, api: Api) -> None:
    world.schedule("Jazz", venue="Cellar")
    world.project()
    assert await api.items("/api/events", q="JazzCellar") == []
    assert await api.items("/api/events", q="z" * 10_000) == []
    assert await api.items("/api/events", q="%") == []
    assert len(await api.items("/api/events", q="")) == 1


@pytest.mark.parametrize(
    "query",
    [
        "q=%00", "q=a%0Ab", "q=%ED%A0%80", "q=" + "x" * 10_001, "status=open", "limit=0", "limit=201", "limit=x", "cursor=nonsense",
        "cursor=" + "A" * 301, "cursor=WzFd", "cursor=%C3%A4", "from=yesterday", "to=0001-01-01T00:00:00%2B14:00", "organizer_id=1",
        "limit=" + "9" * 400,
    ],
)  # fmt: skip
async def test_bad_parameters_are_422(api: Api, query: str) -> None:
    response = await api.get(f"/api/events?{query}")
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/malformed"


async def test_unknown_events_are_404(api: Api) -> None:
    assert (await api.get(f"/api/events/{uuid4()}")).json()["type"] == "/problems/event-not-found"
    assert (await api.get("/api/events/x")).status_code == 422


async def test_event_is_shown_once_both_projections_have_it(world: World, api: Api) -> None:
    world.schedule("old")
    world.project()
    before = world.position
    event_id = world.schedule("new")
    world.project("catalogue")
    response = await api.get("/api/events")
    assert [item["name"] for item in response.json()["items"]] == ["old"]
    assert response.headers["ledger-position"] == str(before)
    missing = await api.get(f"/api/events/{event_id}")
    assert missing.status_code == 404
    world.project("availability")
    assert (await api.get(f"/api/events/{event_id}")).headers["ledger-position"] == str(world.position)


async def test_page_of_events_needs_one_statement(world: World, api: Api) -> None:
    for n in range(5):
        world.schedule(f"no {n}")
    world.project()
    before = CountingCursor.count_of_events
    assert len(await api.items("/api/events")) == 5
    assert CountingCursor.count_of_events == before + 1


async def test_empty_page_has_a_position(world: World, api: Api) -> None:
    assert (await api.get("/api/events")).headers["ledger-position"] == "0"
    world.cancel_event(world.schedule())
    world.project()
    response = await api.get("/api/events", headers={"Ledger-Position": str(world.position)})
    assert response.json() == {"items": [], "next_cursor": None}
    assert response.headers["ledger-position"] == str(world.position)


async def test_changed_categories_are_shown(world: World, api: Api) -> None:
    event_id = world.schedule()
    categories = (CategoryChange(category_id(event_id, 1), "Standing", 4500, 50), CategoryChange(None, "Box", 30_000, 2))
    world.do(ChangeEvent(id=uuid4(), actor=ORGANIZER, event_id=event_id, categories=categories, expected_details_version=1))
    world.project()
    (item,) = await api.items("/api/events")
    assert [(c["name"], c["price"], c["capacity"]) for c in item["categories"]] == [("Standing", "45.00", 50), ("Box", "300.00", 2)]
    assert (item["capacity"], item["available"]) == (52, 52)
    assert datetime.fromisoformat(item["created_at"]) == NOW


async def test_event_is_shown_as_the_write_side_has_it_where_the_projections_are_late(world: World, settings: Settings) -> None:
    event_id = world.schedule()
    world.book(event_id, General=3)
    async with reading(replace(settings, freshness_timeout_seconds=0.3)) as api:
        early = await api.get(f"/api/events/{event_id}", headers={"Ledger-Position": str(world.position)})
        assert early.headers["ledger-position"] == str(world.position)
        world.project()
        later = await api.get(f"/api/events/{event_id}", headers={"Ledger-Position": str(world.position)})
        assert (early.json(), early.headers["etag"]) == (later.json(), later.headers["etag"])


async def test_event_that_the_write_side_has_not_seen_newly_either_is_503(world: World, settings: Settings) -> None:
    event_id = world.schedule()
    seen = world.events[event_id]
    async with reading(replace(settings, freshness_timeout_seconds=0.3)) as api:

        async def last_seen_event(event_id: UUID) -> Event | None:
            return seen

        api.side._last_seen_event = last_seen_event
        world.events[event_id] = copy(seen)
        world.book(event_id)
        response = await api.get(f"/api/events/{event_id}", headers={"Ledger-Position": str(world.position)})
        assert (response.status_code, response.json()["type"]) == (503, "/problems/stale-read")
