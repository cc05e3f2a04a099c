"""Events without a date, events that sell after their start, and doors that open before the show."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.running_system import LATER, Person, Stack, tickets
from tests.web.conftest import DESKTOP, PHONE, Visit


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def _exhibition(stack: Stack, organizer: Person, name: str) -> Any:
    """It began yesterday and is on for a month."""
    return stack.event(organizer, name=name, starts_at=_in_days(-1), ends_at=_in_days(30), sales_close_at=_in_days(29))


def _seen(page: Page, who: Person, event_id: str) -> Any:
    who.last = page.evaluate("sessionStorage.getItem('seatledger.position')")
    return who.see(f"/api/events/{event_id}")


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_open_date_is_selected_by_keyboard(size: tuple[int, int], visit: Visit, organizer: Person) -> None:
    visitor = visit(organizer, "/organise/new", size=size)
    page = visitor.page
    page.get_by_label("Name").first.fill("Voucher for two")
    page.get_by_role("radio", name="On a date").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Open date")).to_be_checked()
    for field in ("Starts", "Ends", "Show begins"):
        expect(page.get_by_role("button", name=field)).to_have_count(0)
    visitor.check_accessibility()
    group = page.get_by_role("group", name="Category 1")
    for label, value in (("Name", "General"), ("Price", "10"), ("Seats", "20")):
        group.get_by_label(label).fill(value)
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", level=1, name="Voucher for two")).to_be_visible()
    expect(page.get_by_text("Open date")).to_be_visible()
    event = _seen(page, organizer, page.url.rsplit("/", 1)[1])
    assert (event["starts_at"], event["past_at"]) == (None, None)


def test_open_date_is_changed_to_a_date_with_doors(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, name="Agreed on later", starts_at=None)
    page = visit(organizer, f"/organise/{event['id']}/edit").page
    expect(page.get_by_role("radio", name="Open date")).to_be_checked()
    page.get_by_text("On a date", exact=True).click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("button", name="Starts")).to_be_focused()
    for label, hours in (("Starts", "19"), ("Show begins", "20")):
        page.get_by_role("button", name=label).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Next month").click()
        dialog.get_by_text("15", exact=True).click()
        dialog.get_by_role("spinbutton", name="Hours").fill(hours)
        dialog.get_by_role("spinbutton", name="Minutes").fill("00")
        dialog.get_by_role("button", name="Confirm time").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()
    page.get_by_role("link", name="Public page").click()
    expect(page.get_by_text("Doors 19:00, show 20:00")).to_be_visible()


def test_voucher_is_booked_and_shown_without_a_date(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, name="Voucher", starts_at=None)
    page = visit(stack.person(), "/?q=Voucher").page
    card = page.get_by_role("article").filter(has=page.get_by_role("link", name="Voucher", exact=True))
    expect(card.get_by_text("Open date").first).to_be_visible()
    page.goto(f"/events/{event['id']}")
    page.get_by_role("button", name="One more in General").click()
    expect(page.get_by_text("you can cancel a ticket until it is used")).to_be_visible()
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Open date").first).to_be_visible()
    expect(page.get_by_role("button", name="Add to calendar")).to_have_count(0)
    page.emulate_media(media="print")
    expect(page.get_by_role("listitem").filter(has=page.get_by_role("img"))).to_contain_text("Open date")


def test_ongoing_exhibition_sells_and_cancels(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = _exhibition(stack, organizer, "Exhibition of seats")
    visitor = visit(stack.person(), "/?q=Exhibition+of+seats")
    page = visitor.page
    expect(page.get_by_role("article").get_by_text(re.compile("^On until "))).to_be_visible()
    page.goto(f"/events/{event['id']}")
    expect(page.get_by_text(re.compile("^On until "))).to_be_visible()
    expect(page.get_by_text(re.compile("^Sales until "))).to_be_visible()
    page.get_by_role("button", name="One more in General").click()
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("button", name="Add to calendar")).to_be_visible()
    page.get_by_role("button", name="Cancel tickets").click()
    page.get_by_label("Ticket 1, General").click()
    page.get_by_role("button", name="Cancel 1 ticket, refund €50.00").click()
    expect(page.get_by_text("1 ticket has been cancelled.")).to_be_visible()


def test_event_form_accepts_a_past_start_while_sales_are_open(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = _exhibition(stack, organizer, "Edited exhibition")
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    page = visitor.page
    closes = page.get_by_role("button", name="Sales close")
    expect(closes).to_have_accessible_description(re.compile("^After the start"))
    visitor.check_accessibility()
    page.get_by_label("Venue").fill("Hall of chairs")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()
    page.get_by_role("combobox", name="Time zone").fill("tokyo")  # another start, which is over as well: sales go on
    page.get_by_role("option", name="Asia/Tokyo").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.").last).to_be_visible()


def test_conflicting_open_date_is_resolved(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, name="Opened meanwhile", starts_at=LATER)
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    visitor.expect_complaints("412")
    page = visitor.page
    page.get_by_label("Venue").fill("Hall 2")
    organizer.ok("PATCH", f"/api/events/{event['id']}", {"starts_at": None}, If_Match=f'"{event["details_version"]}"')
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("radiogroup", name="Starts").get_by_role("radio", name="Their version")).to_contain_text("Open date")
    page.get_by_role("button", name="Save selection").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()
    expect(page.get_by_role("radio", name="Open date")).to_be_checked()
    saved = _seen(page, organizer, event["id"])
    assert (saved["starts_at"], saved["venue"]) == (None, "Hall 2")


def test_voucher_cannot_be_cancelled_after_sales_close(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer, name="Closed voucher", starts_at=None), stack.person()
    booking = somebody.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    closed = {"sales_close_at": _in_days(-1)}
    organizer.ok("PATCH", f"/api/events/{event['id']}", closed, If_Match=f'"{event["details_version"]}"')
    page = visit(somebody, f"/bookings/{booking['id']}").page
    expect(page.get_by_text("Sales have closed. Tickets can no longer be cancelled.")).to_be_visible()
    page.get_by_role("link", name="Event page").click()
    expect(page.get_by_text("Sales have closed")).to_be_visible()
