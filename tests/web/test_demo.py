"""What a page asks before anybody has signed in, and signing in to a demo in one click."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sqlalchemy import NullPool, create_engine, text

from ledger.store import sqlalchemy_url
from notifications.mail.facts import Recipient
from notifications.mail.letters import Attachment, Mail
from notifications.mail.mailbox import Mailbox
from tests.running_system import Stack, free_port, wait_until_ready
from tests.soak import END_SECONDS
from tests.web.conftest import Visit


def test_installation_without_a_demo_offers_no_accounts(stack: Stack) -> None:
    about = stack.http.get("/api/about")
    assert about.headers["cache-control"] == "no-store"
    assert about.json() == {
        "name": "Seatledger", "version": about.json()["version"], "currency": "EUR", "demo_accounts": [], "has_mail": False,
        "has_mailbox": False, "has_holds": True, "payment_methods": ["box_office"],
    }  # fmt: skip


@pytest.fixture
def demo_url(stack: Stack) -> Iterator[str]:
    """An API process of the same system that believes to be a demo's, and one of the demo's people."""
    person = {"name": "Olu Organizer", "email": "organizer@example.test", "password": "demo-password", "role": "organizer"}
    assert stack.admin.do("POST", "/api/users", person).status_code in (201, 409)  # there, after the test before
    port = free_port()
    process = stack.start("app", PORT=str(port), DEMO="1")
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, process)
    yield url
    process.terminate()
    process.wait(END_SECONDS)


def test_demo_account_signs_in_with_one_click(visit: Visit, demo_url: str) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(f"{demo_url}/sign-in?return=/account")
    offered = page.get_by_role("region", name="Try the demo as").get_by_role("button")
    expect(offered).to_have_count(5)
    visitor.check_accessibility()
    offered.filter(has_text="Olu Organizer").click()
    expect(page).to_have_url(f"{demo_url}/account")
    expect(page.get_by_role("button", name="Account menu of Olu Organizer")).to_be_visible()
    visitor.settle()
    page.goto("about:blank")  # its server ends before the browser does


def test_mails_of_the_demo_are_read_in_its_mailbox(visit: Visit, demo_url: str, stack: Stack) -> None:
    engine = create_engine(sqlalchemy_url(stack.settings.database_url), poolclass=NullPool)
    visitor = visit()
    page = visitor.page
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM mailbox"))
    page.goto(f"{demo_url}/sign-in")
    page.get_by_role("link", name="mailbox").click()
    expect(page.get_by_role("heading", name="No mails yet")).to_be_visible()
    visitor.check_accessibility()
    attachment = Attachment("event.ics", "text/calendar", b"BEGIN")
    html = "<html><head></head><body><h1>Booking confirmed</h1><script>document.title = 'ran'</script></body></html>"
    mail = Mail("Your ticket", "Booking confirmed", html, (attachment,))
    Mailbox(engine, "").send(uuid4(), Recipient("Alice", "alice@example.test"), mail)
    visitor.expect_complaints("Blocked script execution")  # the mail's
    visitor.expect_complaints("recipient window's origin")  # axe can't look into the frame
    page.get_by_role("link", name="Your ticket").click()  # it arrives by itself
    expect(page.get_by_role("article", name="Your ticket")).to_contain_text("alice@example.test")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Booking confirmed")).to_be_visible()
    visitor.check_accessibility()
    page.get_by_text("Plain text").click()
    expect(page.locator("pre")).to_have_text("Booking confirmed\n")
    expect(page.get_by_role("link", name="event.ics")).to_have_attribute("download", "event.ics")
    visitor.settle()
    page.goto("about:blank")
    engine.dispose()
