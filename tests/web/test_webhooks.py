"""An organizer's webhooks: added, tested, looked at, paused, sent again and deleted, in the browser."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from event_sdk_extras import WebhookVerifier
from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


class Receiver(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def owner(stack: Stack) -> Person:
    """An organizer of their own: the lists of others grow meanwhile."""
    return stack.person("organizer")


def add(page: Page, url: str) -> str:
    """Adds a webhook, and returns its secret."""
    page.get_by_role("button", name="Add webhook").click()
    dialog = page.get_by_role("dialog", name="Add webhook")
    dialog.get_by_label("Address").fill(url)
    dialog.get_by_role("button", name="Add webhook").click()
    return _secret(page)


def _secret(page: Page) -> str:
    dialog = page.get_by_role("dialog", name="Secret of the webhook")
    secret = dialog.get_by_text(re.compile("^whsec_")).inner_text()
    page.keyboard.press("Escape")  # it is shown once: only its buttons close it
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    dialog.get_by_role("button", name="I have kept it").last.click()
    expect(page.get_by_text(secret)).to_have_count(0)
    return secret


def test_webhook_is_added_told_and_looked_at(visit: Visit, stack: Stack, owner: Person, alice: Person, receiver: Receiver) -> None:
    page = visit(owner, "/webhooks").page
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
    secret = add(page, receiver.url)
    page.get_by_role("link", name=receiver.url).click()
    expect(page.get_by_text("Nothing was sent yet")).to_be_visible()

    event = stack.event(owner, name="Told")
    alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(2))
    deliveries = page.get_by_role("table", name="Deliveries")
    expect(deliveries.get_by_role("row", name="booking.created")).to_contain_text("Delivered")
    page.get_by_role("button", name="Show the request of booking.created").click()
    expect(page.get_by_label("Request", exact=True)).to_contain_text('"event_name": "Told"')
    verified = [WebhookVerifier(secret).verify(headers, body) for headers, body in receiver.got]
    assert [one["type"] for one in verified] == ["event.created", "booking.created"]

    page.get_by_role("button", name="Send test").click()
    expect(deliveries.get_by_role("row", name="webhook.test")).to_contain_text("Delivered")


def test_webhook_is_paused_sent_again_given_a_new_secret_and_deleted(
    visit: Visit, stack: Stack, owner: Person, receiver: Receiver
) -> None:
    page = visit(owner, "/webhooks").page
    add(page, receiver.url)
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("alert", name="Nothing is sent")).to_be_visible()
    stack.event(owner, name="Missed")
    missed = int(owner.last)
    expect(page.get_by_text(f"{missed:,}", exact=True)).to_be_visible()  # the last position
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Send again").click()
    dialog = page.get_by_role("dialog", name="Send again")
    dialog.get_by_label("From position").fill("0")
    dialog.get_by_role("button", name="Send again").click()
    expect(dialog.get_by_text("Enter a whole number from 1.")).to_be_visible()
    dialog.get_by_label("From position").fill(str(missed))
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Deliveries").get_by_role("row", name="event.created")).to_contain_text("Delivered")
    assert json.loads(receiver.got[-1][1])["position"] == missed

    page.get_by_role("button", name="Change secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Change secret").click()
    new = _secret(page)
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_role("table", name="Deliveries").get_by_role("row", name="webhook.test")).to_contain_text("Delivered")
    assert WebhookVerifier(new).verify(*receiver.got[-1])["type"] == "webhook.test"

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").last.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete the webhook?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No webhooks yet")).to_be_visible()


def test_mistakes_are_named_and_types_and_event_chosen(visit: Visit, stack: Stack, owner: Person) -> None:
    event = stack.event(owner, name="Chosen for a webhook")
    owner.see(f"/api/events/{event['id']}")
    visitor = visit(owner, "/webhooks")
    visitor.expect_complaints("422")
    page = visitor.page
    page.get_by_role("button", name="Add webhook").click()
    dialog = page.get_by_role("dialog", name="Add webhook")
    dialog.get_by_role("button", name="Add webhook").click()
    expect(dialog.get_by_text("Enter an address that begins with https:// or http://.")).to_be_visible()
    dialog.get_by_label("Address").fill("https://user:password@example.org/")
    dialog.get_by_label("Only these types").check()
    dialog.get_by_role("button", name="Add webhook").click()
    expect(dialog.get_by_text("Choose at least one type.")).to_be_visible()
    visitor.check_accessibility()
    dialog.get_by_label("booking.created").check()
    dialog.get_by_role("combobox", name="Event").click()
    page.get_by_role("option", name="Chosen for a webhook").click()
    dialog.get_by_role("button", name="Add webhook").click()
    expect(dialog.get_by_text("The URL has a user name or password")).to_be_visible()
    dialog.get_by_label("Address").fill("http://127.0.0.1:9/")
    dialog.get_by_role("button", name="Add webhook").click()
    _secret(page)
    expect(page.get_by_role("row", name="http://127.0.0.1:9/")).to_contain_text("1 type")
    page.get_by_role("link", name="http://127.0.0.1:9/").click()
    expect(page.get_by_text("Chosen for a webhook")).to_be_visible()


def test_failure_is_shown_and_a_lost_connection_too(visit: Visit, owner: Person, receiver: Receiver) -> None:
    receiver.status = 500
    visitor = visit(owner, "/webhooks")
    page = visitor.page
    add(page, receiver.url)
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Send test").click()
    row = page.get_by_role("table", name="Deliveries").get_by_role("row", name="webhook.test")
    expect(row).to_contain_text("It answered 500.")
    expect(row).to_contain_text("Next try")
    expect(page.get_by_text("Fails since")).to_be_visible()
    visitor.expect_complaints("500")
    visitor.page.route("**/api/webhooks/*", lambda route: route.fulfill(status=500, body="{}"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Nothing was changed. Please try again.")).to_be_visible()


def test_pages_are_accessible(visit: Visit, owner: Person, receiver: Receiver) -> None:
    visitor = visit(owner, "/webhooks")
    page = visitor.page
    visitor.check_looks()
    add(page, receiver.url)
    visitor.check_looks()
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Send test").click()
    page.get_by_role("button", name="Show the request of webhook.test").click()
    expect(page.get_by_label("Request", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.locator(".mantine-Notifications-notification")).to_have_count(0)  # it covers what is below it, for a while
    visitor.check_looks(reloads=False)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.check_accessibility()


def test_there_is_no_page_of_another_or_for_customers(visit: Visit, stack: Stack, alice: Person) -> None:
    expect(visit(alice, "/webhooks").page.get_by_role("heading", level=1)).to_have_text("No access")
    other = stack.person("organizer").ok("POST", "/api/webhooks", {"url": "http://127.0.0.1:9/", "types": ["*"]})
    visitor = visit(stack.person("organizer"), f"/webhooks/{other['id']}")
    visitor.expect_complaints("404")
    expect(visitor.page.get_by_text("No such webhook")).to_be_visible()
