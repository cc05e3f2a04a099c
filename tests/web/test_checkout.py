"""Who books without an account holds the seats first: nobody else gets them while they say who they are."""

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, expect

from ledger.commands import Actor, HoldSeats, Role, ScheduleEvent, WantedSeats
from ledger.details import Category, Details
from ledger.keys import Keyring
from ledger.macs import Macs
from ledger.mail_tokens import MailTokens
from ledger.store import Ledger
from notifications.manage_urls import ManageUrls
from tests.running_system import JSON, PASSWORD, Person, Stack, tickets
from tests.web.conftest import DESKTOP, PHONE, Visit, Visitor


def choose(visitor: Visitor, quantity: int = 2) -> None:
    """From the page of the event to the one where seats are held."""
    visitor.expect_complaints("422")  # the first request brings the cookie
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").fill(str(quantity))
    page.get_by_role("button", name=re.compile(r"^Continue with \d+ tickets?$")).click()
    expect(page.get_by_role("heading", level=1, name="Your order")).to_be_visible()


def say_who(page: Page, email: str) -> None:
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill(email)


def left(page: Page) -> int:
    """The seconds that the page shows."""
    minutes, seconds = page.get_by_test_id("time-left").inner_text().removesuffix(" left").split(":")
    return 60 * int(minutes) + int(seconds)


def has_tickets(page: Page, count: int) -> None:
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has=page.get_by_role("img", name="QR code"))).to_have_count(count)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_seats_are_held_over_a_reload_another_tab_and_a_lost_network(
    size: tuple[int, int], visit: Visit, stack: Stack, organizer: Person, bob: Person
) -> None:
    event, email = stack.event(organizer, capacity=2), f"{uuid4().hex[:12]}@example.test"
    visitor = visit(path=f"/events/{event['id']}", size=size)
    page = visitor.page
    choose(visitor)
    expect(page.get_by_test_id("total")).to_have_text("€100.00")
    assert "held by others" in bob.do("POST", f"/api/events/{event['id']}/bookings", tickets()).json()["detail"]
    visitor.check_looks()
    say_who(page, email)
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Gus Guest")
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    page.wait_for_timeout(1_100)
    before = left(page)
    page.get_by_role("button", name="I need more time").click()
    expect(page.get_by_text(re.compile(r"You have until \d\d:\d\d\."))).to_be_visible()
    assert before < left(page) <= 15 * 60
    tab = visitor.open_tab()
    tab.goto(page.url)
    expect(tab.get_by_test_id("total")).to_have_text("€100.00")
    expect(tab.get_by_label("Name")).to_have_value("")  # that is known to the tab where it was typed in
    visitor.expect_complaints("ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    page.get_by_role("button", name="Book 2 tickets").click()
    expect(page.get_by_role("status").filter(has_text="This is taking longer than usual")).to_be_visible()
    visitor.context.set_offline(False)
    has_tickets(page, 2)
    expect(page).to_have_url(f"{visitor.url}/events/{event['id']}/booked")
    tab.reload()
    expect(tab.get_by_role("heading", level=1, name="This order is not here")).to_be_visible()
    listed = organizer.see(f"/api/events/{event['id']}/bookings")["items"]
    assert [(one["customer"]["name"], one["customer"]["email"]) for one in listed] == [("Gus Guest", email)]


def test_who_changes_the_selection_gives_the_seats_back(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, capacity=3)
    visitor = visit(path=f"/events/{event['id']}")
    page = visitor.page
    choose(visitor, 3)
    page.get_by_role("button", name="Change your selection").click()
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("3")
    expect(page.get_by_test_id("left-General")).to_have_text("3 seats left")
    page.get_by_role("textbox", name="Tickets in General").fill("1")
    page.get_by_role("button", name="Continue with 1 ticket").click()
    expect(page.get_by_test_id("total")).to_have_text("€50.00")


def test_the_organizer_sees_what_is_held_and_not_as_sold(visit: Visit, stack: Stack, organizer: Person, alice: Person) -> None:
    event = stack.event(organizer)
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(3))
    page = visit(organizer, f"/organise/{event['id']}").page
    row = page.get_by_role("table", name="Categories").get_by_role("row").filter(has_text="General")
    expect(row).to_contain_text("3 of 10")
    alice.ok("POST", f"/api/events/{event['id']}/holds", tickets(2))  # while the page is open
    expect(row).to_contain_text("2 held by people who are about to book")
    expect(row).to_contain_text("3 of 10")
    page.get_by_role("button", name="Cancel event").click()
    expect(page.get_by_role("dialog")).to_contain_text("3 tickets will be cancelled")


def test_an_order_that_was_left_is_offered_again(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(path=f"/events/{event['id']}")
    page = visitor.page
    choose(visitor, 1)
    page.goto(f"/events/{event['id']}")
    expect(page.get_by_text("You have an order that is not complete")).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_test_id("total")).to_have_text("€50.00")


def test_who_signs_in_meanwhile_books_with_the_account(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer), stack.person()
    visitor = visit(path=f"/events/{event['id']}")
    page = visitor.page
    choose(visitor, 1)
    page.get_by_role("link", name="Sign in instead").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    page.get_by_label("E-mail address").fill(somebody.email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("You are signed in as A customer.")).to_be_visible()
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Book 1 ticket").click()
    has_tickets(page, 1)
    assert [one["event_id"] for one in somebody.ok("GET", "/api/bookings")["items"]] == [event["id"]]


class Past:
    """A hold of a guest that was made twenty minutes ago, by another process, and whose time is over."""

    def __init__(self, stack: Stack, organizer: Person, capacity: int = 2) -> None:
        then = datetime.now(UTC) - timedelta(minutes=20)
        self.event_id, self.hold_id, keys = uuid4(), uuid4(), stack.settings.keys
        details = Details(name="Concert", starts_at=then + timedelta(days=9), guest_checkout="open")
        with closing(Ledger(stack.settings.database_url, Macs.open(keys))) as ledger:
            owner = Actor(UUID(organizer.id), Role.ORGANIZER)
            ledger.execute(ScheduleEvent(
                id=uuid4(), actor=owner, event_id=self.event_id, details=details, currency="EUR",
                categories=(Category(1, "General", 5_000, capacity),),
            ), then)  # fmt: skip
            ledger.execute(HoldSeats(
                id=self.hold_id, actor=Actor(uuid4(), Role.CUSTOMER), event_id=self.event_id,
                tickets=(WantedSeats("General", 2),), guest="unnamed",
            ), then)  # fmt: skip
            head = str(ledger.head())
        organizer.ok("GET", f"/api/events/{self.event_id}", Ledger_Position=head)
        token = ManageUrls("", MailTokens(Keyring.open(keys, "mail"))).token(self.hold_id)
        until = (then + timedelta(minutes=15)).isoformat()
        self.held: JSON = {
            "eventId": str(self.event_id), "token": token, "until": until, "name": "Gus Guest", "email": "gus@example.test",
        }  # fmt: skip
        self.path = f"/events/{self.event_id}/checkout/{self.hold_id}"

    def open(self, visitor: Visitor) -> Page:
        page = visitor.page
        page.goto("/")
        stored = [f"seatledger.hold {self.hold_id}", json.dumps(self.held)]
        page.evaluate("([key, held]) => [localStorage, sessionStorage].map((store) => store.setItem(key, held))", stored)
        page.goto(self.path)
        return page


def test_after_the_end_the_same_seats_are_held_again_with_the_answers(visit: Visit, stack: Stack, organizer: Person) -> None:
    past, visitor = Past(stack, organizer), visit()
    visitor.expect_complaints("422")
    page = past.open(visitor)
    expect(page.get_by_role("alert")).to_contain_text("The time is over")
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Hold the same seats again").click()
    expect(page.get_by_label("Name")).to_have_value("Gus Guest")
    assert left(page) > 14 * 60
    page.get_by_role("button", name="Book 2 tickets").click()
    has_tickets(page, 2)


def test_who_has_signed_in_holds_the_same_seats_again_as_the_account(visit: Visit, stack: Stack, organizer: Person) -> None:
    past, somebody = Past(stack, organizer), stack.person()
    visitor = visit(somebody)
    page = past.open(visitor)
    page.get_by_role("button", name="Hold the same seats again").click()
    expect(page.get_by_text("You are signed in as A customer.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Book 2 tickets").click()
    has_tickets(page, 2)


def test_a_confirmation_under_way_at_the_end_is_waited_for(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(path=f"/events/{event['id']}")
    page = visitor.page
    choose(visitor, 1)
    say_who(page, f"{uuid4().hex[:12]}@example.test")
    waiting = visitor.hold("**/confirm")
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_role("button", name="Change your selection")).to_be_disabled()
    hold_id = page.url.rsplit("/", 1)[1]
    page.route(f"**/api/holds/{hold_id}", lambda route: route.fulfill(json={**route.fetch().json(), "status": "lapsed"}))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # the page looks again
    page.wait_for_timeout(500)
    expect(page.get_by_text("The time is over")).to_have_count(0)
    waiting[0].continue_()
    has_tickets(page, 1)


def test_after_the_end_it_says_what_others_have_left(visit: Visit, stack: Stack, organizer: Person, bob: Person) -> None:
    past, visitor = Past(stack, organizer), visit()
    visitor.expect_complaints("422")
    visitor.expect_complaints("409")
    bob.ok("POST", f"/api/events/{past.event_id}/bookings", tickets())
    page = past.open(visitor)
    page.get_by_role("button", name="Hold the same seats again").click()
    expect(page.get_by_role("alert").filter(has_text="Only 1 ticket left in General.")).to_be_visible()
    page.get_by_role("link", name="Choose again").first.click()
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("2")


def test_orders_of_others_are_not_here(visit: Visit, stack: Stack, organizer: Person) -> None:
    past, visitor = Past(stack, organizer), visit()
    visitor.page.goto(past.path)
    expect(visitor.page.get_by_role("heading", level=1, name="This order is not here")).to_be_visible()
    visitor.check_looks(reloads=False)


def test_everything_works_by_keyboard_alone(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(path=f"/events/{event['id']}")
    visitor.expect_complaints("422")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").focus()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Your order")).to_be_focused()
    for _ in range(12):
        if page.get_by_label("Name").evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type("Gus")
    page.keyboard.press("Tab")
    page.keyboard.type(f"{uuid4().hex[:12]}@example.test")
    page.keyboard.press("Enter")
    has_tickets(page, 1)
