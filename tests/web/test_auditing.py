"""An auditor's path: the ledger searched and saved, and an event as it stood at any time."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


@pytest.fixture(scope="module")
def auditor(stack: Stack) -> Person:
    return stack.person("auditor")


@pytest.fixture
def told(stack: Stack, organizer: Person, alice: Person) -> Any:
    """An event with a history: scheduled, booked twice, renamed, one booking cancelled."""
    event = stack.event(organizer, name="First name")
    path = f"/api/events/{event['id']}"
    booking = alice.ok("POST", f"{path}/bookings", tickets(3))
    organizer.ok("POST", f"{path}/bookings", tickets(2, "VIP"))
    organizer.ok("PATCH", path, {"name": "Second name"}, If_Match=f'"{event["details_version"]}"')
    alice.ok("DELETE", f"/api/bookings/{booking['id']}")
    return event


def _rows(page: Page) -> Any:
    return page.get_by_role("table", name="Entries").locator("tbody > tr")


def test_ledger_is_filtered_and_shows_entries_as_json(visit: Visit, auditor: Person, told: Any, alice: Person) -> None:
    visitor = visit(auditor, f"/ledger?event={told['id']}")
    page = visitor.page
    expect(_rows(page)).to_have_count(5)
    page.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="Seats booked").click()
    expect(_rows(page)).to_have_count(2)
    expect(_rows(page).first).to_contain_text(re.compile("3 . General"))
    page.get_by_role("button", name=f"Only entries of actor {alice.id}").click()
    expect(_rows(page)).to_have_count(1)
    expect(page.get_by_role("textbox", name="Actor")).to_have_value(alice.id)
    page.get_by_role("button", name="Show the body of entry").click()
    shown = json.loads(page.get_by_role("region", name="as JSON").inner_text())
    assert (shown["type"], shown["event_id"], shown["body"]["customer_id"]) == ("seats-booked", told["id"], alice.id)
    visitor.check_accessibility()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(_rows(page)).not_to_have_count(1)


def test_entries_are_downloaded_as_ndjson(visit: Visit, auditor: Person, told: Any) -> None:
    page = visit(auditor, f"/ledger?event={told['id']}").page
    expect(_rows(page)).to_have_count(5)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download NDJSON").click()
    lines = [json.loads(line) for line in Path(saved.value.path()).read_text().splitlines()]
    assert [one["version"] for one in lines] == [1, 2, 3, 4, 5]
    assert {one["event_id"] for one in lines} == {told["id"]}


def test_search_continues_over_empty_pages(visit: Visit, auditor: Person, told: Any) -> None:
    """Only a ledger of millions has such pages: here the first three answers are made empty, and what follows is real."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) <= 3:
            route.fulfill(json={"items": [], "next_cursor": "MA"})
        else:
            route.continue_()

    visitor = visit(auditor)
    visitor.page.route("**/api/audit/entries?*", answer)
    visitor.page.goto("/ledger?type=event-scheduled")
    expect(_rows(visitor.page).first).to_contain_text("Event scheduled")
    assert len(asked) == 4


def test_search_pauses_after_its_limit_and_can_be_continued(visit: Visit, auditor: Person) -> None:
    page = visit(auditor).page
    asked: list[str] = []

    def empty(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"items": [], "next_cursor": f"M{len(asked)}"})

    page.route("**/api/audit/entries?*", empty)
    page.goto("/ledger?type=ticket-used")
    expect(page.get_by_text("No match in the next 4,000,000 positions. There are more.")).to_be_visible()
    assert len(asked) == 20
    page.get_by_role("button", name="Continue searching").click()
    expect(page.get_by_text("No match in the next 8,000,000 positions. There are more.")).to_be_visible()


def test_slider_shows_the_event_as_of_an_entry(visit: Visit, auditor: Person, told: Any) -> None:
    visitor = visit(auditor, f"/ledger/events/{told['id']}")
    page = visitor.page
    then = page.get_by_role("region", name="Event as of this entry")
    expect(page.get_by_text("Entry 5 of 5")).to_be_visible()
    expect(then).to_contain_text("Second name")
    expect(then).to_contain_text("2 of 15")
    slider = page.get_by_role("slider", name="Entry")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("Entry 1 of 5")).to_be_visible()
    expect(then).to_contain_text("First name")
    expect(then).to_contain_text("0 of 15")
    page.keyboard.press("ArrowRight")
    expect(then).to_contain_text("3 of 15")
    page.get_by_role("button", name="Details changed").click()
    expect(then).to_contain_text("5 of 15")
    expect(then).to_contain_text("Second name")
    visitor.check_accessibility()
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(10, box["y"], steps=5)
    expect(page.get_by_text("Entry 1 of 5")).to_be_visible()
    page.mouse.up()
    expect(page).to_have_url(re.compile(f"at={told['number']}$"))


def test_history_goes_to_a_position_or_a_time(visit: Visit, auditor: Person, told: Any) -> None:
    visitor = visit(auditor, f"/ledger/events/{told['id']}")
    visitor.expect_complaints("404|422")
    page = visitor.page
    field = page.get_by_label("Position or time")
    for typed, said in [
        (str(told["number"] - 1), "The event did not exist at that time."),
        ("2100-01-01 00:00", "That time is in the future."),
        ("999999999999", "The ledger's head is at position"),
        ("soon", "Enter a ledger position or a time."),
    ]:
        field.fill(typed)
        page.keyboard.press("Enter")
        expect(field).to_have_accessible_description(re.compile(said))
    field.fill(str(told["number"]))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Event as of this entry")).to_contain_text("First name")
    field.fill(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Event as of this entry")).to_contain_text("Second name")
    expect(page.get_by_text("Entry 5 of 5")).to_be_visible()


def test_statistics_as_of_a_position_are_shown(visit: Visit, auditor: Person, told: Any) -> None:
    page = visit(auditor, "/ledger").page
    page.get_by_role("link", name="Statistics as of a date").click()
    figures = page.get_by_role("region", name="Statistics as of a date")
    expect(figures).to_contain_text("As of ledger position")
    position = told["number"] + 1
    page.get_by_label("Position or time").fill(str(position))
    page.keyboard.press("Enter")
    expect(figures).to_contain_text(f"As of ledger position {position:,}")
    then = auditor.ok("GET", f"/api/audit/stats?at={position}")
    expect(figures).to_contain_text(f"€{float(then['revenue'][0]['net']):,.2f}")


def test_latest_checkpoint_is_shown(visit: Visit, auditor: Person, told: Any) -> None:
    visitor = visit(auditor, "/ledger")
    visitor.page.get_by_role("button", name="Latest checkpoint").click()
    checkpoint = auditor.see("/api/audit/checkpoint")
    expect(visitor.page.get_by_role("region", name="Signed note")).to_contain_text(checkpoint["origin"])
    expect(visitor.page.get_by_text(checkpoint["verifier_key"])).to_be_visible()
    visitor.check_accessibility()


def test_unknown_event_shows_event_not_found(visit: Visit, auditor: Person) -> None:
    visitor = visit(auditor, "/ledger/events/00000000-0000-4000-8000-000000000000")
    visitor.expect_complaints("404")
    expect(visitor.page.get_by_role("heading", name="Event not found")).to_be_visible()


def test_every_page_is_accessible(visit: Visit, auditor: Person, told: Any) -> None:
    visitor = visit(auditor)
    for path in (
        "/ledger",
        f"/ledger?event={told['id']}&type=ticket-used",
        f"/ledger/events/{told['id']}",
        "/ledger/books",
        "/projections",
    ):
        visitor.page.goto(path)
        visitor.settle()
        visitor.check_looks()
