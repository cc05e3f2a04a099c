"""Booking without an account: from the event's page to the tickets, at once or after a code by mail."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, NullPool, create_engine

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from ledger.store import sqlalchemy_url
from ledger.ticket_codes import TicketCodes
from notifications.delivery import deliver
from notifications.mail.facts import Facts
from notifications.mail.mailbox import Mailbox
from tests.running_system import Person, Stack
from tests.web.conftest import DESKTOP, PHONE, Visit


@pytest.fixture(scope="module")
def demo_url(stack: Stack) -> Iterator[str]:
    """An API process of the same system that believes to be a demo's, so it has a mailbox."""
    with stack.another_api(DEMO="1") as url:
        yield url


@pytest.fixture
def engine(stack: Stack) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(stack.settings.database_url), poolclass=NullPool)
    yield engine
    engine.dispose()


def _deliver(stack: Stack, engine: Engine) -> None:
    """What the worker of a demo does: the worker of the tests delivers no mail."""
    codes, tokens = TicketCodes(Keyring.open(stack.settings.keys, "tickets")), MailTokens(Keyring.open(stack.settings.keys, "mail"))
    while deliver(engine, Facts(stack.url, codes, tokens), Mailbox(engine, ""), per_second=1_000, count=lambda _: None):
        pass


def _choose(page: Page, quantity: int) -> None:
    page.get_by_role("textbox", name="Tickets in General").fill(str(quantity))


def _continue(page: Page, quantity: int) -> None:
    """To where guests say who they are."""
    page.get_by_role("button", name=f"Continue with {tickets_text(quantity)}").click()
    expect(page.get_by_role("heading", level=1, name="Your order")).to_be_visible()


def tickets_text(quantity: int) -> str:
    return f"{quantity} ticket{'s' if quantity != 1 else ''}"


def _say_who(page: Page, email: str) -> None:
    page.get_by_label("Name").fill("Gus Guest")
    page.get_by_label("E-mail address").fill(email)


def _tickets(page: Page, count: int) -> None:
    expect(page.get_by_role("status").filter(has_text="Booking confirmed")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has=page.get_by_role("img", name="QR code"))).to_have_count(count)


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_guest_books_at_once_and_is_offered_an_account_after(
    size: tuple[int, int], visit: Visit, stack: Stack, organizer: Person
) -> None:
    event, email = stack.event(organizer, name="Open air"), f"{uuid4().hex[:12]}@example.test"
    visitor = visit(path=f"/events/{event['id']}", size=size)
    visitor.expect_complaints("422")  # the first request brings the cookie
    page = visitor.page
    expect(page.get_by_role("main").get_by_role("link", name="Create account")).to_have_count(0)
    _choose(page, 2)
    _continue(page, 2)
    _say_who(page, email)
    page.get_by_role("button", name="Book 2 tickets").click()
    _tickets(page, 2)
    expect(page).to_have_url(f"{visitor.url}/events/{event['id']}/booked")
    expect(page.get_by_role("main").get_by_role("link", name="Create account")).to_be_visible()
    visitor.check_looks()
    page.reload()
    _tickets(page, 2)
    listed = organizer.see(f"/api/events/{event['id']}/bookings")["items"]
    assert [(one["customer"]["name"], one["customer"]["email"]) for one in listed] == [("Gus Guest", email)]
    page.go_back()
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("0")


def test_tickets_are_in_the_history_of_their_tab_alone(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(path=f"/events/{event['id']}/booked")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Your tickets")
    expect(visitor.page.get_by_text("This tab does not have them any more")).to_be_visible()
    visitor.check_looks()


def test_guest_proves_the_address_by_the_code_in_the_mail(
    visit: Visit, stack: Stack, organizer: Person, demo_url: str, engine: Engine
) -> None:
    event, email = stack.event(organizer, max_tickets_per_customer=4), f"{uuid4().hex[:12]}@example.test"
    visitor = visit()
    visitor.expect_complaints("422")
    visitor.expect_complaints("recipient window's origin")  # axe can't look into the frame
    page = visitor.page
    page.goto(f"{demo_url}/events/{event['id']}")
    _choose(page, 3)
    _continue(page, 3)
    _say_who(page, email)
    page.get_by_label("E-mail address").press("Enter")
    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    visitor.check_looks(reloads=False)
    _deliver(stack, engine)
    mailbox = visitor.open_tab()
    mailbox.goto(f"{demo_url}/mailbox")
    mailbox.get_by_role("link", name="Your code to book tickets").first.click()
    expect(mailbox.get_by_role("article")).to_contain_text(email)
    mailed = mailbox.frame_locator("iframe").get_by_text(re.compile(r"^\d{6}$")).inner_text()
    mailbox.close()
    code.fill("000000" if mailed != "000000" else "111111")
    page.get_by_role("button", name="Confirm and book").click()
    expect(code).to_have_accessible_description(re.compile("The code is wrong. The newest mail has the right one."))
    expect(code).to_be_focused()
    code.fill(mailed)
    code.press("Enter")
    _tickets(page, 3)
    expect(page.get_by_text(f"We have also sent them to {email}.")).to_be_visible()
    page.goto("about:blank")  # its server ends before the browser does


def test_choice_is_kept_when_a_guest_decides_to_sign_in(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, somebody = stack.event(organizer), stack.person()
    page = visit(path=f"/events/{event['id']}").page
    _choose(page, 2)
    page.get_by_role("link", name="Sign in to book").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    page.get_by_label("E-mail address").fill(somebody.email)
    page.get_by_role("textbox", name="Password").fill("correct horse battery")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("textbox", name="Tickets in General")).to_have_value("2")
    expect(page.get_by_label("E-mail address")).to_have_count(0)
    page.get_by_role("button", name="Book 2 tickets").click()
    _tickets(page, 2)


def test_what_is_missing_is_said_at_its_field(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(path=f"/events/{event['id']}")
    visitor.expect_complaints("422")
    page = visitor.page
    _choose(page, 1)
    _continue(page, 1)
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_accessible_description("Required.")
    _say_who(page, "gus@localhost@")
    page.get_by_role("button", name="Book 1 ticket").click()
    expect(page.get_by_label("E-mail address")).to_have_attribute("aria-invalid", "true")
    visitor.check_looks(reloads=False)


def test_free_tickets_are_booked_in_one_step_by_keyboard(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, categories=[{"name": "General", "price": "0", "capacity": 5}])
    visitor = visit(path=f"/events/{event['id']}")
    visitor.expect_complaints("422")
    page = visitor.page
    page.get_by_role("textbox", name="Tickets in General").focus()
    page.keyboard.type("1")
    for _ in range(12):
        if page.get_by_label("Name").evaluate("field => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Gus")
    page.keyboard.press("Tab")
    page.keyboard.type("gus@example.test")
    page.keyboard.press("Enter")
    _tickets(page, 1)
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_organizer_says_how_guests_book(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    visitor = visit(organizer, f"/organise/{event['id']}/edit")
    page = visitor.page
    choice = page.get_by_role("radiogroup", name="Booking without an account")
    expect(choice.get_by_role("radio", name="At once")).to_be_checked()
    page.get_by_label("Tickets per customer").fill("4")
    expect(choice.get_by_role("radio", name="With a code")).to_be_checked()
    expect(choice.get_by_role("radio", name="At once")).to_be_disabled()
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Your changes have been saved.")).to_be_visible()
    organizer.last = page.evaluate("sessionStorage.getItem('seatledger.position')")
    saved = organizer.see(f"/api/events/{event['id']}")
    assert (saved["max_tickets_per_customer"], saved["guest_checkout"]) == (4, "proven")
