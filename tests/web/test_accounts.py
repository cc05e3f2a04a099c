"""An account's own page: where it is signed in, its second factor, and the password that a change of rights asks for."""

import time

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from pyotp import TOTP

from tests.running_system import PASSWORD, Person, Stack, tickets
from tests.web.conftest import Visit, Visitor

PHONE = (390, 844)


def age_sessions(stack: Stack, who: Person) -> None:
    """The password of all sessions was given long ago."""
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE tokens SET authenticated_at = now() - interval '1 hour' WHERE account_id = %s", (who.id,))


def section(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


@pytest.mark.parametrize("size", [PHONE, (1280, 900)], ids=["phone", "desktop"])
def test_account_shows_and_ends_its_sessions(visit: Visit, stack: Stack, size: tuple[int, int]) -> None:
    alice = stack.person()
    page = visit(alice, "/account", size=size).page
    sessions = section(page, "Where you are signed in")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    expect(sessions.get_by_role("listitem").filter(has_text="This browser")).to_contain_text("127.0.0.0/24")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
    sessions.get_by_role("button", name="Sign out Unknown program").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    assert alice.do("GET", "/api/me").status_code == 401
    elsewhere = stack.log_in(alice.email)
    page.reload()
    sessions.get_by_role("button", name="Sign out everywhere else").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_text("You are signed out everywhere else.")).to_be_visible()
    assert elsewhere.do("GET", "/api/me").status_code == 401


def test_hundred_sessions_are_shown_when_asked_for(visit: Visit, stack: Stack) -> None:
    """With this browser first, though it was used before the others."""
    alice = stack.person()
    visitor = visit(alice, "/account")
    sessions = section(visitor.page, "Where you are signed in")
    with psycopg.connect(stack.settings.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO tokens (token_hash, account_id, expires_at, client, created_at)"
            " SELECT uuid_send(gen_random_uuid()), %s, now() + interval '1 day', 'Firefox on Windows', now() + n * interval '1 s'"
            " FROM generate_series(1, 98) n",
            (alice.id,),
        )
    visitor.page.reload()
    expect(sessions.get_by_role("listitem")).to_have_count(10)
    expect(sessions.get_by_role("listitem").first).to_contain_text("This browser")
    visitor.check_looks()
    sessions.get_by_role("button", name="Show all 100").click()
    expect(sessions.get_by_role("listitem")).to_have_count(100)
    sessions.get_by_role("button", name="Sign out everywhere else").click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)


def set_second_factor(visitor: Visitor) -> tuple[TOTP, str]:
    """On the page of the account. The second value is a recovery code."""
    page = visitor.page
    factor = section(page, "Second factor")
    factor.get_by_role("button", name="Set second factor").click()
    dialog = page.get_by_role("dialog", name="Second factor")
    expect(dialog.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    totp = TOTP(dialog.locator("code").inner_text())
    visitor.expect_complaints("422")
    dialog.get_by_label("Code", exact=True).fill("000000")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("The code is wrong, or was used already.")).to_be_visible()
    dialog.get_by_label("Code", exact=True).fill(totp.now())
    dialog.get_by_role("button", name="Confirm").click()
    codes = page.get_by_role("dialog", name="Your recovery codes")
    expect(codes.get_by_role("listitem")).to_have_count(10)
    recovery = codes.get_by_role("listitem").first.inner_text()
    expect(codes.get_by_role("button", name="Copy codes")).to_be_focused()
    visitor.check_accessibility()
    page.keyboard.press("Escape")
    page.mouse.click(1, 1)
    expect(codes, "what is shown once is not lost by accident").to_be_visible()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    codes.get_by_role("button", name="Copy codes").click()
    expect(codes.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == codes.get_by_role("listitem").all_inner_texts()
    codes.get_by_role("button", name="I have kept them").last.click()
    expect(factor.get_by_text("Signing in needs a code")).to_be_visible()
    return totp, recovery


@pytest.mark.parametrize("size", [PHONE, (1280, 900)], ids=["phone", "desktop"])
def test_second_factor_is_set_used_and_removed(visit: Visit, stack: Stack, size: tuple[int, int]) -> None:
    alice = stack.person()
    visitor = visit(alice, "/account", size=size)
    page, factor = visitor.page, section(visitor.page, "Second factor")
    totp, recovery = set_second_factor(visitor)

    visitor.context.clear_cookies()
    page.goto("/sign-in?return=/account")
    visitor.expect_complaints("401")
    page.get_by_label("E-mail address").fill(alice.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Enter the code of your authenticator app, too.")).to_be_visible()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The code is wrong, or was used already.")).to_be_visible()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.get_by_label("Code", exact=True).fill(totp.generate_otp(int(time.time()) // 30 + 1))
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()

    age_sessions(stack, alice)
    visitor.expect_complaints("403")
    factor.get_by_role("button", name="Remove second factor").click()
    again = page.get_by_role("dialog", name="Enter your password")
    again.get_by_label("Password", exact=True).fill(PASSWORD)
    again.get_by_label("Code", exact=True).fill(recovery)
    again.get_by_role("button", name="Continue").click()
    expect(factor.get_by_text("Your password alone opens your account.")).to_be_visible()
    expect(again).to_have_count(0)


def test_change_of_a_role_asks_for_the_password_and_goes_on(visit: Visit, stack: Stack) -> None:
    admin, somebody = stack.person("admin"), stack.person()
    visitor = visit(admin, f"/accounts?q={somebody.email}")
    page = visitor.page
    page.get_by_role("textbox", name="Search").fill(somebody.email)
    age_sessions(stack, admin)
    visitor.expect_complaints("403")
    role = page.get_by_role("combobox", name="Role of A customer")
    expect(role).to_have_count(1)
    role.select_option("organizer")
    confirm = page.get_by_role("dialog", name="Change the role")
    confirm.get_by_role("button", name="Confirm").click()
    again = page.get_by_role("dialog", name="Enter your password")
    visitor.expect_complaints("422")
    again.get_by_label("Password", exact=True).fill("wrong password")
    again.get_by_role("button", name="Continue").click()
    expect(again.get_by_text("This is not your password.")).to_be_visible()
    expect(again.get_by_label("Password", exact=True)).to_be_focused()
    again.get_by_label("Password", exact=True).fill(PASSWORD)
    again.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("The role of A customer is now organizer.")).to_be_visible()
    assert stack.admin.ok("GET", f"/api/users?q={somebody.email}")["items"][0]["role"] == "organizer"


def test_cancelled_password_changes_nothing(visit: Visit, stack: Stack) -> None:
    alice = stack.person()
    visitor = visit(alice, "/account")
    age_sessions(stack, alice)
    visitor.expect_complaints("403")
    visitor.page.get_by_role("button", name="Delete account").click()
    visitor.page.get_by_label("I understand that this can't be undone.").check()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete account").click()
    visitor.page.get_by_role("dialog", name="Enter your password").get_by_role("button", name="Cancel").last.click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert alice.do("GET", "/api/me").is_success


@pytest.mark.parametrize("size", [PHONE, (1280, 900)], ids=["phone", "desktop"])
def test_auditor_sees_who_changed_which_account(visit: Visit, stack: Stack, size: tuple[int, int]) -> None:
    somebody, auditor = stack.person(), stack.person("auditor")
    stack.admin.ok("PATCH", f"/api/users/{somebody.id}", {"role": "organizer"})
    page = visit(auditor, "/ledger", size=size).page
    page.get_by_role("link", name="Account changes").click()
    table = page.get_by_role("table", name="Account changes")
    row = table.get_by_role("row").filter(has_text="Customer → Organizer").filter(has_text=somebody.id[:8])
    expect(row).to_have_count(1)
    expect(row).to_contain_text(stack.admin.id[:8])
    row.get_by_role("button", name=f"Only changes of and by {somebody.id}").click()
    expect(table.get_by_role("row").filter(has_text="Created")).to_have_count(1)
    expect(page.get_by_text(f"Changes of and by account {somebody.id}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"


def test_contacts_are_shown_as_contacts(visit: Visit, stack: Stack, organizer: Person) -> None:
    event = stack.event(organizer)
    customer = {"name": "Kontakt", "email": f"k-{event['id']}@x.test"}
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", {**tickets(1), "customer": customer})
    page = visit(stack.admin, "/accounts").page
    page.get_by_role("textbox", name="Search").fill(customer["email"])
    row = page.get_by_role("row").filter(has_text="Kontakt")
    expect(row).to_contain_text("Contact")
    expect(row.get_by_role("combobox")).to_be_disabled()
