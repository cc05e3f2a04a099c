"""An admin's path: statistics that name their position, people and roles, projections that move by themselves."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


def _saved(page: Page, button: str) -> list[dict[str, str]]:
    with page.expect_download() as saved:
        page.get_by_role("button", name=button).click()
    return list(csv.DictReader(Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()))


@pytest.fixture
def sold(stack: Stack, alice: Person) -> Any:
    """An organizer of their own, whose one event has sold 3 General and had 1 of them cancelled: 100.00 net."""
    organizer = stack.person("organizer")
    event = stack.event(organizer, name="Counted")
    booking = alice.ok("POST", f"/api/events/{event['id']}/bookings", tickets(3))
    alice.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    organizer.last = alice.last
    organizer.see("/api/stats/summary")
    return organizer, event


def _figure(page: Page, label: str) -> Any:
    return page.get_by_role("heading", level=3, name=label, exact=True).locator("xpath=..")


def test_organizer_totals_cover_own_events_and_name_their_position(visit: Visit, sold: Any) -> None:
    organizer, _ = sold
    summary = organizer.see("/api/stats/summary")
    page = visit(organizer, "/statistics").page
    expect(_figure(page, "Net revenue")).to_contain_text("€100.00")
    expect(_figure(page, "Net revenue")).to_contain_text("€150.00 gross, €50.00 refunds")
    expect(_figure(page, "Tickets held")).to_contain_text("of 15 seats (13.3%)")
    said = page.get_by_text("As of ledger position")
    expect(said).to_have_count(7)  # four totals, revenue, best sellers, occupancy
    positions = [int(re.sub(r"\D", "", one)) for one in _figure(page, "Bookings").get_by_text("As of").all_inner_texts()]
    assert positions >= [summary["ledger_position"]]


def test_filter_limits_totals_to_its_dates(visit: Visit, sold: Any) -> None:
    organizer, event = sold
    page = visit(organizer, "/statistics?from=2020-01-01&to=2020-01-31").page
    expect(_figure(page, "Tickets sold")).to_contain_text("0")
    expect(page.get_by_text("No sales or refunds in this period.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_role("combobox", name="Event").click()
    page.get_by_role("option", name="Counted").click()
    expect(_figure(page, "Tickets sold")).to_contain_text("1 of them cancelled")
    expect(page).to_have_url(re.compile(event["id"]))
    page.get_by_text("Month", exact=True).click()
    page.get_by_role("button", name="Show as table").click()
    table = page.get_by_role("table", name="Revenue over time")
    expect(table.get_by_role("row")).to_have_count(2)
    expect(table).to_contain_text("€150.00")


def test_statistics_are_downloaded_as_csv(visit: Visit, sold: Any) -> None:
    organizer, event = sold
    page = visit(organizer, "/statistics").page
    expect(page.get_by_role("img", name="Revenue over time")).to_be_visible()
    (total,) = _saved(page, "Totals as CSV")
    assert (total["currency"], total["net"], total["taken"]) == ("EUR", "100.00", "2")
    assert {row["net"] for row in _saved(page, "Sales as CSV")} == {"100.00"}
    assert [(row["event_id"], row["gross"]) for row in _saved(page, "Events as CSV")] == [(event["id"], "150.00")]


def test_failed_download_shows_an_error(visit: Visit, sold: Any) -> None:
    visitor = visit(sold[0], "/statistics")
    visitor.expect_complaints("500")
    expect(visitor.page.get_by_role("img", name="Revenue over time")).to_be_visible()
    visitor.page.route("**/api/stats/summary", lambda route: route.fulfill(status=500, body="{}"))
    visitor.page.get_by_role("button", name="Totals as CSV").click()
    expect(visitor.page.get_by_text("The download failed.")).to_be_visible()


def test_account_is_created_promoted_and_disabled(visit: Visit, stack: Stack) -> None:
    page = visit(stack.admin, "/accounts").page
    page.get_by_role("button", name="Create account").click()
    dialog = page.get_by_role("dialog", name="Create account")
    dialog.get_by_label("Name").fill("Petra Promoted")
    dialog.get_by_label("E-mail").fill("petra@example.test")
    dialog.get_by_label("Password", exact=True).fill("correct horse battery")
    dialog.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("The account of Petra Promoted has been created.")).to_be_visible()

    page.get_by_label("Search by name or e-mail").fill("petra@")
    expect(page.get_by_role("table", name="Accounts").get_by_role("row")).to_have_count(2)
    stack.prove_address("petra@example.test")
    page.get_by_label("Role of Petra Promoted", exact=True).select_option("organizer")
    page.get_by_role("dialog", name="Change the role of Petra Promoted to organizer?").get_by_role("button", name="Confirm").click()
    expect(page.get_by_label("Role of Petra Promoted", exact=True)).to_have_value("organizer")
    assert stack.log_in("petra@example.test").ok("GET", "/api/me")["role"] == "organizer"

    page.get_by_role("switch", name="Sign-in enabled for Petra Promoted").click(force=True)
    page.get_by_role("dialog", name="Disable Petra Promoted?").get_by_role("button", name="Disable").click()
    expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    credentials = {"email": "petra@example.test", "password": "correct horse battery"}
    assert stack.nobody().do("POST", "/api/login", credentials).status_code == 401


def test_last_admin_cannot_be_demoted(visit: Visit, stack: Stack) -> None:
    visitor = visit(stack.admin, "/accounts")
    visitor.expect_complaints("409")
    page = visitor.page
    page.get_by_label("Search by name or e-mail").fill(stack.admin.email)
    role = page.get_by_role("row").filter(has_text=stack.admin.email).get_by_role("combobox")  # others may have renamed them
    with stack.only_one_admin():
        role.select_option("customer")
        page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("alert")).to_have_text("This is the only admin. Make another account an admin first.")
    visitor.check_accessibility()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").first.click()
    expect(role).to_have_value("admin")


def test_stalled_subscription_says_what_to_do(visit: Visit, stack: Stack) -> None:
    """The answer is made up: the worker of the system would move on."""
    one = {"position": 40, "lag_entries": 12, "lag_seconds": 30.5, "failed_position": None, "error": None}
    subscriptions = [
        {**one, "name": "mail", "state": "stalled", "failed_position": 41, "error": "UnknownTopic: seats-booked/9"},
        {**one, "name": "webhooks", "state": "frozen"},
    ]

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "subscriptions": subscriptions})

    visitor = visit(stack.admin)
    visitor.page.route("**/api/projections", answer)
    visitor.page.goto("/projections")
    alert = visitor.page.get_by_role("alert", name="Mail: stopped")
    expect(alert).to_contain_text("The entry at position 41 can't be read")
    expect(alert).to_contain_text("python -m notifications skip")
    expect(visitor.page.get_by_role("table", name="Mail and webhooks").get_by_role("row", name="Webhooks")).to_contain_text(
        "Frozen"
    )
    visitor.check_looks(reloads=False)


def test_projections_update_automatically(visit: Visit, stack: Stack, organizer: Person) -> None:
    page = visit(stack.admin, "/projections").page
    table = page.get_by_role("table", name="Projections")
    expect(table.get_by_role("row", name="Revenue")).to_contain_text("Running")
    stack.event(organizer, name="One more entry")
    head = f"{int(organizer.last):,}"
    expect(table.get_by_role("row", name="Availability")).to_contain_text(head)
    expect(table.get_by_role("row", name="Availability")).to_contain_text("Up to date")


def test_back_office_pages_deny_access_to_customers(visit: Visit, alice: Person) -> None:
    for path in ("/organise", "/statistics", "/accounts", "/projections", "/ledger"):
        page = visit(alice, path).page
        expect(page.get_by_role("heading", level=1)).to_have_text("No access")


def test_every_page_is_accessible(visit: Visit, stack: Stack, sold: Any) -> None:
    visitor = visit(stack.admin)
    for path in ("/statistics", f"/statistics?event={sold[1]['id']}&by=hour", "/accounts", "/projections"):
        visitor.page.goto(path)
        visitor.settle()
        visitor.check_looks()
