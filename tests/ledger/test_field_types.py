"""ledger/field_types.py and ledger/idempotency.py"""

import re
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from ledger.errors import Malformed
from ledger.field_types import Email, Name, Text
from ledger.idempotency import command_id

LINE = TypeAdapter[str](Annotated[str, Text(10)])
LINES = TypeAdapter[str](Annotated[str, Text(20, at_least=0, lines=True)])
SECRET = TypeAdapter[str](Annotated[str, Text(10, at_least=2, strip=False)])
EMAIL = TypeAdapter[str](Email)
NAME = TypeAdapter[str](Name)
SOMEBODY = UUID(int=1)


@pytest.mark.parametrize("text", ["", "   ", "a\x00b", "a\nb", "a\tb", "\x1b[0m", "a\x7f", "a\x85b", "\ud800", "x" * 11, 7, None])
def test_a_line_refuses(text: Any) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(text)


def test_a_lone_surrogate_in_json_is_refused() -> None:
    with pytest.raises(ValidationError):
        LINE.validate_json('"\\ud800"')


def test_outer_blanks_are_removed_before_the_length_is_checked() -> None:
    assert LINE.validate_python("  " + "x" * 10 + " ") == "x" * 10
    assert SECRET.validate_python(" x ") == " x "


def test_lines_may_have_newlines_and_tabs_only() -> None:
    assert LINES.validate_python("a\n\tb") == "a\n\tb"
    assert LINES.validate_python("") == ""
    for text in ("a\rb", "a\x00b", "a\x0bb"):
        with pytest.raises(ValidationError):
            LINES.validate_python(text)


@pytest.mark.parametrize("text", ["a\u200bb", "\ufeffa", "a\u2028b", "\u202egnp.exe", "\u2066a\u2069", "a\u2060b"])
def test_lines_hide_nothing(text: str) -> None:
    with pytest.raises(ValidationError):
        LINES.validate_python(text)
    assert not re.search(LINES.json_schema()["pattern"], text)


def test_lines_of_all_scripts_are_accepted() -> None:
    for text in (
        "a\u0644\u06cc\u200c\u0631",
        "\u0915\u094d\u200d",
        "👨\u200d👩",
        "\u200e\u05d0!\u200f",
        "Donau\u00addampfer",
    ):
        assert LINES.validate_python(text) == text


@pytest.mark.parametrize(("adapter", "good", "bad"), [(LINE, " a b ", "a\nb"), (LINE, "é", "  "), (LINES, "a\nb", "\x00")])
def test_the_schema_says_what_is_refused(adapter: TypeAdapter[str], good: str, bad: str) -> None:
    pattern = adapter.json_schema()["pattern"]
    assert re.search(pattern, good)
    assert not re.search(pattern, bad)


NAMES = [
    "Ada", "José Ñandú", "李小龍", "O'Neil-Smith III", "علی‌رضا", "क्‍ष", "Zoë \u1f468", "👨‍👩‍👧 Family",
    "1\ufe0f\u20e3 Stage", "葛\U000e0100城", "❤️",
]  # fmt: skip
HIDDEN = [
    "\u200b", "Ada\u200b", "\ufeffAda", "Ada\u202egnp.exe", "\u2066Ada\u2069", "A\u200dda",
    "\u200d", "👨\u200d\u200d👩", "\u3164", "\u2800",
    "\ufe0f", "Ada\u00ad", "a\u2028b", "Ada\U000e0041", "\u200e\u200f", "a" + "\u200d" * 199, "é\u200d" * 99 + "\u200d",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_scripts_are_accepted(name: str) -> None:
    assert NAME.validate_python(name) == name
    assert re.search(NAME.json_schema()["pattern"], name)


@pytest.mark.parametrize("name", HIDDEN)
def test_names_have_no_invisible_characters(name: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(name)
    if "\U000e0041" not in name:
        assert not re.search(NAME.json_schema()["pattern"], name)


def test_a_name_may_be_left_out_where_it_says_so() -> None:
    optional = TypeAdapter[str](Annotated[str, Text(9, at_least=0, is_name=True)])
    assert (optional.validate_python(""), optional.validate_python("  ")) == ("", "")
    assert re.search(optional.json_schema()["pattern"], "")
    with pytest.raises(ValidationError):
        optional.validate_python("\u200b")


def test_an_email_has_one_spelling() -> None:
    assert EMAIL.validate_python(" Alice@Example.TEST ") == "alice@example.test"
    assert EMAIL.json_schema()["format"] == "email"


@pytest.mark.parametrize(
    "text", ["", "alice", "a@b@c", "a@-.test", f"{'x' * 300}@example.test", "a\x00@example.test", "\ud800@example.test"]
)
def test_an_invalid_email_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        EMAIL.validate_python(text)


def test_a_command_id_is_the_same_for_retries_only() -> None:
    first = command_id(SOMEBODY, "POST", "/api/users", "key")
    assert first == command_id(SOMEBODY, "POST", "/api/users", "key")
    others = [
        command_id(UUID(int=2), "POST", "/api/users", "key"),
        command_id(None, "POST", "/api/users", "key"),
        command_id(SOMEBODY, "PATCH", "/api/users", "key"),
        command_id(SOMEBODY, "POST", "/api/user", "key"),
        command_id(SOMEBODY, "POST", "/api/user", 's", "key'),
        command_id(SOMEBODY, "POST", "/api/users", "Key"),
        command_id(SOMEBODY, "POST", "/api/users", None),
        command_id(SOMEBODY, "POST", "/api/users", None),
    ]
    assert len({first, *others}) == 9


def test_command_ids_never_change() -> None:
    """With other values, a retry of any earlier command would be executed again."""
    assert command_id(SOMEBODY, "POST", "/api/users", "key") == UUID("4601d9ae-9bc5-5e26-bb55-ccb9c178d4fc")


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb", "a\x00b", "\x7f"])
def test_a_key_is_printable_ascii(key: str) -> None:
    with pytest.raises(Malformed):
        command_id(SOMEBODY, "POST", "/api/users", key)
