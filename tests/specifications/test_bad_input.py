"""Any input to any operation of the five APIs gets a 2xx or 4xx with JSON, never a 500."""

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.settings import COMPAT_APIS
from tests.running_system import JSON, LATER, Stack
from tests.specifications.client import NOT_NUMBERS, UNKNOWN_NUMBERS, Client
from tests.specifications.reserving import sign_up

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1, 10**18, 2**63, 10**40, 1.5, -1e300, float("nan"), float("inf"), "", " ", "1", "-1", "x" * 300,
    "x" * 20_000, "\x00", "\ud800", "\u202e", "'; --", "%s", "2001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00", [], [[]], {}, {"a": {}}, [None], [1] * 100,
)  # fmt: skip
ADDRESSES = (*UNKNOWN_NUMBERS, *NOT_NUMBERS, "%2e%2e", "%2F", "a%0Ab", "'", "x" * 500, "00000000-0000-0000-0000-000000000000")


class Api:
    def __init__(self, stack: Stack, name: str) -> None:
        self.document = stack.http.get(f"/compat/{name}/openapi.json").json()
        self.client = Client(stack, name)
        if name == "event-ticketing":
            users = self.client.ok("GET", "/api/users")
            self.client = self.client.with_headers(X_User_Id=str(next(user["id"] for user in users if user["role"] == "admin")))
        if name == "event-reservations":
            self.client = sign_up(stack).client

    def operations(self) -> Iterator[tuple[str, str, JSON]]:
        for path, operations in self.document["paths"].items():
            yield from ((method.upper(), path, operation) for method, operation in operations.items())

    def body(self, operation: JSON) -> Any:
        """A body that may be accepted; None if the operation has no body."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return self._sample(content["schema"]) if content else None

    def _sample(self, schema: JSON) -> Any:
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return self._sample(schema["anyOf"][0])
        if schema.get("type") == "object":
            return {name: self._sample(property_schema) for name, property_schema in schema["properties"].items()}
        if schema.get("type") == "array":
            return [self._sample(schema["items"])]
        by_format = {"date-time": LATER, "email": "a@example.test", "number": "1.00"}
        return schema.get("enum", [by_format.get(schema.get("format", ""), {"integer": 1}.get(schema.get("type", ""), "x"))])[0]


@pytest.fixture(params=COMPAT_APIS)
def api(request: pytest.FixtureRequest, stack: Stack) -> Api:
    return Api(stack, request.param)


def _address(path: str, value: str) -> str:
    return "/".join(value if step.startswith("{") else step for step in path.split("/"))


def _check(api: Api, method: str, path: str, body: Any) -> int:
    response = api.client.do(method, path, body)
    assert response.status_code < 500, (method, path, str(body)[:200], response.text)
    assert response.status_code == 204 or response.headers["content-type"] == "application/json"
    if response.content:
        response.json()
    return response.status_code


def test_any_path_never_ends_in_an_internal_error(api: Api) -> None:
    sent = 0
    for method, path, operation in api.operations():
        for value in ADDRESSES if "{" in path else ():
            assert 400 <= _check(api, method, _address(path, value), api.body(operation)) < 500
            sent += 1
    assert sent


def test_any_body_never_ends_in_an_internal_error(api: Api) -> None:
    refused = 0
    for method, path, operation in api.operations():
        body = api.body(operation)
        if body is None:
            continue
        where = _address(path, "1")
        bodies = [*JUNK, *({**body, field: junk} for field in body for junk in JUNK), *(
            {name: value for name, value in body.items() if name != field} for field in body)]  # fmt: skip
        refused += sum(_check(api, method, where, body_) >= 400 for body_ in bodies)
    assert refused > 50
    print(f"{refused} bodies refused")


def test_any_query_string_never_ends_in_an_internal_error(stack: Stack) -> None:
    api = Api(stack, "event-ticketing")
    for name in ("search", "date_from", "date_to", "limit"):
        for junk in (text for text in JUNK if isinstance(text, str) and text != "\ud800"):
            status = api.client.do("GET", "/api/events", **{name: junk}).status_code
            assert status in (200, 422) or (status == 431 and len(junk) > 16_000)
    for user_id in ("", "-1", "9" * 400, "x", "1e5", "0"):
        assert api.client.with_headers(X_User_Id=user_id).do("POST", "/api/events", {}).status_code == 403
