"""Box office and check-in: each sale once, each ticket once."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit
from tests.web.organising import organised, see


def test_box_office_quantity_stays_as_typed(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Typed")
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


def test_box_office_sells_to_walk_in_and_named_customer(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Sold at the box office")
    page = visit(organizer, f"/organise/{event['id']}/sell").page
    page.get_by_role("button", name="Sell", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Choose the number of tickets first.")
    page.get_by_label("Tickets in General").fill("2")
    page.get_by_role("button", name="Sell 2 tickets").dblclick()
    expect(page.get_by_role("heading", name="2 tickets sold")).to_be_focused()
    expect(page.get_by_role("img", name="QR code of ticket")).to_have_count(2)
    page.get_by_role("button", name="New sale").click()

    page.get_by_label("Tickets in VIP").fill("1")
    page.get_by_text("Named customer").click()
    page.get_by_role("textbox", name="Name").fill("Nina Named")
    page.get_by_label("E-mail").fill("nina.example.test")
    page.get_by_role("button", name="Sell 1 ticket").click()
    expect(page.get_by_label("E-mail")).to_have_accessible_description("Enter a valid e-mail address.")
    page.get_by_label("E-mail").fill("nina@example.test")
    page.get_by_role("button", name="Sell 1 ticket").click()
    expect(page.get_by_text("To Nina Named, for €150.00.")).to_be_visible()
    sold = see(page, organizer, f"/api/events/{event['id']}/bookings")["items"]
    assert [(one["total_amount"], one["customer"] and one["customer"]["email"]) for one in sold] == [
        ("150.00", "nina@example.test"),
        ("100.00", None),
    ]


def test_repeated_click_at_the_box_office_sells_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = organised(stack, organizer, "Pressed")
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    visitor.page.get_by_label("Tickets in General").fill("1")
    visitor.press_again_and_again()
    expect(visitor.page.get_by_role("heading", name="1 ticket sold")).to_be_visible()
    assert len(see(visitor.page, organizer, f"/api/events/{event['id']}/bookings")["items"]) == 1


@pytest.mark.parametrize("answered", ["before returning", "after returning"])
def test_sale_left_pending_is_not_the_next_sale(answered: str, visit: Visit, stack: Stack, organizer: Person) -> None:
    """The same again is for the next walk-in, who must not get the tickets of the one before."""
    event = organised(stack, organizer, "Left while selling")
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    page, held = visitor.page, visitor.hold("**/bookings")

    def choose() -> Locator:
        page.get_by_label("Tickets in General").fill("1")
        return page.get_by_role("button", name="Sell 1 ticket")

    with page.expect_request("**/bookings"):
        choose().click()
    page.get_by_role("link", name="Check-in").click()
    expect(page.get_by_role("heading", name="Check in tickets")).to_be_visible()
    if answered == "before returning":
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
    second, first = (one["tickets"][0]["code"] for one in see(page, organizer, f"/api/events/{event['id']}/bookings")["items"])
    expect(page.get_by_role("img", name="QR code of ticket")).to_have_accessible_name(f"QR code of ticket {second}")
    assert first != second


def test_ticket_with_a_lost_response_is_admitted_after_a_reload(visit: Visit, organizer: Person, stack: Stack) -> None:
    """The response to a check-in is lost: the same code, checked again, gets the first result."""
    event = organised(stack, organizer, "Response lost")
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


def test_sold_out_category_is_reported_at_the_box_office(visit: Visit, organizer: Person, stack: Stack) -> None:
    event = organised(stack, organizer, "Nearly sold out", capacity=3)
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    visitor.expect_complaints("409")
    visitor.page.route("**/api/live**", lambda route: route.abort())
    visitor.expect_complaints("ERR_FAILED")
    visitor.page.get_by_label("Tickets in General").fill("3")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    visitor.page.get_by_role("button", name="Sell 3 tickets").click()
    expect(visitor.page.get_by_role("alert")).to_have_text("Only 1 seat left in this category.")


def _check_in(page: Page, code: str) -> None:
    page.get_by_label("Ticket code").fill(code)
    page.keyboard.press("Enter")


def test_ticket_is_admitted_once(visit: Visit, organizer: Person, stack: Stack) -> None:
    event, other = (organised(stack, organizer, name) for name in ("Tonight", "Another night"))
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
        (good, "no", re.compile(r"This ticket has already been used: .+ \(.*(now|ago)\)\.")),
        (cancelled, "no", "This ticket was cancelled."),
        (strange, "no", "This ticket is for another event."),
        ("0000-0000", "no", "Not a valid ticket code"),
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
