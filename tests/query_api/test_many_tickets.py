"""Responses with thousands of tickets: each ticket's code takes a MAC, so they are made in portions, and others go on between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest

from ledger.errors import Busy
from ledger.ticket_codes import TicketCodes
from ledger.views import TICKETS_AT_ONCE
from query_api.responses.mapping import TICKETS_IN_GROUP, grouped
from tests.query_api.world import ADMIN, ALICE, ORGANIZER, Api, World

CSV = {"Accept": "text/csv"}
SIZES = (1_000, 900, 7, 40, 49, 49, 2)


@pytest.fixture
def event_id(world: World) -> UUID:
    event_id = world.schedule(categories=[("General", 5000, 10_000)])
    for size in SIZES:
        world.book(event_id, General=size)
    world.project()
    return event_id


@asynccontextmanager
async def codes_by_iteration(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counter[int]]:
    """How many ticket codes are made in each iteration of the event loop."""
    made, number, original = Counter[int](), 0, TicketCodes.code

    def counted(*arguments: Any) -> str:
        made[number] += 1
        return original(*arguments)

    async def count() -> None:
        nonlocal number
        while True:
            number += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(TicketCodes, "code", counted)
    counting = asyncio.create_task(count())
    try:
        yield made
    finally:
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting


@pytest.mark.parametrize("name", ["customer's list", "event's list", "export", "booking"])
async def test_tickets_are_made_in_portions(
    name: str, world: World, api: Api, event_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = (await api.items("/api/bookings", ALICE))[-1]["id"]
    path, actors, headers = {
        "customer's list": ("/api/bookings?limit=200", (ALICE, ALICE), {}),
        "event's list": (f"/api/events/{event_id}/bookings?limit=200", (ORGANIZER, ORGANIZER), {}),
        "export": (f"/api/events/{event_id}/bookings", (ORGANIZER, ADMIN), CSV),
        "booking": (f"/api/bookings/{largest}", (ALICE, ALICE), {}),
    }[name]
    async with codes_by_iteration(monkeypatch) as made:
        responses = await asyncio.gather(*(api.get(path, actor, headers) for actor in actors))
    assert [response.status_code for response in responses] == [200, 200]
    assert sum(made.values()) == 2 * (SIZES[0] if name == "booking" else sum(SIZES))
    # The first portion of a response, and of each group of an export, needs no turn.
    assert sum(count > TICKETS_AT_ONCE for count in made.values()) <= 2 * len(SIZES)
    assert max(made.values()) <= 3 * TICKETS_AT_ONCE


def test_groups_of_an_export_have_few_tickets(world: World) -> None:
    class Row:
        def __init__(self, quantity: int) -> None:
            self.quantity = quantity

    rows: Any = [Row(size) for size in (1_000, 1, 499, 1, 2, 600, 3)]
    groups = [[row.quantity for row in group] for group in grouped(rows)]
    assert groups == [[1_000], [1, 499], [1, 2], [600], [3]]
    assert all(sum(group) <= TICKETS_IN_GROUP or len(group) == 1 for group in groups)


async def test_an_account_makes_one_export_at_a_time(world: World, api: Api, event_id: UUID) -> None:
    path = f"/api/events/{event_id}/bookings"
    responses = await asyncio.gather(*(api.get(path, ORGANIZER, CSV) for _ in range(3)))
    assert sorted(response.status_code for response in responses) == [200, 503, 503]
    assert (await api.get(path, ORGANIZER, CSV)).status_code == 200
    with pytest.raises(Busy), api.side.exports.turn_of(ORGANIZER.id), api.side.exports.turn_of(ORGANIZER.id):
        pass
