"""Looking back: what is answered for then is what was answered then."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.query_api.test_mirror import change_at_random
from tests.query_api.world import ALICE, AUDITOR, NOW, ORGANIZER, Api, World

LONG_AGO = NOW - timedelta(days=20)


def as_of(event_id: UUID) -> str:
    return f"/api/audit/events/{event_id}"


async def test_an_event_is_as_it_was_shown_then(world: World, api: Api) -> None:
    dice, events = random.Random(7), [world.schedule(f"Event {number}") for number in range(3)]
    shown: list[tuple[int, UUID, Any]] = []
    while len(shown) < 500:
        change_at_random(world, dice, events)
        world.project("catalogue", "availability")
        event_id = dice.choice(events)
        live = await api.get(f"/api/events/{event_id}", headers={"Ledger-Position": str(world.position)})
        shown.append((world.position, event_id, live.json()))
    for position, event_id, view in dice.sample(shown, 500):
        assert (await api.get(as_of(event_id), AUDITOR, at=position)).json() == view


@pytest.mark.parametrize("projected", [0, 2, 4, 6])
async def test_a_time_is_after_the_longest_run_of_entries_that_are_not_later(world: World, api: Api, projected: int) -> None:
    """The clock steps back an hour after the third; so many entries are in the tree, the others not yet."""
    minutes = [0, 10, 20, -40, -30, 30]
    event_id = world.schedule(at=LONG_AGO)
    positions = [world.position]
    for minute in minutes[1:]:
        world.book(event_id, at=LONG_AGO + timedelta(minutes=minute))
        positions.append(world.position)
        if len(positions) == projected:
            world.project("audit")
    for minute, run in [(0, 1), (9, 1), (10, 2), (19, 2), (20, 5), (29, 5), (30, 6), (1000, 6)]:
        answer = await api.get(as_of(event_id), AUDITOR, at=(LONG_AGO + timedelta(minutes=minute)).isoformat())
        assert answer.headers["ledger-position"] == str(positions[run - 1]), minute
        assert answer.json()["available"] == 110 - (run - 1)
    assert (await api.get(as_of(event_id), AUDITOR, at=(LONG_AGO - timedelta(minutes=1)).isoformat())).status_code == 422


async def test_a_position_between_two_entries_is_the_one_before(world: World, api: Api) -> None:
    event_id = world.schedule()
    first = world.position
    world.sql("SELECT nextval('ledger_entries_notification_id_seq'), nextval('ledger_entries_notification_id_seq')")
    world.book(event_id)
    answer = await api.get(as_of(event_id), AUDITOR, at=world.position - 1)
    assert (answer.json()["available"], answer.headers["ledger-position"]) == (110, str(first))
    now = await api.get(as_of(event_id), AUDITOR)
    assert (now.json()["available"], now.headers["ledger-position"]) == (109, str(world.position))


async def test_what_can_t_be(world: World, api: Api) -> None:
    assert (await api.get(as_of(uuid4()), AUDITOR)).status_code == 422  # the ledger is empty
    event_id = world.schedule()
    world.schedule()
    for at in (world.position + 1, 0, (NOW + timedelta(days=1)).isoformat(), (NOW - timedelta(days=1)).isoformat(), "then"):
        assert (await api.get(as_of(event_id), AUDITOR, at=at)).status_code == 422, at
    assert (await api.get(as_of(uuid4()), AUDITOR)).status_code == 404
    later = world.schedule()
    assert (await api.get(as_of(later), AUDITOR, at=world.position - 1)).status_code == 404
    assert (await api.get(as_of(event_id), AUDITOR, {"Ledger-Position": str(world.position + 1)})).status_code == 422
    for nobody in (ALICE, ORGANIZER):
        assert (await api.get(as_of(event_id), nobody)).status_code == 403
