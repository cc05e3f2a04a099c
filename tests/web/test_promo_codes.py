"""Promo codes: an organizer makes and withdraws them, customers use them, and see what they cost with them."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import JSON, LATER, Person, Stack
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
    expect(page.get_by_text("Without promo code", exact=True)).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Continue with 3 tickets").click()
    summary = page.get_by_role("region", name="Order summary")
    expect(summary).to_contain_text("Discount")
    expect(summary).to_contain_text("\N{MINUS SIGN}€18.75")
    expect(page.get_by_test_id("total")).to_have_text("€131.25")
    visitor.check_looks()
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill(f"{uuid4().hex[:12]}@example.test")
    page.get_by_role("button", name="Book 3 tickets").click()
    _is_booked(page)
    payment = page.get_by_role("region", name="Payment")
    for amount in ("€150.00", "\N{MINUS SIGN}€18.75", "€131.25"):
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
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Refund\N{MINUS SIGN}€33.34")


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


def _choose_end(page: Page) -> None:
    """The 15th of next month, 20:15."""
    page.get_by_role("button", name="Valid until").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Next month").click()
    dialog.get_by_text("15", exact=True).click()
    dialog.get_by_role("spinbutton", name="Hours").fill("20")
    dialog.get_by_role("spinbutton", name="Minutes").fill("15")
    dialog.get_by_role("button", name="Confirm time").click()


def test_an_organizer_makes_a_word_and_withdraws_it(
    visit: Visit, organizer: Person, alice: Person, stack: Stack, event: JSON
) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}/codes")
    visitor.expect_complaints("409")
    page = visitor.page
    expect(page.get_by_text("No promo codes yet")).to_be_visible()
    visitor.check_looks()
    page.get_by_role("button", name="New promo codes").click()
    expect(page.get_by_role("heading", name="New promo codes")).to_be_focused()
    page.get_by_role("button", name="Make promo codes").click()
    expect(page.get_by_label("Percentage", exact=True)).to_be_focused()
    visitor.check_looks(reloads=False)
    page.get_by_label("Percentage", exact=True).fill("12,5")
    page.get_by_role("checkbox", name="General").check()
    page.get_by_role("textbox", name="Promo code").fill("early")
    page.get_by_role("textbox", name="Tickets per code").fill("40")
    _choose_end(page)
    page.get_by_role("button", name="Make promo codes").click()
    expect(page.get_by_text("Customers can now use the promo code EARLY.")).to_be_visible()
    expect(page.get_by_role("heading", name="Promo codes", exact=True)).to_be_focused()
    row = page.get_by_role("row").filter(has_text="EARLY")
    for words in ("12.5% off", "General", "20:15", "0 of 40 tickets"):
        expect(row).to_contain_text(words)
    page.get_by_role("button", name="New promo codes").click()
    page.get_by_label("Percentage", exact=True).fill("5")
    page.get_by_role("textbox", name="Promo code").fill("Ear-ly")
    page.get_by_role("textbox", name="Tickets per code").fill("1")
    page.get_by_role("button", name="Make promo codes").click()
    expect(page.get_by_role("textbox", name="Promo code")).to_have_accessible_description(re.compile("has this promo code already"))
    page.get_by_role("button", name="Cancel").click()

    order = {"tickets": [{"category": "General", "quantity": 2}], "code": "EARLY"}
    alice.ok("POST", f"/api/events/{event['id']}/bookings", order)
    organizer.last = alice.last
    organizer.see(f"/api/events/{event['id']}/codes")
    page.reload()
    for words in ("2 of 40 tickets", "€87.50", "€12.50 discount"):
        expect(row).to_contain_text(words)
    page.get_by_role("button", name="Withdraw EARLY").click()
    expect(page.get_by_role("dialog")).to_contain_text("EARLY will not be accepted any more.")
    visitor.check_accessibility()
    page.get_by_role("button", name="Withdraw promo codes").click()
    expect(row).to_contain_text("Withdrawn")
    expect(page.get_by_role("heading", name="Promo codes", exact=True)).to_be_focused()
    page.reload()  # without the notification, which covers the header of a phone
    visitor.check_looks()
    refused = alice.do("POST", f"/api/events/{event['id']}/bookings", order)
    assert refused.json()["type"].endswith("/code-not-valid-now")


def test_generated_codes_are_shown_once_and_downloaded(visit: Visit, organizer: Person, alice: Person, event: JSON) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}/codes", size=PHONE)
    page = visitor.page
    page.get_by_role("button", name="New promo codes").click()
    page.get_by_role("radio", name="Access").check()
    page.get_by_role("radio", name="Generated codes").check()
    page.get_by_role("checkbox", name="VIP").check()
    for label, value in (("Number of codes", "300"), ("Prefix", "friend"), ("Tickets per code", "1")):
        page.get_by_role("textbox", name=label).fill(value)
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Make promo codes").click()
    dialog = page.get_by_role("dialog", name="Your 300 promo codes")
    expect(dialog).to_contain_text("they can't be shown again")
    shown = dialog.get_by_role("region", name="Promo codes").inner_text().split()
    visitor.check_looks(reloads=False)
    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="Download CSV").click()
    assert downloading.value.path().read_bytes().decode().split("\r\n") == ["code", *shown, ""]
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_text("I have saved them").click()
    expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="FRIEND-…")
    expect(row).to_contain_text("300 codes")
    expect(page.get_by_text(shown[0])).to_have_count(0)
    order = {"tickets": [{"category": "VIP", "quantity": 1}], "code": shown[-1]}
    assert alice.ok("POST", f"/api/events/{event['id']}/bookings", order)["total_amount"] == "150.00"


def test_many_batches_are_listed(visit: Visit, organizer: Person, event: JSON) -> None:
    visitor = visit(organizer)
    for number in range(30):
        _make(organizer, event, code=f"WORD{number}")
    page = visitor.page
    [one] = [batch for batch in organizer.see(f"/api/events/{event['id']}/codes")["items"] if batch["code"] == "WORD7"]
    full = {"items": [{**one, "id": str(uuid4()), "code": f"CODE{number}"} for number in range(250)]}
    page.goto(f"/organise/{event['id']}/codes")
    expect(page.get_by_role("row")).to_have_count(31)
    page.route("**/api/**/codes", lambda route: route.fulfill(json=full))
    page.reload()
    expect(page.get_by_role("row")).to_have_count(251)
    expect(page.get_by_text("An event has at most 250 batches of promo codes.")).to_be_visible()
    expect(page.get_by_role("button", name="New promo codes")).to_have_count(0)
    visitor.check_accessibility()


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


def test_long_names_fit_a_phone(visit: Visit, organizer: Person, stack: Stack) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzen" * 3
    event = organised(
        stack, organizer, "Long", categories=[{"name": f"{long} {n}", "price": "10.00", "capacity": 9} for n in (1, 2)]
    )
    _make(organizer, event, effect="access", value=None, categories=[f"{long} 1"], code="W" * 32, valid_until=LATER)
    visitor = visit(organizer, size=PHONE)
    page = visitor.page
    for path in (f"/events/{event['id']}", f"/organise/{event['id']}/codes", f"/organise/{event['id']}/sell"):
        page.goto(path)
        visitor.settle()
        expect(page.get_by_text(f"{long} 1").first).to_be_attached()
        if path.endswith("/codes"):
            page.get_by_role("button", name="New promo codes").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
