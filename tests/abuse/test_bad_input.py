"""Whatever is sent: a clear 4xx that says where it is wrong, nothing of our inside, and nothing half done."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.abuse.operations import OPERATIONS, Routes, Thing
from tests.abuse.refusals import paths, refused
from tests.abuse.test_unknown_fields import BODIES
from tests.running_system import JSON, LATER, Person, Stack

MANY_DIGITS = "1" * 400
COMMANDS = [name for name in OPERATIONS if not name.startswith("get_")]
#: As raw JSON, since no Python value makes most of them.
UNREADABLE = "1" * 5_000  # Python refuses to read so long a number
NUMBERS = (MANY_DIGITS, f"-{MANY_DIGITS}", UNREADABLE, "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "-1", "0.5")
TEXTS = (r'"a\u0000b"', r'"\ud800"', r'"\udc00\ud800"', r'"a\u001bb"', r'"a\u0085b"', f'"{"a" * 10_001}"', f'"{MANY_DIGITS}"')
OTHERS = ("true", "[]", "{}", '[["x"]]')
MARK = "MARK"


class Sender:
    """As an admin, whom no role stops."""

    def __init__(self, stack: Stack, routes: Routes, thing: Thing) -> None:
        self.stack, self.routes, self.thing = stack, routes, thing

    def raw(self, name: str, content: Any, **headers: Any) -> httpx.Response:
        method, path, _, more = self.routes.request(name, self.thing)
        sent = {"Authorization": f"Bearer {self.stack.admin.token}", "Content-Type": "application/json", **more, **headers}
        return self.stack.http.request(method, path, content=content, headers=sent)

    def query(self, name: str, query: str) -> httpx.Response:
        method, path, _, more = self.routes.request(name, self.thing)
        return self.stack.http.request(
            method, f"{path}?{query}", headers={"Authorization": f"Bearer {self.stack.admin.token}", **more}
        )


@pytest.fixture
def sender(stack: Stack, routes: Routes, thing: Thing) -> Sender:
    return Sender(stack, routes, thing)


@pytest.fixture
def nothing_happens(state: Callable[[], Any], sender: Sender) -> Iterator[None]:
    """To be named after what the test sets up."""
    before = state()
    yield
    assert state() == before, "something was done"


# --- bodies


def _places(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a body that is no object, by its path; lists count, and so does what is in them."""
    if not isinstance(value, dict):
        yield path, value
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, f"{path}.{name}".lstrip("."))


def _with(body: JSON, path: str, raw: str) -> str:
    """The body's JSON with `raw` in the place of one value."""
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    changed: Any = deepcopy(body)
    inner = changed
    for step in way:
        inner = inner[step]
    inner[last] = MARK
    return json.dumps(changed).replace(f'"{MARK}"', raw)


def _wrong_for(path: str, value: Any) -> Iterator[str]:
    field = path.rpartition(".")[2]
    if isinstance(value, str):
        yield from TEXTS if field not in ("description", "reason") else (one for one in TEXTS if MANY_DIGITS not in one)
    yield from NUMBERS if field != "price" else (one for one in NUMBERS if one != "0.5")
    if field == "price":
        yield from ('"NaN"', '"1e3"', '"1_0"', '" 1"', '"-1"', '"0.001"', "0.001", '"99999999999"', '"\uff11"', '""')
    yield from (one for one in OTHERS if not (isinstance(value, bool) and one == "true"))
    if isinstance(value, int) and not isinstance(value, bool):
        yield f'"{MANY_DIGITS}"'


def _full_body(name: str, thing: Thing) -> JSON:
    """The customer is one that there is: who is new gets an account before it is known whether the booking is accepted."""
    customer = {"customer": {"name": "Root", "email": "root@example.test"}}
    return (thing.body(name) or {}) | (customer if name == "book_tickets" else {})


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.usefixtures("nothing_happens")
def test_no_field_takes_what_it_can_not_be(name: str, sender: Sender) -> None:
    body, sent = _full_body(name, sender.thing), 0
    for path, value in _places(body):
        for raw in _wrong_for(path, value):
            problem = refused(sender.raw(name, _with(body, path, raw)), 422, 401 if name == "log_in" else 422)
            if problem["type"] == "/problems/malformed" and raw != UNREADABLE:
                named = {one.partition(".")[0] for one in paths(problem)}
                assert named & {"", path.partition(".")[0]}, (path, raw[:50], problem)
            sent += 1
    print(f"bad input: {name}: {sent} bodies with one wrong value, all refused")


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.usefixtures("nothing_happens")
def test_what_is_no_body_is_refused(name: str, sender: Sender) -> None:
    contents = [
        b"{", b"}", b"\x00", b"\xff\xfe", b'"text"', b"1", b"true", b"[]", b"[{}]", b"NaN", b"[" * 10_000, b'{"a":' * 10_000,
        b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000, b'{"\\ud800": 1}', b'{"a": 1,}', b"{'a': 1}",
        b"\xef\xbb\xbf{",
    ]  # fmt: skip
    for content in contents if name == "cancel_event" else [b"", b"null", b"{}", *contents]:
        if content == b"{}" and name in ("update_me", "update_user", "update_event"):
            continue  # changes nothing, and may
        refused(sender.raw(name, content), 422, slug="malformed")
    good = json.dumps(_full_body(name, sender.thing))
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
def test_a_body_over_64_kib_is_413_however_it_is_sent(name: str, sender: Sender) -> None:
    text = json.dumps(_full_body(name, sender.thing)).encode()
    large = text + b" " * (64 * 1024 + 1 - len(text))
    refused(sender.raw(name, large), 413, slug="body-too-large")
    if name in BODIES:
        chunks = (large[start : start + 5_000] for start in range(0, len(large), 5_000))
        refused(sender.raw(name, chunks), 413, slug="body-too-large")


def test_a_body_of_64_kib_is_not_too_large(sender: Sender) -> None:
    text = json.dumps(sender.thing.body("book_tickets")).encode()
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
        ({"starts_at": None}, "starts_at"),
        ({"ends_at": LATER}, "ends_at"),
        ({"ends_at": "2031-01-01T00:00:00Z"}, "ends_at"),
        ({"sales_open_at": LATER, "sales_close_at": LATER}, "sales_close_at"),
        ({"sales_open_at": LATER, "sales_close_at": "2031-01-01T00:00:00Z"}, "sales_close_at"),
        ({"max_tickets_per_customer": 0}, "max_tickets_per_customer"),
        ({"name": "   "}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"description": "a" * 10_001}, "description"),
    ],
)
@pytest.mark.usefixtures("nothing_happens")
def test_an_event_that_can_not_be_is_refused_with_the_field(changes: JSON, path: str, sender: Sender) -> None:
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
    ],
)
@pytest.mark.usefixtures("nothing_happens")
def test_an_edit_that_can_not_be_is_refused_with_the_field(changes: JSON, path: str, sender: Sender) -> None:
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
def test_a_booking_that_can_not_be_is_refused_with_the_field(body: JSON, path: str, sender: Sender) -> None:
    assert path in paths(refused(sender.raw("book_tickets", json.dumps(body)), 422, slug="malformed"))


@pytest.mark.usefixtures("nothing_happens")
def test_an_edit_is_done_whole_or_not_at_all(sender: Sender) -> None:
    """A new name and price come with a capacity below what is taken, or with a category too many."""
    first, second = sender.thing.event["categories"]
    below = {"name": "New", "categories": [{"id": first["id"], "price": "1", "capacity": 1}, {"id": second["id"]}]}
    assert refused(sender.raw("update_event", json.dumps(below)), 409, slug="capacity-below-taken")["taken"] == 2
    removed = {"name": "New", "categories": [{"id": second["id"], "price": "1"}]}
    refused(sender.raw("update_event", json.dumps(removed)), 409, slug="category-in-use")


# --- parameters

#: Percent-encoded: NUL, a lone surrogate, bytes that are no UTF-8, a control character.
BAD_BYTES = ("%00", "%ed%a0%80", "%ff%fe", "a%1bb")
BAD_PARAMETERS = {
    "q": (*BAD_BYTES[:1], "a%1bb", "a" * 10_001),
    "limit": ("0", "-1", "201", "1.5", "true", "", "NaN", "1e2", "Infinity", MANY_DIGITS, f"-{MANY_DIGITS}", "0x10", *BAD_BYTES),
    "cursor": (
        "x",
        "!!!!",
        "W10",
        "MQMQMQ",
        "bnVsbA",
        MANY_DIGITS,
        "a" * 200,
        "a" * 400,
        "WyJ4IiwieCJd",
        "LTE",
        "MWU5OTk",
        *BAD_BYTES,
    ),
    "from": (
        "x",
        "",
        "1924988400",
        "1e999",
        "NaN",
        MANY_DIGITS,
        "0001-01-01T00:00:00%2B23:59",
        "9999-12-31T23:59:59-23:59",
        *BAD_BYTES,
    ),
    "status": ("x", "", "ACTIVE", "active,cancelled", MANY_DIGITS, *BAD_BYTES),
    "interval": ("x", "", "week", "year'; --", MANY_DIGITS, *BAD_BYTES),
    "event_id": ("x", "", "1", MANY_DIGITS, "' OR 1=1", *BAD_BYTES),
}
BAD_PARAMETERS |= {
    "to": BAD_PARAMETERS["from"],
    "organizer_id": BAD_PARAMETERS["event_id"],
    "customer_id": BAD_PARAMETERS["event_id"],
}
#: These take no parameter, or (`get_projections`) do not heed it.
UNASKED = ("get_me", "get_projections", "get_health", "get_ready", "get_metrics")
BAD_POSITIONS = ("", "x", "-1", "1.5", "true", MANY_DIGITS, str(2**63), str(2**63 - 1), "1e3", "NaN")


def _parameters(routes: Routes, name: str, where: str) -> list[str]:
    return [one["name"] for one in routes.operation(name).get("parameters", []) if one["in"] == where]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("get_") and name not in UNASKED])
def test_no_query_parameter_takes_what_it_can_not_be(name: str, sender: Sender, routes: Routes) -> None:
    sent = 0
    for parameter in _parameters(routes, name, "query"):
        for value in BAD_PARAMETERS[parameter]:
            problem = refused(sender.query(name, f"{parameter}={value}"), 422, slug="malformed")
            assert any(path.startswith(parameter) for path in paths(problem)), (value, problem)
            sent += 1
    if "Ledger-Position" in _parameters(routes, name, "header"):
        for position in BAD_POSITIONS:
            refused(sender.raw(name, None, **{"Ledger-Position": position}), 422)
            sent += 1
    assert sent
    print(f"bad input: {name}: {sent} wrong parameters, all refused")


@pytest.mark.parametrize("name", ["get_users", "get_events", "get_event_bookings", "get_stats_events"])
def test_no_search_ends_in_a_mistake_of_ours(name: str, sender: Sender) -> None:
    for q in (
        "%ed%a0%80",
        "%ff",
        "a" * 10_000,
        "%25" * 3_000,
        "_" * 10_000,
        "%5c" * 3_333,
        "1" * 400,
        "9" * 19,
        "%C2%B2",
        "%F0%9F%8E%AB" * 2_000,
    ):
        response = sender.query(name, f"q={q}")
        assert response.status_code == 200 or refused(response, 422, slug="malformed"), q


def test_a_search_is_literal(stack: Stack, organizer: Person) -> None:
    """S10, with neighbours that a pattern would find."""
    mark = uuid4().hex[:8]
    names = [
        f"{mark} 100% sure",
        f"{mark} 100 sure",
        f"{mark} a_b",
        f"{mark} aXb",
        f"{mark} c\\d",
        f"{mark} cd",
        f"{mark} e'f",
        f"{mark} [x]*",
    ]
    for name in names:
        stack.event(organizer, name=name)
    found = {}
    for q in ("100%", "%", "a_b", "_", "c\\d", "\\", "e'f", "[x]*", "\\%", "%%", ".*"):
        for path in ("/api/events", "/api/stats/events"):
            headers = {"Authorization": f"Bearer {organizer.token}", "Ledger-Position": organizer.last}
            items = stack.http.get(path, params={"q": q}, headers=headers).json()["items"]
            found[path, q] = {one["name"] for one in items if one["name"].startswith(mark)}
    wrong = {key: names_found for key, names_found in found.items() if names_found != {name for name in names if key[1] in name}}
    print(f"S10: {len(found)} searches, {len(wrong)} not literal")
    assert not wrong


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("sign_up", "log_in")])
@pytest.mark.usefixtures("nothing_happens")
def test_malformed_and_unknown_ids_in_a_path(name: str, sender: Sender, routes: Routes) -> None:
    method, template = routes.places[name]
    malformed = ("x", "1", "-1", MANY_DIGITS, "null", "' OR 1=1 --", "a" * 5_000, *BAD_BYTES, "..%2f..%2fetc%2fpasswd", "%2e%2e")
    if "{" not in template:
        refused(sender.stack.http.put(template), 405, slug="method-not-allowed")
        return
    body, headers = sender.thing.body(name), {"Authorization": f"Bearer {sender.stack.admin.token}", "If-Match": '"1"'}
    prefix, _, rest = template.partition("{")
    for id_ in malformed:
        response = sender.stack.http.request(method, prefix + id_ + rest.partition("}")[2], json=body, headers=headers)
        refused(response, 404, 405, 422)
    response = sender.stack.http.request(method, prefix + str(uuid4()) + rest.partition("}")[2], json=body, headers=headers)
    refused(response, 404)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("sign_up", "log_in", "log_out", "erase_me")])
@pytest.mark.usefixtures("nothing_happens")
def test_an_idempotency_key_is_1_to_255_printable_characters(name: str, sender: Sender, routes: Routes) -> None:
    assert "Idempotency-Key" in _parameters(routes, name, "header")
    for key in ("", "a" * 256, "a" * 9_000, "é", "a\tb", "\U0001f3ab"):
        problem = refused(sender.raw(name, json.dumps(_full_body(name, sender.thing)), **{"Idempotency-Key": key.encode()}), 422)
        assert paths(problem) == {"Idempotency-Key"}


@pytest.mark.parametrize("tag", ["", "x", '""', "*", '"1", "2"', '"-1"', f'"{MANY_DIGITS}"', '"0"', '"1.0"', '"\uff11"'])
@pytest.mark.usefixtures("nothing_happens")
def test_an_if_match_that_names_no_version_is_stale(tag: str, sender: Sender) -> None:
    refused(sender.raw("update_event", '{"name": "New"}', **{"If-Match": tag.encode()}), 412, slug="stale-version")


@pytest.mark.parametrize("event_id", ["", "-1", "x", MANY_DIGITS, str(2**63), "1.5"])
def test_a_last_event_id_that_never_was_begins_from_what_is(event_id: str, sender: Sender) -> None:
    sender.stack.admin.ok("GET", f"/api/events/{sender.thing.event['id']}", Ledger_Position=sender.thing.position)
    with sender.stack.http.stream(
        "GET", f"/api/live?event_id={sender.thing.event['id']}", headers={"Last-Event-ID": event_id}
    ) as response:
        assert response.status_code == 200
        assert "event: availability" in next(response.iter_text())
