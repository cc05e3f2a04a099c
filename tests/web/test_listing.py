"""What is on, as anybody sees and searches it; and every event with what it brought in, as who sells sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


def _soon(stack: Stack, organizer: Person, **more: Any) -> Any:
    starts_at = datetime.now(UTC) + timedelta(days=3)
    return stack.event(organizer, starts_at=starts_at.replace(hour=12, minute=0).isoformat(), **more)


def test_an_event_is_listed_with_what_one_asks_first_and_has_a_page_with_the_rest(
    visit: Visit, stack: Stack, organizer: Person
) -> None:
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


def test_one_searches_by_title_by_venue_and_by_dates(visit: Visit, stack: Stack, organizer: Person) -> None:
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
