"""Time travel: a response as of a moment is the one that was returned then."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import to_builtins

from ledger.settings import Settings
from projections.rebuild import projection_snapshots
from query_api.time_travel import as_of, past_statistics
from tests.query_api.test_event_read_cache import change_at_random
from tests.query_api.world import ADMIN, ALICE, AUDITOR, NOW, ORGANIZER, Api, World, reading
from tests.soak import rounds

AS_OF = "/api/audit/stats"
LONG_AGO = NOW - timedelta(days=20)


def event_as_of(event_id: UUID) -> str:
    return f"/api/audit/events/{event_id}"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait until it is computed: what they do else is in test_past_statistics.py."""
    monkeypatch.setattr(past_statistics, "WAIT_SECONDS", 60)


async def test_event_as_of_a_position_is_as_it_was_shown_then(world: World, api: Api) -> None:
    dice, events = random.Random(7), [world.schedule(f"Event {number}") for number in range(3)]
    shown: list[tuple[int, UUID, Any]] = []
    count = rounds(100, 500)
    while len(shown) < count:
        change_at_random(world, dice, events)
        world.project("catalogue", "availability")
        event_id = dice.choice(events)
        live = await api.get(f"/api/events/{event_id}", headers={"Ledger-Position": str(world.position)})
        shown.append((world.position, event_id, live.json()))
    for position, event_id, view in dice.sample(shown, count):
        assert (await api.get(event_as_of(event_id), AUDITOR, at=position)).json() == view


@pytest.mark.parametrize("projected", [0, 2, 4, 6])
async def test_time_stands_for_the_last_entry_before_a_later_one(world: World, api: Api, projected: int) -> None:
    """The clock steps back an hour after the third entry. `projected`: the number of entries that are in the tree."""
    minutes = [0, 10, 20, -40, -30, 30]
    event_id = world.schedule(at=LONG_AGO)
    positions = [world.position]
    for minute in minutes[1:]:
        world.book(event_id, at=LONG_AGO + timedelta(minutes=minute))
        positions.append(world.position)
        if len(positions) == projected:
            world.project("audit")
    for minute, run in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 5), (29, 5), (30, 6), (1000, 6)]:
        response = await api.get(event_as_of(event_id), AUDITOR, at=(LONG_AGO + timedelta(minutes=minute)).isoformat())
        assert response.headers["ledger-position"] == str(positions[run - 1]), minute
        assert response.json()["available"] == 110 - (run - 1)
    assert (await api.get(event_as_of(event_id), AUDITOR, at=(LONG_AGO - timedelta(minutes=1)).isoformat())).status_code == 422


async def test_position_without_an_entry_stands_for_the_entry_before(world: World, api: Api) -> None:
    event_id = world.schedule()
    first = world.position
    world.sql("SELECT nextval('ledger_entries_notification_id_seq'), nextval('ledger_entries_notification_id_seq')")
    world.book(event_id)
    response = await api.get(event_as_of(event_id), AUDITOR, at=world.position - 1)
    assert (response.json()["available"], response.headers["ledger-position"]) == (110, str(first))
    now = await api.get(event_as_of(event_id), AUDITOR)
    assert (now.json()["available"], now.headers["ledger-position"]) == (109, str(world.position))


async def test_impossible_moments_are_refused(world: World, api: Api) -> None:
    assert (await api.get(event_as_of(uuid4()), AUDITOR)).status_code == 422  # the ledger is empty
    event_id = world.schedule()
    world.schedule()
    for at in (world.position + 1, 0, (NOW + timedelta(days=1)).isoformat(), (NOW - timedelta(days=1)).isoformat(), "then"):
        assert (await api.get(event_as_of(event_id), AUDITOR, at=at)).status_code == 422, at
    assert (await api.get(event_as_of(uuid4()), AUDITOR)).status_code == 404
    later = world.schedule()
    assert (await api.get(event_as_of(later), AUDITOR, at=world.position - 1)).status_code == 404
    assert (await api.get(event_as_of(event_id), AUDITOR, {"Ledger-Position": str(world.position + 1)})).status_code == 422
    for nobody in (ALICE, ORGANIZER):
        assert (await api.get(event_as_of(event_id), nobody)).status_code == 403


async def test_past_statistics_are_as_they_were_shown_then(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """At some positions, from stored snapshots; the queries are the same as for the present state."""
    monkeypatch.setattr(projection_snapshots, "MIN_GROWTH", 40)
    dice, events = random.Random(8), [world.schedule(f"Event {number}") for number in range(3)]
    shown: list[tuple[int, Any, Any]] = []
    for _ in range(rounds(100, 300)):
        change_at_random(world, dice, events)
        world.project("revenue", "audit")
        projection_snapshots.take_if_due(world.engine)
        live = [(await api.get(f"/api/stats/{what}", ADMIN, limit=200)).json() for what in ("summary", "events")]
        shown.append((world.position, *live))
    assert len(world.sql("SELECT position FROM projection_digests")) >= 2
    for position, summary, page in dice.sample(shown, 8):
        response = await api.get(f"{AS_OF}", AUDITOR, at=position)
        assert (response.json(), response.headers["ledger-position"]) == (summary, str(position))
        assert (await api.get(f"{AS_OF}/events", AUDITOR, at=position, limit=200)).json() == page
    paged = await api.every_page(f"{AS_OF}/events", AUDITOR, at=shown[-1][0], limit=2)
    assert [item for some in paged for item in some] == shown[-1][2]["items"]


async def test_past_statistics_of_a_random_history_agree_at_every_position(world: World, settings: Settings) -> None:
    """The same at every position, without a process for each: the fold agrees with what the query returned then."""
    dice, events = random.Random(9), [world.schedule(f"Event {number}") for number in range(4)]
    shown: dict[int, Any] = {}
    async with reading(replace(settings, redis_url="redis://127.0.0.1:1/0")) as api:
        while len(shown) < rounds(40, 150):
            change_at_random(world, dice, events)
            world.project("revenue")
            shown[world.position] = (await api.get("/api/stats/summary", ADMIN)).json()
    for position in sorted(shown):
        assert to_builtins(as_of.statistics_as_of(settings, position).summary) == shown[position]


async def test_difference_lists_the_changed_events(world: World, api: Api) -> None:
    first, two = world.schedule("One"), world.schedule("Two")
    booking = world.book(first, General=3)
    start = world.position
    world.cancel_booking(first, booking, 0)
    world.book(two, VIP=2)
    three = world.schedule("Three")
    response = (await api.get(f"{AS_OF}/difference", AUDITOR, since=start)).json()
    assert [(item["event_id"], item["is_new"]) for item in response["items"]] == [
        (str(three), True),
        (str(two), False),
        (str(first), False),
    ]
    assert [(item["taken"], item["bookings"], item["gross"], item["refunded"], item["net"]) for item in response["items"]] == [
        (0, 0, "0.00", "0.00", "0.00"), (2, 1, "240.00", "0.00", "240.00"), (-1, 0, "0.00", "50.00", "-50.00"),
    ]  # fmt: skip
    assert (response["before"]["taken"], response["after"]["taken"]) == (3, 4)
    pages = await api.every_page(f"{AS_OF}/difference", AUDITOR, since=start, limit=1)
    assert [item for page in pages for item in page] == response["items"]
    assert (await api.get(f"{AS_OF}/difference", AUDITOR, since=start + 1, at=start)).status_code == 422
    whole = (await api.get(f"{AS_OF}/difference", AUDITOR)).json()
    assert whole["after"]["bookings"] == 2
