"""An organizer writes to the attendees of an event, in a browser: preview, a test to oneself, and the mails in the mailbox."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.running_system import PASSWORD, Person, Stack, free_port, tickets, wait_until_ready
from tests.soak import END_SECONDS
from tests.web.conftest import Visit
from tests.workers.deployment import wait_until


@pytest.fixture
def demo(stack: Stack) -> Iterator[str]:
    """An API process and a worker of the same system, with the demo's mailbox."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    processes = [stack.start("app", PORT=str(port), DEMO="1", PUBLIC_URL=url)]
    processes.append(stack.start("workers", "worker", DEMO="1", PUBLIC_URL=url))
    wait_until_ready(url, processes[0])
    yield url
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(END_SECONDS)


def test_organizer_writes_to_attendees(visit: Visit, stack: Stack, organizer: Person, demo: str) -> None:
    event = stack.event(organizer, name="Chamber music")
    attendees = [stack.person(), stack.person()]
    for person in attendees:
        person.ok("POST", f"/api/events/{event['id']}/bookings", tickets())
    visitor = visit()
    page = visitor.page
    visitor.context.request.post(f"{demo}/api/login", data={"email": organizer.email, "password": PASSWORD})
    page.goto(f"{demo}/organise/{event['id']}/messages")
    expect(page.get_by_text("No messages yet")).to_be_visible()
    page.get_by_label("Subject").fill("Doors open earlier")
    page.get_by_role("textbox", name="Message").fill("At six.\n\nBring a coat.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("This would reach 2 people.")).to_be_visible()
    expect(page.get_by_role("article", name="As it arrives")).to_contain_text("> Bring a coat.")
    visitor.check_looks(reloads=False)
    _picture(page, "form")
    page.get_by_role("button", name="Send to me first").click()
    expect(page.get_by_text("A test is on its way to your own address.")).to_be_visible()
    expect(page.get_by_text("A test is on its way to your own address.")).to_have_count(0)
    page.get_by_role("button", name="Send to 2 people").click()
    expect(page.get_by_role("dialog")).to_contain_text("“Doors open earlier” is mailed to 2 people.")
    visitor.check_accessibility()
    page.get_by_role("dialog").get_by_role("button", name="Send to 2 people").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    row = page.get_by_role("row").filter(has_text="Everybody with valid tickets")
    expect(row).to_contain_text("2 of 2 sent", timeout=30_000)
    expect(page.get_by_text("The message is being sent.")).to_have_count(0)
    visitor.check_looks(reloads=False)
    _picture(page, "sent")
    everybody = {organizer.email, *(person.email for person in attendees)}
    wait_until(lambda: _recipients(demo, "Doors open earlier") == everybody, "the test, and a mail to each attendee")


def _recipients(demo: str, subject: str) -> set[str]:
    mails = httpx.get(f"{demo}/api/mailbox").json()["items"]
    return {mail["to"] for mail in mails if mail["subject"] == subject}


def test_without_mail_the_page_says_so(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer, name="Chamber music")
    visitor = visit(organizer, f"/organise/{event['id']}/messages")
    expect(visitor.page.get_by_text("This installation sends no mail")).to_be_visible()
    visitor.check_looks(reloads=False)


def test_account_chooses_what_is_mailed(visit: Visit, stack: Stack) -> None:
    person = stack.person()
    visitor = visit(person, "/account")
    choice = visitor.page.get_by_role("switch", name="Reminders and messages from organizers")
    expect(choice).to_be_checked()
    choice.press("Space")
    expect(visitor.page.get_by_text("Your choice has been saved.")).to_be_visible()
    visitor.page.reload()
    expect(choice).not_to_be_checked()
    visitor.check_looks(reloads=False)
    _picture(visitor.page, "account")


def _picture(page: Page, name: str) -> None:
    if directory := os.environ.get("PICTURES"):
        for width, is_dark in ((390, False), (1280, True)):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="dark" if is_dark else "light")
            page.screenshot(path=Path(directory) / f"messages-{name}-{width}.png", full_page=True)
