"""Auditors read the ledger's entries."""

import json
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from ledger.mapper import encode
from query_api.time_travel import entry_reader
from tests.query_api.world import ADMIN, ALICE, AUDITOR, BOB, NOW, ORGANIZER, Api, World

ENTRIES = "/api/audit/entries"


def append_entries(world: World) -> list[Any]:
    first, two = world.schedule(), world.schedule("Reading")
    booking = world.book(first)
    world.book(first, BOB, General=2)
    world.book(two, VIP=1)
    world.cancel_booking(first, booking)
    world.cancel_event(two)
    return [first, two]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few entries need several windows."""
    monkeypatch.setattr("query_api.queries.WINDOW", 3)
    monkeypatch.setattr(entry_reader, "CHUNK", 3)


async def test_entry_is_shown_as_stored(world: World, api: Api) -> None:
    append_entries(world)
    items = await api.items(ENTRIES, AUDITOR)
    assert [item["position"] for item in items] == [recorded.position for recorded in world.story]
    for item, recorded in zip(items, world.story, strict=True):
        assert (item["event_id"], item["version"]) == (str(recorded.stream), recorded.version)
        assert item["body"] == json.loads(encode(recorded.entry))
        assert (item["at"], item["actor_id"], item["request_id"]) == tuple(
            item["body"][name] for name in ("at", "actor", "command")
        )
    assert (items[0]["type"], items[0]["topic"]) == ("event-scheduled", "event-scheduled/1")


async def test_entries_of_an_event_are_filtered(world: World, api: Api) -> None:
    first, two = append_entries(world)
    types = [item["type"] for item in await api.items(ENTRIES, AUDITOR, event_id=first)]
    assert types == ["event-scheduled", "seats-booked", "seats-booked", "booking-cancelled"]
    assert len(await api.items(ENTRIES, AUDITOR, type="seats-booked")) == 3
    assert [item["body"]["customer_id"] for item in await api.items(ENTRIES, AUDITOR, actor_id=BOB.id)] == [str(BOB.id)]
    assert len(await api.items(ENTRIES, AUDITOR, event_id=two, actor_id=ALICE.id, type="seats-booked")) == 1
    assert len(await api.items(ENTRIES, AUDITOR, after=world.story[4].position)) == 2
    assert len(await api.items(ENTRIES, AUDITOR, event_id=first, after=world.story[2].position)) == 2
    assert await api.items(ENTRIES, AUDITOR, from_="2999-01-01T00:00:00Z") == []
    assert len(await api.items(ENTRIES, AUDITOR, to=NOW.isoformat())) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("filters", [{}, {"type": "seats-booked"}, {"event_id": "one"}, {"actor_id": str(ORGANIZER.id)}])
async def test_pages_have_every_entry_once(world: World, api: Api, limit: int, filters: dict[str, str]) -> None:
    first, _ = append_entries(world)
    filters = {name: str(first) if value == "one" else value for name, value in filters.items()}
    whole = await api.items(ENTRIES, AUDITOR, limit=200, **filters)
    pages = await api.every_page(ENTRIES, AUDITOR, limit=limit, **filters)
    assert [item for page in pages for item in page] == whole
    assert all(len(page) <= limit for page in pages)


async def test_stream_has_all_entries_as_lines(world: World, api: Api) -> None:
    append_entries(world)
    response = await api.get(ENTRIES, ADMIN, {"Accept": "application/x-ndjson"}, limit=1)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["ledger-position"] == str(world.position)
    assert [json.loads(line) for line in response.text.splitlines()] == await api.items(ENTRIES, AUDITOR)
    some = await api.get(ENTRIES, ADMIN, {"Accept": "application/x-ndjson"}, type="seats-booked")
    assert len(some.text.splitlines()) == 3


async def test_bytes_that_are_no_entry_are_shown(world: World, api: Api) -> None:
    append_entries(world)
    world.sql("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
    world.sql("UPDATE ledger_entries SET state = '\\xff00' WHERE notification_id = %s", world.story[1].position)
    items = await api.items(ENTRIES, AUDITOR)
    assert len(items) == len(world.story)
    assert (items[1]["body"], items[1]["at"], items[1]["actor_id"]) == ({"unreadable": "/wA="}, None, None)


async def test_impossible_searches_are_refused(world: World, api: Api) -> None:
    append_entries(world)
    assert (await api.get(ENTRIES, AUDITOR, event_id=uuid4())).status_code == 404
    assert (await api.get(ENTRIES, AUDITOR, after=world.position + 1)).status_code == 422
    assert (await api.get(ENTRIES, AUDITOR, {"Ledger-Position": str(world.position + 1)})).status_code == 422
    for wrong in (
        {"type": "seats-stolen"},
        {"actor_id": "me"},
        {"after": -1},
        {"from": "yesterday"},
        {"cursor": "x"},
        {"limit": 201},
    ):
        assert (await api.get(ENTRIES, AUDITOR, **wrong)).status_code == 422, wrong
    for nobody in (ALICE, ORGANIZER):
        assert (await api.get(ENTRIES, nobody)).status_code == 403
    assert (await api.get(ENTRIES)).status_code == 401
    assert await api.items(ENTRIES, AUDITOR, cursor="OTk5") == []


async def test_number_of_open_streams_is_bounded(world: World, api: Api) -> None:
    append_entries(world)
    as_lines = {"Accept": "application/x-ndjson"}
    for _ in range(entry_reader.MAX_OPEN + 1):  # a stream that has ended is not counted
        assert (await api.get(ENTRIES, ADMIN, as_lines)).status_code == 200
    async with AsyncExitStack() as stack:
        for _ in range(entry_reader.MAX_OPEN):
            await stack.enter_async_context(api.side.entry_reader._open.slot())
        assert (await api.get(ENTRIES, ADMIN, as_lines)).status_code == 503


async def test_empty_ledger_has_an_empty_page(world: World, api: Api) -> None:
    assert (await api.get(ENTRIES, AUDITOR)).json() == {"items": [], "next_cursor": None}
    assert (await api.get(ENTRIES, AUDITOR, {"Accept": "application/x-ndjson"})).text == ""
