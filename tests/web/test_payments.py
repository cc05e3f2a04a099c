"""Payment at the box office: an organizer sells, takes payments, checks in and pays back; customers see what is due and owed."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import JSON, ON_SITE, Person, Stack, tickets
from tests.web.conftest import PHONE, Visit
from tests.web.organising import organised, see


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = organised(stack, organizer, "Paid on site", payment=ON_SITE)
    return made


def _book(who: Person, event: JSON, quantity: int = 1) -> JSON:
    booking: JSON = who.ok("POST", f"/api/events/{event['id']}/bookings", tickets(quantity))
    return booking


def _pay(organizer: Person, booking: JSON, kind: str = "cash") -> JSON:
    body = {"kind": kind, "amount": booking["due_amount"]}
    paid: JSON = organizer.ok("POST", f"/api/bookings/{booking['id']}/payments", body)
    return paid


def _row(page: Page, booking: JSON) -> Locator:
    return page.get_by_role("row").filter(has_text=f"No. {booking['number']}")


def test_an_organizer_chooses_how_an_event_is_paid(visit: Visit, organizer: Person) -> None:
    visitor = visit(organizer, "/organise/new", size=PHONE)
    page = visitor.page
    page.get_by_role("textbox", name="Name").first.fill("An evening on site")
    page.get_by_role("radio", name="Open date").check()
    payment = page.get_by_role("radiogroup", name="Payment")
    expect(payment.get_by_role("radio", name="Taken elsewhere")).to_be_checked()
    payment.get_by_role("radio", name="Through Seatledger").check()
    methods = page.get_by_role("group", name="How customers can pay")
    expect(methods.get_by_role("checkbox")).to_have_count(1)
    expect(methods.get_by_role("checkbox", name="At the box office")).to_be_checked()
    category = page.get_by_role("group", name="Category 1")
    category.get_by_label("Name").fill("General")
    category.get_by_label("Price").fill("50")
    category.get_by_label("Seats").fill("10")
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Create event").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("An evening on site")
    event_id = page.url.rsplit("/", 1)[1]
    assert see(page, organizer, f"/api/events/{event_id}")["payment"] == ON_SITE
    page.goto(f"/organise/{event_id}/edit")
    expect(payment).to_have_accessible_description("A change applies to later bookings. Earlier ones stay as they are.")
    payment.get_by_role("radio", name="Taken elsewhere").check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()
    assert see(page, organizer, f"/api/events/{event_id}")["payment"]["policy"] == "elsewhere"


def test_a_customer_knows_before_and_after_booking_what_is_due(visit: Visit, stack: Stack, event: JSON) -> None:
    visitor = visit(stack.person(), f"/events/{event['id']}", size=PHONE)
    page = visitor.page
    expect(page.get_by_text("At the box office", exact=True)).to_be_visible()
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    expect(page.get_by_text("You pay at the box office: €100.00 will be due.")).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Book 2 tickets").click()
    expect(page.get_by_role("status").filter(has_text="Pay €100.00 at the box office first")).to_be_visible()
    expect(page.get_by_text("Not paid yet")).to_have_count(2)
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Due at the box office€100.00")
    visitor.check_looks()
    page.get_by_role("button", name="Cancel tickets").click()
    page.get_by_label("Ticket 1, General").check()
    expect(page.get_by_role("dialog")).to_contain_text("nothing is paid back. €50.00 will be due.")
    visitor.check_accessibility()
    page.get_by_role("button", name="Cancel 1 ticket").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Due at the box office€50.00")
    page.goto("/bookings")
    expect(page.get_by_role("article").filter(has_text="Paid on site")).to_contain_text("Payment due")
    visitor.check_looks()


def test_the_box_office_takes_the_payment_right_after_the_sale(visit: Visit, organizer: Person, event: JSON) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}/sell")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    page.get_by_role("button", name="Sell 2 tickets").click()
    take = page.get_by_role("region", name="Take payment")
    take.get_by_role("radio", name="Card").check()
    take.get_by_label("Reference").fill("4242 4242 4242 4242")
    visitor.check_looks(reloads=False)
    visitor.expect_complaints("422")
    take.get_by_role("button", name="Record payment of €100.00").click()
    expect(take.get_by_label("Reference")).to_have_accessible_description(re.compile("number of a card"))
    expect(take.get_by_label("Reference")).to_be_focused()
    take.get_by_label("Reference").fill("0042")
    take.get_by_role("button", name="Record payment of €100.00").dblclick()
    expect(take).to_have_count(0)
    expect(page.get_by_role("heading", name="2 tickets sold")).to_be_focused()
    [sold] = see(page, organizer, f"/api/events/{event['id']}/bookings")["items"]
    assert (sold["payment_status"], sold["paid_amount"]) == ("paid", "100.00")
    [movement] = organizer.see(f"/api/bookings/{sold['id']}/payments")["items"]
    assert (movement["method"], movement["reference"]) == ("card", "0042")


def test_a_ticket_is_paid_at_the_entrance(visit: Visit, organizer: Person, alice: Person, event: JSON) -> None:
    booking = _book(alice, event, 2)
    organizer.last = alice.last
    organizer.see(f"/api/events/{event['id']}/bookings")
    visitor = visit(organizer, f"/organise/{event['id']}/check-in", size=PHONE)
    visitor.expect_complaints("409")
    page = visitor.page
    page.get_by_label("Ticket code").fill(booking["tickets"][0]["code"])
    page.keyboard.press("Enter")
    verdict = page.locator("[data-answer]")
    expect(verdict).to_have_attribute("data-answer", "no")
    expect(verdict).to_contain_text("Not paid: €100.00 is due for this booking.")
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Record payment of €100.00").click()
    expect(verdict).to_have_attribute("data-answer", "yes")
    expect(page.get_by_label("Ticket code")).to_be_focused()
    page.get_by_label("Ticket code").fill(booking["tickets"][1]["code"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Admitted").first.locator("..")).to_contain_text("2")
    assert see(page, organizer, f"/api/bookings/{booking['id']}")["paid_amount"] == "100.00"


def test_payments_and_refunds_are_recorded_in_the_list(visit: Visit, organizer: Person, alice: Person, event: JSON) -> None:
    booking, other = _book(alice, event, 2), _book(alice, event)
    organizer.last = alice.last
    organizer.see(f"/api/events/{event['id']}/bookings")
    visitor = visit(organizer, f"/organise/{event['id']}/bookings")
    page = visitor.page
    row = _row(page, booking)
    expect(row).to_contain_text("Payment due")
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name=f"Take payment for booking no. {booking['number']}").press("Enter")
    visitor.check_accessibility()
    page.get_by_role("button", name="Record payment of €100.00").press("Enter")
    expect(row).to_contain_text(re.compile("Paid(?! )"))
    assert see(page, organizer, f"/api/bookings/{other['id']}")["payment_status"] == "due"

    alice.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    organizer.last = alice.last
    organizer.see(f"/api/events/{event['id']}/bookings?payment=refund-due")
    page.get_by_role("combobox", name="Payment").click()
    page.get_by_role("option", name="Refund owed").click()
    expect(row).to_contain_text("€50.00 owed")
    expect(_row(page, other)).to_have_count(0)
    page.get_by_role("button", name=f"Pay refund for booking no. {booking['number']}").click()
    dialog = page.get_by_role("dialog", name="Pay refund")
    amount = dialog.get_by_label("Amount")
    expect(amount).to_have_value("50.00")
    amount.fill("100,01")
    dialog.get_by_role("button", name="Record refund").click()
    expect(amount).to_have_accessible_description(re.compile("At most €100.00 can be paid back"))
    amount.fill("60")
    dialog.get_by_role("button", name="Record refund of €60.00").click()
    agree = dialog.get_by_role("checkbox")
    expect(agree).to_be_focused()
    visitor.check_looks(reloads=False)
    agree.check()
    dialog.get_by_role("button", name="Record refund of €60.00").dblclick()
    expect(page.get_by_text("No bookings found")).to_be_visible()
    assert see(page, organizer, f"/api/bookings/{booking['id']}")["refunded_amount"] == "60.00"


def test_what_a_cancelled_event_owes_is_worked_off(
    visit: Visit, stack: Stack, organizer: Person, alice: Person, event: JSON
) -> None:
    paid = _pay(organizer, _book(alice, event, 2), "card")
    unpaid = _book(alice, event)
    organizer.last = alice.last
    organizer.see(f"/api/events/{event['id']}/bookings")
    visitor = visit(organizer, f"/organise/{event['id']}")
    page = visitor.page
    page.get_by_role("button", name="Cancel event").click()
    expect(page.get_by_role("dialog")).to_contain_text("€100.00 that was paid will be owed back.")
    page.get_by_role("button", name="Cancel event and all bookings").click()
    expect(page.get_by_text("The event has been cancelled.")).to_be_visible()
    page.get_by_role("link", name="Payments", exact=True).last.click()
    totals = page.get_by_role("region", name="Totals")
    expect(totals).to_contain_text("Refunds owed€100.00")
    expect(totals).to_contain_text("Still due€0.00")
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="Refund owed").click()
    expect(_row(page, paid)).to_contain_text("€100.00 owed")
    page.reload()
    visitor.check_looks()
    page.get_by_role("button", name=f"Pay refund for booking no. {paid['number']}").click()
    page.get_by_role("button", name="Record refund of €100.00").click()
    expect(page.get_by_text("No payments found")).to_be_visible()
    expect(totals).to_contain_text("Refunds owed€0.00")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Postings as CSV").click()
    assert "refunds-payable" in downloading.value.path().read_text()

    alice.last = page.evaluate("sessionStorage.getItem('seatledger.position')")
    alice.see(f"/api/bookings/{paid['id']}/payments")
    theirs = visit(alice, f"/bookings/{paid['id']}")
    expect(theirs.page.get_by_text("€100.00 was paid back to you.")).to_be_visible()
    expect(theirs.page.get_by_text("Refund paid: cash")).to_be_visible()
    theirs.page.goto(f"/bookings/{unpaid['id']}")
    expect(theirs.page.get_by_text("Nothing was paid for it, so nothing is owed to you.")).to_be_visible()
    theirs.check_looks()


def test_auditors_see_all_payments(visit: Visit, stack: Stack, organizer: Person, alice: Person, event: JSON) -> None:
    booking = _pay(organizer, _book(alice, event))
    auditor = stack.person("auditor")
    auditor.last = organizer.last
    auditor.see("/api/payments")
    visitor = visit(auditor, "/payments")
    page = visitor.page
    expect(_row(page, booking)).to_contain_text("Paid on site")
    expect(page.get_by_role("columnheader", name="Action")).to_have_count(0)
    visitor.check_looks()
    visitor = visit(organizer, "/payments", size=PHONE)
    expect(_row(visitor.page, booking)).to_be_visible()
    visitor.check_looks()


def test_a_guest_sees_on_the_manage_page_what_is_due(visit: Visit, organizer: Person, event: JSON) -> None:
    visitor = visit(path=f"/events/{event['id']}")
    visitor.expect_complaints("422")  # the first request brings the cookie
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("1")
    page.get_by_role("button", name="Continue with 1 ticket").click()
    expect(page.get_by_role("region", name="Order summary")).to_contain_text("You pay at the box office: €50.00 will be due.")
    visitor.check_looks()
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill("gus.on.site@example.test")
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_role("status").filter(has_text="Pay €50.00 at the box office first")).to_be_visible()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Payment due")
    visitor.check_looks(reloads=False)
    page.get_by_role("link", name="See or cancel it later").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Due at the box office€50.00")
    visitor.check_looks()
