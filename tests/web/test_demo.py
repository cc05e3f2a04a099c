"""What a page asks before anybody has signed in, and signing in to a demo in one click."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.running_system import Stack, free_port, wait_until_ready
from tests.web.conftest import Visit


def test_installation_without_a_demo_offers_no_accounts(stack: Stack) -> None:
    about = stack.http.get("/api/about")
    assert about.headers["cache-control"] == "no-store"
    assert about.json() == {"name": "Seatledger", "version": about.json()["version"], "currency": "EUR", "demo_accounts": []}


@pytest.fixture
def demo_url(stack: Stack) -> Iterator[str]:
    """An API process of the same system that believes to be a demo's, and one of the demo's people."""
    person = {"name": "Olu Organizer", "email": "organizer@example.test", "password": "demo-password", "role": "organizer"}
    stack.admin.ok("POST", "/api/users", person)
    port = free_port()
    process = stack.start("app", PORT=str(port), DEMO="1")
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, process)
    yield url
    process.terminate()
    process.wait(15)


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
