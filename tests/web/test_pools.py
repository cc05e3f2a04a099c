"""Pools: an organizer makes and edits them, and nobody chooses more seats than a pool has left together."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running_system import JSON, LATER, Person, Stack, tickets
from tests.web.conftest import PHONE, Visit
from tests.web.organising import organised, see

CATEGORIES = [{"name": name, "price": "10.00", "capacity": 20} for name in ("Adult", "Child", "Balcony")]
HALL = {"name": "Hall", "capacity": 3, "categories": ["Adult", "Child"]}


@pytest.fixture
def event(stack: Stack, organizer: Person) -> JSON:
    made: JSON = organised(stack, organizer, "Shared hall", categories=CATEGORIES, pools=[HALL])
    return made


def _pool(page: Page, number: int) -> Locator:
    return page.get_by_role("group", name=f"Pool {number}")


def _save(page: Page) -> None:
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()


def test_a_voucher_is_made_with_a_pool_by_keyboard(visit: Visit, organizer: Person) -> None:
    page = visit(organizer, "/organise/new", size=PHONE).page
    page.get_by_label("Name").first.fill("Kept together")
    page.get_by_role("radio", name="Open date").check()
    page.get_by_role("button", name="Add a category").click()
    for number, name in ((1, "Adult"), (2, "Child")):
        group = page.get_by_role("group", name=f"Category {number}")
        for label, value in (("Name", name), ("Price", "10"), ("Seats", "20")):
            group.get_by_label(label).fill(value)
    page.get_by_role("button", name="Add a pool").press("Enter")
    for typed in ("Hall", "30"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Kept together")).to_be_visible()
    expect(page.get_by_role("table", name="Pools").get_by_role("row").filter(has_text="Hall")).to_contain_text("0 of 30")
    made = see(page, organizer, f"/api/events/{page.url.rsplit('/', 1)[1]}")
    assert (made["capacity"], made["available"]) == (30, 30)
    assert [(pool["name"], len(pool["categories"])) for pool in made["pools"]] == [("Hall", 2)]


def test_pools_are_edited_with_their_categories(visit: Visit, stack: Stack, organizer: Person, event: JSON) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    page = visitor.page
    page.get_by_role("group", name="Category 1").get_by_label("Name").fill("Grown-up")
    page.get_by_role("button", name="Remove Child").click()
    page.get_by_role("button", name="Add a category").click()
    for label, value in (("Name", "Member"), ("Price", "5"), ("Seats", "7")):
        page.get_by_role("group", name="Category 3").get_by_label(label).fill(value)
    page.get_by_role("button", name="Add a pool").click()
    _pool(page, 2).get_by_label("Name").fill("Upstairs")
    _pool(page, 2).get_by_label("Seats in all").fill("9")
    expect(_pool(page, 2).get_by_role("checkbox", name="Grown-up (in Hall)")).to_be_disabled()
    for name in ("Balcony", "Member"):
        _pool(page, 2).get_by_role("checkbox", name=name).check()
    visitor.check_looks(reloads=False)
    _save(page)
    saved = see(page, organizer, f"/api/events/{event['id']}")
    ids = {category["name"]: category["id"] for category in saved["categories"]}
    assert [(pool["name"], pool["capacity"], set(pool["categories"])) for pool in saved["pools"]] == [
        ("Hall", 3, {ids["Grown-up"]}),
        ("Upstairs", 9, {ids["Balcony"], ids["Member"]}),
    ]
    page.reload()
    for name in ("Upstairs", "Hall"):
        page.get_by_role("button", name=f"Remove {name}").click()
    _save(page)
    assert see(page, organizer, f"/api/events/{event['id']}")["pools"] == []


def test_a_refused_capacity_is_shown_at_its_pool(visit: Visit, stack: Stack, organizer: Person, alice: Person, event: JSON) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    page, capacity = visitor.page, _pool(visitor.page, 1).get_by_label("Seats in all")
    expect(capacity).to_have_value("3")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2, "Adult"))  # sold while one edits
    alice.ok("POST", f"/api/events/{event['id']}/holds", tickets(1, "Child"))
    visitor.expect_complaints("409")
    capacity.fill("2")
    page.get_by_role("button", name="Save changes").click()
    said = "2 seats of the categories of Hall are taken and 1 held: they can't share fewer."
    expect(capacity).to_have_accessible_description(said)
    capacity.fill("5")
    _save(page)
    assert see(page, organizer, f"/api/events/{event['id']}")["available"] == 22


def test_no_more_is_chosen_than_a_pool_has_left_together(
    visit: Visit, stack: Stack, organizer: Person, alice: Person, bob: Person, event: JSON
) -> None:
    visitor = visit(alice, f"/events/{event['id']}")
    page = visitor.page
    expect(page.get_by_text("Adult and Child share 3 seats.")).to_be_visible()
    adult, child = (page.get_by_role("textbox", name=f"Tickets in {name}") for name in ("Adult", "Child"))
    adult.fill("2")
    child.press("ArrowUp")
    child.press("ArrowUp")
    expect(child).to_have_value("1")
    for name in ("Adult", "Child"):
        expect(page.get_by_role("button", name=f"One more in {name}")).to_be_disabled()
    expect(page.get_by_role("button", name="One more in Balcony")).to_be_enabled()
    bob.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1, "Child"))  # while the page is open
    expect(page.get_by_text("Adult and Child share 2 seats.")).to_be_visible()
    expect(child).to_have_accessible_description("Only 2 seats are left for Adult and Child together.")
    visitor.check_looks(reloads=False)
    visitor.expect_complaints("409")
    page.get_by_role("button", name="Book 3 tickets").click()
    expect(page.get_by_role("alert")).to_contain_text("No seats are left in Child beside the rest of your selection.")
    child.press("ArrowDown")
    page.get_by_role("button", name="Book 2 tickets").click()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()


def test_the_organizer_sees_pools_change(visit: Visit, stack: Stack, organizer: Person, alice: Person, event: JSON) -> None:
    visitor = visit(organizer, f"/organise/{event['id']}")
    page = visitor.page
    pool, adult = (
        page.get_by_role("table", name=table).get_by_role("row").filter(has_text=name)
        for table, name in (("Pools", "Hall"), ("Categories", "Adult"))
    )
    expect(pool).to_contain_text("0 of 3")
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1, "Adult"))
    alice.ok("POST", f"/api/events/{event['id']}/holds", tickets(1, "Child"))
    expect(pool).to_contain_text("1 of 3")
    expect(pool).to_contain_text("1 held by people who are about to book")
    expect(adult).to_contain_text("1 of 20")
    expect(page.get_by_text("1 of 23")).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("link", name="Box office").click()
    field = page.get_by_role("textbox", name="Tickets in Adult")
    field.fill("2")
    expect(field).to_have_accessible_description("Only 1 seat is left.")
    expect(page.get_by_text("Adult and Child share 1 seat.")).to_be_visible()
    visitor.check_looks(reloads=False)


def test_long_names_of_pools_fit_a_phone(visit: Visit, stack: Stack, organizer: Person) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitaensmuetzen" * 3
    categories = [{"name": f"{long} {number}", "price": "10.00", "capacity": 20} for number in range(3)]
    pool = {"name": long, "capacity": 3, "categories": [categories[0]["name"], categories[1]["name"]]}
    event = organised(stack, organizer, "Long", starts_at=LATER, categories=categories, pools=[pool])
    visitor = visit(organizer, size=PHONE)
    pages = [f"/organise/{event['id']}{page}" for page in ("", "/edit", "/sell")]
    for path in (*pages, f"/events/{event['id']}"):
        visitor.page.goto(path)
        visitor.settle()
        if path.endswith("/edit"):
            visitor.page.get_by_role("button", name="Add a pool").click()
        expect(visitor.page.get_by_text(long).first).to_be_attached()
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
