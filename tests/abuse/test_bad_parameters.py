"""Invalid paths, query parameters and headers: each gets a 4xx that names the error, and changes nothing."""

import json
from uuid import uuid4

import pytest

from tests.abuse.conftest import Sender
from tests.abuse.operations import KEYLESS, MAILBOX, OPERATIONS, Routes
from tests.abuse.refusals import paths, refused
from tests.abuse.test_bad_input import COMMANDS, MANY_DIGITS, full_body
from tests.running_system import Person, Stack

#: Percent-encoded: NUL, a lone surrogate, bytes that are no UTF-8, a control character.
BAD_BYTES = ("%00", "%ed%a0%80", "%ff%fe", "a%1bb")
BAD_MOMENTS = ("", "x", "-1", "1.5", "yesterday", "1e999", MANY_DIGITS, str(2**63), "0001-01-01T00:00:00%2B23:59", *BAD_BYTES)
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
    "booking_id": BAD_PARAMETERS["event_id"],
    "state": BAD_PARAMETERS["status"],
    "payment": BAD_PARAMETERS["status"],
    "to": BAD_PARAMETERS["from"],
    "organizer_id": BAD_PARAMETERS["event_id"],
    "customer_id": BAD_PARAMETERS["event_id"],
    "actor_id": BAD_PARAMETERS["event_id"],
    "account_id": BAD_PARAMETERS["event_id"],
    "since": BAD_MOMENTS,
    "at": BAD_MOMENTS,
    "type": ("", "seats-booked/1", *BAD_PARAMETERS["status"]),
    "when": ("now", *BAD_PARAMETERS["status"]),
    "after": ("", "x", "-1", "1.5", MANY_DIGITS, str(2**63), *BAD_BYTES),
}
BAD_PARAMETERS["position"] = ("0", *BAD_PARAMETERS["after"])
#: Elsewhere these are times.
BAD_SIZES = {"from": BAD_PARAMETERS["after"], "to": BAD_PARAMETERS["after"]}
#: These take no parameter, or (`get_projections`) do not heed it.
UNASKED = (
    "get_about", "get_me", "get_sessions", "get_projections", "get_health", "get_ready", "get_metrics", *MAILBOX,
    "get_webhooks", "get_webhook", "get_webhook_delivery", "get_unplaced_money",
)  # fmt: skip
BAD_POSITIONS = ("", "x", "-1", "1.5", "true", MANY_DIGITS, str(2**63), str(2**63 - 1), "1e3", "NaN")


def _parameters(routes: Routes, name: str, where: str) -> list[str]:
    return [parameter["name"] for parameter in routes.operation(name).get("parameters", []) if parameter["in"] == where]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("get_") and name not in UNASKED])
def test_invalid_query_parameters_are_refused(name: str, sender: Sender, routes: Routes) -> None:
    sent = 0
    for parameter in _parameters(routes, name, "query"):
        for value in (BAD_SIZES if name == "get_consistency" else BAD_PARAMETERS)[parameter]:
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
def test_search_never_ends_in_an_internal_error(name: str, sender: Sender) -> None:
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
        "%F0%9F%8E%AB" * 1_000,
    ):
        response = sender.query(name, f"q={q}")
        assert response.status_code == 200 or refused(response, 422, slug="malformed"), q
    refused(sender.query(name, f"q={'%F0%9F%8E%AB' * 2_000}"), 431, slug="head-too-large")


def test_search_text_is_literal(stack: Stack, organizer: Person) -> None:
    """Search characters of LIKE patterns match only themselves (S10)."""
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
    names_by_search = {}
    for q in ("100%", "%", "a_b", "_", "c\\d", "\\", "e'f", "[x]*", "\\%", "%%", ".*"):
        for path in ("/api/events", "/api/stats/events"):
            headers = {"Authorization": f"Bearer {organizer.token}", "Ledger-Position": organizer.last}
            items = stack.http.get(path, params={"q": q}, headers=headers).json()["items"]
            names_by_search[path, q] = {item["name"] for item in items if item["name"].startswith(mark)}
    wrong = {key: found for key, found in names_by_search.items() if found != {name for name in names if key[1] in name}}
    print(f"S10: {len(names_by_search)} searches, {len(wrong)} not literal")
    assert not wrong


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("sign_up", "log_in")])
@pytest.mark.usefixtures("nothing_happens")
def test_malformed_and_unknown_ids_in_a_path_are_refused(name: str, sender: Sender, routes: Routes) -> None:
    method, template = routes.addresses[name]
    malformed = ("x", "1", "-1", MANY_DIGITS, "null", "' OR 1=1 --", "a" * 5_000, *BAD_BYTES, "..%2f..%2fetc%2fpasswd", "%2e%2e")
    if "{" not in template:
        refused(sender.stack.http.put(template), 405, slug="method-not-allowed")
        return
    body, headers = sender.target.body(name), {"Authorization": f"Bearer {sender.stack.admin.token}", "If-Match": '"1"'}
    prefix, _, rest = template.partition("{")
    suffix = rest.partition("}")[2].format_map(sender.target.ids)
    for id_ in malformed:
        response = sender.stack.http.request(method, prefix + id_ + suffix, json=body, headers=headers)
        refused(response, 404, 405, 422)
    response = sender.stack.http.request(method, prefix + str(uuid4()) + suffix, json=body, headers=headers)
    refused(response, 404)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in KEYLESS])
@pytest.mark.usefixtures("nothing_happens")
def test_idempotency_key_has_1_to_255_printable_characters(name: str, sender: Sender, routes: Routes) -> None:
    assert "Idempotency-Key" in _parameters(routes, name, "header")
    for key in ("", "a" * 256, "a" * 9_000, "é", "a\tb", "\U0001f3ab"):
        problem = refused(sender.raw(name, json.dumps(full_body(name, sender.target)), **{"Idempotency-Key": key.encode()}), 422)
        assert paths(problem) == {"Idempotency-Key"}


@pytest.mark.parametrize("tag", ["", "x", '""', "*", '"1", "2"', '"-1"', f'"{MANY_DIGITS}"', '"0"', '"1.0"', '"\uff11"'])
@pytest.mark.usefixtures("nothing_happens")
def test_if_match_without_a_valid_version_is_stale(tag: str, sender: Sender) -> None:
    refused(sender.raw("update_event", '{"name": "New"}', **{"If-Match": tag.encode()}), 412, slug="stale-version")


@pytest.mark.parametrize("event_id", ["", "-1", "x", MANY_DIGITS, str(2**63), "1.5"])
def test_unknown_last_event_id_starts_with_the_current_state(event_id: str, sender: Sender) -> None:
    sender.stack.admin.ok("GET", f"/api/events/{sender.target.event['id']}", Ledger_Position=sender.target.position)
    with sender.stack.http.stream(
        "GET", f"/api/live?event_id={sender.target.event['id']}", headers={"Last-Event-ID": event_id}
    ) as response:
        assert response.status_code == 200
        assert "event: availability" in next(response.iter_text())
