"""Races for the last seats, lost answers, a restarting server: each books once or not at all, and the page says which."""

import re
import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.forked_processes import AnyProcess
from tests.running_system import Person, Stack, free_port, wait_until_ready
from tests.web.conftest import Visit


def _choose_one(page: Page) -> None:
    page.get_by_role("button", name="One more in General").click()


def _confirmed(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()


def _bookings(page: Page, person: Person, event_id: str) -> int:
    """How many there are once the read side has what the page was answered."""
    position = page.evaluate("sessionStorage.getItem('seatledger.position')")
    return len(person.ok("GET", f"/api/bookings?event_id={event_id}", Ledger_Position=position)["items"])


def test_race_for_the_last_seat_has_one_winner(visit: Visit, stack: Stack, organizer: Person) -> None:
    seat = [{"name": "General", "price": "10.00", "capacity": 1}]
    event = organizer.ok("POST", "/api/events", {"name": "Last seat", "starts_at": "2031-05-01T19:00:00Z", "categories": seat})
    visitors = [visit(stack.person(), f"/events/{event['id']}") for _ in range(2)]
    for visitor in visitors:
        visitor.expect_complaints("409")
        _choose_one(visitor.page)
    start = time.time() * 1000 + 500
    for visitor in visitors:  # at one moment by the clock
        button = visitor.page.get_by_role("button", name="Book 1 ticket")
        button.evaluate("(button, start) => void setTimeout(() => button.click(), start - Date.now())", start)
    outcomes = []
    for visitor in visitors:
        said = visitor.page.get_by_role("status").filter(has_text="Booking confirmed").or_(visitor.page.get_by_role("alert"))
        expect(said).to_be_visible()
        outcomes.append(said.inner_text().splitlines()[0])
    assert sorted(outcomes) == ["Booking confirmed", "Just sold out"]


def test_booking_more_than_available_offers_the_rest(visit: Visit, stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer, capacity=3)
    visitor = visit(stack.person(), f"/events/{event['id']}")
    visitor.expect_complaints("409")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill("3")
    with page.expect_response("**/bookings") as answer:
        alice.ok("POST", f"/api/events/{event['id']}/bookings", {"tickets": [{"category": "General", "quantity": 2}]})
        page.get_by_role("button", name="Book 3 tickets").click()
    assert answer.value.status == 409
    expect(page.get_by_role("alert")).to_contain_text("Only 1 ticket left in General.")
    page.get_by_role("button", name="Choose 1").click()
    page.get_by_role("button", name="Book 1 ticket").click()
    _confirmed(page)


def test_customer_limit_is_shown_in_the_booking_form(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer, max_tickets_per_customer=2), stack.person()
    somebody.ok("POST", f"/api/events/{event['id']}/bookings", {"tickets": [{"category": "VIP", "quantity": 2}]})
    visitor = visit(somebody, f"/events/{event['id']}")
    visitor.expect_complaints("409")
    _choose_one(visitor.page)
    visitor.page.get_by_role("button", name="Book 1 ticket").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("At most 2 tickets per person. You already hold 2.")
    visitor.check_accessibility()


def test_double_click_books_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer), stack.person()
    visitor = visit(somebody, f"/events/{event['id']}")
    visitor.expect_complaints("Form submission canceled")  # the second click, when the first has led on already
    page = visitor.page
    _choose_one(page)
    page.get_by_role("button", name="Book 1 ticket").dblclick()
    _confirmed(page)
    assert _bookings(page, somebody, event["id"]) == 1


def test_lost_response_books_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    """The server has booked, and its answer never comes: the page asks again by itself."""
    event, somebody, keys = stack.event(organizer), stack.person(), []

    def lose_the_first_two(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 2:
            route.continue_()
        else:
            assert route.fetch().status == 201
            route.abort()

    visitor = visit(somebody, f"/events/{event['id']}")
    visitor.expect_complaints("ERR_FAILED")
    visitor.page.route("**/bookings", lose_the_first_two)
    _choose_one(visitor.page)
    visitor.page.get_by_role("button", name="Book 1 ticket").click()
    _confirmed(visitor.page)
    assert (len(keys), len(set(keys))) == (3, 1)
    assert _bookings(visitor.page, somebody, event["id"]) == 1


def test_reload_before_the_response_books_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer), stack.person()
    visitor = visit(somebody, f"/events/{event['id']}")
    page = visitor.page
    arrived = []
    page.route("**/bookings", lambda route: arrived.append(route.fetch().status))  # and never answered
    _choose_one(page)
    page.get_by_role("button", name="Book 1 ticket").click()
    page.wait_for_timeout(500)
    assert arrived == [201]
    page.reload()
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name="Book 1 ticket").click()
    _confirmed(page)
    assert _bookings(page, somebody, event["id"]) == 1


def test_slow_network_books_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    """The booking is made long before the script of its page has come."""
    event, somebody = stack.event(organizer), stack.person()
    visitor = visit(somebody, f"/events/{event['id']}")
    visitor.expect_complaints("Form submission canceled")
    page = visitor.page
    _choose_one(page)
    devtools = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 900, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    visitor.press_again_and_again()
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible(timeout=60_000)
    assert sent.count("POST") == 1
    assert _bookings(page, somebody, event["id"]) == 1


def test_going_back_before_the_confirmation_books_once(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer, capacity=1), stack.person()
    visitor = visit(somebody, f"/events/{event['id']}")
    page, held = visitor.page, visitor.hold("**/assets/booking-page-*.js")
    _choose_one(page)
    with page.expect_request("**/assets/booking-page-*.js"):
        page.get_by_role("button", name="Book 1 ticket").click()
    page.wait_for_url("**/bookings/*")
    page.go_back()
    expect(page.get_by_role("status").filter(has_text="Your tickets have been booked.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Book"))).to_have_count(0)
    held[0].continue_()
    page.get_by_role("link", name="Open your tickets").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Book", exact=True)).to_be_disabled()  # nothing is chosen any more
    assert _bookings(page, somebody, event["id"]) == 1


@pytest.fixture
def second_api(stack: Stack) -> Iterator[tuple[str, list[AnyProcess], int]]:
    """An API process of the same system that may be killed and started again."""
    port = free_port()
    processes = [stack.start("app", PORT=str(port))]
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, *processes)
    yield url, processes, port
    processes[-1].kill()
    processes[-1].wait()


def test_booking_survives_a_server_restart(
    visit: Visit, stack: Stack, organizer: Person, second_api: tuple[str, list[AnyProcess], int]
) -> None:
    url, processes, port = second_api
    event, somebody = stack.event(organizer, name=f"Back {uuid4().hex[:6]}"), stack.person()
    visitor = visit(somebody)
    visitor.expect_complaints("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = visitor.page
    page.goto(f"{url}/events/{event['id']}")  # cookies know no ports
    _choose_one(page)
    processes[-1].send_signal(signal.SIGKILL)
    processes[-1].wait()
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_text("This is taking longer than usual.")).to_be_visible()
    processes.append(stack.start("app", PORT=str(port)))
    wait_until_ready(url, processes[-1])
    said = page.get_by_role("alert").or_(page.get_by_role("status").filter(has_text="Booking confirmed"))
    expect(said).to_be_visible(timeout=30_000)
    if page.get_by_role("alert").is_visible():
        page.get_by_role("alert").get_by_role("button", name=re.compile("Try again")).click()
    _confirmed(page)
    assert _bookings(page, somebody, event["id"]) == 1
