"""Invalid bodies: each gets a 4xx that names the field, without internals, and changes nothing."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest

from tests.abuse.conftest import Sender
from tests.abuse.operations import OPERATIONS, Target
from tests.abuse.refusals import paths, refused
from tests.abuse.test_unknown_fields import BODIES
from tests.running_system import JSON, LATER

MANY_DIGITS = "1" * 400
COMMANDS = [name for name in OPERATIONS if not name.startswith("get_")]
#: As raw JSON, since no Python value makes most of them.
UNREADABLE = "1" * 5_000  # Python refuses to parse a number of this length
NUMBERS = (MANY_DIGITS, f"-{MANY_DIGITS}", UNREADABLE, "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "-1", "0.5")
TEXTS = (r'"a\u0000b"', r'"\ud800"', r'"\udc00\ud800"', r'"a\u001bb"', r'"a\u0085b"', f'"{"a" * 10_001}"', f'"{MANY_DIGITS}"')
OTHERS = ("true", "[]", "{}", '[["x"]]')
MARK = "MARK"


def _places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a body that is not an object, with its path; includes lists and their items."""
    if not isinstance(value, dict):
        yield path, value
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, f"{path}.{name}".lstrip("."))


def _with(body: JSON, path: str, raw: str) -> str:
    """The body as JSON, with one value replaced by `raw`."""
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    changed: Any = deepcopy(body)
    inner = changed
    for step in way:
        inner = inner[step]
    inner[last] = MARK
    return json.dumps(changed).replace(f'"{MARK}"', raw)


def _may_be_empty(name: str, path: str) -> bool:
    """Whether this list of a body may be."""
    return path == "pools" or path.endswith(".categories") or (name, path) == ("make_codes", "categories")


def _wrong_for(name: str, path: str, value: Any) -> Iterator[str]:
    field = path.rpartition(".")[2]
    is_amount = field in ("price", "value", "amount")
    if isinstance(value, str):
        yield from TEXTS if field not in ("description", "reason", "text") else (text for text in TEXTS if MANY_DIGITS not in text)
    yield from NUMBERS if not is_amount else (number for number in NUMBERS if number != "0.5")
    if is_amount:
        yield from ('"NaN"', '"1e3"', '"1_0"', '" 1"', '"-1"', '"0.001"', "0.001", '"9999999999999999"', '"\uff11"', '""')
    yield from (
        other
        for other in OTHERS
        if not (isinstance(value, bool) and other == "true") and not (other == "[]" and _may_be_empty(name, path))
    )
    if isinstance(value, int) and not isinstance(value, bool):
        yield f'"{MANY_DIGITS}"'


def full_body(name: str, target: Target) -> JSON:
    """The customer is that of the fixture `contact`."""
    customer = {"customer": {"name": "Root", "email": "root@example.test"}}
    return (target.body(name) or {}) | (customer if name == "book_tickets" else {})


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.usefixtures("nothing_happens")
def test_invalid_field_values_are_refused(name: str, sender: Sender) -> None:
    body, sent = full_body(name, sender.target), 0
    for path, value in _places(body):
        for raw in _wrong_for(name, path, value):
            problem = refused(sender.raw(name, _with(body, path, raw)), 422, 401 if name == "log_in" else 422)
            if problem["type"] == "/problems/malformed" and raw != UNREADABLE:
                named = {path.partition(".")[0] for path in paths(problem)}
                assert named & {"", path.partition(".")[0]}, (path, raw[:50], problem)
            sent += 1
    print(f"bad input: {name}: {sent} bodies with one wrong value, all refused")


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.usefixtures("nothing_happens")
def test_invalid_bodies_are_refused(name: str, sender: Sender) -> None:
    contents = [
        b"{", b"}", b"\x00", b"\xff\xfe", b'"text"', b"1", b"true", b"[]", b"[{}]", b"NaN", b"[" * 10_000, b'{"a":' * 10_000,
        b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, b'{"\\ud800": 1}', b'{"a": 1,}', b"{'a': 1}",
        b"\xef\xbb\xbf{", b'{"tickets":[{"category":"A\xff","quantity":1}]}', b'{"name":"A\xff"}', b'{"A\xff":1}',
    ]  # fmt: skip
    for content in contents if name in ("cancel_event", "confirm_hold") else [b"", b"null", b"{}", *contents]:
        if content == b"{}" and name in ("update_me", "update_user", "update_event", "update_webhook"):
            continue  # a valid request that changes nothing
        refused(sender.raw(name, content), 422, slug="malformed")
    good = json.dumps(full_body(name, sender.target))
    for media_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "x",
    ):
        refused(sender.raw(name, good, **{"Content-Type": media_type}), 422, slug="malformed")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("nothing_happens")
def test_body_over_64_kib_is_413_with_and_without_content_length(name: str, sender: Sender) -> None:
    text = json.dumps(full_body(name, sender.target)).encode()
    large = text + b" " * (64 * 1024 + 1 - len(text))
    refused(sender.raw(name, large), 413, slug="body-too-large")
    if name in BODIES:
        chunks = (large[start : start + 5_000] for start in range(0, len(large), 5_000))
        refused(sender.raw(name, chunks), 413, slug="body-too-large")


def test_body_of_64_kib_is_accepted(sender: Sender) -> None:
    text = json.dumps(sender.target.body("book_tickets")).encode()
    assert sender.raw("book_tickets", text + b" " * (64 * 1024 - len(text))).status_code == 201


def _event(**changes: Any) -> JSON:
    return {"name": "N", "starts_at": LATER, "categories": [{"name": "A", "price": "1.00", "capacity": 3}], **changes}


def _categories(*names: str, **changes: Any) -> JSON:
    return {"categories": [{"name": name, "price": "1", "capacity": 3, **changes} for name in names]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (_categories("A", "A"), "categories"),
        (_categories("A", " a "), "categories"),
        (_categories("ß", "SS"), "categories"),
        (_categories(), "categories"),
        (_categories(*map(str, range(51))), "categories"),
        (_categories("A", capacity=0), "categories.0.capacity"),
        (_categories("A", capacity=1_000_001), "categories.0.capacity"),
        (_categories("A", capacity="3"), "categories.0.capacity"),
        (_categories("A", price="10000000.01"), "categories.price"),
        (_categories("A", price="1.5") | {"currency": "JPY"}, "categories.price"),
        (_categories("A", price="1.005"), "categories.price"),
        (_categories("A", price="1.0001") | {"currency": "KWD"}, "categories.price"),
        ({"currency": "EUX"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XX\u0130"}, "currency"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"timezone": "../../../etc/passwd"}, "timezone"),
        ({"timezone": "+01:00"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "Factory"}, "timezone"),
        ({"timezone": "posixrules"}, "timezone"),
        ({"timezone": "right/Europe/Berlin"}, "timezone"),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00Z"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+23:59"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-23:59"}, "starts_at"),
        ({"starts_at": "2031-02-30T00:00:00Z"}, "starts_at"),
        ({"starts_at": "2031-01-01T25:00:00Z"}, "starts_at"),
        ({"starts_at": "2031-01-01T00:00:00+25:00"}, "starts_at"),
        ({"starts_at": "1924988400"}, "starts_at"),
        ({"starts_at": 1_924_988_400}, "starts_at"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": None, "ends_at": LATER}, "ends_at"),
        ({"ends_at": LATER}, "ends_at"),
        ({"starts_at": "2020-01-01T00:00:00Z", "sales_close_at": "2020-06-01T00:00:00Z"}, "starts_at"),
        ({"ends_at": "2031-01-01T00:00:00Z"}, "ends_at"),
        ({"sales_open_at": LATER, "sales_close_at": LATER}, "sales_close_at"),
        ({"sales_open_at": LATER, "sales_close_at": "2031-01-01T00:00:00Z"}, "sales_close_at"),
        ({"max_tickets_per_customer": 0}, "max_tickets_per_customer"),
        ({"name": "   "}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"description": "a" * 10_001}, "description"),
        *(({field: f"a{one}b"}, field) for field in ("venue", "description") for one in "\u200b\u2028\u202e\u2066\ufeff"),
    ],
)
@pytest.mark.usefixtures("nothing_happens")
def test_invalid_event_is_refused_with_the_field(changes: JSON, path: str, sender: Sender) -> None:
    assert path in paths(refused(sender.raw("create_event", json.dumps(_event(**changes))), 422, slug="malformed"))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"categories": [{"id": str(uuid4())}]}, "categories.id"),
        ({"categories": [{"name": "New"}]}, "categories.0"),
        ({"categories": []}, "categories"),
        ({"categories": None}, ""),
        ({"name": None}, ""),
        ({"starts_at": "2020-01-01T00:00:00Z"}, "starts_at"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"currency": "USD"}, "currency"),
        ({"timezone": "localtime"}, "timezone"),
        ({"venue": "Hall \u202egnp"}, "venue"),
        ({"description": "Hall \u202egnp"}, "description"),
    ],
)
@pytest.mark.usefixtures("nothing_happens")
def test_invalid_edit_is_refused_with_the_field(changes: JSON, path: str, sender: Sender) -> None:
    assert path in paths(refused(sender.raw("update_event", json.dumps(changes)), 422, slug="malformed"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tickets": []}, "tickets"),
        ({"tickets": [{"category": "General", "quantity": 1}] * 2}, "tickets"),
        ({"tickets": [{"category": str(number), "quantity": 1} for number in range(51)]}, "tickets"),
        ({"tickets": [{"category": "Nowhere", "quantity": 1}]}, "tickets.category"),
        ({"tickets": [{"category": str(uuid4()), "quantity": 1}]}, "tickets.category"),
        ({"tickets": [{"category": "General", "quantity": 0}]}, "tickets.0.quantity"),
        ({"tickets": [{"category": "General", "quantity": 1_000_001}]}, "tickets.0.quantity"),
        ({"tickets": [{"category": "General", "quantity": 1.0}]}, "tickets.0.quantity"),
        ({"tickets": [{"category": "General", "quantity": "1"}]}, "tickets.0.quantity"),
        ({"tickets": [{"category": "General"}]}, "tickets.0.quantity"),
        ({"tickets": [{"category": "General", "quantity": 1}], "customer": {}}, "customer.name"),
        ({"tickets": [{"category": "General", "quantity": 1}], "customer": {"name": "A", "email": "no"}}, "customer.email"),
    ],
)
@pytest.mark.usefixtures("nothing_happens")
def test_invalid_booking_is_refused_with_the_field(body: JSON, path: str, sender: Sender) -> None:
    assert path in paths(refused(sender.raw("book_tickets", json.dumps(body)), 422, slug="malformed"))


@pytest.mark.usefixtures("nothing_happens")
def test_edit_is_applied_completely_or_not_at_all(sender: Sender) -> None:
    """Valid changes of name and price, combined with a capacity that is too low or with too many categories."""
    first, second = sender.target.event["categories"]
    below = {"name": "New", "categories": [{"id": first["id"], "price": "1", "capacity": 1}, {"id": second["id"]}]}
    assert refused(sender.raw("update_event", json.dumps(below)), 409, slug="capacity-below-taken")["taken"] == 2
    removed = {"name": "New", "categories": [{"id": second["id"], "price": "1"}]}
    refused(sender.raw("update_event", json.dumps(removed)), 409, slug="category-in-use")
