"""axe finds nothing, on any page, in either colours, on a phone and on a desktop; and nothing is wider than the screen."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.running_system import LATER, Person, Stack, tickets
from tests.web.conftest import PHONE, Scheme, Visit


@pytest.fixture(scope="module")
def customer(stack: Stack) -> Person:
    return stack.person()


@pytest.fixture(scope="module")
def paths(stack: Stack, organizer: Person, customer: Person) -> dict[str, str]:
    """Every page of a customer's, with something on it."""
    more: dict[str, Any] = {"venue": "A hall", "description": "Two lines.\nOf text.", "max_tickets_per_customer": 4}
    event = stack.event(organizer, name="An evening", **more)
    booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    customer.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    soon = stack.event(organizer, name="Not yet", sales_open_at="2031-01-01T10:00:00Z")
    voucher = stack.event(organizer, name="A voucher", starts_at=None, sales_close_at="2031-01-01T10:00:00Z")
    lasting: dict[str, Any] = {"starts_at": "2020-05-01T10:00:00Z", "ends_at": LATER, "sales_close_at": "2031-01-01T10:00:00Z"}
    begun = stack.event(organizer, name="An exhibition", **lasting)
    customer.ok("POST", f"/api/events/{voucher['id']}/bookings", tickets(1))
    off = stack.event(organizer, name="Called off", starts_at=LATER)
    customer.ok("POST", f"/api/events/{off['id']}/bookings", tickets(1))
    organizer.ok("POST", f"/api/events/{off['id']}/cancel", {"reason": "rain"})
    return {
        "events": "/", "no event": "/?q=zzzzzz", "event": f"/events/{event['id']}", "not on sale": f"/events/{soon['id']}",
        "open date": f"/events/{voucher['id']}", "exhibition": f"/events/{begun['id']}",
        "cancelled": f"/events/{off['id']}", "no such event": "/events/none", "bookings": "/bookings",
        "history": "/bookings?show=history", "booking": f"/bookings/{booking['id']}", "account": "/account",
    }  # fmt: skip


PAGES = [
    "events", "no event", "event", "not on sale", "open date", "exhibition", "cancelled", "no such event", "bookings",
    "history", "booking", "account",
]  # fmt: skip


def test_customer_pages_are_accessible(visit: Visit, customer: Person, paths: dict[str, str]) -> None:
    assert set(PAGES) == set(paths)
    visitor = visit(customer)
    visitor.expect_complaints("404|422")
    for name in PAGES:
        visitor.page.goto(paths[name])
        visitor.settle()
        visitor.check_looks()


def test_public_pages_are_accessible(visit: Visit, paths: dict[str, str]) -> None:
    visitor = visit()
    for path in ("/", "/sign-in", "/sign-up", paths["event"]):
        visitor.page.goto(path)
        visitor.settle()
        visitor.check_looks()
    for path in ("/sign-in", "/sign-up"):  # with all that there is to complain about
        visitor.page.goto(path)
        visitor.page.get_by_role("main").locator("button[type=submit]").click()
        expect(visitor.page.get_by_text("Enter a valid e-mail address.")).to_be_visible()
        visitor.check_looks(reloads=False)


LONG = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzenausstellung" * 3


def test_long_word_fits_a_phone(visit: Visit, stack: Stack, organizer: Person) -> None:
    customer = stack.person()
    event = stack.event(organizer, name=LONG, venue=LONG, description=LONG)
    booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    theirs = [f"/?q={LONG}", f"/events/{event['id']}", "/bookings", f"/bookings/{booking['id']}"]
    for who, paths in ((customer, theirs), (organizer, [f"/organise/{event['id']}{page}" for page in ("", "/bookings", "/edit")])):
        visitor = visit(who, size=PHONE)
        for path in paths:
            visitor.page.goto(path)
            visitor.settle()
            expect(visitor.page.get_by_text(LONG).first).to_be_attached()
            assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize(("path", "name"), [("/statistics", "Dates"), ("/organise/new", "Starts"), ("/", "Any date")])
def test_calendars_are_accessible_in_another_language(path: str, name: str, visit: Visit, organizer: Person) -> None:
    visitor = visit(organizer, locale="de-DE")
    visitor.page.goto(path)
    visitor.settle()
    visitor.page.get_by_role("button", name=name).first.click()
    expect(visitor.page.get_by_text(re.compile("^(Mo|Montag)$")).first).to_be_visible()
    visitor.check_accessibility()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialogs_and_menus_are_accessible(scheme: Scheme, visit: Visit, customer: Person, paths: dict[str, str]) -> None:
    visitor = visit(customer, paths["booking"], scheme=scheme)
    visitor.page.get_by_role("button", name="Cancel tickets").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.check_accessibility()
    visitor.page.goto("/account")
    visitor.page.get_by_role("button", name="Delete account").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.check_accessibility()
    visitor.page.goto("/")
    visitor.page.get_by_role("button", name="Any date").click()
    expect(visitor.page.get_by_role("button", name="Next 7 days")).to_be_visible()
    visitor.check_accessibility()
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_role("button", name="Account menu").click()
    expect(visitor.page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    visitor.check_accessibility()
