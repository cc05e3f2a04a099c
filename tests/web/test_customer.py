"""A customer's path: sign up, find, book, show, give back."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.running_system import LATER, ROOT, Person, Stack, tickets
from tests.web.conftest import DESKTOP, PHONE, Visit


def _choose(page: Page, category: str, quantity: int) -> None:
    page.get_by_role("textbox", name=f"Tickets in {category}").fill(str(quantity))


def _refused_sign_in(page: Page) -> None:
    page.get_by_role("textbox", name="Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_sign_up_returns_to_the_filled_booking_form(size: tuple[int, int], visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, name=f"House concert {uuid4().hex[:6]}", venue="Kitchen")
    page = visit(path="/", size=size).page
    page.get_by_role("textbox", name="Search").fill(event["name"])
    page.get_by_role("link", name=event["name"]).click()
    _choose(page, "General", 2)
    expect(page.get_by_test_id("total")).to_have_text("€100.00")
    page.get_by_role("link", name="Sign in to book").click()
    page.get_by_role("link", name="Create account").click()
    page.get_by_label("Name").fill("Eve")
    page.get_by_label("E-mail address").fill(f"{uuid4().hex[:12]}@example.test")
    page.get_by_role("textbox", name="Password").fill("correct horse")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("button", name="Book 2 tickets").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has=page.get_by_role("img", name="QR code"))).to_have_count(2)
    page.get_by_role("link", name="My bookings").first.click()
    expect(page.get_by_role("tab", name="Upcoming (1)")).to_be_visible()


def test_wrong_credentials_are_reported_and_correct_ones_return(visit: Visit, stack: Stack) -> None:
    visitor, somebody = visit(path="/account"), stack.person()
    visitor.expect_complaints("401")
    page = visitor.page
    page.get_by_label("E-mail address").fill(somebody.email)
    _refused_sign_in(page)
    page.get_by_role("textbox", name="Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{visitor.url}/account")
    expect(page.get_by_label("Name")).to_have_value("A customer")


def test_invalid_phone_number_is_shown_at_its_field(visit: Visit, stack: Stack) -> None:
    said = re.compile("This is not a phone number, such as")
    visitor = visit(path="/sign-up")
    visitor.expect_complaints("422")
    page = visitor.page
    phone = page.get_by_label("Phone")
    for label, value in (("Name", "Eve"), ("E-mail address", f"{uuid4().hex[:12]}@example.test"), ("Phone", "call me")):
        page.get_by_label(label).fill(value)
    page.get_by_role("textbox", name="Password").fill("correct horse")
    page.get_by_role("button", name="Create account").click()
    expect(phone).to_have_accessible_description(said)
    phone.fill("+49 (30) 123-4567")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()
    page.goto("/account")
    expect(phone).to_have_value("+49 (30) 123-4567")
    phone.fill("123")
    page.get_by_role("button", name="Save").first.click()
    expect(phone).to_have_accessible_description(said)
    expect(phone).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test/", "/\\evil.test/"])
def test_sign_in_never_redirects_to_another_site(target: str, visit: Visit, alice: Person) -> None:
    visitor = visit(path=f"/sign-in?return={target}")
    visitor.page.get_by_label("E-mail address").fill(alice.email)
    visitor.page.get_by_role("textbox", name="Password").fill("correct horse battery")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("button", name="Account menu")).to_be_visible()
    assert visitor.page.url.startswith(f"{visitor.url}/")


def test_expired_session_leads_to_sign_in_and_back_to_the_selection(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer), stack.person()
    visitor = visit(somebody, f"/events/{event['id']}")
    visitor.expect_complaints("401")
    page = visitor.page
    _choose(page, "General", 2)
    _choose(page, "VIP", 1)
    visitor.revoke_session()
    page.get_by_role("button", name="Book 3 tickets").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    page.get_by_role("link", name="Sign in to book").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    expect(page.get_by_text("You are signed in as")).to_have_count(0)
    page.get_by_label("E-mail address").fill(somebody.email)
    page.get_by_role("textbox", name="Password").fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("2")
    expect(page.get_by_role("textbox", name="Tickets in VIP")).to_have_value("1")
    page.get_by_role("button", name="Book 3 tickets").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()


def test_quantity_stays_as_typed_with_its_error(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    event = stack.event(organizer, max_tickets_per_customer=12)
    visitor = visit(bob, f"/events/{event['id']}")
    page = visitor.page
    general, vip = (page.get_by_role("textbox", name=f"Tickets in {name}") for name in ("General", "VIP"))
    for typed, said in (
        ("99", "Only 10 seats are left."),
        ("-3", "Enter a whole number from 0 to 1,000,000."),
        ("1.5", "Enter a whole number from 0 to 1,000,000."),
    ):
        general.fill(typed)
        expect(general).to_have_accessible_description(said)
        expect(general).to_have_attribute("aria-invalid", "true")
        vip.focus()
        expect(general).to_have_value(typed)
    visitor.check_accessibility()
    page.get_by_role("button", name="Book", exact=True).click()
    expect(general).to_be_focused()
    general.fill("10")
    vip.fill("3")
    expect(vip).to_have_accessible_description("At most 12 tickets per person")
    vip.fill("2")
    expect(vip).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Book 12 tickets")).to_be_enabled()


def test_selection_survives_a_reload_without_scrolling(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    event = stack.event(organizer, description="A line.\n" * 80)
    page = visit(bob, f"/events/{event['id']}", size=PHONE).page
    page.get_by_role("button", name="One more in VIP").scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 60)")
    before = page.evaluate("scrollY")
    page.get_by_role("button", name="One more in VIP").click()
    expect(page).to_have_url(re.compile(r"\?tickets="))
    assert page.evaluate("scrollY") == before > 0
    page.reload()
    expect(page.get_by_role("textbox", name="Tickets in VIP")).to_have_value("1")


def _booking(stack: Stack, organizer: Person, customer: Person, quantity: int = 3) -> Any:
    event = stack.event(organizer)
    return customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(quantity))


def test_tickets_are_cancelled_in_part_then_all(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    booking = _booking(stack, organizer, bob)
    page = visit(bob, f"/bookings/{booking['id']}").page
    page.get_by_role("button", name="Cancel tickets").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Ticket 2, General").check()
    dialog.get_by_role("button", name="Cancel 1 ticket, refund €50.00").click()
    expect(page.get_by_text("\u2212€50.00")).to_be_visible()
    page.get_by_role("button", name="Cancel tickets").click()
    dialog.get_by_label("Select all").check()
    dialog.get_by_role("button", name="Cancel 2 tickets, refund €100.00").click()
    expect(page.get_by_text("\u2212€150.00")).to_be_visible()
    page.get_by_role("link", name="My bookings").first.click()
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("article").filter(has_text=f"Booking no. {booking['number']}")).to_contain_text("Cancelled")


@pytest.mark.parametrize("quantity", [1, 2])
def test_cancellation_starts_with_nothing_selected(
    quantity: int, visit: Visit, stack: Stack, organizer: Person, bob: Person
) -> None:
    booking = _booking(stack, organizer, bob, quantity)
    page = visit(bob, f"/bookings/{booking['id']}").page
    page.get_by_role("button", name="Cancel tickets").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox")).to_have_count(1 if quantity == 1 else 3)  # with "Select all"
    expect(dialog.get_by_role("checkbox", checked=True)).to_have_count(0)
    confirm = dialog.get_by_role("button", name="Cancel tickets")
    expect(confirm).to_be_disabled()
    expect(dialog.get_by_role("status")).to_have_text("Choose at least one ticket.")
    page.keyboard.press("Enter")  # whatever has the focus
    assert bob.ok("GET", f"/api/bookings/{booking['id']}")["status"] == "confirmed"


def test_booking_has_a_calendar_file_and_a_print_view(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    booking = _booking(stack, organizer, bob, 2)
    page = visit(bob, f"/bookings/{booking['id']}").page
    with page.expect_download() as download:
        page.get_by_role("button", name="Add to calendar").click()
    file = Path(download.value.path()).read_text()
    assert download.value.suggested_filename == f"seatledger-{booking['number']}.ics"
    assert f"DTSTART:{re.sub('[-:]', '', LATER)}" in file
    assert "SUMMARY:Concert" in file
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_role("img", name="QR code")).to_have_count(2)


def test_downloaded_receipt_proves_the_booking(visit: Visit, stack: Stack, organizer: Person, bob: Person, tmp_path: Path) -> None:
    """With the program of one file, and the key that is published."""
    booking = _booking(stack, organizer, bob, 2)
    page = visit(bob, f"/bookings/{booking['id']}").page
    with page.expect_download() as download:
        page.get_by_role("button", name="Receipt").click()
    assert download.value.suggested_filename == f"receipt-{booking['number']}.txt"
    key = stack.nobody().ok("GET", "/api/audit/checkpoint")["verifier_key"]
    command = [sys.executable, "-I", ROOT / "sdk" / "seatledger_verify.py", "--key", key]
    for spoiled, status in ((False, 0), (True, 1)):
        file = tmp_path / "receipt.txt"
        text = Path(download.value.path()).read_text()
        file.write_text(text.replace("Concert", "Conceit") if spoiled else text)
        assert subprocess.run([*command, file], capture_output=True, check=False).returncode == status


def test_account_is_updated_and_deleted(visit: Visit, stack: Stack) -> None:
    somebody = stack.person()
    page = visit(somebody, "/account").page
    page.get_by_label("Name").fill("Grace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Account menu of Grace")).to_be_visible()
    page.get_by_role("textbox", name="Current password").fill("correct horse battery")
    page.get_by_role("textbox", name="New password").fill("a better horse")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password has been changed.")).to_be_visible()
    page.get_by_role("button", name="Delete account").click()
    page.get_by_label("I understand that this can't be undone.").check()
    page.get_by_role("dialog").get_by_role("button", name="Delete account").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert stack.nobody().do("POST", "/api/login", {"email": somebody.email, "password": "a better horse"}).status_code == 401


def test_booking_works_by_keyboard_alone(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    event = stack.event(organizer, name=f"Keys {uuid4().hex[:6]}")
    page = visit(bob, f"/?q={event['name']}").page
    expect(page.get_by_role("article")).to_have_count(1)
    _tab_to(page, "link", event["name"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=event["name"])).to_be_focused()
    _tab_to(page, "textbox", "Tickets in General")
    page.keyboard.press("ArrowUp")
    _tab_to(page, "button", "Book 1 ticket")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()


def _tab_to(page: Page, role: Any, name: str) -> None:
    target = page.get_by_role(role, name=name)
    for _ in range(30):
        if target.evaluate("element => element === document.activeElement"):
            outline = "element => {const s = getComputedStyle(element); return s.outlineStyle + s.boxShadow + s.borderColor}"
            assert target.evaluate(outline)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {name} by the keyboard")
