"""The frame of every page: titles, the keyboard, colours, the phone's navigation, and addresses that lead nowhere."""

from playwright.sync_api import expect

from tests.running_system import Person
from tests.web.conftest import PHONE, Visit


def test_first_tab_stop_skips_to_the_content(visit: Visit) -> None:
    page = visit(path="/").page
    expect(page).to_have_title("What's on · Seatledger")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_heading_has_the_focus_after_navigation(visit: Visit) -> None:
    page = visit(path="/nowhere").page
    page.get_by_role("link", name="Browse events").click()
    expect(page.get_by_role("heading", level=1, name="What's on")).to_be_focused()


def test_unknown_address_shows_page_not_found(visit: Visit) -> None:
    visitor = visit(path="/no/such/page")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Page not found")
    visitor.check_looks()


def test_colour_scheme_is_kept(visit: Visit) -> None:
    page = visit(path="/", scheme="dark").page
    html = page.locator("html")
    expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("button", name="Colours: system setting").click()
    expect(html).to_have_attribute("data-mantine-color-scheme", "light")
    page.reload()
    expect(html).to_have_attribute("data-mantine-color-scheme", "light")


def test_phone_navigates_by_the_menu(visit: Visit, alice: Person) -> None:
    page = visit(alice, "/no/such/page", size=PHONE).page
    page.get_by_role("button", name="Open navigation").click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Events").click()
    expect(page).to_have_title("What's on · Seatledger")
