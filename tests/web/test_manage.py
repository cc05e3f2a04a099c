"""A customer without an account, in a browser: from the box office over the mail to the tickets, and into an account."""

import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from ledger.keys import Keyring
from ledger.mail_tokens import MailTokens
from notifications.manage_urls import ManageUrls
from tests.running_system import JSON, PASSWORD, Person, Stack, free_port, tickets, wait_until_ready
from tests.soak import END_SECONDS
from tests.web.conftest import LOOKS, PHONE, TRANSITIONS_END, Visit, Visitor
from tests.workers.deployment import wait_until


def sell(stack: Stack, organizer: Person, quantity: int = 2) -> tuple[JSON, str]:
    """A sale to a customer by e-mail, and the path of the customer's link."""
    event = stack.event(organizer, name="Chamber music", venue="A hall")
    customer = {"name": "Wanda", "email": f"{uuid4().hex[:8]}@example.test"}
    sold = organizer.ok("POST", f"/api/events/{event['id']}/bookings", {**tickets(quantity), "customer": customer})
    tokens = MailTokens(Keyring.open(stack.settings.keys, "mail"))
    return {**sold, "email": customer["email"]}, ManageUrls("", tokens).make(UUID(sold["id"]))


def test_link_leaves_the_address_bar_and_stays_in_the_tab(visit: Visit, stack: Stack, organizer: Person) -> None:
    sold, path = sell(stack, organizer)
    visitor = visit(path=path)
    page = visitor.page
    expect(page.get_by_role("heading", name="Chamber music", level=1)).to_be_visible()
    expect(page).to_have_url(f"{visitor.url}/manage")
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="Ticket 1 of 2")).to_be_visible()
    page.go_back()
    expect(page).not_to_have_url(re.compile("#"))
    other = visitor.open_tab()
    other.goto("/manage")
    expect(other.get_by_role("heading", name="No booking open")).to_be_visible()
    assert sold["id"] not in page.url


def test_tickets_are_cancelled_by_keyboard_on_a_phone(visit: Visit, stack: Stack, organizer: Person) -> None:
    _, path = sell(stack, organizer)
    page = visit(path=path, size=PHONE).page
    page.get_by_role("button", name="Cancel tickets").press("Enter")
    page.get_by_role("checkbox", name="Ticket 1, General").press("Space")
    page.get_by_role("button", name="Cancel 1 ticket, refund €50.00").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="1 ticket has been cancelled.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Ticket 1 of 2")).to_contain_text("Cancelled")
    expect(page.get_by_role("listitem").filter(has_text="Ticket 2 of 2")).to_contain_text("Valid")
    expect(page.get_by_role("region", name="Payment")).to_contain_text("Refund")


def test_receipt_and_calendar_file_are_saved(visit: Visit, stack: Stack, organizer: Person) -> None:
    sold, path = sell(stack, organizer)
    page = visit(path=path).page
    with page.expect_download() as saved:
        page.get_by_role("button", name="Receipt").click()
    assert saved.value.suggested_filename == f"receipt-{sold['number']}.txt"
    with page.expect_download() as saved:
        page.get_by_role("button", name="Add to calendar").click()
    calendar = saved.value.path().read_text()
    assert f"/events/{sold['event_id']}" in calendar.replace("\n\t", "").replace("\n ", "")
    assert "manage" not in calendar


def test_links_that_do_not_work_say_why(visit: Visit, stack: Stack, organizer: Person) -> None:
    sold, path = sell(stack, organizer)
    visitor = visit(path=f"{path[:-4]}AAAA")
    visitor.expect_complaints("422|410|409")
    page = visitor.page
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    page.goto(path)
    expect(page.get_by_role("heading", name="Chamber music", level=1)).to_be_visible()
    page.get_by_role("button", name="Mail tickets again").click()
    expect(page.get_by_role("alert").filter(has_text="This installation sends no mail.")).to_be_visible()
    stack.admin.ok("POST", f"/api/events/{sold['event_id']}/cancel", {"reason": "rain"})
    stack.admin.ok("DELETE", f"/api/users/{sold['customer_id']}")
    page.reload()
    expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("link", name="Sign in")).to_have_attribute("href", "/sign-in?return=%2Fbookings")


def test_page_survives_a_server_that_is_away(visit: Visit, stack: Stack, organizer: Person) -> None:
    _, path = sell(stack, organizer)
    visitor = visit()
    visitor.expect_complaints("ERR_FAILED|net::")
    page = visitor.page
    page.route("**/api/manage", lambda route: route.abort())
    page.goto(path)
    expect(page.get_by_role("alert")).to_be_visible(timeout=30_000)
    page.unroute("**/api/manage")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Chamber music", level=1)).to_be_visible()


def test_page_is_accessible(visit: Visit, stack: Stack, organizer: Person) -> None:
    visitor = visit(path=sell(stack, organizer)[1])
    visitor.settle()
    visitor.check_looks()
    visitor.page.get_by_role("button", name="Replace this link").click()
    expect(visitor.page.get_by_role("dialog")).to_be_visible()
    visitor.check_accessibility()


@pytest.fixture(scope="module")
def demo(stack: Stack) -> Iterator[httpx.Client]:
    """An API process and a worker of the same system, with the demo's mailbox."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    processes = [stack.start("app", PORT=str(port), DEMO="1", PUBLIC_URL=url)]
    processes.append(stack.start("workers", "worker", DEMO="1", PUBLIC_URL=url))
    with httpx.Client(base_url=url) as client:
        wait_until_ready(url, processes[0])
        admin = Person(client, token=stack.admin.token)
        wait_until(lambda: "mail" in _subscriptions(admin), "a worker tells of what is sold from now on")
        yield client
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(END_SECONDS)


def _subscriptions(admin: Person) -> set[str]:
    return {one["name"] for one in admin.ok("GET", "/api/projections")["subscriptions"]}


def _confirm_where_nobody_is_signed_in(visitor: Visitor, link: str, email: str) -> None:
    page = visitor.page
    page.goto(link)
    page.get_by_role("button", name="Confirm address").click()
    expect(page.get_by_role("alert")).to_contain_text("Sign in with your password first, then confirm the address here.")
    visitor.expect_complaints("401")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    sign_in = opened.value
    sign_in.get_by_label("E-mail address").fill(email)
    sign_in.get_by_role("textbox", name="Password").fill(PASSWORD)
    sign_in.get_by_role("button", name="Sign in", exact=True).click()
    expect(sign_in).to_have_url(re.compile("/$"))
    page.get_by_role("button", name="Confirm address").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()


def test_box_office_customer_gets_in_and_takes_the_booking_into_an_account(
    visit: Visit, stack: Stack, organizer: Person, demo: httpx.Client
) -> None:
    """U-2: sold by e-mail, opened from the mail on a phone, one ticket given back, an account made, the rest found there."""
    url, email = str(demo.base_url).rstrip("/"), f"{uuid4().hex[:8]}@example.test"
    event = stack.event(organizer, name="From the box office")
    seller = visit()
    seller.context.request.post(f"{url}/api/login", data={"email": organizer.email, "password": PASSWORD})
    seller.page.goto(f"{url}/organise/{event['id']}/sell")
    seller.page.get_by_label("Tickets in General").fill("2")
    seller.page.get_by_text("Named customer").click()
    expect(seller.page.get_by_text("The tickets are mailed to this address")).to_be_visible()
    seller.page.get_by_role("textbox", name="Name").fill("Wanda")
    seller.page.get_by_label("E-mail").fill(email)
    seller.page.get_by_role("button", name="Sell 2 tickets").click()
    expect(seller.page.get_by_text(f"The tickets are on their way to {email}.")).to_be_visible()

    customer = visit(size=PHONE)
    page = customer.page
    page.goto(f"{url}/mailbox")
    page.get_by_role("link", name="Your 2 tickets for From the box office").filter(has_text=email).click(timeout=30_000)
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Open your booking").click()
    phone = opened.value
    expect(phone.get_by_role("heading", name="From the box office", level=1)).to_be_visible()
    expect(phone.get_by_role("img", name="QR code of ticket")).to_have_count(2)
    phone.get_by_role("button", name="Cancel tickets").click()
    phone.get_by_role("checkbox", name="Ticket 2, General").check()
    phone.get_by_role("button", name="Cancel 1 ticket, refund €50.00").click()
    expect(phone.get_by_role("listitem").filter(has_text="Ticket 2 of 2")).to_contain_text("Cancelled")

    phone.get_by_role("main").get_by_role("link", name="Create account").click()
    expect(phone.get_by_label("E-mail address")).to_have_value(email)
    phone.get_by_label("Name").fill("Wanda")
    phone.get_by_role("textbox", name="Password").fill(PASSWORD)
    phone.get_by_role("button", name="Create account").click()
    expect(phone.get_by_text("Confirm the e-mail address of your account")).to_be_visible()
    desk = visit()
    _confirm_where_nobody_is_signed_in(desk, f"{url}/verify-email#" + _mailed(phone, demo, email, r"/verify-email#(\S+)"), email)
    phone.reload()
    expect(phone.get_by_role("heading", name="This link has ended")).to_be_visible()
    customer.expect_complaints("410")
    phone.goto(f"{url}/bookings")
    phone.get_by_role("link", name="From the box office").click()
    expect(phone.get_by_role("listitem").filter(has_text="Ticket 1 of 2")).to_contain_text("Valid")
    for visitor in (seller, customer, desk):
        for tab in visitor.context.pages:
            tab.goto("about:blank")  # its server ends before the browser does


def test_replaced_link_ends_and_the_new_one_arrives(visit: Visit, stack: Stack, organizer: Person, demo: httpx.Client) -> None:
    url = str(demo.base_url).rstrip("/")
    sold, path = sell(stack, organizer)
    visitor = visit(size=PHONE)
    visitor.expect_complaints("410")
    page = visitor.page
    page.goto(url + path)
    page.get_by_role("button", name="Replace this link").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep this link").last.click()
    page.get_by_role("button", name="Replace this link").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace link").click()
    expect(page.get_by_role("heading", name="A new link is on its way")).to_be_visible()
    expect(page.get_by_text(f"We have mailed it to {sold['email']}.")).to_be_visible()
    old = visitor.open_tab()
    old.goto(url + path)
    expect(old.get_by_role("heading", name="This link has ended")).to_be_visible()

    token = _mailed(page, demo, sold["email"], r"/manage#(\S+)")
    assert token != path.partition("#")[2]
    page.goto(f"{url}/mailbox")
    page.get_by_role("link").filter(has_text=sold["email"]).first.click()
    with page.expect_popup() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Open your booking").click()
    new = opened.value
    expect(new.get_by_role("heading", name="Chamber music", level=1)).to_be_visible()
    expect(new.get_by_role("img", name="QR code of ticket")).to_have_count(2)
    for tab in visitor.context.pages:
        tab.goto("about:blank")  # its server ends before the browser does


def test_organizer_sees_the_mails_of_a_booking_and_sends_one_again(
    visit: Visit, stack: Stack, organizer: Person, demo: httpx.Client
) -> None:
    url = str(demo.base_url).rstrip("/")
    sold, _ = sell(stack, organizer)
    seller = visit()
    seller.context.request.post(f"{url}/api/login", data={"email": organizer.email, "password": PASSWORD})
    page = seller.page
    _mailed(page, demo, sold["email"], "(Chamber music)")
    page.goto(f"{url}/organise/{sold['event_id']}/bookings")
    opener = page.get_by_role("button", name=f"Show the mails about booking no. {sold['number']}")
    opener.click()
    dialog = page.get_by_role("dialog", name=f"Mails about booking no. {sold['number']}")
    mails = dialog.get_by_role("list", name="Mails").get_by_role("listitem")
    expect(mails).to_have_count(1)
    expect(mails).to_contain_text("Confirmation with tickets")
    expect(mails).to_contain_text("To Wanda")
    expect(mails.get_by_text("Sent", exact=True)).to_be_visible()
    for (width, height), scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        page.evaluate(TRANSITIONS_END)
        seller.check_accessibility()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")

    mails.get_by_role("button", name="Send again").press("Enter")
    expect(mails).to_have_count(2)
    expect(mails.first).to_contain_text("Asked for again")
    expect(mails.first.get_by_text("Sent", exact=True)).to_be_visible(timeout=30_000)
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    _expect_mails(page, demo, sold["email"], 2)

    organizer.ok("POST", f"/api/events/{sold['event_id']}/cancel", {"reason": "rain"})
    seller.expect_complaints("409")
    opener.click()
    mails.last.get_by_role("button", name="Send again").click()
    expect(dialog.get_by_role("alert")).to_contain_text("All tickets of this booking are cancelled")
    page.goto("about:blank")  # its server ends before the browser does


def test_customer_has_the_tickets_mailed_again(visit: Visit, stack: Stack, organizer: Person, demo: httpx.Client) -> None:
    url = str(demo.base_url).rstrip("/")
    customer = stack.person()
    booked = customer.ok("POST", f"/api/events/{stack.event(organizer)['id']}/bookings", tickets(1))
    visitor = visit(size=PHONE)
    visitor.context.request.post(f"{url}/api/login", data={"email": customer.email, "password": PASSWORD})
    visitor.page.goto(f"{url}/bookings/{booked['id']}")
    _expect_mails(visitor.page, demo, customer.email, 1)
    visitor.page.get_by_role("button", name="Mail tickets again").click()
    expect(visitor.page.get_by_text(f"The tickets are on their way to {customer.email}.")).to_be_visible()
    _expect_mails(visitor.page, demo, customer.email, 2)
    visitor.page.goto("about:blank")  # its server ends before the browser does


def _expect_mails(page: Page, demo: httpx.Client, email: str, count: int) -> None:
    """That many mails with tickets come to this address."""
    for _ in range(120):
        items = demo.get("/api/mailbox").json()["items"]
        found = [item for item in items if email in item["to"] and "ticket" in item["subject"]]
        if len(found) >= count:
            break
        page.wait_for_timeout(250)
    assert len(found) == count


def _mailed(page: Page, demo: httpx.Client, email: str, pattern: str) -> str:
    """What the pattern finds in a mail to this address, once there is one."""
    for _ in range(240):
        for item in demo.get("/api/mailbox").json()["items"]:
            if email in item["to"]:
                text = demo.get(f"/api/mailbox/{item['id']}").json()["text"]
                if found := re.search(pattern, text):
                    return found[1]
        page.wait_for_timeout(250)
    raise AssertionError("no mail came")
