"""User input in CSV files is text for a spreadsheet, never a formula (S12)."""

import csv
import io
from uuid import uuid4

import pytest

from tests.running_system import LATER, Person, Stack

FORMULAS = (
    "Bob;=cmd|' /C calc'!A0",
    "Bob; @SUM(1)",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    '=HYPERLINK("http://evil.test","x")',
    "=cmd|' /C calc'!A0",
    '"=1+1',
    '=1,"2";3\'4',
)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def _csv(person: Person, path: str) -> list[list[str]]:
    response = person.insist("GET", path, Accept="text/csv", Ledger_Position=person.last)
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    text = response.content.decode()
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", ""), "RFC 4180: lines end in CRLF"
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    # Where a semicolon separates, quotes within a line mean nothing.
    assert not [cell for line in text.splitlines() for cell in line.split(";")[1:] if cell.lstrip().startswith(DANGEROUS)]
    assert {len(row) for row in rows} == {len(rows[0])}
    return rows


def test_csv_cells_are_never_formulas(stack: Stack) -> None:
    organizer, sold = stack.person("organizer"), []
    for number, formula in enumerate(FORMULAS):
        event = organizer.ok("POST", "/api/events", {
            "name": formula, "venue": formula, "starts_at": LATER, "categories": [{"name": formula, "price": 1, "capacity": 5}],
        })  # fmt: skip
        email = f"{'=+-'[number % 3]}{uuid4().hex[:8]}@example.test"
        customer = {"name": formula, "email": email}
        organizer.ok(
            "POST", f"/api/events/{event['id']}/bookings", {"tickets": [{"category": formula, "quantity": 1}], "customer": customer}
        )
        sold.append((event, formula, email))
    cells = 0
    for event, formula, email in sold:
        header, row = _csv(organizer, f"/api/events/{event['id']}/bookings")
        told = dict(zip(header, row, strict=True))
        assert told["customer_name"] == _neutral(formula)
        assert told["customer_email"] == f"'{email}"
        assert told["tickets"] == _neutral(f"1 {formula}")
        assert not [cell for cell in row if cell.startswith(DANGEROUS)]
        cells += len(row)
    header, *rows = _csv(organizer, "/api/stats/events")
    column = header.index("name")
    assert {row[column] for row in rows} == {_neutral(formula) for formula in FORMULAS}
    assert not [cell for row in rows for cell in row if cell.startswith(DANGEROUS)]
    print(f"S12: {cells + len(rows) * len(header)} cells, 0 formulas")


def _neutral(text: str) -> str:
    return ";".join(f"'{part}" if part.lstrip().startswith(DANGEROUS) else part for part in text.split(";"))


@pytest.mark.parametrize("text", ["\t=1+1", "\r=1+1", "\n=1+1", "a\t=1+1", "a\r\n=1+1"])
def test_names_that_break_out_of_a_cell_are_refused(text: str, stack: Stack, organizer: Person) -> None:
    """Control characters around a name are removed; inside a name they are refused."""
    response = organizer.do("POST", "/api/events", {
        "name": text, "starts_at": LATER, "categories": [{"name": "A", "price": 1, "capacity": 5}],
    })  # fmt: skip
    if text.startswith("a"):
        assert response.status_code == 422
    else:
        assert response.json()["name"] == "=1+1"


def test_csv_amounts_are_numbers(stack: Stack) -> None:
    organizer = stack.person("organizer")
    event = stack.event(organizer)
    organizer.ok("POST", f"/api/events/{event['id']}/bookings", {"tickets": [{"category": "VIP", "quantity": 1}]})
    organizer.ok("POST", f"/api/events/{event['id']}/cancel")
    for path in ("/api/stats/summary", "/api/stats/sales?interval=hour", "/api/stats/events"):
        header, row = _csv(organizer, path)
        told = dict(zip(header, row, strict=True))
        assert (float(told["gross"]), float(told["refunded"]), float(told["net"])) == (150, 150, 0), path
