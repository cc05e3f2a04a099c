"""The page's files, as `make setup` builds them from `frontend/`: read into memory once, served for paths that match no route.

The router calls it only after no route matched, so API requests never pass through it. Without a build `/` redirects to the API's
documentation.
"""

import mimetypes
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from compat.application import PREFIX
from ledger.settings import Settings

DIST = Path(__file__).parent.parent / "frontend" / "dist"
INDEX = "index.html"
#: Content codings by the suffixes that the build gives compressed files, best first.
CODINGS = {".br": "br", ".gz": "gzip"}
#: The build writes this where a nonce belongs; each response gets a new one (frontend/vite.config.ts).
NONCE_PLACEHOLDER = b"nonce-of-this-answer"

_IMMUTABLE = "public, max-age=31536000, immutable"  # for files whose names contain a hash of their content
_ONE_HOUR = "public, max-age=3600"
#: Styles need a nonce, because Mantine writes its variables into a style element. Images are files, or generated QR codes (data:).
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'nonce-{nonce}'; style-src-attr 'none';"
    " img-src 'self' data: blob:; font-src 'self'; frame-src 'self'{frames}; connect-src 'self'{requests}; media-src 'self' blob:;"
    " worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Origins(NamedTuple):
    """Others from which the page may load scripts and frames, and to which it may send requests, each after a blank."""

    scripts: str = ""
    frames: str = ""
    requests: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of Stripe's card form (docs.stripe.com/security/guide), where there is one."""
        if not settings.stripe_api_key:
            return cls()
        if base := settings.stripe_api_base:
            return cls(f" {base}", "", f" {base}")
        scripts = " https://js.stripe.com https://*.js.stripe.com"
        return cls(scripts, f"{scripts} https://hooks.stripe.com", " https://api.stripe.com")


class StaticFile(NamedTuple):
    """A file of the build. `bodies` by content coding; "" is the uncompressed file, which is always there."""

    media_type: str
    cache_control: str
    bodies: Mapping[str, bytes]


class StaticSite:
    """An ASGI application for `app.router.default`.

    `reserved`: first path segments that belong to routes. `fallback` responds to requests for neither a file nor a page. Raises
    FileNotFoundError where there is no build."""

    def __init__(self, dist: Path, reserved: frozenset[str], fallback: ASGIApp, origins: Origins) -> None:
        self._index = (dist / INDEX).read_bytes()
        self._files = {f"/{path.relative_to(dist)}": _read(path, dist) for path in dist.rglob("*") if _is_original(path)}
        self._reserved, self._fallback, self._origins = reserved, fallback, origins._asdict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._respond(scope) if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else None
        await (response or self._fallback)(scope, receive, send)

    def _respond(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if file := self._files.get(path):
            return _file_response(file, Headers(scope=scope).get("accept-encoding", ""))
        return None if path.split("/")[1] in self._reserved else self._index_page()

    def _index_page(self) -> Response:
        """The same HTML for each page: the script in the browser selects the page by its path."""
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": _POLICY.format(nonce=nonce, **self._origins),
            "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        }
        return Response(self._index.replace(NONCE_PLACEHOLDER, nonce.encode()), headers=headers, media_type="text/html")


def install(app: FastAPI, settings: Settings, dist: Path = DIST) -> None:
    """To be called after all routes were added: the first path segment of each is reserved."""
    reserved = {route.path.split("/")[1] for route in app.routes if isinstance(route, Route | Mount)}
    try:
        names = frozenset(reserved | {"api", "assets", PREFIX.strip("/")})
        app.router.default = StaticSite(dist, names, app.router.not_found, Origins.of(settings))
    except FileNotFoundError:
        app.add_api_route("/", _redirect_to_docs, include_in_schema=False)


async def _redirect_to_docs() -> RedirectResponse:
    return RedirectResponse("/docs")


def _is_original(path: Path) -> bool:
    return path.is_file() and path.suffix not in CODINGS and path.name != INDEX


def _read(path: Path, dist: Path) -> StaticFile:
    coded = {coding: path.with_name(path.name + suffix) for suffix, coding in CODINGS.items()}
    bodies = {coding: each.read_bytes() for coding, each in coded.items() if each.is_file()}
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    cache_control = _IMMUTABLE if path.is_relative_to(dist / "assets") else _ONE_HOUR
    return StaticFile(media_type, cache_control, {**bodies, "": path.read_bytes()})


def _file_response(file: StaticFile, accept_encoding: str) -> Response:
    known = {part.strip().lower() for part in accept_encoding.split(",")}
    coding = next((coding for coding in file.bodies if coding in known), "")
    headers = {"Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if coding:
        headers["Content-Encoding"] = coding
    return Response(file.bodies[coding], headers=headers, media_type=file.media_type)
