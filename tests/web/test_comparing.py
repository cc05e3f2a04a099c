"""What an auditor can have shown: what became of the numbers between two moments, and that an entry is in the signed log."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.running_system import Person, Stack, tickets
from tests.web.conftest import Visit


@pytest.fixture(scope="module")
def auditor(stack: Stack) -> Person:
    return stack.person("auditor")


@pytest.fixture(scope="module")
def told(stack: Stack, organizer: Person) -> dict[str, Any]:
    """An event on which three seats were booked, and one of them given back; the positions before and after that."""
    event = stack.event(organizer, name="Compared")
    customer = stack.person()
    booking = customer.ok("POST", f"/api/events/{event['id']}/bookings", tickets(3))
    customer.ok("POST", f"/api/bookings/{booking['id']}/cancel", {"tickets": [booking["tickets"][0]["id"]]})
    return {"event": event, "before": event["number"], "booked": booking["number"], "after": int(customer.last)}


def test_two_points_in_time_are_compared(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    visitor = visit(auditor, "/ledger")
    page = visitor.page
    page.get_by_role("link", name="Compare two points in time").click()
    expect(page.get_by_role("heading", name="Choose two points in time")).to_be_visible()
    page.get_by_role("textbox", name="From").fill(str(told["before"]))
    page.get_by_role("textbox", name="To").fill(str(told["after"]))
    page.get_by_role("button", name="Compare").click()
    row = page.get_by_role("table", name="By event").get_by_role("row").filter(has_text="Compared")
    expect(row.get_by_role("cell").nth(0)).to_have_text("+2")
    expect(row.get_by_role("cell").nth(1)).to_have_text("+1")
    expect(row.get_by_role("cell").nth(3)).to_have_text("+€50.00")
    expect(row.get_by_role("cell").nth(4)).to_have_text("+€100.00")
    expect(page.get_by_text(f"From ledger position {told['before']:,} to ledger position {told['after']:,}")).to_be_visible()
    total = auditor.ok("GET", f"/api/audit/stats/difference?since={told['before']}&at={told['after']}")
    bookings = page.get_by_role("table", name="Totals").get_by_role("row").filter(has_text="Bookings").get_by_role("cell")
    expect(bookings.nth(1)).to_have_text(f"{total['after']['bookings']:,}")
    row.get_by_role("link", name="Compared").click()
    expect(page.get_by_role("heading", name="History of Compared")).to_be_visible()


def test_equal_points_in_time_show_no_changes(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    page = visit(auditor, f"/ledger/compare?since={told['after']}&at={told['after']}").page
    expect(page.get_by_role("heading", name="No events changed")).to_be_visible()


@pytest.mark.parametrize(
    ("since", "at", "said"),
    [
        ("2", "1", "`since` is later than `at`."),
        ("999999999", "", "The ledger's head is at position"),
        ("", "2100-01-01 00:00", "That time is in the future."),
    ],
)
def test_invalid_points_in_time_are_refused(since: str, at: str, said: str, visit: Visit, auditor: Person, told: Any) -> None:
    visitor = visit(auditor, "/ledger/compare")
    visitor.expect_complaints("422")
    page = visitor.page
    page.get_by_role("textbox", name="From").fill(since)
    page.get_by_role("textbox", name="To").fill(at)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text(said)
    page.get_by_role("textbox", name="To").fill("soon")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("textbox", name="To")).to_have_accessible_description(re.compile("Enter a ledger position or a time"))


def test_comparison_is_loaded_again_after_an_error(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    visitor = visit(auditor)
    visitor.expect_complaints("500")
    page = visitor.page
    page.route("**/api/audit/stats/difference?*", lambda route: route.fulfill(status=500), times=1)
    page.goto(f"/ledger/compare?since={told['before']}&at={told['after']}")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("table", name="By event")).to_be_visible()


def test_inclusion_of_an_entry_is_verified(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    visitor = visit(auditor, f"/ledger?after={told['booked'] - 1}")
    page = visitor.page
    page.get_by_role("button", name=f"Show the body of entry {told['booked']:,}").click()
    page.get_by_role("button", name="Verify inclusion in the log").click()
    proof = page.get_by_role("region", name=f"Inclusion proof of entry {told['booked']:,}")
    expect(proof).to_contain_text("its hash leads to the signed root. Verified by your browser.")
    expect(proof).to_contain_text("The root is signed with the verifier key. Verified by your browser.")
    expect(proof).to_contain_text(auditor.see("/api/audit/checkpoint")["verifier_key"])
    visitor.check_accessibility()


def test_invalid_proof_is_reported(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    """Somebody between the server and the browser names another entry's hash."""

    def altered(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"leaf_hash": base64.b64encode(bytes(32)).decode()})

    page = visit(auditor).page
    page.route("**/api/audit/proof?*", altered)
    page.goto(f"/ledger?after={told['booked'] - 1}")
    page.get_by_role("button", name=f"Show the body of entry {told['booked']:,}").click()
    page.get_by_role("button", name="Verify inclusion in the log").click()
    expect(page.get_by_role("region", name="Inclusion proof of entry")).to_contain_text("Invalid proof")


def test_comparison_is_accessible(visit: Visit, auditor: Person, told: dict[str, Any]) -> None:
    visitor = visit(auditor)
    for path in ("/ledger/compare", f"/ledger/compare?since={told['before']}&at={told['after']}"):
        visitor.page.goto(path)
        visitor.settle()
        visitor.check_looks()
