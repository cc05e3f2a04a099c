"""Requests that another site makes a browser send, and forged headers (S14)."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.abuse.conftest import strict
from tests.abuse.operations import OPERATIONS, SIGNED_IN, Routes, Target
from tests.abuse.refusals import refused
from tests.running_system import PASSWORD, Person, Stack

EVIL = "https://evil.test"


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    """Logged in as the admin, only by cookies."""
    with httpx.Client(base_url=stack.url) as client:
        client.post("/api/login", json={"email": "root@example.test", "password": PASSWORD}).raise_for_status()
        yield client


def test_cookie_without_csrf_token_executes_no_command(
    browser: httpx.Client, stack: Stack, routes: Routes, target: Target, state: Callable[[], Any]
) -> None:
    other = stack.http.post("/api/login", json={"email": "root@example.test", "password": PASSWORD})
    assert target.managed  # made before the state is read
    anothers, before, tried = other.cookies["seatledger_csrf"], state(), 0
    for name, operation in OPERATIONS.items():
        method, path, body, headers = routes.request(name, target)
        if method == "GET" or not operation.roles <= SIGNED_IN:
            continue
        for token in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 32}, {"X-CSRF-Token": anothers}):
            refused(browser.request(method, path, json=body, headers={**headers, **token}), 403, slug="csrf-missing")
            tried += 1
    assert state() == before
    assert browser.get("/api/me").status_code == 200, "still signed in"
    print(f"S14: {tried} forged requests, 0 done")


def test_cookie_with_csrf_token_has_the_users_permissions(browser: httpx.Client, target: Target) -> None:
    assert browser.get("/api/me").json()["email"] == "root@example.test", "reading needs none"
    token = {"X-CSRF-Token": browser.cookies["seatledger_csrf"]}
    assert browser.post(f"/api/events/{target.event['id']}/cancel", headers=token).json()["status"] == "cancelled"
    assert browser.post("/api/logout", headers=token).status_code == 204
    assert set(browser.cookies) == {"seatledger_device"}, "the session's cookies are deleted"
    refused(browser.get("/api/me"), 401, slug="not-signed-in")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_foreign_form_can_not_log_in(media_type: str, stack: Stack) -> None:
    """Requests that a page of another origin may send without a preflight."""
    content = json.dumps({"email": "root@example.test", "password": PASSWORD})
    response = stack.http.post("/api/login", content=content, headers={"Content-Type": media_type, "Origin": EVIL})
    refused(response, 422, slug="malformed")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost.evil.test"])
def test_other_origins_can_not_read_responses(method: str, origin: str, browser: httpx.Client, routes: Routes) -> None:
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-CSRF-Token"}
    for path in {path.format_map(defaultdict[str, object](uuid4, number=0)) for _, path in routes.addresses.values()}:
        with browser.stream(method, path, headers=asks) as response:
            assert not [name for name in response.headers if name.startswith("access-control-")], path


def test_cookies_are_for_https_and_hidden_from_scripts(strict_api: str) -> None:
    response = httpx.post(f"{strict_api}/api/login", json={"email": "root@example.test", "password": PASSWORD})
    flags = {cookie.partition("=")[0]: set(cookie.split("; ")[1:]) for cookie in response.headers.get_list("set-cookie")}
    assert flags.keys() == {"__Host-seatledger_session", "__Host-seatledger_csrf", "__Host-seatledger_device"}
    for some in flags.values():
        assert {"Path=/", "SameSite=lax", "Secure"} <= some
        assert not [flag for flag in some if flag.startswith("Domain")]
    assert "HttpOnly" in flags["__Host-seatledger_session"] & flags["__Host-seatledger_device"]
    assert "HttpOnly" not in flags["__Host-seatledger_csrf"]


def test_session_that_another_host_of_the_domain_could_plant_is_ignored(strict_api: str, alice: Person) -> None:
    """Without the prefix a cookie may be from a subdomain, or from a page over HTTP."""
    for name, status in (("seatledger_session", 401), ("__Host-seatledger_session", 200)):
        assert httpx.get(f"{strict_api}/api/me", headers={"Cookie": f"{name}={alice.token}"}).status_code == status


def test_no_response_redirects_to_another_host(stack: Stack) -> None:
    for path in (
        "//evil.test", "//evil.test/", "/\\evil.test", "/https://evil.test", "/docs/", "/api/events/", "/problems//evil.test",
        "/static-offline-docs//evil.test/..", "/static-offline-docs/%2f%2fevil.test", "/api/login?next=https://evil.test",
        "/docs?url=//evil.test",
    ):  # fmt: skip
        response = stack.http.get(f"{stack.url}{path}", headers={"Host": "evil.test", "X-Forwarded-Host": "evil.test"})
        assert not response.is_redirect, path
        assert "evil.test" not in response.headers.get("location", ""), path


def _try(url: str, email: str, **headers: str) -> int:
    return httpx.post(f"{url}/api/login", json={"email": email, "password": "wrong"}, headers=headers, timeout=30).status_code


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
def test_login_limit_of_an_account_ignores_forwarded_addresses(header: str, strict_api: str) -> None:
    email = f"{uuid4().hex}@example.test"
    spellings = [email, email.upper(), f" {email} "]
    codes = [_try(strict_api, spellings[number % 3], **{header: f"198.51.100.{number}"}) for number in range(12)]
    assert codes == [401] * 10 + [429] * 2


def test_login_limit_of_an_address_can_not_be_bypassed(stack: Stack, redis_url: str) -> None:
    """Each attempt uses another account and another forged address."""
    with stack.another_api(**strict(redis_url)) as url, ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda number: _try(url, f"{uuid4().hex}@example.test", **_made_up(number)), range(110)))
    print(f"S14: 110 log-ins from made-up addresses: {codes.count(401)} verified, {codes.count(429)} refused")
    assert (codes.count(401), codes.count(429)) == (100, 10)


def _made_up(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.{number}", "X-Real-IP": f"203.0.113.{number}"}


def test_token_in_a_url_is_ignored(stack: Stack, alice: Person) -> None:
    """URLs are stored in logs and browser histories."""
    for name in ("access_token", "token", "seatledger_session"):
        refused(stack.http.get(f"/api/me?{name}={alice.token}"), 401, slug="not-signed-in")


def test_reading_changes_nothing(stack: Stack, routes: Routes, target: Target, state: Callable[[], Any]) -> None:
    """A link or an image of another site makes a browser send the cookie with GET."""
    assert target.managed  # made before the state is read
    before, tried = state(), 0
    for name in OPERATIONS:
        method, path, _, headers = routes.request(name, target)
        if method == "GET" and path.partition("?")[0] != "/api/live":
            for safe in ("GET", "HEAD"):
                sent = {"Authorization": f"Bearer {stack.admin.token}", **headers}
                assert stack.http.request(safe, path, headers=sent).status_code < 500
            tried += 2
    assert tried > 30
    assert state() == before
