"""A customer's bookings, and an event's."""

import csv
import io
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from ledger.commands import BookSeats, CheckIn, CompleteEvent, Role, WantedSeats
from ledger.settings import Settings
from ledger.views import booking_view
from query_api.queries import booking_queries
from query_api.responses import csv_export
from query_api.responses.http import _encode
from tests.query_api.world import ADMIN, ALICE, AUDITOR, BOB, CODES, NOW, ORGANIZER, OTHER, Api, CountingCursor, Person, World


def story_of(world: World, booking_id: UUID) -> bytes:
    entries = [
        recorded for recorded in world.story if booking_id in (recorded.entry.command, getattr(recorded.entry, "booking_id", None))
    ]
    return _encode(booking_view(entries, "Concert", "EUR", CODES))


async def test_booking_is_shown_as_its_entries_say(world: World, api: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id, General=3, VIP=2)
    world.cancel_booking(event_id, booking_id, 1, 3, at=NOW + timedelta(hours=1))
    world.do(CheckIn(id=uuid4(), actor=ORGANIZER, event_id=event_id, booking_id=booking_id, ticket=0), NOW + timedelta(hours=2))
    world.project()
    response = await api.get(f"/api/bookings/{booking_id}", ALICE)
    assert response.content == story_of(world, booking_id)
    body = response.json()
    assert [ticket["status"] for ticket in body["tickets"]] == ["used", "cancelled", "active", "cancelled", "active"]
    assert (body["total_amount"], body["refunded_amount"], body["status"]) == ("390.00", "170.00", "confirmed")
    assert [(line["category"], line["quantity"]) for line in body["lines"]] == [("General", 3), ("VIP", 2)]
    assert response.headers["ledger-position"] == str(world.position)


async def test_booking_is_visible_to_owner_organizer_and_admin(world: World, api: Api) -> None:
    booking_id = world.book(world.schedule())
    world.project()
    seen = {}
    people = {"alice": ALICE, "bob": BOB, "organizer": ORGANIZER, "other": OTHER, "admin": ADMIN, "auditor": AUDITOR}
    for name, person in people.items():
        seen[name] = (await api.get(f"/api/bookings/{booking_id}", person)).status_code
    assert seen == {"alice": 200, "bob": 404, "organizer": 200, "other": 404, "admin": 200, "auditor": 404}
    assert (await api.get(f"/api/bookings/{booking_id}")).status_code == 401
    assert (await api.get(f"/api/bookings/{uuid4()}", ADMIN)).json()["type"] == "/problems/booking-not-found"


async def test_cancelled_event_cancels_only_confirmed_bookings(world: World, api: Api) -> None:
    event_id, other_id = world.schedule(), world.schedule("Other")
    bookings = [world.book(event_id, General=2) for _ in range(30)]
    elsewhere = world.book(other_id)
    world.cancel_booking(event_id, bookings[0], at=NOW + timedelta(hours=1))
    world.cancel_booking(event_id, bookings[1], 0, at=NOW + timedelta(hours=1))
    world.cancel_event(event_id, at=NOW + timedelta(hours=2))
    world.project()
    items = {UUID(item["id"]): item for item in await api.items("/api/bookings", ALICE, status="cancelled", limit=200)}
    assert set(items) == set(bookings)
    assert items[bookings[0]]["updated_at"] == (NOW + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for booking_id in bookings[1:]:
        item = items[booking_id]
        assert (item["status"], item["refunded_amount"], item["total_amount"]) == ("cancelled", "100.00", "100.00")
        assert {ticket["status"] for ticket in item["tickets"]} == {"cancelled"}
        assert item["updated_at"] == (NOW + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [item["id"] for item in await api.items("/api/bookings", ALICE, status="confirmed")] == [str(elsewhere)]
    assert len(await api.items(f"/api/events/{event_id}/bookings", ORGANIZER, status="cancelled", limit=200)) == 30
    assert await api.items(f"/api/events/{event_id}/bookings", ORGANIZER, status="confirmed") == []


async def test_customer_sees_their_bookings_newest_first(world: World, api: Api) -> None:
    first, second = world.schedule(), world.schedule("Second")
    mine = [world.book(event_id) for event_id in (first, second) * 5]
    world.book(first, BOB)
    world.project()
    before = CountingCursor.count
    assert [item["id"] for item in await api.items("/api/bookings", ALICE)] == [str(booking) for booking in reversed(mine)]
    assert CountingCursor.count == before + 1
    pages = await api.every_page("/api/bookings", ALICE, limit=4)
    assert [item["id"] for page in pages for item in page] == [str(booking) for booking in reversed(mine)]
    assert len(await api.items("/api/bookings", ALICE, event_id=str(second))) == 5
    assert len(await api.items("/api/bookings", ADMIN, customer_id=str(BOB.id))) == 1
    assert await api.items("/api/bookings", ADMIN) == []
    assert (await api.get("/api/bookings", ALICE, customer_id=str(BOB.id))).status_code == 403
    assert len(await api.items("/api/bookings", BOB, customer_id=str(BOB.id))) == 1
    assert (await api.get("/api/bookings", ALICE, cursor="LTE")).status_code == 422


async def test_bookings_are_upcoming_or_past(world: World, api: Api) -> None:
    """Each booking is in one of the two; what began a while ago is still to come."""
    tonight, later, before = NOW - timedelta(hours=2), NOW + timedelta(days=30), NOW - timedelta(days=8)
    starts = {"later": later, "tonight": tonight, "yesterday": NOW - timedelta(hours=13)}
    starts |= {"given back": later, "called off": later, "completed": tonight}
    events = {name: world.schedule(name, at=before, starts_at=start) for name, start in starts.items()}
    bookings = {name: world.book(event_id, at=before) for name, event_id in events.items()}
    world.cancel_booking(events["given back"], bookings["given back"])
    world.cancel_event(events["called off"])
    world.do(CompleteEvent(id=uuid4(), actor=ADMIN, event_id=events["completed"]))
    world.project()

    async def named(**asked: object) -> list[str]:
        items = [item for page in await api.every_page("/api/bookings", ALICE, **asked) for item in page]
        return [item["event_name"] for item in items]

    assert await named(when="upcoming", limit=1) == ["tonight", "later"]
    assert await named(when="past", limit=1) == ["completed", "called off", "given back", "yesterday"]
    assert await named(when="past", status="confirmed") == ["completed", "yesterday"]
    assert (await api.get("/api/bookings", ALICE, when="soon")).status_code == 422


async def test_page_of_bookings_is_bounded_in_tickets(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking_queries, "TICKETS_PER_PAGE", 10)
    booking_queries._bookings.cache_clear()
    event_id = world.schedule(categories=[("General", 5000, 1000)])
    mine = [world.book(event_id, General=quantity) for quantity in (1, 20, 3, 4, 4, 5)]
    world.project()
    pages = await api.every_page("/api/bookings", ALICE, limit=4)
    booking_queries._bookings.cache_clear()
    assert [item["id"] for page in pages for item in page] == [str(booking) for booking in reversed(mine)]
    assert [len(page) for page in pages] == [3, 2, 1]


async def test_bookings_of_an_event_are_visible_to_its_organizer(world: World, api: Api) -> None:
    event_id = world.schedule()
    world.sign_up(ALICE, "Alice", "alice@example.test")
    world.sign_up(BOB, "erased", None)
    for person in (ALICE, BOB):
        world.book(event_id, person)
    world.do(BookSeats(id=uuid4(), actor=ORGANIZER, event_id=event_id, tickets=(WantedSeats("VIP", 1),)))
    world.project()
    path = f"/api/events/{event_id}/bookings"
    before = CountingCursor.count
    walk_in, erased, alice = await api.items(path, ORGANIZER)
    assert CountingCursor.count == before + 1
    assert (walk_in["customer_id"], walk_in["customer"]) == (None, None)
    assert (erased["customer_id"], erased["customer"]) == (str(BOB.id), None)
    assert alice["customer"] == {"id": str(ALICE.id), "name": "Alice", "email": "alice@example.test"}
    assert len(await api.items(path, ADMIN)) == 3
    assert (await api.get(path, OTHER)).json()["type"] == "/problems/not-your-event"
    assert (await api.get(path, ALICE)).status_code == 403
    assert (await api.get(f"/api/events/{uuid4()}/bookings", ORGANIZER)).json()["type"] == "/problems/event-not-found"
    assert [len(page) for page in await api.every_page(path, ORGANIZER, limit=2)] == [2, 1]


async def test_bookings_of_an_event_are_searched(world: World, api: Api) -> None:
    event_id = world.schedule()
    people = [Person(uuid4(), Role.CUSTOMER) for _ in range(3)]
    addresses = ("a@example.test", "b1@example.test", "c@x.test")
    for person, name, email in zip(people, ("Ann 100%", "BEN_B", "Çan"), addresses, strict=True):
        world.sign_up(person, name, email)
        world.book(event_id, person, General=2)
    world.project()
    path = f"/api/events/{event_id}/bookings"
    everyone = await api.items(path, ORGANIZER)

    async def customers_matching(q: str) -> list[str]:
        return [item["customer"]["name"] for item in await api.items(path, ORGANIZER, q=q)]

    assert await customers_matching("ann 1") == ["Ann 100%"]
    assert await customers_matching("%") == ["Ann 100%"]
    assert await customers_matching("n_b") == ["BEN_B"]
    assert await customers_matching("_") == ["BEN_B"]
    assert await customers_matching("EXAMPLE.test") == ["BEN_B", "Ann 100%"]
    assert await customers_matching("çAN") == ["Çan"]
    assert await customers_matching("z" * 10_000) == []
    assert await customers_matching(str(everyone[0]["number"])) == [everyone[0]["customer"]["name"]]
    code = everyone[1]["tickets"][1]["code"]
    assert await customers_matching(code.lower().replace("-", " ")) == [everyone[1]["customer"]["name"]]
    for index in (17, 22, len(code) - 1):
        assert await customers_matching(code[:index] + ("0" if code[index] != "0" else "1") + code[index + 1 :]) == []
    assert (await api.get(path, ORGANIZER, q="\0")).status_code == 422


async def test_csv_is_safe_and_complete(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query_api.database.EXPORT_PAGE", 4)
    monkeypatch.setattr(csv_export, "_MEMORY_BYTES", 100)
    event_id = world.schedule(categories=[("=1+1", 5000, 100)])
    names = ["=cmd()", "+1", "-1", "@a", "\tx", "\rx", "\nx", 'so "called", yes\r\nindeed', "Plain"]
    for index, name in enumerate(names):
        person = Person(uuid4(), Role.CUSTOMER)
        world.sign_up(person, name, f"p{index}@example.test")
        world.do(BookSeats(id=uuid4(), actor=person, event_id=event_id, tickets=(WantedSeats("=1+1", 2),)))
    world.project()
    response = await api.get(f"/api/events/{event_id}/bookings", ORGANIZER, {"Accept": "text/csv"}, limit=1)
    assert response.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert response.headers["content-disposition"] == f'attachment; filename="bookings-{event_id}.csv"'
    assert response.headers["ledger-position"] == str(world.position)
    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))
    assert [row["customer_name"] for row in reversed(rows)] == [name if name[0] in "sP" else f"'{name}" for name in names]
    assert {(row["quantity"], row["total_amount"], row["tickets"]) for row in rows} == {("2", "100.00", "2 =1+1")}
    assert response.content.count(b"\r\n") == len(names) + 1 + 1
    searched = await api.get(f"/api/events/{event_id}/bookings", ORGANIZER, {"Accept": "text/csv"}, q="p8@")
    assert searched.text.count("\r\n") == 2


async def test_csv_is_refused_as_json_is(world: World, api: Api, settings: Settings) -> None:
    event_id = world.schedule()
    world.project()
    path, csv_please = f"/api/events/{event_id}/bookings", {"Accept": "text/csv"}
    assert (await api.get(path, OTHER, csv_please)).status_code == 403
    assert (await api.get(f"/api/events/{uuid4()}/bookings", ORGANIZER, csv_please)).status_code == 404
    assert (await api.get(path, ORGANIZER, csv_please)).text.count("\r\n") == 1
    async with AsyncExitStack() as stack:
        for _ in range(csv_export.MAX_WRITING):
            await stack.enter_async_context(api.side.exports.writing.slot())
        busy = await api.get(path, ORGANIZER, csv_please)
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    async with AsyncExitStack() as stack:  # all exports are closed
        for _ in range(csv_export.MAX_OPEN):
            await stack.enter_async_context(api.side.exports.open.slot())


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("*/*", False),
        ("text/csv", True),
        ("text/csv, application/json", True),
        ("application/json, text/csv;q=0.5", False),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("text/html, */*;q=0.1", False),
    ],
)
async def test_accept_header_selects_csv_or_json(world: World, api: Api, accept: str, is_csv: bool) -> None:
    response = await api.get("/api/stats/events", ADMIN, {"Accept": accept})
    assert response.headers["content-type"].startswith("text/csv" if is_csv else "application/json")


async def test_event_of_a_booking_is_found(world: World, api: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    world.project()
    assert await api.side.event_of_booking(booking_id) == event_id
    assert await api.side.event_of_booking(uuid4()) is None


async def test_erasure_obstacle_names_bookings_and_events(world: World, api: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id)
    world.book(world.schedule("past", starts_at=NOW - timedelta(days=1), at=NOW - timedelta(days=9)), BOB, NOW - timedelta(days=8))
    world.project()
    assert "bookings" in (await api.side.erasure_obstacle(ALICE.id) or "")
    assert "events" in (await api.side.erasure_obstacle(ORGANIZER.id) or "")
    assert await api.side.erasure_obstacle(BOB.id) is None
    world.cancel_booking(event_id, booking_id)
    world.project()
    assert await api.side.erasure_obstacle(ALICE.id) is None


# --- bookings that the projection has not reached


def at(world: World) -> dict[str, str]:
    return {"Ledger-Position": str(world.position)}


async def test_event_of_a_booking_is_found_before_it_is_projected(world: World, api: Api) -> None:
    event_id, other = world.schedule(), world.schedule()
    world.project()
    world.book(other, BOB)
    booking_id = world.book(event_id)
    assert await api.side.event_of_booking(booking_id) == event_id
    assert await api.side.event_of_booking(uuid4()) is None


async def test_booking_is_shown_before_it_is_projected(world: World, api: Api) -> None:
    event_id = world.schedule()
    world.project()
    booking_id = world.book(event_id, General=2, VIP=1)
    path = f"/api/bookings/{booking_id}"
    early = [await api.get(path, ALICE, headers) for headers in (None, at(world))]
    assert [response.status_code for response in early] == [200, 200]
    world.cancel_booking(event_id, booking_id, 1)
    changed = await api.get(path, ALICE, at(world))
    assert (await api.get(path, BOB, at(world))).status_code == 404
    assert (await api.get(path, ORGANIZER, at(world))).status_code == 200
    assert (await api.get(path, OTHER, at(world))).status_code == 404
    world.project()
    later = await api.get(path, ALICE, at(world))
    assert later.json() == changed.json()
    assert later.headers["ledger-position"] == changed.headers["ledger-position"] == str(world.position)
    assert early[0].json() == {**later.json(), "tickets": early[0].json()["tickets"], "refunded_amount": "0.00"}
    assert [ticket["status"] for ticket in early[0].json()["tickets"]] == ["active"] * 3


async def test_change_of_a_booking_is_shown_before_it_is_projected(world: World, api: Api) -> None:
    event_id = world.schedule()
    booking_id = world.book(event_id, General=2)
    world.cancel_booking(event_id, booking_id, 0)
    world.project()
    world.book(event_id, BOB)
    world.cancel_booking(event_id, booking_id, 1)
    path = f"/api/bookings/{booking_id}"
    early = await api.get(path, ALICE, at(world))
    world.project()
    assert early.json() == (await api.get(path, ALICE, at(world))).json()
    assert (early.json()["status"], early.json()["refunded_amount"]) == ("cancelled", "100.00")


async def test_booking_of_an_event_that_changes_meanwhile_waits_for_the_projection(world: World, api: Api) -> None:
    """The cancellation of an event is no entry about its bookings."""
    event_id = world.schedule()
    booking_id = world.book(event_id)
    world.project()
    world.cancel_event(event_id)
    response = await api.get(f"/api/bookings/{booking_id}", ALICE, at(world))
    assert (response.status_code, response.json()["type"]) == (503, "/problems/stale-read")


async def test_search_for_a_recent_booking_is_bounded(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query_api.recent_entries.MAX_ENTRIES", 2)
    event_id = world.schedule()
    world.project()
    first = world.book(event_id)
    second = world.book(event_id)
    world.book(event_id, BOB)
    assert await api.side.event_of_booking(second) == event_id
    assert (await api.get(f"/api/bookings/{second}", ALICE)).status_code == 200
    assert (await api.get(f"/api/bookings/{first}", ALICE)).status_code == 503
