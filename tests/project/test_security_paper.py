"""docs/security.md: its checklist is complete and in order, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
ROWS = [line.strip("|").split(" | ") for line in TEXT.splitlines() if re.match(r"\| \d", line)]
#: Requirements of level 1 and 2 of ASVS 5.0 in each chapter; 10 is one row.
REQUIREMENTS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16, 17: 7}


def test_rows_have_a_state_and_a_reason() -> None:
    for row in ROWS:
        assert len(row) == 4, row
        assert row[2] in ("met", "partly", "not met", "not applicable"), row
        assert len(row[3].strip()) > 5, row


def test_each_requirement_has_one_line_in_order() -> None:
    numbers = [tuple(map(int, each.split("."))) for row in ROWS if " to " not in row[0] for each in row[0].strip().split(", ")]
    assert len(numbers) == len(set(numbers))
    assert {chapter: sum(number[0] == chapter for number in numbers) for chapter in REQUIREMENTS} == REQUIREMENTS


def test_what_is_met_names_a_test_or_says_who_read() -> None:
    for row in ROWS:
        if row[2] == "met":
            assert re.search(r"`tests|`\.docker|TEST: |read|above|\]\(|the framework|there is none|the lock files", row[3]), row


FOLDERS = "tests|app|accounts|deploy|frontend|ledger|query_api|workers"


@pytest.mark.parametrize("name", sorted(set(re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", TEXT))))
def test_files_that_it_names_exist(name: str) -> None:
    assert (ROOT / name).exists()
