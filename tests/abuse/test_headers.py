"""What every response tells a browser: not to guess its type, not to show it in a frame, to run nothing, and whether to keep it."""

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.running_system import Person, Stack, tickets

ADDRESSES = (
    "/api/events", "/api/me", "/api/bookings", "/api/users", "/api/audit/checkpoint", "/api/nothing", "/api/about", "/openapi.json",
    "/health", "/ready", "/metrics", "/docs", "/redoc", "/problems/sold-out", "/problems/none", "/", "/favicon.svg",
    "/compat/event-booking/events/", "/compat/event-booking/docs", "/compat/none",
)  # fmt: skip
PRIVATE = (
    "/api/me", "/api/bookings", "/api/users", "/api/events", "/api/audit/entries", "/api/stats/summary", "/api/projections",
)  # fmt: skip
#: Of a response that is no page.
NOTHING = dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")


def policy_of(response: httpx.Response) -> dict[str, str]:
    (policy,) = response.headers.get_list("content-security-policy")
    directives = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: sources for name, _, sources in directives}


def responses(stack: Stack, organizer: Person, alice: Person) -> Iterator[tuple[str, httpx.Response]]:
    """One of each kind, by the fast paths and by the framework."""
    event = stack.event(organizer)
    path = f"/api/events/{event['id']}"
    requests = [
        *(("GET", address, {}) for address in ADDRESSES), ("GET", path, {}), ("GET", f"{path}/bookings", {"Accept": "text/csv"}),
        ("PUT", path, {}), ("POST", "/api/login", {}), ("POST", "/api/logout", {"Authorization": "Bearer x"}),
        ("HEAD", "/api/events", {}),
    ]  # fmt: skip
    for method, address, headers in requests:
        sent = {"Authorization": f"Bearer {organizer.token}", **headers}
        yield f"{method} {address}", stack.http.request(method, address, headers=sent)
    for what, quantity in (("a booking", 1), ("a refusal", 999)):
        yield what, alice.do("POST", f"{path}/bookings", tickets(quantity))
    with stack.http.stream("GET", f"/api/live?event_id={event['id']}") as stream:
        yield "a live stream", stream


def test_every_response_is_confined_in_a_browser(stack: Stack, organizer: Person, alice: Person) -> None:
    kinds = 0
    for what, response in responses(stack, organizer, alice):
        policy, headers = policy_of(response), response.headers
        assert policy["frame-ancestors"] == "'none'", what
        assert policy["base-uri"] == "'none'", what
        assert policy.get("object-src", policy["default-src"]) == "'none'", what
        assert headers.get_list("x-content-type-options") == ["nosniff"], what
        assert headers.get_list("referrer-policy") == ["same-origin"], what
        if "html" not in headers.get("content-type", ""):
            assert policy == NOTHING, what
        kinds += 1
    print(f"{kinds} kinds of responses, each with a policy")


def test_text_names_its_character_set_and_private_responses_are_not_stored(stack: Stack, organizer: Person, alice: Person) -> None:
    for what, response in responses(stack, organizer, alice):
        kind = response.headers.get("content-type", "")
        assert not re.match(r"text/(html|plain|csv)$", kind), what
        if "/api/" in what and response.status_code not in (204, 304):
            assert kind, what
            assert response.headers["cache-control"].startswith(("no-store", "public, max-age=", "no-cache")), what
    for path in PRIVATE:
        assert stack.admin.do("GET", path).headers["cache-control"] == "no-store", path


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + 20_000 * b"x" + b"\r\n\r\n"])
def test_refused_connection_is_told_confined(sent: bytes, stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(stack.url).port or 0), timeout=10) as connection:
        connection.sendall(sent)
        head = connection.recv(4000).lower()
    for header in (b"content-security-policy: default-src 'none';", b"x-content-type-options: nosniff", b"cache-control: no-store"):
        assert header in head


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG"])
def test_diagnostic_methods_are_refused_and_nothing_is_echoed(method: str, stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(stack.url).port or 0), timeout=10) as connection:
        connection.sendall(f"{method} /api/me HTTP/1.1\r\nHost: x\r\nX-Planted: mirrored\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(4000):
            answer += part
    assert answer[9:12] in (b"400", b"405", b"404"), answer
    assert b"mirrored" not in answer
