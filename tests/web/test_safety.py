"""S11 and S14 in a browser: what people write is text, nothing secret lies about, and the policy is never tried."""

from typing import Any
from uuid import uuid4

from playwright.sync_api import expect

from tests.running_system import PASSWORD, Person, Stack, tickets
from tests.web.conftest import Visit

ATTACKS = [
    "<script>document.title = 'gotcha'</script>",
    "<img src=x onerror=\"document.title = 'gotcha'\">",
    '"><svg onload="document.title = \'gotcha\'">',
    "{{constructor.constructor('document.title=`gotcha`')()}}",
    "javascript:document.title='gotcha'",
]


def test_script_in_user_input_is_shown_as_text(visit: Visit, stack: Stack, organizer: Person) -> None:
    tag = uuid4().hex[:6]
    somebody, everything = stack.person(), " ".join(ATTACKS)
    somebody.ok("PATCH", "/api/me", {"name": ATTACKS[1]})
    for number, attack in enumerate(ATTACKS):
        event: Any = organizer.ok(
            "POST", "/api/events",
            {
                "name": f"{tag}{number} {attack}", "venue": attack, "description": everything, "starts_at": "2031-05-01T19:00:00Z",
                "categories": [{"name": attack, "price": "1.00", "capacity": 20}],
            },
        )  # fmt: skip
        booking = somebody.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1, attack))
    page = visit(somebody, f"/?q={tag}").page
    expect(page.get_by_role("article")).to_have_count(len(ATTACKS))
    for attack in ATTACKS:
        expect(page.get_by_role("heading", name=attack)).to_be_visible()
    for path in (f"/events/{event['id']}", f"/bookings/{booking['id']}", "/bookings", "/account"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(300)
        assert "gotcha" not in page.title().replace(event["name"], "")
    assert page.locator("img[src=x], svg[onload], main script").count() == 0
    print(f"S11: {len(ATTACKS)} scripts as names and descriptions on 5 pages: 0 ran")


def test_token_is_out_of_reach_of_scripts(visit: Visit, alice: Person) -> None:
    """Whatever script there is can't read the session: neither in a cookie, nor stored, nor in an address."""
    visitor = visit(path="/sign-in")
    page, addresses = visitor.page, []
    page.on("request", lambda request: addresses.append(request.url))
    page.get_by_role("textbox", name="E-mail").fill(alice.email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    with page.expect_response("**/api/login") as answer:
        page.get_by_role("button", name="Sign in").click()
    token = answer.value.json()["access_token"]
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()
    page.get_by_role("link", name="My bookings").first.click()
    expect(page.get_by_role("heading", level=1, name="My bookings")).to_be_visible()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])")
    cookies = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
    assert cookies["seatledger_session"]["value"] == token
    assert cookies["seatledger_session"]["httpOnly"]
    assert token not in stored
    assert PASSWORD not in stored
    assert not [address for address in addresses if token in address or PASSWORD in address]


def test_sign_out_removes_data_of_the_previous_account(visit: Visit, stack: Stack, organizer: Person) -> None:
    event, first, second = stack.event(organizer), stack.person(), stack.person()
    first.ok("POST", f"/api/events/{event['id']}/bookings", tickets(1))
    page = visit(first, "/bookings").page
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("textbox", name="E-mail").fill(second.email)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="My bookings").first.click()
    expect(page.get_by_text("No tickets yet")).to_be_visible()


#: It stays: the account is known here.
DEVICE = "__Host-seatledger_device"


def test_page_works_with_cookies_for_https_only(visit: Visit, stack: Stack, organizer: Person) -> None:
    """Browsers take them from localhost as if it were HTTPS."""
    somebody, event = stack.person(), stack.event(organizer)
    with stack.another_api(SECURE_COOKIES="1") as url:
        here = url.replace("127.0.0.1", "localhost")
        visitor = visit()
        page = visitor.page
        page.goto(f"{here}/sign-in")
        page.get_by_role("textbox", name="E-mail").fill(somebody.email)
        page.get_by_role("textbox", name="Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Account menu")).to_be_visible()
        names = {cookie["name"] for cookie in visitor.context.cookies(here)}
        assert names == {"__Host-seatledger_session", "__Host-seatledger_csrf", DEVICE}
        page.goto(f"{here}/events/{event['id']}")
        page.get_by_role("button", name="Account menu").click()
        page.get_by_role("menuitem", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
        assert [cookie["name"] for cookie in visitor.context.cookies(here)] == [DEVICE]
        page.goto("about:blank")  # its live stream ends before the API does
