"""What the API process serves beside the API: the built page, its files, and nothing in the API's way."""

import gzip
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app import static_site
from app.main import bootstrap
from ledger.settings import Settings
from tests.running_system import Stack
from tests.stripe_servers import KEYS

EVENT = "/events/00000000-0000-4000-8000-000000000000"
PAGES = [
    "/",
    "/bookings",
    "/events/00000000-0000-4000-8000-000000000000",
    "/sign-in?return=/account",
    "/no/such/page",
    "//evil.test/x",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_path_serves_the_page(path: str, stack: Stack) -> None:
    response = stack.http.get(f"{stack.url}{path}")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.headers["cache-control"] == "no-cache"
    assert '<div id="root">' in response.text


def test_policy_allows_no_inline_script_and_styles_by_nonce(stack: Stack) -> None:
    first, second = (stack.http.get("/") for _ in range(2))
    policy = dict(part.split(" ", 1) for part in first.headers["content-security-policy"].split("; "))
    assert policy["script-src"] == "'self'"
    assert (policy["default-src"], policy["frame-ancestors"], policy["connect-src"]) == ("'none'", "'none'", "'self'")
    assert "unsafe" not in first.headers["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([\w-]{22})'", policy["style-src"])
    assert nonce in first.text
    assert nonce not in second.text
    assert not re.search(r"<script(?![^>]* src=)", first.text), "each script is a file"


@pytest.mark.parametrize(
    ("base", "scripts", "frames", "requests"),
    [
        (
            "",
            "'self' https://js.stripe.com https://*.js.stripe.com",
            "'self' https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
            "'self' https://api.stripe.com",
        ),
        ("http://127.0.0.1:8420", "'self' http://127.0.0.1:8420", "'self'", "'self' http://127.0.0.1:8420"),
    ],
)
async def test_policy_is_open_for_the_card_form_where_there_is_one(base: str, scripts: str, frames: str, requests: str) -> None:
    settings = Settings(database_url="postgresql:", redis_url="redis:", demo=True, stripe_api_base=base, **KEYS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(bootstrap(settings)), base_url="http://test") as client:
        front = await client.get("/")
    policy = dict(part.split(" ", 1) for part in front.headers["content-security-policy"].split("; "))
    assert (policy["script-src"], policy["frame-src"], policy["connect-src"]) == (scripts, frames, requests)


def _asset(stack: Stack) -> str:
    found = re.search(r'src="(/assets/[\w.-]+\.js)"', stack.http.get("/").text)
    assert found
    return found[1]


@pytest.mark.parametrize(("accepts", "coding"), [("gzip, deflate", "gzip"), ("gzip, br", "br"), ("", None), ("br;q=0", None)])
def test_assets_are_compressed_and_immutable(accepts: str, coding: str | None, stack: Stack) -> None:
    with stack.http.stream("GET", _asset(stack), headers={"Accept-Encoding": accepts}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers.get("content-encoding") == coding
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"].startswith("text/javascript")
    if coding == "gzip":
        assert b"createElement" in gzip.decompress(raw)


def test_head_and_unknown_paths_are_answered(stack: Stack) -> None:
    head = stack.http.head("/")
    assert (head.content, int(head.headers["content-length"]) > 500) == (b"", True)
    for path in (
        "/assets/no.js",
        "/assets/%2e%2e/web.py",
        "/api/nothing",
        "/problems/nothing",
        "/compat/nothing",
        "/health/nothing",
    ):
        response = stack.http.get(path)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json"), path
    for path in ("/", "/bookings", "/api/nothing"):
        assert stack.http.post(path).status_code == 404, path


def _application(tmp_path: Path) -> FastAPI:
    return bootstrap(Settings(database_url="postgresql:///none", redis_url="redis:///0", data_dir=tmp_path))


async def test_front_page_without_a_build_redirects_to_the_api_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_site.install, "__defaults__", (tmp_path,))
    transport = httpx.ASGITransport(_application(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/")).headers["location"] == "/docs"
        assert (await client.get("/bookings")).status_code == 404


def test_api_requests_do_not_pass_the_page(tmp_path: Path) -> None:
    """It is where the router ends, no route among routes."""
    router = _application(tmp_path).router
    assert isinstance(router.default, static_site.StaticSite)
    assert "/" not in {getattr(route, "path", "") for route in router.routes}
