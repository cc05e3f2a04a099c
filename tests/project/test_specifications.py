"""docs/specifications.md: its tables have no empty cells, and the files and tests that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "specifications.md").read_text()
#: Rows of the tables whose last column names tests.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for section in re.findall(r"^\| requirement .*?\n\n", PAGE + "\n", re.MULTILINE | re.DOTALL)
    for line in section.strip().splitlines()[2:]
]


def test_specification_rows_are_complete_and_name_existing_tests() -> None:
    assert len(ROWS) > 110
    for row in ROWS:
        assert len(row) == 3, row
        assert all(row), row
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", row[2])
        assert tests, row
        for file, name in tests:
            assert re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), (file, name)


def test_specification_tables_have_no_empty_cells() -> None:
    rows = re.findall(r"^\|(.*)\|$", PAGE, re.MULTILINE)
    assert len(rows) > 150
    for row in rows:
        assert all(cell.strip() for cell in row.split("|")), row


def test_files_named_by_the_page_exist() -> None:
    named = set(re.findall(r"`((?:[\w-]+/)+[\w.-]*|[\w-]+\.(?:py|md|sql|yml|txt))`", PAGE))
    assert len(named) > 25
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(#([\w-]+)\)", PAGE))))
def test_internal_links_are_valid(link: str) -> None:
    headings = [
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    ]
    assert link in headings


def test_the_solid_lines_of_its_diagram_are_foreign_keys_that_cascade() -> None:
    schema = (ROOT / "docs" / "schema.sql").read_text()
    diagram = PAGE.split("```mermaid")[1].split("```")[0]
    keys = set(re.findall(r"ONLY public\.(\w+)\n.*FOREIGN KEY \(\w+\) REFERENCES public\.(\w+)\(\w+\) ON DELETE CASCADE", schema))
    solid = re.findall(r"^    (\w+) \|\|--[|o]\{ (\w+) :", diagram, re.MULTILINE)
    assert ("booking_events", "bookings") in solid
    assert {(child, parent) for parent, child in solid} <= keys


def test_its_diagram_names_our_tables() -> None:
    schema = (ROOT / "docs" / "schema.sql").read_text()
    diagram = PAGE.split("```mermaid")[1].split("```")[0]
    for table in re.findall(r"^    (\w+) \{", diagram, re.MULTILINE):
        columns = re.search(rf"CREATE TABLE public\.{table} \((.*?)\n\)", schema, re.DOTALL)
        assert columns, table
        fields = re.search(rf"^    {table} \{{(.*?)\}}", diagram, re.MULTILINE | re.DOTALL)
        assert fields
        for column in re.findall(r"^ +\w+ (\w+)", fields[1], re.MULTILINE):
            assert re.search(rf'^ +"?{column}"? ', columns[1], re.MULTILINE), (table, column)
