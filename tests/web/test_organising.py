"""An organizer's path: an event made, edited beside somebody else, sold, checked in, and closed."""

import csv
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from tests.running_system import LATER, Person, Stack, tickets
from tests.web.conftest import Visit
from tests.web.organising import organised, see


def _choose_start(page: Page) -> None:
    """The 15th of next month, 20:15."""
    page.get_by_role("button", name="Starts").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Next month").click()
    dialog.get_by_text("15", exact=True).click()
    dialog.get_by_role("spinbutton", name="Hours").fill("20")
    dialog.get_by_role("spinbutton", name="Minutes").fill("15")
    dialog.get_by_role("button", name="Confirm time").click()


def test_created_event_is_on_sale(visit: Visit, organizer: Person, stack: Stack) -> None:
    page = visit(organizer, "/organise").page
    page.get_by_role("link", name="New event").first.click()
    expect(page.get_by_role("heading", level=1, name="New event")).to_be_focused()
    page.get_by_label("Name").first.fill("<b>Chess</b> night")
    page.get_by_label("Venue").fill("Old Mill")
    _choose_start(page)
    group = page.get_by_role("group", name="Category 1")
    group.get_by_label("Name").fill("General")
    group.get_by_label("Price").fill("12.50")
    group.get_by_label("Seats").fill("20")
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", level=1, name="<b>Chess</b> night")).to_be_visible()
    expect(page.get_by_text("0 of 20").first).to_be_visible()
    event = see(page, organizer, f"/api/events/{page.url.rsplit('/', 1)[1]}")
    assert (event["name"], event["timezone"], event["categories"][0]["price"]) == ("<b>Chess</b> night", "Europe/Berlin", "12.50")
    assert datetime.fromisoformat(event["starts_at"]).astimezone(ZoneInfo("Europe/Berlin")).strftime("%d %H:%M") == "15 20:15"


def test_time_zone_is_found_by_its_city(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new").page
    field = page.get_by_role("combobox", name="Time zone")
    for typed in ("new york", "America/New_York"):
        field.fill(typed)
        expect(page.get_by_role("option")).to_have_text(["America/New York"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("America/New York")


def test_validation_errors_are_shown_at_fields_and_the_first_is_focused(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new").page
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_label("Name").first).to_be_focused()
    expect(page.get_by_label("Name").first).to_have_accessible_description("Required.")
    group = page.get_by_role("group", name="Category 1")
    group.get_by_label("Price").fill("12.5")
    group.get_by_label("Seats").fill("0")
    expect(group.get_by_label("Seats")).to_have_accessible_description("A whole number from 1 to 1,000,000.")
    group.get_by_label("Seats").fill("3")
    expect(group.get_by_label("Seats")).not_to_have_attribute("aria-invalid", "true")


def _paste(page: Page, field: Locator, text: str) -> None:
    """In place of what is there, as one input."""
    field.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Tab")


def test_pasted_price_is_parsed_or_refused(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new").page
    field = page.get_by_role("group", name="Category 1").get_by_label("Price")
    for pasted, shown in (("12,50", "12.50"), ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("€ 12.50", "12.50")):
        _paste(page, field, pasted)
        expect(field).to_have_value(shown)
        expect(field).not_to_have_attribute("aria-invalid", "true")
    for pasted, said in (
        ("1,234", "Thousands or decimals? Enter it without a thousands separator: 1234 or 12.34."),
        ("-5", "A price can't be negative."),
        ("$5", "The prices of this event are in EUR."),
    ):
        _paste(page, field, pasted)
        expect(field).to_have_value(pasted)
        expect(field).to_have_accessible_description(said)


def test_price_with_a_comma_is_saved_as_that_price(visit: Visit, organizer: Person) -> None:
    """Sent by Enter, while the field still has what was typed."""
    page = visit(organizer, "/organise/new").page
    page.get_by_label("Name").first.fill("Comma")
    _choose_start(page)
    group = page.get_by_role("group", name="Category 1")
    group.get_by_label("Name").fill("General")
    group.get_by_label("Seats").fill("-3")
    expect(group.get_by_label("Seats")).to_have_value("-3")
    group.get_by_label("Price").fill("12,50")
    page.keyboard.press("Enter")
    expect(group.get_by_label("Seats")).to_be_focused()
    expect(group.get_by_label("Seats")).to_have_accessible_description("A whole number from 1 to 1,000,000.")
    group.get_by_label("Seats").fill("1,000")
    group.get_by_label("Price").fill("12,50")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Comma")).to_be_visible()
    event = see(page, organizer, f"/api/events/{page.url.rsplit('/', 1)[1]}")
    assert [(one["price"], one["capacity"]) for one in event["categories"]] == [("12.50", 1_000)]


def test_api_error_is_shown_at_its_field(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Refused edit")
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    group = visitor.page.get_by_role("group", name="Category 1")
    expect(group.get_by_label("Seats")).to_have_value("10")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(4))  # sold while one edits
    visitor.expect_complaints("409")
    group.get_by_label("Seats").fill("2")
    visitor.page.get_by_role("button", name="Save changes").click()
    said = "4 seats of General are taken: its capacity can't be lower."
    expect(group.get_by_label("Seats")).to_have_accessible_description(said)
    group.get_by_label("Seats").fill("4")
    visitor.page.get_by_role("button", name="Save changes").click()
    expect(visitor.page.get_by_text("Your changes have been saved.")).to_be_visible()
    assert see(visitor.page, organizer, f"/api/events/{event['id']}")["capacity"] == 9


def test_concurrent_edits_are_merged_without_loss(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Contested", venue="Hall 1")
    first, second = (visit(organizer, f"/organise/{event['id']}/edit") for _ in range(2))
    for visitor in (first, second):
        expect(visitor.page.get_by_label("Venue")).to_have_value("Hall 1")
    first.page.get_by_label("Venue").fill("Hall 2")
    first.page.get_by_label("Description").fill("With an interval.")
    first.page.get_by_role("button", name="Save changes").click()
    expect(first.page.get_by_text("Your changes have been saved.")).to_be_visible()

    second.expect_complaints("412")
    second.page.get_by_label("Venue").fill("Hall 3")
    second.page.get_by_label("Tickets per customer").fill("5")
    second.page.get_by_role("button", name="Save changes").click()
    expect(second.page.get_by_role("heading", name="This event was changed by someone else")).to_be_focused()
    second.check_accessibility()
    venue, description = (second.page.get_by_role("radiogroup", name=name) for name in ("Venue", "Description"))
    expect(venue.get_by_role("radio", name="Hall 3")).to_be_checked()
    expect(description.get_by_role("radio", name="With an interval.")).to_be_checked()
    venue.get_by_role("radio", name="Hall 2").click()
    second.page.get_by_role("button", name="Save selection").click()
    expect(second.page.get_by_text("Your changes have been saved.")).to_be_visible()
    saved = see(second.page, organizer, f"/api/events/{event['id']}")
    assert (saved["venue"], saved["description"], saved["max_tickets_per_customer"]) == ("Hall 2", "With an interval.", 5)


def test_event_is_created_once_while_its_page_loads(visit: Visit, stack: Stack) -> None:
    organizer = stack.person("organizer")
    visitor = visit(organizer, "/organise/new")
    visitor.expect_complaints("Form submission canceled")
    page, held = visitor.page, visitor.hold("**/assets/overview-page-*.js")
    page.get_by_label("Name").first.fill("Created once")
    _choose_start(page)
    group = page.get_by_role("group", name="Category 1")
    for label, value in (("Name", "General"), ("Price", "10"), ("Seats", "20")):
        group.get_by_label(label).fill(value)
    visitor.press_again_and_again()
    page.wait_for_timeout(1_500)
    held[0].continue_()
    expect(page.get_by_role("heading", level=1, name="Created once")).to_be_visible()
    assert [one["name"] for one in see(page, organizer, f"/api/events?organizer_id={organizer.id}")["items"]] == ["Created once"]


def test_form_entries_survive_an_expired_session(visit: Visit, stack: Stack) -> None:
    """One signs in in another tab, and sends the same form."""
    organizer = stack.person("organizer")
    visitor = visit(organizer, "/organise/new")
    visitor.expect_complaints("401")
    page = visitor.page
    page.get_by_label("Name").first.fill("Entered once")
    _choose_start(page)
    group = page.get_by_role("group", name="Category 1")
    for label, value in (("Name", "General"), ("Price", "10"), ("Seats", "20")):
        group.get_by_label(label).fill(value)
    visitor.revoke_session()
    page.get_by_role("button", name="Create event").click()
    alert = page.get_by_role("alert").filter(has_text="Your session has ended")
    with page.context.expect_page() as opened:
        alert.get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_label("E-mail address").fill(organizer.email)
    tab.get_by_role("textbox", name="Password").fill("correct horse battery")
    tab.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", level=1, name="What's on")).to_be_visible()
    page.bring_to_front()
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", level=1, name="Entered once")).to_be_visible()


def test_event_bookings_are_searched_and_downloaded(visit: Visit, organizer: Person, stack: Stack, alice: Person) -> None:
    event = organised(stack, organizer, "Searched", capacity=60)
    for _ in range(51):
        organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    mine = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    page = visit(organizer, f"/organise/{event['id']}/bookings").page
    table = page.get_by_role("table", name="Bookings")
    expect(table.get_by_role("row")).to_have_count(51)
    page.get_by_role("button", name="Show more").click()
    expect(table.get_by_role("row")).to_have_count(53)
    page.get_by_label("Name, e-mail, code or number").fill(mine["tickets"][1]["code"])
    expect(table.get_by_role("row")).to_have_count(2)
    expect(table).to_contain_text(alice.email)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert {row["number"] for row in rows} == {str(mine["number"])}


def test_event_cancellation_shows_its_refunds(visit: Visit, organizer: Person, stack: Stack, alice: Person) -> None:
    event = organised(stack, organizer, "Rained off")
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor = visit(organizer, f"/organise/{event['id']}")
    page = visitor.page
    page.get_by_role("button", name="Cancel event").click()
    dialog = page.get_by_role("dialog", name="Cancel this event?")
    expect(dialog).to_contain_text("2 tickets will be cancelled, with refunds of €100.00.")
    visitor.check_accessibility()
    dialog.get_by_label("Reason").fill("Rain.")
    dialog.get_by_role("button", name="Cancel event and all bookings").click()
    expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Box office").click()
    expect(page.get_by_role("heading", name="This event has been cancelled")).to_be_visible()
    assert see(page, alice, f"/api/bookings/{booking['id']}")["refunded_amount"] == "100.00"


def test_completion_closes_the_event(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "All over")
    page = visit(organizer, f"/organise/{event['id']}").page
    page.get_by_role("button", name="Complete event").click()
    page.get_by_role("dialog").get_by_role("button", name="Complete event").click()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel event")).to_have_count(0)


def test_event_of_another_organizer_is_denied(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, stack.person("organizer"), "Not yours")
    page = visit(organizer, f"/organise/{event['id']}").page
    expect(page.get_by_role("heading", name="Another organizer's event")).to_be_visible()


def test_every_page_is_accessible(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Looked at", starts_at=LATER, description="One line.")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor = visit(organizer)
    paths = [
        "/organise",
        "/organise/new",
        *(f"/organise/{event['id']}/{page}" for page in ("", "bookings", "sell", "check-in", "edit")),
    ]
    for path in paths:
        visitor.page.goto(path)
        expect(visitor.page.get_by_role("heading", level=1)).not_to_have_text("Loading…")
        expect(visitor.page.locator("[role=status][aria-label='Loading…']")).to_have_count(0)
        visitor.check_looks()
