"""Statistics equal an independent fold of the ledger."""

import csv
import io
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import entries as e
from ledger.commands import CompleteEvent
from ledger.details import Pool
from ledger.errors import SeatledgerError
from ledger.money import to_text
from ledger.settings import Settings
from projections.registry import PROJECTORS
from query_api import queries
from query_api.queries import statistics_queries
from tests.query_api.world import ADMIN, ALICE, AUDITOR, BOB, NOW, ORGANIZER, OTHER, Api, CountingCursor, World

START = datetime(2026, 1, 30, 22, tzinfo=UTC)


def busy_weeks(world: World) -> None:
    """Three events of two organizers in two currencies, with some hundred commands over ten days."""
    dice = random.Random(7)
    soon: dict[str, Any] = {"starts_at": START + timedelta(days=300), "at": START}
    made = [
        world.schedule("Alpha", **soon),
        world.schedule("Béta", by=OTHER, currency="JPY", **soon),
        world.schedule("Gamma", **soon),
    ]
    bookings: list[tuple[UUID, UUID]] = []
    for hour in range(240):
        now, event_id = START + timedelta(hours=hour), dice.choice(made)
        try:
            if dice.random() < 0.7:
                bookings.append((event_id, world.book(event_id, dice.choice([ALICE, BOB]), now, General=dice.randint(1, 3))))
            elif bookings:
                chosen = dice.choice(bookings)
                world.cancel_booking(*chosen, *([0] if dice.random() < 0.5 else []), at=now)
        except SeatledgerError:
            pass
    world.cancel_event(made[2], START + timedelta(days=11))
    world.do(CompleteEvent(id=uuid4(), actor=ADMIN, event_id=made[1]), START + timedelta(days=11))


def fold(world: World) -> dict[UUID, list[tuple[datetime, Counter[str]]]]:
    """By event: when each entry was made and how it changed the numbers, from the entries alone."""
    folded: dict[UUID, list[tuple[datetime, Counter[str]]]] = defaultdict(list)
    active: dict[UUID, dict[UUID, list[int]]] = defaultdict(dict)  # prices of the tickets that are not cancelled
    lines: dict[UUID, list[int]] = {}
    for recorded in world.story:
        entry, gained = recorded.entry, Counter[str]()
        if isinstance(entry, e.SeatsBooked):
            prices = [line.unit_price for line in entry.lines for _ in range(line.quantity)]
            lines[entry.command], active[recorded.stream][entry.command] = prices, list(prices)
            gained.update(bookings=1, tickets=len(prices), gross=sum(prices))
        elif isinstance(entry, e.BookingCancelled):
            refund = [lines[entry.booking_id][ticket] for ticket in entry.tickets]
            left = active[recorded.stream][entry.booking_id]
            for price in refund:
                left.remove(price)
            gained.update(tickets_cancelled=len(refund), refunded=sum(refund), cancellations=int(not left))
            if not left:
                del active[recorded.stream][entry.booking_id]
        elif isinstance(entry, e.EventCancelled):
            left = [price for prices in active[recorded.stream].values() for price in prices]
            gained.update(cancellations=len(active[recorded.stream]), tickets_cancelled=len(left), refunded=sum(left))
            active[recorded.stream].clear()
        folded[recorded.stream].append((entry.at, gained))
    return folded


def amounts(total: Counter[str], currency: str) -> dict[str, str]:
    gross, refunded = total["gross"], total["refunded"]
    return {name: to_text(value, currency) for name, value in (("gross", gross), ("refunded", refunded), ("net", gross - refunded))}


def nothing(currency: str) -> dict[str, str]:
    """The amounts of payments: of these events it is taken elsewhere."""
    return dict.fromkeys(("received", "paid_back", "due", "refund_due"), to_text(0, currency))


def summed(folded: list[tuple[datetime, Counter[str]]]) -> Counter[str]:
    return sum((gained for _, gained in folded), Counter())


async def test_capacity_is_what_pools_let_be_sold(world: World, api: Api) -> None:
    world.schedule(pools=(Pool(1, "Hall", 104, (1, 2)), Pool(2, "Empty", 3, ())))
    world.schedule()
    world.project()
    body = (await api.get("/api/stats/events", ADMIN)).json()
    assert [item["capacity"] for item in body["items"]] == [110, 104]
    assert (await api.get("/api/stats/summary", ADMIN)).json()["capacity"] == 214


async def test_event_statistics_and_summary_equal_the_fold(world: World, api: Api) -> None:
    busy_weeks(world)
    world.project()
    folded = fold(world)
    body = (await api.get("/api/stats/events", ADMIN)).json()
    assert body["ledger_position"] == world.position
    assert [item["name"] for item in body["items"]] == ["Gamma", "Béta", "Alpha"]
    for item in body["items"]:
        event, total = world.events[UUID(item["event_id"])], summed(folded[UUID(item["event_id"])])
        assert event.details.starts_at is not None
        expected = {
            "event_id": str(event.id), "number": event.number, "name": event.details.name, "status": event.status,
            "starts_at": event.details.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "currency": event.currency, "capacity": 110,
            "taken": sum(seats.taken for seats in event.categories.values()), "bookings": total["bookings"],
            "cancellations": total["cancellations"], **amounts(total, event.currency), **nothing(event.currency),
        }  # fmt: skip
        assert item == expected
    before = CountingCursor.count
    summary = (await api.get("/api/stats/summary", ADMIN)).json()
    assert CountingCursor.count == before + 1
    assert summary["events"] == {"active": 1, "cancelled": 1, "completed": 1}
    for name in ("capacity", "taken", "bookings", "cancellations"):
        assert summary[name] == sum(item[name] for item in body["items"])
    by_currency: dict[str, Counter[str]] = defaultdict(Counter)
    for event_id, gains in folded.items():
        by_currency[world.events[event_id].currency] += summed(gains)
    assert summary["revenue"] == [
        {"currency": code, **amounts(by_currency[code], code), **nothing(code)} for code in ("EUR", "JPY")
    ]


@pytest.mark.parametrize("interval", ["hour", "day", "month"])
async def test_sales_equal_the_fold(world: World, api: Api, interval: str) -> None:
    busy_weeks(world)
    world.project()
    start = {"hour": "%Y-%m-%dT%H:00:00Z", "day": "%Y-%m-%dT00:00:00Z", "month": "%Y-%m-01T00:00:00Z"}[interval]
    since, until = START + timedelta(days=1), START + timedelta(days=20)
    buckets: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event_id, folded in fold(world).items():
        for at, gained in folded:
            if gained and since <= at < until:
                buckets[at.strftime(start), world.events[event_id].currency] += gained
    params: dict[str, Any] = {"interval": interval, "from_": since.isoformat(), "to": until.isoformat()}
    response = await api.get("/api/stats/sales", ADMIN, **params)
    names = ("bookings", "cancellations", "tickets", "tickets_cancelled")
    assert response.json() == {
        "items": [
            {"start": start, "currency": currency, **{name: total[name] for name in names}, **amounts(total, currency)}
            for (start, currency), total in sorted(buckets.items())
        ],
        "next_cursor": None,
        "ledger_position": world.position,
    }
    assert response.headers["ledger-position"] == str(world.position)


async def test_organizer_sees_only_their_own_events(world: World, api: Api) -> None:
    busy_weeks(world)
    world.project()
    (mine,) = await api.items("/api/stats/events", OTHER)
    assert mine["name"] == "Béta"
    assert {item["currency"] for item in await api.items("/api/stats/sales", OTHER)} == {"JPY"}
    assert [revenue["currency"] for revenue in (await api.get("/api/stats/summary", OTHER)).json()["revenue"]] == ["JPY"]
    path, alpha = "/api/stats/sales", next(str(recorded.stream) for recorded in world.story)
    assert (await api.get(path, OTHER, event_id=alpha)).json()["type"] == "/problems/not-your-event"
    assert (await api.get(path, OTHER, event_id=str(uuid4()))).json()["type"] == "/problems/event-not-found"
    assert {item["currency"] for item in await api.items(path, ORGANIZER, event_id=alpha)} == {"EUR"}
    for actor, status in ((ALICE, 403), (AUDITOR, 403), (None, 401)):
        for name in ("summary", "events", "sales"):
            assert (await api.get(f"/api/stats/{name}", actor)).status_code == status


async def test_statistics_of_an_empty_ledger_are_zero(api: Api) -> None:
    assert (await api.get("/api/stats/summary", ADMIN)).json() == {
        "events": {"active": 0, "cancelled": 0, "completed": 0}, "capacity": 0, "taken": 0, "bookings": 0, "cancellations": 0,
        "revenue": [], "ledger_position": 0,
    }  # fmt: skip
    for name in ("events", "sales"):
        assert (await api.get(f"/api/stats/{name}", ORGANIZER)).json() == {"items": [], "next_cursor": None, "ledger_position": 0}


async def test_event_statistics_are_searched_and_paged(world: World, api: Api) -> None:
    made = [str(world.schedule(name)) for name in ("a%b", "aXb", "A%B 2", "c")]
    world.project()
    assert [item["event_id"] for item in await api.items("/api/stats/events", ORGANIZER, q="a%b")] == [made[2], made[0]]
    pages = await api.every_page("/api/stats/events", ORGANIZER, limit=3)
    assert [[item["event_id"] for item in page] for page in pages] == [made[:0:-1], made[:1]]


async def test_too_many_intervals_are_refused(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    busy_weeks(world)
    world.project()
    for module in (queries, statistics_queries):
        monkeypatch.setattr(module, "MAX_BUCKETS", 20)
    statistics_queries._sales.cache_clear()
    response = await api.get("/api/stats/sales", ADMIN, interval="hour")
    statistics_queries._sales.cache_clear()
    assert response.status_code == 422
    assert "narrow the range" in response.json()["detail"]
    assert (await api.get("/api/stats/sales", ADMIN, interval="week")).status_code == 422


async def test_csv_has_the_same_numbers(world: World, api: Api) -> None:
    busy_weeks(world)
    world.schedule("=1+1")
    world.project()

    async def read(name: str) -> list[dict[str, Any]]:
        response = await api.get(f"/api/stats/{name}", ADMIN, {"Accept": "text/csv"})
        assert response.headers["ledger-position"] == str(world.position)
        return list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))

    events = await read("events")
    for row, item in zip(events, await api.items("/api/stats/events", ADMIN), strict=True):
        name = "'=1+1" if item["name"] == "=1+1" else item["name"]
        assert row == {name: str(value) for name, value in item.items()} | {"name": name}
    sales = await read("sales")
    assert sales == [{name: str(value) for name, value in item.items()} for item in await api.items("/api/stats/sales", ADMIN)]
    assert [row["net"][0] for row in sales if row["start"].startswith("2026-02-10")] == ["-"]
    summary = (await api.get("/api/stats/summary", ADMIN)).json()
    rows = await read("summary")
    assert [{name: row[name] for name in summary["revenue"][0]} for row in rows] == summary["revenue"]
    assert sum(int(row["bookings"]) for row in rows) == summary["bookings"]


async def test_projections_show_position_and_lag(world: World, api: Api, settings: Settings) -> None:
    world.schedule(at=NOW - timedelta(seconds=90))
    world.project("catalogue")
    world.schedule()
    world.sql("UPDATE projections SET failed_position = 7, error = E'revenue stopped\\n[SQL: DROP]' WHERE name = 'revenue'")
    response = await api.get("/api/projections", AUDITOR, {"Ledger-Position": str(world.position + 9)})
    body = response.json()
    assert (body["ledger_position"], response.headers["ledger-position"]) == (world.position, "0")
    items = {item["name"]: item for item in body["items"]}
    assert list(items) == sorted(PROJECTORS)
    assert (items["catalogue"]["lag_entries"], items["catalogue"]["state"], items["catalogue"]["error"]) == (1, "running", None)
    age_seconds = (datetime.now(UTC) - NOW).total_seconds()  # of the second event; the first is projected, and 90 s older
    assert age_seconds - 10 <= items["catalogue"]["lag_seconds"] <= age_seconds
    assert items["bookings"]["lag_entries"] == 2
    assert age_seconds + 80 <= items["bookings"]["lag_seconds"] <= age_seconds + 100
    revenue = items["revenue"]
    assert (revenue["state"], revenue["failed_position"], revenue["error"]) == ("stalled", 7, "revenue stopped")
    world.project("bookings")
    caught_up = {item["name"]: item for item in await api.items("/api/projections", ADMIN)}["bookings"]
    assert (caught_up["lag_entries"], caught_up["lag_seconds"]) == (0, 0)
    assert [(await api.get("/api/projections", actor)).status_code for actor in (ORGANIZER, ALICE, None)] == [403, 403, 401]


async def test_remaining_time_of_a_rebuild_follows_from_its_speed(world: World, api: Api) -> None:
    """Progress from before an interruption does not count."""
    world.sql("""INSERT INTO rebuilds (name, started_from, position, target, started_at, updated_at) VALUES
        ('revenue', 600, 800, 1000, '2030-01-01T00:00:00Z', '2030-01-01T00:00:10Z'),
        ('audit', 600, 600, 1000, '2030-01-01T00:00:00Z', '2030-01-01T00:00:10Z')""")
    rebuilds = {item["name"]: item["rebuild"] for item in await api.items("/api/projections", ADMIN)}
    assert (rebuilds["revenue"]["position"], rebuilds["revenue"]["target"], rebuilds["revenue"]["seconds_left"]) == (
        800,
        1000,
        10.0,
    )
    assert rebuilds["audit"]["seconds_left"] is None
    assert rebuilds["bookings"] is None
