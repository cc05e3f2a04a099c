"""An organizer's path: an event made, edited beside somebody else, sold, checked in, and closed."""

import csv
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import LATER, Person, Stack, tickets
from tests.web.conftest import DESKTOP, PHONE, Visit


def _organised(stack: Stack, organizer: Person, name: str, **more: Any) -> Any:
    return stack.event(organizer, name=name, **more)


def _see(page: Page, who: Person, path: str) -> Any:
    """What the API answers `who` once it shows what was last done on this page."""
    who.last = page.evaluate("sessionStorage.getItem('seatledger.position')")
    return who.see(path)


def _choose_start(page: Page) -> None:
    """The 15th of next month, 20:15."""
    page.get_by_role("button", name="Starts").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Next month").click()
    dialog.get_by_text("15", exact=True).click()
    dialog.get_by_role("spinbutton", name="Hours").fill("20")
    dialog.get_by_role("spinbutton", name="Minutes").fill("15")
    dialog.get_by_role("button", name="Take this time").click()


def test_an_event_is_created_and_is_on_sale(visit: Visit, organizer: Person, stack: Stack) -> None:
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
    event = _see(page, organizer, f"/api/events/{page.url.rsplit('/', 1)[1]}")
    assert (event["name"], event["timezone"], event["categories"][0]["price"]) == ("<b>Chess</b> night", "Europe/Berlin", "12.50")
    assert datetime.fromisoformat(event["starts_at"]).astimezone(ZoneInfo("Europe/Berlin")).strftime("%d %H:%M") == "15 20:15"


def test_a_time_zone_is_found_by_the_name_of_its_city(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new").page
    field = page.get_by_role("combobox", name="Time zone")
    for typed in ("new york", "America/New_York"):
        field.fill(typed)
        expect(page.get_by_role("option")).to_have_text(["America/New York"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("America/New York")


def test_what_cannot_be_right_is_said_at_the_field_and_the_first_has_the_focus(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new").page
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_label("Name").first).to_be_focused()
    expect(page.get_by_label("Name").first).to_have_accessible_description("Needed.")
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


def test_a_pasted_price_stays_what_was_meant_or_is_refused(visit: Visit, organizer: Person) -> None:
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


def test_a_price_with_a_comma_is_sold_at_that_price(visit: Visit, organizer: Person) -> None:
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
    event = _see(page, organizer, f"/api/events/{page.url.rsplit('/', 1)[1]}")
    assert [(one["price"], one["capacity"]) for one in event["categories"]] == [("12.50", 1_000)]


def test_a_quantity_at_the_box_office_stays_as_it_was_typed(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Typed")
    page = visit(organizer, f"/organise/{event['id']}/sell").page
    field = page.get_by_label("Tickets in General")
    field.fill("-3")
    page.get_by_role("button", name="Sell", exact=True).click()
    expect(field).to_be_focused()
    expect(field).to_have_value("-3")
    expect(field).to_have_accessible_description("Enter a whole number from 0 to 1,000,000.")
    field.fill("99")
    expect(field).to_have_value("99")
    expect(field).to_have_accessible_description("Only 10 seats are left.")


def test_the_servers_own_message_stands_at_its_field(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Refused edit")
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    group = visitor.page.get_by_role("group", name="Category 1")
    expect(group.get_by_label("Seats")).to_have_value("10")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(4))  # sold while one edits
    visitor.expect_complaints("409")
    group.get_by_label("Seats").fill("2")
    visitor.page.get_by_role("button", name="Save changes").click()
    said = "4 seats of General are taken: its capacity can't go below that."
    expect(group.get_by_label("Seats")).to_have_accessible_description(said)
    group.get_by_label("Seats").fill("4")
    visitor.page.get_by_role("button", name="Save changes").click()
    expect(visitor.page.get_by_text("Your changes are saved.")).to_be_visible()
    assert _see(visitor.page, organizer, f"/api/events/{event['id']}")["capacity"] == 9


def test_two_browsers_edit_one_event_and_nothing_is_lost(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Contested", venue="Hall 1")
    first, second = (visit(organizer, f"/organise/{event['id']}/edit") for _ in range(2))
    for visitor in (first, second):
        expect(visitor.page.get_by_label("Venue")).to_have_value("Hall 1")
    first.page.get_by_label("Venue").fill("Hall 2")
    first.page.get_by_label("Description").fill("With an interval.")
    first.page.get_by_role("button", name="Save changes").click()
    expect(first.page.get_by_text("Your changes are saved.")).to_be_visible()

    second.expect_complaints("412")
    second.page.get_by_label("Venue").fill("Hall 3")
    second.page.get_by_label("Tickets per customer").fill("5")
    second.page.get_by_role("button", name="Save changes").click()
    expect(second.page.get_by_role("heading", name="Somebody else saved this event meanwhile")).to_be_focused()
    second.check_accessibility()
    venue, description = (second.page.get_by_role("radiogroup", name=name) for name in ("Venue", "Description"))
    expect(venue.get_by_role("radio", name="Hall 3")).to_be_checked()
    expect(description.get_by_role("radio", name="With an interval.")).to_be_checked()
    venue.get_by_role("radio", name="Hall 2").click()
    second.page.get_by_role("button", name="Save what is chosen").click()
    expect(second.page.get_by_text("Your changes are saved.")).to_be_visible()
    saved = _see(second.page, organizer, f"/api/events/{event['id']}")
    assert (saved["venue"], saved["description"], saved["max_tickets_per_customer"]) == ("Hall 2", "With an interval.", 5)


def test_the_box_office_sells_to_a_walk_in_and_to_a_named_customer(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Sold at the door")
    page = visit(organizer, f"/organise/{event['id']}/sell").page
    page.get_by_role("button", name="Sell", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Choose how many tickets first.")
    page.get_by_label("Tickets in General").fill("2")
    page.get_by_role("button", name="Sell 2 tickets").dblclick()
    expect(page.get_by_role("heading", name="2 tickets sold")).to_be_focused()
    expect(page.get_by_role("img", name="QR code of ticket")).to_have_count(2)
    page.get_by_role("button", name="Sell to the next").click()

    page.get_by_label("Tickets in VIP").fill("1")
    page.get_by_text("A named customer").click()
    page.get_by_role("textbox", name="Name").fill("Nina Named")
    page.get_by_label("E-mail").fill("nina.example.test")
    page.get_by_role("button", name="Sell 1 ticket").click()
    expect(page.get_by_label("E-mail")).to_have_accessible_description("That is no e-mail address.")
    page.get_by_label("E-mail").fill("nina@example.test")
    page.get_by_role("button", name="Sell 1 ticket").click()
    expect(page.get_by_text("To Nina Named, for €150.00.")).to_be_visible()
    sold = _see(page, organizer, f"/api/events/{event['id']}/bookings")["items"]
    assert [(one["total_amount"], one["customer"] and one["customer"]["email"]) for one in sold] == [
        ("150.00", "nina@example.test"),
        ("100.00", None),
    ]


def test_the_box_office_sells_once_however_often_it_is_pressed(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = _organised(stack, organizer, "Pressed")
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    visitor.page.get_by_label("Tickets in General").fill("1")
    visitor.press_again_and_again()
    expect(visitor.page.get_by_role("heading", name="1 ticket sold")).to_be_visible()
    assert len(_see(visitor.page, organizer, f"/api/events/{event['id']}/bookings")["items"]) == 1


@pytest.mark.parametrize("answered", ["while away", "after coming back"])
def test_a_sale_that_was_left_is_not_the_next_sale(answered: str, visit: Visit, stack: Stack, organizer: Person) -> None:
    """The same again is for the next walk-in, who must not get the tickets of the one before."""
    event = _organised(stack, organizer, "Left while selling")
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    page, held = visitor.page, visitor.hold("**/bookings")

    def choose() -> Locator:
        page.get_by_label("Tickets in General").fill("1")
        return page.get_by_role("button", name="Sell 1 ticket")

    with page.expect_request("**/bookings"):
        choose().click()
    page.get_by_role("link", name="Check-in").click()
    expect(page.get_by_role("heading", name="Check tickets in")).to_be_visible()
    if answered == "while away":
        with page.expect_response("**/bookings"):
            held[0].continue_()
        page.get_by_role("link", name="Box office").click()
    else:
        page.get_by_role("link", name="Box office").click()
        expect(page.get_by_role("button", name="Sell", exact=True)).to_be_disabled()
        held[0].continue_()
    expect(page.get_by_role("alert").filter(has_text="1 ticket sold")).to_contain_text("To a walk-in, for €50.00")
    page.unroute_all()
    choose().click()
    expect(page.get_by_role("heading", name="1 ticket sold")).to_be_visible()
    second, first = (one["tickets"][0]["code"] for one in _see(page, organizer, f"/api/events/{event['id']}/bookings")["items"])
    expect(page.get_by_role("img", name="QR code of ticket")).to_have_accessible_name(f"QR code of ticket {second}")
    assert first != second


def test_an_event_is_created_once_while_its_page_loads(visit: Visit, stack: Stack) -> None:
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
    assert [one["name"] for one in _see(page, organizer, f"/api/events?organizer_id={organizer.id}")["items"]] == ["Created once"]


def test_what_was_entered_outlives_the_session(visit: Visit, stack: Stack) -> None:
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
    alert = page.get_by_role("alert").filter(has_text="You are not signed in any more")
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


def test_a_ticket_whose_answer_was_lost_gets_in_after_a_reload(visit: Visit, organizer: Person, stack: Stack) -> None:
    """The door has let nobody in yet: the same code, checked again, gets the first answer."""
    event = _organised(stack, organizer, "Lost at the door")
    [ticket] = organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))["tickets"]
    page = visit(organizer, f"/organise/{event['id']}/check-in").page
    arrived: list[int] = []
    page.route("**/check-ins", lambda route: arrived.append(route.fetch().status))  # and never answered
    _check_in(page, ticket["code"])
    page.wait_for_timeout(500)
    assert arrived == [200]
    page.reload()
    page.unroute_all(behavior="ignoreErrors")
    _check_in(page, ticket["code"])
    expect(page.locator("[data-answer]")).to_have_attribute("data-answer", "yes")


def test_the_last_seats_gone_are_said_where_one_sells(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Nearly gone", capacity=3)
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    visitor.expect_complaints("409")
    visitor.page.route("**/api/live**", lambda route: route.abort())
    visitor.expect_complaints("ERR_FAILED")
    visitor.page.get_by_label("Tickets in General").fill("3")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor.page.get_by_role("button", name="Sell 3 tickets").click()
    expect(visitor.page.get_by_role("alert")).to_have_text("Only 1 seat of this category are left.")


def _check_in(page: Page, code: str) -> None:
    page.get_by_label("Ticket code").fill(code)
    page.keyboard.press("Enter")


def test_a_ticket_gets_in_once(visit: Visit, organizer: Person, stack: Stack) -> None:
    event, other = (_organised(stack, organizer, name) for name in ("The door", "Another door"))
    booking = organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    strange = organizer.ok("POST", f"/api/events/{other['id']}/bookings", tickets(1))["tickets"][0]["code"]
    good, cancelled = (ticket["code"] for ticket in booking["tickets"])
    organizer.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][1]["id"]]})
    visitor = visit(organizer, f"/organise/{event['id']}/check-in")
    visitor.expect_complaints("409|422")
    page = visitor.page
    field = page.get_by_label("Ticket code")
    verdict = page.get_by_role("status").filter(has=page.get_by_text("Yes|No", exact=False)).or_(page.locator("[data-answer]"))

    at_the_door: list[tuple[str, str, str | re.Pattern[str]]] = [
        (good.lower().replace("-", " "), "yes", "General"),
        (good, "no", re.compile(r"This ticket got in already: .+ \(.*(now|ago)\)\.")),
        (cancelled, "no", "This ticket was cancelled and refunded."),
        (strange, "no", "A good ticket, for another event."),
        ("0000-0000", "no", "Not a ticket code"),
    ]
    for code, answer, why in at_the_door:
        field.fill(code)
        page.keyboard.press("Enter")
        expect(page.locator("[data-answer]")).to_have_attribute("data-answer", answer)
        expect(verdict.first).to_contain_text(why)
        expect(field).to_be_focused()
        expect(field).to_have_value("")
    visitor.check_accessibility()
    page.reload()
    expect(page.get_by_text("Admitted", exact=True).first.locator("xpath=..")).to_contain_text("1")
    expect(page.get_by_text("Refused", exact=True).first.locator("xpath=..")).to_contain_text("4")


def test_the_bookings_are_searched_and_saved(visit: Visit, organizer: Person, stack: Stack, alice: Person) -> None:
    event = _organised(stack, organizer, "Searched", capacity=60)
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


def test_cancelling_says_what_it_costs(visit: Visit, organizer: Person, stack: Stack, alice: Person) -> None:
    event = _organised(stack, organizer, "Rained off")
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor = visit(organizer, f"/organise/{event['id']}")
    page = visitor.page
    page.get_by_role("button", name="Cancel event").click()
    dialog = page.get_by_role("dialog", name="Cancel this event?")
    expect(dialog).to_contain_text("2 tickets will be cancelled and €100.00 refunded.")
    visitor.check_accessibility()
    dialog.get_by_label("Reason").fill("Rain.")
    dialog.get_by_role("button", name="Cancel event and refund everybody").click()
    expect(page.get_by_text("Cancelled", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Box office").click()
    expect(page.get_by_role("heading", name="This event is cancelled")).to_be_visible()
    assert _see(page, alice, f"/api/bookings/{booking['id']}")["refunded_amount"] == "100.00"


def test_completing_closes_the_event(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "All over")
    page = visit(organizer, f"/organise/{event['id']}").page
    page.get_by_role("button", name="Complete event").click()
    page.get_by_role("dialog").get_by_role("button", name="Complete event").click()
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel event")).to_have_count(0)


def test_somebody_elses_event_is_not_for_an_organizer(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, stack.person("organizer"), "Not yours")
    page = visit(organizer, f"/organise/{event['id']}").page
    expect(page.get_by_role("heading", name="Somebody else's event")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_every_page_is_accessible(scheme: str, size: tuple[int, int], visit: Visit, organizer: Person, stack: Stack) -> None:
    event = _organised(stack, organizer, "Looked at", starts_at=LATER, description="One line.")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor = visit(organizer, scheme=scheme, size=size)
    paths = [
        "/organise",
        "/organise/new",
        *(f"/organise/{event['id']}/{page}" for page in ("", "bookings", "sell", "check-in", "edit")),
    ]
    for path in paths:
        visitor.page.goto(path)
        expect(visitor.page.get_by_role("heading", level=1)).not_to_have_text("Loading…")
        expect(visitor.page.locator("[role=status][aria-label='Loading…']")).to_have_count(0)
        visitor.check_accessibility()
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the screen"
