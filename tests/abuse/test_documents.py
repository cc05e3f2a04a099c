"""The OpenAPI document matches the API, and its pages load nothing from other hosts."""

import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import pytest

from app.main import bootstrap
from ledger.settings import Settings
from tests.abuse.operations import (
    ATTENDEE_MAIL,
    MAILBOX,
    MANAGE_BY_MAIL,
    NEED_MAIL,
    ONE_WEBHOOK,
    OPERATIONS,
    RESENDING,
    Routes,
    Target,
    send,
)
from tests.running_system import JSON, Person, Stack


def test_operation_ids_and_tags_match_the_contract(routes: Routes) -> None:
    assert {name: routes.operation(name)["tags"] for name in routes.addresses} == {
        name: [operation.tag] for name, operation in OPERATIONS.items()
    }


def test_document_names_its_server(stack: Stack) -> None:
    """By its path alone: the document is the same for each name of the server, and repeats none that a client sends."""
    first, second = (stack.http.get("/openapi.json", headers=headers) for headers in ({}, {"Host": "evil.example"}))
    assert first.json()["servers"] == [{"url": "/"}]
    assert first.content == second.content
    assert stack.http.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_document_names_the_roles_of_each_operation(routes: Routes) -> None:
    for name, operation in OPERATIONS.items():
        security = routes.operation(name).get("security", [{}])
        roles = {role for scheme in security for role in scheme.get("bearer", [])}
        assert ({} in security) == ("nobody" in operation.roles or operation.is_for_guests), name
        if "nobody" not in operation.roles:
            assert roles == operation.roles | {role for role, status in operation.others.items() if status == 404}, name


def test_error_responses_are_documented_as_problems(routes: Routes) -> None:
    for name in OPERATIONS:
        answers = routes.operation(name)["responses"]
        for status in ("4XX", "5XX"):
            assert answers[status]["content"].keys() == {"application/problem+json"}, name


# --- responses and the document


def _differences(routes: Routes, schema: JSON, value: Any, path: str = "$") -> Iterator[str]:
    """The paths at which a value does not match a JSON schema (of the kinds that we use). Unknown fields count as differences."""
    schema = routes.resolve(schema)
    if "anyOf" in schema:
        if all(any(_differences(routes, option, value, path)) for option in schema["anyOf"]):
            yield f"{path} is none of {schema['anyOf']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}"
    if "const" in schema and value != schema["const"]:
        yield f"{path} is {value!r}"
    if not isinstance(value, _TYPES[schema.get("type")]) or (isinstance(value, bool) and schema.get("type") != "boolean"):
        yield f"{path} is {value!r}, not {schema.get('type')}"
        return
    if (check := _FORMATS.get(schema.get("format"))) and not check(value):
        yield f"{path} is {value!r}, not {schema['format']}"
    for number, item in enumerate(value) if schema.get("type") == "array" else ():
        yield from _differences(routes, schema["items"], item, f"{path}[{number}]")
    if "properties" in schema:
        yield from (f"{path}.{name} is missing" for name in set(schema.get("required", ())) - value.keys())
        yield from (f"{path}.{name} is not documented" for name in value.keys() - schema["properties"].keys())
        for name in value.keys() & schema["properties"].keys():
            yield from _differences(routes, schema["properties"][name], value[name], f"{path}.{name}")


_TYPES: dict[Any, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool, "null": type(None),
    None: object,
}  # fmt: skip
_FORMATS: dict[Any, Any] = {
    "uuid": lambda value: str(UUID(value)) == value,
    "date-time": lambda value: value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None,
    "number": re.compile(r"-?\d+(\.\d+)?").fullmatch,
}


#: These end a session, answer no JSON, fail without a demo or mail, or were done already.
OTHERS = (
    "log_out", "erase_me", "erase_user", "reauthenticate", "end_session", "end_other_sessions", "confirm_second_factor",
    "remove_second_factor", "get_metrics", "get_live", "get_receipt", *MAILBOX, *NEED_MAIL,
    *ONE_WEBHOOK, "get_webhooks",
    "get_managed_receipt", "get_managed_calendar", "claim_bookings", *MANAGE_BY_MAIL, *ATTENDEE_MAIL, "get_messages",
    "get_notifications", "withdraw_codes", "take_payment", *RESENDING,
    "pay_hold", "give_unbooked_refund", "get_unplaced_money", "receive_provider_webhook",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in OTHERS])
def test_responses_match_the_document(name: str, stack: Stack, routes: Routes, target: Target, people: dict[str, Person]) -> None:
    person = people["customer" if name in ("get_bookings", "update_me") else "admin"]
    with send(person, routes.request(name, target)) as response:
        documented = routes.operation(name)["responses"]
        assert str(response.status_code) in documented
        schema = documented[str(response.status_code)]["content"]["application/json"]["schema"]
        assert not list(_differences(routes, schema, response.json()))
        if "items" in response.json():
            assert response.json()["items"], "an empty list shows nothing"
    if OPERATIONS[name].tag in ("events", "bookings", "tickets", "payments", "stats"):
        assert int(response.headers["ledger-position"]) > 0
        assert response.headers["cache-control"] == "no-store"


def test_problems_match_the_document(stack: Stack, routes: Routes) -> None:
    problem = stack.http.post("/api/events", json={}, headers={"Authorization": f"Bearer {stack.admin.token}"}).json()
    assert problem["errors"]
    assert not list(_differences(routes, routes.document["components"]["schemas"]["Problem"], problem))


# --- pages


class _Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href", "spec-url", "action", "data") and value]


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_documentation_pages_load_nothing_from_other_hosts(page: str, stack: Stack) -> None:
    response = stack.http.get(page)
    assert response.status_code == 200
    links = _Links(response.text).links + re.findall(r"url: '([^']+)'", response.text)
    assert len(links) >= 2, "a page without assets was not read"
    for link in links:
        address = urljoin(stack.url + page, link)
        assert urlsplit(address).netloc == urlsplit(stack.url).netloc, link
        asset = stack.http.get(address)
        assert asset.status_code == 200, link
        assert asset.content, link
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", response.text)


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_documentation_pages_have_a_content_security_policy(page: str, stack: Stack) -> None:
    """Redoc's script would fetch its vendor's logo."""
    policy = dict(
        directive.strip().split(" ", 1) for directive in stack.http.get(page).headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert not [
        source for sources in policy.values() for source in sources.split() if "." in source or source in ("*", "https:", "http:")
    ]


def test_document_names_the_public_url() -> None:
    settings = Settings(database_url="postgresql:///none", redis_url="redis:///0", public_url="https://tickets.example.test/")
    assert bootstrap(settings).openapi()["servers"] == [{"url": "https://tickets.example.test"}]
