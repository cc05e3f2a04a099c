"""The OpenAPI documents and their pages, /docs and /redoc, of our own API and of the five others. They load nothing from other
hosts."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastapi_offline
import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger.settings import Settings
from query_api.responses.representation import Representation, respond

_REDOC = "redoc.standalone.js"
#: Redoc would fetch its vendor's logo. The page's policy forbids that, and the browser would log an error.
_LOGO, _NOTHING = "https://cdn.redoc.ly/redoc/logo-mini.svg", "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"


def prepare(app: FastAPI, settings: Settings) -> None:
    """Adds the documentation's files and document. To be called before the application handles a request."""
    app.router.routes.insert(0, Route(f"/static-offline-docs/{_REDOC}", _redoc))
    route = next(route for route in app.routes if isinstance(route, Route) and route.path == app.openapi_url)
    app.router.routes[app.router.routes.index(route)] = Route(route.path, _served_document(app, bool(settings.public_url)))


def document_of(app: FastAPI, error_responses: Mapping[str, Any]) -> dict[str, Any]:
    """FastAPI's document, with these error responses for every operation instead of FastAPI's."""
    document: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, servers=app.servers
    )
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"] |= error_responses
    return document


def _served_document(app: FastAPI, has_public_url: bool) -> Callable[[Request], Awaitable[Response]]:
    """Without a public URL it names the server by its path alone, so that "Try it out" works with each of its names: localhost,
    127.0.0.1 … It is encoded once: that takes more than a booking."""
    made: list[Representation] = []

    async def document(request: Request) -> Response:
        if not made:
            mounted_at = request.scope["root_path"].removeprefix(request.scope.get("app_root_path", ""))
            servers = {} if has_public_url else {"servers": [{"url": mounted_at or "/"}]}
            made.append(Representation(msgspec.json.encode({**app.openapi(), **servers})))
        return respond(made[0], None, request)

    return document


async def _redoc(request: Request) -> Response:
    return Response(_script(), media_type="text/javascript", headers={"Cache-Control": "public, max-age=3600"})


@cache
def _script() -> str:
    return (Path(fastapi_offline.__file__).parent / "static" / _REDOC).read_text().replace(_LOGO, _NOTHING)
