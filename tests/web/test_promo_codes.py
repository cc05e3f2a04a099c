"""Promo codes: an organizer makes and withdraws them, customers use them, and see what they cost with them."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import JSON, Person, Stack
from tests.web.conftest import PHONE, Visit
from tests.web.organising import organised, see


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = organised(stack, organizer, "An evening with codes")
    return made


def _make(organizer: Person, event: JSON, **more: Any) -> JSON:
    body = {"effect": "percent", "value": "12.5", "max_tickets": 4, **more}
    made: JSON = organizer.ok("POST", f"/api/events/{event['id']}/codes", body)
    return made


def _field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Promo code")


def _enter(page: Page, code: str) -> None:
    page.get_by_role("button", name="I have a promo code").press("Enter")
    expect(_field(page)).to_be_focused()
    page.keyboard.type(code)


def _is_booked(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()


def test_a_guest_on_a_phone_books_at_the_discounted_total(visit: Visit, organizer: Person, event: JSON) -> None:
    [code] = _make(organizer, event, prefix="SPRING")["codes"]
    visitor = visit(path=f"/events/{event['id']}", size=PHONE)
    visitor.expect_complaints("422")  # the first request brings the cookie
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("3")
    _enter(page, code.lower().replace("-", " "))
    page.reload()
    expect(_field(page)).to_have_value(code.lower().replace("-", " "))
    expect(page.get_by_text("Total without promo code")).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Continue with 3 tickets").click()
    summary = page.get_by_role("region", name="Order summary")
    expect(summary).to_contain_text("Discount")
    expect(summary).to_contain_text("−€18.75")
    expect(page.get_by_test_id("total")).to_have_text("€131.25")
    visitor.check_looks()
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill(f"{uuid4().hex[:12]}@example.test")
    page.get_by_role("button", name="Book 3 tickets").click()
    _is_booked(page)
    payment = page.get_by_role("region", name="Payment")
    for amount in ("€150.00", "−€18.75", "€131.25"):
        expect(payment).to_contain_text(amount)
    visitor.check_looks(reloads=False)
    [sold] = see(page, organizer, f"/api/events/{event['id']}/bookings")["items"]
    assert sold["total_amount"] == "131.25"


def test_an_account_continues_its_order_and_is_refunded_what_it_paid(
    visit: Visit, organizer: Person, stack: Stack, event: JSON
) -> None:
    _make(organizer, event, code="EARLY", value="33.33")
    customer = stack.person()
    visitor = visit(customer, f"/events/{event['id']}")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    page.get_by_role("button", name="One more in VIP").click()
    _enter(page, "early")
    page.get_by_role("button", name="Continue with 3 tickets").click()
    expect(page.get_by_text("You are signed in as A customer.")).to_be_visible()
    page.goto(f"/events/{event['id']}")
    expect(page.get_by_text("You have an order that is not complete")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_test_id("total")).to_have_text("€166.68")
    page.get_by_role("button", name="Book 3 tickets").click()
    _is_booked(page)
    page.get_by_role("button", name="Cancel tickets").click()
    refunds = {}
    for name in ("Ticket 1, General", "Ticket 2, General", "Ticket 3, VIP"):
        page.get_by_label(name).check()
        said = page.get_by_role("dialog").get_by_role("status").inner_text()
        refunds[name] = re.findall(r"€([\d.]+)\.", said)
        page.get_by_label(name).uncheck()
    assert refunds == {"Ticket 1, General": ["33.34"], "Ticket 2, General": ["33.33"], "Ticket 3, VIP": ["100.01"]}
    page.get_by_label("Ticket 1, General").check()
    page.get_by_role("button", name="Cancel 1 ticket, refund €33.34").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Refund−€33.34")


def test_a_wrong_code_is_said_at_its_field(visit: Visit, organizer: Person, event: JSON) -> None:
    _make(organizer, event, code="VIPONLY", categories=["VIP"])
    visitor = visit(path=f"/events/{event['id']}", size=PHONE)
    visitor.expect_complaints("422|409")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("1")
    _enter(page, "EARLIER")
    page.keyboard.press("Enter")
    expect(_field(page)).to_have_accessible_description("This event has no such promo code. Check how it is written.")
    expect(_field(page)).to_be_focused()
    visitor.check_looks(reloads=False)
    _field(page).fill("VIP only")
    page.keyboard.press("Enter")
    expect(_field(page)).to_have_accessible_description("This promo code is only for tickets in VIP.")
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("1")
    page.get_by_role("button", name="Remove promo code").click()
    page.get_by_role("button", name="Continue with 1 ticket").click()
    expect(page.get_by_test_id("total")).to_have_text("€50.00")


def test_a_category_is_chosen_with_a_code(visit: Visit, organizer: Person, stack: Stack, event: JSON) -> None:
    _make(organizer, event, effect="access", value=None, categories=["VIP"], code="FRIENDS")
    visitor = visit(stack.person(), f"/events/{event['id']}")
    page = visitor.page
    expect(page.get_by_text("With a promo code")).to_be_visible()
    expect(page.get_by_role("textbox", name="Tickets in VIP")).to_have_count(0)
    visitor.check_looks()
    page.get_by_role("button", name="Enter promo code for VIP").press("Enter")
    expect(_field(page)).to_be_focused()
    page.keyboard.type("friends")
    page.get_by_role("textbox", name="Tickets in VIP").fill("1")
    page.get_by_role("button", name="Continue with 1 ticket").click()
    expect(page.get_by_test_id("total")).to_have_text("€150.00")
    page.get_by_role("button", name="Change your selection").click()
    expect(page.get_by_role("textbox", name="Tickets in VIP")).to_have_value("1")
    expect(_field(page)).to_have_value("friends")


def test_a_code_is_asked_for_that_is_needed_since(visit: Visit, organizer: Person, stack: Stack, event: JSON) -> None:
    visitor = visit(stack.person(), f"/events/{event['id']}")
    visitor.expect_complaints("409")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in VIP").fill("1")
    _make(organizer, event, effect="access", value=None, categories=["VIP"], code="FRIENDS")
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(_field(page)).to_have_accessible_description("VIP is sold only with a promo code. Enter yours here.")
    expect(_field(page)).to_be_focused()
    page.keyboard.type("FRIENDS")
    page.get_by_role("button", name="Continue with 1 ticket").click()
    page.get_by_role("button", name="Book 1 ticket").click()
    _is_booked(page)


def test_the_box_office_sells_with_a_code(visit: Visit, organizer: Person, event: JSON) -> None:
    _make(organizer, event, effect="fixed", value="20.00", code="EARLY")
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    visitor.expect_complaints("422")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    _enter(page, "LATE")
    page.get_by_role("button", name="Sell 2 tickets").click()
    expect(_field(page)).to_have_accessible_description("This event has no such promo code. Check how it is written.")
    visitor.check_looks(reloads=False)
    _field(page).fill("early")
    page.get_by_role("button", name="Sell 2 tickets").click()
    expect(page.get_by_text("To a walk-in, for €60.00.")).to_be_visible()
    expect(page.get_by_text("The promo code took €40.00 off.")).to_be_visible()
    page.get_by_role("button", name="New sale").click()
    expect(page.get_by_role("button", name="I have a promo code")).to_be_visible()
    page.get_by_role("link", name="Bookings", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="€60.00")).to_contain_text("€40.00 discount")


