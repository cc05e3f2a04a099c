"""Paying online, with the demo's provider: refused, paid, slowly, and after the seats were given back."""

import pytest
from playwright.sync_api import Page, expect

from tests.running_system import JSON, ONLINE, Person, Stack
from tests.web.conftest import PHONE, Visit, Visitor
from tests.web.organising import organised
from tests.workers.deployment import wait_until

#: The money of a slow payment is found by a worker.
SLOW_MILLISECONDS = 90_000


@pytest.fixture
def stack(demo_stack: Stack) -> Stack:
    """The browsers visit a demo's system, which has the demo's provider."""
    return demo_stack


@pytest.fixture
def seller(stack: Stack) -> Person:
    return stack.person("organizer")


@pytest.fixture
def event(stack: Stack, seller: Person) -> JSON:
    made: JSON = organised(stack, seller, "Paid online", payment=ONLINE, guest_checkout="open")
    return made


def _begin(visitor: Visitor, event: JSON) -> Page:
    """Two tickets, up to the page of the provider."""
    visitor.expect_complaints("422")  # the first request brings the cookie
    page = visitor.page
    page.goto(f"/events/{event['id']}")
    page.get_by_role("textbox", name="Tickets in General").fill("2")
    page.get_by_role("button", name="Continue with 2 tickets").click()
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill("gus.online@example.test")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Gus Guest")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_role("heading", level=1, name="Demo payment provider")).to_be_visible()
    expect(page.get_by_test_id("amount")).to_have_text("€100.00")
    return page


def _is_booked(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_have_count(2)
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Paid€100.00")


def test_a_guest_pays_online_after_the_card_was_refused(visit: Visit, seller: Person, event: JSON) -> None:
    visitor = visit(size=PHONE)
    page = _begin(visitor, event)
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Refuse the card").click()
    expect(page.get_by_role("alert")).to_contain_text("Your payment was refused")
    visitor.check_looks(reloads=False)
    page.reload()
    expect(page.get_by_role("status").filter(has_text="Not paid yet")).to_be_visible()
    tab = visitor.open_tab()
    tab.goto(f"/events/{event['id']}")
    tab.get_by_role("link", name="Continue").click()
    expect(tab.get_by_role("button", name="Pay €100.00")).to_be_visible()
    page.get_by_role("button", name="Pay €100.00").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    _is_booked(page)
    visitor.check_looks(reloads=False)
    _is_booked(tab)  # without anybody's doing
    assert [one["payment_status"] for one in seller.see(f"/api/events/{event['id']}/bookings")["items"]] == ["paid"]


def test_money_comes_slowly_or_after_the_seats_were_given_back(visit: Visit, seller: Person, event: JSON) -> None:
    visitor = visit(size=PHONE)
    page = _begin(visitor, event)
    page.get_by_role("button", name="Pay slowly").click()
    expect(page.get_by_role("status").filter(has_text="We are waiting for your payment.")).to_be_visible()
    visitor.check_looks(reloads=False)

    other = visit(size=PHONE)
    given_back = _begin(other, event)
    provider = given_back.url
    given_back.get_by_role("link", name="Back to the order").click()
    given_back.get_by_role("button", name="Cancel the order").click()
    other.check_accessibility()
    given_back.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(given_back.get_by_role("heading", level=1, name="Nothing was booked")).to_be_visible()
    other.check_looks(reloads=False)
    given_back.goto(provider)
    given_back.get_by_role("button", name="Pay", exact=True).click()
    expect(given_back.get_by_role("alert")).to_contain_text("If you have paid, you get that money back")
    wait_until(lambda: bool(seller.ok("GET", "/api/payments?state=refunded")["items"]), "the refund")
    payments = visit(seller, f"/organise/{event['id']}/payments").page
    expect(payments.get_by_role("row").filter(has_text="Nothing booked")).to_contain_text("Refunded€100.00 refunded")

    expect(page).to_have_url(f"{visitor.url}/manage", timeout=SLOW_MILLISECONDS)
    _is_booked(page)
