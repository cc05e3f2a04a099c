"""Counts change by themselves: over one stream a browser, closed while nobody looks, and by asking where there is none."""

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from ledger.store import Ledger
from projections.rebuild.rebuilder import Rebuilder
from projections.registry import PROJECTORS
from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


@pytest.fixture
def event(stack: Stack, organizer: Person) -> Any:
    return stack.event(organizer)


def _book(customer: Person, event: Any, quantity: int = 1) -> None:
    customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(quantity))


def _shows(page: Page, left: int) -> None:
    expect(page.get_by_test_id("left-General")).to_have_text(f"{left} seats left")


def _streams(context: BrowserContext) -> list[Request]:
    """Those that are asked for from now on."""
    asked: list[Request] = []
    context.on("request", lambda request: asked.append(request) if "/api/live" in request.url else None)
    return asked


def test_booking_updates_seats_in_another_browser(visit: Visit, event: Any, alice: Person, bob: Person) -> None:
    watching, booking = visit(path=f"/events/{event['id']}").page, visit(bob, f"/events/{event['id']}").page
    _shows(watching, 10)
    booking.get_by_role("button", name="One more in General").click()
    booking.get_by_role("button", name="Book 1 ticket").click()
    _shows(watching, 9)
    _book(alice, event, 2)
    _shows(watching, 7)


def test_rebuilt_table_is_shown_at_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    """A table was altered; a rebuild mends it. Nobody reloads the page, and nothing is booked."""
    event = stack.event(organizer, capacity=10)
    stack.settle()
    visitor = visit()
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE availability_categories SET taken = 7 WHERE event_id = %s AND name = 'General'", (event["id"],))
    visitor.page.goto(f"/events/{event['id']}")
    left = visitor.page.get_by_test_id("left-General")
    expect(left).to_have_text("3 seats left")
    url = stack.runtime_url  # as `python -m projections rebuild`: processes own what it makes
    with closing(Ledger(url)) as ledger, closing(Rebuilder(url, ledger)) as rebuilder:
        rebuilder.rebuild([PROJECTORS["availability"]])
    expect(left).to_have_text("10 seats left")


def test_list_shows_live_seats(visit: Visit, stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer, name="Counted in the list", capacity=7)
    page = visit(path=f"/?q={event['name']}").page
    card = page.get_by_role("article")
    expect(card).to_contain_text("12 seats left")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    _book(alice, event, 4)
    expect(card).to_contain_text("Last 8 seats")


def test_tabs_share_one_stream(visit: Visit, event: Any, alice: Person) -> None:
    visitor = visit()
    asked = _streams(visitor.context)
    tabs = [visitor.page, *(visitor.open_tab() for _ in range(3))]
    for tab in tabs:
        tab.goto(f"/events/{event['id']}")
        _shows(tab, 10)
    _book(alice, event)
    for tab in tabs:
        _shows(tab, 9)
    assert len(asked) == 1
    tabs[0].close()  # the one that had the stream: another takes over, from the last id
    _book(alice, event)
    for tab in tabs[1:]:
        _shows(tab, 8)
    assert len(asked) == 2
    assert asked[1].headers["last-event-id"].isdigit()


def test_hidden_page_closes_the_stream(visit: Visit, stack: Stack, event: Any, alice: Person) -> None:
    visitor = visit()
    asked, page = _streams(visitor.context), visitor.page
    page.goto(f"/events/{event['id']}")
    _until(page, lambda: bool(asked) and _open_streams(stack) > 0)
    _book(alice, event)  # what the stream then tells has an id
    _shows(page, 9)
    before = _open_streams(stack)
    _hide(page, hidden=True)
    _until(page, lambda: _open_streams(stack) < before)
    _book(alice, event)
    page.wait_for_timeout(500)
    _shows(page, 9)
    _hide(page, hidden=False)
    _shows(page, 8)
    assert "last-event-id" in asked[-1].headers


def _hide(page: Page, *, hidden: bool) -> None:
    state = "hidden" if hidden else "visible"
    page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def _until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(50):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("not within 5 s")


def _open_streams(stack: Stack) -> int:
    (count,) = re.findall(r"^seatledger_live_streams (\d+)", stack.http.get("/metrics").text, re.MULTILINE)
    return int(count)


def test_seats_are_polled_without_a_stream(visit: Visit, event: Any, alice: Person) -> None:
    visitor = visit()
    visitor.expect_complaints("api/live")
    page = visitor.page
    page.route("**/api/live*", lambda route: route.abort())
    page.goto(f"/events/{event['id']}")
    _shows(page, 10)
    _book(alice, event)
    expect(page.get_by_test_id("left-General")).to_have_text("9 seats left", timeout=30_000)
