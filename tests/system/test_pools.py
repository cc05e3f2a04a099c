"""Pools on a running Seatledger: a capacity that several categories share."""

import httpx
import pytest

from tests.abuse.refusals import refused
from tests.running_system import JSON, Person, Stack

CATEGORIES = [{"name": name, "price": "10.00", "capacity": 20} for name in ("Adult", "Child", "Balcony")]
HALL = {"name": "Hall", "capacity": 6, "categories": ["Adult", "Child"]}


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = stack.event(organizer, categories=CATEGORIES, pools=[HALL])
    return made


def bookings_of(event: JSON) -> str:
    return f"/api/events/{event['id']}/bookings"


def wanted(**quantities: int) -> JSON:
    return {"tickets": [{"category": name, "quantity": quantity} for name, quantity in quantities.items()]}


def left(event: JSON) -> tuple[list[int], int]:
    return [category["available"] for category in event["categories"]], event["available"]


def test_categories_share_the_seats_of_their_pool(event: JSON, alice: Person, bob: Person) -> None:
    assert left(event) == ([6, 6, 20], 26)
    alice.ok("POST", bookings_of(event), wanted(Adult=3, Balcony=1))
    bob.ok("POST", f"/api/events/{event['id']}/holds", wanted(Child=2))
    refusal = refused(alice.do("POST", bookings_of(event), wanted(Child=2)), 409, slug="sold-out")
    assert (refusal["category"], refusal["available"], refusal["held"]) == ("Child", 1, 2)
    shown = bob.see(f"/api/events/{event['id']}")
    assert left(shown) == ([1, 1, 19], 20)
    [hall] = shown["pools"]
    assert (hall["capacity"], hall["taken"], hall["held"], hall["available"]) == (6, 3, 2, 1)


def test_pools_are_edited_like_categories(event: JSON, organizer: Person, alice: Person) -> None:
    path = f"/api/events/{event['id']}"
    alice.ok("POST", bookings_of(event), wanted(Adult=3))
    [hall], etag = event["pools"], f'"{event["details_version"]}"'
    below = organizer.do("PATCH", path, {"pools": [{"id": hall["id"], "capacity": 2}]}, If_Match=etag)
    assert refused(below, 409, slug="pool-below-taken")["taken"] == 3
    balcony = {"name": "Upstairs", "capacity": 5, "categories": ["Balcony"]}
    changed = organizer.do("PATCH", path, {"pools": [{"id": hall["id"], "capacity": 4}, balcony]}, If_Match=etag).json()
    assert [(pool["name"], pool["available"], len(pool["categories"])) for pool in changed["pools"]] == [
        ("Hall", 1, 2),
        ("Upstairs", 5, 1),
    ]
    assert left(changed) == ([1, 1, 5], 6)
    etag = f'"{changed["details_version"]}"'
    assert left(organizer.do("PATCH", path, {"pools": []}, If_Match=etag).json()) == ([17, 20, 20], 57)


@pytest.mark.parametrize(
    "pools",
    [
        [HALL, {**HALL, "name": "Other"}],
        [{**HALL, "categories": ["Stalls"]}],
        [{**HALL, "capacity": 0}],
        [{**HALL, "capacity": 10**12}],
        [{"name": f"Pool {number}", "capacity": 1, "categories": []} for number in range(21)],
    ],
)
def test_malformed_pools_are_refused(stack: Stack, organizer: Person, pools: list[JSON]) -> None:
    body = {"name": "Concert", "starts_at": "2031-05-01T20:00:00Z", "categories": CATEGORIES, "pools": pools}
    refused(organizer.do("POST", "/api/events", body), 422, slug="malformed")


def test_no_pools_are_made_during_an_upgrade(stack: Stack, organizer: Person) -> None:
    body = {"name": "Concert", "starts_at": "2031-05-01T20:00:00Z", "categories": CATEGORIES}
    with stack.another_api(HOLDS="0") as url, httpx.Client(base_url=url, timeout=30) as http:
        there = Person(http, token=organizer.token)
        refused(there.do("POST", "/api/events", {**body, "pools": [HALL]}), 403, slug="holds-off")
        event = there.ok("POST", "/api/events", {**body, "pools": []})
        edit = there.do("PATCH", f"/api/events/{event['id']}", {"pools": [HALL]}, If_Match='"1"')
        refused(edit, 403, slug="holds-off")
