"""The list of events as visitors see and search it, and the events with their revenue as organizers see them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


def _soon(stack: Stack, organizer: Person, **more: Any) -> Any:
    starts_at = datetime.now(UTC) + timedelta(days=3)
    return stack.event(organizer, starts_at=starts_at.replace(hour=12, minute=0).isoformat(), **more)


def test_event_has_a_card_in_the_list_and_a_page_with_details(visit: Visit, stack: Stack, organizer: Person) -> None:
    name = f"Listed {uuid4().hex[:6]}"
    _soon(stack, organizer, name=name, venue="Hall of lists", description="All that there is to say.")
    page = visit(path=f"/?q={name}").page
    card = page.get_by_role("article")
    for fact in (name, "Hall of lists", "12:00", "€50.00", "15 seats left"):
        expect(card).to_contain_text(fact)
    card.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    for fact in ("Hall of lists", "All that there is to say.", "€50.00", "€150.00"):
        expect(page.get_by_role("main")).to_contain_text(fact)
    expect(page.get_by_test_id("left-General")).to_have_text("10 seats left")


def test_events_are_searched_by_title_venue_and_dates(visit: Visit, stack: Stack, organizer: Person) -> None:
    word = uuid4().hex[:8]
    _soon(stack, organizer, name=f"Soon {word}", venue="Here")
    stack.event(organizer, name="Later", venue=f"There {word}")
    page = visit(path="/").page
    page.get_by_role("textbox", name="Search").fill(word)
    _shows(page, f"Soon {word}", "Later")
    page.get_by_role("textbox", name="Search").fill(f"there {word}")
    _shows(page, "Later")
    page.get_by_role("textbox", name="Search").fill(word)
    page.get_by_role("button", name="Any date").click()
    page.get_by_role("button", name="Next 7 days").click()
    _shows(page, f"Soon {word}")


def test_date_filter_uses_the_time_zone_of_the_event(visit: Visit, stack: Stack, organizer: Person) -> None:
    """The browser is in Berlin. What a card shows as its date is what finds it."""
    word = uuid4().hex[:8]
    for name, zone, starts_at in (
        ("Tokyo on the 23rd", "Asia/Tokyo", "2031-11-22T15:30:00Z"),
        ("Berlin on the 23rd", "Europe/Berlin", "2031-11-23T18:00:00Z"),
        ("Honolulu on the 23rd", "Pacific/Honolulu", "2031-11-24T05:00:00Z"),
        ("Tokyo on the 24th", "Asia/Tokyo", "2031-11-23T15:30:00Z"),
        ("Honolulu on the 22nd", "Pacific/Honolulu", "2031-11-23T05:00:00Z"),
    ):
        stack.event(organizer, name=name, venue=word, timezone=zone, starts_at=starts_at)
    page = visit(path=f"/?q={word}&from=2031-11-23&to=2031-11-23").page
    _shows(page, "Tokyo on the 23rd", "Berlin on the 23rd", "Honolulu on the 23rd")
    expect(page.get_by_role("status").filter(has_text="3 events")).to_be_visible()
    for card in page.get_by_role("article").all():
        expect(card).to_contain_text("23")
    page.goto(f"/?q={word}&from=2031-11-24&to=2031-11-25")
    _shows(page, "Tokyo on the 24th")
    page.goto(f"/?q={word}&from=2031-11-25&to=2031-11-25")
    expect(page.get_by_role("heading", name="No events found")).to_be_visible()


def test_date_filter_continues_over_pages_without_a_match(visit: Visit, stack: Stack, organizer: Person) -> None:
    """More than a page of events is on at that moment, none of them on that date at its own place."""
    word = uuid4().hex[:8]
    for _ in range(105):
        stack.event(organizer, name="Kiritimati", venue=word, timezone="Pacific/Kiritimati", starts_at="2031-08-09T12:00:00Z")
    for _ in range(30):
        stack.event(organizer, name="Berlin", venue=word, timezone="Europe/Berlin", starts_at="2031-08-09T18:00:00Z")
    page = visit(path=f"/?q={word}&from=2031-08-09&to=2031-08-09").page
    expect(page.get_by_role("article")).to_have_count(30)
    expect(page.get_by_role("status").filter(has_text="30 events")).to_be_visible()
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_next_7_days_filter_covers_7_days(visit: Visit, stack: Stack, organizer: Person) -> None:
    word, zone = uuid4().hex[:8], ZoneInfo("Europe/Berlin")
    page = visit(path=f"/?q={word}").page
    noon = datetime.now(zone).replace(hour=12, minute=0)
    for days in (6, 7):
        starts_at = (noon + timedelta(days=days)).isoformat()
        stack.event(organizer, name=f"In {days} days", venue=word, timezone="Europe/Berlin", starts_at=starts_at)
    stack.settle()
    page.reload()
    _shows(page, "In 6 days", "In 7 days")
    page.get_by_role("button", name="Any date").click()
    page.get_by_role("button", name="Next 7 days").click()
    _shows(page, "In 6 days")


def _shows(page: Page, *names: str) -> None:
    expect(page.get_by_role("article").get_by_role("heading")).to_have_text(list(names))


def test_every_event_is_listed_with_its_bookings_and_revenue(visit: Visit, stack: Stack, alice: Person) -> None:
    organizer = stack.person("organizer")
    events = [stack.event(organizer, name=f"Counted {number}") for number in range(2)]
    for quantity in (2, 1):
        alice.ok("POST", f"/api/events/{events[1]['id']}/bookings", tickets(quantity))
    organizer.last = alice.last
    organizer.see("/api/stats/summary")
    page = visit(organizer, "/statistics").page
    rows = page.get_by_role("table", name="Occupancy by event").get_by_role("row")
    for event, cells in zip(events, (["0 / 15 · 0%", "0", "0", "€0.00"], ["3 / 15 · 20%", "2", "0", "€150.00"]), strict=True):
        expect(rows.filter(has_text=event["name"]).get_by_role("cell")).to_have_text(cells)
